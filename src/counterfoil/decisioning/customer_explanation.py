"""What a customer is told of a decision: outcome, reasons, data, price, and what can be done.

Faithful    Everything follows from the record: which rules spoke, which features lost points and
            in which order, what bound the limit. A reason that the record does not hold is not
            said, and none of them is a phrase that would fit every case.
Withheld    Thresholds, points and codes of rules. Rules against fraud show one neutral text and
            no data: what they watch for is not told to whom they watch for.
Unknown     What was not known is said to be not known, never as zero. A rule that spoke only
            because it could not be judged says what was missing, not what it would have found.
Follows     Personal Information Protection Law, Art. 24; 12 CFR 1002.9(b)(2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from counterfoil.decisioning.customer_words import (
    BOUND,
    CORRECT,
    HELP_HIGHER,
    HELP_LOWER,
    HELP_OTHER,
    HELP_UNKNOWN,
    HOUSE_REASONS,
    NOT_KNOWN,
    OUTCOMES,
    PRICE_BEST,
    PRICE_GRADE,
    PRICE_MARGIN,
    PRICE_STANDARD,
    SOURCE_NAMES,
    Both,
)
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.honouring import STANDARD_OFFERED
from counterfoil.decisioning.policy import OF_SEGMENT, Policy
from counterfoil.decisioning.policy_parts import Action, Rule, RuleClass
from counterfoil.decisioning.scorecard import Characteristic


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """One thing that was read about the customer and that counted."""

    name: str
    label: Both
    #: None where it was not known.
    value: int | bool | str | None
    unit: str
    source: str
    source_label: Both
    #: How it can be put right where it is wrong.
    correct: Both


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReason:
    """One reason, the data that it rests on, and what would help."""

    code: str
    text: Both
    #: Names among the data.
    because: tuple[str, ...]
    #: Empty where nothing that the customer does would change it.
    helps: tuple[Both, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPrice:
    """Why the price is what it is."""

    rate_daily_e8: int
    text: Both
    #: Names among the data that held the grade down, the greatest loss first.
    because: tuple[str, ...]
    #: The daily price of each tenor in months, 1e-8; empty where all cost the same.
    by_tenor: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerExplanation:
    """A decision in the customer's words, Chinese and English."""

    outcome: str
    text: Both
    by_person: bool
    reasons: tuple[ToldReason, ...]
    data: tuple[Datum, ...]
    limit_minor: int
    limit_text: Both | None
    price: ToldPrice | None
    policy_version: str


class Loss(NamedTuple):
    """Points that one feature lost, as the record holds them."""

    feature: str
    code: str
    points: int
    helps: Both


def explain_to_customer(
    policy: Policy,
    inputs: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    outcome: str,
    by_person: bool,
) -> CustomerExplanation:
    """Return what a customer is told of a recorded decision, and of nothing else."""
    lost = losses(policy, result)
    reasons = _reasons(policy, inputs, result, lost)
    limit_minor = result["limit_minor"] if outcome == "approved" else 0
    price = _price(policy, result, lost) if limit_minor else None
    names = dict.fromkeys(name for reason in reasons for name in reason.because)
    names |= dict.fromkeys(price.because if price else ())
    declared = {feature.name: feature for feature in policy.features}
    return CustomerExplanation(
        outcome=outcome,
        text=OUTCOMES[outcome],
        by_person=by_person,
        reasons=reasons,
        data=tuple(datum_of(declared[name], inputs["features"]) for name in names),
        limit_minor=limit_minor,
        limit_text=_limit_text(policy, result) if limit_minor else None,
        price=price,
        policy_version=result["policy_version"],
    )


def reason_texts(
    policy: Policy, inputs: Mapping[str, Any], result: Mapping[str, Any]
) -> tuple[Both, ...]:
    """Return the words that a customer reads for the reasons of a recorded decision, in order.

    A reason that neither policy nor house have words for is left out.
    """
    known = [code for code in result["reasons"] if code in policy.reasons or code in HOUSE_REASONS]
    told = _reasons(policy, inputs, {**result, "reasons": known}, losses(policy, result))
    return tuple(dict.fromkeys(reason.text for reason in told))


#: Beyond every loss that is known: without the value there is no score at all.
_UNKNOWN_LOSS: Final = 2**62


def losses(policy: Policy, result: Mapping[str, Any]) -> tuple[Loss, ...]:
    """Return what held the recorded score down, the greatest loss first; the card's own order."""
    card = {item.feature: item for item in policy.scorecard.characteristics}
    found = [
        (_UNKNOWN_LOSS if points is None else card[name].loss(points), name, bin_no)
        for name, bin_no, points in result["contributions"]
        if name in card
    ]
    ranked = sorted((item for item in found if item[0] > 0), key=lambda item: -item[0])
    return tuple(
        Loss(
            feature=name,
            code=card[name].reason_unknown if bin_no is None else card[name].reason,
            points=points,
            helps=_helps(card[name], bin_no),
        )
        for points, name, bin_no in ranked
    )


def _helps(item: Characteristic, bin_no: int | None) -> Both:
    """Return which way a value would have to move for the points to be better."""
    if bin_no is None:
        return HELP_UNKNOWN
    if item.categories:
        return HELP_OTHER
    best = item.points.index(item.points_best)
    return HELP_HIGHER if best > bin_no else HELP_LOWER


def _reasons(
    policy: Policy,
    inputs: Mapping[str, Any],
    result: Mapping[str, Any],
    lost: Sequence[Loss],
) -> tuple[ToldReason, ...]:
    told = (_reason(policy, result, code, lost) for code in result["reasons"])
    return tuple(_if_known(policy, inputs["features"], result, reason, lost) for reason in told)


def _if_known(
    policy: Policy,
    values: Mapping[str, Any],
    result: Mapping[str, Any],
    reason: ToldReason,
    lost: Sequence[Loss],
) -> ToldReason:
    """Return a reason as it is, or what was missing where only the unknown stands behind it."""
    verdicts = result["verdicts"]
    rules = [rule for rule in _acting(policy, result) if rule.reason == reason.code]
    is_found = any(Verdict(verdicts[rule.code]) is Verdict.TRUE for rule in rules)
    if not rules or is_found or any(loss.code == reason.code for loss in lost):
        return reason
    labels = {feature.name: feature for feature in policy.features}
    missing = [labels[name] for name in reason.because if values.get(name) is None]
    if not missing:
        return reason
    return replace(
        reason,
        text=Both(
            NOT_KNOWN.zh.format(factors="、".join(one.name_zh for one in missing)),
            NOT_KNOWN.en.format(factors=", ".join(one.name_en for one in missing)),
        ),
        helps=tuple(_named(HELP_UNKNOWN, one) for one in missing if one.source in _CHANGES),
    )


def _reason(
    policy: Policy, result: Mapping[str, Any], code: str, lost: Sequence[Loss]
) -> ToldReason:
    rules = [rule for rule in _acting(policy, result) if rule.reason == code]
    if any(rule.rule_class is RuleClass.FRAUD for rule in rules):
        return ToldReason(code=code, text=_text(policy, code), because=(), helps=())
    own = [loss for loss in lost if loss.code == code]
    bound = _bound_features(policy, result, code)
    because = dict.fromkeys(
        [
            *(name for rule in rules for name in policy.sources_of(rule)),
            *(loss.feature for loss in own),
            *bound,
        ]
    )
    labels = {feature.name: feature for feature in policy.features}
    helps = [_named(loss.helps, labels[loss.feature]) for loss in own if loss.feature in labels]
    if not helps:
        changing = [labels[name] for name in because if labels[name].source in _CHANGES]
        helps = [_named(HELP_OTHER, feature) for feature in changing]
    known = tuple(name for name in because if name in labels)
    return ToldReason(code=code, text=_text(policy, code), because=known, helps=tuple(helps))


#: Sources of what a customer can change; an age cannot be.
_CHANGES: Final = frozenset(
    {"applicant", "application", "bureau", "own_behaviour", "recorded_history", "transactions"}
)


def _acting(policy: Policy, result: Mapping[str, Any]) -> Iterable[Rule]:
    """Return the rules that did something in the record."""
    verdicts = result["verdicts"]
    suppressed = {
        item.partition(":")[2] for item in result.get("guarded", ()) if item.startswith("snooze:")
    }
    for rule in policy.rules:
        verdict = Verdict(verdicts.get(rule.code, Verdict.FALSE))
        if verdict is Verdict.FALSE or rule.code in suppressed:
            continue
        if rule.action_on(verdict) is not Action.IGNORE:
            yield rule


def _bound_features(policy: Policy, result: Mapping[str, Any], code: str) -> tuple[str, ...]:
    """Return what a reason about the limit rests on beside rules and points."""
    if result["binding"] == "capacity" and code == policy.bound_reasons["capacity"]:
        return (policy.capacity.income_feature, policy.capacity.debt_feature)
    return ()


def _limit_text(policy: Policy, result: Mapping[str, Any]) -> Both:
    binding = result["binding"]
    if binding in BOUND:
        return BOUND[binding]
    if binding in OF_SEGMENT:
        segment = next(item for item in policy.segments if item.code == result["segment"])
        return _text(policy, segment.reason or policy.bound_reasons[binding])
    if binding in policy.bound_reasons:
        return _text(policy, policy.bound_reasons[binding])
    rule = next((rule for rule in policy.rules if rule.code == binding), None)
    return BOUND["other"] if rule is None else _text(policy, rule.reason)


def _price(policy: Policy, result: Mapping[str, Any], lost: Sequence[Loss]) -> ToldPrice | None:
    if result["rate_daily_e8"] is None:
        return None
    told = _price_told(policy, result, lost)
    rates = result.get("rates_daily_e8", ())
    return replace(told, by_tenor=tuple(zip(result["tenors_months"], rates, strict=bool(rates))))


def _price_told(policy: Policy, result: Mapping[str, Any], lost: Sequence[Loss]) -> ToldPrice:
    rate_daily_e8 = result["rate_daily_e8"]
    if STANDARD_OFFERED in result["flags"]:
        return ToldPrice(rate_daily_e8=rate_daily_e8, text=PRICE_STANDARD, because=())
    raising = [
        rule
        for rule in _acting(policy, result)
        if rule.action is Action.ADD_MARGIN and rule.rule_class is not RuleClass.FRAUD
    ]
    if raising:
        reasons = [_text(policy, rule.reason) for rule in raising]
        text = Both(
            PRICE_MARGIN.zh.format(reasons="；".join(one.zh for one in reasons)),
            PRICE_MARGIN.en.format(reasons="; ".join(one.en for one in reasons)),
        )
        names = dict.fromkeys(name for rule in raising for name in policy.sources_of(rule))
        return ToldPrice(rate_daily_e8=rate_daily_e8, text=text, because=tuple(names))
    labels = {feature.name: feature for feature in policy.features}
    shown = [loss.feature for loss in lost if loss.feature in labels]
    if not shown:
        return ToldPrice(rate_daily_e8=rate_daily_e8, text=PRICE_BEST, because=())
    text = Both(
        PRICE_GRADE.zh.format(factors="、".join(labels[name].name_zh for name in shown)),
        PRICE_GRADE.en.format(factors=", ".join(labels[name].name_en for name in shown)),
    )
    return ToldPrice(rate_daily_e8=rate_daily_e8, text=text, because=tuple(shown))


def datum_of(feature: Feature, values: Mapping[str, Any]) -> Datum:
    """Return one thing that was read, with where it comes from and how to put it right."""
    return Datum(
        name=feature.name,
        label=Both(feature.name_zh, feature.name_en),
        value=values.get(feature.name),
        unit=feature.unit,
        source=feature.source,
        source_label=SOURCE_NAMES[feature.source],
        correct=CORRECT[feature.source],
    )


def _named(text: Both, feature: Feature) -> Both:
    return Both(text.zh.format(factor=feature.name_zh), text.en.format(factor=feature.name_en))


def _text(policy: Policy, code: str) -> Both:
    """Return the policy's own words; the house's for reasons that stand outside every policy."""
    if code in policy.reasons:
        return Both(policy.reasons[code].text_zh, policy.reasons[code].text_en)
    return HOUSE_REASONS[code]
