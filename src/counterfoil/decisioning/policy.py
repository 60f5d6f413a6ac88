"""A policy: eligibility, rules, points, limit and price, decided in one pure pass.

Order       Eligibility rules come first, all of them; a case that fails there is declined
            without being scored. Then every other rule is judged (no short circuit), so that
            the record shows what each one said.
Precedence  Decline over ask over refer over cap and margin; within declines law, fraud, risk,
            product. The order of the rules in the document never matters.
Unknown     Each rule says what unknown does. Nothing is approved because nothing was known: a case
            whose model needs what is not known has no score, no grade and no offer, and goes to a
            person unless a rule declines it.
Guards      An action cap that has tripped turns declines into referrals, a snooze suppresses a
            rule for a customer. Neither holds back a rule of law, and neither hides a verdict.
Range       A price or tenors outside the product's are no offer but a decline: nothing is clipped,
            and nobody can approve it.
Rounding    A limit is rounded down to the product's step; below the product's minimum there is
            no limit but a decline.
Speed       This is the reference, made of nested functions. `compile_python.py` and
            `compile_polars.py` give the same decisions faster, and the gate holds them to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from counterfoil.decisioning.customer_words import HOUSE_REASONS
from counterfoil.decisioning.decision import Asked, Candidate, Decision, Outcome
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value, features_read
from counterfoil.decisioning.feature import Feature, Snapshot, take_snapshot
from counterfoil.decisioning.policy_parts import (
    NO_GUARDS,
    WHOLE_POLICY,
    Action,
    ActionCap,
    Capacity,
    Derived,
    Grade,
    Growth,
    Guards,
    Reason,
    Rule,
    RuleTest,
    Segment,
    Stage,
    Tolerances,
)
from counterfoil.decisioning.scorecard import Contribution, Scorecard

#: More reasons than four are "not likely to be helpful" (12 CFR 1002, comment 9(b)(2)).
REASONS_COUNT_MAX = 4

#: Flag of a case whose price or tenors the product does not allow: declined, never clipped.
OFFER_OUT_OF_RANGE = "offer_out_of_range"

#: Flag of a case whose score is not known because the model needs something that is not.
SCORE_UNKNOWN = "score_unknown"

#: Bounds that are a segment's own: its row of the matrix and its cap.
OF_SEGMENT = ("grid", "segment")

#: Prefixes of what the guards did.
CAPPED, SNOOZED = "cap:", "snooze:"


class Judged:
    """What the rules judged so far said, and what follows from it, by precedence."""

    __slots__ = ("acting", "guarded", "guards", "on", "segment", "values", "verdicts")

    def __init__(
        self, values: Mapping[str, Value | None], segment: Segment, guards: Guards, on: date
    ) -> None:
        """Start with nothing judged."""
        self.on = on
        self.values = values
        self.segment = segment
        self.guards = guards
        self.verdicts: dict[str, Verdict] = {}
        self.acting: dict[Action, list[Rule]] = {action: [] for action in Action}
        self.guarded: list[str] = []

    def add(self, rule: Rule) -> None:
        """Judge a rule and note what follows."""
        verdict = Verdict.FALSE
        is_meant = not rule.segments or self.segment.code in rule.segments
        if is_meant and rule.is_effective(self.on):
            verdict = rule.judge(self.values)
        self.verdicts[rule.code] = verdict
        if verdict is not Verdict.FALSE:
            self.acting[self._held_back(rule, rule.action_on(verdict))].append(rule)

    def _held_back(self, rule: Rule, action: Action) -> Action:
        guards = self.guards
        if action is Action.IGNORE or rule.is_exempt or not guards.are_up:
            return action
        if rule.code in guards.snoozed:
            self.guarded.append(SNOOZED + rule.code)
            return Action.IGNORE
        if action is Action.DECLINE and guards.tripped & {rule.code, WHOLE_POLICY}:
            self.guarded.append(CAPPED + rule.code)
            return Action.REFER
        return action


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of a policy; made by `document.py` and never changed."""

    code: str
    version: str
    #: SHA-256 of the canonical document, in hexadecimal: the identity of the version.
    hash: str
    #: The canonical document itself.
    canonical: bytes
    currency: str
    #: What it decides: `origination`, `limit_increase` or `review`.
    purpose: str
    offer_valid_days: int
    #: The yearly cap that no price may pass.
    rate_annual_max_e8: int
    features: tuple[Feature, ...]
    #: In an order in which each reads only what stands before it.
    derived: tuple[Derived, ...]
    segments: tuple[Segment, ...]
    #: By precedence: class, then code.
    rules: tuple[Rule, ...]
    scorecard: Scorecard
    #: Best first.
    grades: tuple[Grade, ...]
    growth: Growth | None
    capacity: Capacity
    #: Reason code by bound: `grid`, `segment`, `capacity`, `product`, `asked`, and `offer` for a
    #: price or tenor that the product does not allow.
    bound_reasons: Mapping[str, str]
    reasons: Mapping[str, Reason]
    action_cap: ActionCap | None
    #: The longest that a rule may be suppressed for a customer; None where none may.
    snooze_days_max: int | None
    #: What the author says that rules have to say; the gate holds them to it.
    tests: tuple[RuleTest, ...]
    tolerances: Tolerances
    #: Rules of eligibility that say whom the product is for, each with why that may lawfully depend
    #: on a trait: people whom they end are not compared with others by the gate.
    set_aside: Mapping[str, str]

    def decide(
        self, features: Mapping[str, Value | None], asked: Asked, guards: Guards = NO_GUARDS
    ) -> Decision:
        """Return the decision on a case; pure, and the same for ever."""
        assert asked.currency == self.currency, "amounts of two currencies are not compared"
        snapshot = take_snapshot(self.features, features)
        values = self._with_derived(snapshot)
        judged = Judged(values, self.segment_of(values), guards, asked.as_of)
        self._judge(Stage.ELIGIBILITY, judged)
        if judged.acting[Action.DECLINE]:
            return self._declined(asked, snapshot, judged)
        self._judge(Stage.RISK, judged)
        return self._scored(asked, snapshot, judged)

    @property
    def model_sha256(self) -> str:
        """Return the hash of the model's file; the version's own where it carries its card."""
        model = self.scorecard.model
        return self.hash if model is None else model.sha256

    @property
    def prices_tenors(self) -> bool:
        """Tell whether some tenor has a price of its own."""
        return any(grade.tenors_priced for grade in self.grades)

    def explain(self, codes: tuple[str, ...], language: str) -> tuple[str, ...]:
        """Return what a customer is told for reason codes: `zh` or `en`.

        Reasons that hold over every policy have words of the house.
        """
        return tuple(self._words(code, language) for code in codes)

    def _words(self, code: str, language: str) -> str:
        own = self.reasons.get(code)
        if own is None:
            text = HOUSE_REASONS[code]
            return text.zh if language == "zh" else text.en
        return own.text_zh if language == "zh" else own.text_en

    def verdict_of(self, test: RuleTest) -> Verdict:
        """Return what a rule says of the case of a test, whatever the date."""
        rule = next(rule for rule in self.rules if rule.code == test.rule)
        values = self._with_derived(take_snapshot(self.features, test.given))
        if rule.segments and self.segment_of(values).code not in rule.segments:
            return Verdict.FALSE
        return rule.judge(values)

    def _with_derived(self, snapshot: Snapshot) -> dict[str, Value | None]:
        if not self.derived:
            return snapshot.values
        values = dict(snapshot.values)
        for item in self.derived:
            values[item.name] = item.compute(values)
        return values

    def segment_of(self, values: Mapping[str, Value | None]) -> Segment:
        """Return the first segment whose condition is true; the last takes everybody else."""
        return next(
            item
            for item in self.segments
            if item.judge is None or item.judge(values) is Verdict.TRUE
        )

    def _judge(self, stage: Stage, judged: Judged) -> None:
        for rule in self.rules:
            if rule.stage is stage:
                judged.add(rule)

    def _scored(self, asked: Asked, snapshot: Snapshot, judged: Judged) -> Decision:
        contributions = self.scorecard.contributions(judged.values)
        points = self.scorecard.score(contributions)
        if points is None:
            return self._without_score(asked, snapshot, judged, contributions)
        grade = self.grade_of(points)
        grown = None if self.growth is None else self.growth.judge(judged.values) is Verdict.TRUE
        candidates = self._candidates(asked, judged, grade=grade, grown=grown)
        tenors, margin, code = _tenors(grade, asked), _margin(judged), judged.segment.code
        rate_daily_e8 = grade.dearest(code, tenors) + margin
        rates = tuple(rate + margin for rate in grade.rates_of(code, tenors))
        offer_fits = _fits(rates, asked)
        bound = min(candidates, key=lambda item: item.limit_minor)
        limit_minor = bound.limit_minor - bound.limit_minor % asked.limit_step_minor
        if limit_minor < asked.limit_min_minor:
            limit_minor = 0
        outcome, reasons = self._conclude(
            judged, contributions, bound, limit_minor=limit_minor, offer_fits=offer_fits
        )
        offered = outcome is not Outcome.DECLINED and limit_minor > 0 and offer_fits
        return Decision(
            policy_hash=self.hash,
            policy_version=self.version,
            asked=asked,
            features=snapshot.values,
            rejected=snapshot.rejected,
            outcome=outcome,
            verdicts=judged.verdicts,
            segment=judged.segment.code,
            points=points,
            contributions=contributions,
            grade=grade.code,
            candidates=candidates,
            binding=bound.name,
            limit_minor=limit_minor if offered else 0,
            rate_daily_e8=rate_daily_e8 if offered else None,
            tenors_months=tenors if offered else (),
            reasons=reasons,
            flags=_flags(judged, offer_fits=offer_fits),
            valid_until=asked.as_of + timedelta(days=self.offer_valid_days) if offered else None,
            guards=judged.guards,
            guarded=tuple(judged.guarded),
            asks=self._asks(judged) if outcome is Outcome.REFERRED else (),
            grown=grown,
            pd_ppm=None if self.scorecard.model is None else self.scorecard.model.pd_of(points),
            rates_daily_e8=rates if offered and self.prices_tenors else (),
        )

    def grade_of(self, points: int) -> Grade:
        """Return the grade of a score: by points, or by what the model says that it means."""
        model = self.scorecard.model
        if model is None:
            return next(
                item
                for item in self.grades
                if item.points_min is not None and points >= item.points_min
            )
        pd_ppm = model.pd_of(points)
        return next(
            item
            for item in self.grades
            if item.pd_ppm_max is not None and pd_ppm <= item.pd_ppm_max
        )

    def _without_score(
        self,
        asked: Asked,
        snapshot: Snapshot,
        judged: Judged,
        contributions: tuple[Contribution, ...],
    ) -> Decision:
        """Decide where the score is not known: rules may decline, nothing else is offered."""
        declines = judged.acting[Action.DECLINE]
        waiting = judged.acting[Action.ASK] + judged.acting[Action.REFER]
        codes = [rule.reason for rule in declines or waiting]
        if not declines:
            codes += self.scorecard.missing(contributions)
        return self._declined(asked, snapshot, judged)._replace(
            outcome=Outcome.DECLINED if declines else Outcome.REFERRED,
            contributions=contributions,
            reasons=_first_codes(codes),
            flags=(*_flags(judged, offer_fits=True), SCORE_UNKNOWN),
            asks=() if declines else self._asks(judged),
        )

    def _declined(self, asked: Asked, snapshot: Snapshot, judged: Judged) -> Decision:
        return Decision(
            policy_hash=self.hash,
            policy_version=self.version,
            asked=asked,
            features=snapshot.values,
            rejected=snapshot.rejected,
            outcome=Outcome.DECLINED,
            verdicts=judged.verdicts,
            segment=judged.segment.code,
            points=None,
            contributions=(),
            grade=None,
            candidates=(),
            binding=None,
            limit_minor=0,
            rate_daily_e8=None,
            tenors_months=(),
            reasons=_first_codes(rule.reason for rule in judged.acting[Action.DECLINE]),
            flags=(),
            valid_until=None,
            guards=judged.guards,
            guarded=tuple(judged.guarded),
        )

    def _candidates(
        self, asked: Asked, judged: Judged, *, grade: Grade, grown: bool | None
    ) -> tuple[Candidate, ...]:
        """Return every bound on the limit; at a tie the first named here binds."""
        segment = judged.segment
        bounds = [
            ("grid", grade.limit_of(segment.code, grown=bool(grown))),
            ("segment", segment.cap_minor),
            *((rule.code, rule.cap_minor) for rule in judged.acting[Action.CAP_LINE]),
            ("capacity", self._capacity_minor(judged.values)),
            ("product", asked.limit_max_minor),
            ("asked", asked.requested_minor),
        ]
        return tuple(
            Candidate(name=name, limit_minor=minor) for name, minor in bounds if minor is not None
        )

    def _capacity_minor(self, values: Mapping[str, Value | None]) -> int | None:
        """Return what the income carries; None while income or repayments are not known."""
        income = values[self.capacity.income_feature]
        debt = values[self.capacity.debt_feature]
        if income is None or debt is None:
            return None
        assert isinstance(income, int), "the document's check saw to it"
        assert isinstance(debt, int), "the document's check saw to it"
        # Whole percent of the income, rounded down: a bound never rounds up.
        free_minor = income * self.capacity.share_percent // 100 - debt
        return max(free_minor, 0) * self.capacity.months

    def _conclude(
        self,
        judged: Judged,
        contributions: tuple[Contribution, ...],
        bound: Candidate,
        *,
        limit_minor: int,
        offer_fits: bool,
    ) -> tuple[Outcome, tuple[str, ...]]:
        declines = judged.acting[Action.DECLINE]
        if declines:
            return Outcome.DECLINED, _first_codes(rule.reason for rule in declines)
        shortfalls = self.scorecard.shortfalls(contributions)
        bound_reason = self._bound_reason(bound)
        if limit_minor == 0:
            by_score = bound.name == "grid"
            codes = shortfalls if by_score and shortfalls else (bound_reason, *shortfalls)
            return _without_offer(judged), _first_codes(codes)
        if not offer_fits:
            codes = (self.bound_reasons["offer"], *shortfalls)
            return _without_offer(judged), _first_codes(codes)
        waiting = judged.acting[Action.ASK] + judged.acting[Action.REFER]
        if waiting:
            return Outcome.REFERRED, _first_codes(rule.reason for rule in waiting)
        own = judged.segment.reason if bound.name in OF_SEGMENT else None
        return Outcome.APPROVED, _first_codes((own or bound_reason, *shortfalls))

    def _asks(self, judged: Judged) -> tuple[str, ...]:
        """Return what to ask for: the unknown among what asking rules read, else all of it."""
        names = dict.fromkeys(
            name for rule in judged.acting[Action.ASK] for name in self.sources_of(rule)
        )
        missing = tuple(name for name in names if judged.values[name] is None)
        return missing or tuple(names)

    def sources_of(self, rule: Rule) -> tuple[str, ...]:
        """Return the declared features that a rule reads, by way of derived ones as well."""
        return tuple(dict.fromkeys(self._sources(features_read(rule.when))))

    def _sources(self, names: Iterable[str]) -> Iterable[str]:
        derived = {item.name: item for item in self.derived}
        for name in names:
            if name in derived:
                yield from self._sources(features_read(derived[name].tree))
            else:
                yield name

    def _bound_reason(self, bound: Candidate) -> str:
        for rule in self.rules:
            if rule.code == bound.name:
                return rule.reason
        return self.bound_reasons[bound.name]


def _without_offer(judged: Judged) -> Outcome:
    """Return how a case ends that gets no limit or no price: a tripped cap sends it to a person."""
    if WHOLE_POLICY in judged.guards.tripped:
        judged.guarded.append(CAPPED + WHOLE_POLICY)
        return Outcome.REFERRED
    return Outcome.DECLINED


def _margin(judged: Judged) -> int:
    """Return what acting rules add to the price: the greatest margin, they do not add up."""
    margins = (rule.margin_daily_e8 or 0 for rule in judged.acting[Action.ADD_MARGIN])
    return max(margins, default=0)


def _flags(judged: Judged, *, offer_fits: bool) -> tuple[str, ...]:
    flags = tuple(rule.code for rule in judged.acting[Action.FLAG])
    return flags if offer_fits else (*flags, OFFER_OUT_OF_RANGE)


def _fits(rates: tuple[int, ...], asked: Asked) -> bool:
    """Tell whether the product allows at least one of the grade's tenors, and all their prices."""
    low, high = asked.rate_daily_min_e8, asked.rate_daily_max_e8
    return bool(rates) and low <= min(rates) and max(rates) <= high


def _tenors(grade: Grade, asked: Asked) -> tuple[int, ...]:
    return tuple(months for months in asked.tenors_months if months <= grade.tenor_months_max)


def _first_codes(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))[:REASONS_COUNT_MAX]
