"""Loans: what is owed and when, what every payment paid, the papers to keep."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.journeys.borrowing.quote import payoff_quote
from counterfoil.journeys.contracting.contract_issue import note_file
from counterfoil.journeys.contracting.loan_note import loan_note
from counterfoil.journeys.purchasing.scene_deal import deal_of_loan
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.loan import Due, Loan, Parts, due_minor, plan
from counterfoil.lending.purchase_store import read_purchases
from counterfoil.lending.store import BookedTransaction
from counterfoil.platform.web.parts import Status
from counterfoil.portal.owing import next_due
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.purchases import record_of
from counterfoil.portal.pages.record import READING
from counterfoil.portal.transfer import TransferView, transfer_view
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import LOAN_TONES, product_name

LOANS_SHOWN: Final = 200
PAYMENTS_SHOWN: Final = 5
_TONES: Final = {"settled": "good", "late": "bad", "due": "warn"}
_PAYOUT_TONES: Final = {"succeeded": "good", "failed": "bad", "unknown": "warn"}
_MS: Final = 1_000
_PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRow:
    """One loan of the list."""

    href: str
    name: str
    original: str
    left: str
    note: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class LoansView:
    """A customer's loans, the running ones first."""

    running: Sequence[LoanRow]
    ended: Sequence[LoanRow]
    has_purchases: bool
    #: Where several loans of one line are paid at once, for each line that has them.
    several: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentRow:
    """One instalment, fallen due or to come."""

    number: str
    day: str
    amount: str
    principal: str
    interest: str
    fee: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """One thing that happened to the loan."""

    day: str
    kind: str
    amount: str
    #: Name and amount of each part that is not nothing.
    parts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView:
    """One loan."""

    record: str
    status: Status
    facts: Sequence[tuple[str, str]]
    #: State of the money on its way; None where it has arrived.
    payout: Status | None
    owed: str
    next_text: str
    is_late: bool
    payoff: str
    saved: str
    currency: str
    rows: Sequence[InstalmentRow]
    payments: Sequence[PaymentRow]
    repay_href: str
    settle_href: str
    transfer: TransferView | None
    note_href: str
    #: What the loan paid for; empty for cash.
    purchase_href: str
    merchant: str
    read: str
    done: str


async def show_list(visit: Visit) -> Response:
    """Show all loans."""
    today = await visit.house.business_date()
    async with visit.reading() as connection:
        loans = await store.read_loans_after(
            connection, customer_id=visit.customer_id, page=LOANS_SHOWN
        )
        bought = await read_purchases(connection, customer_id=visit.customer_id, page=1)
    loans.reverse()
    running = [one for one in loans if one.status in ("open", "pending")]
    ended = [one for one in loans if one.status not in ("open", "pending")]
    view = LoansView(
        running=[_row(visit, loan, today) for loan in running],
        ended=[_row(visit, loan, today) for loan in ended],
        has_purchases=bool(bought),
        several=_lines_of_several(running),
    )
    return visit.page("loans/list.html", visit.t("loan.list_title"), view)


def _lines_of_several(loans: Sequence[Loan]) -> list[str]:
    counts = Counter(loan.line_id for loan in loans if loan.status == "open")
    return [
        f"/portal/repay-several/{ids.to_text(ids.LINE, line)}"
        for line, n in counts.items()
        if n > 1
    ]


async def show_loan(visit: Visit) -> Response:
    """Show one loan."""
    number = visit.number(ids.LOAN)
    if number is None:
        return errors.not_found(visit)
    today = await visit.house.business_date()
    async with visit.reading() as connection:
        loan = await store.read_loan(connection, visit.customer_id, number)
        if loan is None:
            return errors.not_found(visit)
        dues = await store.read_instalments(connection, visit.customer_id, number)
        history = await store.read_history(connection, visit.customer_id, number)
        payouts = await READING.payouts_of_loan.fetch(
            connection, customer_id=visit.customer_id, loan_id=number, page=PAYMENTS_SHOWN
        )
        deal = await deal_of_loan(
            connection, visit.house.catalogue.scenes, visit.customer_id, number
        )
    payoff = await payoff_quote(visit.house, customer_id=visit.customer_id, loan_id=number)
    f, record = visit.formats, ids.to_text(ids.LOAN, number)
    due = next_due(loan, today) if loan.status == "open" else None
    closing = None if isinstance(payoff, Refused) else payoff
    out = [row["status"] for row in payouts if row["direction"] == "out"]
    view = LoanView(
        record=record,
        status=visit.status("loan_status", loan.status, LOAN_TONES),
        facts=_facts(visit, loan),
        payout=visit.status("payout", out[0], _PAYOUT_TONES)
        if loan.status == "pending" and out
        else None,
        owed=f.money(due_minor(loan, today), loan.currency) if due else "",
        next_text=visit.t(
            "loan.next", amount=f.money(due.amount_minor, loan.currency), day=f.day(due.day)
        )
        if due
        else "",
        is_late=due is not None and due.days_late > 0,
        payoff=f.money(closing.amount_minor, loan.currency) if closing else "",
        saved=f.money(closing.interest_saved_minor, loan.currency) if closing else "",
        currency=f.currency(loan.currency),
        rows=_schedule(visit, loan, dues, today),
        payments=[_payment(visit, loan, one) for one in reversed(history)],
        repay_href=f"/portal/repay/{record}" if loan.status == "open" else "",
        settle_href=f"/portal/settle/{record}",
        transfer=transfer_view(
            visit, ids.LOAN, number, lender_id=loan.lender_id, currency=loan.currency
        )
        if loan.status == "open"
        else None,
        note_href=f"/portal/loans/{record}/note.pdf" if loan.note_ref else "",
        purchase_href=f"/portal/purchases/{record_of(deal)}" if deal else "",
        merchant=deal.payee.name if deal else "",
        read=""
        if not loan.sheet_read_ms
        else visit.t("loan.sheet_read", seconds=loan.sheet_read_ms // _MS),
        done=visit.done("drawn") or visit.done("merchant_paid") or visit.done("repaid"),
    )
    title = visit.t("loan.title", amount=f.money(loan.original_minor, loan.currency))
    return visit.page("loans/loan.html", title, view)


async def send_note(visit: Visit) -> Response:
    """Send the loan note as a file with the lender's signature."""
    number = visit.number(ids.LOAN)
    if number is None:
        return errors.not_found(visit)
    found = await loan_note(visit.house, customer_id=visit.customer_id, loan_id=number)
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    name = ids.to_text(ids.LOAN, number)
    return pdf_response(await note_file(visit.house, found), name)


def pdf_response(content: bytes, name: str) -> Response:
    """Return a file to keep."""
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"'}
    return Response(content, media_type=_PDF, headers=headers)


def parts_shown(visit: Visit, parts: Parts, currency: str) -> list[tuple[str, str]]:
    """Return the parts of a payment that are not nothing, by name."""
    named = (
        ("principal", parts.principal_minor),
        ("interest", parts.interest_minor),
        ("penalty", parts.penalty_minor),
        ("fee", parts.fee_minor + parts.guarantee_minor),
        ("excess", parts.excess_minor),
    )
    return [
        (visit.word("part", name), visit.formats.money(amount, currency))
        for name, amount in named
        if amount
    ]


def _row(visit: Visit, loan: Loan, today: date) -> LoanRow:
    f = visit.formats
    note = ""
    if loan.status == "open":
        due = next_due(loan, today)
        amount = f.money(due.amount_minor, loan.currency)
        note = visit.t("loan.next", amount=amount, day=f.day(due.day))
    return LoanRow(
        href=f"/portal/loans/{ids.to_text(ids.LOAN, loan.loan_id)}",
        name=product_name(visit, loan.product_code),
        original=f.money(loan.original_minor, loan.currency),
        left=visit.t("loan.left", amount=f.money(loan.principal_minor, loan.currency)),
        note=note or f.day(loan.requested_on),
        status=visit.status("loan_status", loan.status, LOAN_TONES),
    )


def _facts(visit: Visit, loan: Loan) -> list[tuple[str, str]]:
    f, t = visit.formats, visit.t
    return [
        (t("loan.left_label"), f.money(loan.principal_minor, loan.currency)),
        (t("line.rate_annual"), f.rate_annual(loan.rate_daily_e8)),
        (t("draw.tenor"), t("draw.months", count=loan.tenor_months)),
        (t("draw.method"), visit.word("method", loan.method.value)),
        (t("loan.start"), f.day(loan.start_date)),
        (t("loan.maturity"), f.day(loan.maturity_date)),
        (t("draw.purpose"), visit.word("purpose", loan.purpose)),
        (t("loan.number"), f.record(ids.LOAN, loan.loan_id)),
    ]


def _schedule(visit: Visit, loan: Loan, dues: Sequence[Due], today: date) -> list[InstalmentRow]:
    coming = plan(loan) if loan.status == "open" else []
    fallen = [_fallen(visit, loan, due, today) for due in dues]
    f, currency = visit.formats, loan.currency
    return fallen + [
        InstalmentRow(
            number=str(row.instalment_no),
            day=f.day(row.due_date),
            amount=f.amount(row.due_minor, currency),
            principal=f.amount(row.principal_minor, currency),
            interest=f.amount(row.interest_minor, currency),
            fee=f.amount(row.fee_minor, currency) if row.fee_minor else "",
            status=Status(label=visit.t("instalment.planned")),
        )
        for row in coming
    ]


def _fallen(visit: Visit, loan: Loan, due: Due, today: date) -> InstalmentRow:
    f, currency = visit.formats, loan.currency
    fee = due.fee_minor + due.guarantee_minor
    code = "due"
    if due.settled_on is not None:
        code = "settled"
    elif (today - due.due_date).days > loan.grace_days:
        code = "late"
    return InstalmentRow(
        number=str(due.instalment_no),
        day=f.day(due.due_date),
        amount=f.amount(due.principal_minor + due.interest_minor + fee, currency),
        principal=f.amount(due.principal_minor, currency),
        interest=f.amount(due.interest_minor, currency),
        fee=f.amount(fee, currency) if fee else "",
        status=visit.status("instalment", code, _TONES),
    )


def _payment(visit: Visit, loan: Loan, booked: BookedTransaction) -> PaymentRow:
    entry = booked.transaction
    is_payment = entry.kind == "repayment"
    return PaymentRow(
        day=visit.formats.day(entry.value_date),
        kind=visit.word("transaction", entry.kind),
        amount=visit.formats.money(entry.amount_minor, loan.currency),
        parts=parts_shown(visit, entry.parts, loan.currency) if is_payment else (),
    )


PAGES: Final = (
    Page(path="/loans", show=show_list),
    Page(path="/loans/{record}", show=show_loan),
    Page(path="/loans/{record}/note.pdf", show=send_note),
)
