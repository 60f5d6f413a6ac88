"""An experiment: what is tried on whom, for how long, and how it ends, fixed before it starts.

Kinds       `challenger` lets another version decide for a share of the customers. `shadow` lets
            one be asked beside production and decide nothing. `control` accepts a small share of
            what was declined by score alone, within a budget, so that its outcomes are known.
Invariant   The document is never changed: its hash is its identity, and what two persons approve.
            Arms share all customers of the experiment between them; metrics, looks and bounds
            stand in the document, so that nobody chooses them once outcomes are known.
Units       Shares in ppm, amounts in minor units, bounds of the stop rule in thousandths of a
            standard error, dates both included.
Follows     The bounds that spend little early: O'Brien and Fleming 1979, constants for two-sided
            5 % as tabled by Jennison and Turnbull 2000 (table 2.3).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import isqrt
from typing import Any, Final

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes, content_hash
from counterfoil.decisioning.feature_source import ORIGINATION
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.kernel.toml import parse_toml

#: A whole, in ppm.
ALL_PPM: Final = 1_000_000
#: What versions decide that can be tried: applications, requests for more, and reviews of lines.
REVIEWS: Final = "line_review"
PURPOSES: Final = (ORIGINATION, "limit_increase", REVIEWS)
#: The arm that every other is compared with.
CHAMPION: Final = "champion"
#: The largest share of score declines that may be accepted at random.
CONTROL_SHARE_PPM_MAX: Final = 50_000
TEXT_LENGTH_MAX: Final = 100_000
LOOKS_MAX: Final = 10

_COUNTS_MAX: Final = {
    "arms": 10,
    "metrics": 10,
    "groups": 20,
    "edges": 50,
    "looks_cases": LOOKS_MAX,
}
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{2,62}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
#: Of the bound at the last look, thousandths, by the number of looks.
_OBRIEN_FLEMING_E3: Final = (1960, 1977, 2004, 2024, 2040, 2053, 2063, 2072, 2080, 2087)


class ExperimentKind(StrEnum):
    """What an experiment does with a case."""

    CHALLENGER = "challenger"
    SHADOW = "shadow"
    CONTROL = "control"


class Metric(StrEnum):
    """What arms are compared by, for each case of the experiment."""

    APPROVED = "approved"
    #: Was once more than 30 days past due.
    LATE_30 = "late_30"
    LATE_90 = "late_90"
    PROFIT_MINOR = "profit_minor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlan:
    """One way in which cases are decided."""

    name: str
    policy_hash: str
    #: Of the experiment's customers.
    share_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """When the experiment ends before its last day: at a look whose bound is passed, never else."""

    metric: Metric
    #: Cases of all arms together at which it is looked, ascending.
    looks_cases: tuple[int, ...]
    #: How many thousandths of a standard error the difference has to exceed, look by look.
    bounds_z_e3: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Groups between which approval is compared: by value, or by the edges of an integer."""

    feature: str
    #: Lower ends of the groups after the first; empty for a text or a boolean.
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How far a control group may go: the first bound that would be passed ends it."""

    #: Share of the cases declined by score alone that is drawn.
    share_ppm: int
    accounts_max: int
    #: Most that all its lines may come to: no more principal than this can be lost.
    loss_minor_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment as it was proposed."""

    code: str
    kind: ExperimentKind
    purpose: str
    question: str
    layer: str
    #: The part of the layer's customers that takes part: from, and how many.
    layer_from_ppm: int
    layer_share_ppm: int
    #: Champion first; the one version of a shadow; empty for a control group.
    arms: tuple[ArmPlan, ...]
    first_date: date
    last_date: date
    metrics: tuple[Metric, ...]
    stop_rule: StopRule | None
    groups: tuple[Grouping, ...]
    budget: Budget | None
    #: SHA-256 of the canonical document, in hexadecimal.
    hash: str
    canonical: bytes

    @property
    def champion_hash(self) -> str | None:
        """Return the version that the others are tried against; None where none stands in it."""
        return self.arms[0].policy_hash if self.kind is ExperimentKind.CHALLENGER else None

    def shares_customers_with(self, other: "Experiment") -> bool:
        """Tell whether a customer could be in both: same layer, same days, parts that overlap."""
        return (
            self.layer == other.layer
            and self.first_date <= other.last_date
            and other.first_date <= self.last_date
            and self.layer_from_ppm < other.layer_from_ppm + other.layer_share_ppm
            and other.layer_from_ppm < self.layer_from_ppm + self.layer_share_ppm
        )


class InvalidExperimentError(ValueError):
    """The document is not an experiment; the message says where and why."""

    def __init__(self, place: str, reason: str) -> None:
        """Name the place in the document and the reason."""
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def read_document(text: str) -> dict[str, Any]:
    """Return the document of a TOML text, dates as texts; raise InvalidExperimentError."""
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidExperimentError("experiment", f"is longer than {TEXT_LENGTH_MAX:,} characters")
    try:
        document: dict[str, object] = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidExperimentError("experiment", f"is not TOML: {error}") from error
    return {
        key: value.isoformat() if type(value) is date else value for key, value in document.items()
    }


def experiment_of(document: Mapping[str, object]) -> Experiment:
    """Return the experiment of a document as it is stored; raise InvalidExperimentError."""
    try:
        return _experiment(dict(document))
    except InvalidPolicyError as fault:
        raise InvalidExperimentError(fault.place, fault.reason) from fault
    except NotCanonicalError as error:
        raise InvalidExperimentError("experiment", str(error)) from error


def _experiment(document: dict[str, object]) -> Experiment:
    table = Table("experiment", document, _COUNTS_MAX)
    kind = ExperimentKind(_word(table, "kind", tuple(ExperimentKind)))
    control = kind is ExperimentKind.CONTROL
    found = Experiment(
        code=_matching(table, "code", _CODE),
        kind=kind,
        purpose=_word(table, "purpose", PURPOSES),
        question=table.text("question"),
        layer=_matching(table, "layer", _NAME),
        layer_from_ppm=table.integer("layer_from_ppm"),
        layer_share_ppm=table.integer("layer_share_ppm"),
        arms=() if control else tuple(map(_arm, table.tables("arms"))),
        first_date=_date(table, "first_date"),
        last_date=_date(table, "last_date"),
        metrics=_metrics(table),
        stop_rule=_stop_rule(table),
        groups=tuple(map(_grouping, table.tables_if_any("groups"))),
        budget=_budget(table.table("budget")) if control else None,
        hash=content_hash(document).hex(),
        canonical=canonical_bytes(document),
    )
    table.finish()
    _check_span(found)
    _check_arms(found)
    _check_stop_rule(found)
    return found


def _arm(table: Table) -> ArmPlan:
    arm = ArmPlan(
        name=_matching(table, "name", _NAME),
        policy_hash=_matching(table, "policy_hash", _HASH),
        share_ppm=table.integer("share_ppm"),
    )
    table.finish()
    if not 0 < arm.share_ppm <= ALL_PPM:
        raise table.fault("share_ppm", f"does not lie between 1 and {ALL_PPM:,}")
    return arm


def _metrics(table: Table) -> tuple[Metric, ...]:
    names = table.texts("metrics")
    known = {metric.value for metric in Metric}
    for name in names:
        if name not in known:
            raise table.fault("metrics", f"{name} is none of {', '.join(sorted(known))}")
    if not names or len(set(names)) < len(names):
        raise table.fault("metrics", "names no metric, or one twice")
    return tuple(map(Metric, names))


def _stop_rule(table: Table) -> StopRule | None:
    if (rule := table.table_if_any("stop_rule")) is None:
        return None
    metric = Metric(_word(rule, "metric", tuple(Metric)))
    looks = rule.integers("looks_cases")
    method = _word(rule, "bounds", ("obrien_fleming",))
    rule.finish()
    if not looks or looks[0] < 1 or any(one >= two for one, two in pairwise(looks)):
        raise rule.fault("looks_cases", "does not rise from at least one case on")
    if any(case * len(looks) != looks[-1] * place for place, case in enumerate(looks, 1)):
        raise rule.fault("looks_cases", f"are not equally far apart, which {method} wants")
    return StopRule(metric=metric, looks_cases=looks, bounds_z_e3=_bounds(len(looks)))


def _bounds(looks: int) -> tuple[int, ...]:
    """Return the bounds of a number of looks, rounded up: none is passed too early."""
    last = _OBRIEN_FLEMING_E3[looks - 1]
    squares = (-(-last * last * looks // look) for look in range(1, looks + 1))
    return tuple(isqrt(square - 1) + 1 for square in squares)


def _grouping(table: Table) -> Grouping:
    feature = _matching(table, "feature", re.compile(r"[a-z][a-z0-9_]{0,62}"))
    edges = table.integers("edges")
    table.finish()
    if any(one >= two for one, two in pairwise(edges)):
        raise table.fault("edges", "do not rise")
    return Grouping(feature=feature, edges=edges)


def _budget(table: Table) -> Budget:
    budget = Budget(
        share_ppm=table.integer("share_ppm"),
        accounts_max=table.integer("accounts_max"),
        loss_minor_max=table.integer("loss_minor_max"),
    )
    table.finish()
    if not 0 < budget.share_ppm <= CONTROL_SHARE_PPM_MAX:
        raise table.fault("share_ppm", f"does not lie between 1 and {CONTROL_SHARE_PPM_MAX:,}")
    for key in ("accounts_max", "loss_minor_max"):
        if getattr(budget, key) < 1:
            raise table.fault(key, "is no budget")
    return budget


def _check_span(found: Experiment) -> None:
    if found.last_date < found.first_date:
        raise InvalidExperimentError("experiment.last_date", "lies before first_date")
    if found.layer_from_ppm < 0 or found.layer_share_ppm < 1:
        raise InvalidExperimentError("experiment.layer_share_ppm", "is no part of the layer")
    if found.layer_from_ppm + found.layer_share_ppm > ALL_PPM:
        raise InvalidExperimentError("experiment.layer_share_ppm", "goes beyond 100 % of the layer")


def _check_arms(found: Experiment) -> None:
    names = [arm.name for arm in found.arms]
    if len(set(names)) < len(names):
        raise InvalidExperimentError("experiment.arms", "has two arms of one name")
    total = sum(arm.share_ppm for arm in found.arms)
    match found.kind:
        case ExperimentKind.CONTROL:
            if found.purpose != ORIGINATION:
                raise InvalidExperimentError("experiment.purpose", "is not origination")
        case ExperimentKind.SHADOW:
            if len(names) != 1 or names[0] == CHAMPION or total != ALL_PPM:
                raise InvalidExperimentError(
                    "experiment.arms", "a shadow has one arm, not the champion, with all cases"
                )
        case ExperimentKind.CHALLENGER:
            if len(names) < 2 or names[0] != CHAMPION:  # noqa: PLR2004 - two are compared
                raise InvalidExperimentError("experiment.arms", "are not a champion and others")
            if total != ALL_PPM:
                raise InvalidExperimentError(
                    "experiment.arms", f"share out {total:,} ppm; all customers are {ALL_PPM:,}"
                )


def _check_stop_rule(found: Experiment) -> None:
    rule = found.stop_rule
    if rule is None:
        return
    if found.kind is not ExperimentKind.CHALLENGER:
        raise InvalidExperimentError("experiment.stop_rule", "is for a challenger alone")
    if len(found.arms) != 2:  # noqa: PLR2004 - the bounds are those of one comparison
        raise InvalidExperimentError("experiment.stop_rule", "compares two arms, not more")
    if rule.metric not in found.metrics:
        raise InvalidExperimentError("experiment.stop_rule.metric", "is none of the metrics")


def _word(table: Table, key: str, words: tuple[str, ...]) -> str:
    value = table.text(key)
    if value not in words:
        raise table.fault(key, f"is none of {', '.join(words)}")
    return value


def _matching(table: Table, key: str, pattern: re.Pattern[str]) -> str:
    value = table.text(key)
    if pattern.fullmatch(value) is None:
        raise table.fault(key, f"does not have the form {pattern.pattern}")
    return value


def _date(table: Table, key: str) -> date:
    try:
        return date.fromisoformat(table.text(key))
    except ValueError as error:
        raise table.fault(key, "is not a date, YYYY-MM-DD") from error
