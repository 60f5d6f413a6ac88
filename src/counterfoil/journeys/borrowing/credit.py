"""Credit: overpaid money goes back to the customer, or into a repayment, as the customer says."""

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payout_account import refuse_return
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import ReturnCredit, UseCredit
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.batches import Answer


async def return_credit(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    amount_minor: int,
    currency: str,
    payee_ref: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Set credit aside and order its payout; the relay carries it like a drawdown.

    `payee_ref` is the token of the customer's account, never its number.
    """
    refused = await refuse_return(house, customer_id=customer_id, payee_ref=payee_ref)
    if refused is not None:
        return refused
    command = ReturnCredit(
        customer_id=customer_id,
        line_id=line_id,
        amount_minor=amount_minor,
        currency=currency,
        payee_ref=payee_ref,
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def use_credit(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    loan_id: int | None,
    amount_minor: int,
    currency: str,
    mode: Prepayment = Prepayment.NEXT_INSTALMENT,
    idempotency_key: str,
) -> Answer | Refused:
    """Repay out of credit and answer with what it paid, loan by loan."""
    command = UseCredit(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        mode=mode,
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)
