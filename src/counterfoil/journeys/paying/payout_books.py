"""What a rail made of a payout, in the books: a loan begins or its hold ends, credit has gone back.

Follows     The port `payments.settling.Books`: the same key always gives the same answer.
"""

from datetime import date
from typing import assert_never

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import ConfirmPayout, ConfirmReturn, FailPayout, FailReturn
from counterfoil.payments.order import Subject
from counterfoil.payments.rail import Outcome, Payment
from counterfoil.platform.batches import Answer


class PayoutBooks:
    """How the relay tells the books what the rail said."""

    def __init__(self, house: House) -> None:
        """Take the house whose books they are."""
        self._counter = house.counter

    async def take_note(self, payment: Payment, *, idempotency_key: str) -> Answer | Refused:
        """Book what became of a payment."""
        return await self._counter.submit(command_of(payment), idempotency_key=idempotency_key)


def command_of(payment: Payment) -> ConfirmPayout | FailPayout | ConfirmReturn | FailReturn:
    """Return the command that books the outcome of a payment, which has one."""
    match payment.order.subject:
        case Subject.DRAWDOWN:
            return _of_drawdown(payment)
        case Subject.CREDIT_RETURN:
            return _of_return(payment)
        case _:
            assert_never(payment.order.subject)


def _of_drawdown(payment: Payment) -> ConfirmPayout | FailPayout:
    """Begin the loan on the day the payee had the money, or release the hold of a failed one."""
    order = payment.order
    assert order.loan_id is not None, "a drawdown is of a loan"
    if payment.outcome is Outcome.SUCCEEDED:
        value_date, rail_reference = _arrival_of(payment)
        return ConfirmPayout(
            customer_id=order.customer_id,
            line_id=order.line_id,
            loan_id=order.loan_id,
            payment_id=order.payment_id,
            value_date=value_date,
            rail_reference=rail_reference,
        )
    return FailPayout(
        customer_id=order.customer_id,
        line_id=order.line_id,
        loan_id=order.loan_id,
        payment_id=order.payment_id,
        reason=_failure_of(payment),
    )


def _of_return(payment: Payment) -> ConfirmReturn | FailReturn:
    """Take note that the customer has the credit back, or keep what was never paid out."""
    order = payment.order
    if payment.outcome is Outcome.SUCCEEDED:
        value_date, rail_reference = _arrival_of(payment)
        return ConfirmReturn(
            customer_id=order.customer_id,
            line_id=order.line_id,
            return_id=order.payment_id,
            payment_id=order.payment_id,
            value_date=value_date,
            rail_reference=rail_reference,
        )
    return FailReturn(
        customer_id=order.customer_id,
        line_id=order.line_id,
        return_id=order.payment_id,
        payment_id=order.payment_id,
        reason=_failure_of(payment),
    )


def _arrival_of(payment: Payment) -> tuple[date, str]:
    """Return since when the payee has the money, and the rail's own reference of it."""
    assert payment.value_date is not None
    assert payment.rail_reference is not None
    return payment.value_date, payment.rail_reference


def _failure_of(payment: Payment) -> str:
    """Return the code of why no money went and none will."""
    assert payment.failure_code is not None
    return payment.failure_code
