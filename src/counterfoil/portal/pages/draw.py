"""Drawing money: amount and term, the cost sheet by itself, one last look, the money on its way.

Steps     GET asks for amount, term, purpose and account, or on a line for purchases for what is to
          be paid; its money goes to the merchant. A post with the step `sheet` shows the
          cost sheet and nothing else; `review` shows what is about to be confirmed, once the sheet
          was open long enough; `confirm` draws. Every step quotes again: what is drawn is what
          stands on the page, or nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.journeys.borrowing.drawable import refused_now
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.contracting import sheet_reading as journey
from counterfoil.journeys.contracting.reading_time import end_reading
from counterfoil.journeys.purchasing.scene_deal import Deal
from counterfoil.journeys.serving.bind_account import present_account
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import E8
from counterfoil.lending import store
from counterfoil.lending.line import Line, availability
from counterfoil.lending.quote import Quote
from counterfoil.lending.scene_purchase import payable_minor
from counterfoil.lending.terms import Method, Terms
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.home import price_words
from counterfoil.portal.pages.purchases import payable_deals, record_of
from counterfoil.portal.promotion import PromotionView, promotion_view
from counterfoil.portal.sheet import SheetView, sheet_view
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

#: What a drawdown may be for; a product bans some of them.
PURPOSES: Final = (
    *("daily_consumption", "household", "renovation", "education", "medical", "travel", "other"),
)
_STEP: Final = "step"
_LOANS_READ: Final = 50
_SANDBOX: Final = "sandbox"
_ACCOUNT_LENGTH_MAX: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawView:
    """The form."""

    form: Form
    product: str
    available: str
    bounds: str
    #: All-in yearly cost, and the daily rate next to it.
    annual_cost: str
    rate: str
    currency: str
    tenors: Sequence[tuple[str, str]]
    methods: Sequence[tuple[str, str]]
    purposes: Sequence[tuple[str, str]]
    accounts: Sequence[tuple[str, str]]
    #: Purchases that wait to be paid; None on a line for cash.
    purchases: Sequence[tuple[str, str]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPageView:
    """The cost sheet, by itself."""

    form: Form
    #: What the form carries on.
    values: Sequence[tuple[str, str]]
    sheet: SheetView
    promotion: PromotionView | None
    reading: str
    #: What was too early; empty at first.
    wait: str
    #: Why it cannot be drawn now, whatever it costs; empty where it can.
    not_now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """What is about to be confirmed."""

    form: Form
    values: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    annual_cost: str
    total: str
    note: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing that a form asks for, on the customer's line."""

    line: Line
    terms: Terms
    amount_minor: int
    tenor_months: int
    method: Method
    purpose: str
    payee_ref: str
    #: What is paid for, and who is paid; None for cash.
    deal: Deal | None = None


async def show(visit: Visit) -> Response:
    """Show the form; an amount in the address fills it in."""
    found = await _line(visit)
    if found is None:
        return errors.not_found(visit)
    return await _show_form(visit, found)


async def submit(visit: Visit) -> Response:
    """Go one step on."""
    line = await _line(visit)
    if line is None:
        return errors.not_found(visit)
    reader, step = FormReader(visit.values), visit.values.get(_STEP, "")
    drawing = await _drawing(visit, reader, line)
    if drawing is None or step == "edit":
        return await _show_form(visit, line, reader)
    quoted = await _quote(visit, drawing)
    if isinstance(quoted, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(quoted))
        return await _show_form(visit, line, reader)
    # A repeated confirmation gets its first answer, whatever came in the way since.
    refused = None if step == "confirm" else await refused_now(visit.house, quoted)
    if refused is not None:
        not_now = visit.refusal(refused)
        return _show_sheet(visit, drawing, quoted, ticket="", not_now=not_now)
    if step == "sheet":
        return _show_sheet(visit, drawing, quoted, ticket="")
    ticket = visit.values.get("ticket", "")
    read = end_reading(visit.house, visit.customer_id, journey.text_of(quoted), ticket)
    least = journey.least_seconds(visit.house, quoted.reading_seconds)
    if read is None:
        return _show_sheet(visit, drawing, quoted, ticket="", wait=visit.t("draw.sheet_anew"))
    if read.dwell_ms < least * 1_000:
        wait = visit.t("draw.too_early", count=least - read.dwell_ms // 1_000)
        return _show_sheet(visit, drawing, quoted, ticket=ticket, wait=wait)
    if step == "review":
        return _show_review(visit, drawing, quoted, ticket)
    return await _confirm(visit, reader, drawing, quoted, ticket)


async def _confirm(
    visit: Visit, reader: FormReader, drawing: Drawing, quoted: Quote, ticket: str
) -> Response:
    key = reader.idempotency_key()
    if key is None:
        return _show_review(visit, drawing, quoted, ticket)
    confirmed = journey.Confirmation(
        customer_id=visit.customer_id,
        # Not of the quote that was just made to look: of the sheet that was shown and read.
        quote_token=visit.values.get("token", ""),
        ticket=ticket,
        purpose=drawing.purpose,
        payee_ref=drawing.payee_ref,
    )
    outcome = await journey.draw_as_read(visit.house, confirmed, idempotency_key=key)
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show_form(visit, drawing.line, reader)
    done = "drawn" if drawing.deal is None else "merchant_paid"
    return visit.go(f"/loans/{orjson.loads(outcome.text)['id']}?done={done}")


async def _quote(visit: Visit, drawing: Drawing) -> Quote | Refused:
    return await quote(
        visit.house,
        customer_id=visit.customer_id,
        line_id=drawing.line.line_id,
        amount_minor=drawing.amount_minor,
        currency=drawing.line.currency,
        tenor_months=drawing.tenor_months,
        method=drawing.method,
        purpose=drawing.purpose,
        language=visit.language,
        purchase_id=None if drawing.deal is None else drawing.deal.claim.purchase_id,
    )


async def _show_form(visit: Visit, line: Line, reader: FormReader | None = None) -> Response:
    f, t = visit.formats, visit.t
    terms = visit.desk.terms(line.product_code, line.product_version)
    today = await visit.house.business_date()
    have, (annual_cost, rate) = availability(line, today), price_words(visit, line, today)
    accounts = await _accounts(visit, line)
    waiting = await payable_deals(visit, terms)
    purposes = [code for code in PURPOSES if code not in terms.purposes_banned]
    most = min(have.available_minor, terms.draw_minor_max)
    form = visit.form(
        _path(line),
        reader,
        account=accounts[0][0] if accounts else "",
        purchase=visit.request.query_params.get("purchase", ""),
        amount=visit.request.query_params.get("amount", ""),
    )
    view = DrawView(
        form=form,
        product=product_name(visit, line.product_code),
        available=f.money(have.available_minor, line.currency),
        bounds=t(
            "draw.bounds",
            least=f.money(terms.draw_minor_min, line.currency),
            most=f.money(most, line.currency),
        ),
        annual_cost=annual_cost,
        rate=rate,
        currency=f.currency(line.currency),
        tenors=[(str(n), t("draw.months", count=n)) for n in terms.tenors_months],
        methods=[(one.value, visit.word("method", one.value)) for one in terms.methods],
        purposes=[(code, visit.word("purpose", code)) for code in purposes],
        accounts=accounts,
        purchases=None
        if waiting is None
        else [(record_of(deal), _purchase_words(visit, deal)) for deal in waiting],
    )
    return visit.page("draw/form.html", t("draw.title"), view, status=422 if form.errors else 200)


def _show_sheet(
    visit: Visit,
    drawing: Drawing,
    quoted: Quote,
    *,
    ticket: str,
    wait: str = "",
    not_now: str = "",
) -> Response:
    least = journey.least_seconds(visit.house, quoted.reading_seconds)
    token = visit.values.get("token", "") if ticket else quoted.token
    ticket = ticket or journey.show_sheet(visit.house, quoted)
    document: dict[str, Any] = quoted.sheet.document()
    view = SheetPageView(
        form=visit.form(_path(drawing.line)),
        values=[*_values(visit), ("ticket", ticket), ("token", token)],
        sheet=sheet_view(visit, document, quoted.sheet.sheet_hash.hex()),
        promotion=promotion_view(visit, quoted),
        reading=visit.t("draw.reading", count=least),
        wait=wait,
        not_now=not_now,
    )
    return visit.page("draw/sheet.html", visit.t("draw.sheet_title"), view)


def _show_review(visit: Visit, drawing: Drawing, quoted: Quote, ticket: str) -> Response:
    f, t, sheet = visit.formats, visit.t, quoted.sheet
    row = quoted.rows[0]
    first = f"{f.money(row.due_minor, sheet.currency)} · {f.day(row.due_date)}"
    view = ReviewView(
        form=visit.form(_path(drawing.line)),
        values=[*_values(visit), ("ticket", ticket), ("token", visit.values.get("token", ""))],
        facts=[
            (t("draw.receive"), f.money(sheet.principal_minor, sheet.currency)),
            (t("draw.tenor"), t("draw.months", count=drawing.tenor_months)),
            (t("draw.method"), visit.word("method", drawing.method.value)),
            (t("draw.first"), first),
            (t("draw.purpose"), visit.word("purpose", drawing.purpose)),
            (t("draw.account"), drawing.payee_ref)
            if drawing.deal is None
            else (t("draw.merchant"), f"{drawing.deal.payee.name} · {drawing.payee_ref}"),
        ],
        annual_cost=f.percent(sheet.rate_annual_effective_e8, E8),
        total=f.money(sheet.total_minor, sheet.currency),
        note=quoted.note.text,
        language=visit.catalogue.language,
    )
    return visit.page("draw/review.html", t("draw.review_title"), view)


def _values(visit: Visit) -> list[tuple[str, str]]:
    """Return the fields that a step carries on, as they were typed."""
    names = ("amount", "tenor", "method", "purpose", "account", "purchase")
    return [(name, visit.values.get(name, "")) for name in names]


async def _drawing(visit: Visit, reader: FormReader, line: Line) -> Drawing | None:
    terms = visit.desk.terms(line.product_code, line.product_version)
    amount_minor = reader.amount_minor("amount", line.currency)
    tenor = reader.choice("tenor", [str(n) for n in terms.tenors_months])
    method = reader.choice("method", [one.value for one in terms.methods])
    waiting = await payable_deals(visit, terms)
    deal, purpose, account = None, None, None
    if waiting is not None:
        by_record = {record_of(one): one for one in waiting}
        deal = by_record.get(reader.choice("purchase", list(by_record)) or "")
        purpose, account = (deal.scene.purposes[0], deal.payee.payee_ref) if deal else (None, None)
    else:
        purpose = reader.choice("purpose", PURPOSES)
        account = reader.choice("account", [code for code, _ in await _accounts(visit, line)])
    if amount_minor is None or tenor is None or method is None or not reader.is_valid:
        return None
    assert purpose is not None, "the reader would have said so"
    assert account is not None, "the reader would have said so"
    return Drawing(
        line=line,
        terms=terms,
        amount_minor=amount_minor,
        tenor_months=int(tenor),
        method=Method(method),
        purpose=purpose,
        payee_ref=account[:_ACCOUNT_LENGTH_MAX],
        deal=deal,
    )


def _purchase_words(visit: Visit, deal: Deal) -> str:
    left = payable_minor(deal.scene, deal.state)
    amount = visit.formats.money(left, deal.state.purchase.currency)
    return visit.t("draw.purchase_of", merchant=deal.payee.name, amount=amount)


async def _accounts(visit: Visit, line: Line) -> list[tuple[str, str]]:
    """Return the customer's accounts, the registered one first, then those of earlier loans.

    A sandbox has an account for whoever has none.
    """
    bound = await present_account(visit.house, visit.customer_id)
    async with visit.reading() as connection:
        loans = await store.read_loans_after(
            connection, customer_id=visit.customer_id, page=_LOANS_READ
        )
    known = dict.fromkeys(
        ref for ref in (bound, *(loan.payee_ref for loan in reversed(loans))) if ref
    )
    if not known and visit.house.settings.environment == _SANDBOX:
        known = {f"acct-{ids.to_text(ids.LINE, line.line_id)}": None}
    return [(ref, visit.t("draw.account_of", account=ref)) for ref in known]


async def _line(visit: Visit) -> Line | None:
    number = visit.number(ids.LINE)
    if number is None:
        return None
    async with visit.reading() as connection:
        return await store.read_line(connection, visit.customer_id, number)


def _path(line: Line) -> str:
    return f"/draw/{ids.to_text(ids.LINE, line.line_id)}"


PAGES: Final = (Page(path="/draw/{record}", show=show, submit=submit),)
