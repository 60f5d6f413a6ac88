"""Plain pages: choosing them, and the application form with one question at a time.

Steps       Amount, purpose, then each thing that only the customer can say; what was stated before
            stands there to be confirmed. Each answer is kept as it is given, so that nothing is
            lost by going away, and a question may be left without an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning.draft_store import Draft
from counterfoil.decisioning.feature import Feature
from counterfoil.journeys.applying import draft
from counterfoil.journeys.applying.apply_form import Offered
from counterfoil.journeys.applying.plain_pages import choose_plain
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import to_major_text
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.facts import FactField, fact_field, fact_text, field_name, read_facts
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.apply import chosen, purposes_of
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

_AMOUNT, _PURPOSE = "amount", "purpose"
#: A form has fewer questions than a number of so many digits.
_DIGITS_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One question."""

    form: Form
    product: str
    #: Where in the form this is.
    place: str
    #: `amount`, `purpose` or `fact`.
    kind: str
    label: str
    hint: str
    purposes: Sequence[tuple[str, str]]
    fact: FactField | None
    back_href: str
    all_href: str


async def set_plain(visit: Visit) -> Response:
    """Choose plain pages, or the usual ones."""
    await choose_plain(
        visit.house, visit.customer_id, is_plain=visit.values.get("is_plain") == "yes"
    )
    return visit.go("/")


async def go_home(visit: Visit) -> Response:
    """Nothing is shown at the address of a choice."""
    return visit.go("/")


async def show_step(visit: Visit) -> Response:
    """Show one question of a product's form."""
    found = await chosen(visit)
    return errors.not_found(visit) if found is None else await _show(visit, found)


async def keep_step(visit: Visit) -> Response:
    """Keep the answer and go on to the next question."""
    found = await chosen(visit)
    if found is None:
        return errors.not_found(visit)
    terms, reader, number = found.terms, FormReader(visit.values), _number(visit)
    features = draft.asked_of_customer(visit.house)
    kept = await draft.read_form(
        visit.house, customer_id=visit.customer_id, product_code=terms.code
    )
    if isinstance(kept, Refused):
        return errors.refused(visit, kept)
    answered = _answered(reader, kept.draft, number, features, found)
    if not reader.errors:
        saved = await draft.save_draft(
            visit.house, answered, customer_id=visit.customer_id, product_code=terms.code
        )
        if isinstance(saved, Refused):
            reader.refuse("form", "form.refused", text=visit.refusal(saved))
    if reader.errors:
        return await _show(visit, found, reader)
    if number + 1 >= _steps(features):
        return visit.go(f"/apply/{terms.code}/review")
    return visit.go(f"/apply/{terms.code}/steps?n={number + 1}")


def _answered(
    reader: FormReader, kept: Draft, number: int, features: Sequence[Feature], found: Offered
) -> Draft:
    """Return the form with the answer to one question."""
    currency = found.terms.currency
    if number == 0:
        has_amount = bool(reader.values.get(_AMOUNT, "").strip())
        amount = reader.amount_minor(_AMOUNT, currency) if has_amount else None
        return replace(kept, requested_minor=amount)
    if number == 1:
        return replace(kept, purpose=reader.choice(_PURPOSE, purposes_of(found.terms)))
    feature = features[number - 2]
    others = {name: value for name, value in kept.facts.items() if name != feature.name}
    return replace(kept, facts={**others, **read_facts(reader, [feature], currency)})


async def _show(visit: Visit, found: Offered, reader: FormReader | None = None) -> Response:
    terms, t, f = found.terms, visit.t, visit.formats
    features, number = draft.asked_of_customer(visit.house), _number(visit)
    kept = await draft.read_form(
        visit.house, customer_id=visit.customer_id, product_code=terms.code
    )
    if isinstance(kept, Refused):
        return errors.refused(visit, kept)
    kind, label, hint, fact = (
        _AMOUNT,
        t("apply.amount", currency=f.currency(terms.currency)),
        "",
        None,
    )
    initial: dict[str, str] = {}
    if number == 0:
        amount = kept.draft.requested_minor
        initial[_AMOUNT] = "" if amount is None else to_major_text(amount, terms.currency)
        hint = t(
            "apply.bounds",
            least=f.money(terms.limit_minor_min, terms.currency),
            most=f.money(terms.limit_minor_max, terms.currency),
        )
    elif number == 1:
        kind, label, hint = _PURPOSE, t("draw.purpose"), t("draw.purpose_hint")
        initial[_PURPOSE] = kept.draft.purpose or ""
    else:
        feature = features[number - 2]
        stated = kept.known.get(feature.name)
        value = kept.draft.facts.get(feature.name)
        if value is None and stated is not None:
            value, hint = stated.value, t("apply.stated_on", day=f.day_of(stated.stated_at))
        fact = fact_field(visit, feature, terms.currency, hint=hint)
        kind, label = "fact", fact.label
        initial[field_name(feature)] = fact_text(feature, value, terms.currency)
    path = f"/apply/{terms.code}/steps"
    view = StepView(
        form=visit.form(f"{path}?n={number}", reader, **initial),
        product=product_name(visit, terms.code),
        place=t("plain.place", number=number + 1, count=_steps(features)),
        kind=kind,
        label=label,
        hint=hint,
        purposes=[(code, visit.word("purpose", code)) for code in purposes_of(terms)],
        fact=fact,
        back_href=f"/portal{path}?n={number - 1}" if number else "",
        all_href=f"/portal/apply/{terms.code}?all=1",
    )
    status = 422 if view.form.errors else 200
    return visit.page("apply/step.html", t("apply.form_title"), view, status=status)


def _number(visit: Visit) -> int:
    """Return which question is asked; the first where the address names none."""
    text = visit.request.query_params.get("n", "")
    last = _steps(draft.asked_of_customer(visit.house)) - 1
    return (
        min(int(text), last)
        if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
        else 0
    )


def _steps(features: Sequence[Feature]) -> int:
    return 2 + len(features)


PAGES: Final = (
    Page(path="/plain", show=go_home, submit=set_plain),
    Page(path="/apply/{record}/steps", show=show_step, submit=keep_step, act="apply"),
)
