"""What takes more than one table of a policy's document to see: order, completeness, texts."""

from itertools import pairwise

from counterfoil.decisioning.document_model import PPM
from counterfoil.decisioning.expression import Node, features_read
from counterfoil.decisioning.feature_source import SOURCES, fault_of
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Grade, RuleClass, Stage
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.rule_types import INTEGER_MAX
from counterfoil.kernel.rates import RateDaily, annual_from_daily

BOUNDS = ("grid", "segment", "capacity", "product", "asked", "offer")
#: The greatest score, either way, that a column of 32 bits keeps.
SCORE_MAX = 2**31 - 1
#: The shortest sentence that can be a reason, characters.
SET_ASIDE_REASON_MIN = 10
#: Longest time for which an offer stands.
OFFER_DAYS_MAX = 366
#: Read by segments and rules of eligibility only.
AGE = "age_years"


def check_whole(policy: Policy) -> None:
    """Check what takes more than one table of the document to see."""
    _check_unique(
        "features", [item.name for item in policy.features] + [item.name for item in policy.derived]
    )
    _check_unique("segments", [segment.code for segment in policy.segments])
    _check_unique("rules", [rule.code for rule in policy.rules])
    _check_unique("grades", [grade.code for grade in policy.grades])
    if not 0 < policy.offer_valid_days <= OFFER_DAYS_MAX:
        raise InvalidPolicyError("policy.offer_valid_days", f"lies between 1 and {OFFER_DAYS_MAX}")
    _check_sources(policy)
    _check_age(policy)
    _check_segments(policy)
    _check_segments_of_rules(policy)
    _check_tests(policy)
    _check_set_aside(policy)
    _check_grades(policy)
    _check_prices(policy)
    _check_capacity(policy)
    _check_reasons(policy)


def _check_unique(key: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidPolicyError(f"policy.{key}[{name}]", "stands there twice")
        seen.add(name)


def _check_sources(policy: Policy) -> None:
    for feature in policy.features:
        fault = fault_of(feature, policy.purpose)
        if fault is not None:
            key, reason = fault
            raise InvalidPolicyError(f"policy.features[{feature.name}].{key}", reason)
    late = {item.name for item in policy.features if SOURCES[item.source].is_after_inquiry}
    for rule in policy.rules:
        early = rule.stage is Stage.ELIGIBILITY
        found = sorted(late.intersection(policy.sources_of(rule))) if early else []
        if found:
            raise InvalidPolicyError(
                f"policy.rules[{rule.code}].when",
                f"reads {found[0]}, which is not there before somebody has been asked",
            )


def _check_age(policy: Policy) -> None:
    """Refuse to read the age anywhere but in eligibility and in who belongs to a segment."""
    aged = {AGE}
    for item in policy.derived:
        if aged.intersection(features_read(item.tree)):
            aged.add(item.name)

    def reads_age(node: Node) -> bool:
        return bool(aged.intersection(features_read(node)))

    for rule in policy.rules:
        if rule.stage is not Stage.ELIGIBILITY and reads_age(rule.when):
            raise InvalidPolicyError(
                f"policy.rules[{rule.code}].when", "reads the age, which only eligibility may"
            )
    if policy.growth is not None and reads_age(policy.growth.when):
        raise InvalidPolicyError("policy.growth.when", "reads the age, which only eligibility may")
    for characteristic in policy.scorecard.characteristics:
        if characteristic.feature in aged:
            card = "scorecard" if policy.scorecard.model is None else "model"
            raise InvalidPolicyError(
                f"policy.{card}.characteristics[{characteristic.feature}].feature",
                "is the age, on which nobody is scored",
            )


def _check_segments(policy: Policy) -> None:
    *others, last = policy.segments
    if last.judge is not None or any(segment.judge is None for segment in others):
        raise InvalidPolicyError(
            "policy.segments", "the last segment, and only it, takes everybody else"
        )


def _check_segments_of_rules(policy: Policy) -> None:
    codes = {segment.code for segment in policy.segments}
    for rule in policy.rules:
        if not codes.issuperset(rule.segments):
            raise InvalidPolicyError(
                f"policy.rules[{rule.code}].segments",
                f"names what is no segment; there are {', '.join(sorted(codes))}",
            )


def _check_tests(policy: Policy) -> None:
    codes = {rule.code for rule in policy.rules}
    names = {feature.name: feature for feature in policy.features}
    for number, test in enumerate(policy.tests):
        place = f"policy.tests[{number}]"
        if test.rule not in codes:
            raise InvalidPolicyError(f"{place}.rule", f"{test.rule} is no rule of this policy")
        for name, value in test.given.items():
            if name not in names:
                raise InvalidPolicyError(f"{place}.given.{name}", "is not a declared feature")
            if not names[name].admits(value):
                raise InvalidPolicyError(f"{place}.given.{name}", "has a value it cannot have")


def _check_set_aside(policy: Policy) -> None:
    """Let nothing but the product's own terms of eligibility be set aside, each with a reason."""
    rules = {rule.code: rule for rule in policy.rules}
    for code, reason in policy.set_aside.items():
        place, rule = f"policy.set_aside.{code}", rules.get(code)
        if rule is None:
            raise InvalidPolicyError(place, "is no rule of this policy")
        if rule.stage is not Stage.ELIGIBILITY or rule.rule_class is not RuleClass.PRODUCT:
            raise InvalidPolicyError(
                place, "is no rule of eligibility of class product: whom it declines is compared"
            )
        if len(reason.strip()) < SET_ASIDE_REASON_MIN:
            raise InvalidPolicyError(place, "does not say why, in a sentence")


def _check_grades(policy: Policy) -> None:
    _check_bands(policy)
    codes = {segment.code for segment in policy.segments}
    for grade in policy.grades:
        if set(grade.limits_minor) != codes or min(grade.limits_minor.values()) < 0:
            raise InvalidPolicyError(
                f"policy.grades[{grade.code}].limits_minor", "needs one limit for each segment"
            )
        _check_grown(policy, grade, codes)
    for better, worse in pairwise(policy.grades):
        _check_order(better, worse)
        _check_price_order(better, worse)


def _check_bands(policy: Policy) -> None:
    """Demand a grade for every score: by points, or by what a model says that a score means."""
    card, grades = policy.scorecard, policy.grades
    key, other = (
        ("points_min", "pd_ppm_max") if card.model is None else ("pd_ppm_max", "points_min")
    )
    for grade in grades:
        if getattr(grade, key) is None or getattr(grade, other) is not None:
            kind = "card of points" if card.model is None else "model"
            raise InvalidPolicyError(
                f"policy.grades[{grade.code}].{other}", f"has no place beside a {kind}: {key} has"
            )
    if card.model is not None:
        if grades[-1].pd_ppm_max != PPM:
            raise InvalidPolicyError("policy.grades", f"the last one does not reach {PPM:,} ppm")
        _check_reach(policy)
        return
    lowest = card.base_points + sum(
        min(*item.points, item.points_unknown or 0) for item in card.characteristics
    )
    if (grades[-1].points_min or 0) > lowest:
        raise InvalidPolicyError("policy.grades", f"no grade takes a score of {lowest}")


def _check_reach(policy: Policy) -> None:
    """Refuse a score that could leave the column in which it is kept."""
    card = policy.scorecard
    reach = abs(card.base_points) + sum(
        max(map(abs, (*item.points, item.points_unknown or 0))) for item in card.characteristics
    )
    if reach > SCORE_MAX:
        raise InvalidPolicyError("policy.model", f"can reach a score of {reach:,}")


def _check_grown(policy: Policy, grade: Grade, codes: set[str]) -> None:
    place = f"policy.grades[{grade.code}].limits_grown_minor"
    if set(grade.limits_grown_minor) != (codes if policy.growth is not None else set()):
        raise InvalidPolicyError(
            place, "stands, for each segment, exactly where there is a table growth"
        )
    for code, grown_minor in grade.limits_grown_minor.items():
        if grown_minor < grade.limits_minor[code]:
            raise InvalidPolicyError(f"{place}.{code}", "is below the initial limit")


def _check_prices(policy: Policy) -> None:
    """Hold every price with the greatest margin to the yearly cap."""
    codes = {segment.code for segment in policy.segments}
    margins = [rule.margin_daily_e8 or 0 for rule in policy.rules]
    margin = max(margins, default=0)
    for grade in policy.grades:
        place = f"policy.grades[{grade.code}]"
        if grade.rates_daily_e8 and set(grade.rates_daily_e8) != codes:
            raise InvalidPolicyError(f"{place}.rates_daily_e8", "needs one price for each segment")
        for rate in (grade.rate_daily_e8, *grade.rates_daily_e8.values(), *grade.cells.values()):
            if rate <= 0:
                raise InvalidPolicyError(f"{place}.rate_daily_e8", "is not above 0")
            if annual_from_daily(RateDaily(rate)) > policy.rate_annual_max_e8:
                raise InvalidPolicyError(f"{place}.rate_daily_e8", "passes the yearly cap")
            if annual_from_daily(RateDaily(rate + margin)) > policy.rate_annual_max_e8:
                raise InvalidPolicyError(
                    f"{place}.rate_daily_e8", f"passes the yearly cap with a margin of {margin}"
                )


def _check_capacity(policy: Policy) -> None:
    names = {item.name: item for item in policy.features}
    capacity = policy.capacity
    income, debt = names[capacity.income_feature], names[capacity.debt_feature]
    for key, feature in (("income_feature", income), ("debt_feature", debt)):
        if feature.lowest < 0:
            raise InvalidPolicyError(f"policy.capacity.{key}", "can be below 0")
    if income.highest * max(capacity.share_percent, capacity.months) > INTEGER_MAX:
        raise InvalidPolicyError("policy.capacity", "can reach a number of more than 64 bits")


def _check_order(better: Grade, worse: Grade) -> None:
    place = f"policy.grades[{worse.code}]"
    points = (worse.points_min, better.points_min)
    if points[0] is not None and points[1] is not None and points[0] >= points[1]:
        raise InvalidPolicyError(f"{place}.points_min", "is not below the grade before")
    if worse.pd_ppm_max is not None and worse.pd_ppm_max <= (better.pd_ppm_max or 0):
        raise InvalidPolicyError(f"{place}.pd_ppm_max", "is not above the grade before")
    if worse.tenor_months_max > better.tenor_months_max:
        raise InvalidPolicyError(f"{place}.tenor_months_max", "is above a better grade's")
    for code, limit_minor in worse.limits_minor.items():
        if limit_minor > better.limits_minor[code]:
            raise InvalidPolicyError(f"{place}.limits_minor.{code}", "is above a better grade's")
    for code, limit_minor in worse.limits_grown_minor.items():
        if limit_minor > better.limits_grown_minor[code]:
            raise InvalidPolicyError(
                f"{place}.limits_grown_minor.{code}", "is above a better grade's"
            )


def _check_price_order(better: Grade, worse: Grade) -> None:
    """Refuse a worse grade that gets a better price for the same segment and tenor."""
    tenors = sorted(better.tenors_priced | worse.tenors_priced)
    for code in worse.limits_minor:
        if worse.rate_of(code) < better.rate_of(code):
            place = f"policy.grades[{worse.code}].rate_daily_e8"
            raise InvalidPolicyError(place, "is better than a better grade's")
        for months in tenors:
            if worse.rate_of(code, months) < better.rate_of(code, months):
                place = f"policy.price[{worse.code}]"
                reason = f"for {months} months and {code} is better than a better grade's"
                raise InvalidPolicyError(place, reason)


def _check_reasons(policy: Policy) -> None:
    if set(policy.bound_reasons) != set(BOUNDS):
        raise InvalidPolicyError("policy.bound_reasons", f"needs exactly {', '.join(BOUNDS)}")
    used = {rule.reason for rule in policy.rules} | set(policy.bound_reasons.values())
    used |= {segment.reason for segment in policy.segments if segment.reason is not None}
    for item in policy.scorecard.characteristics:
        used |= {item.reason, item.reason_unknown}
    for code in sorted(used - policy.reasons.keys()):
        raise InvalidPolicyError("policy.reasons", f"has no text for {code}")
    _check_neutral(policy)


def _check_neutral(policy: Policy) -> None:
    """Demand one text for all rules against fraud: what they look at is not told apart."""
    neutral = {rule.reason for rule in policy.rules if rule.rule_class is RuleClass.FRAUD}
    if len(neutral) > 1:
        codes = ", ".join(sorted(neutral))
        raise InvalidPolicyError(
            "policy.rules", f"against fraud share one neutral reason; these have {codes}"
        )
