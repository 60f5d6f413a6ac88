"""A policy: eligibility, rules, points, limit and price, decided in one pure pass.

Order       Eligibility rules come first, all of them; a case that fails there is declined
            without being scored. Then every other rule is judged (no short circuit), so that
            the record shows what each one said.
Precedence  Decline over refer over cap; within declines law, fraud, risk, product. The order
            of the rules in the document never matters.
Unknown     Each rule says what unknown does. Nothing is approved because nothing was known.
Range       A price or tenors outside the product's are no offer but a decline: nothing is clipped,
            and nobody can approve it.
Rounding    A limit is rounded down to the product's step; below the product's minimum there is
            no limit but a decline.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from counterfoil.decisioning.decision import Asked, Candidate, Decision, Outcome
from counterfoil.decisioning.evaluate import Features, Verdict
from counterfoil.decisioning.expression import Node, Value
from counterfoil.decisioning.feature import Feature, Snapshot, take_snapshot
from counterfoil.decisioning.scorecard import Contribution, Scorecard

#: More reasons than four are "not likely to be helpful" (12 CFR 1002, comment 9(b)(2)).
REASONS_COUNT_MAX = 4

#: Flag of a case whose price or tenors the product does not allow: declined, never clipped.
OFFER_OUT_OF_RANGE = "offer_out_of_range"


class Stage(StrEnum):
    """When a rule is judged."""

    ELIGIBILITY = "eligibility"
    RISK = "risk"


class RuleClass(StrEnum):
    """What a rule protects, in order of precedence."""

    LAW = "law"
    FRAUD = "fraud"
    RISK = "risk"
    PRODUCT = "product"


class Action(StrEnum):
    """What follows from a rule; `ignore` only from a verdict of unknown."""

    DECLINE = "decline"
    REFER = "refer"
    CAP_LINE = "cap_line"
    FLAG = "flag"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the document."""

    code: str
    stage: Stage
    rule_class: RuleClass
    when: Node
    judge: Callable[[Features], Verdict]
    action: Action
    on_unknown: Action
    reason: str
    #: The most that a line may be when the rule caps it; None for other actions.
    cap_minor: int | None

    def action_on(self, verdict: Verdict) -> Action:
        """Return what a verdict leads to."""
        if verdict is Verdict.TRUE:
            return self.action
        return self.on_unknown if verdict is Verdict.UNKNOWN else Action.IGNORE


class Judged:
    """What the rules judged so far said, and what follows from it, by precedence."""

    __slots__ = ("acting", "verdicts")

    def __init__(self) -> None:
        """Start with nothing judged."""
        self.verdicts: dict[str, Verdict] = {}
        self.acting: dict[Action, list[Rule]] = {action: [] for action in Action}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A kind of customer with a row of its own in the limit matrix."""

    code: str
    name_en: str
    name_zh: str
    #: None for the last one, which takes whoever no other takes, unknown included.
    judge: Callable[[Features], Verdict] | None
    #: The most that a customer of the segment gets at first.
    cap_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A band of points with its limits, price and longest tenor."""

    code: str
    points_min: int
    rate_daily_e8: int
    tenor_months_max: int
    limits_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much a known income carries: (income x share - repayments) x months."""

    income_feature: str
    debt_feature: str
    share_percent: int
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a customer is told; it names the factor, never the threshold."""

    code: str
    text_en: str
    text_zh: str


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
    offer_valid_days: int
    features: tuple[Feature, ...]
    segments: tuple[Segment, ...]
    #: By precedence: class, then code.
    rules: tuple[Rule, ...]
    scorecard: Scorecard
    #: Best first.
    grades: tuple[Grade, ...]
    capacity: Capacity
    #: Reason code by bound: `grid`, `segment`, `capacity`, `product`, `asked`, and `offer` for a
    #: price or tenor that the product does not allow.
    bound_reasons: Mapping[str, str]
    reasons: Mapping[str, Reason]

    def decide(self, features: Mapping[str, Value | None], asked: Asked) -> Decision:
        """Return the decision on a case; pure, and the same for ever."""
        assert asked.currency == self.currency, "amounts of two currencies are not compared"
        snapshot = take_snapshot(self.features, features)
        judged = Judged()
        self._judge(Stage.ELIGIBILITY, snapshot, judged)
        if judged.acting[Action.DECLINE]:
            return self._declined(asked, snapshot, judged)
        self._judge(Stage.RISK, snapshot, judged)
        return self._scored(asked, snapshot, judged)

    def explain(self, codes: tuple[str, ...], language: str) -> tuple[str, ...]:
        """Return what a customer is told for reason codes: `zh` or `en`."""
        texts = (self.reasons[code] for code in codes)
        return tuple(text.text_zh if language == "zh" else text.text_en for text in texts)

    def _judge(self, stage: Stage, snapshot: Snapshot, judged: Judged) -> None:
        values, verdicts, acting = snapshot.values, judged.verdicts, judged.acting
        for rule in self.rules:
            if rule.stage is stage:
                verdict = verdicts[rule.code] = rule.judge(values)
                if verdict is not Verdict.FALSE:
                    acting[rule.action_on(verdict)].append(rule)

    def _scored(self, asked: Asked, snapshot: Snapshot, judged: Judged) -> Decision:
        contributions = self.scorecard.contributions(snapshot.values)
        points = self.scorecard.score(contributions)
        grade = next(grade for grade in self.grades if points >= grade.points_min)
        segment = self._segment(snapshot)
        candidates = self._candidates(asked, snapshot, judged, grade=grade, segment=segment)
        offer_fits = _fits(grade, asked)
        bound = min(candidates, key=lambda item: item.limit_minor)
        limit_minor = bound.limit_minor - bound.limit_minor % asked.limit_step_minor
        if limit_minor < asked.limit_min_minor:
            limit_minor = 0
        outcome, reasons = self._conclude(
            judged, contributions, bound, limit_minor=limit_minor, offer_fits=offer_fits
        )
        offered = outcome is not Outcome.DECLINED and limit_minor > 0
        return Decision(
            policy_hash=self.hash,
            policy_version=self.version,
            asked=asked,
            features=snapshot.values,
            rejected=snapshot.rejected,
            outcome=outcome,
            verdicts=judged.verdicts,
            segment=segment.code,
            points=points,
            contributions=contributions,
            grade=grade.code,
            candidates=candidates,
            binding=bound.name,
            limit_minor=limit_minor if offered else 0,
            rate_daily_e8=grade.rate_daily_e8 if offered else None,
            tenors_months=_tenors(grade, asked) if offered else (),
            reasons=reasons,
            flags=_flags(judged, offer_fits=offer_fits),
            valid_until=asked.as_of + timedelta(days=self.offer_valid_days) if offered else None,
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
            segment=self._segment(snapshot).code,
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
        )

    def _segment(self, snapshot: Snapshot) -> Segment:
        values = snapshot.values
        return next(
            item
            for item in self.segments
            if item.judge is None or item.judge(values) is Verdict.TRUE
        )

    def _candidates(
        self,
        asked: Asked,
        snapshot: Snapshot,
        judged: Judged,
        *,
        grade: Grade,
        segment: Segment,
    ) -> tuple[Candidate, ...]:
        """Return every bound on the limit; at a tie the first named here binds."""
        bounds = [
            ("grid", grade.limits_minor[segment.code]),
            ("segment", segment.cap_minor),
            *((rule.code, rule.cap_minor) for rule in judged.acting[Action.CAP_LINE]),
            ("capacity", self._capacity_minor(snapshot)),
            ("product", asked.limit_max_minor),
            ("asked", asked.requested_minor),
        ]
        return tuple(
            Candidate(name=name, limit_minor=minor) for name, minor in bounds if minor is not None
        )

    def _capacity_minor(self, snapshot: Snapshot) -> int | None:
        """Return what the income carries; None while income or repayments are not known."""
        income = snapshot.values[self.capacity.income_feature]
        debt = snapshot.values[self.capacity.debt_feature]
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
            return Outcome.DECLINED, _first_codes(codes)
        if not offer_fits:
            return Outcome.DECLINED, _first_codes((self.bound_reasons["offer"], *shortfalls))
        refers = judged.acting[Action.REFER]
        if refers:
            return Outcome.REFERRED, _first_codes(rule.reason for rule in refers)
        return Outcome.APPROVED, _first_codes((bound_reason, *shortfalls))

    def _bound_reason(self, bound: Candidate) -> str:
        for rule in self.rules:
            if rule.code == bound.name:
                return rule.reason
        return self.bound_reasons[bound.name]


def _flags(judged: Judged, *, offer_fits: bool) -> tuple[str, ...]:
    flags = tuple(rule.code for rule in judged.acting[Action.FLAG])
    return flags if offer_fits else (*flags, OFFER_OUT_OF_RANGE)


def _fits(grade: Grade, asked: Asked) -> bool:
    """Tell whether the product allows the grade's price and at least one of its tenors."""
    priced = asked.rate_daily_min_e8 <= grade.rate_daily_e8 <= asked.rate_daily_max_e8
    return priced and bool(_tenors(grade, asked))


def _tenors(grade: Grade, asked: Asked) -> tuple[int, ...]:
    return tuple(months for months in asked.tenors_months if months <= grade.tenor_months_max)


def _first_codes(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))[:REASONS_COUNT_MAX]
