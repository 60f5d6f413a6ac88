"""Who the guard against too much debt runs for, and for what: an application, a higher limit.

Proposal    What would be added if it were granted: the most that is asked for or that the product
            gives, at the dearest price, over the longest tenor. The guard never hopes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from counterfoil.capacity.guard import Occasion, Proposal
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.expression import Value
from counterfoil.journeys.house import House

Facts = Mapping[str, Value | None]


DAYS_A_YEAR: Final = 365


#: Longest time over which a debt is looked at when nothing is asked for.
_MONTHS_DEFAULT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Somebody for whom the guard runs."""

    customer_id: int
    occasion: Occasion
    licence: str
    currency: str
    #: What it runs for: an application, a request, a line; None at a review of the person.
    subject_id: int | None = None
    #: None where nothing would be added.
    proposal: Proposal | None = None
    #: The line that a higher limit or a drawdown is on.
    line_id: int | None = None
    #: What the applicant says with the question.
    facts: Facts | None = None


def application_case(
    house: House, asked: Asked, facts: Facts, *, customer_id: int, application_id: int | None
) -> Case:
    """Return the case of an application for a line."""
    most = asked.limit_max_minor
    return Case(
        customer_id=customer_id,
        occasion=Occasion.APPLICATION,
        licence=_licence(house, asked),
        currency=asked.currency,
        subject_id=application_id,
        proposal=Proposal(
            amount_minor=most if asked.requested_minor is None else asked.requested_minor,
            limit_minor=0,
            owed_minor=0,
            rate_cap_annual_e8=asked.rate_daily_max_e8 * DAYS_A_YEAR,
            months=max(asked.tenors_months, default=_MONTHS_DEFAULT),
        ),
        facts=facts,
    )


def increase_case(
    house: House,
    asked: Asked,
    facts: Facts,
    *,
    customer_id: int,
    line_id: int,
    request_id: int | None,
) -> Case:
    """Return the case of a higher limit; what stands on the line is added when it is looked at."""
    case = application_case(house, asked, facts, customer_id=customer_id, application_id=request_id)
    return replace(case, occasion=Occasion.INCREASE, line_id=line_id)


def _licence(house: House, asked: Asked) -> str:
    return house.catalogue.terms(asked.product_code, asked.product_version).licence
