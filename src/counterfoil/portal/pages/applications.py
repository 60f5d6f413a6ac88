"""One application and what happens next: being looked at, something missing, the offer, its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning import store
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.customer_words import Both
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.review import About
from counterfoil.journeys.applying.apply import withdraw_application
from counterfoil.journeys.applying.apply_form import example_of_price
from counterfoil.journeys.applying.supply import asked_features, supply_facts
from counterfoil.journeys.deciding.explain_decision import Explained, explain_decision
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import E8
from counterfoil.lending.quote import Priced
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.platform.web.parts import Status as Shown
from counterfoil.portal.facts import FactField, fact_field, read_facts
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.decisions import TONES
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

_WITHDRAW: Final = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """What one term costs: an example of the offer."""

    tenor: str
    annual_cost: str
    #: The daily rate, and what is paid in all.
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """An offer: how much, at what price for which term, and why."""

    limit: str
    until: str
    #: The sum that is drawn in the example.
    example: str
    prices: Sequence[PriceRow]
    why: Sequence[str]
    sign_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """One application; forms and addresses are None and empty where there is nothing to do."""

    status: Shown
    #: What is going on, and what comes next.
    text: str
    product: str
    facts: Sequence[tuple[str, str]]
    offer: OfferView | None
    reasons: Sequence[str]
    ask: Form | None
    fields: Sequence[FactField]
    withdraw: Form | None
    #: Words and address of what can be read or done next.
    links: Sequence[tuple[str, str]]


async def show(visit: Visit) -> Response:
    """Show how an application stands."""
    found = await _application(visit)
    return errors.not_found(visit) if found is None else await _show(visit, found)


async def act(visit: Visit) -> Response:
    """State what is asked for, or withdraw."""
    found = await _application(visit)
    if found is None:
        return errors.not_found(visit)
    reader = FormReader(visit.values)
    if visit.values.get("act") == _WITHDRAW:
        outcome = await withdraw_application(
            visit.house, customer_id=visit.customer_id, application_id=found.application_id
        )
    else:
        stated = read_facts(reader, await _asked(visit, found), found.currency)
        if not reader.is_valid:
            return await _show(visit, found, reader)
        outcome = await supply_facts(
            visit.house,
            customer_id=visit.customer_id,
            application_id=found.application_id,
            facts=stated,
        )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, found, reader)
    return visit.go(f"/applications/{ids.to_text(ids.APPLICATION, found.application_id)}")


async def _show(visit: Visit, found: Application, reader: FormReader | None = None) -> Response:
    on, t = await visit.house.business_date(), visit.t
    state, asked = _state(found, on), await _asked(visit, found)
    told = await explain_decision(
        visit.house,
        about=About.APPLICATION,
        customer_id=visit.customer_id,
        subject_id=found.application_id,
    )
    explained = None if isinstance(told, Refused) else told
    form = visit.form(f"/applications/{_record(found)}", reader)
    day = explained.person_by if explained else None
    view = ApplicationView(
        status=visit.status("application_status", "referred" if asked else state, TONES),
        text=t(
            f"application_text.{'asked' if asked else state}",
            day=visit.formats.day(found.valid_until if asked else day or found.valid_until),
        ),
        product=product_name(visit, found.product_code),
        facts=_facts(visit, found),
        offer=_offer(visit, found, explained, on) if state == Status.APPROVED else None,
        reasons=[_said(visit, one.text) for one in explained.told.reasons] if explained else (),
        ask=form if asked else None,
        fields=[fact_field(visit, feature, found.currency) for feature in asked],
        withdraw=form if found.is_open and state is not Status.EXPIRED else None,
        links=_links(visit, found, state, has_reasons=explained is not None),
    )
    status = 422 if form.errors else 200
    return visit.page("apply/application.html", t("application.title"), view, status=status)


def _state(found: Application, on: date) -> Status:
    """Return how an application stands; an offer's time is over with its day, not with a job."""
    waits = found.status is Status.APPROVED or found.is_waiting
    if waits and found.valid_until is not None and found.valid_until < on:
        return Status.EXPIRED
    return found.status


def _facts(visit: Visit, found: Application) -> list[tuple[str, str]]:
    f, t, asked = visit.formats, visit.t, found.requested_minor
    wanted = t("apply.as_much") if asked is None else f.money(asked, found.currency)
    return [
        (t("apply.limit"), wanted),
        (t("apply.purpose"), visit.word("purpose", found.purpose)),
        (t("application.received"), f.instant(found.received_at)),
        (t("application.number"), _record(found)),
    ]


def _links(
    visit: Visit, found: Application, state: Status, *, has_reasons: bool
) -> list[tuple[str, str]]:
    t, record = visit.t, _record(found)
    links = []
    if state in (Status.RECEIVED, Status.GATHERING):
        links.append((t("application.again"), f"/portal/applications/{record}"))
    if found.line_id is not None:
        line = ids.to_text(ids.LINE, found.line_id)
        links.append((t("application.line"), f"/portal/limits/{line}"))
    if has_reasons:
        links.append((t("application.why"), f"/portal/decisions/{record}"))
    if state in (Status.EXPIRED, Status.WITHDRAWN, Status.DECLINED):
        links.append((t("application.anew"), "/portal/apply"))
    return links


def _offer(visit: Visit, found: Application, explained: Explained | None, on: date) -> OfferView:
    f, told = visit.formats, explained.told if explained else None
    texts = [] if told is None else [told.limit_text, told.price.text if told.price else None]
    said = [one.text for one in told.reasons] if told is not None else []
    # What stands among the reasons is not said twice.
    why = [_said(visit, text) for text in texts if text is not None and text not in said]
    by_tenor = told.price.by_tenor if told is not None and told.price is not None else ()
    examples = _examples(visit, found, by_tenor, on)
    return OfferView(
        limit=f.money(found.limit_minor, found.currency),
        until=f.day(found.valid_until),
        example=visit.t(
            "application.example",
            amount=f.money(examples[0][2].sheet.principal_minor, found.currency),
        )
        if examples
        else "",
        prices=[
            PriceRow(
                tenor=visit.t("draw.months", count=tenor),
                annual_cost=f.percent(priced.sheet.rate_annual_effective_e8, E8),
                more=visit.t(
                    "application.more",
                    rate=f.rate(rate),
                    total=f.money(priced.sheet.total_minor, found.currency),
                ),
            )
            for tenor, rate, priced in examples
        ],
        why=why,
        sign_href=f"/portal/contracts/sign/{_record(found)}",
    )


def _examples(
    visit: Visit, found: Application, by_tenor: Sequence[tuple[int, int]], on: date
) -> list[tuple[int, int, Priced]]:
    """Return term, daily price and an example of each term that is offered."""
    assert found.rate_daily_e8 is not None, "an offer has a price"
    assert found.limit_minor is not None, "an offer has a limit"
    terms, rates = visit.desk.terms(found.product_code, found.product_version), dict(by_tenor)
    examples = []
    for tenor in found.tenors_months:
        rate = rates.get(tenor, found.rate_daily_e8)
        priced = example_of_price(
            visit.house,
            terms,
            on,
            limit_minor=found.limit_minor,
            rate_daily_e8=rate,
            tenors_months=(tenor,),
        )
        if not isinstance(priced, Refused):
            examples.append((tenor, rate, priced))
    return examples


async def _asked(visit: Visit, found: Application) -> list[Feature]:
    """Return what the application waits for; nothing once its time is over."""
    on = await visit.house.business_date()
    if not found.is_waiting or _state(found, on) is Status.EXPIRED:
        return []
    return await asked_features(visit.house, found)


async def _application(visit: Visit) -> Application | None:
    number = visit.number(ids.APPLICATION)
    if number is None:
        return None
    async with visit.reading() as connection:
        return await store.read_application(
            connection, customer_id=visit.customer_id, application_id=number
        )


def _record(found: Application) -> str:
    return ids.to_text(ids.APPLICATION, found.application_id)


def _said(visit: Visit, both: Both) -> str:
    return both.zh if visit.catalogue.language == "zh-CN" else both.en


PAGES: Final = (Page(path="/applications/{record}", show=show, submit=act),)
