"""Reads and writes inquiries, reports and openings; thin functions over named queries."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.report_row import KeptAnswer, Opening, StoredReport, Usage
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.bureau")

#: Above every number: the first page begins before it.
NEWEST: Final = 2**63 - 1
#: More reports than one customer has in ten years.
REPORTS_MAX: Final = 200

_INTENT: Final = (
    "customer_id",
    "inquiry_id",
    "consent_id",
    "use_no",
    "occasion",
    "purpose",
    "reason_code",
    "bureau",
    "jti",
    "intent_leaf_id",
    "asked_at",
    "answer_by",
)
_OUTCOME: Final = (
    "customer_id",
    "inquiry_id",
    "state",
    "outcome_leaf_id",
    "ended_at",
    "outcome_code",
    "bureau_reference",
    "sealed_sha256",
)
_REPORT: Final = tuple(name for name in StoredReport.__slots__ if name != "erased_at")

#: Customer and number.
Key = tuple[int, int]


async def add_inquiries(connection: Connection, inquiries: Sequence[Inquiry]) -> None:
    """Write intents; a second one for a use of a consent breaks `inquiry_consent_used`."""
    await QUERIES.add_inquiries.execute(connection, rows=_rows(inquiries, _INTENT))


async def mark_sent(connection: Connection, keys: Sequence[Key], *, at: int) -> None:
    """Note that questions leave the house."""
    await QUERIES.mark_sent.execute(connection, **_keys(keys, "inquiry_ids"), sent_at=at)


async def lock_inquiries(connection: Connection, keys: Sequence[Key]) -> dict[Key, Inquiry]:
    """Return inquiries under their locks."""
    rows = await QUERIES.lock_inquiries.fetch(connection, **_keys(keys, "inquiry_ids"))
    return {(row["customer_id"], row["inquiry_id"]): _inquiry(row) for row in rows}


async def end_inquiries(connection: Connection, inquiries: Sequence[Inquiry]) -> None:
    """Write outcomes of inquiries that are locked and open."""
    count = await QUERIES.end_inquiries.execute(connection, rows=_rows(inquiries, _OUTCOME))
    assert count == len(inquiries), "they were locked and open"


async def open_inquiries(
    connection: Connection,
    bureau: str,
    *,
    asked_before: int,
    page: int,
    after: tuple[int, int, int] = (0, 0, 0),
) -> list[Inquiry]:
    """Return a page of inquiries without an outcome, oldest first; `after` is the last one's."""
    rows = await QUERIES.open_inquiries.fetch(
        connection,
        bureau=bureau,
        asked_before=asked_before,
        page=page,
        after_asked_at=after[0],
        after_customer_id=after[1],
        after_inquiry_id=after[2],
    )
    return [_inquiry(row) for row in rows]


async def inquiries_of_customer(
    connection: Connection,
    customer_id: int,
    *,
    page: int,
    is_back: bool = False,
    before: int = NEWEST,
) -> list[Inquiry]:
    """Return a page of a customer's inquiries, newest first."""
    rows = await QUERIES.inquiries_of_customer.page(
        connection, customer_id=customer_id, page=page, is_back=is_back, before=before
    )
    return [_inquiry(row) for row in rows]


async def inquiries_of_range(connection: Connection, after: int, *, page: int) -> list[Inquiry]:
    """Return a page of all inquiries in the order of their numbers."""
    rows = await QUERIES.inquiries_of_range.fetch(connection, after=after, page=page)
    return [_inquiry(row) for row in rows]


async def add_reports(connection: Connection, reports: Sequence[StoredReport]) -> None:
    """Write reports."""
    await QUERIES.add_reports.execute(connection, rows=_rows(reports, _REPORT))


async def fresh_reports(
    connection: Connection,
    customer_ids: Sequence[int],
    *,
    bureau: str,
    purposes: Sequence[str],
    now: int,
) -> dict[int, StoredReport]:
    """Return the newest living report of each customer that has one for any of the purposes."""
    rows = await QUERIES.fresh_reports.fetch(
        connection,
        customer_ids=list(customer_ids),
        bureau=bureau,
        purposes=list(purposes),
        now=now,
    )
    return {row["customer_id"]: _report(row) for row in rows}


async def reports_of_customer(connection: Connection, customer_id: int) -> list[StoredReport]:
    """Return a customer's reports, newest first, without what is sealed."""
    rows = await QUERIES.reports_of_customer.fetch(
        connection, customer_id=customer_id, page=REPORTS_MAX
    )
    return [_report(row) for row in rows]


async def read_report(
    connection: Connection, *, customer_id: int, report_id: int
) -> StoredReport | None:
    """Return one report, or None."""
    row = await QUERIES.report.fetchrow(connection, customer_id=customer_id, report_id=report_id)
    return None if row is None else _report(row)


async def reports_of_inquiries(
    connection: Connection, keys: Sequence[Key]
) -> dict[Key, StoredReport]:
    """Return the reports that inquiries led to, by customer and inquiry."""
    rows = await QUERIES.reports_of_inquiries.fetch(connection, **_keys(keys, "inquiry_ids"))
    return {(row["customer_id"], row["inquiry_id"]): _report(row) for row in rows}


async def expired_reports(connection: Connection, *, now: int, page: int) -> list[Key]:
    """Return reports whose life is over, under their locks."""
    rows = await QUERIES.expired_reports.fetch(connection, now=now, page=page)
    return [(row["customer_id"], row["report_id"]) for row in rows]


async def erase_reports(connection: Connection, keys: Sequence[Key], *, at: int) -> None:
    """Destroy what is sealed of reports."""
    await QUERIES.erase_reports.execute(connection, **_keys(keys, "report_ids"), erased_at=at)


async def expired_answers(connection: Connection, *, now: int, page: int) -> list[Key]:
    """Return kept answers whose life is over, under their locks."""
    rows = await QUERIES.expired_answers.fetch(connection, now=now, page=page)
    return [(row["customer_id"], row["answer_id"]) for row in rows]


async def erase_answers(connection: Connection, keys: Sequence[Key], *, at: int) -> None:
    """Destroy what is sealed of kept answers."""
    await QUERIES.erase_answers.execute(connection, **_keys(keys, "answer_ids"), erased_at=at)


async def nothing_sealed(connection: Connection, customer_ids: Collection[int]) -> list[int]:
    """Return those of some customers of whom neither report nor answer is sealed any more."""
    rows = await QUERIES.nothing_sealed.fetch(connection, customer_ids=sorted(customer_ids))
    return [row["customer_id"] for row in rows]


async def add_openings(connection: Connection, openings: Sequence[Opening]) -> None:
    """Write openings down."""
    await QUERIES.add_openings.execute(connection, rows=_rows(openings, Opening.__slots__))


async def keep_answers(connection: Connection, answers: Sequence[KeptAnswer]) -> None:
    """Keep answers as evidence."""
    await QUERIES.keep_answers.execute(connection, rows=_rows(answers, KeptAnswer.__slots__))


async def read_usage(connection: Connection, *, first: int = 0, before: int = NEWEST) -> Usage:
    """Return how much is asked, of all there is or of a span of numbers (`ids.floor_of`)."""
    row = await QUERIES.usage.fetchrow(connection, first=first, before=before)
    assert row is not None
    return Usage(**dict(row))


def _keys(keys: Sequence[Key], numbers: str) -> dict[str, list[int]]:
    return {
        "customer_ids": [customer_id for customer_id, _ in keys],
        numbers: [number for _, number in keys],
    }


def _rows(values: Sequence[object], names: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(value, name) for name in names) for value in values]


def _inquiry(row: Row) -> Inquiry:
    fields = dict(row)
    digest = fields.pop("sealed_sha256")
    return Inquiry(
        **{
            **fields,
            "state": State(fields["state"]),
            "sealed_sha256": None if digest is None else bytes(digest),
        }
    )


def _report(row: Row) -> StoredReport:
    return StoredReport(**dict(row))
