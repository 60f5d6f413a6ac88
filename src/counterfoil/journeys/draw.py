"""Drawing: from a signed cost sheet to money at the borrower's account.

The way of a drawdown: the token proves that the cost sheet was shown; the amount is held and the
payout ordered in one transaction; the relay carries the order over the rail; what the rail says
begins the loan or releases the hold. What the rail did not say keeps the hold.
"""

from datetime import date

from counterfoil.journeys import promotions
from counterfoil.journeys.exposure import guard_draw
from counterfoil.journeys.house import House
from counterfoil.journeys.payout_account import refuse_draw
from counterfoil.journeys.scene_purchases import settle
from counterfoil.journeys.scenes import reserve, scene_of_product
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.commands import (
    ConfirmPayout,
    ConfirmReturn,
    Draw,
    FailPayout,
    FailReturn,
)
from counterfoil.lending.quote import PurchaseClaim, agreement_of, matches, open_quote
from counterfoil.lending.scene import Scene
from counterfoil.lending.terms import Method
from counterfoil.platform.batches import KEY_REUSED, Answer
from counterfoil.platform.batches import QUERIES as PLATFORM


async def draw(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    amount_minor: int,
    currency: str,
    tenor_months: int,
    method: Method,
    purpose: str,
    payee_ref: str,
    quote_token: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Hold the amount and order its payout; the answer is a pending loan.

    `quote_token` is the customer's agreement to the cost sheet of exactly this drawdown;
    `payee_ref` is the token of the borrower's account, never its number.
    """
    claims = open_quote(house.quote_key, quote_token)
    if claims is None:
        return refuse(refusals.QUOTE_INVALID)
    command = Draw(
        customer_id=customer_id,
        line_id=line_id,
        amount_minor=amount_minor,
        currency=currency,
        tenor_months=tenor_months,
        method=method,
        purpose=purpose,
        payee_ref=payee_ref,
        cost_sheet_hash=claims.sheet_hash,
        agreement=agreement_of(claims),
    )
    refused = matches(claims, command)
    if refused:
        # What was answered under this key had a token that matched: it was another request.
        is_other = await _was_answered(house, customer_id, idempotency_key)
        return refuse(KEY_REUSED) if is_other else refused
    scene = scene_of_product(house, (claims.product_code, claims.product_version), command)
    if isinstance(scene, Refused):
        return scene
    if (scene is None) != (claims.purchase is None):
        return refuse(refusals.QUOTE_INVALID)
    own = payee_ref if scene is None else None
    held = await refuse_draw(
        house, customer_id=customer_id, amount_minor=amount_minor, payee_ref=own
    ) or await guard_draw(
        house,
        customer_id=customer_id,
        line_id=line_id,
        amount_minor=amount_minor,
        months=tenor_months,
    )
    if held and not await _was_answered(house, customer_id, idempotency_key):
        return held
    if claims.promotion is None:
        return await _submit(house, scene, command, claims.purchase, idempotency_key)
    over = await promotions.take(house, claims, key=idempotency_key)
    if over and not await _was_answered(house, customer_id, idempotency_key):
        return over
    answer = await _submit(house, scene, command, claims.purchase, idempotency_key)
    await promotions.settle(house, claims, answer, key=idempotency_key)
    return answer


async def _submit(
    house: House,
    scene: Scene | None,
    command: Draw,
    paid: PurchaseClaim | None,
    idempotency_key: str,
) -> Answer | Refused:
    """Draw; in a scene its limit, merchant and stops hold until the line has answered."""
    if scene is None or paid is None:
        return await house.counter.submit(command, idempotency_key=idempotency_key)
    refused = await reserve(house, scene, command, paid, key=idempotency_key)
    if refused and not await _was_answered(house, command.customer_id, idempotency_key):
        return refused
    answer: Answer | Refused | None = None
    try:
        answer = await house.counter.submit(command, idempotency_key=idempotency_key)
    finally:
        await settle(house, command, key=idempotency_key, answer=answer)
    return answer


async def _was_answered(house: House, customer_id: int, idempotency_key: str) -> bool:
    """Tell whether the request is a repetition, which gets its first answer whatever came since."""
    async with house.database.connection() as connection:
        keys = [(customer_id, idempotency_key)]
        return bool(await PLATFORM.commands_seen.fetch(connection, keys=keys))


class PayoutBooks:
    """How the relay tells the books what the rail said."""

    def __init__(self, house: House) -> None:
        """Take the house whose books they are."""
        self._counter = house.counter

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
        """Begin the loan on the day the payee had the money."""
        command = ConfirmPayout(
            customer_id=customer_id,
            line_id=line_id,
            loan_id=loan_id,
            payment_id=payment_id,
            value_date=value_date,
            rail_reference=rail_reference,
        )
        return await self._counter.submit(command, idempotency_key=idempotency_key)

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
        """Release the hold of a drawdown that was never paid out."""
        command = FailPayout(
            customer_id=customer_id,
            line_id=line_id,
            loan_id=loan_id,
            payment_id=payment_id,
            reason=failure_code,
        )
        return await self._counter.submit(command, idempotency_key=idempotency_key)

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
        command = ConfirmReturn(
            customer_id=customer_id,
            line_id=line_id,
            return_id=return_id,
            payment_id=payment_id,
            value_date=value_date,
            rail_reference=rail_reference,
        )
        return await self._counter.submit(command, idempotency_key=idempotency_key)

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
        command = FailReturn(
            customer_id=customer_id,
            line_id=line_id,
            return_id=return_id,
            payment_id=payment_id,
            reason=failure_code,
        )
        return await self._counter.submit(command, idempotency_key=idempotency_key)
