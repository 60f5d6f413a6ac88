"""What a policy is made of: rules, segments, grades, bounds, reasons, and what guards them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from counterfoil.decisioning.evaluate import Features, Verdict
from counterfoil.decisioning.expression import Node, Value
from counterfoil.decisioning.rule_types import Shape


class Stage(StrEnum):
    """When a rule is judged: before anything is asked of others, or after."""

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
    #: Ask for what is missing; a person sees the case until it is there.
    ASK = "ask"
    REFER = "refer"
    CAP_LINE = "cap_line"
    ADD_MARGIN = "add_margin"
    FLAG = "flag"
    IGNORE = "ignore"


#: What a verdict of unknown may lead to.
ON_UNKNOWN = (Action.DECLINE, Action.REFER, Action.ASK, Action.IGNORE)


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
    #: What the rule adds to the price, 1e-8 a day; None for other actions.
    margin_daily_e8: int | None
    #: The segments it is for; empty for all. For everybody else it is false.
    segments: tuple[str, ...]
    #: The first and the last business date on which it is in effect; None where there is none.
    #: On every other date it is false.
    effective_from: date | None = None
    effective_to: date | None = None

    def action_on(self, verdict: Verdict) -> Action:
        """Return what a verdict leads to."""
        if verdict is Verdict.TRUE:
            return self.action
        return self.on_unknown if verdict is Verdict.UNKNOWN else Action.IGNORE

    def is_effective(self, on: date) -> bool:
        """Tell whether the rule is in effect on a business date."""
        begins, ends = self.effective_from, self.effective_to
        return (begins is None or begins <= on) and (ends is None or on <= ends)

    @property
    def is_exempt(self) -> bool:
        """Tell whether no guard may hold the rule back: what the law asks is done."""
        return self.rule_class is RuleClass.LAW


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A value computed from features, once for a case, under a name of its own."""

    name: str
    name_en: str
    name_zh: str
    unit: str
    tree: Node
    shape: Shape
    compute: Callable[[Features], Value | None]


class Protection(StrEnum):
    """What customers of a segment are offered beside credit; none of it changes limit or price."""

    #: Somebody calls back and goes through it with them before they decide.
    CALL_BACK = "call_back"
    #: Pages with one thing at a time.
    PLAIN_FLOW = "plain_flow"
    #: A small limit, what to know about it, and how it grows with repayment on time.
    STARTER_PATH = "starter_path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A kind of customer with a row of its own in the limit matrix."""

    code: str
    name_en: str
    name_zh: str
    #: None for the last one, which takes whoever no other takes, unknown included.
    when: Node | None
    judge: Callable[[Features], Verdict] | None
    #: The most that a customer of the segment gets at first.
    cap_minor: int
    #: What its customers are told where their row or their cap bounds an offer; None says what
    #: everybody is told.
    reason: str | None = None
    protections: tuple[Protection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A band of points with its limits, prices and longest tenor."""

    code: str
    #: The lowest score of a card of points; None where a model says what a score means.
    points_min: int | None
    #: The highest probability of default, ppm; None where there is none.
    pd_ppm_max: int | None
    #: The price where the segment has none of its own.
    rate_daily_e8: int
    #: Prices by segment; empty where all pay the same.
    rates_daily_e8: Mapping[str, int]
    tenor_months_max: int
    #: Initial limits by segment.
    limits_minor: Mapping[str, int]
    #: Limits by segment once the policy's condition of growth holds; empty where there is none.
    limits_grown_minor: Mapping[str, int]
    #: Prices of single cells, by segment and tenor in months; None stands for every one.
    cells: Mapping[tuple[str | None, int | None], int] = field(default_factory=dict)

    def rate_of(self, segment: str, tenor_months: int | None = None) -> int:
        """Return the price of a segment: of a tenor, or where the tenor has none of its own."""
        for cell in ((segment, tenor_months), (None, tenor_months), (segment, None)):
            if cell in self.cells:
                return self.cells[cell]
        return self.rates_daily_e8.get(segment, self.rate_daily_e8)

    def rates_of(self, segment: str, tenors_months: Iterable[int]) -> tuple[int, ...]:
        """Return the prices of tenors in their order."""
        return tuple(self.rate_of(segment, months) for months in tenors_months)

    def dearest(self, segment: str, tenors_months: Iterable[int]) -> int:
        """Return the price of the dearest of some tenors; without any, that of the segment."""
        rates = self.rates_of(segment, tenors_months)
        return max(rates, default=self.rate_of(segment))

    @property
    def tenors_priced(self) -> frozenset[int]:
        """Return the tenors that have a price of their own."""
        return frozenset(months for _, months in self.cells if months is not None)

    def limit_of(self, segment: str, *, grown: bool) -> int:
        """Return the cell of the limit matrix."""
        return (self.limits_grown_minor if grown else self.limits_minor)[segment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """When a customer has left the initial limits; unknown has not."""

    when: Node
    judge: Callable[[Features], Verdict]


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


class OnTrip(StrEnum):
    """What becomes of a version that is held back, by its cap or for its model."""

    #: What it would do against somebody goes to a person.
    REFER = "refer"
    #: The version before it decides, until this one is published again.
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCap:
    """How many cases a window may decline by machine before people look: the greater of both."""

    count_min: int
    share_ppm: int
    window_hours: int
    on_trip: OnTrip = OnTrip.REFER


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """What a rule has to say of a case, as its author wrote it; what is not given is unknown."""

    rule: str
    verdict: Verdict
    given: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How far a version may move against the one in force, and what it may do to a group.

    None is not asked for. Shares in ppm of the cases; the amount in ppm of the live mean.
    """

    approve_share_ppm: int | None = None
    decline_share_ppm: int | None = None
    refer_share_ppm: int | None = None
    offer_mean_ppm: int | None = None
    #: The least that the approve share of a group may be of the best group's.
    adverse_impact_ppm_min: int | None = None
    #: The most by which a group may pay more than another in the same grade, ppm of the price.
    price_gap_ppm: int | None = None
    #: How far a feature that is followed may tell a trait, Cramér's V squared.
    proxy_ppm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What holds rules back in one case; an input of the decision and kept with it."""

    #: Codes of rules whose declines go to a person now, or `*` for every one of the policy.
    tripped: frozenset[str] = frozenset()
    #: Codes of rules that are suppressed for this customer; their verdicts are kept all the same.
    snoozed: frozenset[str] = frozenset()
    #: Codes of segments whose approvals go to a person, because the model behind them is not to be
    #: trusted now, or `*` for every one.
    stopped: frozenset[str] = frozenset()

    @property
    def are_up(self) -> bool:
        """Tell whether anything is held back."""
        return bool(self.tripped or self.snoozed or self.stopped)

    def stop(self, segment: str) -> bool:
        """Tell whether approvals of a segment go to a person."""
        return bool(self.stopped & {segment, EVERY_SEGMENT})

    def document(self) -> dict[str, list[str]]:
        """Return the form that is stored; stopped segments are named where there are any."""
        document = {"snoozed": sorted(self.snoozed), "tripped": sorted(self.tripped)}
        return document | {"stopped": sorted(self.stopped)} if self.stopped else document


#: The cap of the whole policy among the tripped codes.
WHOLE_POLICY = "*"
#: All segments among the stopped ones.
EVERY_SEGMENT = "*"
NO_GUARDS = Guards()
