"""What applying for a line asks of a customer: a product, what it would cost, and which consents.

Products    Those that are offered on the business date; one for invited customers is shown to those
            who are invited.
Consents    One notice for each purpose and recipient, each asked by itself. What was agreed to and
            still allows a use is not asked again.
Example     What an agreement shows: what costs most of an offer, worked out by the loan's own plan.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.consents.consent import Consent
from counterfoil.consents.giving import day_of
from counterfoil.consents.notice import Notice
from counterfoil.decisioning import draft_store
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.journeys.applying.gather import needs_bureau
from counterfoil.journeys.consenting.consent import usable_consents
from counterfoil.journeys.contracting.contract_words import Offer, example_drawdown
from counterfoil.journeys.hosting.invite import refuse_uninvited
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.lending.account import Setting
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.line import Line
from counterfoil.lending.quote import Priced
from counterfoil.lending.terms import Terms

#: The consent to ask the bureau before an application is decided.
INQUIRY: Final = "inquiry-origination"
#: The consent to tell the bureau of a line and its loans.
REPORTING: Final = "reporting"
#: What may be agreed to besides; other consents are asked where their data is handed in.
OPTIONAL: Final = ("inquiry-review", "improvement", "marketing")
#: A product's example: this much, or the most that it gives at once.
_EXAMPLE_MINOR: Final = 1_000_000
_LINES_READ: Final = 50
_CLOSED: Final = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A product that a customer may apply for."""

    terms: Terms
    #: At its dearest price; None where the product cannot be priced.
    example: Priced | None
    #: What runs already; None where nothing does.
    application: Application | None
    line: Line | None
    #: Whether a form has been begun.
    is_begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A notice that is asked before an application, and the consent that there is already."""

    notice: Notice
    consent: Consent | None


async def offered_products(house: House, customer_id: int) -> list[Offered]:
    """Return what a customer may apply for on the business date, by the products' codes."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        applications = await decisions.read_applications_of(connection, customer_id)
        lines = await lending.read_lines_after(
            connection, customer_id=customer_id, page=_LINES_READ
        )
    found = []
    for code in sorted({terms.code for terms in house.catalogue.all()}):
        try:
            terms = house.catalogue.current(code, on)
        except UnknownProductError:
            continue
        if await refuse_uninvited(house, customer_id, code, on=on):
            continue
        priced = product_example(house, terms, on)
        async with house.database.connection() as connection:
            draft = await draft_store.read_draft(
                connection, customer_id=customer_id, product_code=code
            )
        running = (one for one in applications if one.product_code == code and one.is_open)
        living = (one for one in lines if one.product_code == code and one.status != _CLOSED)
        found.append(
            Offered(
                terms=terms,
                example=None if isinstance(priced, Refused) else priced,
                application=next(running, None),
                line=next(living, None),
                is_begun=draft.saved_at is not None,
            )
        )
    return found


def product_example(house: House, terms: Terms, on: date) -> Priced | Refused:
    """Return what a drawing costs at the product's dearest price, over its longest tenor."""
    return example_of_price(
        house,
        terms,
        on,
        limit_minor=min(_EXAMPLE_MINOR, terms.limit_minor_max),
        rate_daily_e8=terms.rate_daily_e8_max,
        tenors_months=terms.tenors_months,
    )


def example_of_price(
    house: House,
    terms: Terms,
    on: date,
    *,
    limit_minor: int,
    rate_daily_e8: int,
    tenors_months: Collection[int],
) -> Priced | Refused:
    """Return what drawing a limit, or the most at once, costs at a price over the longest tenor."""
    offer = Offer(
        # Nobody's: an example says nothing about a customer.
        customer_id=0,
        application_id=0,
        limit_minor=limit_minor,
        rate_daily_e8=rate_daily_e8,
        tenors_months=tuple(tenors_months),
        valid_until=on,
    )
    return example_drawdown(offer, Setting(terms, on, house.clock.now(), house.ids))


async def notices_needed(house: House, customer_id: int, terms: Terms) -> list[Asked]:
    """Return what has to be agreed to before an application for a product is decided."""
    codes = []
    if needs_bureau(house, house.policies.origination.policy):
        codes.append(INQUIRY)
    if terms.reported_to_bureau:
        codes.append(REPORTING)
    day = day_of(house.leaves.now())
    current = [house.notices.current(code, day) for code in codes]
    return await _asked(house, customer_id, [one for one in current if one is not None])


async def notices_offered(house: House, customer_id: int) -> list[Asked]:
    """Return what a customer may agree to besides, and nothing hangs on."""
    found = [house.notices.current(code, day_of(house.leaves.now())) for code in OPTIONAL]
    optional = [one for one in found if one is not None and one.is_optional]
    return await _asked(house, customer_id, optional)


async def _asked(house: House, customer_id: int, notices: Sequence[Notice]) -> list[Asked]:
    found = []
    async with house.database.connection() as connection:
        for notice in notices:
            scope = notice.scope
            usable = await usable_consents(
                house,
                connection,
                customer_id,
                purpose=scope.purpose,
                recipient=house.notices.party(scope.recipient).legal_id,
            )
            found.append(Asked(notice=notice, consent=next(iter(usable), None)))
    return found
