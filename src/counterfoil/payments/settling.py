"""Telling the books what a rail made certain, and finishing what they have acknowledged.

Invariant   A payment is finished after the books took note, never before. The same command goes
            out under the same key until they have; what they refuse for good is for two people.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Kind, Refused
from counterfoil.payments import store, suspense_store
from counterfoil.payments.rail import Cause, Outcome, Payment

# house: allow database-reach – opens the transaction that its steps share; SQL is the store's
from counterfoil.platform.database import Database

_log = structlog.get_logger(__name__)


class Books(Protocol):
    """Where the outcome of payments is booked."""

    async def take_note(self, payment: Payment, *, idempotency_key: str) -> object | Refused:
        """Book what became of a payment: its loan begins or is released, credit went or stays.

        Returns once that is durable: the answer, or a refusal as a value. The same key always
        gives the same answer, so it may be repeated for ever.
        """
        ...


class Settler:
    """Tells the books, and writes down that they know."""

    def __init__(self, database: Database, books: Books, clock: Clock) -> None:
        """Take the parts."""
        self._database = database
        self._books = books
        self._clock = clock

    async def settle(self, payments: Sequence[Payment]) -> None:
        """Tell the books the outcome of payments; finish those they have acknowledged."""
        if not payments:
            return
        answers = await asyncio.gather(
            *(self._tell_books(payment) for payment in payments), return_exceptions=True
        )
        told: list[store.PaymentKey] = []
        refused: list[tuple[store.PaymentKey, Cause]] = []
        for payment, answer in zip(payments, answers, strict=True):
            key = (payment.order.customer_id, payment.order.payment_id)
            if isinstance(answer, BaseException) or _is_passing(answer):
                # The lease ends and the command is repeated under the same key.
                _log.error("books_unreachable", payment=payment.order.reference, error=repr(answer))
            elif isinstance(answer, Refused):
                _log.error("books_refused", payment=payment.order.reference, code=answer.code)
                refused.append((key, Cause.BOOKS_REFUSED))
            else:
                told.append(key)
        async with self._database.transaction() as connection:
            now = self._clock.now()
            if told:
                await store.finish(connection, told, now=now)
            if refused:
                await suspense_store.open_cases(connection, refused, now=now)

    async def _tell_books(self, payment: Payment) -> object | Refused:
        word = "confirmed" if payment.outcome is Outcome.SUCCEEDED else "failed"
        key = f"payout:{payment.order.payment_id}:{word}"
        return await self._books.take_note(payment, idempotency_key=key)


def _is_passing(answer: object) -> bool:
    """Return whether the books refused for a reason that time removes."""
    passing = {Kind.BUSY, Kind.IN_FLIGHT, Kind.UNAVAILABLE}
    return isinstance(answer, Refused) and answer.kind in passing
