"""Fees of rails: what each payment costs the house, booked when it was carried out.

The way of a fee: the rail's terms say what a payment costs; a row for the payment and a journal of
the house are written together; the rail's statement later says what it asks, and reconciliation
names the difference.

Invariant   A payment's fee is booked once, as the lender's cost: nothing of it is the customer's.
"""

from collections import Counter
from datetime import timedelta
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.ledger import posting
from counterfoil.ledger.store import BookKey, add_house_journals
from counterfoil.payments import fee_store

#: How far back payments are looked for whose fee is not booked.
LOOK_BACK: Final = timedelta(days=40)
#: The book of costs that belong to no product.
BOOK: Final = "payments"
_PAGE: Final = 1_000


async def book_fees(house: House) -> int:
    """Book the fees of payments that rails carried out; return how many that were."""
    fees = {terms.code: terms.fee for terms in house.rails if not terms.fee.is_free}
    if not fees:
        return 0
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        rows = await fee_store.payments_without_fee(
            connection, rails=sorted(fees), since=on - LOOK_BACK, page=_PAGE
        )
        asked = [(row, fees[row["rail"]].of(row["amount_minor"])) for row in rows]
        # A fee of nothing, as of a payment below the rate's rounding, is no fact.
        asked = [(row, fee) for row, fee in asked if fee]
        if not asked:
            return 0
        await fee_store.add_fees(connection, asked, booked_on=on, now=now)
        sums: Counter[BookKey] = Counter()
        for row, fee in asked:
            sums[row["lender_id"], BOOK, row["currency"]] += fee
        journals = [
            (house.ids.next(), book, "rail_fee", posting.rail_fee(total))
            for book, total in sorted(sums.items())
        ]
        await add_house_journals(connection, journals, book_date=on, posted_at=now)
    return len(asked)
