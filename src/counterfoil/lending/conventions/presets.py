"""The presets by name: which bundle of settings each product family stands for.

Invariant   A preset's figures never change; a new rule is a new preset.
"""

from dataclasses import replace
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.settings import (
    Accrual,
    AllocationOrder,
    Conventions,
    DayLabel,
    Instalment,
    LastRow,
    LateInterest,
    PartMonth,
    Prepayment,
    Rounding,
    Weekend,
)

#: Simple daily interest carried exactly: the lender's own default for revolving lines.
EXACT_DAILY = Conventions(
    day_count=DayCount.ACT_365,
    accrual=Accrual.EXACT,
    rounding=Rounding.HALF_UP,
    instalment=Instalment.ANNUITY_OF_PERIODS,
    instalment_rounding=Rounding.HALF_UP,
    late_interest=LateInterest.CONTRACT_RATE,
    allocation=AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL,
    prepayment=Prepayment.REAMORTISE,
)

FINERACT_PROGRESSIVE = Conventions(
    day_count=DayCount.MONTH_12,
    accrual=Accrual.PER_PERIOD,
    instalment=Instalment.ANNUITY_OF_PERIODS,
    factor_digits=12,
    last_row=LastRow.ITERATED,
    late_interest=LateInterest.CONTRACT_RATE,
    allocation=AllocationOrder.ADVANCED,
)

FINERACT_CUMULATIVE = Conventions(
    day_count=DayCount.ACT_365,
    accrual=Accrual.PER_SEGMENT,
    instalment=Instalment.ANNUITY_OF_MONTHS,
    instalment_unit_minor=100,
    late_interest=LateInterest.CONTRACT_RATE,
    prepayment=Prepayment.REDUCE_INSTALMENT,
)

FRAPPE_TERM = Conventions(
    day_count=DayCount.ACT_365,
    rounding=Rounding.HALF_UP,
    instalment=Instalment.ANNUITY_OF_MONTHS,
    instalment_rounding=Rounding.CEILING,
    instalment_unit_minor=100,
    late_interest=LateInterest.PENAL_RATE,
    dpd_first_day=1,
)

FRAPPE_LINE = replace(
    FRAPPE_TERM,
    accrual=Accrual.PER_DAY,
    day_label=DayLabel.START_DATE,
    allocation=AllocationOrder.INTEREST_FIRST_LINE,
)

OPENCBS = Conventions(
    day_count=DayCount.MONTH_12,
    part_month=PartMonth.DAYS_360,
    rounding=Rounding.HALF_UP,
    instalment=Instalment.ANNUITY_OF_MONTHS,
    instalment_rounding=Rounding.HALF_UP,
    weekend=Weekend.FORWARD_INTEREST_UNMOVED,
    allocation=AllocationOrder.COMMISSION_PENALTY_THEN_ROWS,
    prepayment=Prepayment.REDUCE_INSTALMENT,
)

EQUAL_PRINCIPAL = Conventions(day_count=DayCount.MONTH_12, instalment=Instalment.EQUAL_PRINCIPAL)
FLAT = Conventions(day_count=DayCount.MONTH_12, accrual=Accrual.FLAT, instalment=Instalment.FLAT)
BULLET = Conventions(day_count=DayCount.MONTH_12, instalment=Instalment.BULLET, factor_digits=12)
ZERO_RATE = Conventions(
    day_count=DayCount.MONTH_12, accrual=Accrual.FLAT, instalment=Instalment.FLAT
)
#: Three rows free of interest, then the rate; products override how many.
PROMO = replace(FINERACT_PROGRESSIVE, interest_free_rows=3)
#: A quarter due on day 0, the rest a schedule; products override the share.
DOWN_PAYMENT = replace(FINERACT_PROGRESSIVE, down_payment_share=Fraction(1, 4))

PRESETS = {
    "EXACT_DAILY": EXACT_DAILY,
    "FINERACT_PROGRESSIVE": FINERACT_PROGRESSIVE,
    "FINERACT_CUMULATIVE": FINERACT_CUMULATIVE,
    "FRAPPE_TERM": FRAPPE_TERM,
    "FRAPPE_LINE": FRAPPE_LINE,
    "OPENCBS": OPENCBS,
    "EQUAL_PRINCIPAL": EQUAL_PRINCIPAL,
    "FLAT": FLAT,
    "BULLET": BULLET,
    "ZERO_RATE": ZERO_RATE,
    "PROMO": PROMO,
    "DOWN_PAYMENT": DOWN_PAYMENT,
}


def preset(name: str) -> Conventions:
    """Return the bundle of that name; an unknown name raises `KeyError`."""
    return PRESETS[name]
