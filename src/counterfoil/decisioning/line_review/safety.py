"""What no experiment on lines may try: a looser rule of law, ceiling, consent or notice.

Method      As for applications (`experiment_safety.py`): a variant is held against its champion,
            part by part. Rules of law, and rules that guard against too much debt, stand in it word
            for word with what they read; more such rules may be added.
Ceilings    The highest limit that is offered, and how far and how often one goes up, may be lower,
            never higher. Product and licence bound each offer besides.
Contact     A customer is told of a decrease no later than the champion tells, and whoever may be
            suspended can come back as the champion lets them.
"""

from collections.abc import Iterator
from typing import Final

from counterfoil.decisioning.experiment_safety import DEBT_REASONS, Loosening
from counterfoil.decisioning.expression import features_read
from counterfoil.decisioning.line_review.policy import ReviewPolicy, ReviewRule
from counterfoil.decisioning.policy_parts import RuleClass

_RULE_PARTS: Final = ("rule_class", "when", "measure", "on_unknown", "days", "percent", "cells")
_RAISE_PARTS: Final = ("step_percent_max", "cells_max", "per_year_max", "total_cap_minor")
_FEATURE_PARTS: Final = ("source", "legal_basis", "consent_purpose", "licence")


def loosened_review(champion: ReviewPolicy, variant: ReviewPolicy) -> list[Loosening]:
    """Return everything in which a variant is looser than its champion; empty if nothing is."""
    return [
        *_looser_rules(champion, variant),
        *_looser_terms(champion, variant),
        *_other_sources(champion, variant),
    ]


def _is_protected(rule: ReviewRule) -> bool:
    return rule.rule_class is RuleClass.LAW or rule.reason in DEBT_REASONS


def _looser_rules(champion: ReviewPolicy, variant: ReviewPolicy) -> Iterator[Loosening]:
    kept = {rule.code: rule for rule in variant.rules}
    mine = {item.name: item for item in variant.features}
    theirs = {item.name: item for item in champion.features}
    for rule in champion.rules:
        if not _is_protected(rule):
            continue
        place, found = f"rules[{rule.code}]", kept.get(rule.code)
        if found is None:
            yield Loosening(place, "is missing; the champion has it")
            continue
        for part in _RULE_PARTS:
            if getattr(found, part) != getattr(rule, part):
                yield Loosening(f"{place}.{part}", "is not the champion's")
        for name in features_read(rule.when):
            if mine.get(name) != theirs.get(name):
                yield Loosening(f"features[{name}]", f"is not the champion's; {rule.code} reads it")


def _looser_terms(champion: ReviewPolicy, variant: ReviewPolicy) -> Iterator[Loosening]:
    if variant.currency != champion.currency:
        yield Loosening("currency", f"is {variant.currency}; the champion's is {champion.currency}")
    for part in _RAISE_PARTS:
        most = getattr(champion.raise_terms, part)
        if getattr(variant.raise_terms, part) > most:
            yield Loosening(f"raise.{part}", f"is above {most:,}")
    if variant.raise_terms.wait_days < champion.raise_terms.wait_days:
        yield Loosening("raise.wait_days", f"is below {champion.raise_terms.wait_days}")
    if variant.notice_days < champion.notice_days:
        yield Loosening("notice_days", f"is below {champion.notice_days}")


def _other_sources(champion: ReviewPolicy, variant: ReviewPolicy) -> Iterator[Loosening]:
    if variant.reads_bureau and not champion.reads_bureau:
        yield Loosening("reads_bureau", "is true, and the champion asks nobody")
    theirs = {item.name: item for item in champion.features}
    consented = {item.consent_purpose for item in champion.features if item.consent_purpose}
    for feature in variant.features:
        place = f"features[{feature.name}]"
        if feature.consent_purpose and feature.consent_purpose not in consented:
            reason = f"is {feature.consent_purpose}, under which the champion reads nothing"
            yield Loosening(f"{place}.consent_purpose", reason)
        known = theirs.get(feature.name)
        for part in _FEATURE_PARTS if known is not None else ():
            if getattr(feature, part) != getattr(known, part):
                yield Loosening(f"{place}.{part}", "is not the champion's")
