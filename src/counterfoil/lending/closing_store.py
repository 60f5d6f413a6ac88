"""Figures of the daily close in PostgreSQL: steps, and what the book has earned and grants."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from counterfoil.lending.store import QUERIES
from counterfoil.platform.database import Connection


class Receivable(NamedTuple):
    """What one part of the open book has earned and not yet been paid, exactly."""

    lender_id: str
    product_code: str
    currency: str
    bucket: int
    loans: int
    principal_minor: int
    interest_e8: int
    penalty_e8: int
    #: The lender's fees that have fallen due.
    fee_minor: int


class LineSums(NamedTuple):
    """What the lines of one part of the book come to; closed lines are none of them."""

    lender_id: str
    product_code: str
    currency: str
    lines: int
    #: Lines that nothing blocks.
    drawable: int
    limit_minor: int
    principal_minor: int
    held_minor: int
    #: What could be drawn on the drawable ones.
    available_minor: int


class Step(NamedTuple):
    """One step of a day's close."""

    business_date: date
    step: str
    started_at: datetime
    finished_at: datetime | None
    examined: int
    touched: int
    detail: str | None


async def receivables(connection: Connection, on: date) -> list[Receivable]:
    """Return what the open book has earned by the start of a date and not yet been paid."""
    rows: list[Any] = await QUERIES.receivables.fetch(connection, on_date=on)
    return [
        Receivable(**dict(row) | {n: int(row[n]) for n in ("interest_e8", "penalty_e8")})
        for row in rows
    ]


async def keep_accrual_day(
    connection: Connection, business_date: date, figures: Sequence[Receivable]
) -> None:
    """Keep the day's figures of the whole book."""
    for figure in figures:  # a handful: one a lender, product, currency and bucket
        await QUERIES.add_accrual_day.execute(
            connection,
            business_date=business_date,
            lender_id=figure.lender_id,
            product_code=figure.product_code,
            currency=figure.currency,
            bucket=figure.bucket,
            loans=figure.loans,
            principal_minor=figure.principal_minor,
            interest_receivable_e8=figure.interest_e8,
            penalty_receivable_e8=figure.penalty_e8,
            fee_receivable_minor=figure.fee_minor,
        )


async def line_sums(connection: Connection) -> list[LineSums]:
    """Return what all lines come to on the present business date."""
    rows: list[Any] = await QUERIES.line_sums.fetch(connection)
    return [LineSums(*row) for row in rows]


async def keep_line_day(
    connection: Connection, business_date: date, sums: Sequence[LineSums]
) -> None:
    """Keep the day's figures of all lines."""
    for book in sums:  # a handful: one a lender, product and currency
        await QUERIES.add_line_day.execute(
            connection, business_date=business_date, **book._asdict()
        )


async def steps(connection: Connection, business_date: date) -> dict[str, Step]:
    """Return the steps of a day's close that were begun, by name."""
    rows: list[Any] = await QUERIES.close_steps.fetch(connection, business_date=business_date)
    return {row["step"]: Step(*row) for row in rows}


async def unfinished(connection: Connection) -> date | None:
    """Return the oldest day whose close was begun and not finished."""
    found: date | None = await QUERIES.unfinished_close.fetchval(connection)
    return found


async def snapshot(connection: Connection) -> str:
    """Return the snapshot that a transaction reads by: lowest, next, and those in progress."""
    return str(await QUERIES.snapshot.fetchval(connection))


async def put_step(connection: Connection, step: Step) -> None:
    """Record that a step was begun, went on, or was finished; counts add up."""
    await QUERIES.put_close_step.execute(connection, **step._asdict())
