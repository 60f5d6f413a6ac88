"""Applying: which products there are and what they cost, and the form of the one chosen.

Form      What was stated before stands there to be confirmed; what identity, bureau and books say
          is not asked. A form is kept as far as it is filled in, also where something is wrong.
Nothing   of it decides, asks a bureau, or commits to anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning.draft_store import Draft
from counterfoil.decisioning.expression import Value
from counterfoil.journeys.applying import apply_form, draft
from counterfoil.journeys.applying.apply_form import Offered
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import E8, to_major_text
from counterfoil.lending.terms import Terms
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.facts import FactField, fact_field, fact_text, field_name, read_facts
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.draw import PURPOSES
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

_LATER: Final = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCard:
    """One product with what it would cost."""

    code: str
    name: str
    what: str
    annual_cost: str
    example: str
    facts: Sequence[tuple[str, str]]
    #: What can be done: the words, and where.
    action: str
    href: str
    #: What runs already; empty where nothing does.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsView:
    """What can be applied for."""

    cards: Sequence[ProductCard]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyView:
    """The form of one product."""

    form: Form
    product: str
    amount_label: str
    bounds: str
    purposes: Sequence[tuple[str, str]]
    #: What was stated before and is confirmed, and what nobody has said yet.
    known: Sequence[FactField]
    open: Sequence[FactField]
    #: The same with one question at a time.
    steps_href: str


async def show_products(visit: Visit) -> Response:
    """Show what can be applied for."""
    found = await apply_form.offered_products(visit.house, visit.customer_id)
    view = ProductsView(cards=[_card(visit, one) for one in found], done=visit.done("draft_kept"))
    return visit.page("apply/products.html", visit.t("apply.title"), view)


async def show_form(visit: Visit) -> Response:
    """Show the form of a product as far as it is filled in."""
    found = await chosen(visit)
    if found is None:
        return errors.not_found(visit)
    if visit.plain_pages and not visit.request.query_params.get("all"):
        return visit.go(f"/apply/{found.terms.code}/steps")
    return await _show(visit, found)


async def keep_form(visit: Visit) -> Response:
    """Keep the form; go on, or leave it for later."""
    found = await chosen(visit)
    if found is None:
        return errors.not_found(visit)
    terms, reader = found.terms, FormReader(visit.values)
    is_later = visit.values.get("step") == _LATER
    asked = draft.asked_of_customer(visit.house)
    has_amount = bool(visit.values.get("amount", "").strip())
    amount_minor = reader.amount_minor("amount", terms.currency) if has_amount else None
    has_purpose = bool(visit.values.get("purpose", "").strip())
    needs_purpose = has_purpose or not is_later
    purpose = reader.choice("purpose", purposes_of(terms)) if needs_purpose else None
    stated = read_facts(reader, asked, terms.currency)
    kept = await draft.save_draft(
        visit.house,
        Draft(requested_minor=amount_minor, purpose=purpose, facts=stated),
        customer_id=visit.customer_id,
        product_code=terms.code,
    )
    if isinstance(kept, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(kept))
    if reader.errors:
        return await _show(visit, found, reader)
    return visit.go("/apply?done=draft_kept" if is_later else f"/apply/{terms.code}/review")


async def chosen(visit: Visit) -> Offered | None:
    """Return the product that the address names, where the customer may apply for it now."""
    code = visit.request.path_params["record"]
    found = await apply_form.offered_products(visit.house, visit.customer_id)
    return next((one for one in found if one.terms.code == code and not runs_already(one)), None)


def runs_already(offered: Offered) -> bool:
    """Return whether there is nothing to apply for: a line, or an application on its way."""
    return offered.line is not None or offered.application is not None


def purposes_of(terms: Terms) -> list[str]:
    """Return what a line of a product may be applied for."""
    return [code for code in PURPOSES if code not in terms.purposes_banned]


async def _show(visit: Visit, found: Offered, reader: FormReader | None = None) -> Response:
    f, t, terms = visit.formats, visit.t, found.terms
    kept = await draft.read_form(
        visit.house, customer_id=visit.customer_id, product_code=terms.code
    )
    if isinstance(kept, Refused):
        return errors.refused(visit, kept)
    known, open_, initial = [], [], _typed(terms, kept.draft)
    for feature in draft.asked_of_customer(visit.house):
        stated = kept.known.get(feature.name)
        value: Value | None = kept.draft.facts.get(feature.name)
        if stated is None:
            open_.append(fact_field(visit, feature, terms.currency))
        else:
            value = stated.value if value is None else value
            hint = t("apply.stated_on", day=f.day_of(stated.stated_at))
            known.append(fact_field(visit, feature, terms.currency, hint=hint))
        initial[field_name(feature)] = fact_text(feature, value, terms.currency)
    view = ApplyView(
        form=visit.form(f"/apply/{terms.code}", reader, **initial),
        product=product_name(visit, terms.code),
        amount_label=t("apply.amount", currency=f.currency(terms.currency)),
        bounds=t(
            "apply.bounds",
            least=f.money(terms.limit_minor_min, terms.currency),
            most=f.money(terms.limit_minor_max, terms.currency),
        ),
        purposes=[(code, visit.word("purpose", code)) for code in purposes_of(terms)],
        known=known,
        open=open_,
        steps_href=f"/portal/apply/{terms.code}/steps",
    )
    status = 422 if view.form.errors else 200
    return visit.page("apply/form.html", t("apply.form_title"), view, status=status)


def _typed(terms: Terms, kept: Draft) -> dict[str, str]:
    """Return what a kept form says besides facts, as it is typed."""
    amount = kept.requested_minor
    return {
        "amount": "" if amount is None else to_major_text(amount, terms.currency),
        "purpose": kept.purpose or "",
    }


def _card(visit: Visit, offered: Offered) -> ProductCard:
    f, t, terms = visit.formats, visit.t, offered.terms
    action, href, note = t("apply.begin"), f"/portal/apply/{terms.code}", ""
    if offered.is_begun:
        action, note = t("apply.go_on"), t("apply.begun")
    if offered.application is not None:
        record = ids.to_text(ids.APPLICATION, offered.application.application_id)
        action, href = t("apply.see"), f"/portal/applications/{record}"
        note = t("apply.applied")
    elif offered.line is not None:
        record = ids.to_text(ids.LINE, offered.line.line_id)
        action, href, note = t("apply.see"), f"/portal/limits/{record}", t("apply.have_line")
    return ProductCard(
        code=terms.code,
        name=product_name(visit, terms.code),
        what=t(
            "apply.what",
            most=f.money(terms.limit_minor_max, terms.currency),
            tenor=max(terms.tenors_months),
            months=terms.line_valid_months,
        ),
        facts=_facts(visit, terms),
        action=action,
        href=href,
        note=note,
        **_example(visit, offered),
    )


def _example(visit: Visit, offered: Offered) -> Mapping[str, str]:
    f, priced = visit.formats, offered.example
    if priced is None:
        return {"annual_cost": "", "example": ""}
    sheet = priced.sheet
    example = visit.t(
        "apply.example",
        amount=f.money(sheet.principal_minor, sheet.currency),
        tenor=sheet.tenor_months,
        total=f.money(sheet.total_minor, sheet.currency),
        cost=f.money(sheet.cost_minor, sheet.currency),
    )
    return {"annual_cost": f.percent(sheet.rate_annual_effective_e8, E8), "example": example}


def _facts(visit: Visit, terms: Terms) -> list[tuple[str, str]]:
    f, t = visit.formats, visit.t
    is_chinese = visit.catalogue.language == "zh-CN"
    lender = terms.lender_name_zh if is_chinese else terms.lender_name_en
    daily = f"{f.rate(terms.rate_daily_e8_min)} – {f.rate(terms.rate_daily_e8_max)}"
    reported = "apply.reported_yes" if terms.reported_to_bureau else "apply.reported_no"
    return [
        (t("apply.lender"), lender or terms.lender_id),
        (t("apply.daily"), daily),
        (t("apply.tenors"), t("draw.months", count=" · ".join(map(str, terms.tenors_months)))),
        (t("apply.reported"), t(reported)),
    ]


PAGES: Final = (
    Page(path="/apply", show=show_products, act="apply"),
    Page(path="/apply/{record}", show=show_form, submit=keep_form, act="apply"),
)
