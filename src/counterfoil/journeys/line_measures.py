"""Measures on lines: announced with a notice, carried out on their day, ended, lifted, undone.

The story   A review or a person takes a measure: it is written as planned, with the notice to the
            customer and an event for whoever sends it. `carry_out` brings those whose day has come
            to the line through the write path; the measure's own number is the key. A freeze ends
            by itself; a person may lift a measure or undo it from its start.
Invariant   Money owed and repayment never depend on a measure. What could not be carried out says
            why. A crash between two steps leaves a measure planned, and the next run carries it
            out, once.
Time        A planned decrease follows its notice by the days of the policy, a freeze and a
            suspension are told as they begin.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review import measure as transitions
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import (
    LineNotice,
    NoticeKind,
    Words,
    ended_words,
    joined,
    measure_words,
)
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.refusals import LINE_MEASURE_NOT_FOUND, MEASURE_WITHOUT_EFFECT
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind as RefusalKind
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.commands import (
    CloseLine,
    Command,
    FreezeLine,
    ReinstateLine,
    RestoreLimit,
    SetLimit,
    SuspendLine,
    UnfreezeLine,
)
from counterfoil.lending.line import Line
from counterfoil.lending.review_facts import UNDONE
from counterfoil.lending.store import LineKey, read_line, read_lines
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

PAGE: Final = 500
#: Author of what follows from a policy, on the line.
RULE_AUTHOR: Final = "line_review"
LIFTED: Final = "measure_lifted"
#: Cause of what a person takes.
BY_PERSON: Final = "person"
#: Reason of what a person takes without another one that the policy has a text for.
PERSON_DECIDES: Final = "PERSON_DECIDES"
#: Refusals that leave open whether a command was carried out, or ask to send it again.
_TO_BE_REPEATED: Final = frozenset(
    {RefusalKind.UNAVAILABLE, RefusalKind.BUSY, RefusalKind.IN_FLIGHT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureWish:
    """A measure that a person takes."""

    customer_id: int
    line_id: int
    kind: Kind
    #: A code of the policy, by which the customer is told why.
    reason: str
    author: str
    #: The limit of a decrease.
    to_minor: int | None = None
    #: Last day of a freeze.
    ends_on: date | None = None
    #: Fraud: a decrease works at once.
    is_fraud: bool = False
    #: What the person says about it; kept for the line's history.
    said: str | None = None


async def take_measure(
    house: House, policy: ReviewPolicy, wish: MeasureWish
) -> LineMeasure | Refused:
    """Announce a measure that a person takes, and carry it out where its day is today."""
    async with house.database.transaction() as connection:
        taken = await announce_wish(house, connection, policy, wish)
    return taken if isinstance(taken, Refused) else await bring_to_line(house, taken)


async def announce_wish(
    house: House, connection: Connection, policy: ReviewPolicy, wish: MeasureWish
) -> LineMeasure | Refused:
    """Announce a measure that a person takes, in the transaction at hand."""
    on = await house.business_date()
    line = await read_line(connection, wish.customer_id, wish.line_id)
    refused = _refuse_wish(line, policy, wish, on)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    is_later = wish.kind is Kind.LOWER and not wish.is_fraud
    taken = LineMeasure(
        customer_id=wish.customer_id,
        measure_id=house.ids.next(),
        line_id=wish.line_id,
        kind=wish.kind,
        status=Status.PLANNED,
        cause=BY_PERSON,
        reasons=(wish.reason,),
        author=wish.author,
        review_id=None,
        announced_at=house.clock.now(),
        effective_on=on + timedelta(days=policy.notice_days if is_later else 0),
        ends_on=wish.ends_on,
        currency=line.currency,
        from_minor=line.limit_minor,
        to_minor=wish.to_minor,
        said=wish.said and mask_free_text(wish.said),
    )
    await announce(house, connection, policy, [taken])
    return taken


async def bring_to_line(house: House, taken: LineMeasure) -> LineMeasure:
    """Carry out a measure that is announced, where its day is today; return it as it stands."""
    [after] = await _carry_out(house, [taken], await house.business_date())
    return after


async def note_taken(
    house: House, connection: Connection, policy: ReviewPolicy, taken: LineMeasure
) -> LineMeasure:
    """Write a measure that a person's act has brought to the line already, with its notice."""
    await announce(house, connection, policy, [taken])
    done = transitions.take_effect(taken)
    await store.change_measures(connection, [done])
    return done


async def announce(
    house: House, connection: Connection, policy: ReviewPolicy, measures: Sequence[LineMeasure]
) -> None:
    """Write measures with their notices, and tell whoever sends notices."""
    if not measures:
        return
    await store.add_measures(connection, measures)
    notices = [
        notice_of(house, item, NoticeKind.MEASURE, measure_words(item, _reasons(policy, item)))
        for item in measures
    ]
    await tell(house, connection, notices)


async def tell(house: House, connection: Connection, notices: Sequence[LineNotice]) -> None:
    """Keep notices, and put each into the outbox for whoever sends them."""
    if not notices:
        return
    await store.add_notices(connection, notices)
    now = house.clock.now()
    rows = [
        (house.ids.next(), item.customer_id, "line_notice", item.notice_id, "{}", now)
        for item in notices
    ]
    await PLATFORM.add_events.execute(connection, rows=rows)


def notice_of(house: House, measure: LineMeasure, kind: NoticeKind, words: Words) -> LineNotice:
    """Return a notice that tells of a measure."""
    return LineNotice(
        customer_id=measure.customer_id,
        notice_id=house.ids.next(),
        line_id=measure.line_id,
        kind=kind,
        measure_id=measure.measure_id,
        review_id=measure.review_id,
        text_zh=words.zh,
        text_en=words.en,
        created_at=house.clock.now(),
    )


async def carry_out(house: House, *, on: date) -> list[LineMeasure]:
    """Carry out every measure whose day has come; return those that took effect."""
    done: list[LineMeasure] = []
    after: store.MeasureKey = (0, 0)
    while True:
        async with house.database.connection() as connection:
            page = await store.measures_planned(
                connection, business_date=on, page=PAGE, after=after
            )
        if not page:
            return done
        moved = await _carry_out(house, page, on)
        done += [item for item in moved if item.status is Status.IN_FORCE]
        after = page[-1].key


async def end_expired(house: House, *, on: date) -> int:
    """End the freezes whose last day is over, and tell the customers; return how many."""
    count = 0
    while True:
        now = house.clock.now()
        async with house.database.transaction() as connection:
            page = await store.measures_expired(connection, business_date=on, page=PAGE)
            if not page:
                return count
            ended = [
                transitions.end(item, transitions.BY_TIME, "expired", on=on, at=now)
                for item in page
            ]
            await store.change_measures(connection, ended)
            await tell(
                house,
                connection,
                [notice_of(house, item, NoticeKind.ENDED, ended_words(item, on)) for item in ended],
            )
        count += len(page)


async def reinstate(house: House, keys: Mapping[LineKey, str]) -> list[LineKey]:
    """Lift suspensions by rule; `keys` gives each line the key of its command."""
    answers = await asyncio.gather(
        *(
            house.counter.submit(
                ReinstateLine(
                    customer_id=customer_id, line_id=line_id, reason="cured", author=RULE_AUTHOR
                ),
                idempotency_key=key,
            )
            for (customer_id, line_id), key in keys.items()
        )
    )
    back = [key for key, said in zip(keys, answers, strict=True) if isinstance(said, Answer)]
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        standings = await store.read_standings(connection, back)
        held = [
            item.key
            for standing in standings.values()
            for item in standing.measures
            if item.kind is Kind.SUSPEND
        ]
        found = await store.lock_measures(connection, held)
        ended = [
            transitions.end(item, transitions.BY_RULE, "cured", on=on, at=now)
            for item in found.values()
            if item.status is Status.IN_FORCE
        ]
        await store.change_measures(connection, ended)
        notices = [
            notice_of(house, item, NoticeKind.ENDED, ended_words(item, on)) for item in ended
        ]
        await tell(house, connection, notices)
    return back


async def lift_measure(
    house: House, *, customer_id: int, measure_id: int, by: str, reason: str, is_wrong: bool
) -> LineMeasure | Refused:
    """Lift a measure, or undo one that was wrong from its start; the line comes back first.

    The same again gives the measure as it then stands.
    """
    on, now = await house.business_date(), house.clock.now()
    async with house.database.connection() as connection:
        held = (await store.lock_measures(connection, [(customer_id, measure_id)])).get(
            (customer_id, measure_id)
        )
        if held is None:
            return refuse(LINE_MEASURE_NOT_FOUND)
        line = await read_line(connection, customer_id, held.line_id)
        others = await store.measures_of_line(
            connection, customer_id=customer_id, line_id=held.line_id
        )
    lifted = transitions.lift(held, by, mask_free_text(reason), is_wrong=is_wrong, on=on, at=now)
    if isinstance(lifted, Refused):
        return lifted
    command = None if line is None else _way_back(line, held, others, by, is_wrong=is_wrong)
    if command is not None:
        said = await house.counter.submit(
            command, idempotency_key=f"line-measure:{measure_id}:back"
        )
        if isinstance(said, Refused) and said.kind in _TO_BE_REPEATED:
            return said
    return await _note_lifted(house, lifted)


async def _note_lifted(house: House, lifted: LineMeasure) -> LineMeasure | Refused:
    async with house.database.transaction() as connection:
        found = (await store.lock_measures(connection, [lifted.key]))[lifted.key]
        assert lifted.ended_by is not None, "somebody lifted it"
        assert lifted.ended_on is not None, "it was lifted on a day"
        assert lifted.ended_at is not None, "it was lifted at an instant"
        again = transitions.lift(
            found,
            lifted.ended_by,
            lifted.end_reason or "",
            is_wrong=lifted.status is Status.UNDONE,
            on=lifted.ended_on,
            at=lifted.ended_at,
        )
        if isinstance(again, Refused):
            return again
        await store.change_measures(connection, [again])
        words = ended_words(again, lifted.ended_on)
        await tell(house, connection, [notice_of(house, again, NoticeKind.ENDED, words)])
        if again.status is Status.UNDONE:
            # Whoever told others of the measure tells them that it never was.
            told = (
                house.ids.next(),
                again.customer_id,
                "line_measure_undone",
                again.measure_id,
                "{}",
                lifted.ended_at,
            )
            await PLATFORM.add_events.execute(connection, rows=[told])
    return again


def _way_back(
    line: Line, held: LineMeasure, others: Sequence[LineMeasure], by: str, *, is_wrong: bool
) -> Command | None:
    """Return what gives the line back what the measure took; None where nothing is left of it."""
    if held.status is not Status.IN_FORCE and not (
        held.status is Status.ENDED and held.kind is Kind.LOWER
    ):
        return None
    of: dict[str, Any] = {"customer_id": line.customer_id, "line_id": line.line_id, "author": by}
    reason = UNDONE if is_wrong else LIFTED
    match held.kind:
        case Kind.LOWER:
            limit = transitions.limit_after_lifting(others, held)
            if limit is None or limit <= line.limit_minor:
                return None
            return RestoreLimit(**of, limit_minor=limit, from_minor=line.limit_minor, reason=reason)
        case Kind.FREEZE:
            return UnfreezeLine(**of, reason=reason) if line.status == "frozen" else None
        case Kind.SUSPEND:
            return ReinstateLine(**of, reason=reason) if line.status == "suspended" else None
        case Kind.CLOSE:
            return None


async def _carry_out(house: House, measures: Sequence[LineMeasure], on: date) -> list[LineMeasure]:
    """Bring to their lines the measures whose day has come; return all as they then stand."""
    due = [item for item in measures if item.effective_on <= on]
    if not due:
        return list(measures)
    async with house.database.connection() as connection:
        lines = await read_lines(connection, [(item.customer_id, item.line_id) for item in due])
    answers = await asyncio.gather(
        *(_submit(house, item, lines.get((item.customer_id, item.line_id)), on) for item in due)
    )
    now = house.clock.now()
    moved: dict[store.MeasureKey, LineMeasure] = {}
    async with house.database.transaction() as connection:
        found = await store.lock_measures(connection, [item.key for item in due])
        for item, said in zip(due, answers, strict=True):
            present = found[item.key]
            if present.status is not Status.PLANNED:
                moved[item.key] = replace(present)
            elif isinstance(said, Answer):
                moved[item.key] = transitions.take_effect(present)
            elif said.kind not in _TO_BE_REPEATED:
                moved[item.key] = transitions.drop(present, said.code, on=on, at=now)
        changed = [item for key, item in moved.items() if item != found[key]]
        if changed:
            await store.change_measures(connection, changed)
    return [moved.get(item.key, item) for item in measures]


async def _submit(
    house: House, measure: LineMeasure, line: Line | None, on: date
) -> Answer | Refused:
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    command = _command(house, measure, line)
    if isinstance(command, Refused):
        return command
    if isinstance(command, FreezeLine) and command.until is not None and command.until < on:
        return refuse(MEASURE_WITHOUT_EFFECT, reason="its last day is over")
    return await house.counter.submit(command, idempotency_key=f"line-measure:{measure.measure_id}")


def _command(house: House, measure: LineMeasure, line: Line) -> Command | Refused:
    """Return what a measure does to the line as it is on its day."""
    author = RULE_AUTHOR if measure.author == transitions.BY_RULE else measure.author
    of: dict[str, Any] = {
        "customer_id": measure.customer_id,
        "line_id": measure.line_id,
        "reason": measure.said or measure.reasons[0],
        "author": author,
    }
    match measure.kind:
        case Kind.FREEZE:
            return FreezeLine(**of, until=measure.ends_on)
        case Kind.SUSPEND:
            return SuspendLine(**of)
        case Kind.CLOSE:
            return CloseLine(**of)
        case Kind.LOWER:
            limit = _limit_of(house, measure, line)
            if limit >= line.limit_minor:
                return refuse(MEASURE_WITHOUT_EFFECT, reason="the limit is as low already")
            return SetLimit(**of, limit_minor=limit)


def _limit_of(house: House, measure: LineMeasure, line: Line) -> int:
    """Return the limit on the day of effect: a rule never goes below what was used meanwhile."""
    assert measure.to_minor is not None, "a decrease names its limit"
    if measure.author != transitions.BY_RULE:
        return measure.to_minor
    step = house.catalogue.terms(line.product_code, line.product_version).limit_minor_step
    used = -(-(line.principal_minor + line.held_minor) // step) * step
    return max(measure.to_minor, used)


def _refuse_wish(
    line: Line | None, policy: ReviewPolicy, wish: MeasureWish, on: date
) -> Refused | None:
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if line.status == "closed":
        return refuse(refusals.LINE_CLOSED)
    if wish.reason not in policy.reasons:
        return refuse(MEASURE_WITHOUT_EFFECT, reason="no text is known for its reason")
    if wish.kind is Kind.LOWER:
        if wish.to_minor is None or wish.to_minor >= line.limit_minor:
            return refuse(MEASURE_WITHOUT_EFFECT, reason="it names no lower limit")
        return None
    if wish.kind is Kind.CLOSE:
        owed = line.principal_minor + line.held_minor
        kept = line.credit_minor + line.returning_minor
        is_empty = not owed and not kept
        return (
            None
            if is_empty
            else refuse(refusals.LINE_NOT_EMPTY, owed_minor=owed, credit_minor=kept)
        )
    if wish.kind is Kind.FREEZE and (wish.ends_on is None or wish.ends_on < on):
        return refuse(MEASURE_WITHOUT_EFFECT, reason="a freeze has a last day to come")
    if line.status == "suspended":
        return refuse(refusals.LINE_SUSPENDED, reason=line.status_reason)
    return None


def _reasons(policy: ReviewPolicy, measure: LineMeasure) -> Words:
    return joined(policy.texts(measure.reasons, "zh"), policy.texts(measure.reasons, "en"))


def measure_document(policy: ReviewPolicy, measure: LineMeasure) -> dict[str, object]:
    """Return what an answer says of a measure."""
    return {
        "id": ids.to_text(ids.LINE_MEASURE, measure.measure_id),
        "customer_id": ids.to_text(ids.CUSTOMER, measure.customer_id),
        "line_id": ids.to_text(ids.LINE, measure.line_id),
        "kind": measure.kind.value,
        "status": measure.status.value,
        "cause": measure.cause,
        "reasons": policy.told(measure.reasons),
        "author": measure.author,
        "review_id": measure.review_id and ids.to_text(ids.LINE_REVIEW, measure.review_id),
        "announced_at": measure.announced_at.isoformat(),
        "effective_on": measure.effective_on.isoformat(),
        "ends_on": measure.ends_on and measure.ends_on.isoformat(),
        "currency": measure.currency,
        "from_minor": measure.from_minor,
        "to_minor": measure.to_minor,
        "said": measure.said,
        "ended_at": measure.ended_at and measure.ended_at.isoformat(),
        "ended_by": measure.ended_by,
        "end_reason": measure.end_reason,
    }
