"""The example of a product with fees: golden figures, worked here without the product's code."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from math import floor
from pathlib import Path

from tests.properties.terms_for_tests import START, Bench, a_line

from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.fees import Charged
from counterfoil.lending.loan import Loan, advance, fees_of_payoff, payoff_minor, plan
from counterfoil.lending.terms import Method, Terms

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LENT_MINOR = 600_000
DUE_DATES = [date(2026, month, 15) for month in range(1, 7)]
#: Opening fee, and 0.2 % of what is outstanding, at most 10.00: 6,000 down to 1,000.
FEES_MINOR = [2_000 + 1_000, 1_000, 800, 600, 400, 200]


def example() -> Terms:
    return load_catalogue(EXAMPLES).product("example-line-with-fees", 1).terms


def a_loan() -> Loan:
    bench, shown = Bench(a_line()), example()
    bench.terms = replace(bench.terms, fees=shown.fees, allocation=shown.allocation)
    return bench.account.loans[bench.draw(LENT_MINOR, method=Method.LEVEL_PRINCIPAL)]


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def test_the_example_is_a_draft_of_a_bank_and_nothing_that_ships() -> None:
    product = load_catalogue(EXAMPLES).product("example-line-with-fees", 1)
    assert not product.is_binding
    assert product.terms.licence == "bank"
    assert "example-line-with-fees" not in {terms.code for terms in load_catalogue(None).all()}


def test_each_instalment_asks_for_what_was_worked_by_hand() -> None:
    loan = a_loan()
    rate, left, rest, day = Fraction(loan.rate_daily_e8, 10**8), LENT_MINOR, Fraction(0), START
    expected = []
    for due_date, fee in zip(DUE_DATES, FEES_MINOR, strict=True):
        rest += left * rate * (due_date - day).days
        interest = half_up(rest)
        rest -= interest
        expected.append((due_date, 100_000, interest, fee))
        left, day = left - 100_000, due_date
    rows = [(r.due_date, r.principal_minor, r.interest_minor, r.fee_minor) for r in plan(loan)]
    assert rows == expected
    assert sum(row.fee_minor for row in plan(loan)) == 6_000


def test_repaying_all_before_the_first_instalment_costs_the_early_fee_alone() -> None:
    loan, on = a_loan(), date(2026, 1, 12)
    interest = half_up(LENT_MINOR * Fraction(loan.rate_daily_e8, 10**8) * 7)
    assert payoff_minor(loan, on) == LENT_MINOR + interest + 3_000


def test_an_instalment_unpaid_after_grace_costs_the_reminder_once() -> None:
    loan = a_loan()
    advance(loan, date(2026, 2, 10))
    assert (loan.due_fee_minor, loan.due_guarantee_minor) == (2_000 + 1_500, 1_000)
    # What has not fallen due is repaid early: 0.5 % of 5,000.00, below the most of 30.00.
    assert fees_of_payoff(loan) == Charged(3_500 + 2_500, 1_000)
