"""The ledger's rows and sums as they are, for whoever checks the books."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from counterfoil.ledger.store import BookKey, Journal
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.ledger", "check_store.sql")

#: What accounts stand at, by book and account; debits positive.
Balances = dict[tuple[BookKey, int], int]


async def journals_of_range(connection: Connection, after: int, *, through: int) -> list[Journal]:
    """Return the journals of customers after one and up to another."""
    rows: list[Any] = await QUERIES.journals_of_range.fetch(
        connection, after=after, through=through
    )
    return [Journal(*row) for row in rows]


async def house_journals(
    connection: Connection, *, after_journal_id: int, page: int
) -> list[Journal]:
    """Return a page of the house's own journals."""
    rows: list[Any] = await QUERIES.house_journals.fetch(
        connection, after_journal_id=after_journal_id, page=page
    )
    return [Journal(*row) for row in rows]


async def balances(connection: Connection) -> Balances:
    """Return what every account stands at, summed up from the journals alone."""
    return _balances(await QUERIES.balances.fetch(connection))


async def balances_at_close(
    connection: Connection,
    business_date: date,
    *,
    seen_before: datetime,
    snapshot: tuple[int, Sequence[int]] | None,
) -> Balances:
    """Return what every account stood at as the accrual of a day saw it.

    That is all of the day and before, what was posted before an instant, and what a snapshot
    shows: its bound and the transactions in progress, modulo 2^32.
    """
    xmax, in_progress = snapshot or (None, ())
    rows = await QUERIES.balances_at_close.fetch(
        connection,
        business_date=business_date,
        seen_before=seen_before,
        xmax=xmax,
        in_progress=list(in_progress),
    )
    return _balances(rows)


async def summed_days(connection: Connection) -> tuple[int, date | None]:
    """Return how many sums of closed dates there are, and up to which date."""
    row = await QUERIES.summed_days.fetchrow(connection)
    assert row is not None, "a count gives one row"
    return row["sums"], row["last_date"]


async def wrong_day_balances(connection: Connection, last_date: date, *, page: int) -> list[Row]:
    """Return sums of closed dates that their journals do not give."""
    return await QUERIES.wrong_day_balances.fetch(connection, last_date=last_date, page=page)


def _balances(rows: list[Row]) -> Balances:
    return {
        ((r["lender_id"], r["product_code"], r["currency"]), r["account"]): r["amount_minor"]
        for r in rows
    }
