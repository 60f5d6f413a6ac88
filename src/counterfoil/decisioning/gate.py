"""The gate before publication: both compilers agree, every rule is covered, nothing is dead.

Agreement   The generated Python and Polars decide every replayed and every generated application,
            and every field of every decision is compared. The reference decides an eighth of them,
            the first of every kind, and each on which the two differ. One difference in one field
            refuses the version and is shown: first the case, then the field, both values.
Coverage    How often each rule was true, false and unknown, on replayed and on generated
            applications. A rule that nothing makes true, or nothing makes false, refuses.
Tests       Every test that the document holds; a version that is to be published needs one for each
            verdict that a rule can give.
Impact      Against the version in force, within the document's tolerances (`gate_impact.py`).
Fairness    Over groups of people, always, within the document's tolerances or the house's
            (`fairness.py`).
Invariant   Pure: the applications are given, the report follows from them and the policy alone.
"""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Final, NamedTuple

from counterfoil.decisioning.batch_compare import BatchComparison
from counterfoil.decisioning.batch_frame import frame_of
from counterfoil.decisioning.canonical import content_hash
from counterfoil.decisioning.compile_polars import decided
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Node
from counterfoil.decisioning.fairness import Twins, house_tolerances, twins_of, with_traits
from counterfoil.decisioning.gate_impact import (
    Fault,
    GateCase,
    Impact,
    impact_of,
    tolerance_faults,
)
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_reach import dead

#: Differences that a report shows; they are counted beyond it.
DIFFERENCES_SHOWN_MAX: Final = 20
#: How many cases there are to one that the reference decides whatever the compilers say.
REFERENCE_EVERY: Final = 8
#: How many cases there are to one of which a whole record is made for the comparison.
RECORDS_COMPARED_EVERY: Final = 16
_REPLAYED, _GENERATED = "replayed", "generated"


class Difference(NamedTuple):
    """One field in which an engine does not say what the reference says."""

    #: `replayed` or `generated`, and the number of the case among them.
    source: str
    number: int
    engine: str
    field: str
    expected: str
    found: str


@dataclass(slots=True, kw_only=True)
class RuleCover:
    """How often one rule said what; not judged where eligibility ended the case."""

    true: int = 0
    false: int = 0
    unknown: int = 0

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Count verdicts."""
        true, unknown = verdicts.count(Verdict.TRUE), verdicts.count(Verdict.UNKNOWN)
        self.true += true
        self.unknown += unknown
        self.false += len(verdicts) - true - unknown

    def document(self) -> dict[str, int]:
        """Return the counts as they are stored."""
        return {"false": self.false, "true": self.true, "unknown": self.unknown}


@dataclass(slots=True, kw_only=True)
class GateReport:
    """What the gate found; stored beside the version and named by both who sign."""

    policy: Policy
    replayed: int = 0
    generated: int = 0
    #: Cases that the reference decided as well.
    referred: int = 0
    differences_count: int = 0
    differences: list[Difference] = field(default_factory=list)
    #: Counts by rule, on replayed and on generated applications.
    coverage: dict[str, dict[str, RuleCover]] = field(default_factory=dict)
    segments: Counter[str] = field(default_factory=Counter)
    impact: Impact = field(default_factory=Impact)
    #: Tolerances that were overridden by name, each with its reason.
    overrides: Mapping[str, str] = field(default_factory=dict)
    #: Rules that lack a test of some verdict, with the verdicts.
    untested: dict[str, list[str]] = field(default_factory=dict)
    #: What the age alone does to the price.
    twins: Twins = field(default_factory=Twins)
    live_hash: str | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether the version may be published."""
        return not self.faults

    def document(self) -> dict[str, object]:
        """Return the report as it is stored and shown."""
        return {
            "code": self.policy.code,
            "coverage": {
                source: {code: cover.document() for code, cover in sorted(rules.items())}
                for source, rules in self.coverage.items()
            },
            "differences": [list(item) for item in self.differences],
            "differences_count": self.differences_count,
            "engines": {
                "polars": version("polars"),
                "python": platform.python_version(),
                "sqlglot": version("sqlglot"),
            },
            "faults": [list(item) for item in self.faults],
            "generated": self.generated,
            "live_hash": self.live_hash,
            "passed": self.passed,
            "policy_hash": self.policy.hash,
            "referred": self.referred,
            "replayed": self.replayed,
            "segments": dict(sorted(self.segments.items())),
            "twins": self.twins.document(),
            "impact": self.impact.document(),
            "overrides": dict(sorted(self.overrides.items())),
            "untested": dict(sorted(self.untested.items())),
            "version": self.policy.version,
        }

    def digest(self) -> bytes:
        """Return the SHA-256 of the report's canonical form."""
        return content_hash(self.document())


def publication_check(
    policy: Policy,
    replayed: Sequence[GateCase],
    generated: Sequence[GateCase],
    *,
    live: Policy | None = None,
    overrides: Mapping[str, str] | None = None,
    demands_tests: bool = False,
) -> GateReport:
    """Return what the gate finds of a version on replayed and generated applications.

    `demands_tests` refuses a version in which a rule has no test of a verdict that it can give.
    """
    report = GateReport(
        policy=policy,
        live_hash=None if live is None else live.hash,
        overrides=dict(overrides or {}),
    )
    compiled = compile_python(policy)
    for source, cases in ((_REPLAYED, replayed), (_GENERATED, generated)):
        report.coverage[source] = {rule.code: RuleCover() for rule in policy.rules}
        for numbers, group in _by_question(policy, cases):
            _check_group(report, compiled, source, numbers, group)
    report.replayed, report.generated = len(replayed), len(generated)
    in_force = None if live is None else compile_python(live)
    replayed = [with_traits(case) for case in replayed]
    report.impact = impact_of(compiled, in_force, replayed)
    report.twins = twins_of(compiled, [*replayed, *generated])
    report.untested = _untested(report)
    report.faults += [
        *sure_faults(policy),
        *_conditions_faults(report),
        *_test_faults(report, demands_tests=demands_tests),
        *tolerance_faults(
            house_tolerances(policy.tolerances),
            report.impact,
            report.overrides,
            twins_gap_ppm=report.twins.gap_ppm_max,
        ),
        *_agreement_faults(report),
    ]
    return report


def _by_question(
    policy: Policy, cases: Sequence[GateCase]
) -> Iterable[tuple[list[int], list[GateCase]]]:
    """Yield cases of one question together, the amount asked for aside: one frame has one.

    Where no rule has a date of its own, all are asked on one date: nothing else depends on it.
    """
    is_dated = any(rule.effective_from or rule.effective_to for rule in policy.rules)
    on = cases[0].asked.as_of if cases and not is_dated else None
    groups: dict[Asked, list[int]] = {}
    asked: dict[int, tuple[Asked, Asked]] = {}
    together = []
    for number, case in enumerate(cases):
        pair = asked.get(id(case.asked))
        if pair is None:
            own = case.asked if on is None else replace(case.asked, as_of=on)
            pair = asked[id(case.asked)] = (own, replace(own, requested_minor=None))
        together.append(case._replace(asked=pair[0]))
        groups.setdefault(pair[1], []).append(number)
    for numbers in groups.values():
        yield numbers, [together[number] for number in numbers]


def _check_group(
    report: GateReport,
    compiled: CompiledPolicy,
    source: str,
    numbers: list[int],
    cases: list[GateCase],
) -> None:
    policy = report.policy
    decisions = [compiled.decide(case.features, case.asked) for case in cases]
    first = _count(report, source, decisions)
    frame = frame_of(
        policy, [case.features for case in cases], [case.asked.requested_minor for case in cases]
    )
    batch = decided(policy, frame, cases[0].asked, shows_parts=True).collect(engine="streaming")
    comparison = BatchComparison(policy, batch)
    doubtful = set(comparison.differing(decisions))
    for place in _for_reference(decisions, doubtful | first):
        number, case, found = numbers[place], cases[place], decisions[place]
        expected = policy.decide(case.features, case.asked)
        report.referred += 1
        if found != expected or found.result() != expected.result():
            _note(report, source, number, "python", expected, found.result_document())
        # What is compared column by column follows from the whole record; a part sees to that.
        is_sampled = place in doubtful or number % RECORDS_COMPARED_EVERY == 0
        told = comparison.told(place, expected) if is_sampled else None
        if told is not None and told != expected.result_document():
            _note(report, source, number, "polars", expected, told)


def _for_reference(decisions: Sequence[Decision], telling: set[int]) -> Iterable[int]:
    """Yield the places that the reference decides too.

    Those that are telling, one case in so many, and the first of each way in which a case ends.
    """
    seen: set[object] = set()
    for place, decision in enumerate(decisions):
        outcome = decision.outcome.value
        kind = (decision.segment, decision.grade, decision.binding, outcome, decision.grown)
        if place in telling or kind not in seen or place % REFERENCE_EVERY == 0:
            yield place
        seen.add(kind)


def _count(report: GateReport, source: str, decisions: Sequence[Decision]) -> set[int]:
    """Count verdicts by rule; return the first place of each verdict of each rule."""
    report.segments.update(decision.segment for decision in decisions)
    judged: dict[tuple[str, ...], list[int]] = {}
    for place, decision in enumerate(decisions):
        judged.setdefault(tuple(decision.verdicts), []).append(place)
    covers, first = report.coverage[source], set()
    for codes, places in judged.items():
        rows = [decisions[place].verdicts.values() for place in places]
        for code, said in zip(codes, zip(*rows, strict=True), strict=True):
            covers[code].add(said)
            first |= {places[said.index(verdict)] for verdict in Verdict if verdict in said}
    return first


def _note(
    report: GateReport,
    source: str,
    number: int,
    engine: str,
    decision: Decision,
    found: Mapping[str, object],
) -> None:
    """Note the first field that differs."""
    report.differences_count += 1
    if len(report.differences) >= DIFFERENCES_SHOWN_MAX:
        return
    expected = {**decision.result_document(), "rejected": list(decision.rejected)}
    for name in sorted(expected.keys() | found.keys()):
        mine, theirs = expected.get(name), found.get(name, expected.get(name))
        if mine != theirs:
            difference = Difference(source, number, engine, name, str(mine), str(theirs))
            report.differences.append(difference)
            return
    report.differences.append(Difference(source, number, engine, "inputs", "", ""))


def _untested(report: GateReport) -> dict[str, list[str]]:
    """Return the verdicts that rules give somewhere and that no test of theirs shows."""
    shown = {(test.rule, test.verdict) for test in report.policy.tests}
    found = {}
    for rule in report.policy.rules:
        covers = [cover[rule.code] for cover in report.coverage.values()]
        missing = [
            verdict.value
            for verdict in Verdict
            if (rule.code, verdict) not in shown and any(getattr(c, verdict) for c in covers)
        ]
        if missing:
            found[rule.code] = missing
    return found


def sure_faults(policy: Policy) -> Iterable[Fault]:
    """Yield what keeps a version from being published whatever applications there are."""
    for place, condition in _conditions(policy):
        if why := _dead(condition, policy):
            yield Fault(place, why)
    for number, test in enumerate(policy.tests):
        found = policy.verdict_of(test)
        if found is not test.verdict:
            reason = f"{test.rule} is {found} on this case; the test says {test.verdict}"
            yield Fault(f"policy.tests[{number}]", reason)


def _test_faults(report: GateReport, *, demands_tests: bool) -> Iterable[Fault]:
    for code, missing in report.untested.items() if demands_tests else ():
        reason = f"has no test in which it is {' or '.join(missing)}"
        yield Fault(f"policy.rules[{code}]", reason)


def _agreement_faults(report: GateReport) -> Iterable[Fault]:
    if report.differences_count:
        first = report.differences[0]
        yield Fault(
            "policy",
            f"{report.differences_count:,} decisions differ between engines; first {first.source} "
            f"case {first.number}: {first.field} is {first.expected[:80]} by the reference and "
            f"{first.found[:80]} by {first.engine}",
        )


def _conditions_faults(report: GateReport) -> Iterable[Fault]:
    """Yield what applications show of conditions that may be true and may be false."""
    policy = report.policy
    for rule in policy.rules:
        covers = [report.coverage[source][rule.code] for source in (_REPLAYED, _GENERATED)]
        true = sum(cover.true for cover in covers)
        false = sum(cover.false for cover in covers)
        place = f"policy.rules[{rule.code}].when"
        if _dead(rule.when, policy):
            continue
        if not true:
            yield Fault(place, "is dead: no replayed or generated application makes it true")
        elif not false:
            yield Fault(place, "is always true: no application makes it false")
    for segment in policy.segments:
        is_dead = segment.when is not None and _dead(segment.when, policy)
        if not is_dead and not report.segments[segment.code]:
            yield Fault(f"policy.segments[{segment.code}]", "takes nobody")


def _conditions(policy: Policy) -> Iterable[tuple[str, Node]]:
    """Yield every condition of a version with its place."""
    for rule in policy.rules:
        yield f"policy.rules[{rule.code}].when", rule.when
    for segment in policy.segments:
        if segment.when is not None:
            yield f"policy.segments[{segment.code}].when", segment.when
    if policy.growth is not None:
        yield "policy.growth.when", policy.growth.when


def _dead(condition: Node, policy: Policy) -> str | None:
    shapes = {item.name: item.shape for item in policy.features}
    shapes |= {item.name: item.shape for item in policy.derived}
    return dead(condition, shapes)
