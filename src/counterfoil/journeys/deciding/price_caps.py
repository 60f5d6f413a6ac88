"""Offers held to what the rule pack of each product allows its lender's licence on a date.

Invariant   A price above the cap is refused, at publication and at each decision; it is never
            lowered to fit. A licence of which no cap is known allows none. Every refusal names the
            rule and the pack.
"""

from collections.abc import Iterator
from datetime import date

from counterfoil.decisioning.gate_impact import Fault
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Action, RuleClass
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.catalogue import Catalogue, UnknownProductError
from counterfoil.lending.price_caps import highest_rate_daily_e8
from counterfoil.lending.refusals import COST_ABOVE_RULE, COST_CAP_UNKNOWN
from counterfoil.lending.terms import Terms

#: The fact by which a policy knows students.
_STUDENT = "is_student"


def rate_daily_e8_most(catalogue: Catalogue, terms: Terms, on: date) -> int:
    """Return the highest daily price of a product on a date: its own bound, or its licence's."""
    most = catalogue.rate_cap_daily_e8(terms, on)
    return 0 if most is None else min(terms.rate_daily_e8_max, most)


def limit_minor_most(catalogue: Catalogue, terms: Terms, on: date) -> int:
    """Return the highest limit of a product on a date: its own bound, or its licence's."""
    most = catalogue.limit_cap_minor(terms, on)
    return terms.limit_minor_max if most is None else min(terms.limit_minor_max, most)


def pack_reference(catalogue: Catalogue, terms: Terms, on: date) -> str | None:
    """Return which version of which pack a decision on a product is made under."""
    pack = catalogue.pack(terms, on)
    return None if pack is None else pack.reference


def refuse_cost(catalogue: Catalogue, terms: Terms, *, annual_e8: int, on: date) -> Refused | None:
    """Refuse a contract whose all-in yearly cost passes the cap of its date, or has no known cap.

    `annual_e8` is the effective yearly rate of the cost sheet, every fee included.
    """
    cap = catalogue.rule(terms, "cost_annual_most", on)
    if cap is None:
        pack = pack_reference(catalogue, terms, on)
        return refuse(COST_CAP_UNKNOWN, licence=terms.licence, on=on.isoformat(), pack=pack)
    if annual_e8 > cap.value:
        return refuse(COST_ABOVE_RULE, rule=cap.rule_id, pack=cap.pack, on=on.isoformat())
    return None


def price_faults(policy: Policy, catalogue: Catalogue, on: date) -> Iterator[Fault]:
    """Yield what of a version the packs of current products forbid: prices, and some people.

    A cell of the price grid is judged with the greatest margin.
    """
    for terms in _current(catalogue, policy.currency, on):
        yield from _cell_faults(policy, catalogue, terms, on)
        yield from _student_faults(policy, catalogue, terms, on)


def _cell_faults(policy: Policy, catalogue: Catalogue, terms: Terms, on: date) -> Iterator[Fault]:
    cap = catalogue.rule(terms, "cost_annual_most", on)
    if cap is None:
        reason = f"no cap is known for a {terms.licence} on {on}, the licence of {terms.code}"
        yield Fault("policy.grades", reason)
        return
    margin = max((rule.margin_daily_e8 or 0 for rule in policy.rules), default=0)
    most = highest_rate_daily_e8(cap.value)
    for grade in policy.grades:
        tenors = (*terms.tenors_months, *grade.tenors_priced)
        prices = (
            rate
            for segment in policy.segments
            for rate in (grade.rate_of(segment.code), *grade.rates_of(segment.code, tenors))
        )
        dearest = max(prices) + margin
        if dearest > most and any(grade.limits_minor.values()):
            yield Fault(
                f"policy.grades[{grade.code}].rate_daily_e8",
                f"reaches {dearest:,} with margins; the licence of {terms.code}, a "
                f"{terms.licence}, allows {most:,} on {on} by {cap.cited}",
            )


def _student_faults(
    policy: Policy, catalogue: Catalogue, terms: Terms, on: date
) -> Iterator[Fault]:
    """Yield a fault where the licence forbids lending to students and no rule of law declines."""
    rule = catalogue.rule(terms, "student_limit_most", on)
    if rule is None or rule.value > 0:
        return
    declines = any(
        item.rule_class is RuleClass.LAW
        and item.action is Action.DECLINE
        and item.on_unknown is not Action.IGNORE
        and not item.segments
        and policy.sources_of(item) == (_STUDENT,)
        for item in policy.rules
    )
    if not declines:
        yield Fault(
            "policy.rules",
            f"have no rule of law that declines {_STUDENT}; a {terms.licence}, the licence of "
            f"{terms.code}, does not lend to students by {rule.cited}",
        )


def _current(catalogue: Catalogue, currency: str, on: date) -> Iterator[Terms]:
    for code in sorted({terms.code for terms in catalogue.all() if terms.currency == currency}):
        try:
            yield catalogue.current(code, on)
        except UnknownProductError:
            continue
