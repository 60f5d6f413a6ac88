"""What no experiment may try: a looser rule of law, cap, ceiling or consent than the champion's.

Method      A variant is held against the version that it is tried against, part by part. Rules of
            law, and rules that guard against too much debt, have to stand in it word for word,
            and so has everything that they read: a rule is loosened as surely by another meaning
            of its features as by another threshold. More such rules may be added.
Ceilings    What an income carries, the yearly price and the most for a kind of customer may be
            lower, never higher.
Consent     A variant reads what its champion reads from the same source, on the same basis, and
            under no consent that the champion does not have.
Contact     No policy says when or how a customer is contacted; a document that tried to would be
            refused by its reader, so that no variant can reach those rules.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from counterfoil.decisioning.expression import features_read, to_json
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Rule, RuleClass

#: Reasons of rules that guard against too much debt, whatever class they were given.
DEBT_REASONS: Final = frozenset({"CAP_DSR", "EXP_TOTAL", "EXP_LENDERS"})


class Loosening(NamedTuple):
    """Where a variant is looser, and how."""

    place: str
    reason: str


class LegalCaps(NamedTuple):
    """What law and licence allow besides what stands in the champion."""

    #: The yearly cap of the lender's licence, 1e-8; None where none is known here.
    rate_annual_max_e8: int | None = None
    #: The most that any product may grant one customer, minor units; None where none is known.
    limit_max_minor: int | None = None


NO_CAPS: Final = LegalCaps()


def loosened(champion: Policy, variant: Policy, caps: LegalCaps = NO_CAPS) -> list[Loosening]:
    """Return everything in which a variant is looser than its champion or the law; empty if not."""
    return [
        *_other_question(champion, variant),
        *_looser_rules(champion, variant),
        *_looser_caps(champion, variant, caps),
        *_other_consents(champion, variant),
    ]


def is_protected(policy: Policy, rule: Rule) -> bool:
    """Tell whether a rule may only be kept: one of law, or one that guards against debt."""
    if rule.rule_class is RuleClass.LAW or rule.reason in DEBT_REASONS:
        return True
    return policy.capacity.debt_feature in policy.sources_of(rule)


def _other_question(champion: Policy, variant: Policy) -> Iterator[Loosening]:
    for part in ("purpose", "currency"):
        mine, theirs = getattr(variant, part), getattr(champion, part)
        if mine != theirs:
            yield Loosening(part, f"is {mine}; the champion's is {theirs}")


def _looser_rules(champion: Policy, variant: Policy) -> Iterator[Loosening]:
    kept = {rule.code: rule for rule in variant.rules}
    for rule in champion.rules:
        if not is_protected(champion, rule):
            continue
        place, mine = f"rules[{rule.code}]", kept.get(rule.code)
        if mine is None:
            yield Loosening(place, "is missing; the champion has it")
            continue
        for part in _RULE_PARTS:
            if getattr(mine, part) != getattr(rule, part):
                yield Loosening(f"{place}.{part}", "is not the champion's")
        yield from _other_meaning(champion, variant, rule)


_RULE_PARTS: Final = (
    *("stage", "rule_class", "when", "action", "on_unknown"),
    *("cap_minor", "margin_daily_e8", "segments"),
)


def _other_meaning(champion: Policy, variant: Policy, rule: Rule) -> Iterator[Loosening]:
    """Return what the rule reads, or whom it is for, that means something else in the variant."""
    theirs = {item.name: item for item in champion.features}
    mine = {item.name: item for item in variant.features}
    for name in champion.sources_of(rule):
        if mine.get(name) != theirs[name]:
            yield Loosening(f"features[{name}]", f"is not the champion's, and {rule.code} reads it")
    for name in _derived_read(champion, rule):
        if _derivation(variant, name) != _derivation(champion, name):
            yield Loosening(f"derived[{name}]", f"is not the champion's, and {rule.code} reads it")
    if rule.segments and _segment_conditions(variant) != _segment_conditions(champion):
        yield Loosening("segments", f"are not the champion's, and {rule.code} is for some")


def _derived_read(policy: Policy, rule: Rule) -> Sequence[str]:
    """Return the derived values that a rule reads, by way of others as well."""
    derived = {item.name: item for item in policy.derived}
    found: dict[str, None] = {}
    waiting = [name for name in features_read(rule.when) if name in derived]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += [read for read in features_read(derived[name].tree) if read in derived]
    return tuple(found)


def _derivation(policy: Policy, name: str) -> object:
    return next((to_json(item.tree) for item in policy.derived if item.name == name), None)


def _segment_conditions(policy: Policy) -> list[tuple[str, object]]:
    return [(item.code, item.when and to_json(item.when)) for item in policy.segments]


def _looser_caps(champion: Policy, variant: Policy, caps: LegalCaps) -> Iterator[Loosening]:
    rate = champion.rate_annual_max_e8
    if caps.rate_annual_max_e8 is not None:
        rate = min(rate, caps.rate_annual_max_e8)
    if variant.rate_annual_max_e8 > rate:
        yield Loosening("rate_annual_max_e8", f"is above {rate:,}")
    most = max(segment.cap_minor for segment in champion.segments)
    if caps.limit_max_minor is not None:
        most = min(most, caps.limit_max_minor)
    for segment in variant.segments:
        if segment.cap_minor > most:
            yield Loosening(f"segments[{segment.code}].cap_minor", f"is above {most:,}")
    mine, theirs = variant.capacity, champion.capacity
    for part in ("income_feature", "debt_feature"):
        if getattr(mine, part) != getattr(theirs, part):
            yield Loosening(f"capacity.{part}", f"is not the champion's {getattr(theirs, part)}")
    if mine.share_percent > theirs.share_percent:
        yield Loosening("capacity.share_percent", f"is above {theirs.share_percent}")
    if mine.months > theirs.months:
        yield Loosening("capacity.months", f"is above {theirs.months}")


def _other_consents(champion: Policy, variant: Policy) -> Iterator[Loosening]:
    theirs = {item.name: item for item in champion.features}
    consented = {item.consent_purpose for item in champion.features if item.consent_purpose}
    for feature in variant.features:
        place = f"features[{feature.name}]"
        if feature.consent_purpose and feature.consent_purpose not in consented:
            reason = f"is {feature.consent_purpose}, under which the champion reads nothing"
            yield Loosening(f"{place}.consent_purpose", reason)
        known = theirs.get(feature.name)
        if known is None:
            continue
        for part in ("source", "legal_basis", "consent_purpose", "licence"):
            if getattr(feature, part) != getattr(known, part):
                yield Loosening(f"{place}.{part}", "is not the champion's")
