"""The sides that a reconciliation compares, what differs, and that it was done."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.payments.rail import PaymentStatus
from counterfoil.payments.reconciliation import Difference, OrderSide
from counterfoil.payments.statement import LineKind, StatementLine
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "reconciliation_store.sql")


class Run(NamedTuple):
    """That a day of a rail was reconciled, and what came of it."""

    rail: str
    business_date: date
    reconciled_at: datetime
    orders_count: int
    lines_count: int
    bookings_count: int
    matched_count: int
    matched_minor: int
    differences_count: int


async def has_statement(connection: Connection, *, rail: str, day: date) -> bool:
    """Return whether a rail's statement of a day was taken."""
    return bool(await QUERIES.has_statement.fetchval(connection, rail=rail, day=day))


async def last_reconciled(connection: Connection, *, rail: str) -> date | None:
    """Return the latest day of a rail that was reconciled, or None."""
    day: date | None = await QUERIES.last_reconciled.fetchval(connection, rail=rail)
    return day


async def payments_of_other_rails(
    connection: Connection, payment_ids: Sequence[int], *, rail: str
) -> set[int]:
    """Return which payments went out over another rail."""
    rows = await QUERIES.payments_of_other_rails.fetch(
        connection, payment_ids=list(payment_ids), rail=rail
    )
    return {row["payment_id"] for row in rows}


async def put_run(connection: Connection, run: Run) -> None:
    """Keep that a day was reconciled."""
    await QUERIES.put_reconciliation.execute(connection, **run._asdict())


async def sides_of_day(
    connection: Connection,
    *,
    rail: str,
    day: date,
    payment_ids: Sequence[int] = (),
    references: Sequence[str] = (),
) -> tuple[list[OrderSide], list[StatementLine]]:
    """Return the orders and statement lines that concern a day, for reconciliation.

    With them come the orders of the numbers given, and earlier lines of the references given.
    """
    orders = [
        OrderSide(
            row["customer_id"],
            row["payment_id"],
            row["amount_minor"],
            row["currency"],
            PaymentStatus(row["status"]),
            row["returned_minor"],
            row["fee_minor"],
        )
        for row in await QUERIES.orders_of_day.fetch(
            connection, rail=rail, day=day, payment_ids=list(payment_ids)
        )
    ]
    rows = await QUERIES.lines_of_day.fetch(
        connection,
        rail=rail,
        day=day,
        payment_ids=[order.payment_id for order in orders],
        references=list(references),
    )
    lines = [
        StatementLine(
            row["reference"],
            LineKind(row["kind"]),
            row["amount_minor"],
            row["currency"],
            row["value_date"],
            row["rail_reference"],
        )
        for row in rows
    ]
    return orders, lines


async def record_differences(
    connection: Connection,
    differences: Sequence[Difference],
    *,
    rail: str,
    day: date,
    compared: Sequence[str],
) -> None:
    """Keep the differences of a day and clear those of compared references that are gone."""
    found: dict[str, list[object]] = {
        "customer_ids": [one.customer_id for one in differences],
        "references": [one.reference for one in differences],
        "causes": [one.cause.value for one in differences],
    }
    await QUERIES.record_differences.execute(
        connection,
        rail=rail,
        day=day,
        **found,
        orders_minor=[one.order_minor for one in differences],
        statements_minor=[one.statement_minor for one in differences],
        ledgers_minor=[one.ledger_minor for one in differences],
    )
    await QUERIES.clear_differences.execute(connection, day=day, compared=list(compared), **found)


async def open_differences(
    connection: Connection, *, after: tuple[date, int, str, str] | None = None, page: int = 200
) -> list[Row]:
    """Return differences not cleared, oldest first, after the key of the last one seen."""
    first_seen_on, customer_id, reference, cause = after or (date.min, 0, "", "")
    return await QUERIES.open_differences.fetch(
        connection,
        first_seen_on=first_seen_on,
        customer_id=customer_id,
        reference=reference,
        cause=cause,
        page=page,
    )
