"""Drawing at the portal: the cost sheet was read, for as long as it takes, then the money is drawn.

Invariant   Without the reading there is no drawdown here, in a sandbox neither: the ticket of the
            sheet that was shown comes back late enough, and what is drawn is exactly what was read.
            The quote's own token says when it was shown; the loan keeps for how long that was.
"""

from dataclasses import dataclass
from typing import Final

from counterfoil.contracts.refusals import COST_SHEET_NOT_SHOWN, READING_TOO_SHORT
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.contracting.reading_time import begin_reading, end_reading
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.quote import Quote, open_quote
from counterfoil.lending.refusals import QUOTE_INVALID
from counterfoil.platform.batches import Answer

_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Confirmation:
    """A customer's confirmation of a cost sheet and its loan note."""

    customer_id: int
    quote_token: str
    #: From `show_sheet`.
    ticket: str
    purpose: str
    #: Token of the borrower's account, never its number.
    payee_ref: str


def show_sheet(house: House, quote: Quote) -> str:
    """Return the ticket of a quote whose sheet is shown now."""
    return begin_reading(house, quote.customer_id, text_of(quote))


def least_seconds(house: House, quoted: int) -> int:
    """Return how long a sheet is read at least, as the house or its quote asks."""
    return max(house.settings.cost_sheet_reading_seconds, quoted)


def text_of(quote: Quote) -> bytes:
    """Return what a ticket of a quote is of: the sheet and the note."""
    return _both(quote.sheet.sheet_hash, quote.note.sha256)


async def draw_as_read(
    house: House, confirmed: Confirmation, *, idempotency_key: str
) -> Answer | Refused:
    """Draw what was read, once it was read for long enough."""
    customer_id = confirmed.customer_id
    claims = open_quote(house.quote_key, confirmed.quote_token)
    if claims is None or claims.customer_id != customer_id:
        return refuse(QUOTE_INVALID)
    text = _both(claims.sheet_hash, claims.note_hash)
    read = end_reading(house, customer_id, text, confirmed.ticket)
    if read is None:
        return refuse(COST_SHEET_NOT_SHOWN)
    least = least_seconds(house, claims.reading_ms // _MS)
    if read.dwell_ms < least * _MS:
        wait = least - read.dwell_ms // _MS
        return refuse(READING_TOO_SHORT, least_seconds=least, wait_seconds=wait)
    return await draw(
        house,
        customer_id=customer_id,
        line_id=claims.line_id,
        amount_minor=claims.amount_minor,
        currency=claims.currency,
        tenor_months=claims.tenor_months,
        method=claims.method,
        purpose=confirmed.purpose,
        payee_ref=confirmed.payee_ref,
        quote_token=confirmed.quote_token,
        idempotency_key=idempotency_key,
    )


def _both(sheet: bytes, note: bytes) -> bytes:
    return sheet + note
