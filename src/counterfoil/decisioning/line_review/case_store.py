"""Reads and writes measures on lines, notices, appeals and signals."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.decisioning.choice_store import choices_of
from counterfoil.decisioning.line_review.appeal import AppealStatus, LineAppeal
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import LineNotice, NoticeKind
from counterfoil.decisioning.line_review.signal import LineSignal, SignalKind
from counterfoil.decisioning.wishes import Choice
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning.line_review", "case_store.sql")
#: Entries of one line that a list shows.
LISTED_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
#: Before every appeal that waits.
FIRST: Final = (date.min, 0)

#: Customer and line.
LineKey = tuple[int, int]
#: Customer and measure.
MeasureKey = tuple[int, int]


class GoneMeasure(NamedTuple):
    """A measure in force that its line bears no more."""

    measure: LineMeasure
    #: Who ended what the line bore, and why; None where time did.
    ended_by: str | None
    reason: str | None


class Lifting(NamedTuple):
    """That somebody lifts a measure, as it is kept from before the line is told."""

    customer_id: int
    measure_id: int
    is_wrong: bool
    lifted_by: str
    reason: str
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a line beside its own record."""

    signals: Sequence[LineSignal] = ()
    appeals_open: int = 0
    #: When the last measure that counts took effect, or is going to.
    measured_on: date | None = None
    measures: Sequence[LineMeasure] = field(default_factory=tuple)
    #: Whether the customer wants no decision by machine alone.
    person_decides: bool = False


async def read_standings(
    connection: Connection, keys: Collection[LineKey]
) -> dict[LineKey, Standing]:
    """Return what is known of lines beside their records."""
    asked = _lines(keys)
    signals: defaultdict[LineKey, list[LineSignal]] = defaultdict(list)
    measures: defaultdict[LineKey, list[LineMeasure]] = defaultdict(list)
    for row in await QUERIES.signals_of_lines.fetch(connection, **asked):
        signals[row["customer_id"], row["line_id"]].append(_signal(row))
    for row in await QUERIES.measures_standing.fetch(connection, **asked):
        measures[row["customer_id"], row["line_id"]].append(_measure(row))
    appeals = {
        (row["customer_id"], row["line_id"]): row["appeals"]
        for row in await QUERIES.appeals_open_of_lines.fetch(connection, **asked)
    }
    last = {
        (row["customer_id"], row["line_id"]): row["last_on"]
        for row in await QUERIES.last_measures.fetch(connection, **asked)
    }
    chosen = await choices_of(connection, sorted({customer_id for customer_id, _ in keys}))
    return {
        key: Standing(
            signals=signals[key],
            appeals_open=appeals.get(key, 0),
            measured_on=last.get(key),
            measures=measures[key],
            person_decides=Choice.PERSON_DECIDES in chosen.get(key[0], {}),
        )
        for key in keys
    }


async def add_measures(connection: Connection, measures: Sequence[LineMeasure]) -> None:
    """Write measures that are announced."""
    await QUERIES.add_measures.execute(
        connection,
        customer_ids=[item.customer_id for item in measures],
        measure_ids=[item.measure_id for item in measures],
        line_ids=[item.line_id for item in measures],
        kinds=[item.kind.value for item in measures],
        causes=[item.cause for item in measures],
        reasons=[",".join(item.reasons) for item in measures],
        authors=[item.author for item in measures],
        review_ids=[item.review_id for item in measures],
        announced_at=[item.announced_at for item in measures],
        effective_on=[item.effective_on for item in measures],
        ends_on=[item.ends_on for item in measures],
        currencies=[item.currency for item in measures],
        from_minor=[item.from_minor for item in measures],
        to_minor=[item.to_minor for item in measures],
        said=[item.said for item in measures],
    )


async def change_measures(connection: Connection, measures: Sequence[LineMeasure]) -> None:
    """Write how measures moved on that were locked before."""
    rows = await QUERIES.change_measures.fetch(
        connection,
        customer_ids=[item.customer_id for item in measures],
        measure_ids=[item.measure_id for item in measures],
        statuses=[item.status.value for item in measures],
        ended_at=[item.ended_at for item in measures],
        ended_on=[item.ended_on for item in measures],
        ended_by=[item.ended_by for item in measures],
        end_reasons=[item.end_reason for item in measures],
    )
    assert len(rows) == len(measures), "measures are locked before they are changed"


async def lock_measures(
    connection: Connection, keys: Sequence[MeasureKey]
) -> dict[MeasureKey, LineMeasure]:
    """Return measures by customer and number, locked for the rest of the transaction."""
    rows = await QUERIES.measures_locked.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        measure_ids=[measure_id for _, measure_id in keys],
    )
    return {(row["customer_id"], row["measure_id"]): _measure(row) for row in rows}


async def measures_planned(
    connection: Connection, *, business_date: date, page: int, after: MeasureKey = (0, 0)
) -> list[LineMeasure]:
    """Return a page of measures whose day has come and that are not carried out."""
    rows = await QUERIES.measures_planned.fetch(
        connection,
        business_date=business_date,
        page=page,
        after_customer_id=after[0],
        after_measure_id=after[1],
    )
    return [_measure(row) for row in rows]


async def measures_expired(
    connection: Connection, *, business_date: date, page: int
) -> list[LineMeasure]:
    """Return freezes whose last day is over, locked for the rest of the transaction."""
    rows = await QUERIES.measures_expired.fetch(connection, business_date=business_date, page=page)
    return [_measure(row) for row in rows]


async def measures_gone(
    connection: Connection, *, lines: Sequence[LineKey] | None, page: int
) -> list[GoneMeasure]:
    """Return measures in force that their line bears no more, locked; of some lines, or of all."""
    rows = await QUERIES.measures_gone.fetch(
        connection,
        customer_ids=None if lines is None else [customer_id for customer_id, _ in lines],
        line_ids=None if lines is None else [line_id for _, line_id in lines],
        page=page,
    )
    return [GoneMeasure(_measure(row), row["gone_by"], row["gone_reason"]) for row in rows]


async def add_lifting(connection: Connection, lifting: Lifting) -> None:
    """Write that somebody lifts a measure; the first wish stays."""
    await QUERIES.add_lifting.execute(connection, **lifting._asdict())


async def liftings_unfinished(connection: Connection, *, page: int) -> list[Lifting]:
    """Return liftings that were begun and whose measure stands as before, oldest first."""
    rows = await QUERIES.liftings_unfinished.fetch(connection, page=page)
    return [Lifting(**dict(row)) for row in rows]


async def measures_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LineMeasure]:
    """Return the measures on one line, newest first."""
    rows = await QUERIES.measures_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_measure(row) for row in rows]


async def measures_of_range(
    connection: Connection, after: int, *, through: int
) -> list[LineMeasure]:
    """Return the measures on lines of customers after one and up to another."""
    rows = await QUERIES.measures_of_range.fetch(connection, after=after, through=through)
    return [_measure(row) for row in rows]


async def add_notices(connection: Connection, notices: Sequence[LineNotice]) -> None:
    """Write what customers are told."""
    await QUERIES.add_notices.execute(
        connection,
        customer_ids=[item.customer_id for item in notices],
        notice_ids=[item.notice_id for item in notices],
        line_ids=[item.line_id for item in notices],
        kinds=[item.kind.value for item in notices],
        measure_ids=[item.measure_id for item in notices],
        review_ids=[item.review_id for item in notices],
        texts_zh=[item.text_zh for item in notices],
        texts_en=[item.text_en for item in notices],
        created_at=[item.created_at for item in notices],
    )


async def notices_of_keys(
    connection: Connection, keys: Sequence[tuple[int, int]]
) -> list[LineNotice]:
    """Return notices by (customer, notice)."""
    rows = await QUERIES.notices_of_keys.fetch(
        connection, customer_ids=[key[0] for key in keys], notice_ids=[key[1] for key in keys]
    )
    return [LineNotice(**dict(row) | {"kind": NoticeKind(row["kind"])}) for row in rows]


async def notices_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LineNotice]:
    """Return what a customer was told of one line, newest first."""
    rows = await QUERIES.notices_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [LineNotice(**dict(row) | {"kind": NoticeKind(row["kind"])}) for row in rows]


async def add_appeal(connection: Connection, appeal: LineAppeal) -> bool:
    """Write a new appeal; tell whether none was open against the measure."""
    found = await QUERIES.add_appeal.fetchval(
        connection,
        customer_id=appeal.customer_id,
        appeal_id=appeal.appeal_id,
        line_id=appeal.line_id,
        measure_id=appeal.measure_id,
        grounds=appeal.grounds,
        received_at=appeal.received_at,
        due_on=appeal.due_on,
    )
    return found is not None


async def change_appeal(connection: Connection, appeal: LineAppeal) -> None:
    """Write how an appeal ended that was locked before."""
    await QUERIES.change_appeal.execute(
        connection,
        customer_id=appeal.customer_id,
        appeal_id=appeal.appeal_id,
        status=appeal.status.value,
        decided_at=appeal.decided_at,
        decided_by=appeal.decided_by,
        decision_reason=appeal.decision_reason,
    )


async def lock_appeal(
    connection: Connection, *, customer_id: int, appeal_id: int
) -> LineAppeal | None:
    """Return an appeal, locked for the rest of the transaction, or None."""
    row = await QUERIES.appeal_locked.fetchrow(
        connection, customer_id=customer_id, appeal_id=appeal_id
    )
    return None if row is None else _appeal(row)


async def appeals_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LineAppeal]:
    """Return the appeals about one line, newest first."""
    rows = await QUERIES.appeals_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_appeal(row) for row in rows]


async def appeals_open(
    connection: Connection, *, page: int, after: tuple[date, int] = FIRST, is_back: bool = False
) -> list[LineAppeal]:
    """Return appeals that wait for a person, the most urgent first."""
    rows = await QUERIES.appeals_open.page(
        connection, page=page, is_back=is_back, after_due_on=after[0], after_appeal_id=after[1]
    )
    return [_appeal(row) for row in rows]


async def add_signal(connection: Connection, signal: LineSignal) -> LineSignal:
    """Write a signal; the same from the same source gives the first one again."""
    key = {
        "customer_id": signal.customer_id,
        "line_id": signal.line_id,
        "kind": signal.kind.value,
        "source": signal.source,
        "reference": signal.reference,
    }
    written = await QUERIES.add_signal.fetchval(
        connection,
        **key,
        signal_id=signal.signal_id,
        noted_on=signal.noted_on,
        noted_at=signal.noted_at,
        noted_by=signal.noted_by,
    )
    if written is not None:
        return signal
    row = await QUERIES.signal_of_source.fetchrow(connection, **key)
    assert row is not None, "what is there already was left out"
    return _signal(row)


async def clear_signal(
    connection: Connection,
    *,
    customer_id: int,
    signal_id: int,
    by: str,
    reason: str,
    at: datetime,
) -> LineSignal | None:
    """Note that nothing is left of a signal; None where there is no such one."""
    row = await QUERIES.clear_signal.fetchrow(
        connection,
        customer_id=customer_id,
        signal_id=signal_id,
        cleared_at=at,
        cleared_by=by,
        clear_reason=reason,
    )
    return None if row is None else _signal(row)


async def signals_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LineSignal]:
    """Return what was signalled about one line, newest first."""
    rows = await QUERIES.signals_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_signal(row) for row in rows]


def _lines(keys: Collection[LineKey]) -> dict[str, list[int]]:
    return {
        "customer_ids": [customer_id for customer_id, _ in keys],
        "line_ids": [line_id for _, line_id in keys],
    }


def _measure(row: Row) -> LineMeasure:
    fields = {name: row[name] for name in LineMeasure.__slots__}
    fields["kind"], fields["status"] = Kind(fields["kind"]), Status(fields["status"])
    fields["reasons"] = tuple(fields["reasons"])
    return LineMeasure(**fields)


def _appeal(row: Row) -> LineAppeal:
    return LineAppeal(**dict(row) | {"status": AppealStatus(row["status"])})


def _signal(row: Row) -> LineSignal:
    return LineSignal(**dict(row) | {"kind": SignalKind(row["kind"])})
