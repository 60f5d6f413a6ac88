"""Whether what was quoted can be drawn now: what a drawdown would be answered, without drawing.

The story   A quote is about the price and is given for any amount, also on a frozen line. Beside it
            stands what keeps it from being drawn now: the state of the line and what is left of it,
            identity checks, alone and with the drawdowns of the period, and too much debt; in the
            order in which a drawdown meets them once the line's own answer is known.
Invariant   Nothing is written and no bureau is asked. It holds for the moment: the line decides
            again when the drawdown is.
"""

from counterfoil.journeys.affording.exposure import look_draw
from counterfoil.journeys.borrowing.drawn_together import look_drawdown
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payout_account import refuse_draw
from counterfoil.kernel.errors import Refused
from counterfoil.lending.quote import Quote


async def refused_now(house: House, quoted: Quote) -> Refused | None:
    """Return why what was quoted cannot be drawn now; None where nothing is known against it."""
    customer_id, sheet = quoted.customer_id, quoted.sheet
    if quoted.refused_now is not None:
        return quoted.refused_now
    # Whose account is paid is asked for with the drawdown.
    refused = await refuse_draw(
        house,
        customer_id=customer_id,
        amount_minor=sheet.principal_minor,
        currency=sheet.currency,
        payee_ref=None,
    )
    refused = refused or await look_draw(
        house,
        customer_id=customer_id,
        line_id=quoted.line_id,
        amount_minor=sheet.principal_minor,
        months=sheet.tenor_months,
    )
    return refused or await look_drawdown(
        house,
        customer_id=customer_id,
        amount_minor=sheet.principal_minor,
        currency=sheet.currency,
    )
