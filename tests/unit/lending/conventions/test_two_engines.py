"""The write path's integer fold and the preset `EXACT_DAILY` are written apart and agree."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.money import E8
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.schedule import plan as plan_under
from counterfoil.lending.conventions.settings import Instalment
from counterfoil.lending.loan import Loan, disburse, plan
from counterfoil.lending.terms import Method

TERMS = load_catalogue().terms("cash-line-open", 1)
SAME = {
    Method.LEVEL_INSTALMENT: Instalment.ANNUITY_OF_PERIODS,
    Method.LEVEL_PRINCIPAL: Instalment.EQUAL_PRINCIPAL,
}


@given(
    method=st.sampled_from(sorted(SAME)),
    amount_minor=st.integers(100_00, 10**9),
    rate_daily_e8=st.integers(0, 65_000),
    months=st.integers(1, 36),
    start=st.dates(date(2022, 1, 1), date(2029, 12, 31)),
    repayment_day=st.integers(1, 28),
)
def test_both_engines_plan_the_same_rows(
    method: Method,
    amount_minor: int,
    rate_daily_e8: int,
    months: int,
    start: date,
    repayment_day: int,
) -> None:
    loan = Loan(
        customer_id=1,
        loan_id=2,
        line_id=3,
        product_code=TERMS.code,
        product_version=TERMS.version,
        lender_id=TERMS.lender_id,
        currency=TERMS.currency,
        method=method,
        purpose="travel",
        payee_ref="",
        cost_sheet_hash=b"",
        original_minor=amount_minor,
        rate_daily_e8=rate_daily_e8,
        penalty_daily_e8=TERMS.penalty_daily_e8(rate_daily_e8),
        grace_days=TERMS.grace_days,
        tenor_months=months,
        repayment_day=repayment_day,
        requested_on=start,
        dues=[],
    )
    disburse(loan, start, TERMS)
    bundle = replace(preset("EXACT_DAILY"), instalment=SAME[method])
    rate_annual = Fraction(rate_daily_e8 * 365, E8)
    rows = plan_under(amount_minor, rate_annual, months, start, loan.first_due_date, bundle)
    assert [(r.due_date, r.principal_minor, r.interest_minor, r.balance_minor) for r in rows] == [
        (r.due_date, r.principal_minor, r.interest_minor, r.balance_minor) for r in plan(loan)
    ]
