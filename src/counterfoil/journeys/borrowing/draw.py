"""Drawing: from a signed cost sheet to money at the borrower's account.

The story   The token proves that the cost sheet of this very drawdown was shown. Identity, account
            and debts are looked at, and the period's drawdowns added up. What a promotion costs,
            and in a scene its limit and purchase, are held until the line has answered. The line
            holds the amount and orders the payout in one transaction; the relay carries the order
            over the rail, and `payout_books.py` says what the rail made of it. What the rail did
            not say keeps the hold.
Invariant   A repeated request gets its first answer, whatever came in the way since.
"""

from dataclasses import dataclass

from counterfoil.journeys.affording.exposure import guard_draw
from counterfoil.journeys.borrowing import promotions
from counterfoil.journeys.borrowing.drawn_together import end_hold, hold_drawdown
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payout_account import refuse_draw
from counterfoil.journeys.purchasing.scene_purchases import settle
from counterfoil.journeys.purchasing.scenes import reserve, scene_of_product
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.commands import Draw
from counterfoil.lending.quote import QuoteClaims, agreement_of, matches, open_quote
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
    drawdown = await _as_quoted(house, command, claims, idempotency_key)
    if isinstance(drawdown, Refused):
        return drawdown
    refused = await _refuse_customer(house, drawdown)
    if refused and not await _was_answered(house, command, idempotency_key):
        return refused
    return await _draw_counted(house, drawdown)


@dataclass(frozen=True, slots=True)
class _Drawdown:
    """A drawdown that is the one quoted."""

    command: Draw
    claims: QuoteClaims
    #: None for cash, which pays for no purchase.
    scene: Scene | None
    #: Of the request.
    key: str


async def _as_quoted(
    house: House, command: Draw, claims: QuoteClaims, key: str
) -> _Drawdown | Refused:
    """Return the drawdown with its scene, or say that the token speaks for another one."""
    refused = matches(claims, command)
    if refused:
        # What was answered under this key had a token that matched: it was another request.
        is_other = await _was_answered(house, command, key)
        return refuse(KEY_REUSED) if is_other else refused
    scene = await scene_of_product(house, (claims.product_code, claims.product_version), command)
    if isinstance(scene, Refused):
        return scene
    if (scene is None) != (claims.purchase is None):
        return refuse(refusals.QUOTE_INVALID)
    return _Drawdown(command, claims, scene, key)


async def _refuse_customer(house: House, drawdown: _Drawdown) -> Refused | None:
    """Say why this customer may not draw so much now: identity, account, or too much debt."""
    command = drawdown.command
    return await refuse_draw(
        house,
        customer_id=command.customer_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        # In a scene the merchant is paid, whose account is looked at with the purchase.
        payee_ref=command.payee_ref if drawdown.scene is None else None,
    ) or await guard_draw(
        house,
        customer_id=command.customer_id,
        line_id=command.line_id,
        amount_minor=command.amount_minor,
        months=command.tenor_months,
    )


async def _draw_counted(house: House, drawdown: _Drawdown) -> Answer | Refused:
    """Draw; it counts with the drawdowns of its period until the line has answered."""
    command, key = drawdown.command, drawdown.key
    held = await hold_drawdown(house, command, key=key)
    if isinstance(held, Refused):
        if not await _was_answered(house, command, key):
            return held
        held = None
    answer: Answer | Refused | None = None
    try:
        answer = await _draw_promoted(house, drawdown)
    finally:
        await end_hold(house, held, answer)
    return answer


async def _draw_promoted(house: House, drawdown: _Drawdown) -> Answer | Refused:
    """Draw; a promotion's budget holds what it costs until the line has answered."""
    claims, key = drawdown.claims, drawdown.key
    if claims.promotion is None:
        return await _draw_in_scene(house, drawdown)
    over = await promotions.take(house, claims, key=key)
    if over and not await _was_answered(house, drawdown.command, key):
        return over
    answer = await _draw_in_scene(house, drawdown)
    await promotions.settle(house, claims, answer, key=key)
    return answer


async def _draw_in_scene(house: House, drawdown: _Drawdown) -> Answer | Refused:
    """Draw; a scene's limit and purchase hold the amount until the line has answered."""
    command, scene, paid = drawdown.command, drawdown.scene, drawdown.claims.purchase
    if scene is None or paid is None:
        return await house.counter.submit(command, idempotency_key=drawdown.key)
    refused = await reserve(house, scene, command, paid, key=drawdown.key)
    if refused and not await _was_answered(house, command, drawdown.key):
        return refused
    answer: Answer | Refused | None = None
    try:
        answer = await house.counter.submit(command, idempotency_key=drawdown.key)
    finally:
        await settle(house, command, key=drawdown.key, answer=answer)
    return answer


async def _was_answered(house: House, command: Draw, key: str) -> bool:
    """Tell whether the request is a repetition, which gets its first answer whatever came since."""
    async with house.database.connection() as connection:
        keys = [(command.customer_id, key)]
        return bool(await PLATFORM.commands_seen.fetch(connection, keys=keys))
