"""Telling the books what a rail made certain, and finishing what they have acknowledged.

Invariant   A payment is finished after the books took note, never before. The same command goes
            out under the same key until they have; what they refuse for good is for two people.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Protocol, assert_never

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Kind, Refused
from counterfoil.payments import store, suspense_store
from counterfoil.payments.order import Subject
from counterfoil.payments.rail import Cause, Outcome, Payment

# house: allow database-reach – opens the transaction that its steps share; SQL is the store's
from counterfoil.platform.database import Database

_log = structlog.get_logger(__name__)


class Books(Protocol):
    """The commands by which a rail's outcome reaches what is paid out, two a subject.

    Each returns once the command is durable: its answer, or a refusal as a value. The same key
    always gives the same answer, so both may be repeated for ever.
    """

    async def confirm(
        self,
        *,
        customer_id: int,
        line_id: int,
        loan_id: int,
        payment_id: int,
        value_date: date,
        rail_reference: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Start the loan on the day the payee had the money."""
        ...

    async def fail(
        self,
        *,
        customer_id: int,
        line_id: int,
        loan_id: int,
        payment_id: int,
        failure_code: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Release the hold of a loan that was never paid out."""
        ...

    async def confirm_return(
        self,
        *,
        customer_id: int,
        line_id: int,
        return_id: int,
        payment_id: int,
        value_date: date,
        rail_reference: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Take note that the customer has the credit back."""
        ...

    async def fail_return(
        self,
        *,
        customer_id: int,
        line_id: int,
        return_id: int,
        payment_id: int,
        failure_code: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Keep credit as before that was never paid out."""
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
        if payment.outcome is Outcome.SUCCEEDED:
            return await self._confirm(payment)
        order, code = payment.order, payment.failure_code
        assert code is not None
        who = {"customer_id": order.customer_id, "line_id": order.line_id}
        key = f"payout:{order.payment_id}:failed"
        match order.subject:
            case Subject.DRAWDOWN:
                assert order.loan_id is not None
                return await self._books.fail(
                    **who,
                    loan_id=order.loan_id,
                    payment_id=order.payment_id,
                    failure_code=code,
                    idempotency_key=key,
                )
            case Subject.CREDIT_RETURN:
                return await self._books.fail_return(
                    **who,
                    return_id=order.payment_id,
                    payment_id=order.payment_id,
                    failure_code=code,
                    idempotency_key=key,
                )
            case _:
                assert_never(order.subject)

    async def _confirm(self, payment: Payment) -> object | Refused:
        order, value_date, rail_reference = (
            payment.order,
            payment.value_date,
            payment.rail_reference,
        )
        assert value_date is not None
        assert rail_reference is not None
        who = {"customer_id": order.customer_id, "line_id": order.line_id}
        key = f"payout:{order.payment_id}:confirmed"
        match order.subject:
            case Subject.DRAWDOWN:
                assert order.loan_id is not None
                return await self._books.confirm(
                    **who,
                    loan_id=order.loan_id,
                    payment_id=order.payment_id,
                    value_date=value_date,
                    rail_reference=rail_reference,
                    idempotency_key=key,
                )
            case Subject.CREDIT_RETURN:
                return await self._books.confirm_return(
                    **who,
                    return_id=order.payment_id,
                    payment_id=order.payment_id,
                    value_date=value_date,
                    rail_reference=rail_reference,
                    idempotency_key=key,
                )
            case _:
                assert_never(order.subject)


def _is_passing(answer: object) -> bool:
    """Return whether the books refused for a reason that time removes."""
    passing = {Kind.BUSY, Kind.IN_FLIGHT, Kind.UNAVAILABLE}
    return isinstance(answer, Refused) and answer.kind in passing
