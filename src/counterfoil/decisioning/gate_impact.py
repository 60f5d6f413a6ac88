"""What a version would change: against the version in force, and for groups of people.

Cases       Recorded applications, or those of a file; with outcomes and groups where they are given
            beside the cases. No rule ever reads a group.
Swaps       How many cases change from which outcome to which, with the limits before and after,
            and how many of those whose outcome is known turned out bad.
Groups      Approve share of each group, of the best group's at the same version; and what a group
            pays more than all cases of the same grade. Groups of fewer than 30 cases say nothing,
            and cases on which a rule of law acted are not counted.
Set aside   Nor are cases that the product is not for, by a rule of eligibility that the document
            names with the reason why this is lawful: they are counted beside, by rule and group.
Tolerances  Of the document. One that is exceeded refuses the version, unless the override that
            names it is given with a reason; both who sign see it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from counterfoil.decisioning.compile_python import CompiledPolicy
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import (
    WHOLE_POLICY,
    Action,
    Rule,
    RuleClass,
    Tolerances,
)
from counterfoil.decisioning.proxies import proxies_of

PPM: Final = 1_000_000
GROUP_CASES_MIN: Final = 30
#: What a rule of law does to a case that a policy would have approved.
_ENDING: Final = (Action.DECLINE, Action.REFER, Action.ASK)
_NO_GROUPS: Final[Mapping[str, str]] = {}


class GateCase(NamedTuple):
    """An application as it would be given: what is known of it and what is asked."""

    features: Mapping[str, Value | None]
    asked: Asked
    #: How it turned out, None where that is not known.
    is_bad: bool | None = None
    #: What groups the person belongs to, by trait; read by no rule.
    groups: Mapping[str, str] = _NO_GROUPS


class Fault(NamedTuple):
    """Why a version is refused, and where."""

    place: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Swap:
    """Cases that change from one outcome to another, or stay."""

    cases: int = 0
    limit_before_minor: int = 0
    limit_after_minor: int = 0
    #: Cases whose outcome is known, and the bad ones among them.
    known: int = 0
    bad: int = 0

    def document(self) -> dict[str, int]:
        """Return the counts as they are stored."""
        return {name: getattr(self, name) for name in Swap.__slots__}


@dataclass(slots=True, kw_only=True)
class GroupCount:
    """How a version treats one group."""

    cases: int = 0
    approved: int = 0
    known: int = 0
    bad: int = 0
    #: Approve share of the best group's, ppm; None where it says nothing.
    impact_ppm: int | None = None
    #: What it pays more than all cases of the same grade, ppm of the price; None as above.
    price_gap_ppm: int | None = None

    def document(self) -> dict[str, int | None]:
        """Return the counts as they are stored."""
        return {name: getattr(self, name) for name in GroupCount.__slots__}


@dataclass(slots=True, kw_only=True)
class SetAside:
    """Cases that groups are not compared by, because the product is not for them."""

    #: Why that may lawfully depend on a trait, in the words of the document.
    reason: str
    #: Cases by trait and group.
    groups: dict[str, Counter[str]] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Return reason and counts as they are stored."""
        groups = {trait: dict(sorted(found.items())) for trait, found in self.groups.items()}
        return {"groups": dict(sorted(groups.items())), "reason": self.reason}


@dataclass(slots=True, kw_only=True)
class Impact:
    """What a version would change on given cases."""

    cases: int = 0
    #: `approved>declined` and so on; empty where nothing is in force.
    swaps: dict[str, Swap] = field(default_factory=dict)
    #: Cases by outcome, of this version and of the one in force.
    outcomes: Counter[str] = field(default_factory=Counter)
    outcomes_live: Counter[str] = field(default_factory=Counter)
    #: How often each rule was true, of this version and of the one in force.
    hits: Counter[str] = field(default_factory=Counter)
    hits_live: Counter[str] = field(default_factory=Counter)
    #: Mean offer, minor units; 0 where nothing is offered.
    offer_mean_minor: int = 0
    offer_mean_live_minor: int = 0
    #: Declines of each rule, and of all, in ppm of what the action cap allows.
    cap_use_ppm: dict[str, int] = field(default_factory=dict)
    groups: dict[str, dict[str, GroupCount]] = field(default_factory=dict)
    #: How far each feature that is followed tells a trait, by trait and feature (`proxies.py`).
    proxies: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Whom the comparison leaves out: cases by rule, trait and group.
    set_aside: dict[str, SetAside] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Return the counts as they are stored."""
        return {
            "cap_use_ppm": dict(sorted(self.cap_use_ppm.items())),
            "cases": self.cases,
            "groups": {
                trait: {name: count.document() for name, count in sorted(groups.items())}
                for trait, groups in sorted(self.groups.items())
            },
            "hits": dict(sorted(self.hits.items())),
            "hits_live": dict(sorted(self.hits_live.items())),
            "offer_mean_live_minor": self.offer_mean_live_minor,
            "offer_mean_minor": self.offer_mean_minor,
            "outcomes": dict(sorted(self.outcomes.items())),
            "outcomes_live": dict(sorted(self.outcomes_live.items())),
            "proxies": self.proxies,
            "set_aside": {code: one.document() for code, one in sorted(self.set_aside.items())},
            "swaps": {name: swap.document() for name, swap in sorted(self.swaps.items())},
        }


def impact_of(
    ours: CompiledPolicy, live: CompiledPolicy | None, cases: Sequence[GateCase]
) -> Impact:
    """Return what a version would change on cases against the one in force, if there is one."""
    after = [ours.decide(case.features, case.asked) for case in cases]
    impact = Impact(cases=len(cases))
    impact.outcomes.update(decision.outcome.value for decision in after)
    impact.hits.update(_hits(after))
    impact.offer_mean_minor = _mean_offer(after)
    _count_cap(impact, ours.policy, after)
    _count_groups(impact, ours.policy, cases, after)
    impact.proxies = proxies_of(ours.policy, cases)
    if live is None or live.policy.currency != ours.policy.currency:
        return impact
    before = [live.decide(case.features, case.asked) for case in cases]
    impact.outcomes_live.update(decision.outcome.value for decision in before)
    impact.hits_live.update(_hits(before))
    impact.offer_mean_live_minor = _mean_offer(before)
    for case, old, new in zip(cases, before, after, strict=True):
        swap = impact.swaps.setdefault(f"{old.outcome.value}>{new.outcome.value}", Swap())
        swap.cases += 1
        swap.limit_before_minor += old.limit_minor
        swap.limit_after_minor += new.limit_minor
        swap.known += case.is_bad is not None
        swap.bad += case.is_bad is True
    return impact


def tolerance_faults(
    tolerances: Tolerances, impact: Impact, overrides: Mapping[str, str], *, twins_gap_ppm: int = 0
) -> Iterator[Fault]:
    """Yield what exceeds tolerances and is not overridden by name.

    `twins_gap_ppm` is the most that a price changes where nothing but a protected trait does.
    """
    for name, reason in _exceeded(tolerances, impact, twins_gap_ppm):
        if not overrides.get(name, "").strip():
            yield Fault(
                f"policy.tolerances.{name}",
                f"{reason}; change the version, or override {name} with a reason",
            )


def _exceeded(
    tolerances: Tolerances, impact: Impact, twins_gap_ppm: int
) -> Iterator[tuple[str, str]]:
    cases = max(impact.cases, 1)
    if impact.outcomes_live:
        for outcome, name in (
            (Outcome.APPROVED, "approve_share_ppm"),
            (Outcome.DECLINED, "decline_share_ppm"),
            (Outcome.REFERRED, "refer_share_ppm"),
        ):
            most = getattr(tolerances, name)
            old, new = impact.outcomes_live[outcome.value], impact.outcomes[outcome.value]
            moved = abs(new - old) * PPM // cases
            if most is not None and moved > most:
                yield name, f"the share moves by {moved:,} ppm, from {old:,} to {new:,} cases"
        before, most = impact.offer_mean_live_minor, tolerances.offer_mean_ppm
        moved = abs(impact.offer_mean_minor - before) * PPM // max(before, 1)
        if most is not None and moved > most:
            yield "offer_mean_ppm", f"the mean offer moves by {moved:,} ppm"
    yield from _unfair(tolerances, impact)
    yield from _standing_in(tolerances, impact)
    most = tolerances.price_gap_ppm
    if most is not None and twins_gap_ppm > most:
        yield "price_gap_ppm", f"the age alone changes a price by {twins_gap_ppm:,} ppm"


def _unfair(tolerances: Tolerances, impact: Impact) -> Iterator[tuple[str, str]]:
    least, most = tolerances.adverse_impact_ppm_min, tolerances.price_gap_ppm
    for trait, groups in sorted(impact.groups.items()):
        for name, count in sorted(groups.items()):
            found, gap = count.impact_ppm, count.price_gap_ppm
            if least is not None and found is not None and found < least:
                reason = f"{trait} {name} is approved {found:,} ppm as often as the best group"
                yield "adverse_impact_ppm_min", reason
            if most is not None and gap is not None and gap > most:
                yield "price_gap_ppm", f"{trait} {name} pays {gap:,} ppm more in the same grade"


def _standing_in(tolerances: Tolerances, impact: Impact) -> Iterator[tuple[str, str]]:
    """Yield features that tell a trait further than a version may follow."""
    most = tolerances.proxy_ppm
    for trait, features in impact.proxies.items():
        for name, found in features.items():
            if most is not None and found > most:
                yield "proxy_ppm", f"{name} tells {trait} by {found:,} ppm of all there is to tell"


def _hits(decisions: Sequence[Decision]) -> Iterator[str]:
    for decision in decisions:
        for code, verdict in decision.verdicts.items():
            if verdict is Verdict.TRUE:
                yield code


def _mean_offer(decisions: Sequence[Decision]) -> int:
    offers = [item.limit_minor for item in decisions if item.outcome is Outcome.APPROVED]
    return sum(offers) // len(offers) if offers else 0


def _count_cap(impact: Impact, policy: Policy, decisions: Sequence[Decision]) -> None:
    cap = policy.action_cap
    if cap is None or not decisions:
        return
    allowed = max(cap.count_min, len(decisions) * cap.share_ppm // PPM, 1)
    rules = {rule.code: rule for rule in policy.rules if not rule.is_exempt}
    declined = [item for item in decisions if item.outcome is Outcome.DECLINED]
    counts = Counter(
        code
        for item in declined
        for code, verdict in item.verdicts.items()
        if code in rules and rules[code].action_on(verdict) is Action.DECLINE
    )
    counts[WHOLE_POLICY] = len(declined)
    impact.cap_use_ppm = {code: count * PPM // allowed for code, count in counts.items()}


def _count_groups(
    impact: Impact, policy: Policy, cases: Sequence[GateCase], decisions: Sequence[Decision]
) -> None:
    offers: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    law = [rule for rule in policy.rules if rule.rule_class is RuleClass.LAW]
    for case, decision in zip(cases, decisions, strict=True):
        if case.groups and (_is_by_law(law, decision) or _is_aside(impact, policy, case, decision)):
            continue
        is_offered = decision.rate_daily_e8 is not None
        for trait, name in case.groups.items():
            count = impact.groups.setdefault(trait, {}).setdefault(name, GroupCount())
            count.cases += 1
            count.approved += decision.outcome is Outcome.APPROVED
            count.known += case.is_bad is not None
            count.bad += case.is_bad is True
            if is_offered:
                offers[trait, name].append(decision)
    paid = _mean_by_grade(decisions)
    for trait, groups in impact.groups.items():
        large = {name: item for name, item in groups.items() if item.cases >= GROUP_CASES_MIN}
        best = max((item.approved * PPM // item.cases for item in large.values()), default=0)
        for name, item in large.items():
            share = item.approved * PPM // item.cases
            item.impact_ppm = share * PPM // best if best else None
            item.price_gap_ppm = _price_gap(offers[trait, name], paid)


def _is_by_law(law: Sequence[Rule], decision: Decision) -> bool:
    """Tell whether a rule of law acted: what it asks is not for a policy to even out."""
    verdicts = decision.verdicts
    return any(rule.action_on(verdicts.get(rule.code, Verdict.FALSE)) in _ENDING for rule in law)


def _is_aside(impact: Impact, policy: Policy, case: GateCase, decision: Decision) -> bool:
    """Tell whether the product is not for a case, and count it with its groups where so."""
    for rule in policy.rules:
        reason = policy.set_aside.get(rule.code)
        verdict = decision.verdicts.get(rule.code, Verdict.FALSE)
        if reason is None or rule.action_on(verdict) not in _ENDING:
            continue
        found = impact.set_aside.setdefault(rule.code, SetAside(reason=reason))
        for trait, name in case.groups.items():
            found.groups.setdefault(trait, Counter())[name] += 1
        return True
    return False


def _mean_by_grade(decisions: Sequence[Decision]) -> dict[str | None, tuple[int, int]]:
    """Return the sum of prices and the number of offers, by grade."""
    sums: dict[str | None, tuple[int, int]] = {}
    for item in decisions:
        if item.rate_daily_e8 is not None:
            paid, count = sums.get(item.grade, (0, 0))
            sums[item.grade] = (paid + item.rate_daily_e8, count + 1)
    return sums


def _price_gap(
    offers: Sequence[Decision], paid: Mapping[str | None, tuple[int, int]]
) -> int | None:
    """Return by how much offers are dearer than all of the same grades, ppm, rounded to zero."""
    if len(offers) < GROUP_CASES_MIN:
        return None
    own = sum(item.rate_daily_e8 or 0 for item in offers)
    usual = sum(paid[item.grade][0] // paid[item.grade][1] for item in offers)
    gap = (own - usual) * PPM
    return gap // usual if gap >= 0 else -(-gap // usual)
