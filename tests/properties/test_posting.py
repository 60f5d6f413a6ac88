"""Whatever is posted balances, and taking it back leaves nothing."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger import posting
from counterfoil.ledger.chart import BANK, CHART, CUSTOMER_CREDIT, LOAN_PRINCIPAL
from counterfoil.ledger.posting import Postings

PARTS = st.tuples(*[st.integers(-(10**13), 10**13)] * 4)


def payment(parts: tuple[int, ...], *, is_from_credit: bool) -> Postings:
    principal, interest, penalty, excess = parts
    return posting.payment(
        principal_minor=principal,
        interest_minor=interest,
        penalty_minor=penalty,
        excess_minor=excess,
        is_from_credit=is_from_credit,
    )


@given(PARTS, st.booleans())
def test_a_payment_and_its_reversal_leave_every_account_at_zero(
    parts: tuple[int, ...],
    is_from_credit: bool,  # noqa: FBT001 - drawn by chance
) -> None:
    books: Counter[int] = Counter()
    for signed in (parts, tuple(-part for part in parts)):
        accounts, amounts = payment(signed, is_from_credit=is_from_credit)
        assert sum(amounts) == 0
        assert 0 not in amounts
        assert len(set(accounts)) == len(accounts)
        assert set(accounts) <= CHART.keys()
        books.update(dict(zip(accounts, amounts, strict=True)))
    assert not any(books.values())


@given(PARTS)
def test_cash_in_is_the_sum_of_the_parts(parts: tuple[int, ...]) -> None:
    book = dict(zip(*payment(parts, is_from_credit=False), strict=True))
    assert book.get(BANK, 0) == sum(parts)
    assert book.get(LOAN_PRINCIPAL, 0) == -parts[0]
    used = dict(zip(*payment(parts, is_from_credit=True), strict=True))
    assert BANK not in used
    assert used.get(CUSTOMER_CREDIT, 0) == sum(parts[:3])


@given(st.integers(1, 10**13))
def test_a_hold_and_what_ends_it_leave_no_commitment(amount: int) -> None:
    for end in (posting.hold(-amount), posting.disbursement(amount)):
        book: Counter[int] = Counter()
        for accounts, amounts in (posting.hold(amount), end):
            book.update(dict(zip(accounts, amounts, strict=True)))
        assert book[9101] == book[9102] == 0
