"""A payout worker in a process of its own, made to be killed; its books are a table.

Called with the database's address, the addresses of two banks, and by how many seconds its clock is
ahead, so that the leases of its dead predecessors have ended. The first rail carries only so many
payments a day; all others go over the second.
"""

import asyncio
import json
import sys
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

from counterfoil.journeys.paying.payout_books import command_of
from counterfoil.kernel.clock import SystemClock
from counterfoil.lending.commands import ConfirmPayout, FailPayout
from counterfoil.payments.http_rail import HttpRail
from counterfoil.payments.port import RailLink
from counterfoil.payments.rail import Payment
from counterfoil.payments.rail_terms import terms_of
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.database import Database


class ShiftedClock(SystemClock):
    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


class TableBooks:
    """Each command once by its key; every call is counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_note(self, payment: Payment, *, idempotency_key: str) -> object:
        command = command_of(payment)
        assert isinstance(command, ConfirmPayout | FailPayout), "these are all of drawdowns"
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO public.books (idempotency_key, loan_id, outcome, command)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (idempotency_key) DO NOTHING",
                idempotency_key,
                command.loan_id,
                "confirmed" if isinstance(command, ConfirmPayout) else "failed",
                json.dumps(asdict(command), default=str),
            )
        return b"{}"


async def today() -> date:
    return date(2026, 3, 1)


#: Payments that the first rail takes in a day.
FIRST_RAIL_PAYMENTS = 240


def link(rail: HttpRail, *, priority: int, limit: int | None = None) -> RailLink:
    terms = terms_of(rail.contract)
    limits = replace(terms.limits, day_payments_max=limit)
    return RailLink(replace(terms, priority=priority, limits=limits), rail)


async def work(database_url: str, urls: tuple[str, str], ahead_seconds: int) -> None:
    within = timedelta(milliseconds=300)
    async with (
        Database(database_url, connections_max=8) as database,
        HttpRail(urls[0], name="first", answer_within=within) as first,
        HttpRail(urls[1], name="second", answer_within=within) as second,
    ):
        relay = PayoutRelay(
            database,
            rails=[
                link(first, priority=1, limit=FIRST_RAIL_PAYMENTS),
                link(second, priority=2),
            ],
            books=TableBooks(database),
            clock=ShiftedClock(timedelta(seconds=ahead_seconds)),
            business_date=today,
            worker=f"child-{ahead_seconds}",
        )
        await relay.consumer.register()
        print("ready", flush=True)  # noqa: T201 – the parent waits for it
        while True:
            if not await relay.take_orders() + await relay.step(wait_ms=20):
                await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], (sys.argv[2], sys.argv[3]), int(sys.argv[4])))
