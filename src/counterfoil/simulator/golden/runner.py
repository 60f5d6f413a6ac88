"""Running cases: passed, failed or unsupported, each with its reason."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden import co_lending, factors, fineract, frappe, opencbs, transfers
from counterfoil.simulator.golden.case_file import Case, Json
from counterfoil.simulator.golden.figures import Compared, asserted, compare
from counterfoil.simulator.golden.inputs import Inputs

Family = Callable[[Case], Mapping[str, object]]

#: Differences named in the reason of a failed case.
DIFFERENCES_SHOWN = 3


class Result(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case with what was asserted and what was computed, figure by figure."""

    id: str
    result: Result
    reason: str
    compared: tuple[Compared, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the outcome in the form programs read."""
        return {
            "id": self.id,
            "result": str(self.result),
            "reason": self.reason,
            "expected": {one.path: one.expected for one in self.compared},
            "actual": {one.path: one.actual for one in self.compared},
        }


def run(cases: Iterable[Case]) -> list[Outcome]:
    """Return the outcome of each case."""
    return [run_case(case) for case in cases]


def run_case(case: Case) -> Outcome:
    """Compute one case from its inputs, then compare every figure it asserts."""
    try:
        actual = family_of(case)(case)
        compared = tuple(compare(case.expected, actual))
    except NotCovered as gap:
        return _unsupported(case, str(gap))
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as e:
        detail = f" ({e})" if str(e) else ""
        reason = f"the inputs are not of a known shape{detail}"
        return _unsupported(case, reason)
    if not compared:
        return _unsupported(case, "no figure is asserted")
    wrong = [one for one in compared if not one.agrees]
    if not wrong:
        reason = f"{len(compared)} figures agree"
        return Outcome(id=case.id, result=Result.PASSED, reason=reason, compared=compared)
    named = "; ".join(f"{w.path}: {w.expected} ≠ {w.actual}" for w in wrong[:DIFFERENCES_SHOWN])
    reason = f"{len(wrong)} of {len(compared)} figures differ: {named}"
    return Outcome(id=case.id, result=Result.FAILED, reason=reason, compared=compared)


def _unsupported(case: Case, reason: str) -> Outcome:
    """Return the outcome of a case that is not computed, with what it asserts."""
    listed = tuple(Compared(path, value, None) for path, value in asserted(case.expected))
    return Outcome(id=case.id, result=Result.UNSUPPORTED, reason=reason, compared=listed)


def family_of(case: Case) -> Family:
    """Return the translator for the conventions a case was recorded under."""
    names = set(case.conventions)
    if names & {"fineract_progressive", "fineract_cumulative"}:
        return _fineract_family(case)
    if "frappe_lending" in names:
        return co_lending.figures if "partner_share" in case.inputs else frappe.figures
    if "opencbs" in names:
        return opencbs.figures
    if names & {"arithmetic", "co_lending"}:
        return co_lending.figures
    listed = ", ".join(sorted(names)) or "none"
    raise NotCovered(f"conventions: {listed}")


def _fineract_family(case: Case) -> Family:
    """Return the translator for one of its three shapes of case."""
    if "events" not in case.inputs:
        return factors.figures
    events = [Inputs(one, "event key") for one in Inputs(case.inputs).entries("events")]
    if any(event.text("type", "") == transfers.REQUEST for event in events):
        return transfers.figures
    return fineract.figures


def summary(outcomes: Iterable[Outcome]) -> dict[str, Json]:
    """Return the whole run in the form programs read."""
    listed = list(outcomes)
    counts = {result: sum(1 for one in listed if one.result is result) for result in Result}
    return {
        "passed": counts[Result.PASSED],
        "failed": counts[Result.FAILED],
        "unsupported": counts[Result.UNSUPPORTED],
        "cases": [one.as_json() for one in listed],
    }
