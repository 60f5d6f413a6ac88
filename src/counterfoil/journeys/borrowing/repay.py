"""Repaying: a payment comes in, for one loan, some or all of a line; and one is taken back."""

from datetime import date

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import Repay, ReverseRepayment
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.batches import Answer


async def repay(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    loan_id: int | None,
    amount_minor: int,
    currency: str,
    value_date: date | None,
    channel: str,
    mode: Prepayment = Prepayment.NEXT_INSTALMENT,
    loan_ids: tuple[int, ...] = (),
    is_in_named_order: bool = False,
    idempotency_key: str,
) -> Answer | Refused:
    """Book a payment and answer with what it paid, loan by loan."""
    command = Repay(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        value_date=value_date,
        mode=mode,
        channel=channel,
        loan_ids=loan_ids,
        is_in_named_order=is_in_named_order,
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def reverse(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    repayment_id: int,
    reason: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Take a payment back that bounced or was booked in error."""
    command = ReverseRepayment(
        customer_id=customer_id, line_id=line_id, repayment_id=repayment_id, reason=reason
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)
