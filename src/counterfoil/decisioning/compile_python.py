"""A policy as one plain Python function: the same decisions as the reference, in microseconds.

Method      The source is generated from the checked tree and kept beside the function; it can be
            read like any other. Its names are numbered, it has no builtins, and what it may call
            is listed in `python_text.FUNCTIONS` and here.
Equality    Every field of the decision, to the byte of its record (`gate.py` compares). Cases
            that a guard holds back are handed to the reference itself.
Integers    As `rule_types.py` has it: exact, within 64 bits at every step, division by an unknown
            or by zero unknown.
Speed       A rule whose values are all known costs one expression; the verdicts, the bins and
            the reasons are objects made once, at compilation.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from counterfoil.decisioning.decision import Asked, Candidate, Decision, Outcome
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import (
    OF_SEGMENT,
    OFFER_OUT_OF_RANGE,
    REASONS_COUNT_MAX,
    Policy,
)
from counterfoil.decisioning.policy_parts import NO_GUARDS, Action, Guards, Rule, Stage
from counterfoil.decisioning.python_card import levels, write_card
from counterfoil.decisioning.python_offer import Rates, Tenors
from counterfoil.decisioning.python_reasons import ask_for, fill, shortfall_codes
from counterfoil.decisioning.python_text import (
    FUNCTIONS,
    Lines,
    write_branches,
    write_value,
    write_verdict,
)
from counterfoil.decisioning.rule_types import ValueType

_Decide = Callable[[Mapping[str, Value | None], Asked, Guards], Decision]

#: What becomes of a case whose score is not known: it is rare, and no matter.
_TO_REFERENCE = "return reference(given, asked, guards)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """A policy with its generated function and the source of it."""

    policy: Policy
    source: str
    function: _Decide

    def decide(
        self, features: Mapping[str, Value | None], asked: Asked, guards: Guards = NO_GUARDS
    ) -> Decision:
        """Return what `Policy.decide` returns."""
        return self.function(features, asked, guards)


def compile_python(policy: Policy) -> CompiledPolicy:
    """Return the policy as one generated function."""
    writer = _Writer(policy)
    source = writer.written()
    names: dict[str, Any] = {"__builtins__": {}, **writer.names()}
    # The source is ours: literals by repr, numbered names, no text of the document.
    exec(compile(source, f"<policy {policy.hash[:12]}>", "exec"), names)  # noqa: S102
    return CompiledPolicy(policy=policy, source=source, function=names["decide"])


def compile_card(policy: Policy) -> Callable[[Mapping[str, Value | None]], tuple[int, Any]]:
    """Return a function from values to points and contributions, for cards that stand alone."""
    writer = _Writer(policy)
    out = writer.out
    out.add("def score(values):")
    out.level += 1
    for name in dict.fromkeys(item.feature for item in policy.scorecard.characteristics):
        out.add(f"{writer.local[name]} = values[{name!r}]")
    write_card(out, policy.scorecard, writer.local, when_unscored="return None, None")
    out.add("return points, contributions")
    names: dict[str, Any] = {"__builtins__": {}, **writer.names()}
    exec(compile("\n".join(out.lines), "<card>", "exec"), names)  # noqa: S102 - as above
    score: Callable[[Mapping[str, Value | None]], tuple[int, Any]] = names["score"]
    return score


class _Writer:
    """Writes the function part by part, in the order in which a case is decided."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.out = Lines()
        named = [item.name for item in policy.features]
        named += [item.name for item in policy.derived]
        self.local = {name: f"v{number}" for number, name in enumerate(named)}

    def names(self) -> dict[str, object]:
        """Return what the source refers to."""
        policy = self.policy
        grades, segments = policy.grades, policy.segments
        return {
            **FUNCTIONS,
            **self.out.names,
            "T": Verdict.TRUE,
            "F": Verdict.FALSE,
            "U": Verdict.UNKNOWN,
            "APPROVED": Outcome.APPROVED,
            "DECLINED": Outcome.DECLINED,
            "REFERRED": Outcome.REFERRED,
            "Decision": Decision,
            "Candidate": Candidate,
            "bisect": bisect_right,
            "reference": policy.decide,
            "count": len,
            "each": tuple,
            "ordered": sorted,
            "text": str,
            "I": int,
            "make": tuple.__new__,
            "fill": fill,
            "ask_for": ask_for,
            "tenors_of": Tenors([grade.tenor_months_max for grade in grades]),
            "SEGMENTS": tuple(item.code for item in segments),
            "GRADES": tuple(item.code for item in grades),
            "RATES": tuple(tuple(g.rate_of(s.code) for s in segments) for g in grades),
            "cheapest": min,
            "dearest": max,
            "rates_of": Rates(grades, [item.code for item in segments]),
            "GRID": self._grid(grown=False),
            "GROWN": self._grid(grown=True) if policy.growth else (),
            "SEGMENT_REASONS": tuple(item.reason for item in segments),
            "SEGMENT_CAPS": tuple(Candidate("segment", item.cap_minor) for item in segments),
            "CODES": shortfall_codes(policy.scorecard),
            "BOUND_REASONS": {
                **policy.bound_reasons,
                **{rule.code: rule.reason for rule in policy.rules},
            },
            "VALID": timedelta(days=policy.offer_valid_days),
            **levels(policy),
        }

    def written(self) -> str:
        """Return the source of the function."""
        out = self.out
        out.add(f"# Policy {self.policy.hash}, generated; the document is what counts.")
        out.add("def decide(given, asked, guards, T=T, F=F, U=U, I=I):")
        out.level += 1
        out.add("if guards.are_up:")
        out.add("    return reference(given, asked, guards)")
        self._write_snapshot()
        self._write_derived()
        self._write_segment()
        false = out.hold("false", dict.fromkeys((r.code for r in self.policy.rules), Verdict.FALSE))
        out.add(f"verdicts = {false}.copy()")
        out.add("declines = refers = asks = asking = flags = caps = ()")
        out.add("margin = 0")
        self._write_rules(Stage.ELIGIBILITY)
        self._write_declined()
        self._write_rules(Stage.RISK)
        write_card(out, self.policy.scorecard, self.local, when_unscored=_TO_REFERENCE)
        self._write_grade()
        self._write_bounds()
        self._write_conclusion()
        self._write_decision()
        return "\n".join(out.lines) + "\n"

    def _grid(self, *, grown: bool) -> tuple[tuple[Candidate, ...], ...]:
        return tuple(
            tuple(
                Candidate("grid", grade.limit_of(segment.code, grown=grown))
                for segment in self.policy.segments
            )
            for grade in self.policy.grades
        )

    # ------------------------------------------------------------------- what is known of a case

    def _write_snapshot(self) -> None:
        """Write one local for each feature, None for what is unusable, and the record of them."""
        out = self.out
        features = self.policy.features
        blank = out.hold("blank", {item.name: None for item in features})
        out.add(f"values = {blank}.copy()")
        out.add("values.update(given)")
        out.add("rejected = ()")
        out.add(f"if count(values) != {len(features)}:")
        out.add(f"    surplus = each(ordered(values.keys() - {blank}.keys()))")
        out.add("    for name in surplus:")
        out.add("        del values[name]")
        out.add("else:")
        out.add("    surplus = ()")
        out.add(f"{', '.join(self.local[item.name] for item in features)}, = values.values()")
        for feature in features:
            name = self.local[feature.name]
            admits = out.hold("admits", feature.admits)
            odd = f"{name} is not None and ({self._is_odd(feature)})"
            out.add(f"if {odd} and not {admits}({name}):")
            out.add(f"    {name} = values[{feature.name!r}] = None")
            out.add(f"    rejected += ({feature.name!r},)")
        out.add("if surplus:")
        out.add("    rejected += surplus")

    def _is_odd(self, feature: Feature) -> str:
        """Return a cheap test that lets every ordinary value pass, the rest for a closer look."""
        name = self.local[feature.name]
        match feature.type:
            case ValueType.INTEGER:
                low, high = feature.lowest, feature.highest
                return f"{name}.__class__ is not I or not {low} <= {name} <= {high}"
            case ValueType.TEXT:
                known = self.out.hold("S", frozenset(feature.values))
                return f"{name}.__class__ is not text or {name} not in {known}"
            case ValueType.BOOLEAN:
                return f"{name} is not True and {name} is not False"

    def _write_derived(self) -> None:
        for item in self.policy.derived:
            write_value(self.out, self.local[item.name], item.tree, self.local)

    def _write_segment(self) -> None:
        out = self.out
        levels = 0
        for number, segment in enumerate(self.policy.segments):
            if segment.when is None:
                out.add(f"segment = {number}")
                break
            write_verdict(out, "s", segment.when, self.local)
            out.add("if s is T:")
            out.add(f"    segment = {number}")
            out.add("else:")
            out.level += 1
            levels += 1
        out.level -= levels

    # ------------------------------------------------------------------------------------- rules

    def _of_stage(self, stage: Stage) -> list[tuple[int, Rule]]:
        return [(n, rule) for n, rule in enumerate(self.policy.rules) if rule.stage is stage]

    def _write_rules(self, stage: Stage) -> None:
        """Write each rule; what is false, as most are, changes nothing and costs one test."""
        out = self.out
        for _, rule in self._of_stage(stage):
            if rule.segments:
                codes = [segment.code for segment in self.policy.segments]
                wanted = out.hold("S", frozenset(map(codes.index, rule.segments)))
                out.add(f"if segment in {wanted}:")
                out.level += 1
            dated = self._dates(rule)
            if dated:
                out.add(f"if {dated}:")
                out.level += 1
            true = [f"verdicts[{rule.code!r}] = T", self._effect(rule, rule.action)]
            unknown = [f"verdicts[{rule.code!r}] = U", self._effect(rule, rule.on_unknown)]
            write_branches(out, rule.when, self.local, true, unknown)
            out.level -= bool(rule.segments) + bool(dated)

    def _dates(self, rule: Rule) -> str:
        """Return the test whether a rule is in effect; empty where it always is."""
        tests = []
        if rule.effective_from is not None:
            tests.append(f"asked.as_of >= {self.out.hold('day', rule.effective_from)}")
        if rule.effective_to is not None:
            tests.append(f"asked.as_of <= {self.out.hold('day', rule.effective_to)}")
        return " and ".join(tests)

    def _effect(self, rule: Rule, action: Action) -> str:
        match action:
            case Action.DECLINE:
                return f"declines += ({rule.reason!r},)"
            case Action.ASK:
                read = self.policy.sources_of(rule)
                return f"asks += ({rule.reason!r},); asking += {read!r}"
            case Action.REFER:
                return f"refers += ({rule.reason!r},)"
            case Action.CAP_LINE:
                cap = self.out.hold("cap", Candidate(rule.code, rule.cap_minor or 0))
                return f"caps += ({cap},)"
            case Action.ADD_MARGIN:
                return f"margin = greatest(margin, {rule.margin_daily_e8})"
            case Action.FLAG:
                return f"flags += ({rule.code!r},)"
            case Action.IGNORE:
                return "pass"

    def _write_declined(self) -> None:
        out = self.out
        early = [rule.code for _, rule in self._of_stage(Stage.ELIGIBILITY)]
        out.add("if declines:")
        if len(early) < len(self.policy.rules):
            out.add(f"    verdicts = {{code: verdicts[code] for code in {out.hold('E', early)}}}")
        out.add(f"    reasons = fill((), declines, (), CODES, {REASONS_COUNT_MAX})")
        parts = {
            "outcome": "DECLINED",
            "reasons": "reasons",
            "verdicts": "verdicts",
        }
        out.add(f"    return {self._made(parts)}")

    def _made(self, parts: Mapping[str, str]) -> str:
        """Return the making of a decision: one tuple, its fields in their order."""
        known = {
            "policy_hash": repr(self.policy.hash),
            "policy_version": repr(self.policy.version),
            "asked": "asked",
            "features": "values",
            "rejected": "rejected",
            "segment": "SEGMENTS[segment]",
            "guards": "guards",
            "limit_minor": "0",
            **dict.fromkeys(("contributions", "candidates", "tenors_months"), "()"),
            **dict.fromkeys(("flags", "guarded", "asks", "rates_daily_e8"), "()"),
            **parts,
        }
        fields = ", ".join(known.get(name, "None") for name in Decision._fields)
        return f"make(Decision, ({fields}))"

    # ------------------------------------------------------------------------ points and amounts

    def _write_grade(self) -> None:
        out = self.out
        *others, _ = self.policy.grades
        if self.policy.scorecard.model is None:
            tests = "".join(
                f"{number} if points >= {grade.points_min} else "
                for number, grade in enumerate(others)
            )
            out.add(f"grade = {tests}{len(others)}")
        else:
            out.add("level = bisect(LEVELS, points)")
            out.add("grade = GRADE_OF_LEVEL[level]")
        if self.policy.growth is None:
            out.add("grown = None")
            out.add("bound = grid = GRID[grade][segment]")
            return
        write_verdict(out, "s", self.policy.growth.when, self.local)
        out.add("grown = s is T")
        out.add("bound = grid = (GROWN if grown else GRID)[grade][segment]")

    def _write_bounds(self) -> None:
        out = self.out
        capacity = self.policy.capacity
        income, debt = self.local[capacity.income_feature], self.local[capacity.debt_feature]
        out.add("candidates = (grid, SEGMENT_CAPS[segment], *caps)")
        out.add(f"if {income} is not None and {debt} is not None:")
        out.add(f"    free = {income} * {capacity.share_percent} // 100 - {debt}")
        carried = f"free * {capacity.months} if free > 0 else 0"
        out.add(f"    candidates += (make(Candidate, ('capacity', {carried})),)")
        out.add("candidates += (make(Candidate, ('product', asked.limit_max_minor)),)")
        out.add("if asked.requested_minor is not None:")
        out.add("    candidates += (make(Candidate, ('asked', asked.requested_minor)),)")
        out.add("least_minor = bound[1]")
        out.add("for candidate in candidates:")
        out.add("    if candidate[1] < least_minor:")
        out.add("        bound = candidate")
        out.add("        least_minor = candidate[1]")
        out.add("limit_minor = least_minor - least_minor % asked.limit_step_minor")
        out.add("if limit_minor < asked.limit_min_minor:")
        out.add("    limit_minor = 0")
        out.add("tenors = tenors_of(grade, asked.tenors_months)")
        if self.policy.prices_tenors:
            out.add("rates = rates_of(grade, segment, tenors, margin)")
            out.add("rate = dearest(rates) if rates else RATES[grade][segment] + margin")
            out.add("fits = rates != () and asked.rate_daily_min_e8 <= cheapest(rates)")
            out.add("fits = fits and rate <= asked.rate_daily_max_e8")
        else:
            out.add("rate = RATES[grade][segment] + margin")
            out.add(
                "fits = asked.rate_daily_min_e8 <= rate <= asked.rate_daily_max_e8 and tenors != ()"
            )

    def _write_conclusion(self) -> None:
        out = self.out
        most = REASONS_COUNT_MAX
        keys = ", ".join(f"k{n}" for n in range(len(self.policy.scorecard.characteristics)))
        offer = self.policy.bound_reasons["offer"]
        out.add("if declines:")
        out.add(f"    outcome, reasons = DECLINED, fill((), declines, (), CODES, {most})")
        out.add("elif not limit_minor or not fits:")
        out.add("    outcome, lead = DECLINED, (BOUND_REASONS[bound[0]],)")
        out.add("    if limit_minor:")
        out.add(f"        lead = ({offer!r},)")
        out.add("    elif bound[0] == 'grid':")
        out.add("        lead = ()")
        out.add(f"    reasons = fill(lead, (), ({keys},), CODES, {most})")
        out.add("    if not reasons:")
        out.add("        reasons = (BOUND_REASONS[bound[0]],)")
        out.add("elif asks or refers:")
        out.add(f"    outcome, reasons = REFERRED, fill((), asks + refers, (), CODES, {most})")
        out.add("else:")
        out.add("    lead = BOUND_REASONS[bound[0]]")
        if any(segment.reason for segment in self.policy.segments):
            out.add(f"    if bound[0] in {out.hold('own', OF_SEGMENT)}:")
            out.add("        lead = SEGMENT_REASONS[segment] or lead")
        out.add(f"    outcome, reasons = APPROVED, fill((lead,), (), ({keys},), CODES, {most})")

    def _write_decision(self) -> None:
        out = self.out
        scored = {
            "outcome": "outcome",
            "verdicts": "verdicts",
            "points": "points",
            "contributions": "contributions",
            "grade": "GRADES[grade]",
            "candidates": "candidates",
            "binding": "bound[0]",
            "reasons": "reasons",
            "flags": "flags",
            "grown": "grown",
        }
        if self.policy.scorecard.model is not None:
            scored["pd_ppm"] = "PD_OF_LEVEL[level]"
        offered = scored | {
            "limit_minor": "limit_minor",
            "rate_daily_e8": "rate",
            "tenors_months": "tenors",
            "valid_until": "asked.as_of + VALID",
            "asks": "ask_for(asking, values) if asks and outcome is REFERRED else ()",
        }
        if self.policy.prices_tenors:
            offered["rates_daily_e8"] = "rates"
        out.add("if outcome is DECLINED:")
        out.add("    if not fits:")
        out.add(f"        flags += ({OFFER_OUT_OF_RANGE!r},)")
        out.add(f"    return {self._made(scored)}")
        out.add(f"return {self._made(offered)}")
