"""Reconciling the sub-ledger, which is lines and loans, with the general ledger, book by book.

Principal, holds, credit, claims on funders of promotions and from recalls, and money that waits to
be placed agree at any moment. What was earned is booked by the close of day: in between, the
receivable accounts differ by what has been earned or corrected since.
"""

from dataclasses import dataclass
from typing import Final

from counterfoil.journeys.paying.rail_fees import BOOK
from counterfoil.kernel.money import E8, divide_half_up
from counterfoil.ledger import check_store as ledger
from counterfoil.ledger.chart import (
    COMMITMENT_HELD,
    CREDIT_RETURNING,
    CUSTOMER_CREDIT,
    INTEREST_RECEIVABLE,
    LOAN_PRINCIPAL,
    PENALTY_RECEIVABLE,
    PROMOTION_RECEIVABLE,
    RECALL_CLAIMS,
    RECEIPTS_UNPLACED,
)
from counterfoil.ledger.store import BookKey
from counterfoil.lending import check_store as lending
from counterfoil.lending import closing_store as closing
from counterfoil.lending.promotion_claim_store import claims_by_book
from counterfoil.payments.received_store import claims_left, suspended_sums
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Database

#: Accounts that agree at any moment; the others agree at the end of each close.
ALWAYS: Final = frozenset(
    {
        *(LOAN_PRINCIPAL, CUSTOMER_CREDIT, CREDIT_RETURNING, COMMITMENT_HELD),
        *(PROMOTION_RECEIVABLE, RECALL_CLAIMS, RECEIPTS_UNPLACED),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One account of one book, as both ledgers have it; debits positive, minor units."""

    lender_id: str
    product_code: str
    currency: str
    account: int
    general_minor: int
    sub_ledger_minor: int

    @property
    def book(self) -> BookKey:
        """Return lender, product and currency."""
        return (self.lender_id, self.product_code, self.currency)

    @property
    def difference_minor(self) -> int:
        """Return by how much the general ledger is higher."""
        return self.general_minor - self.sub_ledger_minor

    @property
    def ok(self) -> bool:
        """Return whether the two agree, or will after the next close."""
        return not self.difference_minor or self.account not in ALWAYS


async def reconcile_ledger(database: Database) -> list[Pair]:
    """Return every account that both ledgers keep, under one snapshot."""
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),  # type: ignore[call-arg]
    ):
        business_date = await PLATFORM.business_date.fetchval(connection)
        general = await ledger.balances(connection)
        sub_ledger = await lending.book_sums(connection)
        claimed = await claims_by_book(connection)
        unplaced = await suspended_sums(connection)
        recalled = await claims_left(connection)
        earned = await closing.receivables(connection, business_date) if business_date else []
    made: dict[tuple[BookKey, int], int] = {
        (book, PROMOTION_RECEIVABLE): amount for book, amount in claimed.items()
    }
    for (lender_id, currency), left in unplaced.items():
        made[(lender_id, BOOK, currency), RECEIPTS_UNPLACED] = -left
    for (lender_id, currency), left in recalled.items():
        made[(lender_id, BOOK, currency), RECALL_CLAIMS] = left
    for book, (principal, held, credit, returning) in sub_ledger.items():
        made[book, LOAN_PRINCIPAL] = principal
        made[book, COMMITMENT_HELD] = held
        made[book, CUSTOMER_CREDIT] = -credit
        made[book, CREDIT_RETURNING] = -returning
    exact: dict[tuple[BookKey, int], int] = {}
    for row in earned:
        book = (row.lender_id, row.product_code, row.currency)
        for account, amount_e8 in (
            (INTEREST_RECEIVABLE, row.interest_e8),
            (PENALTY_RECEIVABLE, row.penalty_e8),
        ):
            exact[book, account] = exact.get((book, account), 0) + amount_e8
    made |= {name: divide_half_up(amount_e8, E8) for name, amount_e8 in exact.items()}
    kept = ALWAYS | {INTEREST_RECEIVABLE, PENALTY_RECEIVABLE}
    names = made.keys() | {name for name in general if name[1] in kept}
    return [_pair(book, account, general, made) for book, account in sorted(names)]


def _pair(
    book: BookKey,
    account: int,
    general: dict[tuple[BookKey, int], int],
    made: dict[tuple[BookKey, int], int],
) -> Pair:
    lender_id, product_code, currency = book
    return Pair(
        lender_id=lender_id,
        product_code=product_code,
        currency=currency,
        account=account,
        general_minor=general.get((book, account), 0),
        sub_ledger_minor=made.get((book, account), 0),
    )
