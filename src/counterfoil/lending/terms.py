"""What a product version promises: the terms a line is opened and a loan is drawn under.

Units       Amounts in minor units of the product's currency, rates in 1e-8 per day.
Invariant   A version never changes; a loan keeps the version it was signed under.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from counterfoil.kernel.rates import DAYS_IN_QUOTED_YEAR


class Method(StrEnum):
    """How principal and interest fall due."""

    LEVEL_INSTALMENT = "level_instalment"
    LEVEL_PRINCIPAL = "level_principal"
    INTEREST_ONLY = "interest_only"
    BULLET = "bullet"
    ANY_TIME = "any_time"


class Prepayment(StrEnum):
    """What money paid before it is due does to the plan."""

    NEXT_INSTALMENT = "next_instalment"
    REDUCE_INSTALMENT = "reduce_instalment"
    REDUCE_TERM = "reduce_term"


class Part(StrEnum):
    """What a payment can pay; the order of these is a product's allocation order."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class Sweep(StrEnum):
    """Whether a payment clears instalment by instalment or part by part."""

    BY_INSTALMENT = "by_instalment"
    BY_PART = "by_part"


class FeeTiming(StrEnum):
    """What a fee is asked for; the first two in normal performance, the others only then."""

    FIRST_INSTALMENT = "first_instalment"
    EACH_INSTALMENT = "each_instalment"
    #: When principal is repaid before it falls due.
    EARLY_REPAYMENT = "early_repayment"
    #: When an instalment is unpaid after the days of grace, once.
    LATE = "late"


class FeeBasis(StrEnum):
    """What a fee is measured by."""

    FIXED = "fixed"
    ORIGINAL_PRINCIPAL = "original_principal"
    #: What has not fallen due before the instalment does.
    OUTSTANDING_PRINCIPAL = "outstanding_principal"
    #: What is repaid before it falls due.
    REPAID_PRINCIPAL = "repaid_principal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """Something a customer pays besides interest; it stands on the cost sheet with its payee."""

    code: str
    name_en: str
    name_zh: str
    #: Who receives it: a role, `lender` or `guarantor`; never a platform.
    payee: str
    timing: FeeTiming
    basis: FeeBasis = FeeBasis.FIXED
    #: Minor units each time it is asked for; 0 where it is a share.
    amount_minor: int = 0
    #: Share of the basis in 1e-8; 0 where it is a fixed amount.
    share_e8: int = 0
    #: The most that it is each time, minor units; None where it has no cap.
    cap_minor: int | None = None


class PlanTerms(NamedTuple):
    """What a plan follows from and a change of plan changes; days move by a redating."""

    rate_daily_e8: int
    penalty_daily_e8: int
    tenor_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One product version, validated."""

    code: str
    version: int
    name_en: str
    name_zh: str
    currency: str
    lender_id: str
    licence: str
    invited_only: bool
    scenes: tuple[str, ...]
    #: Limits of a line, minor units; granted limits are multiples of the step.
    limit_minor_min: int
    limit_minor_max: int
    limit_minor_step: int
    #: Limits of one drawdown, minor units.
    draw_minor_min: int
    draw_minor_max: int
    draw_minor_step: int
    tenors_months: tuple[int, ...]
    methods: tuple[Method, ...]
    #: Range in which the price of a line lies, 1e-8 per day.
    rate_daily_e8_min: int
    rate_daily_e8_max: int
    #: Surcharge on overdue principal in percent of the contract rate, on top of it.
    penalty_percent_of_rate: int
    #: Days after the due date within which a payment still counts as on time.
    grace_days: int
    #: The first due date lies at least this many days after the start.
    first_period_days_min: int
    line_valid_months: int
    allocation: tuple[Part, ...]
    sweep: Sweep
    prepayments: tuple[Prepayment, ...]
    #: All-in annual cost that no loan of this product may exceed, 1e-8 per year.
    cost_annual_e8_cap: int
    cap_raise_wait_days: int
    repayment_day_changes_per_year: int
    purposes_banned: tuple[str, ...]
    convention: str
    reported_to_bureau: bool
    guarantee: str
    funding_programme: str
    rule_pack: str
    #: By what a loan is classified while it runs.
    classifier: str = "days_past_due"
    #: Names of the lender of record, for sheets and pages.
    lender_name_en: str = ""
    lender_name_zh: str = ""
    fees: tuple[Fee, ...] = ()
    #: Contract rate and surcharge together stay within it, 1e-8 per year, 365 days of the daily
    #: rates; None where the product sets no such ceiling.
    late_annual_e8_cap: int | None = None
    #: Seconds for which a cost sheet is read at least before it is agreed to.
    reading_seconds_min: int = 5
    #: Days for which an application may wait: for the customer, for a source, for a person.
    application_days: int = 30

    def penalty_daily_e8(self, rate_daily_e8: int) -> int:
        """Return the surcharge on overdue principal, 1e-8 per day, halves up.

        It is the product's percentage of the contract rate, or what its ceiling leaves of it.
        """
        surcharge = (rate_daily_e8 * self.penalty_percent_of_rate + 50) // 100
        if self.late_annual_e8_cap is None:
            return surcharge
        room = self.late_annual_e8_cap // DAYS_IN_QUOTED_YEAR - rate_daily_e8
        return max(0, min(surcharge, room))
