"""Repayment capacity: what comes in, what is bound already, and what an offer would leave.

Ranges      Every figure has a low and a high end; what is decided rests on the prudent one: income
            low, debts and living high.
Evidence    A statements over six months or more, B over three, C documents, D only stated. Money
            that no rule could place, or an old statement, lowers it by one each.
Unknown     Without an income there is no share and no disposable money, and without known debts
            there is neither: None, never zero. Fewer than three months are not an income.
Units       Minor units a month; shares in ppm of the income.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from counterfoil.capacity.amounts import ONE_PPM, Range, instalment_minor, share_ppm
from counterfoil.capacity.living_cost import UNKNOWN_REGION, LivingCosts
from counterfoil.capacity.months import (
    Month,
    income_range,
    latest_whole,
    stability_ppm,
    uncategorised_ppm,
)
from counterfoil.kernel.calendar import add_months

_FILE: Final = "capacity.toml"

#: What lowers the evidence or has to be seen beside the figures.
UNPLACED, OLD, REGION_OPEN, STATED_ABOVE = (
    "much_uncategorised",
    "statement_old",
    "region_unknown",
    "stated_above_proven",
)
FEW_MONTHS: Final = "few_months"


class Evidence(StrEnum):
    """How well an income is proven, best first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"

    def lowered(self, steps: int) -> "Evidence":
        """Return the grade some steps below, the last one at least."""
        grades = list(Evidence)
        return grades[min(grades.index(self) + steps, len(grades) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How capacity is measured: the document's figures."""

    version: str
    months_min: int
    months_strong: int
    months_max: int
    uncategorised_ppm_max: int
    statement_days_max: int
    stress_income_down_ppm: int


@lru_cache(maxsize=1)
def shipped_measuring() -> Measuring:
    """Return the figures that the product comes with."""
    text = resources.files("counterfoil.capacity").joinpath(_FILE).read_text(encoding="utf-8")
    return Measuring(**tomllib.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the customer says, and what documents other than statements prove."""

    #: None where nobody asked or answered.
    income_monthly_minor: int | None = None
    #: Shown by a document, such as a tax record or an employer's letter; None without one.
    documented_monthly_minor: int | None = None
    region: str | None = None
    dependants: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is asked for or offered, as it would be repaid."""

    amount_minor: int
    rate_annual_e8: int
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """What can be counted on in a month, and how well it is proven."""

    #: None where it is not known.
    monthly: Range | None
    evidence: Evidence | None
    #: `statements`, `documents`, `stated`; empty where it is not known.
    source: str
    stability_ppm: int | None
    months_count: int
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The capacity of one customer on one day."""

    as_of: date
    income: Income
    living: Range
    #: Repayments a month; None where nobody knows them.
    debt: Range | None
    disposable: Range | None
    dsr_ppm: Range | None
    #: What the offer adds a month; None without an offer.
    offer_monthly_minor: int | None
    dsr_after_ppm: Range | None
    disposable_after: Range | None
    #: With less income and the offer at the price cap: what is left at worst, and the share.
    stress_disposable_minor: int | None
    stress_dsr_ppm: int | None

    def document(self) -> dict[str, Any]:
        """Return the form that is stored and shown."""
        income = self.income
        return {
            "as_of": self.as_of.isoformat(),
            "debt_monthly_minor": _ends(self.debt),
            "disposable_minor": _ends(self.disposable),
            "disposable_after_minor": _ends(self.disposable_after),
            "dsr_ppm": _ends(self.dsr_ppm),
            "dsr_after_ppm": _ends(self.dsr_after_ppm),
            "income_evidence": None if income.evidence is None else income.evidence.value,
            "income_marks": list(income.marks),
            "income_monthly_minor": _ends(income.monthly),
            "income_months_count": income.months_count,
            "income_source": income.source or None,
            "income_stability_ppm": income.stability_ppm,
            "living_minor": _ends(self.living),
            "offer_monthly_minor": self.offer_monthly_minor,
            "stress_disposable_minor": self.stress_disposable_minor,
            "stress_dsr_ppm": self.stress_dsr_ppm,
        }


def measure_income(
    declared: Declared, months: Sequence[Month], measuring: Measuring, *, as_of: date
) -> Income:
    """Return the income that can be counted on, from the best evidence that there is."""
    whole = latest_whole(months, measuring.months_max)
    marks = []
    if declared.region is None:
        marks.append(REGION_OPEN)
    if months and len(whole) < measuring.months_min:
        marks.append(FEW_MONTHS)
    if len(whole) >= measuring.months_min:
        return _from_statements(declared, whole, measuring, as_of=as_of, marks=marks)
    documented, stated = declared.documented_monthly_minor, declared.income_monthly_minor
    if documented is not None:
        if stated is not None and stated > documented:
            marks.append(STATED_ABOVE)
        known, evidence, source = documented, Evidence.C, "documents"
    elif stated is not None:
        known, evidence, source = stated, Evidence.D, "stated"
    else:
        return Income(
            monthly=None,
            evidence=None,
            source="",
            stability_ppm=None,
            months_count=len(whole),
            marks=tuple(marks),
        )
    return Income(
        monthly=Range(known, known),
        evidence=evidence,
        source=source,
        stability_ppm=None,
        months_count=len(whole),
        marks=tuple(marks),
    )


def assess(
    income: Income,
    declared: Declared,
    *,
    debt: Range | None,
    offer: Offer | None,
    rate_cap_annual_e8: int,
    costs: LivingCosts,
    measuring: Measuring,
    as_of: date,
) -> Assessment:
    """Return the capacity now, after an offer, and under stress; pure."""
    living = costs.monthly(declared.region or UNKNOWN_REGION, declared.dependants)
    adds = None if offer is None else _instalment(offer, offer.rate_annual_e8)
    after = None if debt is None or adds is None else Range(debt.low + adds, debt.high + adds)
    worst_debt = None
    if debt is not None:
        dearest = 0 if offer is None else _instalment(offer, rate_cap_annual_e8)
        worst_debt = debt.high + dearest
    worst_income = None
    if income.monthly is not None:
        left_ppm = ONE_PPM - measuring.stress_income_down_ppm
        worst_income = income.monthly.low * left_ppm // ONE_PPM
    return Assessment(
        as_of=as_of,
        income=income,
        living=living,
        debt=debt,
        disposable=_left(income.monthly, living, debt),
        dsr_ppm=_shares(debt, income.monthly),
        offer_monthly_minor=adds,
        dsr_after_ppm=_shares(after, income.monthly),
        disposable_after=_left(income.monthly, living, after),
        stress_disposable_minor=(
            None
            if worst_income is None or worst_debt is None
            else worst_income - living.high - worst_debt
        ),
        stress_dsr_ppm=(
            None
            if worst_income is None or worst_debt is None
            else share_ppm(worst_debt, worst_income)
        ),
    )


def _from_statements(
    declared: Declared,
    whole: Sequence[Month],
    measuring: Measuring,
    *,
    as_of: date,
    marks: list[str],
) -> Income:
    incomes = [item.income_minor for item in whole]
    evidence = Evidence.A if len(whole) >= measuring.months_strong else Evidence.B
    lowered = 0
    if uncategorised_ppm(whole) > measuring.uncategorised_ppm_max:
        marks.append(UNPLACED)
        lowered += 1
    ended = add_months(whole[-1].month, 1) - timedelta(days=1)
    if (as_of - ended).days > measuring.statement_days_max:
        marks.append(OLD)
        lowered += 1
    monthly = income_range(incomes)
    stated = declared.income_monthly_minor
    if stated is not None and stated > monthly.high:
        marks.append(STATED_ABOVE)
    return Income(
        monthly=monthly,
        evidence=evidence.lowered(lowered),
        source="statements",
        stability_ppm=stability_ppm(incomes),
        months_count=len(whole),
        marks=tuple(marks),
    )


def _instalment(offer: Offer, rate_annual_e8: int) -> int:
    return instalment_minor(offer.amount_minor, rate_annual_e8, offer.months)


def _left(income: Range | None, living: Range, debt: Range | None) -> Range | None:
    if income is None or debt is None:
        return None
    return Range(income.low - living.high - debt.high, income.high - living.low - debt.low)


def _shares(debt: Range | None, income: Range | None) -> Range | None:
    if debt is None or income is None:
        return None
    low, high = share_ppm(debt.low, income.high), share_ppm(debt.high, income.low)
    return None if low is None or high is None else Range(low, high)


def _ends(value: Range | None) -> list[int] | None:
    return None if value is None else [value.low, value.high]
