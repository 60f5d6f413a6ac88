"""What came of an experiment, arm by arm, and how sure that is.

Counted     Every case that an arm decided, whatever became of it: a share or a mean is over all of
            them, so that an arm that approves fewer is not flattered by who is left.
Lost        Principal outstanding on loans more than 90 days past due. Nothing is charged off here
            yet; what is will be added under its own name.
Profit      Interest and penalties paid, less what is lost, less what the money lent has cost at
            the lender's rate for funds. The cost of work is not in it.
Sure        Shares: Wilson's interval. Differences: of means with unequal variances, normal. Both
            at 95 %; means of amounts with few cases deserve less trust than their interval says.
Units       Amounts in minor units, shares in ppm, z in thousandths; sums are exact, roots rounded.
Follows     Wilson 1927; Welch 1947 for the standard error of a difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final, NamedTuple

from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.experiment import ALL_PPM, Metric

LATE_DAYS: Final = {Metric.LATE_30: 30, Metric.LATE_90: 90}
#: Of a normal distribution, two-sided 95 %.
_Z95: Final = 1.959963984540054
#: Groups of fewer cases are shown but not compared.
GROUP_CASES_MIN: Final = 30


class CaseOutcome(NamedTuple):
    """What is known of one case of an experiment."""

    arm: str
    outcome: str
    limit_minor: int
    #: Whether a line was opened.
    is_opened: bool
    #: The longest that anything of it was ever past due, days.
    late_days_max: int
    lost_minor: int
    revenue_minor: int
    #: What the money lent has cost, at the lender's rate for funds.
    funding_minor: int
    #: Whether the customer asked a person to look at the decision.
    is_contested: bool
    #: The group of the case by feature; None where the feature is not known.
    groups: Mapping[str, str | None]


class Interval(NamedTuple):
    """Both ends of a 95 % interval."""

    low: int
    high: int


@dataclass(slots=True)
class Moments:
    """Count, sum and sum of squares of integers: all that a mean and its error need."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def add(self, value: int) -> None:
        """Take one more value in."""
        self.count += 1
        self.total += value
        self.squares += value * value

    def mean(self) -> float:
        """Return the mean; there has to be a value."""
        return self.total / self.count

    def variance_of_mean(self) -> float:
        """Return the square of the mean's standard error; two values at least."""
        spread = self.squares * self.count - self.total * self.total
        return spread / self.count / self.count / (self.count - 1)


@dataclass(slots=True, kw_only=True)
class ArmFigures:
    """The figures of one arm."""

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    limit_minor_sum: int = 0
    opened: int = 0
    lost_minor: int = 0
    revenue_minor: int = 0
    funding_minor: int = 0
    contested: int = 0
    by_metric: dict[Metric, Moments] = field(
        default_factory=lambda: {metric: Moments() for metric in Metric}
    )
    #: Feature → group → cases and approved.
    groups: dict[str, dict[str | None, list[int]]] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """Return how many cases the arm decided."""
        return sum(self.outcomes.values())

    def add(self, case: CaseOutcome) -> None:
        """Take one more case in."""
        approved = case.outcome == Outcome.APPROVED
        self.outcomes[case.outcome] += 1
        self.limit_minor_sum += case.limit_minor if approved else 0
        self.opened += case.is_opened
        self.lost_minor += case.lost_minor
        self.revenue_minor += case.revenue_minor
        self.funding_minor += case.funding_minor
        self.contested += case.is_contested
        for metric, moments in self.by_metric.items():
            moments.add(value_of(case, metric))
        for feature, group in case.groups.items():
            counts = self.groups.setdefault(feature, {}).setdefault(group, [0, 0])
            counts[0] += 1
            counts[1] += approved

    def document(self) -> dict[str, Any]:
        """Return the figures as programs read them."""
        approved = self.outcomes[Outcome.APPROVED]
        late = {metric: self.by_metric[metric].total for metric in LATE_DAYS}
        return {
            "cases": self.cases,
            **{outcome.value: self.outcomes[outcome] for outcome in Outcome},
            "approved_ppm": share_ppm(approved, self.cases),
            "approved_interval_ppm": _ends(wilson_ppm(approved, self.cases)),
            "limit_minor_sum": self.limit_minor_sum,
            "limit_minor_mean": self.limit_minor_sum // approved if approved else None,
            "opened": self.opened,
            **{f"{metric.value}_accounts": count for metric, count in late.items()},
            **{
                f"{metric.value}_interval_ppm": _ends(wilson_ppm(count, self.opened))
                for metric, count in late.items()
            },
            "lost_minor": self.lost_minor,
            "revenue_minor": self.revenue_minor,
            "funding_minor": self.funding_minor,
            "profit_minor": self.revenue_minor - self.lost_minor - self.funding_minor,
            "contested": self.contested,
            "contested_interval_ppm": _ends(wilson_ppm(self.contested, self.cases)),
            "fairness": {name: _fairness(found) for name, found in sorted(self.groups.items())},
        }


def value_of(case: CaseOutcome, metric: Metric) -> int:
    """Return what a case counts for in a metric."""
    match metric:
        case Metric.APPROVED:
            return int(case.outcome == Outcome.APPROVED)
        case Metric.PROFIT_MINOR:
            return case.revenue_minor - case.lost_minor - case.funding_minor
        case Metric.LATE_30 | Metric.LATE_90:
            return int(case.late_days_max > LATE_DAYS[metric])


def share_ppm(part: int, whole: int) -> int | None:
    """Return a share rounded down; None of nothing."""
    return part * ALL_PPM // whole if whole else None


def wilson_ppm(part: int, whole: int) -> Interval | None:
    """Return the 95 % interval of a share in ppm; None of nothing."""
    if not whole:
        return None
    share, z2 = part / whole, _Z95 * _Z95
    middle = share + z2 / (2 * whole)
    reach = _Z95 * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    low, high = (middle - reach) / (1 + z2 / whole), (middle + reach) / (1 + z2 / whole)
    return Interval(round(max(low, 0.0) * ALL_PPM), round(min(high, 1.0) * ALL_PPM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much a challenger differs from the champion in a metric, a case; None: not known."""

    metric: Metric
    #: Challenger less champion: ppm of a case for shares, thousandths of a minor unit for money.
    mean_scaled: int | None
    interval_scaled: Interval | None
    #: The difference in thousandths of its standard error.
    z_e3: int | None

    def document(self) -> dict[str, Any]:
        """Return the difference as programs read it."""
        unit = "minor_e3" if self.metric is Metric.PROFIT_MINOR else "ppm"
        return {
            "metric": self.metric.value,
            f"difference_per_case_{unit}": self.mean_scaled,
            f"interval_per_case_{unit}": _ends(self.interval_scaled),
            "z_e3": self.z_e3,
        }


def difference(metric: Metric, champion: Moments, challenger: Moments) -> Difference:
    """Compare two arms; with fewer than two cases in one, or no spread at all, less is known."""
    if min(champion.count, challenger.count) < 2:  # noqa: PLR2004 - a spread needs two
        return Difference(metric=metric, mean_scaled=None, interval_scaled=None, z_e3=None)
    scale = 1_000 if metric is Metric.PROFIT_MINOR else ALL_PPM
    mean = challenger.mean() - champion.mean()
    error = sqrt(challenger.variance_of_mean() + champion.variance_of_mean())
    reach = _Z95 * error
    return Difference(
        metric=metric,
        mean_scaled=round(mean * scale),
        interval_scaled=Interval(round((mean - reach) * scale), round((mean + reach) * scale)),
        z_e3=round(mean / error * 1_000) if error else None,
    )


def _ends(interval: Interval | None) -> list[int] | None:
    """Return an interval as programs read it."""
    return None if interval is None else [*interval]


def _fairness(counts: Mapping[str | None, Sequence[int]]) -> dict[str, Any]:
    """Return approval by group, and the lowest share over the highest: the adverse impact ratio."""
    shown = [
        {"group": group, "cases": cases, "approved": approved,
         "approved_ppm": share_ppm(approved, cases),
         "approved_interval_ppm": _ends(wilson_ppm(approved, cases))}
        for group, (cases, approved) in sorted(counts.items(), key=lambda item: str(item[0]))
    ]  # fmt: skip
    shares = [
        approved * ALL_PPM // cases
        for group, (cases, approved) in counts.items()
        if cases >= GROUP_CASES_MIN and group is not None
    ]
    comparable = len(shares) > 1 and max(shares) > 0
    ratio = min(shares) * ALL_PPM // max(shares) if comparable else None
    return {"groups": shown, "adverse_impact_ratio_ppm": ratio}


def group_of(value: object, edges: Sequence[int]) -> str | None:
    """Return the group that a feature's value falls into; None where it is not known."""
    if value is None:
        return None
    if not edges or isinstance(value, bool | str):
        return str(value).lower()
    assert isinstance(value, int), "a feature is a number, a text or true or false"
    below = [edge for edge in edges if edge <= value]
    low = str(below[-1]) if below else ""
    high = str(edges[len(below)] - 1) if len(below) < len(edges) else ""
    return f"{low}-{high}" if low and high else f"from {low}" if low else f"to {high}"
