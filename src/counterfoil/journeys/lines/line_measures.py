"""Measures on lines: announced with a notice, carried out on their day, ended by themselves.

The story   A review or a person takes a measure: it is written as planned, with the notice to the
            customer and an event for whoever sends it. `carry_out` brings those whose day has come
            to the line through the write path; the measure's own number is the key. A freeze ends
            by itself; a person may lift a measure (`lift_measure.py`).
Invariant   Money owed and repayment never depend on a measure. What could not be carried out says
            why, to the customer as well. A crash between two steps leaves a measure planned, and
            the next run carries it out, once (`settle_measures.py`).
Time        A planned decrease follows its notice by the days of the policy, a freeze and a
            suspension are told as they begin.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

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
    words_of_dropped,
)
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.refusals import MEASURE_WITHOUT_EFFECT
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind as RefusalKind
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.commands import (
    CloseLine,
    Command,
    FreezeLine,
    SetLimit,
    SuspendLine,
)
from counterfoil.lending.line import Line
from counterfoil.lending.store import read_line, read_lines
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

PAGE: Final = 500
#: Author of what follows from a policy, on the line.
RULE_AUTHOR: Final = "line_review"
#: Cause of what a person takes.
BY_PERSON: Final = "person"
#: Reason of what a person takes without another one that the policy has a text for.
PERSON_DECIDES: Final = "PERSON_DECIDES"
#: Refusals that leave open whether a command was carried out, or ask to send it again.
TO_BE_REPEATED: Final = frozenset(
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


class _Brought(NamedTuple):
    """A measure as it stands after it was brought to its line."""

    measure: LineMeasure
    #: Why it could not be told now; None where it was, or where its day has not come.
    refused: Refused | None = None


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


async def bring_to_line(house: House, taken: LineMeasure) -> LineMeasure | Refused:
    """Carry out a measure that is announced, where its day is today; return it as it stands.

    Refused where it cannot be told now: it stays planned, and the next run carries it out.
    """
    [said] = await _carry_out(house, [taken], await house.business_date())
    return said.refused or said.measure


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
        said = await _carry_out(house, page, on)
        done += [item.measure for item in said if item.measure.status is Status.IN_FORCE]
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


async def _carry_out(house: House, measures: Sequence[LineMeasure], on: date) -> list[_Brought]:
    """Bring to their lines the measures whose day has come; return all as they then stand."""
    due = [item for item in measures if item.effective_on <= on]
    if not due:
        return [_Brought(item) for item in measures]
    async with house.database.connection() as connection:
        lines = await read_lines(connection, [(item.customer_id, item.line_id) for item in due])
    answers = await asyncio.gather(
        *(_submit(house, item, lines.get((item.customer_id, item.line_id)), on) for item in due)
    )
    now = house.clock.now()
    brought: dict[store.MeasureKey, _Brought] = {}
    async with house.database.transaction() as connection:
        found = await store.lock_measures(connection, [item.key for item in due])
        for item, said in zip(due, answers, strict=True):
            present = found[item.key]
            if present.status is not Status.PLANNED:
                brought[item.key] = _Brought(present)
            elif isinstance(said, Answer):
                brought[item.key] = _Brought(transitions.take_effect(present))
            elif said.kind in TO_BE_REPEATED:
                brought[item.key] = _Brought(present, said)
            else:
                dropped = transitions.drop(present, said.code, on=on, at=now)
                brought[item.key] = _Brought(dropped)
        changed = [one.measure for key, one in brought.items() if one.measure != found[key]]
        if changed:
            await store.change_measures(connection, changed)
        # Who was told that it comes is told that it does not.
        dropped_words = [
            notice_of(house, one, NoticeKind.ENDED, words_of_dropped(one))
            for one in changed
            if one.status is Status.DROPPED
        ]
        await tell(house, connection, dropped_words)
    return [brought.get(item.key) or _Brought(item) for item in measures]


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
