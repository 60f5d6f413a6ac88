"""A review in one pure pass: every rule is judged, then one measure follows, or none.

Precedence  Suspend, freeze, lower, a referral, the way back, nothing, an offer: the first that has
            an effect is the measure, and there is at most one. A proposal to close stands beside.
Below       A rule never lowers below what is used and held, nor below the product's minimum; what
            is left is rounded up to the product's step. An offer is rounded down to it.
Way back    A suspension is lifted by a rule of its own, and only where no rule suspends and it has
            stood for long enough. After a measure an offer waits for clean statements as well. So
            a line does not swing.
Guards      Where a cap has tripped, a measure against the customer becomes a referral; a snoozed
            rule is judged and suppressed. Neither holds back a rule of law.
Person      Of a customer who wants no decision by machine alone no rule lowers the limit: a person
            decides, law and fraud aside. A stop that protects holds at once, and a person looks.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from counterfoil.decisioning.decision import Candidate
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Snapshot, take_snapshot
from counterfoil.decisioning.line_review.policy import (
    ADVERSE,
    Measure,
    ReviewPolicy,
    ReviewRule,
)
from counterfoil.decisioning.line_review.review import Review, ReviewedLine, ReviewOutcome
from counterfoil.decisioning.policy import CAPPED, REASONS_COUNT_MAX, SNOOZED
from counterfoil.decisioning.policy_parts import NO_GUARDS, WHOLE_POLICY, Guards, RuleClass

_WHOLE_PERCENT = 100
#: Before the code of a rule that went to a person because the customer wants one.
WISHED = "wish:"
_LOWERING = frozenset({Measure.LOWER, Measure.LOWER_TO_USED})
_STOPS = frozenset({ReviewOutcome.FROZEN, ReviewOutcome.SUSPENDED})
CLOSE, LOOK = "close", "look"


def review(
    policy: ReviewPolicy,
    asked: ReviewedLine,
    features: Mapping[str, Value | None],
    guards: Guards = NO_GUARDS,
) -> Review:
    """Return what a policy makes of a line; pure, and the same for ever."""
    assert asked.currency == policy.currency, "amounts of two currencies are not compared"
    snapshot = take_snapshot(policy.features, features)
    values = dict(snapshot.values)
    for item in policy.derived:
        values[item.name] = item.compute(values)
    desk = _Desk(policy, asked, snapshot, guards)
    for rule in policy.rules:
        desk.judge(rule, values)
    return desk.concluded()


class _Desk:
    """What the rules said of one line, and what follows."""

    def __init__(
        self, policy: ReviewPolicy, asked: ReviewedLine, snapshot: Snapshot, guards: Guards
    ) -> None:
        self._policy = policy
        self._asked = asked
        self._snapshot = snapshot
        self._guards = guards
        self._verdicts: dict[str, Verdict] = {}
        self._acting: dict[Measure, list[ReviewRule]] = {measure: [] for measure in Measure}
        self._guarded: list[str] = []

    def judge(self, rule: ReviewRule, values: Mapping[str, Value | None]) -> None:
        """Judge a rule and note what follows."""
        verdict = rule.judge(values)
        self._verdicts[rule.code] = verdict
        if verdict is not Verdict.FALSE:
            measure = self._held_back(rule, rule.measure_on(verdict))
            self._acting[measure].append(rule)

    def concluded(self) -> Review:
        """Return the review: the first way that has an effect."""
        ways: tuple[Callable[[], Review | None], ...] = (
            self._suspended,
            self._frozen,
            self._lowered,
            self._referred,
            self._reinstated,
            self._offered,
        )
        for way in ways:
            if (found := way()) is not None:
                return found
        return self._unchanged()

    def _held_back(self, rule: ReviewRule, measure: Measure) -> Measure:
        guards = self._guards
        if measure is Measure.IGNORE or rule.is_exempt:
            return measure
        if rule.code in guards.snoozed:
            self._guarded.append(SNOOZED + rule.code)
            return Measure.IGNORE
        if measure in ADVERSE and guards.tripped & {rule.code, WHOLE_POLICY}:
            self._guarded.append(CAPPED + rule.code)
            return Measure.REFER
        is_fraud = rule.rule_class is RuleClass.FRAUD
        if self._asked.person_decides and measure in _LOWERING and not is_fraud:
            self._guarded.append(WISHED + rule.code)
            return Measure.REFER
        return measure

    def _suspended(self) -> Review | None:
        rules = self._acting[Measure.SUSPEND]
        asked = self._asked
        # A freeze without an end stops drawing already, and only a person lifts it.
        is_stopped = asked.status == "frozen" and asked.frozen_until is None
        if not rules or asked.status == "suspended" or is_stopped:
            return None
        return self._answer(ReviewOutcome.SUSPENDED, rules, effective_on=asked.as_of)

    def _frozen(self) -> Review | None:
        rules, asked = self._acting[Measure.FREEZE], self._asked
        if not rules or asked.status == "suspended":
            return None
        days = max(rule.days or 0 for rule in rules)
        ends_on = asked.as_of + timedelta(days=days - 1)
        if asked.status == "frozen":
            is_longer = asked.frozen_until is None or asked.frozen_until >= ends_on
            if asked.is_frozen_by_measure or is_longer:
                return None
        return self._answer(ReviewOutcome.FROZEN, rules, effective_on=asked.as_of, ends_on=ends_on)

    def _lowered(self) -> Review | None:
        asked = self._asked
        rules = self._acting[Measure.LOWER_TO_USED] + self._acting[Measure.LOWER]
        targets = {rule.code: self._target(rule) for rule in rules}
        to_minor = min(targets.values(), default=asked.limit_minor)
        if to_minor >= asked.limit_minor:
            return None
        acting = [rule for rule in rules if targets[rule.code] == to_minor]
        is_fraud = any(rule.rule_class is RuleClass.FRAUD for rule in acting)
        days = 0 if is_fraud else self._policy.notice_days
        return self._answer(
            ReviewOutcome.LOWERED,
            acting,
            to_minor=to_minor,
            effective_on=asked.as_of + timedelta(days=days),
        )

    def _target(self, rule: ReviewRule) -> int:
        """Return the limit that a rule lowers to: not below what is used, nor the minimum."""
        asked, step = self._asked, self._asked.limit_step_minor
        wanted = 0
        if rule.percent is not None:
            wanted = asked.limit_minor * (_WHOLE_PERCENT - rule.percent) // _WHOLE_PERCENT
        elif rule.cells is not None:
            below = [cell for cell in self._policy.ladder_minor if cell < asked.limit_minor]
            wanted = below[-rule.cells] if len(below) >= rule.cells else 0
        wanted -= wanted % step
        used = -(-asked.used_minor // step) * step
        return max(wanted, used, asked.limit_min_minor)

    def _referred(self) -> Review | None:
        closes, rules = self._acting[Measure.PROPOSE_CLOSE], self._acting[Measure.REFER]
        if not closes and not rules:
            return None
        return self._answer(ReviewOutcome.REFERRED, closes + rules)

    def _reinstated(self) -> Review | None:
        rules, asked = self._acting[Measure.REINSTATE], self._asked
        since = asked.days_suspended
        if not rules or asked.status != "suspended" or self._acting[Measure.SUSPEND]:
            return None
        # What a person suspended a person lifts.
        if asked.is_suspended_by_person:
            return None
        if since is not None and since < self._policy.way_back.reinstate_days_min:
            return None
        return self._answer(ReviewOutcome.REINSTATED, rules, effective_on=asked.as_of)

    def _offered(self) -> Review | None:
        rules, asked = self._acting[Measure.OFFER_RAISE], self._asked
        speaks_against = any(self._acting[measure] for measure in ADVERSE)
        if not rules or self._acting[Measure.EXCLUDE] or speaks_against:
            return None
        if asked.status != "active":
            return None
        bounds = self._bounds()
        bound = min(bounds, key=lambda item: item.limit_minor)
        to_minor = bound.limit_minor - bound.limit_minor % asked.limit_step_minor
        reason = self._policy.bound_reasons[bound.name]
        if to_minor <= asked.limit_minor:
            return self._answer(
                ReviewOutcome.UNCHANGED,
                [],
                reasons=(reason,),
                candidates=bounds,
                binding=bound.name,
            )
        return self._answer(
            ReviewOutcome.OFFERED,
            rules,
            to_minor=to_minor,
            candidates=bounds,
            binding=bound.name,
        )

    def _bounds(self) -> tuple[Candidate, ...]:
        """Return every bound on an offer; at a tie the first named here binds."""
        asked, terms, way = self._asked, self._policy.raise_terms, self._policy.way_back
        limit = asked.limit_minor
        above = [cell for cell in self._policy.ladder_minor if cell > limit]
        since = asked.days_since_measure
        is_early = since is not None and since < way.days_min
        is_unproven = since is not None and asked.clean_statements < way.statements_min
        found: list[tuple[str, int | None]] = [
            ("wait", limit if asked.days_since_change < terms.wait_days else None),
            ("per_year", limit if asked.raises_12_months >= terms.per_year_max else None),
            ("way_back", limit if is_early or is_unproven else None),
            ("step", limit * (_WHOLE_PERCENT + terms.step_percent_max) // _WHOLE_PERCENT),
            ("ladder", above[min(terms.cells_max, len(above)) - 1] if above else limit),
            ("total_cap", terms.total_cap_minor),
            ("product", asked.limit_max_minor),
            ("licence", asked.licence_cap_minor),
        ]
        return tuple(Candidate(name=name, limit_minor=m) for name, m in found if m is not None)

    def _unchanged(self) -> Review:
        return self._answer(ReviewOutcome.UNCHANGED, self._acting[Measure.EXCLUDE])

    def _answer(
        self,
        outcome: ReviewOutcome,
        rules: list[ReviewRule],
        *,
        to_minor: int | None = None,
        effective_on: date | None = None,
        ends_on: date | None = None,
        candidates: tuple[Candidate, ...] = (),
        binding: str | None = None,
        reasons: tuple[str, ...] = (),
    ) -> Review:
        told = dict.fromkeys((*reasons, *(rule.reason for rule in rules)))
        closes = bool(self._acting[Measure.PROPOSE_CLOSE])
        proposals = [CLOSE] if closes else []
        is_left = outcome is ReviewOutcome.REFERRED and self._acting[Measure.REFER]
        if is_left or (self._asked.person_decides and outcome in _STOPS):
            proposals.append(LOOK)
        return Review(
            policy_hash=self._policy.hash,
            policy_version=self._policy.version,
            asked=self._asked,
            features=self._snapshot.values,
            rejected=self._snapshot.rejected,
            outcome=outcome,
            verdicts=self._verdicts,
            acted=tuple(rule.code for rule in rules),
            to_minor=to_minor,
            effective_on=effective_on,
            ends_on=ends_on,
            candidates=candidates,
            binding=binding,
            reasons=tuple(told)[:REASONS_COUNT_MAX],
            flags=tuple(rule.code for rule in self._acting[Measure.FLAG]),
            proposals=tuple(proposals),
            guards=self._guards,
            guarded=tuple(self._guarded),
        )
