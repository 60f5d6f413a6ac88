"""Each movement and the accounts it debits (positive) and credits (negative)."""

import pytest

from counterfoil.ledger import posting
from counterfoil.ledger.chart import CHART, Class, Side


def test_a_hold_is_noted_outside_the_balance_sheet_and_taken_back() -> None:
    assert posting.hold(500) == ([9101, 9102], [500, -500])
    assert posting.hold(-500) == ([9101, 9102], [-500, 500])


def test_a_disbursement_lends_the_banks_money_and_ends_the_hold() -> None:
    assert posting.disbursement(500) == ([1301, 1002, 9102, 9101], [500, -500, 500, -500])


def test_a_payment_brings_cash_and_takes_down_what_was_owed() -> None:
    paid = posting.payment(principal_minor=700, interest_minor=40, penalty_minor=5, excess_minor=55)
    assert paid == ([1002, 1301, 1132, 1133, 2203], [800, -700, -40, -5, -55])


def test_a_reversal_is_the_mirror_image() -> None:
    taken = posting.payment(
        principal_minor=-700, interest_minor=-40, penalty_minor=-5, excess_minor=-55
    )
    assert taken == ([1002, 1301, 1132, 1133, 2203], [-800, 700, 40, 5, 55])


def test_a_reallocation_moves_no_cash() -> None:
    moved = posting.payment(
        principal_minor=3_120, interest_minor=-2_920, penalty_minor=-200, excess_minor=0
    )
    assert moved == ([1301, 1132, 1133], [-3_120, 2_920, 200])


def test_a_payment_out_of_credit_moves_no_cash_either() -> None:
    used = posting.payment(
        principal_minor=700, interest_minor=40, penalty_minor=0, excess_minor=0, is_from_credit=True
    )
    assert used == ([1301, 1132, 2203], [-700, -40, 740])


def test_accrual_is_income_and_may_be_taken_back() -> None:
    assert posting.accrual(interest_minor=40, penalty_minor=0) == ([1132, 6011], [40, -40])
    assert posting.accrual(interest_minor=-3, penalty_minor=2) == (
        [1132, 6011, 1133, 6012],
        [-3, 3, 2, -2],
    )
    assert posting.accrual(interest_minor=0, penalty_minor=0) == ([], [])


@pytest.mark.parametrize(
    ("parts", "count"),
    [((1, 0, 0, 0), 2), ((0, 1, 0, 0), 2), ((0, 0, 1, 1), 3), ((0, 0, 0, 0), 0)],
)
def test_no_posting_is_empty(parts: tuple[int, int, int, int], count: int) -> None:
    principal, interest, penalty, excess = parts
    accounts, amounts = posting.payment(
        principal_minor=principal,
        interest_minor=interest,
        penalty_minor=penalty,
        excess_minor=excess,
    )
    assert len(accounts) == len(amounts) == count
    assert 0 not in amounts
    assert sum(amounts) == 0


def test_every_account_stands_where_its_number_says() -> None:
    kinds = {1: Class.ASSET, 2: Class.LIABILITY, 6: Class.INCOME, 9: Class.MEMORANDUM}
    for code, account in CHART.items():
        assert account.code == code
        # 64xx is what the house pays, 67xx what it loses.
        is_expense = code // 100 in {64, 67}
        assert account.kind == (Class.EXPENSE if is_expense else kinds[code // 1000])
        assert account.name_en
        assert account.name_zh
        if account.kind in (Class.ASSET, Class.EXPENSE):
            assert account.normal is Side.DEBIT
        if account.kind in (Class.LIABILITY, Class.INCOME):
            assert account.normal is Side.CREDIT
