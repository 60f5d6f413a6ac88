"""From a policy's document to a policy that can decide, or to the place and reason of a fault.

Identity    The hash covers the canonical document: rules as trees, everything else as it
            stands. Comments, blanks and the order of keys do not change it.
Invariant   A document that passes cannot fail at a decision: rules are typed and in range,
            every score has a grade and every grade a limit for every segment, a better grade
            never gets a lower limit or a worse price, no price passes the stated yearly cap.
Fairness    Sex, marriage, education and the like cannot be declared at all; age can be read by
            eligibility and by who belongs to a segment alone.
Bounds      1 MB of text, 1,000 rules, 500 features, 200 derived values, 200 characteristics of
            100 bins (4,096 of a model), 50 segments, 50 grades, 500 reasons, texts of 500
            characters: a document beyond any of them is refused, not slowly obeyed.
"""

import tomllib
from functools import cache
from importlib import resources
from itertools import pairwise

from counterfoil.decisioning.canonical import NotCanonicalError, canonical_bytes, content_hash
from counterfoil.decisioning.document_checks import AGE, BOUNDS, check_whole
from counterfoil.decisioning.document_model import FindModel, read_model, with_model
from counterfoil.decisioning.document_parts import (
    CODE,
    one_of,
    read_action_cap,
    read_derived,
    read_feature,
    read_reason,
    read_snooze_days_max,
    read_tree,
    read_word,
    with_tree,
)
from counterfoil.decisioning.document_prices import with_prices
from counterfoil.decisioning.document_tests import (
    read_date,
    read_test,
    read_tolerances,
    with_texts,
)
from counterfoil.decisioning.evaluate import verdict_function
from counterfoil.decisioning.feature_source import (
    CONSENT_PURPOSES,
    ORIGINATION,
)
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import (
    ON_UNKNOWN,
    Action,
    Capacity,
    Grade,
    Growth,
    Protection,
    Rule,
    RuleClass,
    Segment,
    Stage,
)
from counterfoil.decisioning.reading import InvalidPolicyError, Table
from counterfoil.decisioning.rule_types import (
    Shape,
    ValueType,
)
from counterfoil.decisioning.scorecard import Characteristic, Scorecard
from counterfoil.kernel.toml import parse_toml

#: The first version, which decided from facts that came along; it decides nothing any more.
BASE_POLICY = "base-2026-01"

TEXT_LENGTH_MAX = 1_000_000
#: Edges of a characteristic that the document writes out; a model may have more.
EDGES_MAX = 100
#: Longest list by its key.
COUNTS_MAX = {
    "features": 500,
    "derived": 200,
    "segments": 50,
    "rules": 1_000,
    "characteristics": 200,
    "edges": 4_096,
    "grades": 50,
    "price": 10_000,
    "reasons": 500,
    "tests": 5_000,
    "values": 1_000,
}
_WHOLE_PERCENT = 100


@cache
def load_policy(name: str) -> Policy:
    """Return a policy that ships with the package."""
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    text = folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return read_policy(text, find_model=shipped_model)


def shipped_model(name: str) -> bytes:
    """Return the file of a model that ships with the package; raise OSError where none does."""
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return folder.joinpath(name).read_bytes()


def read_policy(text: str, *, find_model: FindModel | None = None) -> Policy:
    """Return the policy of a TOML document; raise InvalidPolicyError with place and reason.

    `find_model` gives the file of a model that the document names.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidPolicyError("policy", f"is longer than {TEXT_LENGTH_MAX:,} characters")
    try:
        document: dict[str, object] = with_texts(parse_toml(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicyError("policy", f"is not TOML: {error}") from error
    return policy_of(with_model(_with_trees(document), find_model))


def policy_of(document: dict[str, object]) -> Policy:
    """Return the policy of a canonical document, as it is stored."""
    try:
        canonical, digest = canonical_bytes(document), content_hash(document)
    except NotCanonicalError as error:
        raise InvalidPolicyError(f"policy{error.place}", str(error)) from error
    table = Table("policy", document, COUNTS_MAX)
    features = tuple(map(read_feature, table.tables("features")))
    shapes = {feature.name: feature.shape for feature in features}
    derived = read_derived(table, shapes)
    segments = tuple(_segment(item, shapes) for item in table.tables("segments"))
    policy = Policy(
        code=table.text("code"),
        version=table.text("version"),
        hash=digest.hex(),
        canonical=canonical,
        currency=table.text("currency"),
        purpose=one_of(table, "purpose", tuple(CONSENT_PURPOSES), default=ORIGINATION),
        offer_valid_days=table.integer("offer_valid_days"),
        rate_annual_max_e8=table.integer("rate_annual_max_e8"),
        features=features,
        derived=derived,
        segments=segments,
        rules=_by_precedence([_rule(item, shapes) for item in table.tables("rules")]),
        scorecard=_card(table, shapes),
        grades=with_prices(table, tuple(map(_grade, table.tables("grades"))), segments),
        growth=_growth(table, shapes),
        capacity=_capacity(table.table("capacity"), shapes),
        bound_reasons=table.texts_by_key("bound_reasons"),
        reasons={item.code: item for item in map(read_reason, table.tables("reasons"))},
        action_cap=read_action_cap(table),
        snooze_days_max=read_snooze_days_max(table),
        tests=tuple(read_test(item) for item in table.tables_if_any("tests")),
        tolerances=read_tolerances(table),
        set_aside=table.texts_by_key_if_any("set_aside"),
    )
    table.finish()
    check_whole(policy)
    return policy


def _with_trees(document: dict[str, object]) -> dict[str, object]:
    """Return the document with the text of every rule replaced by its tree."""

    def plant(key: str, items: object) -> object:
        if not isinstance(items, list):
            return items
        return [with_tree(key, item) for item in items]

    keys = ("rules", "segments", "derived")
    planted = {key: plant(key, document[key]) for key in keys if key in document}
    growth = document.get("growth")
    return document | planted | ({"growth": with_tree("growth", growth)} if growth else {})


def _segment(table: Table, shapes: dict[str, Shape]) -> Segment:
    form = table.anything("when")
    tree = None if form is None else read_tree(table, form, shapes)
    segment = Segment(
        code=table.text("code"),
        name_en=table.text("name_en"),
        name_zh=table.text("name_zh"),
        when=tree,
        judge=None if tree is None else verdict_function(tree),
        cap_minor=table.integer("cap_minor"),
        reason=table.text("reason", default="") or None,
        protections=_protections(table),
    )
    table.finish()
    if not CODE.fullmatch(segment.code):
        raise table.fault("code", "is not a code for a segment")
    return segment


def _protections(table: Table) -> tuple[Protection, ...]:
    words = table.texts("protections")
    if not set(Protection).issuperset(words) or len(set(words)) != len(words):
        raise table.fault("protections", f"are some of {', '.join(Protection)}, each once")
    return tuple(map(Protection, words))


def _growth(table: Table, shapes: dict[str, Shape]) -> Growth | None:
    part = table.table_if_any("growth")
    if part is None:
        return None
    tree = read_tree(part, part.anything("when"), shapes)
    part.finish()
    return Growth(when=tree, judge=verdict_function(tree))


def _rule(table: Table, shapes: dict[str, Shape]) -> Rule:
    tree = read_tree(table, table.anything("when"), shapes)
    rule = Rule(
        code=table.text("code"),
        stage=read_word(table, "stage", Stage),
        rule_class=read_word(table, "class", RuleClass),
        when=tree,
        judge=verdict_function(tree),
        action=read_word(table, "action", Action),
        on_unknown=read_word(table, "on_unknown", Action),
        reason=table.text("reason"),
        cap_minor=table.integer_or_none("cap_minor"),
        margin_daily_e8=table.integer_or_none("margin_daily_e8"),
        segments=table.texts("segments"),
        effective_from=read_date(table, "effective_from"),
        effective_to=read_date(table, "effective_to"),
    )
    table.finish()
    if rule.effective_from and rule.effective_to and rule.effective_to < rule.effective_from:
        raise table.fault("effective_to", "is before effective_from")
    _check_rule(table, rule)
    return rule


def _by_precedence(rules: list[Rule]) -> tuple[Rule, ...]:
    classes = list(RuleClass)
    return tuple(sorted(rules, key=lambda rule: (classes.index(rule.rule_class), rule.code)))


def _check_rule(table: Table, rule: Rule) -> None:
    if not CODE.fullmatch(rule.code) or rule.code in BOUNDS:
        raise table.fault("code", "is not a code for a rule")
    if rule.action is Action.IGNORE:
        raise table.fault("action", "would do nothing")
    if rule.on_unknown not in ON_UNKNOWN:
        raise table.fault("on_unknown", "is decline, refer, ask or ignore")
    if rule.rule_class is RuleClass.LAW and rule.on_unknown is Action.IGNORE:
        raise table.fault("on_unknown", "may not be ignore in a rule of law")
    if (rule.action is Action.CAP_LINE) != (rule.cap_minor is not None):
        raise table.fault("cap_minor", "belongs to rules that cap the line, and only to them")
    if rule.cap_minor is not None and rule.cap_minor <= 0:
        raise table.fault("cap_minor", "is not above 0")
    if (rule.action is Action.ADD_MARGIN) != (rule.margin_daily_e8 is not None):
        raise table.fault("margin_daily_e8", "belongs to rules that add a margin, and only to them")
    if rule.margin_daily_e8 is not None and rule.margin_daily_e8 <= 0:
        raise table.fault("margin_daily_e8", "is not above 0")
    late = rule.action in (Action.CAP_LINE, Action.ADD_MARGIN, Action.FLAG)
    if late and rule.stage is Stage.ELIGIBILITY:
        raise table.fault(
            "action", "has no effect before the score; eligibility declines or refers"
        )


def _card(table: Table, shapes: dict[str, Shape]) -> Scorecard:
    """Return the card: written out in the document, or of a model."""
    model = table.table_if_any("model")
    if model is None:
        return _scorecard(table.table("scorecard"), shapes)
    if table.table_if_any("scorecard") is not None:
        raise table.fault("scorecard", "stands beside a model; a policy has one of both")
    return read_model(model, shapes)


def _scorecard(table: Table, shapes: dict[str, Shape]) -> Scorecard:
    card = Scorecard(
        base_points=table.integer("base_points"),
        characteristics=tuple(
            _characteristic(item, shapes) for item in table.tables("characteristics")
        ),
    )
    table.finish()
    return card


def _characteristic(table: Table, shapes: dict[str, Shape]) -> Characteristic:
    item = Characteristic(
        feature=_integer_feature(table, "feature", shapes),
        edges=table.integers("edges"),
        points=table.integers("points"),
        points_unknown=table.integer("points_unknown"),
        reason=table.text("reason"),
        reason_unknown=table.text("reason_unknown"),
    )
    table.finish()
    if item.feature == AGE:
        raise table.fault("feature", "is the age, on which nobody is scored")
    if any(low >= high for low, high in pairwise(item.edges)):
        raise table.fault("edges", "does not ascend")
    if len(item.points) != len(item.edges) + 1:
        raise table.fault("points", "has not one number more than edges")
    if len(item.edges) > EDGES_MAX:
        raise table.fault("edges", f"has {len(item.edges):,} entries; {EDGES_MAX} are allowed")
    return item


def _grade(table: Table) -> Grade:
    grade = Grade(
        code=table.text("code"),
        points_min=table.integer_or_none("points_min"),
        pd_ppm_max=table.integer_or_none("pd_ppm_max"),
        rate_daily_e8=table.integer("rate_daily_e8"),
        rates_daily_e8=table.integers_by_key_if_any("rates_daily_e8"),
        tenor_months_max=table.integer("tenor_months_max"),
        limits_minor=table.integers_by_key("limits_minor"),
        limits_grown_minor=table.integers_by_key_if_any("limits_grown_minor"),
    )
    table.finish()
    return grade


def _capacity(table: Table, shapes: dict[str, Shape]) -> Capacity:
    capacity = Capacity(
        income_feature=_integer_feature(table, "income_feature", shapes),
        debt_feature=_integer_feature(table, "debt_feature", shapes),
        share_percent=table.integer("share_percent"),
        months=table.integer("months"),
    )
    table.finish()
    if not 0 < capacity.share_percent <= _WHOLE_PERCENT or capacity.months <= 0:
        raise table.fault("share_percent", "and months are above 0, the share at most 100")
    return capacity


def _integer_feature(table: Table, key: str, shapes: dict[str, Shape]) -> str:
    name = table.text(key)
    if name not in shapes or shapes[name].type is not ValueType.INTEGER:
        raise table.fault(key, "is not a declared feature of integers")
    return name
