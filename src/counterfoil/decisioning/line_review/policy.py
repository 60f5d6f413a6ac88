"""What a line-review policy is made of: rules with measures, waits, steps and caps.

Precedence  Suspend over freeze over lower over nothing over offer; the order of the rules in the
            document never matters.
Unknown     A measure against the customer follows from true alone: unknown may refer, flag or be
            ignored, and it keeps an offer back where the rule excludes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.decisioning.evaluate import Features, Verdict
from counterfoil.decisioning.expression import Node
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy_parts import ActionCap, Derived, Reason, RuleClass
from counterfoil.decisioning.rule_reach import dead


class Measure(StrEnum):
    """What follows from a rule."""

    SUSPEND = "suspend"
    FREEZE = "freeze"
    #: By a share, or down the ladder of limits.
    LOWER = "lower"
    LOWER_TO_USED = "lower_to_used"
    #: A person decides whether the line is closed; money owed stays owed.
    PROPOSE_CLOSE = "propose_close"
    REFER = "refer"
    #: Lift a suspension.
    REINSTATE = "reinstate"
    #: No offer, with a reason.
    EXCLUDE = "exclude"
    OFFER_RAISE = "offer_raise"
    FLAG = "flag"
    IGNORE = "ignore"


#: Measures against the customer; each has a reason, a notice and a way of appeal.
ADVERSE = frozenset({Measure.SUSPEND, Measure.FREEZE, Measure.LOWER, Measure.LOWER_TO_USED})

#: What a verdict of unknown may lead to. A line is never cut, nor an account suspended, by it.
ON_UNKNOWN = frozenset({Measure.REFER, Measure.FLAG, Measure.EXCLUDE, Measure.IGNORE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRule:
    """One rule of the document."""

    code: str
    rule_class: RuleClass
    when: Node
    judge: Callable[[Features], Verdict]
    measure: Measure
    on_unknown: Measure
    reason: str
    #: Days that a freeze lasts, the first among them; None for other measures.
    days: int | None
    #: Percent of the limit that are taken off; None unless the rule lowers by a share.
    percent: int | None
    #: Cells down the ladder; None unless the rule lowers by cells.
    cells: int | None

    def measure_on(self, verdict: Verdict) -> Measure:
        """Return what a verdict leads to."""
        if verdict is Verdict.TRUE:
            return self.measure
        return self.on_unknown if verdict is Verdict.UNKNOWN else Measure.IGNORE

    @property
    def is_exempt(self) -> bool:
        """Tell whether no guard may hold the rule back: what the law asks is done."""
        return self.rule_class is RuleClass.LAW


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseTerms:
    """How far and how often an offer may go."""

    step_percent_max: int
    #: Cells of the ladder that one offer may climb.
    cells_max: int
    #: Days since the limit was changed last, whichever way.
    wait_days: int
    per_year_max: int
    #: The highest limit that any review offers.
    total_cap_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """Evidence that the way back needs beyond that of the way down."""

    #: Days since a measure was taken before another eases or lifts it.
    days_min: int
    #: Statements without a late month before anything is offered after a measure.
    statements_min: int
    #: Days that a suspension stands before a rule lifts it; 0 for at once.
    reinstate_days_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """How people decide what a review leaves to them."""

    #: Working days until a case is due.
    working_days: int
    #: Beyond so many percent off the limit a second person has to agree.
    second_person_percent: int


#: For versions that were written before cases were.
USUAL_DESK = Desk(working_days=5, second_person_percent=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """On which reviews a credit report is read, for policies that read one."""

    #: By product; `*` for every product that is not named.
    by_product: Mapping[str, bool]
    #: Causes of reviews on which one is asked for.
    causes: frozenset[str]

    def wanted(self, product_code: str, cause: str) -> bool:
        """Tell whether a review of a product's line on a cause reads a report."""
        is_on = self.by_product.get(product_code, self.by_product.get("*", False))
        return is_on and cause in self.causes


#: For policies that read none.
NO_REPORTS = Reports(by_product={}, causes=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """When a line is looked at again, in days."""

    #: By product; `*` for every product that is not named.
    by_product: Mapping[str, int]
    #: While a line is frozen, suspended, or a way back is not yet old enough.
    while_blocked: int

    def after(self, product_code: str, *, is_blocked: bool) -> int:
        """Return the days until the next review."""
        usual = self.by_product.get(product_code, self.by_product["*"])
        return min(usual, self.while_blocked) if is_blocked else usual


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPolicy:
    """One version of a line-review policy; made by `document.py` and never changed."""

    code: str
    version: str
    #: SHA-256 of the canonical document, in hexadecimal: the identity of the version.
    hash: str
    canonical: bytes
    currency: str
    #: Days between the notice of a planned decrease and its effect.
    notice_days: int
    offer_valid_days: int
    #: Whether a credit report may be read, under a consent for reviews.
    reads_bureau: bool
    features: tuple[Feature, ...]
    derived: tuple[Derived, ...]
    #: By precedence: class, then code.
    rules: tuple[ReviewRule, ...]
    #: Limits from the lowest to the highest, between which lines climb and descend.
    ladder_minor: tuple[int, ...]
    raise_terms: RaiseTerms
    way_back: WayBack
    periods: Periods
    #: Reason code by bound of an offer: those of `BOUNDS`.
    bound_reasons: Mapping[str, str]
    reasons: Mapping[str, Reason]
    action_cap: ActionCap | None
    #: Longest that a rule may be suppressed for a customer; None where none may be.
    snooze_days_max: int | None
    desk: Desk
    reports: Reports

    def dead_rules(self) -> list[tuple[str, str]]:
        """Return place and reason of every rule whose condition decides nothing."""
        shapes = {item.name: item.shape for item in self.features}
        shapes |= {item.name: item.shape for item in self.derived}
        found = [
            (f"policy.rules[{rule.code}].when", dead(rule.when, shapes)) for rule in self.rules
        ]
        return [(place, why) for place, why in found if why is not None]

    def texts(self, codes: tuple[str, ...], language: str) -> list[str]:
        """Return what a customer is told for reason codes: `zh` or `en`."""
        known = [self.reasons[code] for code in codes if code in self.reasons]
        return list(
            dict.fromkeys(item.text_zh if language == "zh" else item.text_en for item in known)
        )

    def told(self, codes: tuple[str, ...]) -> list[dict[str, str]]:
        """Return reason codes with their texts, as an answer carries them."""
        known = [self.reasons[code] for code in codes if code in self.reasons]
        return [{"code": one.code, "zh": one.text_zh, "en": one.text_en} for one in known]


#: Bounds on an offer; the smallest wins and is named. The last three keep an offer back.
BOUNDS = ("step", "ladder", "total_cap", "product", "licence", "wait", "per_year", "way_back")
