"""What promotions cost whoever funds them, booked by the close of day.

The claim   A promotion of the lender's own is a lower price and no booking: income that never was.
            What a merchant or a partner funds is a claim: the interest that the customer does not
            pay, as the loan earns it. A loan that is repaid early costs its funder less; none costs
            more than its drawdown took from the budget.
Exactness   Summed up anew each day from the loans themselves and booked as the difference, so that
            a payment taken back or a loan undone corrects the claim.
"""

from datetime import date, datetime

from counterfoil.kernel.ids import IdSource
from counterfoil.ledger import posting
from counterfoil.ledger.store import add_house_journals
from counterfoil.lending.promotion_claim_store import add_claims
from counterfoil.platform.database import Connection


async def book_claims(
    connection: Connection, ids: IdSource, day: date, *, posted_at: datetime
) -> None:
    """Book what funders of promotions owe for a day, in the transaction that ends it."""
    sums = await add_claims(connection, day)
    journals = [
        (ids.next(), book, "promotion_claim", posting.promotion_claim(amount))
        for book, amount in sorted(sums.items())
        if amount
    ]
    await add_house_journals(connection, journals, book_date=day, posted_at=posted_at)
