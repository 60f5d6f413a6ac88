"""Lifting a measure on a line, or undoing one that was wrong from its start; the line comes first.

The story   Who lifts it and why is written before the line is told. Then the former limit is given
            back, or the line opened, and the end of the measure is written with its notice.
Crash       Between the steps a lifting stays written and unfinished: `finish_liftings` goes on with
            it, in the words of the person who began it.
Several     Of several freezes the one that lasts longest goes on holding the line.
"""

from collections.abc import Sequence
from typing import Any, Final

from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review import measure as transitions
from counterfoil.decisioning.line_review.case_store import Lifting
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import NoticeKind, ended_words
from counterfoil.decisioning.refusals import LINE_MEASURE_NOT_FOUND
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_measures import PAGE, TO_BE_REPEATED, notice_of, tell
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.commands import (
    Command,
    FreezeLine,
    ReinstateLine,
    RestoreLimit,
    UnfreezeLine,
)
from counterfoil.lending.line import Line, agreed_limit
from counterfoil.lending.review_facts import UNDONE
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.privacy.masking import mask_free_text

LIFTED: Final = "measure_lifted"


async def lift_measure(
    house: House, *, customer_id: int, measure_id: int, by: str, reason: str, is_wrong: bool
) -> LineMeasure | Refused:
    """Lift a measure, or undo one that was wrong from its start; the line comes back first.

    The same again gives the measure as it then stands.
    """
    lifting = Lifting(
        customer_id=customer_id,
        measure_id=measure_id,
        is_wrong=is_wrong,
        lifted_by=by,
        reason=mask_free_text(reason),
        asked_at=house.clock.now(),
    )
    on, key = await house.business_date(), (customer_id, measure_id)
    async with house.database.transaction() as connection:
        held = (await store.lock_measures(connection, [key])).get(key)
        if held is None:
            return refuse(LINE_MEASURE_NOT_FOUND)
        lifted = transitions.lift(
            held, by, lifting.reason, is_wrong=is_wrong, on=on, at=lifting.asked_at
        )
        if isinstance(lifted, Refused):
            return held if _is_done(held, lifting) else lifted
        await store.add_lifting(connection, lifting)
    return await _lift(house, lifting)


async def finish_liftings(house: House) -> int:
    """Bring liftings to their end that a crash cut short; return how many."""
    async with house.database.connection() as connection:
        begun = await store.liftings_unfinished(connection, page=PAGE)
    ended = [await _lift(house, lifting) for lifting in begun]
    return sum(isinstance(item, LineMeasure) for item in ended)


def _is_done(held: LineMeasure, lifting: Lifting) -> bool:
    status = Status.UNDONE if lifting.is_wrong else Status.LIFTED
    wanted = (status, lifting.lifted_by, lifting.reason)
    return (held.status, held.ended_by, held.end_reason) == wanted


async def _lift(house: House, lifting: Lifting) -> LineMeasure | Refused:
    """Give the line back what the measure took, then write the measure's end."""
    key = (lifting.customer_id, lifting.measure_id)
    async with house.database.connection() as connection:
        held = (await store.lock_measures(connection, [key]))[key]
        line = await read_line(connection, lifting.customer_id, held.line_id)
        others = await store.measures_of_line(
            connection, customer_id=lifting.customer_id, line_id=held.line_id
        )
    command = None
    if line is not None:
        command = _way_back(line, held, others, lifting.lifted_by, is_wrong=lifting.is_wrong)
    if command is not None:
        said = await house.counter.submit(
            command, idempotency_key=f"line-measure:{lifting.measure_id}:back"
        )
        if isinstance(said, Refused) and said.kind in TO_BE_REPEATED:
            return said
    return await _note_lifted(house, lifting)


async def _note_lifted(house: House, lifting: Lifting) -> LineMeasure | Refused:
    on, key = await house.business_date(), (lifting.customer_id, lifting.measure_id)
    async with house.database.transaction() as connection:
        found = (await store.lock_measures(connection, [key]))[key]
        lifted = transitions.lift(
            found,
            lifting.lifted_by,
            lifting.reason,
            is_wrong=lifting.is_wrong,
            on=on,
            at=house.clock.now(),
        )
        if isinstance(lifted, Refused):
            return lifted
        await store.change_measures(connection, [lifted])
        words = ended_words(lifted, on)
        await tell(house, connection, [notice_of(house, lifted, NoticeKind.ENDED, words)])
        if lifted.status is Status.UNDONE:
            # Whoever told others of the measure tells them that it never was.
            told = (
                *(house.ids.next(), lifted.customer_id, "line_measure_undone"),
                *(lifted.measure_id, "{}", house.clock.now()),
            )
            await PLATFORM.add_events.execute(connection, rows=[told])
    return lifted


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
            # What the customer agreed to since, or asked for, stands.
            limit = None if limit is None else min(limit, agreed_limit(line))
            if limit is None or limit <= line.limit_minor:
                return None
            return RestoreLimit(**of, limit_minor=limit, from_minor=line.limit_minor, reason=reason)
        case Kind.FREEZE:
            return _thaw(line, held, others, of, reason)
        case Kind.SUSPEND:
            return ReinstateLine(**of, reason=reason) if line.status == "suspended" else None
        case Kind.CLOSE:
            return None


def _thaw(
    line: Line, held: LineMeasure, others: Sequence[LineMeasure], of: dict[str, Any], reason: str
) -> Command | None:
    """Return what ends a freeze; where another one stands, that holds the line to its own end."""
    if line.status != "frozen":
        return None
    ends = [
        one.ends_on
        for one in others
        if one.kind is Kind.FREEZE and one.status is Status.IN_FORCE and one.key != held.key
    ]
    if not ends:
        return UnfreezeLine(**of, reason=reason)
    last = None if None in ends else max(day for day in ends if day is not None)
    return None if last == line.frozen_until else FreezeLine(**of, until=last, reason=reason)
