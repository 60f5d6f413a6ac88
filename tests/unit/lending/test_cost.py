"""The cost sheet: every item with its payee, and a yearly rate that others find as well."""

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.kernel.errors import Refused
from counterfoil.lending.annual_rate import FREE, AnnualRate, Payment, annual_rate
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.cost import (
    STATEMENT,
    CostSheet,
    document_hash,
    first_form,
    make_cost_sheet,
)
from counterfoil.lending.cost_items import DAYS_LATE_SHOWN, exact_percent
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan, accrue, advance, disburse, plan
from counterfoil.lending.terms import Fee, FeeTiming, Method, Terms

START = date(2026, 3, 1)
OPEN = load_catalogue().terms("cash-line-open", 1)
OPENING_FEE = Fee(
    code="opening_fee",
    name_en="Opening fee",
    name_zh="开户费",
    payee="lender",
    timing=FeeTiming.FIRST_INSTALMENT,
    amount_minor=3_000,
)
GUARANTEE_FEE = replace(
    OPENING_FEE,
    code="guarantee_fee",
    payee="guarantor",
    timing=FeeTiming.EACH_INSTALMENT,
    amount_minor=500,
)


def a_loan(
    terms: Terms = OPEN,
    *,
    method: Method = Method.LEVEL_INSTALMENT,
    amount_minor: int = 1_200_000,
    rate_daily_e8: int = 35_000,
    months: int = 12,
    start: date = START,
    repayment_day: int = 15,
) -> Loan:
    loan = Loan(
        customer_id=1,
        loan_id=0,
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
        fees=terms.fees,
        dues=[],
    )
    disburse(loan, start, terms)
    return loan


def sheet_of(loan: Loan, terms: Terms = OPEN) -> CostSheet:
    sheet = make_cost_sheet(loan, plan(loan), terms)
    assert isinstance(sheet, CostSheet)
    return sheet


def recomputed(lent_minor: int, payments: list[Payment]) -> tuple[Decimal, Decimal]:
    """Return simple and effective yearly rate by halving an interval, in 50 decimal digits."""
    with localcontext() as context:
        context.prec = 50
        low, high = Decimal(1), Decimal(2)
        for _ in range(100):
            growth = (low + high) / 2
            worth = sum(p.amount_minor / growth**p.days for p in payments)
            low, high = (growth, high) if worth > lent_minor else (low, growth)
        return (low - 1) * 365, low**365 - 1


def e8(rate: Decimal) -> Decimal:
    return rate * 100_000_000


# --------------------------------------------------------------------------------- yearly rate


def test_the_yearly_rate_is_that_of_a_published_example() -> None:
    """The example of the spreadsheet function XIRR, published with the result 0.373362535."""
    begin = date(2008, 1, 1)
    paid = [
        (date(2008, 3, 1), 2_750),
        (date(2008, 10, 30), 4_250),
        (date(2009, 2, 15), 3_250),
        (date(2009, 4, 1), 2_750),
    ]
    rate = annual_rate(10_000, [Payment((on - begin).days, amount) for on, amount in paid])
    assert abs(rate.effective_e8 - 37_336_253.5) <= 1


@pytest.mark.parametrize(
    ("payments", "rate"),
    [
        ([Payment(365, 11_000)], AnnualRate(9_532_262, 10_000_000)),
        ([Payment(1, 10_001)], AnnualRate(3_650_000, 3_717_241)),
        ([Payment(365, 10_000)], FREE),
        ([Payment(0, 100), Payment(365, 10_890)], AnnualRate(9_532_262, 10_000_000)),
        ([Payment(30, 0), Payment(365, 11_000)], AnnualRate(9_532_262, 10_000_000)),
        ([Payment(1, 20_000)], AnnualRate(365 * 100_000_000, (2**365 - 1) * 100_000_000)),
    ],
)
def test_the_yearly_rate_of_single_payments(payments: list[Payment], rate: AnnualRate) -> None:
    found = annual_rate(10_000, payments)
    assert found.simple_e8 == rate.simple_e8
    assert abs(found.effective_e8 - rate.effective_e8) <= rate.effective_e8 * 10**-12


@settings(max_examples=40)
@given(
    st.integers(10_000, 20_000_000),
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 100)), min_size=1, max_size=12),
    st.integers(0, 40),
)
def test_another_algorithm_finds_the_same_yearly_rate(
    lent_minor: int, shares: list[tuple[int, int]], cost_percent: int
) -> None:
    total = sum(share for _, share in shares)
    paid = lent_minor * (100 + cost_percent) // 100
    days, payments = 0, []
    for gap, share in shares:
        days += gap
        payments.append(Payment(days, paid * share // total))
    short = paid - sum(p.amount_minor for p in payments)
    payments[-1] = Payment(days, payments[-1].amount_minor + short)
    rate = annual_rate(lent_minor, payments)
    simple, effective = recomputed(lent_minor, payments)
    if abs(effective) < 100:
        assert abs(rate.effective_e8 - e8(effective)) <= 1
        assert abs(rate.simple_e8 - e8(simple)) <= 1


@settings(max_examples=40)
@given(
    st.sampled_from(list(Method)),
    st.sampled_from(OPEN.tenors_months),
    st.integers(OPEN.rate_daily_e8_min, OPEN.rate_daily_e8_max),
    st.integers(100, 200_000).map(lambda yuan: yuan * 100),
    st.dates(date(2027, 12, 1), date(2028, 12, 31)),
    st.integers(1, 28),
)
def test_the_rate_on_every_sheet_agrees_with_another_algorithm(
    method: Method, months: int, rate_daily_e8: int, amount_minor: int, start: date, day: int
) -> None:
    loan = a_loan(
        method=method,
        months=months,
        rate_daily_e8=rate_daily_e8,
        amount_minor=amount_minor,
        start=start,
        repayment_day=day,
    )
    sheet = sheet_of(loan)
    payments = [Payment((row.due_date - start).days, row.due_minor) for row in sheet.rows]
    simple, effective = recomputed(amount_minor, payments)
    # Asked for is 0.01 percentage points, that is 10,000; the two agree to the last digit shown.
    assert abs(sheet.rate_annual_effective_e8 - e8(effective)) <= 1
    assert abs(sheet.rate_annual_simple_e8 - e8(simple)) <= 1


def test_all_in_cost_of_interest_alone_stays_near_the_contract_rate() -> None:
    """Interest only on actual days: the daily rate of return is all but the contract's."""
    sheet = sheet_of(a_loan(method=Method.BULLET, months=3, rate_daily_e8=40_000))
    days = (sheet.rows[-1].due_date - START).days
    growth = (1 + 40_000 * days / 1e8) ** (365 / days)
    assert abs(sheet.rate_annual_effective_e8 / 1e8 - (growth - 1)) < 1e-7


# --------------------------------------------------------------------------------------- sheet


def test_a_sheet_says_what_is_paid_to_whom_and_that_it_is_all() -> None:
    sheet = sheet_of(a_loan())
    [interest] = sheet.items
    assert (interest.code, interest.payee_id) == ("interest", "lender-one")
    assert interest.amount_minor == 77_796
    assert "0.035 % a day (12.775 % a year of 365 days)" in interest.basis.en
    assert "日利率0.035%" in interest.basis.zh
    assert (sheet.principal_minor, sheet.cost_minor, sheet.total_minor) == (
        1_200_000,
        77_796,
        1_277_796,
    )
    assert (sheet.rate_annual_effective_e8, sheet.rate_annual_simple_e8) == (13_552_979, 12_712_145)
    document = sheet.document()
    assert document["statement"] == {"en": STATEMENT.en, "zh": STATEMENT.zh}
    assert len(sheet.rows) == 12


def test_what_lateness_costs_is_worked_with_the_customers_figures() -> None:
    sheet = sheet_of(a_loan())
    late, surcharge = sheet.contingent
    assert (late.example_minor, surcharge.example_minor) == (1_056, 528)
    assert late.example.en == ("1006.03 of principal of instalment 1, paid 30 days late: 10.56 CNY")
    assert "0.0175 % a day" in surcharge.basis.en
    assert "once 3 days of grace are over; 50 % of the contract rate" in surcharge.basis.en


@pytest.mark.parametrize("method", list(Method))
def test_the_example_is_what_the_loan_would_really_ask_for(method: Method) -> None:
    loan = a_loan(method=method, months=3)
    surcharge = sheet_of(loan).contingent[1]
    rows = plan(loan)
    late = next(row for row in rows if row.principal_minor)
    # Only the one instalment is late: those before it ask for interest alone, which bears none.
    on = late.due_date + timedelta(days=DAYS_LATE_SHOWN)
    advance(loan, on)
    accrue(loan, on)
    assert payable(loan.accrued_penalty_e8) == surcharge.example_minor > 0


def test_the_surcharge_shown_is_the_one_that_fits_under_its_ceiling() -> None:
    loan = a_loan(rate_daily_e8=55_000)
    surcharge = sheet_of(loan).contingent[1]
    assert "0.010753 % a day" in surcharge.basis.en
    assert "both together stay within 24.00 % a year" in surcharge.basis.en
    free = replace(OPEN, late_annual_e8_cap=None)
    open_ended = sheet_of(a_loan(free, rate_daily_e8=55_000), free).contingent[1]
    assert "0.0275 % a day" in open_ended.basis.en
    assert "together" not in open_ended.basis.en


def test_above_the_cap_there_is_no_sheet() -> None:
    loan = a_loan()
    tight = replace(OPEN, cost_annual_e8_cap=13_552_978)
    refused = make_cost_sheet(loan, plan(loan), tight)
    assert isinstance(refused, Refused)
    assert refused.code == "cost_above_cap"
    assert refused.detail == {"cost_annual_e8": 13_552_979, "cap_annual_e8": 13_552_978}
    exact = replace(OPEN, cost_annual_e8_cap=13_552_979)
    assert isinstance(make_cost_sheet(loan, plan(loan), exact), CostSheet)


def test_the_cap_counts_the_compound_rate_not_the_simple_one() -> None:
    loan = a_loan()
    between = replace(OPEN, cost_annual_e8_cap=13_000_000)
    assert isinstance(make_cost_sheet(loan, plan(loan), between), Refused)


def test_fees_stand_on_the_sheet_with_their_payees_and_raise_the_yearly_rate() -> None:
    terms = replace(OPEN, fees=(OPENING_FEE, GUARANTEE_FEE))
    plain, sheet = sheet_of(a_loan()), sheet_of(a_loan(terms), terms)
    _, opening, guarantee = sheet.items
    assert (opening.amount_minor, opening.payee_id) == (3_000, "lender-one")
    assert (guarantee.amount_minor, guarantee.payee_id) == (12 * 500, "guarantor")
    assert guarantee.payee.zh == "担保机构"
    assert sheet.total_minor == plain.total_minor + 9_000
    assert [row.fee_minor for row in sheet.rows] == [3_500] + [500] * 11
    assert sheet.rate_annual_effective_e8 > plain.rate_annual_effective_e8
    payments = [Payment((row.due_date - START).days, row.due_minor) for row in sheet.rows]
    _, effective = recomputed(1_200_000, payments)
    assert abs(sheet.rate_annual_effective_e8 - e8(effective)) <= 1


def test_a_loan_that_is_not_reported_does_not_say_it_is() -> None:
    silent = replace(OPEN, reported_to_bureau=False)
    assert len(sheet_of(a_loan()).notices) == 2
    assert len(sheet_of(a_loan(silent), silent).notices) == 1


def test_the_hash_is_that_of_the_canonical_document() -> None:
    sheet = sheet_of(a_loan())
    text = json.dumps(sheet.document(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sheet.sheet_hash == hashlib.sha256(text.encode()).digest()
    # The form of the sheet is fixed: another hash for these figures needs another SHEET_FORM.
    assert sheet.sheet_hash.hex() == (
        "39324a54677d363d1a5734f7710d3b84b0bf6fea7edd6352ec978bd10a9c8469"
    )
    # And what was agreed to under the first form is still found by its hash.
    assert document_hash(first_form(sheet.document())).hex() == (
        "8b74818589554f84c5069f728fb9329da28cc8b6899b5c305b99b2c09fb60f9a"
    )


@pytest.mark.parametrize(
    "other",
    [
        a_loan(amount_minor=1_200_100),
        a_loan(rate_daily_e8=35_001),
        a_loan(months=9),
        a_loan(method=Method.LEVEL_PRINCIPAL),
        a_loan(start=date(2026, 3, 2)),
        a_loan(repayment_day=16),
    ],
)
def test_another_loan_has_another_hash(other: Loan) -> None:
    assert sheet_of(other).sheet_hash != sheet_of(a_loan()).sheet_hash


def test_the_hash_does_not_hang_on_the_order_of_keys() -> None:
    document = sheet_of(a_loan()).document()
    turned = dict(reversed(document.items()))
    assert document_hash(turned) == document_hash(document)


@pytest.mark.parametrize(
    ("rate_e8", "text"),
    [(35_000, "0.035"), (24_000_000, "24.00"), (1, "0.000001"), (12_775_000, "12.775")],
)
def test_percent_is_shown_exactly(rate_e8: int, text: str) -> None:
    assert exact_percent(rate_e8) == text
