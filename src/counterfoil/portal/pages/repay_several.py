"""Repaying several loans at once: which of them, how much, in which order; the split stands before.

What is shown is the decision itself, made on what is stored and thrown away; confirming books the
same. No loan that was left out gets anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from counterfoil.journeys.borrowing.repay import repay
from counterfoil.journeys.borrowing.settle_loans import preview_repayment
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.commands import Repay
from counterfoil.lending.loan import Loan, Parts, due_minor, payoff_minor
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.origin import SANDBOX
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.loans import LOANS_SHOWN, parts_shown
from counterfoil.portal.transfer import TransferView, transfer_view
from counterfoil.portal.visit import Visit

_CHANNEL: Final = "portal"
_ORDERS: Final = ("legal", "as_named")
_FIELD: Final = "loan_"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanChoice:
    """A loan that can be ticked."""

    field: str
    name: str
    owed: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralView:
    """The form: which loans, how much, in which order."""

    form: Form
    #: How the whole line is repaid by one transfer.
    transfer: TransferView
    loans: Sequence[LoanChoice]
    choices: Sequence[tuple[str, str]]
    orders: Sequence[tuple[str, str]]
    modes: Sequence[tuple[str, str]]
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanShare:
    """What one loan gets, and what is left of it."""

    name: str
    parts: Sequence[tuple[str, str]]
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesView:
    """What a payment would pay, loan by loan, shown before it is made."""

    form: Form
    values: Sequence[tuple[str, str]]
    amount: str
    shares: Sequence[LoanShare]
    #: What no loan asks for; empty where there is nothing of it.
    excess: str
    is_played: bool
    how: str


async def show(visit: Visit) -> Response:
    """Show the loans of a line that can be paid."""
    loans = await _loans(visit)
    return errors.not_found(visit) if not loans else await _show_form(visit, loans)


async def submit(visit: Visit) -> Response:
    """Show what each loan gets, or make the payment."""
    loans = await _loans(visit)
    if not loans:
        return errors.not_found(visit)
    reader, step = FormReader(visit.values), visit.values.get("step", "")
    today = await visit.house.business_date()
    asked = _asked(visit, reader, loans, today)
    if asked is None or step == "edit":
        return await _show_form(visit, loans, reader)
    key = reader.idempotency_key()
    if step != "confirm" or key is None or not _is_played(visit):
        return await _show_shares(visit, loans, asked, reader)
    outcome = await repay(
        visit.house,
        customer_id=asked.customer_id,
        line_id=asked.line_id,
        loan_id=None,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        value_date=None,
        channel=_CHANNEL,
        mode=asked.mode,
        loan_ids=asked.loan_ids,
        is_in_named_order=asked.is_in_named_order,
        idempotency_key=key,
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show_form(visit, loans, reader)
    return visit.go(f"/loans/{ids.to_text(ids.LOAN, asked.loan_ids[0])}?done=repaid")


async def _show_form(
    visit: Visit, loans: Sequence[Loan], reader: FormReader | None = None
) -> Response:
    f, t, today = visit.formats, visit.t, await visit.house.business_date()
    currency = loans[0].currency
    form = visit.form(_path(loans[0]), reader)
    view = SeveralView(
        form=form,
        transfer=transfer_view(
            visit, ids.LINE, loans[0].line_id, lender_id=loans[0].lender_id, currency=currency
        ),
        loans=[
            LoanChoice(
                field=_field(loan),
                name=_name(visit, loan),
                owed=f.money(payoff_minor(loan, today), currency),
                is_chosen=bool(form.values.get(_field(loan))),
            )
            for loan in loans
        ],
        choices=[
            ("due", t("several.due")),
            ("all", t("several.all")),
            ("other", t("repay.other")),
        ],
        orders=[(one, visit.word("loan_order", one)) for one in _ORDERS],
        modes=[(one, visit.word("prepayment", one)) for one in _modes(visit, loans)],
        currency=f.currency(currency),
    )
    status = 422 if form.errors else 200
    return visit.page("repay/several.html", t("several.title"), view, status=status)


async def _show_shares(
    visit: Visit, loans: Sequence[Loan], asked: Repay, reader: FormReader
) -> Response:
    found = await preview_repayment(visit.house, asked)
    if isinstance(found, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(found))
        return await _show_form(visit, loans, reader)
    f, t = visit.formats, visit.t
    excess = found["excess_minor"]
    left = {one["loan_id"]: one for one in found["loans"]}
    names = {ids.to_text(ids.LOAN, loan.loan_id): _name(visit, loan) for loan in loans}
    kept = ("choice", "amount", "mode", "order", *(_field(loan) for loan in loans))
    view = SharesView(
        form=visit.form(_path(loans[0])),
        values=[(name, visit.values[name]) for name in kept if visit.values.get(name)],
        amount=f.money(asked.amount_minor, asked.currency),
        shares=[
            LoanShare(
                name=names[one["loan_id"]],
                parts=_parts(visit, one, asked.currency),
                after=_left(visit, left[one["loan_id"]], asked.currency),
            )
            for one in found["allocations"]
        ],
        excess=f.money(excess, asked.currency) if excess else "",
        is_played=_is_played(visit),
        how=t("several.how", loans=_references(asked.loan_ids)),
    )
    return visit.page("repay/shares.html", t("repay.split_title"), view)


def _asked(visit: Visit, reader: FormReader, loans: Sequence[Loan], today: date) -> Repay | None:
    """Return the payment that the form asks for, on the loans that are ticked."""
    chosen = [loan for loan in loans if visit.values.get(_field(loan))]
    mode = reader.choice("mode", _modes(visit, loans))
    order = reader.choice("order", _ORDERS)
    choice = reader.choice("choice", ("due", "all", "other"))
    if not chosen:
        reader.refuse("loans", "several.none_chosen")
    currency = loans[0].currency
    amount_minor: int | None = 0
    if choice == "other":
        amount_minor = reader.amount_minor("amount", currency)
    elif choice == "due":
        amount_minor = sum(due_minor(loan, today) for loan in chosen)
    elif choice == "all":
        amount_minor = sum(payoff_minor(loan, today) for loan in chosen)
    if mode is None or order is None or not reader.is_valid:
        return None
    if not amount_minor:
        reader.refuse("choice", "repay.nothing_of_it")
        return None
    return Repay(
        customer_id=visit.customer_id,
        line_id=loans[0].line_id,
        loan_id=None,
        amount_minor=amount_minor,
        currency=currency,
        value_date=None,
        mode=Prepayment(mode),
        channel=_CHANNEL,
        loan_ids=tuple(loan.loan_id for loan in chosen),
        is_in_named_order=order == "as_named",
    )


def _parts(visit: Visit, share: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    parts = Parts(
        principal_minor=share["principal_minor"],
        interest_minor=share["interest_minor"],
        penalty_minor=share["penalty_minor"],
        excess_minor=0,
        fee_minor=share["fee_minor"],
        guarantee_minor=share["guarantee_minor"],
    )
    return parts_shown(visit, parts, currency)


def _left(visit: Visit, loan: Mapping[str, Any], currency: str) -> str:
    if loan["status"] == "closed":
        return visit.t("repay.closes")
    return visit.t("several.left", amount=visit.formats.money(loan["principal_minor"], currency))


def _modes(visit: Visit, loans: Sequence[Loan]) -> list[str]:
    """Return the ways of prepaying that all loans offer."""
    offered = [
        visit.desk.terms(loan.product_code, loan.product_version).prepayments for loan in loans
    ]
    return [one.value for one in offered[0] if all(one in terms for terms in offered)]


def _name(visit: Visit, loan: Loan) -> str:
    amount = visit.formats.money(loan.original_minor, loan.currency)
    return f"{visit.t('loan.title', amount=amount)} · {visit.formats.day(loan.start_date)}"


def _field(loan: Loan) -> str:
    return _FIELD + ids.to_text(ids.LOAN, loan.loan_id)


def _references(loan_ids: Sequence[int]) -> str:
    """Return what a transfer names for each loan: one reference stands for one loan."""
    return ", ".join(grouped(reference_of(ids.LOAN, number)) for number in loan_ids)


def _is_played(visit: Visit) -> bool:
    return bool(visit.house.settings.environment == SANDBOX)


async def _loans(visit: Visit) -> list[Loan]:
    """Return the open loans of the customer's line, in the order in which they were drawn."""
    number = visit.number(ids.LINE)
    if number is None:
        return []
    async with visit.reading() as connection:
        return await store.read_loans_after(
            connection,
            customer_id=visit.customer_id,
            line_id=number,
            status="open",
            page=LOANS_SHOWN,
        )


def _path(loan: Loan) -> str:
    return f"/repay-several/{ids.to_text(ids.LINE, loan.line_id)}"


PAGES: Final = (Page(path="/repay-several/{record}", show=show, submit=submit),)
