"""Purchases: what was bought where, what the lender paid of it, and how to go back on one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.journeys.purchasing import scene_refunds
from counterfoil.journeys.purchasing.scene_deal import Deal, deals_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import purchase_store, store
from counterfoil.lending.loan import Loan
from counterfoil.lending.scene import CASH
from counterfoil.lending.scene_purchase import (
    Cause,
    claim_minor,
    last_day_of_cooling_off,
    payable_minor,
)
from counterfoil.lending.terms import Terms
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import LOAN_TONES

_LINES_SHOWN: Final = 20
_BY: Final = "customer:portal"
_PPM_OF_PERCENT: Final = 10_000
_TONES: Final = {"waiting": "warn", "paid": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRow:
    """One purchase of the list."""

    href: str
    merchant: str
    scene: str
    price: str
    note: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasesView:
    """A customer's purchases, the newest first."""

    rows: Sequence[PurchaseRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRow:
    """A loan that paid for the purchase."""

    record: str
    href: str
    amount: str
    status: Status
    #: Until when it can be taken back, and what that costs; empty where it cannot.
    cooling_off: str
    can_withdraw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseView:
    """One purchase."""

    status: Status
    merchant: str
    price: str
    paid: str
    facts: Sequence[tuple[str, str]]
    loans: Sequence[LoanRow]
    #: Where what may be paid now is drawn; empty where nothing may.
    pay_href: str
    payable: str
    #: What the merchant owes back and until when; empty where nothing was claimed.
    claim: str
    #: What giving it up would bring back; empty where that is nothing, or it can be taken back.
    cancel: str
    form: Form
    done: str


def record_of(deal: Deal) -> str:
    """Return a purchase's number as text."""
    return ids.to_text(ids.PURCHASE, deal.state.purchase.purchase_id)


async def payable_deals(visit: Visit, terms: Terms) -> list[Deal] | None:
    """Return purchases that wait to be paid on a line; None where the line lends cash."""
    if CASH in terms.scenes:
        return None
    async with visit.reading() as connection:
        deals = await deals_of(connection, visit.house.catalogue.scenes, visit.customer_id)
    return [
        deal
        for deal in deals
        if deal.scene.code in terms.scenes and payable_minor(deal.scene, deal.state)
    ]


async def show_list(visit: Visit) -> Response:
    """Show all purchases."""
    async with visit.reading() as connection:
        deals = await deals_of(connection, visit.house.catalogue.scenes, visit.customer_id)
    view = PurchasesView(rows=[_row(visit, deal) for deal in reversed(deals)])
    return visit.page("purchases/list.html", visit.t("purchase.list_title"), view)


async def show(visit: Visit) -> Response:
    """Show one purchase."""
    return await _show(visit)


async def act(visit: Visit) -> Response:
    """Go back on what a loan paid for, or give the purchase up."""
    number = visit.number(ids.PURCHASE)
    if number is None:
        return errors.not_found(visit)
    reader, what = FormReader(visit.values), visit.values.get("act", "")
    outcome: object
    if what == "withdraw":
        try:
            loan_id = ids.from_text(ids.LOAN, visit.values.get("loan", ""))
        except ids.InvalidIdError:
            return errors.not_found(visit)
        outcome = await scene_refunds.withdraw(
            visit.house, customer_id=visit.customer_id, loan_id=loan_id, by=_BY
        )
    elif what == "cancel":
        outcome = await scene_refunds.cancel(
            visit.house, customer_id=visit.customer_id, purchase_id=number, by=_BY
        )
    else:
        return await _show(visit)
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader)
    done = "purchase_withdrawn" if what == "withdraw" else "purchase_cancelled"
    return visit.go(f"/purchases/{visit.request.path_params['record']}?done={done}")


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    number = visit.number(ids.PURCHASE)
    if not number:
        return errors.not_found(visit)
    today = await visit.house.business_date()
    async with visit.reading() as connection:
        found = await deals_of(
            connection, visit.house.catalogue.scenes, visit.customer_id, purchase_id=number
        )
        if not found:
            return errors.not_found(visit)
        [deal] = found
        loans = await purchase_store.loans_of_purchase(connection, visit.customer_id, number)
        withdrawn = {
            loan.loan_id
            for loan in loans
            if await purchase_store.read_withdrawal(connection, visit.customer_id, loan.loan_id)
        }
        lines = await store.read_lines_after(
            connection, customer_id=visit.customer_id, status="active", page=_LINES_SHOWN
        )
    rows = [_loan_row(visit, deal, loan, withdrawn, today) for loan in loans]
    f, purchase = visit.formats, deal.state.purchase
    left = payable_minor(deal.scene, deal.state)
    line = next(
        (
            one
            for one in lines
            if purchase.scene in visit.desk.terms(one.product_code, one.product_version).scenes
        ),
        None,
    )
    view = PurchaseView(
        status=_status(visit, deal),
        merchant=deal.payee.name,
        price=f.money(purchase.price_minor, purchase.currency),
        paid=f.money(deal.state.paid_minor, purchase.currency),
        facts=_facts(visit, deal),
        loans=rows,
        pay_href=""
        if line is None or not left
        else f"/portal/draw/{ids.to_text(ids.LINE, line.line_id)}?purchase={record_of(deal)}",
        payable=f.money(left, purchase.currency),
        claim=_claim(visit, deal),
        cancel="" if any(row.can_withdraw for row in rows) else _cancel(visit, deal),
        form=visit.form(f"/purchases/{record_of(deal)}", reader),
        done=visit.done("purchase_withdrawn") or visit.done("purchase_cancelled"),
    )
    status = 422 if reader and reader.errors else 200
    return visit.page("purchases/purchase.html", deal.payee.name, view, status=status)


def _row(visit: Visit, deal: Deal) -> PurchaseRow:
    f, purchase = visit.formats, deal.state.purchase
    return PurchaseRow(
        href=f"/portal/purchases/{record_of(deal)}",
        merchant=deal.payee.name,
        scene=_scene(visit, deal),
        price=f.money(purchase.price_minor, purchase.currency),
        note=visit.t("purchase.paid", amount=f.money(deal.state.paid_minor, purchase.currency)),
        status=_status(visit, deal),
    )


def _status(visit: Visit, deal: Deal) -> Status:
    code = "over" if deal.state.is_over else "paid"
    if code == "paid" and payable_minor(deal.scene, deal.state):
        code = "waiting"
    return visit.status("purchase_state", code, _TONES)


def _scene(visit: Visit, deal: Deal) -> str:
    return deal.scene.name_zh if visit.catalogue.language == "zh-CN" else deal.scene.name_en


def _facts(visit: Visit, deal: Deal) -> list[tuple[str, str]]:
    f, t, purchase = visit.formats, visit.t, deal.state.purchase
    facts = [
        (t("purchase.scene"), _scene(visit, deal)),
        (t("purchase.payee"), f"{deal.payee.name} · {deal.payee.payee_ref}"),
        (t("purchase.number"), f.record(ids.PURCHASE, purchase.purchase_id)),
    ]
    if purchase.course_from is not None and purchase.course_until is not None:
        days = f"{f.day(purchase.course_from)} – {f.day(purchase.course_until)}"
        facts.append((t("purchase.days"), days))
    if deal.scene.is_staged or deal.state.progress_ppm:
        facts.append((t("purchase.given"), _percent(deal.state.progress_ppm)))
    if deal.state.refunded_minor:
        amount = f.money(deal.state.refunded_minor, purchase.currency)
        facts.append((t("purchase.refunded"), amount))
    return facts


def _loan_row(visit: Visit, deal: Deal, loan: Loan, withdrawn: set[int], today: date) -> LoanRow:
    last = None
    if loan.start_date is not None:
        last = last_day_of_cooling_off(deal.scene, loan.start_date)
    is_in_time = last is not None and today <= last and loan.status == "open"
    text = ""
    if loan.loan_id in withdrawn:
        text = visit.t("purchase.taken_back")
    elif is_in_time and last is not None:
        text = visit.t("purchase.cooling_off", day=visit.formats.day(last))
    return LoanRow(
        record=ids.to_text(ids.LOAN, loan.loan_id),
        href=f"/portal/loans/{ids.to_text(ids.LOAN, loan.loan_id)}",
        amount=visit.formats.money(loan.original_minor, loan.currency),
        status=visit.status("loan_status", loan.status, LOAN_TONES),
        cooling_off=text,
        can_withdraw=is_in_time and loan.loan_id not in withdrawn,
    )


def _claim(visit: Visit, deal: Deal) -> str:
    state, f = deal.state, visit.formats
    if state.claim_due_on is None or not state.claimed_minor:
        return ""
    amount = f.money(state.claim_left_minor, state.purchase.currency)
    return visit.t("purchase.claim", amount=amount, day=f.day(state.claim_due_on))


def _cancel(visit: Visit, deal: Deal) -> str:
    # Where it brings nothing back there is nothing to gain by it.
    if deal.state.is_over or not claim_minor(deal.scene, deal.state, Cause.CANCELLATION):
        return ""
    percent = _percent(deal.scene.cancelled_refund_ppm)
    return visit.t("purchase.cancel_note", percent=percent, days=deal.scene.refund_days)


def _percent(ppm: int) -> str:
    """Return a share for people; shares of scenes are whole percents."""
    return f"{ppm // _PPM_OF_PERCENT} %"


PAGES: Final = (
    Page(path="/purchases", show=show_list),
    Page(path="/purchases/{record}", show=show, submit=act),
)
