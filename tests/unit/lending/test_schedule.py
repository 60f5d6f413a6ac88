"""Plans with figures: what each method asks for, and on which days."""

from datetime import date

import pytest

from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.loan import Loan, disburse, plan
from counterfoil.lending.schedule import (
    PlanRow,
    first_due,
    instalment_amount,
    level_instalment,
    period_days,
)
from counterfoil.lending.terms import Method, Terms


@pytest.fixture(scope="module")
def terms() -> Terms:
    return load_catalogue().terms("cash-line-open", 1)


def rows_of(
    terms: Terms,
    *,
    method: Method,
    amount_minor: int = 1_200_000,
    rate_daily_e8: int = 35_000,
    months: int = 3,
    start: date = date(2026, 3, 1),
    repayment_day: int = 15,
) -> list[PlanRow]:
    loan = Loan(
        customer_id=1,
        loan_id=2,
        line_id=3,
        product_code=terms.code,
        product_version=terms.version,
        lender_id=terms.lender_id,
        currency=terms.currency,
        method=method,
        purpose="travel",
        payee_ref="",
        cost_sheet_hash=b"",
        original_minor=amount_minor,
        rate_daily_e8=rate_daily_e8,
        penalty_daily_e8=terms.penalty_daily_e8(rate_daily_e8),
        grace_days=terms.grace_days,
        tenor_months=months,
        repayment_day=repayment_day,
        requested_on=start,
        dues=[],
    )
    disburse(loan, start, terms)
    return plan(loan)


def figures(rows: list[PlanRow]) -> list[tuple[str, int, int, int]]:
    return [
        (r.due_date.isoformat(), r.principal_minor, r.interest_minor, r.balance_minor) for r in rows
    ]


def test_level_instalments(terms: Terms) -> None:
    assert figures(rows_of(terms, method=Method.LEVEL_INSTALMENT)) == [
        ("2026-03-15", 400_379, 5_880, 799_621),
        ("2026-04-15", 397_583, 8_676, 402_038),
        ("2026-05-15", 402_038, 4_221, 0),
    ]


def test_level_principal(terms: Terms) -> None:
    assert figures(rows_of(terms, method=Method.LEVEL_PRINCIPAL, amount_minor=1_000_000)) == [
        ("2026-03-15", 333_333, 4_900, 666_667),
        ("2026-04-15", 333_333, 7_233, 333_334),
        ("2026-05-15", 333_334, 3_500, 0),
    ]


@pytest.mark.parametrize("method", [Method.INTEREST_ONLY, Method.ANY_TIME])
def test_interest_first_and_principal_last(terms: Terms, method: Method) -> None:
    assert figures(rows_of(terms, method=method)) == [
        ("2026-03-15", 0, 5_880, 1_200_000),
        ("2026-04-15", 0, 13_020, 1_200_000),
        ("2026-05-15", 1_200_000, 12_600, 0),
    ]


def test_a_bullet_has_one_row_on_the_last_day(terms: Terms) -> None:
    [row] = rows_of(terms, method=Method.BULLET)
    assert (row.instalment_no, row.due_date, row.days) == (3, date(2026, 5, 15), 75)
    assert (row.principal_minor, row.interest_minor) == (1_200_000, 31_500)


def test_the_level_instalment_is_that_of_other_systems_over_actual_days(terms: Terms) -> None:
    """1,200.00 at 11.3 % a year from 10 November 2025 in four rows: 307.07 each.

    Systems that round each row apart find interest of 11.15, 8.68, 5.81 and 2.64. Here what the
    first row took too much (11.1452… is rounded to 11.15) is given back in the second.
    """
    rows = rows_of(
        terms,
        method=Method.LEVEL_INSTALMENT,
        amount_minor=120_000,
        rate_daily_e8=30_959,
        months=4,
        start=date(2025, 11, 10),
        repayment_day=10,
    )
    assert [r.interest_minor for r in rows] == [1_115, 867, 581, 264]
    assert [r.due_minor for r in rows] == [30_707, 30_707, 30_707, 30_706]


def test_what_rounding_leaves_of_interest_is_carried_to_the_next_row(terms: Terms) -> None:
    """1.00 at 0.05 % a day for 31 and 30 days: 1.55 and 1.50 cents; rounded apart they make 4."""
    rows = rows_of(
        terms,
        method=Method.INTEREST_ONLY,
        amount_minor=100,
        rate_daily_e8=50_000,
        months=3,
        start=date(2026, 3, 15),
    )
    assert [r.interest_minor for r in rows] == [2, 1, 2]  # 1.55, 3.05, 4.60 in all


def test_a_loan_without_interest_is_shared_equally(terms: Terms) -> None:
    rows = rows_of(terms, method=Method.LEVEL_INSTALMENT, amount_minor=1_000, rate_daily_e8=0)
    assert [r.principal_minor for r in rows] == [333, 333, 334]
    assert level_instalment(1_000, 0, [30, 31, 30]) == 333


def test_the_methods_without_a_fixed_amount_fix_none() -> None:
    days = [30, 31]
    assert instalment_amount(Method.BULLET, 1_000, 35_000, days) == 0
    assert instalment_amount(Method.LEVEL_PRINCIPAL, 1_001, 35_000, days) == 501


@pytest.mark.parametrize(
    ("start", "day", "due"),
    [
        (date(2026, 3, 5), 15, date(2026, 3, 15)),  # ten days are far enough
        (date(2026, 3, 6), 15, date(2026, 4, 15)),  # nine are not
        (date(2026, 3, 15), 15, date(2026, 4, 15)),
        (date(2026, 12, 25), 1, date(2027, 2, 1)),
        (date(2028, 2, 18), 28, date(2028, 2, 28)),
        (date(2028, 2, 19), 28, date(2028, 3, 28)),
        (date(2026, 1, 31), 10, date(2026, 2, 10)),
    ],
)
def test_the_first_due_date_is_far_enough(terms: Terms, start: date, day: int, due: date) -> None:
    assert first_due(start, day, terms) == due


def test_periods_count_actual_days_through_a_leap_february() -> None:
    days = period_days(date(2028, 1, 15), date(2028, 2, 15), 15, range(1, 4))
    assert days == [31, 29, 31]
