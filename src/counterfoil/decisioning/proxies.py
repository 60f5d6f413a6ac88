"""Whether what a policy reads stands in for a trait that it must not read.

Measure     Cramér's V, squared: how far groups of a trait differ in a feature, from 0 (not at all)
            to a million ppm (the feature tells the group). Numbers are cut at their tenths, unknown
            is a value of its own.
Tested      Every feature that points, prices, risk rules or segments follow, against every trait
            that comes with the cases. A feature that is the trait itself, as the age where the law
            asks for it, is none of its proxies.
Small       Groups of fewer than 30 cases say nothing, and are left out. Of many cases an even
            stride is looked at: neighbours differ in little.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from counterfoil.decisioning.expression import Value, features_read
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Stage

_PPM: Final = 1_000_000
_GROUP_CASES_MIN: Final = 30
_TENTHS: Final = 10
#: Cases that are looked at; a share of them says as much as all.
CASES_MAX: Final = 2_000
#: Traits that facts of the case tell, with the feature that is the trait.
ITSELF: Final = {"age_band": "age_years", "student": "is_student"}


class Grouped(Protocol):
    """A case with the groups that the person belongs to."""

    @property
    def features(self) -> Mapping[str, Value | None]:
        """Return what is known of the case."""

    @property
    def groups(self) -> Mapping[str, str]:
        """Return the group of each trait."""


def proxies_of(policy: Policy, cases: Sequence[Grouped]) -> dict[str, dict[str, int]]:
    """Return by trait and feature how far the feature tells the group, ppm; both in order."""
    cases = cases[:: max(1, len(cases) // CASES_MAX)]
    traits = sorted({trait for case in cases for trait in case.groups})
    found: dict[str, dict[str, int]] = {}
    for trait in traits:
        members = [case for case in cases if trait in case.groups]
        sizes = Counter(case.groups[trait] for case in members)
        large = [case for case in members if sizes[case.groups[trait]] >= _GROUP_CASES_MIN]
        if len({case.groups[trait] for case in large}) < 2:  # noqa: PLR2004 - one differs from none
            continue
        groups = [case.groups[trait] for case in large]
        found[trait] = {
            name: association_ppm(_binned([case.features.get(name) for case in large]), groups)
            for name in features_followed(policy)
            if name != ITSELF.get(trait)
        }
    return found


def features_followed(policy: Policy) -> list[str]:
    """Return the declared features that points, risk rules, segments and capacity follow."""
    read = {policy.capacity.income_feature, policy.capacity.debt_feature}
    read |= {item.feature for item in policy.scorecard.characteristics}
    for segment in policy.segments:
        read |= set(() if segment.when is None else features_read(segment.when))
    for rule in policy.rules:
        if rule.stage is Stage.RISK:
            read |= set(policy.sources_of(rule))
    return sorted(read & {feature.name for feature in policy.features})


def association_ppm(values: Sequence[str], groups: Sequence[str]) -> int:
    """Return Cramér's V squared of two lists of the same length, ppm, rounded down."""
    total = len(values)
    rows, columns = Counter(values), Counter(groups)
    least = min(len(rows), len(columns)) - 1
    if least <= 0:
        return 0
    cells = Counter(zip(values, groups, strict=True))
    # Sum of n_ij^2 / (n_i n_j), less one, is chi squared over n; in exact ppm of the whole.
    share = sum(
        count * count * _PPM * total // (rows[value] * columns[group])
        for (value, group), count in cells.items()
    )
    return max(0, (share // total - _PPM) // least)


def _binned(values: Sequence[Value | None]) -> list[str]:
    numbers = sorted(v for v in values if isinstance(v, int) and not isinstance(v, bool))
    if not numbers:
        return [str(value) for value in values]
    cuts = sorted({numbers[len(numbers) * place // _TENTHS] for place in range(1, _TENTHS)})
    return [
        str(bisect_right(cuts, value))
        if isinstance(value, int) and not isinstance(value, bool)
        else "unknown"
        for value in values
    ]
