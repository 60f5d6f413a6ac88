"""From a line-review document to a policy that can review, or to the place of a fault.

Identity    The hash covers the canonical document: rules as trees, everything else as it stands.
Invariant   A document that passes cannot fail at a review: rules are typed and in range, every
            reason has its text, and no rule takes a measure on a verdict of unknown.
"""

import tomllib
from collections.abc import Mapping
from importlib import resources
from itertools import pairwise

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes, content_hash
from counterfoil.decisioning.document_parts import (
    CODE,
    read_action_cap,
    read_derived,
    read_feature,
    read_reason,
    read_snooze_days_max,
    read_tree,
    read_word,
    with_tree,
)
from counterfoil.decisioning.evaluate import verdict_function
from counterfoil.decisioning.expression import features_read
from counterfoil.decisioning.feature_source import fault_of
from counterfoil.decisioning.line_review.policy import (
    BOUNDS,
    NO_REPORTS,
    ON_UNKNOWN,
    USUAL_DESK,
    Desk,
    Measure,
    Periods,
    RaiseTerms,
    Reports,
    ReviewPolicy,
    ReviewRule,
    WayBack,
)
from counterfoil.decisioning.policy_parts import RuleClass
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_types import Shape
from counterfoil.kernel.toml import parse_toml

#: What a document of this kind calls its purpose.
PURPOSE = "line_review"
#: Under which consent it may read what others say.
_CONSENT = "review"
TEXT_LENGTH_MAX = 1_000_000
COUNTS_MAX = {"features": 500, "derived": 200, "rules": 1_000, "cells_minor": 100, "reasons": 500}
#: Read by nobody here: the age is for eligibility alone.
_AGE = "age_years"
_WHOLE_PERCENT, _YEAR_DAYS, _NOTICE_DAYS_MAX = 100, 366, 60


def load_review_policy(name: str) -> ReviewPolicy:
    """Return a line-review policy that ships with the package."""
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return read_review_policy(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def read_review_policy(text: str) -> ReviewPolicy:
    """Return the policy of a TOML document; raise InvalidPolicyError with place and reason."""
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidPolicyError("policy", f"is longer than {TEXT_LENGTH_MAX:,} characters")
    try:
        document: dict[str, object] = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicyError("policy", f"is not TOML: {error}") from error
    planted: dict[str, object] = {}
    for key in ("rules", "derived"):
        items = document.get(key)
        if isinstance(items, list):
            planted[key] = [with_tree(key, item) for item in items]
    return review_policy_of(document | planted)


def review_policy_of(document: Mapping[str, object]) -> ReviewPolicy:
    """Return the policy of a canonical document, as it is stored."""
    try:
        canonical, digest = canonical_bytes(document), content_hash(document)
    except NotCanonicalError as error:
        raise InvalidPolicyError(f"policy{error.place}", str(error)) from error
    table = Table("policy", dict(document), COUNTS_MAX)
    if table.text("purpose") != PURPOSE:
        raise table.fault("purpose", f"is not {PURPOSE}")
    features = tuple(map(read_feature, table.tables("features")))
    shapes = {feature.name: feature.shape for feature in features}
    derived = read_derived(table, shapes)
    policy = ReviewPolicy(
        code=table.text("code"),
        version=table.text("version"),
        hash=digest.hex(),
        canonical=canonical,
        currency=table.text("currency"),
        notice_days=table.integer("notice_days"),
        offer_valid_days=table.integer("offer_valid_days"),
        reads_bureau=table.boolean("reads_bureau"),
        features=features,
        derived=derived,
        rules=_by_precedence([_rule(item, shapes) for item in table.tables("rules")]),
        ladder_minor=table.integers("ladder_minor"),
        raise_terms=_raise_terms(table.table("raise")),
        way_back=_way_back(table.table("way_back")),
        periods=_periods(table.table("periods")),
        bound_reasons=table.texts_by_key("bound_reasons"),
        reasons={item.code: item for item in map(read_reason, table.tables("reasons"))},
        action_cap=read_action_cap(table),
        snooze_days_max=read_snooze_days_max(table),
        desk=_desk(table),
        reports=_reports(table),
    )
    table.finish()
    _check_whole(policy)
    return policy


def _rule(table: Table, shapes: dict[str, Shape]) -> ReviewRule:
    tree = read_tree(table, table.anything("when"), shapes)
    rule = ReviewRule(
        code=table.text("code"),
        rule_class=read_word(table, "class", RuleClass),
        when=tree,
        judge=verdict_function(tree),
        measure=read_word(table, "measure", Measure),
        on_unknown=read_word(table, "on_unknown", Measure),
        reason=table.text("reason"),
        days=table.integer_or_none("days"),
        percent=table.integer_or_none("percent"),
        cells=table.integer_or_none("cells"),
    )
    table.finish()
    _check_rule(table, rule)
    return rule


def _check_rule(table: Table, rule: ReviewRule) -> None:
    if not CODE.fullmatch(rule.code) or rule.code in BOUNDS:
        raise table.fault("code", "is not a code for a rule")
    if rule.measure is Measure.IGNORE:
        raise table.fault("measure", "would do nothing")
    if rule.on_unknown not in ON_UNKNOWN:
        raise table.fault(
            "on_unknown",
            "is refer, flag, exclude or ignore: nothing is taken from anybody on an unknown",
        )
    if rule.rule_class is RuleClass.LAW and rule.on_unknown is Measure.IGNORE:
        raise table.fault("on_unknown", "may not be ignore in a rule of law")
    if (rule.measure is Measure.FREEZE) != (rule.days is not None):
        raise table.fault("days", "belongs to rules that freeze, and only to them")
    if rule.days is not None and not 0 < rule.days <= _YEAR_DAYS:
        raise table.fault("days", f"lies between 1 and {_YEAR_DAYS}")
    _check_step(table, rule)


def _check_step(table: Table, rule: ReviewRule) -> None:
    steps = [step for step in (rule.percent, rule.cells) if step is not None]
    if len(steps) != (rule.measure is Measure.LOWER):
        raise table.fault("percent", "or cells, one of them, belongs to rules that lower")
    if rule.percent is not None and not 0 < rule.percent < _WHOLE_PERCENT:
        raise table.fault("percent", "lies between 1 and 99")
    if rule.cells is not None and rule.cells <= 0:
        raise table.fault("cells", "is not above 0")


def _by_precedence(rules: list[ReviewRule]) -> tuple[ReviewRule, ...]:
    classes = list(RuleClass)
    return tuple(sorted(rules, key=lambda rule: (classes.index(rule.rule_class), rule.code)))


def _raise_terms(table: Table) -> RaiseTerms:
    terms = RaiseTerms(
        step_percent_max=table.integer("step_percent_max"),
        cells_max=table.integer("cells_max"),
        wait_days=table.integer("wait_days"),
        per_year_max=table.integer("per_year_max"),
        total_cap_minor=table.integer("total_cap_minor"),
    )
    table.finish()
    if not 0 < terms.step_percent_max <= _WHOLE_PERCENT or terms.cells_max <= 0:
        raise table.fault("step_percent_max", "and cells_max are above 0, the share at most 100")
    if not 0 <= terms.wait_days <= _YEAR_DAYS or terms.per_year_max <= 0:
        raise table.fault("wait_days", f"is at most {_YEAR_DAYS}, per_year_max above 0")
    return terms


def _way_back(table: Table) -> WayBack:
    way = WayBack(
        days_min=(days_min := table.integer("days_min")),
        statements_min=table.integer("statements_min"),
        reinstate_days_min=days_min
        if (own := table.integer_or_none("reinstate_days_min")) is None
        else own,
    )
    table.finish()
    if not 0 <= way.reinstate_days_min <= _YEAR_DAYS:
        raise table.fault("reinstate_days_min", f"lies between 0 and {_YEAR_DAYS}")
    if way.days_min <= 0 or way.statements_min <= 0:
        raise table.fault("days_min", "and statements_min are above 0: the way back needs more")
    return way


def _desk(whole: Table) -> Desk:
    """Return how people decide what is left to them; the usual way where nothing is said."""
    table = whole.table_if_any("desk")
    if table is None:
        return USUAL_DESK
    desk = Desk(
        working_days=table.integer("working_days"),
        second_person_percent=table.integer("second_person_percent"),
    )
    table.finish()
    if not 0 < desk.working_days <= _NOTICE_DAYS_MAX:
        raise table.fault("working_days", f"lies between 1 and {_NOTICE_DAYS_MAX}")
    if not 0 < desk.second_person_percent <= _WHOLE_PERCENT:
        raise table.fault("second_person_percent", f"lies between 1 and {_WHOLE_PERCENT}")
    return desk


def _reports(whole: Table) -> Reports:
    """Return on which reviews a report is read; on none where nothing is said."""
    table = whole.table_if_any("reports")
    if table is None:
        return NO_REPORTS
    reports = Reports(
        by_product=table.booleans_by_key("by_product"), causes=frozenset(table.texts("causes"))
    )
    table.finish()
    if not reports.causes:
        raise table.fault("causes", "names no cause of a review")
    return reports


def _periods(table: Table) -> Periods:
    periods = Periods(
        by_product=table.integers_by_key("by_product"),
        while_blocked=table.integer("while_blocked"),
    )
    table.finish()
    if "*" not in periods.by_product:
        raise table.fault("by_product", "has no entry * for products that are not named")
    if min(*periods.by_product.values(), periods.while_blocked) <= 0:
        raise table.fault("by_product", "and while_blocked are above 0")
    return periods


def _check_whole(policy: ReviewPolicy) -> None:
    names = [item.name for item in policy.features] + [item.name for item in policy.derived]
    for key, found in (("features", names), ("rules", [rule.code for rule in policy.rules])):
        if len(set(found)) != len(found):
            raise InvalidPolicyError(f"policy.{key}", "names something twice")
    if not 0 <= policy.notice_days <= _NOTICE_DAYS_MAX:
        raise InvalidPolicyError("policy.notice_days", f"lies between 0 and {_NOTICE_DAYS_MAX}")
    if not 0 < policy.offer_valid_days <= _YEAR_DAYS:
        raise InvalidPolicyError("policy.offer_valid_days", f"lies between 1 and {_YEAR_DAYS}")
    if policy.reports.causes and not policy.reads_bureau:
        raise InvalidPolicyError("policy.reports", "reads reports, and reads_bureau = false")
    _check_ladder(policy)
    _check_sources(policy)
    _check_reasons(policy)
    _check_way_back(policy)


def _check_ladder(policy: ReviewPolicy) -> None:
    cells = policy.ladder_minor
    if not cells or cells[0] <= 0 or any(low >= high for low, high in pairwise(cells)):
        raise InvalidPolicyError("policy.ladder_minor", "does not ascend from above 0")
    if policy.raise_terms.total_cap_minor < cells[0]:
        raise InvalidPolicyError("policy.raise.total_cap_minor", "is below the lowest limit")


def _check_sources(policy: ReviewPolicy) -> None:
    for feature in policy.features:
        fault = fault_of(feature, _CONSENT)
        if fault is not None:
            key, reason = fault
            raise InvalidPolicyError(f"policy.features[{feature.name}].{key}", reason)
        if feature.source == "bureau" and not policy.reads_bureau:
            raise InvalidPolicyError(
                f"policy.features[{feature.name}].source",
                "is the bureau, which reads_bureau = false does not read",
            )
        if feature.name == _AGE:
            raise InvalidPolicyError(
                f"policy.features[{feature.name}]", "is the age, by which no line is reviewed"
            )


def _check_reasons(policy: ReviewPolicy) -> None:
    if set(policy.bound_reasons) != set(BOUNDS):
        raise InvalidPolicyError("policy.bound_reasons", f"needs exactly {', '.join(BOUNDS)}")
    used = {rule.reason for rule in policy.rules} | set(policy.bound_reasons.values())
    for code in sorted(used - policy.reasons.keys()):
        raise InvalidPolicyError("policy.reasons", f"has no text for {code}")
    neutral = {rule.reason for rule in policy.rules if rule.rule_class is RuleClass.FRAUD}
    if len(neutral) > 1:
        raise InvalidPolicyError(
            "policy.rules",
            f"against fraud share one neutral reason; these have {', '.join(sorted(neutral))}",
        )


def _check_way_back(policy: ReviewPolicy) -> None:
    """Demand that whoever may be suspended by a rule can come back by one."""
    measures = {rule.measure for rule in policy.rules}
    if Measure.SUSPEND in measures and Measure.REINSTATE not in measures:
        raise InvalidPolicyError("policy.rules", "suspend, and none of them reinstates")
    for rule in policy.rules:
        if rule.measure is Measure.REINSTATE and not features_read(rule.when):
            raise InvalidPolicyError(f"policy.rules[{rule.code}].when", "reads nothing")
