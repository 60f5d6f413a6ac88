"""Repaying: what is due, any amount, or all of it; what it pays for stands there before.

Nothing here takes money: the customer's bank does. Where no bank is joined a sandbox plays the
payment; elsewhere the page says how to pay, and the payment shows when it has come in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.journeys.borrowing.quote import payoff_quote
from counterfoil.journeys.borrowing.repay import repay
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.loan import Loan, due_minor, plan
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.owing import if_paid
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.loans import parts_shown
from counterfoil.portal.transfer import TransferView, transfer_view
from counterfoil.portal.visit import Visit

_STEP: Final = "step"
_CHANNEL: Final = "portal"
_SANDBOX: Final = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepayView:
    """The form: how much."""

    form: Form
    #: Value, words and amount of each choice.
    choices: Sequence[tuple[str, str, str]]
    modes: Sequence[tuple[str, str]]
    currency: str
    payoff_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitView:
    """What a payment would pay, shown before it is made."""

    form: Form
    values: Sequence[tuple[str, str]]
    amount: str
    parts: Sequence[tuple[str, str]]
    after: Sequence[tuple[str, str]]
    #: Whether it can be confirmed here; otherwise how to pay.
    is_played: bool
    how: str
    transfer: TransferView


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A payment as the form asks for it."""

    amount_minor: int
    mode: Prepayment


async def show(visit: Visit) -> Response:
    """Show what can be paid."""
    loan = await _loan(visit)
    return errors.not_found(visit) if loan is None else await _show_form(visit, loan)


async def submit(visit: Visit) -> Response:
    """Show what a payment pays, or make it."""
    loan = await _loan(visit)
    if loan is None:
        return errors.not_found(visit)
    reader, step = FormReader(visit.values), visit.values.get(_STEP, "")
    today = await visit.house.business_date()
    asked = await _asked(visit, reader, loan, today)
    if asked is None or step == "edit":
        return await _show_form(visit, loan, reader)
    key = reader.idempotency_key()
    if step != "confirm" or key is None or not _is_played(visit):
        return _show_split(visit, loan, asked, today)
    outcome = await repay(
        visit.house,
        customer_id=visit.customer_id,
        line_id=loan.line_id,
        loan_id=loan.loan_id,
        amount_minor=asked.amount_minor,
        currency=loan.currency,
        value_date=None,
        channel=_CHANNEL,
        mode=asked.mode,
        idempotency_key=key,
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show_form(visit, loan, reader)
    return visit.go(f"/loans/{ids.to_text(ids.LOAN, loan.loan_id)}?done=repaid")


async def _show_form(visit: Visit, loan: Loan, reader: FormReader | None = None) -> Response:
    f, t, today = visit.formats, visit.t, await visit.house.business_date()
    terms = visit.desk.terms(loan.product_code, loan.product_version)
    closing = await payoff_quote(visit.house, customer_id=visit.customer_id, loan_id=loan.loan_id)
    unpaid = due_minor(loan, today)
    choices = [("due", t("repay.due"), f.money(unpaid, loan.currency))] if unpaid else []
    if not unpaid and (coming := plan(loan)):
        choices.append(("next", t("repay.next"), f.money(coming[0].due_minor, loan.currency)))
    note = ""
    if not isinstance(closing, Refused):
        choices.append(("all", t("repay.all"), f.money(closing.amount_minor, loan.currency)))
        saved = f.money(closing.interest_saved_minor, loan.currency)
        note = t("repay.payoff_note", day=f.day(closing.on), saved=saved)
    choices.append(("other", t("repay.other"), ""))
    form = visit.form(_path(loan), reader)
    view = RepayView(
        form=form,
        choices=choices,
        modes=[(one.value, visit.word("prepayment", one.value)) for one in terms.prepayments],
        currency=f.currency(loan.currency),
        payoff_note=note,
    )
    title = t("repay.title")
    return visit.page("repay/form.html", title, view, status=422 if form.errors else 200)


def _show_split(visit: Visit, loan: Loan, asked: Asked, today: date) -> Response:
    f, t, currency = visit.formats, visit.t, loan.currency
    terms = visit.desk.terms(loan.product_code, loan.product_version)
    after, parts = if_paid(loan, asked.amount_minor, today, mode=asked.mode, terms=terms)
    left = [(t("loan.left_label"), f.money(after.principal_minor, currency))]
    if after.status == "open" and (coming := plan(after)):
        first = f"{f.money(coming[0].due_minor, currency)} · {f.day(coming[0].due_date)}"
        left.append((t("repay.then"), first))
    elif after.status == "closed":
        left.append((t("repay.then"), t("repay.closes")))
    names = ("choice", "amount", "mode")
    view = SplitView(
        form=visit.form(_path(loan)),
        values=[(name, visit.values.get(name, "")) for name in names],
        amount=f.money(asked.amount_minor, currency),
        parts=parts_shown(visit, parts, currency),
        after=left,
        is_played=_is_played(visit),
        how=t("repay.how", loan=grouped(reference_of(ids.LOAN, loan.loan_id))),
        transfer=transfer_view(
            visit, ids.LOAN, loan.loan_id, lender_id=loan.lender_id, currency=currency
        ),
    )
    return visit.page("repay/split.html", t("repay.split_title"), view)


async def _asked(visit: Visit, reader: FormReader, loan: Loan, today: date) -> Asked | None:
    terms = visit.desk.terms(loan.product_code, loan.product_version)
    mode = reader.choice("mode", [one.value for one in terms.prepayments])
    choice = reader.choice("choice", ("due", "next", "all", "other"))
    amount_minor: int | None = None
    if choice == "other":
        amount_minor = reader.amount_minor("amount", loan.currency)
    elif choice == "due":
        amount_minor = due_minor(loan, today)
    elif choice == "next":
        amount_minor = next((row.due_minor for row in plan(loan)), None)
    elif choice == "all":
        closing = await payoff_quote(
            visit.house, customer_id=visit.customer_id, loan_id=loan.loan_id
        )
        amount_minor = None if isinstance(closing, Refused) else closing.amount_minor
    if mode is None or not reader.is_valid:
        return None
    if not amount_minor:
        reader.refuse("choice", "repay.nothing_of_it")
        return None
    return Asked(amount_minor=amount_minor, mode=Prepayment(mode))


def _is_played(visit: Visit) -> bool:
    return bool(visit.house.settings.environment == _SANDBOX)


async def _loan(visit: Visit) -> Loan | None:
    number = visit.number(ids.LOAN)
    if number is None:
        return None
    async with visit.reading() as connection:
        loan = await store.read_loan(connection, visit.customer_id, number)
    return loan if loan is not None and loan.status == "open" else None


def _path(loan: Loan) -> str:
    return f"/repay/{ids.to_text(ids.LOAN, loan.loan_id)}"


PAGES: Final = (Page(path="/repay/{record}", show=show, submit=submit),)
