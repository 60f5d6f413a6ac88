"""The settings a convention is made of; the bundle travels with every figure it explains.

Units       Amounts in minor units; rates are fractions per year.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount


class NotCovered(Exception):  # noqa: N818 - it names a gap in the conventions, not a fault
    """The conventions do not say how this comes out; the message names what is missing."""


class RateQuote(StrEnum):
    """The basis a rate was quoted on."""

    ANNUAL = "ANNUAL"
    MONTHLY = "MONTHLY"
    DAILY = "DAILY"


class Accrual(StrEnum):
    """When accruing interest is rounded."""

    #: Exact, rounded once when it falls due; the remainder is carried to the next demand.
    EXACT = "EXACT"
    #: Each day to a minor unit.
    PER_DAY = "PER_DAY"
    #: Each stretch between two changes of balance or rate.
    PER_SEGMENT = "PER_SEGMENT"
    #: Once per period, over the sum of its unrounded segments.
    PER_PERIOD = "PER_PERIOD"
    #: The total is fixed at the start and shared out.
    FLAT = "FLAT"


class Rounding(StrEnum):
    """What becomes of the part below the unit."""

    HALF_EVEN = "HALF_EVEN"
    HALF_UP = "HALF_UP"
    CEILING = "CEILING"
    FLOOR = "FLOOR"


class Instalment(StrEnum):
    """How the amount of an instalment is found."""

    #: Equal instalments from the factors of the periods themselves.
    ANNUITY_OF_PERIODS = "ANNUITY_OF_PERIODS"
    #: Equal instalments from one twelfth of the rate a month.
    ANNUITY_OF_MONTHS = "ANNUITY_OF_MONTHS"
    #: Equal instalments from 30 days of a year of 365 a month, although interest runs by day.
    ANNUITY_OF_30_365 = "ANNUITY_OF_30_365"
    #: Each row starts from the unrounded annuity of its own balance over the rows left.
    ANNUITY_EACH_ROW = "ANNUITY_EACH_ROW"
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"
    #: Interest on the original amount, shared equally.
    FLAT = "FLAT"
    #: An amount named in the contract.
    FIXED = "FIXED"
    #: Interest only; the principal with the last row.
    BULLET = "BULLET"


class LastRow(StrEnum):
    """What the last row does with the rounding of the others."""

    DIFFERENCE = "DIFFERENCE"
    #: One attempt to bring the last row nearer to the others first.
    ITERATED = "ITERATED"


class DayLabel(StrEnum):
    """By which of its two dates a day of interest is called."""

    END_DATE = "END_DATE"
    START_DATE = "START_DATE"


class DueDates(StrEnum):
    """Where due dates fall."""

    SAME_DAY = "SAME_DAY"
    FIRST_OF_NEXT_MONTH = "FIRST_OF_NEXT_MONTH"
    END_OF_CURRENT_MONTH = "END_OF_CURRENT_MONTH"


class MonthEnd(StrEnum):
    """What becomes of a day that a month lacks."""

    #: The month's last day, and every later due date keeps that day.
    CLAMP = "CLAMP"
    #: The month's last day; later months return to the day wanted.
    CLAMP_AND_RETURN = "CLAMP_AND_RETURN"
    #: The first day of the month after.
    ROLL_FORWARD = "ROLL_FORWARD"


class Weekend(StrEnum):
    """What becomes of a due date on a Saturday or Sunday."""

    STAY = "STAY"
    #: Due on Monday; interest is counted as if it had stayed.
    FORWARD_INTEREST_UNMOVED = "FORWARD_INTEREST_UNMOVED"
    #: Due on Monday with the interest of the days between.
    FORWARD_WITH_INTEREST = "FORWARD_WITH_INTEREST"


class FirstPeriod(StrEnum):
    """What becomes of the interest of a broken first period."""

    OWN_LENGTH = "OWN_LENGTH"
    ADDED_TO_FIRST = "ADDED_TO_FIRST"
    SPREAD = "SPREAD"
    DEDUCTED_UP_FRONT = "DEDUCTED_UP_FRONT"


class LateInterest(StrEnum):
    """What an unpaid amount earns after its due date."""

    NONE = "NONE"
    CONTRACT_RATE = "CONTRACT_RATE"
    PENAL_RATE = "PENAL_RATE"
    BOTH = "BOTH"


class Compounding(StrEnum):
    """Whether interest that was not paid earns interest like principal."""

    NONE = "NONE"
    #: From the day on which each month since the start is full.
    MONTHLY = "MONTHLY"


class PartMonth(StrEnum):
    """How part of a month counts where a whole one is a twelfth of a year."""

    #: Its days over the days of the month it lies in.
    OF_ITS_MONTH = "OF_ITS_MONTH"
    DAYS_360 = "DAYS_360"


class Prepayment(StrEnum):
    """What becomes of more than is due."""

    REDUCE_INSTALMENT = "REDUCE_INSTALMENT"
    REDUCE_TERM = "REDUCE_TERM"
    NEXT_INSTALMENT = "NEXT_INSTALMENT"
    LAST_INSTALMENT = "LAST_INSTALMENT"
    REAMORTISE = "REAMORTISE"


class Payoff(StrEnum):
    """Up to which day an early pay-off pays interest."""

    TO_THE_DAY = "TO_THE_DAY"
    TO_PERIOD_END = "TO_PERIOD_END"


class AllocationOrder(StrEnum):
    """In which order a payment extinguishes what is owed."""

    PENALTY_FEE_INTEREST_PRINCIPAL = "PENALTY_FEE_INTEREST_PRINCIPAL"
    DUE_FIRST = "DUE_FIRST"
    ADVANCED = "ADVANCED"
    COMMISSION_PENALTY_THEN_ROWS = "COMMISSION_PENALTY_THEN_ROWS"
    INTEREST_FIRST_LINE = "INTEREST_FIRST_LINE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """One bundle of settings; a product names a preset and may override single fields."""

    rate_quote: RateQuote = RateQuote.ANNUAL
    day_count: DayCount = DayCount.ACT_365
    part_month: PartMonth = PartMonth.OF_ITS_MONTH
    accrual: Accrual = Accrual.PER_PERIOD
    #: Rounding of interest, to minor units.
    rounding: Rounding = Rounding.HALF_EVEN
    instalment: Instalment = Instalment.ANNUITY_OF_PERIODS
    instalment_rounding: Rounding = Rounding.HALF_EVEN
    #: The unit an instalment is rounded to, in minor units: 1 for cents, 100 for whole units.
    instalment_unit_minor: int = 1
    #: The unit interest and principal are rounded to, in minor units.
    amount_unit_minor: int = 1
    #: Significant digits of period factors; None for exact fractions.
    factor_digits: int | None = None
    last_row: LastRow = LastRow.DIFFERENCE
    day_label: DayLabel = DayLabel.END_DATE
    due_dates: DueDates = DueDates.SAME_DAY
    month_end: MonthEnd = MonthEnd.CLAMP_AND_RETURN
    weekend: Weekend = Weekend.STAY
    first_period: FirstPeriod = FirstPeriod.OWN_LENGTH
    late_interest: LateInterest = LateInterest.NONE
    compounding: Compounding = Compounding.NONE
    allocation: AllocationOrder = AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL
    prepayment: Prepayment = Prepayment.NEXT_INSTALMENT
    payoff: Payoff = Payoff.TO_THE_DAY
    #: 0: the due date is not late; 1: an unpaid due date is day 1.
    dpd_first_day: int = 0
    #: Share of the principal due on day 0; 0 for none.
    down_payment_share: Fraction = Fraction(0)
    #: Rows at the start that carry no interest.
    interest_free_rows: int = 0
