"""Prices of a policy held to what the licence of each product allows on a date.

Invariant   A price above the cap is refused, at publication and at each decision; it is never
            lowered to fit. A licence of which no cap is known allows none.
"""

from collections.abc import Iterator
from datetime import date

from counterfoil.decisioning.gate_impact import Fault
from counterfoil.decisioning.policy import Policy
from counterfoil.lending.catalogue import Catalogue, UnknownProductError
from counterfoil.lending.terms import Terms


def rate_daily_e8_most(catalogue: Catalogue, terms: Terms, on: date) -> int:
    """Return the highest daily price of a product on a date: its own bound, or its licence's."""
    most = catalogue.rate_cap_daily_e8(terms.licence, on)
    return 0 if most is None else min(terms.rate_daily_e8_max, most)


def price_faults(policy: Policy, catalogue: Catalogue, on: date) -> Iterator[Fault]:
    """Yield the cells of a price grid, greatest margin included, that pass a licence's cap."""
    margin = max((rule.margin_daily_e8 or 0 for rule in policy.rules), default=0)
    for terms in _current(catalogue, policy.currency, on):
        most = catalogue.rate_cap_daily_e8(terms.licence, on)
        if most is None:
            reason = f"no cap is known for a {terms.licence} on {on}, the licence of {terms.code}"
            yield Fault("policy.grades", reason)
            continue
        for grade in policy.grades:
            dearest = max(grade.rate_of(segment.code) for segment in policy.segments) + margin
            if dearest > most and any(grade.limits_minor.values()):
                yield Fault(
                    f"policy.grades[{grade.code}].rate_daily_e8",
                    f"reaches {dearest:,} with margins; the licence of {terms.code}, a "
                    f"{terms.licence}, allows {most:,} on {on}",
                )


def _current(catalogue: Catalogue, currency: str, on: date) -> Iterator[Terms]:
    for code in sorted({terms.code for terms in catalogue.all() if terms.currency == currency}):
        try:
            yield catalogue.current(code, on)
        except UnknownProductError:
            continue
