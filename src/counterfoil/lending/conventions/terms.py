"""What a loan was agreed on, and the events of its life, under any bundle of conventions.

Units       Amounts in minor units; rates are fractions a year.
Invariant   Events never change; their order of entry is their position in the sequence given.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from counterfoil.lending.conventions.due_dates import MONTHLY, Frequency
from counterfoil.lending.conventions.settings import Conventions


class Rest(StrEnum):
    """From when a payment counts for interest, where payments change it at all."""

    #: Payments leave the interest of the schedule as it is.
    FIXED = "FIXED"
    #: From the day it is paid.
    DAILY = "DAILY"
    #: From the end of the period in which it is paid.
    PERIOD = "PERIOD"
    #: Not stated; a figure that depends on it is refused.
    UNSTATED = "UNSTATED"


class ChargeKind(StrEnum):
    """What a charge is for."""

    FEE = "fee"
    PENALTY = "penalty"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFee:
    """A one-off charge on an overdue instalment, put on by the daily close."""

    share: Fraction
    on_interest_too: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTerms:
    """The agreement."""

    #: The amount approved; draws may be parts of it.
    principal_minor: int
    rate_annual: Fraction
    periods: int
    start: date
    conventions: Conventions
    frequency: Frequency = MONTHLY
    first_due: date | None = None
    grace_principal: int = 0
    #: Whether the down payment is collected on its day without being asked for.
    down_payment_collected: bool = False
    rest: Rest = Rest.FIXED
    late_fee: LateFee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was entered: on a business date, to count from a value date."""

    entered_on: date
    value_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Event):
    """Money goes out."""

    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment(Event):
    """Money comes in."""

    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOff(Event):
    """The customer pays whatever is owed on that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Event):
    """The nth repayment in the order of entry is taken back; the first is 1."""

    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeAdded(Event):
    """A fee or a penalty, due on a date of its own."""

    kind: ChargeKind
    due_date: date
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayClosed(Event):
    """The daily close ran on that business date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedOff(Event):
    """The loan was charged off; contract interest stops accruing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    """No interest for the days named from first to last, both inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChanged(Event):
    """A new rate for the days named on or after the effective date."""

    effective: date
    rate_annual: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescheduled(Event):
    """From the instalment due on a date: another date, more rows, or another rate."""

    from_due: date
    to_due: date | None = None
    rows_added: int = 0
    rate_annual: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReAged(Event):
    """What is outstanding becomes equal parts from a new first date on."""

    first_due: date
    frequency: Frequency
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReAmortised(Event):
    """What is overdue is spread over the rows that remain."""
