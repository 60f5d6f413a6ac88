"""A decision told from its stored inputs, its stored result and the policy document behind it.

Invariant   Nothing is decided again: what stands here was written down when it was decided. What
            was unknown is shown as unknown, never as zero and never as a pass.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from counterfoil.console import words
from counterfoil.console.visit import Visit
from counterfoil.decisioning.basis import basis_of
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import from_json, to_sql
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.score_bin import BinHolds, score_parts
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status

#: By how bad it is for the case that a rule speaks, not by its truth.
_VERDICT_TONES: Final = {"true": "bad", "false": "good", "unknown": "warn"}
_PPM: Final = 1_000_000
_E6: Final = 1_000_000
#: The unit of a card whose amounts are millionths of the log odds of default.
_LOG_ODDS: Final = "log_odds_e6"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One thing that the policy read."""

    label: str
    name: str
    value: str
    source: str
    is_unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule and what it said."""

    code: str
    text: str
    verdict: Status
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsRow:
    """What one input added to the score."""

    label: str
    bin: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRow:
    """One bound on the limit; the smallest wins."""

    label: str
    limit: str
    is_binding: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One decision."""

    number: str
    outcome: Status
    decided_by: str
    at: str
    person_reason: str
    policy: str
    policy_hash: str
    #: What else it was decided under: label and name, in words where the record does not say.
    basis: Sequence[tuple[str, str]]
    inputs: Sequence[InputRow]
    rules: Sequence[RuleRow]
    points: Sequence[PointsRow]
    #: Whether the amounts are points; else each is what it multiplies the odds of default by.
    is_of_points: bool
    #: The sum of the points, or the probability of default.
    total_points: str
    grade: str
    bounds: Sequence[BoundRow]
    #: What the customer is told.
    reasons: Sequence[str]


def tell(visit: Visit, row: Row, currency: str) -> Told:
    """Return the story of one stored decision."""
    inputs: Mapping[str, Any] = json.loads(row["inputs"])
    result: Mapping[str, Any] = json.loads(row["result"])
    document: Mapping[str, Any] = json.loads(row["document"]) if row["document"] else {}
    features = {item["name"]: item for item in document.get("features", ())}
    is_odds = document.get("model", {}).get("unit") == _LOG_ODDS
    return Told(
        number=str(row["decision_no"]),
        outcome=visit.status("application_status", row["outcome"], words.APPLICATION_TONES),
        decided_by=words.code_label(visit, "decided_by", row["decided_by"]),
        at=visit.formats.instant(row["decided_at"], seconds=True),
        person_reason=row["reason"] or "",
        policy=str(result.get("policy_version", "—")),
        policy_hash=row["policy_hash"],
        basis=basis_words(visit, inputs),
        inputs=_inputs(visit, inputs.get("features", {}), features, currency),
        rules=_rules(visit, result.get("verdicts", {}), document),
        points=_points(visit, result.get("contributions", ()), document, currency),
        is_of_points=not is_odds,
        total_points=score_words(visit, result.get("points"), result.get("pd_ppm")),
        grade=result.get("grade") or "—",
        bounds=_bounds(visit, result, currency),
        reasons=_reasons(visit, result.get("reasons", ()), document),
    )


def basis_words(visit: Visit, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return rule pack and registry of a record; unknown in one that is older than the name."""
    basis, unknown = basis_of(inputs), visit.t("verdict.unknown")
    return [
        (visit.t("decision.rule_pack"), basis.rule_pack or unknown),
        (visit.t("decision.feature_registry"), (basis.feature_registry or "")[:12] or unknown),
    ]


def _inputs(
    visit: Visit,
    values: Mapping[str, Any],
    features: Mapping[str, Mapping[str, Any]],
    currency: str,
) -> list[InputRow]:
    rows = []
    for name, value in sorted(values.items()):
        feature = features.get(name, {})
        rows.append(
            InputRow(
                label=_name(visit, feature, name),
                name=name,
                value=_value(visit, value, feature.get("unit", ""), currency),
                source=words.code_label(visit, "feature_source", feature.get("source", "")),
                is_unknown=value is None,
            )
        )
    return rows


def _value(visit: Visit, value: object, unit: str, currency: str) -> str:
    if value is None:
        return visit.t("verdict.unknown")
    if isinstance(value, bool):
        return visit.t("answer.yes" if value else "answer.no")
    if not isinstance(value, int):
        return words.code_label(visit, "purpose", str(value))
    if unit == "minor":
        return visit.formats.money(value, currency)
    if unit == "ppm":
        return visit.formats.percent(value, _PPM)
    return visit.formats.count(value)


def _rules(visit: Visit, verdicts: Mapping[str, str], document: Mapping[str, Any]) -> list[RuleRow]:
    rules = {rule["code"]: rule for rule in document.get("rules", ())}
    rows = []
    for code, verdict in verdicts.items():
        rule = rules.get(code, {})
        acting = {"true": "action", "unknown": "on_unknown"}.get(verdict)
        action = str(rule.get(acting, "")) if acting else ""
        rows.append(
            RuleRow(
                code=code,
                text=to_sql(from_json(rule["when"])) if "when" in rule else "",
                verdict=visit.status("verdict", verdict, _VERDICT_TONES),
                action=words.code_label(visit, "rule_action", action) if action else "—",
            )
        )
    # What spoke comes first; within that the order is the policy's.
    order = {"true": 0, "unknown": 1, "false": 2}
    verdict_of = dict(verdicts)
    return sorted(rows, key=lambda row: order[verdict_of[row.code]])


def score_words(visit: Visit, points: int | None, pd_ppm: int | None) -> str:
    """Return what a score says: the probability of default of a model's, else its points."""
    if pd_ppm is None:
        return visit.formats.count(points)
    return visit.t("application.pd", share=visit.formats.percent(pd_ppm, _PPM))


def _points(
    visit: Visit,
    contributions: Sequence[Sequence[Any]],
    document: Mapping[str, Any],
    currency: str,
) -> list[PointsRow]:
    """Return what each input added, with the values that its bin holds where the policy is kept."""
    if not contributions:
        return []
    features = {item["name"]: item for item in document.get("features", ())}
    is_odds = document.get("model", {}).get("unit") == _LOG_ODDS
    try:
        parts = score_parts(policy_of(dict(document)), contributions)
    except InvalidPolicyError:
        parts = []
    holds = {one.feature: one.holds for one in parts}
    rows = []
    for name, bin_no, points in contributions:
        feature = features.get(name, {})
        said = _holds(visit, holds[name], feature, currency) if name in holds else str(bin_no)
        rows.append(
            PointsRow(
                label=_name(visit, feature, name),
                bin=said,
                points=odds_words(points) if is_odds else visit.formats.count(points),
            )
        )
    return rows


def _holds(visit: Visit, holds: BinHolds, feature: Mapping[str, Any], currency: str) -> str:
    """Return the values of a bin in words of the page, in the feature's unit."""
    t, unit = visit.t, feature.get("unit", "")
    if holds.is_unknown or holds.answer is not None:
        return _value(visit, holds.answer, unit, currency)
    if holds.is_rest:
        return t("decision.bin_rest_range")
    if holds.categories:
        return ", ".join(_value(visit, one, unit, currency) for one in holds.categories)
    lowest, below = (
        None if end is None else _value(visit, end, unit, currency)
        for end in (holds.lowest, holds.below)
    )
    if lowest is None:
        return (
            t("decision.bin_any_range")
            if below is None
            else t("decision.bin_below_range", below=below)
        )
    if below is None:
        return t("decision.bin_from_range", lowest=lowest)
    return t("decision.bin_between_range", lowest=lowest, below=below)


def odds_words(log_odds_e6: int | None) -> str:
    """Return by how much an amount multiplies the odds of default, to be read only."""
    return "—" if log_odds_e6 is None else f"× {math.exp(log_odds_e6 / _E6):.2f}"


def _bounds(visit: Visit, result: Mapping[str, Any], currency: str) -> list[BoundRow]:
    return [
        BoundRow(
            label=words.code_label(visit, "bound", name),
            limit=visit.formats.amount(limit_minor, currency),
            is_binding=name == result.get("binding"),
        )
        for name, limit_minor in result.get("candidates", ())
    ]


def _reasons(visit: Visit, codes: Sequence[str], document: Mapping[str, Any]) -> list[str]:
    key = "zh" if visit.catalogue.language == "zh-CN" else "en"
    texts = {item["code"]: item[key] for item in document.get("reasons", ()) if key in item}
    return [f"{texts.get(code, code)} ({code})" for code in codes]


def _name(visit: Visit, feature: Mapping[str, Any], fallback: str) -> str:
    key = "name_zh" if visit.catalogue.language == "zh-CN" else "name_en"
    return str(feature.get(key, fallback))
