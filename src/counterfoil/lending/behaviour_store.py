"""Reads what behaviour on lines follows from; many lines at once."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from counterfoil.kernel.calendar import add_months
from counterfoil.lending.behaviour import WINDOW_MONTHS, FallenDue, History
from counterfoil.lending.delinquency import days_past_due
from counterfoil.lending.line import Line, blocked_by
from counterfoil.lending.loan import Loan, advance
from counterfoil.lending.store import LineKey, add_loans, read_accounts, read_lines
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "behaviour_store.sql")


async def read_behaviour(
    connection: Connection, keys: Sequence[LineKey], on: date
) -> dict[LineKey, History]:
    """Return the histories of lines; one without any has an empty one."""
    instalments: dict[LineKey, list[FallenDue]] = {key: [] for key in keys}
    raised: dict[LineKey, list[date]] = {key: [] for key in keys}
    repaid: dict[LineKey, int] = {}
    for row in await QUERIES.instalments_of_lines.fetch(connection, keys=list(keys)):
        fallen = FallenDue(row["due_date"], row["settled_on"], row["grace_days"])
        instalments[row["customer_id"], row["line_id"]].append(fallen)
    for row in await QUERIES.loans_repaid_of_lines.fetch(connection, keys=list(keys)):
        repaid[row["customer_id"], row["line_id"]] = row["loans"]
    since = add_months(on, -WINDOW_MONTHS)
    for row in await QUERIES.raises_of_lines.fetch(connection, keys=list(keys), since=since):
        raised[row["customer_id"], row["line_id"]].append(row["book_date"])
    return {
        key: History(
            instalments=instalments[key], loans_repaid=repaid.get(key, 0), raised_on=raised[key]
        )
        for key in keys
    }


async def lines_of(connection: Connection, customer_id: int) -> list[Line]:
    """Return every line of a customer, in the order of their numbers."""
    rows = await QUERIES.lines_of_customers.fetch(connection, customer_ids=[customer_id])
    keys = [(row["customer_id"], row["line_id"]) for row in rows]
    return list((await read_lines(connection, keys)).values())


async def count_lines(connection: Connection, customer_id: int) -> int:
    """Return how many lines a customer has or had, closed ones among them."""
    return len(await QUERIES.lines_of_customers.fetch(connection, customer_ids=[customer_id]))


async def customers_blocked(
    connection: Connection, customer_ids: Collection[int], on: date
) -> set[int]:
    """Return those customers of whom a line is frozen or suspended on a date."""
    rows = await QUERIES.lines_of_customers.fetch(connection, customer_ids=sorted(customer_ids))
    keys = [(row["customer_id"], row["line_id"]) for row in rows]
    lines = await read_lines(connection, keys)
    return {
        line.customer_id
        for line in lines.values()
        if blocked_by(line, on) in {"frozen", "suspended"}
    }


async def customers_overdue(
    connection: Connection, customer_ids: Collection[int], on: date
) -> set[int]:
    """Return those customers of whom anything is past due on a date, on whatever line."""
    rows = await QUERIES.lines_of_customers.fetch(connection, customer_ids=sorted(customer_ids))
    keys = [(row["customer_id"], row["line_id"]) for row in rows]
    accounts = await read_accounts(connection, keys)
    await add_loans(connection, accounts, keys)
    return {
        loan.customer_id
        for account in accounts.values()
        for loan in account.loans.values()
        if _is_overdue(loan, on)
    }


def _is_overdue(loan: Loan, on: date) -> bool:
    """Tell whether a loan is past due on a date that may lie after its last event."""
    if loan.status != "open":
        return False
    ahead = loan.copy()
    advance(ahead, on)
    return days_past_due(ahead.oldest_due_date, ahead.grace_days, on) > 0
