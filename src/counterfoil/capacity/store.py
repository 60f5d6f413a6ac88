"""Reads and writes statements, declarations, reported debts and runs; over named queries."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.capacity.bands import Banding
from counterfoil.capacity.ceiling import Ceilings
from counterfoil.capacity.exposure import Searched
from counterfoil.capacity.inventory import Debt, debt_of
from counterfoil.capacity.months import Month
from counterfoil.capacity.records import Declaration, GuardRun, ReportedDebts, StoredStatement
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.capacity")

#: More statements than anybody brings in ten years.
STATEMENTS_MAX: Final = 500
#: Above every number: the first page begins before it.
NEWEST: Final = 2**63 - 1

#: Customer and number.
Key = tuple[int, int]


class MonthOfConsent(NamedTuple):
    """A month of a statement, and the consent that it rests on."""

    month: Month
    consent_id: int


class BandMonth(NamedTuple):
    """What was lent in a month to people in one band of a measure."""

    #: Number of the band; None where the figure is not known.
    band: int | None
    month: date
    currency: str
    loans: int
    lent_minor: int
    owed_minor: int
    #: Principal of open loans at least 90 days past due.
    lost_minor: int


class ReportRow(NamedTuple):
    """Debts of a report as they are written."""

    customer_id: int
    report_id: int
    consent_id: int
    purpose: str
    made_on: date
    debts: str
    searches: str
    received_at: int
    expires_at: int


async def add_statement(
    connection: Connection, statement: StoredStatement, months: Sequence[Month]
) -> None:
    """Write a statement and its months; a twin breaks `statement_duplicate`."""
    fields = {name: getattr(statement, name) for name in statement.__slots__}
    del fields["erased_at"]
    await QUERIES.add_statement.execute(connection, **fields)
    rows = [
        (
            statement.customer_id,
            statement.statement_id,
            item.month,
            item.is_whole,
            item.income_minor,
            item.debt_minor,
            item.living_minor,
            item.borrowed_minor,
            item.moved_minor,
            item.uncategorised_minor,
        )
        for item in months
    ]
    await QUERIES.add_statement_months.execute(connection, rows=rows)


async def statements_of_customer(connection: Connection, customer_id: int) -> list[StoredStatement]:
    """Return a customer's statements, newest first, without what is sealed."""
    rows = await QUERIES.statements_of_customer.fetch(
        connection, customer_id=customer_id, page=STATEMENTS_MAX
    )
    return [StoredStatement(**dict(row)) for row in rows]


async def sealed_statement(
    connection: Connection, *, customer_id: int, statement_id: int
) -> Row | None:
    """Return form, currency and sealed file of a statement, or None."""
    return await QUERIES.sealed_statement.fetchrow(
        connection, customer_id=customer_id, statement_id=statement_id
    )


async def overlapping(
    connection: Connection, customer_id: int, account_digest: bytes, span: tuple[date, date]
) -> list[tuple[date, date]]:
    """Return the spans of an account that share a day with a span."""
    rows = await QUERIES.statements_overlapping.fetch(
        connection,
        customer_id=customer_id,
        account_digest=account_digest,
        first_date=span[0],
        last_date=span[1],
        page=STATEMENTS_MAX,
    )
    return [(row["first_date"], row["last_date"]) for row in rows]


async def months_of_customers(
    connection: Connection, customer_ids: Sequence[int], *, now: int
) -> dict[int, list[MonthOfConsent]]:
    """Return the months of living statements by customer, oldest first."""
    found: dict[int, list[MonthOfConsent]] = {}
    rows = await QUERIES.months_of_customers.fetch(
        connection, customer_ids=list(customer_ids), now=now
    )
    for row in rows:
        fields = dict(row)
        customer_id, consent_id = fields.pop("customer_id"), fields.pop("consent_id")
        found.setdefault(customer_id, []).append(MonthOfConsent(Month(**fields), consent_id))
    return found


async def expired_statements(connection: Connection, *, now: int, page: int) -> list[Key]:
    """Return statements whose life is over, under their locks."""
    rows = await QUERIES.expired_statements.fetch(connection, now=now, page=page)
    return [(row["customer_id"], row["statement_id"]) for row in rows]


async def end_statements_of_consent(
    connection: Connection, *, customer_id: int, consent_id: int, now: int
) -> list[Key]:
    """End the life of statements that rest on a consent; return those that no hold keeps."""
    rows = await QUERIES.end_statements_of_consent.fetch(
        connection, customer_id=customer_id, consent_id=consent_id, now=now
    )
    return [(row["customer_id"], row["statement_id"]) for row in rows]


async def nothing_sealed(connection: Connection, *, since: int) -> list[int]:
    """Return customers of whom a statement went since an instant and none is left."""
    rows = await QUERIES.nothing_sealed.fetch(connection, since=since)
    return [row["customer_id"] for row in rows]


async def erase_statements(connection: Connection, keys: Sequence[Key], *, at: int) -> None:
    """Destroy what is sealed of statements, and the months that follow from them."""
    given = {
        "customer_ids": [customer_id for customer_id, _ in keys],
        "statement_ids": [number for _, number in keys],
    }
    await QUERIES.erase_statement_months.execute(connection, **given)
    await QUERIES.erase_statements.execute(connection, **given, erased_at=at)


async def add_declaration(
    connection: Connection, declaration: Declaration, *, at: datetime, by: str
) -> None:
    """Write what a customer states."""
    fields = {name: getattr(declaration, name) for name in declaration.__slots__}
    fields["debts"] = None if declaration.debts is None else debts_text(declaration.debts)
    await QUERIES.add_declaration.execute(connection, **fields, stated_at=at, taken_by=by)


async def latest_declarations(
    connection: Connection, customer_ids: Sequence[int]
) -> dict[int, Declaration]:
    """Return what customers stated last."""
    rows = await QUERIES.latest_declarations.fetch(connection, customer_ids=list(customer_ids))
    return {
        row["customer_id"]: Declaration(
            **dict(row) | {"debts": None if row["debts"] is None else debts_from(row["debts"])}
        )
        for row in rows
    }


async def keep_reported_debts(connection: Connection, rows: Sequence[ReportRow]) -> None:
    """Keep the debts of reports, once for each report."""
    await QUERIES.keep_reported_debts.execute(connection, rows=list(rows))


async def latest_reported_debts(
    connection: Connection, customer_ids: Sequence[int], *, purposes: Sequence[str], now: int
) -> dict[int, ReportedDebts]:
    """Return the newest living debts in reports by customer, for any of the purposes."""
    rows = await QUERIES.latest_reported_debts.fetch(
        connection, customer_ids=list(customer_ids), purposes=list(purposes), now=now
    )
    return {
        row["customer_id"]: ReportedDebts(
            customer_id=row["customer_id"],
            report_id=row["report_id"],
            consent_id=row["consent_id"],
            made_on=row["made_on"],
            debts=debts_from(row["debts"]),
            searches=tuple(
                Searched(on=date.fromisoformat(on), organisation=who, reason_code=reason)
                for on, who, reason in orjson.loads(row["searches"])
            ),
        )
        for row in rows
    }


async def erase_reported_debts(connection: Connection, *, now: int) -> int:
    """Remove the debts of reports whose life is over; return how many reports."""
    return await QUERIES.erase_reported_debts.execute(connection, now=now)


async def add_runs(
    connection: Connection, runs: Sequence[GuardRun], ceilings: Ceilings, *, at: datetime
) -> None:
    """Write runs, and the document that they ran under where it is new."""
    await QUERIES.add_guard_runs.execute(
        connection,
        sha256=ceilings.sha256,
        version=ceilings.version,
        body=ceilings.text,
        kept_at=at,
        rows=[tuple(_plain(getattr(run, name)) for name in GuardRun.__slots__) for run in runs],
    )


async def runs_of_customer(
    connection: Connection,
    customer_id: int,
    *,
    page: int,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[GuardRun]:
    """Return a page of a customer's runs, newest first."""
    rows = await QUERIES.runs_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [_run(row) for row in rows]


async def runs_after(connection: Connection, after: Key, *, page: int) -> list[GuardRun]:
    """Return a page of all runs in the order of customer and number."""
    rows = await QUERIES.runs_after.fetch(
        connection, after_customer_id=after[0], after_run_id=after[1], page=page
    )
    return [_run(row) for row in rows]


async def losses_by_band(
    connection: Connection, banding: Banding, *, since: date
) -> list[BandMonth]:
    """Return what was lent since a day and lost of it, by month and band of a measure."""
    rows = await QUERIES.losses_by_band.fetch(
        connection, measure=banding.measure, edges=list(banding.edges), since=since
    )
    return [BandMonth(**dict(row)) for row in rows]


async def ceilings_by_hash(connection: Connection, sha256: str) -> str | None:
    """Return the text of a document of ceilings, or None."""
    row = await QUERIES.ceilings_by_hash.fetchrow(connection, sha256=sha256)
    return None if row is None else str(row["body"])


def debts_text(debts: Sequence[Debt]) -> str:
    """Return debts as they are stored."""
    return text_of([debt.document() for debt in debts])


def debts_from(text: str) -> tuple[Debt, ...]:
    """Return debts as they were stored."""
    return tuple(debt_of(item) for item in orjson.loads(text))


def text_of(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return canonical JSON of whole numbers, texts and lists: sorted keys, no blanks."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _run(row: Row) -> GuardRun:
    return GuardRun(**dict(row) | {"hits": tuple(row["hits"])})
