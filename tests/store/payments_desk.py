"""What the tests of payments share: orders in the outbox, books that remember, a relay."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from counterfoil.journeys.paying.payout_books import command_of
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.lending.commands import ConfirmPayout, ConfirmReturn, FailPayout, FailReturn
from counterfoil.payments.order import PAYOUT_REQUESTED
from counterfoil.payments.port import Rail, alone
from counterfoil.payments.rail import Payment
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan

TODAY = date(2026, 3, 1)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NO = Refusal(code="books_say_no", kind=Kind.CONFLICT, message="No.", next_step="Look.")
LATER = Refusal(code="books_busy", kind=Kind.BUSY, message="Not now.", next_step="Wait.")
_events = count(1)


class Crash(BaseException):
    """The process dies here; nobody catches it."""


@dataclass
class MemoryBooks:
    """Books in memory: each key once, for ever the same answer."""

    confirmed: dict[str, ConfirmPayout | ConfirmReturn] = field(default_factory=dict)
    failed: dict[str, FailPayout | FailReturn] = field(default_factory=dict)
    calls: int = 0
    refuse_next: int = 0
    busy_next: int = 0
    lose_answers: int = 0

    async def take_note(self, payment: Payment, *, idempotency_key: str) -> object | Refused:
        self.calls += 1
        if self.refuse_next:
            self.refuse_next -= 1
            return refuse(NO)
        if self.busy_next:
            self.busy_next -= 1
            return refuse(LATER)
        command = command_of(payment)
        if isinstance(command, ConfirmPayout | ConfirmReturn):
            self.confirmed.setdefault(idempotency_key, command)
        else:
            self.failed.setdefault(idempotency_key, command)
        if self.lose_answers:
            self.lose_answers -= 1
            raise ConnectionError("the answer of the books was lost")
        return b"{}"

    @property
    def confirmed_loans(self) -> list[int]:
        return sorted(c.loan_id for c in self.confirmed.values() if isinstance(c, ConfirmPayout))

    @property
    def failed_loans(self) -> list[int]:
        return sorted(c.loan_id for c in self.failed.values() if isinstance(c, FailPayout))


@dataclass
class Desk:
    """A relay with its surroundings."""

    database: Database
    rail: Rail
    books: MemoryBooks = field(default_factory=MemoryBooks)
    clock: TestClock = field(default_factory=lambda: TestClock(START))
    today: date = TODAY

    def relay(self, worker: str = "worker-1") -> PayoutRelay:
        return PayoutRelay(
            self.database,
            rails=alone(self.rail),
            books=self.books,
            clock=self.clock,
            business_date=self.business_date,
            worker=worker,
        )

    async def business_date(self) -> date:
        return self.today

    async def order(self, *loan_ids: int, amount_minor: int = 120_000, **other: object) -> None:
        async with self.database.transaction() as connection:
            for loan_id in loan_ids:
                await emit(connection, loan_id, payload(loan_id, amount_minor, **other))

    async def value(self, query: str, *arguments: object) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *arguments)

    async def status(self, loan_id: int) -> str:
        status: str = await self.value(
            "SELECT status FROM payments.payment WHERE payment_id = $1", loan_id
        )
        return status

    async def statuses(self) -> dict[str, int]:
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT status, count(*) AS n FROM payments.payment GROUP BY status"
            )
        return {row["status"]: row["n"] for row in rows}

    async def causes(self) -> dict[int, str]:
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT payment_id, cause FROM payments.suspense WHERE approved_at IS NULL"
            )
        return {row["payment_id"]: row["cause"] for row in rows}


def payload(loan_id: int, amount_minor: int = 120_000, **other: object) -> str:
    fields: dict[str, object] = {
        "customer_id": loan_id * 10,
        "line_id": loan_id * 10 + 1,
        "loan_id": loan_id,
        "amount_minor": amount_minor,
        "currency": "CNY",
        "payee_ref": f"pa_{loan_id}",
        "lender_id": "lender-1",
        "business_date": TODAY.isoformat(),
    }
    return json.dumps(fields | other)


async def emit(connection: Any, loan_id: int, text: str, *, kind: str = PAYOUT_REQUESTED) -> None:
    await connection.execute(
        "INSERT INTO platform.outbox (event_id, customer_id, kind, subject_id, payload, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        next(_events),
        loan_id * 10,
        kind,
        loan_id,
        text,
        START,
    )


def make_bank(*upcoming: Fault, **plan: Any) -> Bank:
    return Bank(plan=FaultPlan(upcoming=list(upcoming), **plan))


def make_desk(database: Database, *upcoming: Fault) -> tuple[Desk, Bank]:
    bank = make_bank(*upcoming)
    return Desk(database, DirectRail(bank)), bank


async def ready(desk: Desk, worker: str = "worker-1") -> PayoutRelay:
    relay = desk.relay(worker)
    await relay.consumer.register()
    return relay


async def by_hand(desk: Desk, act: Any, *arguments: Any, person: str) -> Any:
    """Do one person's act of a case, in a transaction of its own."""
    async with desk.database.transaction() as connection:
        return await act(connection, *arguments, person=person, now=desk.clock.now())
