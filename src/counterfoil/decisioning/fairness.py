"""Fair prices: every version of a grid is tested over groups of people before it is published.

Groups      Age bands and being a student are read from the replayed applications, whatever the
            version reads; other traits, such as sex or region, come beside cases of a file and are
            never a feature. What a case does not say puts it into no group.
Twins       The same application at another age of the same law: the price of every tenor that both
            are offered has to be the same within the tolerance. It needs no history.
Tolerances  Those of the document; where it is silent, the house's: a group is approved at least
            four fifths as often as the best one, and pays at most 3 % more within a grade.
Breach      Refuses the version; an override names the tolerance with a reason, and both who sign
            the report sign it.
Follows     Personal Information Protection Law, Art. 24: no unreasonable differences in price.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from counterfoil.decisioning.compile_python import CompiledPolicy
from counterfoil.decisioning.decision import Decision
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gate_impact import PPM, GateCase
from counterfoil.decisioning.policy_parts import Tolerances

#: What holds where a document says nothing.
HOUSE_IMPACT_PPM_MIN: Final = 800_000
HOUSE_PRICE_GAP_PPM: Final = 30_000
#: Cases that are decided again at other ages.
TWINS_MAX: Final = 400
AGE: Final = "age_years"
STUDENT: Final = "is_student"
#: Bands of adults by their first year, with an age that stands for each. Nobody borrows before 18.
_BANDS: Final = ((18, 21), (25, 30), (35, 40), (45, 52), (60, 64))
_ADULT: Final = 18


@dataclass(slots=True, kw_only=True)
class Twins:
    """What came of deciding cases again at other ages."""

    cases: int = 0
    #: Pairs of which both got an offer with a tenor in common.
    compared: int = 0
    differing: int = 0
    #: The greatest difference, ppm of the lower price.
    gap_ppm_max: int = 0
    #: The pair with the greatest difference, for the person who has to mend it.
    worst: str | None = None

    def document(self) -> dict[str, object]:
        """Return the counts as they are stored."""
        return {name: getattr(self, name) for name in Twins.__slots__}


def with_traits(case: GateCase) -> GateCase:
    """Return a case with the groups that its own facts put it into."""
    return case._replace(groups={**traits_of(case.features), **case.groups})


def traits_of(features: Mapping[str, Value | None]) -> dict[str, str]:
    """Return the groups of protected and proxy traits that some facts tell."""
    traits = {}
    age, student = features.get(AGE), features.get(STUDENT)
    if isinstance(age, int) and not isinstance(age, bool) and age >= _ADULT:
        traits["age_band"] = _band(age)
    if isinstance(student, bool):
        traits["student"] = "yes" if student else "no"
    return traits


def house_tolerances(own: Tolerances) -> Tolerances:
    """Return a document's tolerances with the house's for groups where it is silent."""
    least, most = own.adverse_impact_ppm_min, own.price_gap_ppm
    return replace(
        own,
        adverse_impact_ppm_min=HOUSE_IMPACT_PPM_MIN if least is None else least,
        price_gap_ppm=HOUSE_PRICE_GAP_PPM if most is None else most,
    )


def twins_of(compiled: CompiledPolicy, cases: Sequence[GateCase]) -> Twins:
    """Return what changes in price where nothing but the age does."""
    found = Twins()
    if AGE not in {feature.name for feature in compiled.policy.features}:
        return found
    # An even stride: neighbours among generated cases differ in little.
    stride = max(1, len(cases) // TWINS_MAX)
    for number in range(0, len(cases), stride):
        case = cases[number]
        offers = [
            (age, compiled.decide({**case.features, AGE: age}, case.asked)) for _, age in _BANDS
        ]
        found.cases += 1
        _compare(found, number, offers)
    return found


def _compare(found: Twins, number: int, offers: Sequence[tuple[int, Decision]]) -> None:
    offered = [(age, made) for age, made in offers if made.rate_daily_e8 is not None]
    for age, made in offered[1:]:
        first_age, first = offered[0]
        gaps = [*_gaps(first, made)]
        if not gaps:
            continue
        found.compared += 1
        gap = max(gaps)
        found.differing += gap > 0
        if gap > found.gap_ppm_max:
            found.gap_ppm_max = gap
            found.worst = f"case {number}: at {first_age} and at {age} years"


def _gaps(one: Decision, other: Decision) -> Iterator[int]:
    """Yield the differences in price of tenors that both are offered, ppm of the lower."""
    theirs = dict(_prices(other))
    for months, rate in _prices(one):
        if months in theirs:
            low, high = sorted((rate, theirs[months]))
            yield (high - low) * PPM // low


def _prices(made: Decision) -> Iterable[tuple[int, int]]:
    rates = made.rates_daily_e8 or (made.rate_daily_e8 or 0,) * len(made.tenors_months)
    return zip(made.tenors_months, rates, strict=True)


def _band(age: int) -> str:
    firsts = [first for first, _ in _BANDS if first <= age]
    later = [first for first, _ in _BANDS if first > age]
    return f"{firsts[-1]}-{later[0] - 1}" if later else f"{firsts[-1]}+"
