"""Posting rules: each kind of movement and the accounts it debits and credits.

Invariant   The postings of a journal sum to zero and none of them is empty.
Signs       A debit is positive, a credit negative. Parts of a payment are what was received;
            a reversal hands in negative parts and gives the mirror image.
Units       Minor units of one currency.
"""

from typing import Final, NamedTuple

from counterfoil.ledger.chart import (
    BANK,
    COLLECTED_FOR_OTHERS,
    COMMITMENT_CONTRA,
    COMMITMENT_HELD,
    CREDIT_RETURNING,
    CUSTOMER_CREDIT,
    FEE_INCOME,
    FEE_RECEIVABLE,
    INTEREST_INCOME,
    INTEREST_RECEIVABLE,
    LOAN_PRINCIPAL,
    PENALTY_INCOME,
    PENALTY_RECEIVABLE,
    PROMOTION_INCOME,
    PROMOTION_RECEIVABLE,
    RAIL_COST,
    RAIL_FEES_OWED,
    RECALL_CLAIMS,
    RECALL_LOSSES,
    RECEIPTS_UNPLACED,
)

#: What happens to credit on its way back, and what it debits and credits. Journals of these kinds
#: bear the number of the return where others bear that of a loan's transaction.
CREDIT_RETURN_KINDS: Final = {
    "credit_return": (CUSTOMER_CREDIT, CREDIT_RETURNING),
    "credit_return_paid": (CREDIT_RETURNING, BANK),
    "credit_return_failed": (CREDIT_RETURNING, CUSTOMER_CREDIT),
    "credit_return_bounced": (BANK, CUSTOMER_CREDIT),
}


class Postings(NamedTuple):
    """One journal's accounts and amounts, side by side."""

    accounts: list[int]
    amounts: list[int]


def hold(hold_minor: int) -> Postings:
    """Post a drawdown that was accepted (positive) or whose hold was released (negative)."""
    return Postings([COMMITMENT_HELD, COMMITMENT_CONTRA], [hold_minor, -hold_minor])


def disbursement(principal_minor: int) -> Postings:
    """Post the money that arrived: principal is lent and the commitment is over."""
    return Postings(
        [LOAN_PRINCIPAL, BANK, COMMITMENT_CONTRA, COMMITMENT_HELD],
        [principal_minor, -principal_minor, principal_minor, -principal_minor],
    )


def payout_returned(principal_minor: int) -> Postings:
    """Post the money of a payout that came back: the loan was never lent."""
    return Postings([BANK, LOAN_PRINCIPAL], [principal_minor, -principal_minor])


def payment(
    *,
    principal_minor: int,
    interest_minor: int,
    penalty_minor: int,
    excess_minor: int,
    fee_minor: int = 0,
    guarantee_minor: int = 0,
    is_from_credit: bool = False,
) -> Postings:
    """Post a payment that came in, was taken back (negative), or was reallocated (zero).

    Where it came out of the customer's credit, no cash moves. A guarantor's fee is nobody's income
    here: it is owed to the guarantor from the moment it is collected.
    """
    received = principal_minor + interest_minor + penalty_minor + excess_minor
    received += fee_minor + guarantee_minor
    used = received if is_from_credit else 0
    return _without_empty(
        (BANK, received - used),
        (LOAN_PRINCIPAL, -principal_minor),
        (INTEREST_RECEIVABLE, -interest_minor),
        (PENALTY_RECEIVABLE, -penalty_minor),
        (FEE_RECEIVABLE, -fee_minor),
        (COLLECTED_FOR_OTHERS, -guarantee_minor),
        (CUSTOMER_CREDIT, used - excess_minor),
    )


def credit_return(kind: str, amount_minor: int) -> Postings:
    """Post credit set aside, credit that the customer has, that is kept after all, or came back."""
    debited, credited = CREDIT_RETURN_KINDS[kind]
    return Postings([debited, credited], [amount_minor, -amount_minor])


def accrual(*, interest_minor: int, penalty_minor: int, fee_minor: int = 0) -> Postings:
    """Post what the book earned in a day; negative where a correction took more back."""
    return _without_empty(
        (INTEREST_RECEIVABLE, interest_minor),
        (INTEREST_INCOME, -interest_minor),
        (PENALTY_RECEIVABLE, penalty_minor),
        (PENALTY_INCOME, -penalty_minor),
        (FEE_RECEIVABLE, fee_minor),
        (FEE_INCOME, -fee_minor),
    )


def rail_fee(fee_minor: int) -> Postings:
    """Post what payments cost the house; it is never taken from what is paid out (R038)."""
    return Postings([RAIL_COST, RAIL_FEES_OWED], [fee_minor, -fee_minor])


def promotion_claim(amount_minor: int) -> Postings:
    """Post interest that whoever funds a promotion pays; negative where less is owed after all."""
    return Postings([PROMOTION_RECEIVABLE, PROMOTION_INCOME], [amount_minor, -amount_minor])


def promotion_payment(amount_minor: int) -> Postings:
    """Post what whoever funds a promotion has paid of what is claimed."""
    return Postings([BANK, PROMOTION_RECEIVABLE], [amount_minor, -amount_minor])


def receipt_unplaced(amount_minor: int) -> Postings:
    """Post money that came in and that people have to place.

    It is negative where it was placed or sent back.
    """
    return Postings([BANK, RECEIPTS_UNPLACED], [amount_minor, -amount_minor])


def recall_claim(amount_minor: int) -> Postings:
    """Post a recall that becomes a claim; negative where the claim is paid."""
    return Postings([RECALL_CLAIMS, BANK], [amount_minor, -amount_minor])


def recall_lost(amount_minor: int) -> Postings:
    """Post a recall that the house bears."""
    return Postings([RECALL_LOSSES, BANK], [amount_minor, -amount_minor])


def recall_given_up(amount_minor: int) -> Postings:
    """Post what is left of a claim and will not be paid."""
    return Postings([RECALL_LOSSES, RECALL_CLAIMS], [amount_minor, -amount_minor])


def _without_empty(*postings: tuple[int, int]) -> Postings:
    kept = [(account, amount) for account, amount in postings if amount]
    assert sum(amount for _, amount in kept) == 0
    return Postings([account for account, _ in kept], [amount for _, amount in kept])
