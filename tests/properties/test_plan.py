"""Plans of every method, tenor, start and repayment day: what holds for all of them."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.properties.terms_for_tests import terms

from counterfoil.kernel.money import E8
from counterfoil.kernel.rates import ONE_E8
from counterfoil.lending.conventions.presets import EXACT_DAILY
from counterfoil.lending.conventions.schedule import plan as convention_plan
from counterfoil.lending.loan import Loan, disburse, payoff_minor, plan
from counterfoil.lending.paying import pay
from counterfoil.lending.quote import quote_payoff
from counterfoil.lending.schedule import PlanRow, first_due
from counterfoil.lending.terms import Method, Prepayment

TERMS = terms()

AMOUNTS = st.one_of(st.integers(1, 100), st.integers(10_000, 20_000_000))
RATES = st.one_of(st.just(0), st.integers(1, 100), st.integers(15_000, 65_000))
#: Every day of the month, through a leap year and its end.
STARTS = st.dates(date(2027, 11, 1), date(2028, 12, 31))
METHODS = st.sampled_from(list(Method))
TENORS = st.integers(1, 60)


@st.composite
def loans(draw: st.DrawFn, *, methods: st.SearchStrategy[Method] = METHODS) -> Loan:
    """Return a loan whose money has just arrived."""
    start = draw(STARTS)
    rate = draw(RATES)
    loan = Loan(
        customer_id=1,
        loan_id=2,
        line_id=3,
        product_code=TERMS.code,
        product_version=TERMS.version,
        lender_id=TERMS.lender_id,
        currency=TERMS.currency,
        method=draw(methods),
        purpose="travel",
        payee_ref="",
        cost_sheet_hash=b"",
        original_minor=draw(AMOUNTS),
        rate_daily_e8=rate,
        penalty_daily_e8=TERMS.penalty_daily_e8(rate),
        grace_days=TERMS.grace_days,
        tenor_months=draw(TENORS),
        repayment_day=draw(st.integers(1, 28)),
        requested_on=start,
        dues=[],
    )
    disburse(loan, start, TERMS)
    return loan


def exact_interest_e8(loan: Loan, rows: list[PlanRow]) -> int:
    """Return the interest of a plan in closed form, from its balances and days alone."""
    balance, total = loan.original_minor, 0
    for row in rows:
        total += balance * loan.rate_daily_e8 * row.days
        balance -= row.principal_minor
    return total


@given(loans())
def test_principal_adds_up_and_balances_chain_to_zero(loan: Loan) -> None:
    rows = plan(loan)
    balance = loan.original_minor
    for row in rows:
        balance -= row.principal_minor
        assert row.balance_minor == balance
    assert balance == 0
    assert sum(row.principal_minor for row in rows) == loan.original_minor


@given(loans())
def test_no_row_is_negative_and_none_is_missing(loan: Loan) -> None:
    rows = plan(loan)
    assert all(row.principal_minor >= 0 and row.interest_minor >= 0 for row in rows)
    numbers = [row.instalment_no for row in rows]
    if loan.method is Method.BULLET:
        assert numbers == [loan.tenor_months]
    else:
        assert numbers == list(range(1, len(rows) + 1))
        assert len(rows) <= loan.tenor_months
    if loan.method in (Method.INTEREST_ONLY, Method.ANY_TIME):
        assert len(rows) == loan.tenor_months


@given(loans())
def test_interest_is_the_closed_form_but_for_less_than_one_minor_unit(loan: Loan) -> None:
    rows = plan(loan)
    rounded_e8 = sum(row.interest_minor for row in rows) * E8
    assert abs(rounded_e8 - exact_interest_e8(loan, rows)) < E8
    # And so after every row, not only at the end: nothing is saved up for the last one.
    for count in range(1, len(rows)):
        part_e8 = sum(row.interest_minor for row in rows[:count]) * E8
        assert 2 * abs(part_e8 - exact_interest_e8(loan, rows[:count])) <= E8


@given(loans())
def test_due_dates_fall_on_the_repayment_day_and_days_add_up(loan: Loan) -> None:
    rows = plan(loan)
    assert loan.start_date is not None
    assert all(row.due_date.day == loan.repayment_day for row in rows)
    assert all(a.due_date < b.due_date for a, b in pairwise(rows))
    assert sum(row.days for row in rows) == (rows[-1].due_date - loan.start_date).days
    assert rows[0].days >= TERMS.first_period_days_min
    assert loan.first_due_date is not None
    assert (loan.first_due_date - loan.start_date).days < TERMS.first_period_days_min + 31
    assert all(28 <= row.days <= 31 for row in rows[1:])


@given(loans(methods=st.just(Method.LEVEL_INSTALMENT)))
def test_level_instalments_are_equal_up_to_the_last(loan: Loan) -> None:
    rows = plan(loan)
    level = loan.instalment_minor
    # Left out: a few minor units whose level is rounded to less than their interest.
    assume(level > 0 and all(row.interest_minor <= level for row in rows))
    full = rows[:-1]
    assert {row.due_minor for row in full} <= {level}
    if len(rows) == loan.tenor_months and loan.original_minor >= 10_000:
        # The level is rounded by at most half a unit a row, which grows with its interest.
        growth = Fraction(ONE_E8 + loan.rate_daily_e8 * 31, ONE_E8) ** len(rows)
        assert abs(rows[-1].due_minor - level) <= growth * len(rows) / 2 + 1


@given(loans(methods=st.just(Method.LEVEL_PRINCIPAL)))
def test_level_principal_is_equal_up_to_the_last(loan: Loan) -> None:
    rows = plan(loan)
    assert {row.principal_minor for row in rows[:-1]} <= {loan.instalment_minor}
    if len(rows) == loan.tenor_months:
        gap = abs(rows[-1].principal_minor - loan.instalment_minor)
        assert 2 * gap <= loan.tenor_months + 1


@given(loans(methods=st.just(Method.LEVEL_INSTALMENT)))
def test_both_engines_give_the_same_plan(loan: Loan) -> None:
    """The fold of the write path and the convention `EXACT_DAILY` are two pieces of code."""
    level = loan.instalment_minor
    rows = plan(loan)
    assume(loan.original_minor >= 10_000 and all(row.interest_minor <= level for row in rows))
    assert loan.start_date is not None
    other = convention_plan(
        loan.original_minor,
        Fraction(loan.rate_daily_e8 * 365, ONE_E8),
        loan.tenor_months,
        loan.start_date,
        first_due(loan.start_date, loan.repayment_day, TERMS),
        EXACT_DAILY,
    )
    assert [(r.due_date, r.principal_minor, r.interest_minor, r.balance_minor) for r in rows] == [
        (r.due_date, r.principal_minor, r.interest_minor, r.balance_minor) for r in other
    ]


@given(loans())
def test_paying_each_row_on_its_day_closes_the_loan(loan: Loan) -> None:
    for row in plan(loan):
        if row.due_minor:
            parts = pay(
                loan, row.due_minor, row.due_date, mode=Prepayment.NEXT_INSTALMENT, terms=TERMS
            )
            assert (parts.principal_minor, parts.interest_minor) == (
                row.principal_minor,
                row.interest_minor,
            )
            assert (parts.penalty_minor, parts.excess_minor) == (0, 0)
    assert loan.status == "closed"


@given(loans(), st.integers(0, 800))
def test_the_payoff_quoted_closes_the_loan_to_zero(loan: Loan, days: int) -> None:
    assert loan.start_date is not None
    on = loan.start_date + timedelta(days=days)
    quoted = quote_payoff(loan, on)
    assert quoted.amount_minor == payoff_minor(loan, on)
    assert quoted.interest_saved_minor >= 0
    parts = pay(loan, quoted.amount_minor, on, mode=Prepayment.NEXT_INSTALMENT, terms=TERMS)
    assert loan.status == "closed"
    assert (parts.principal_minor, parts.interest_minor, parts.penalty_minor) == (
        quoted.principal_minor,
        quoted.interest_minor,
        quoted.penalty_minor,
    )
    assert parts.excess_minor == 0
