"""Loans: the list, and one loan with the story of its transactions and their entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.entries import EntryView, entries_by_transaction, loose_entries
from counterfoil.console.loan_explained import ExplanationView, explanation_view
from counterfoil.console.loan_papers import FeesView, PapersView, fees_view, papers_view
from counterfoil.console.loan_reading import LoanRead, read_loan, read_papers
from counterfoil.console.loan_story import Owed, Story, owed_now, owed_to_close, tell
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import READING
from counterfoil.console.record_list import (
    Filter,
    product_filter,
    read_list,
    show_records,
    status_filter,
)
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.lending.account import Transaction
from counterfoil.lending.loan import Due, Loan
from counterfoil.lending.store import BookedTransaction
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status

#: Farthest day for which a quote is given: later ones would only be wrong.
QUOTE_DAYS_MAX: Final = 60

STATUSES: Final = ("open", "pending", "closed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRow:
    """One loan of a list."""

    href: str
    record: str
    customer_href: str
    customer: str
    product: str
    original: str
    balance: str
    #: Instalments behind it and in all.
    done: int
    of: int
    next_due: str
    days_past_due: str
    is_late: bool
    bucket: Status
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedView:
    """An amount with the parts that add up to it."""

    total: str
    principal: str
    interest: str
    penalty: str
    #: Empty where the loan has no fees.
    fee: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One instalment: owed and paid, part by part."""

    number: str
    due_date: str
    total: str
    principal: str
    principal_paid: str
    interest: str
    interest_paid: str
    fee: str
    fee_paid: str
    balance: str
    status: Status
    is_planned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """What happened once, and what it made in the books."""

    record: str
    value_date: str
    book_date: str
    at: str
    kind: str
    note: str
    amount: str
    principal: str
    interest: str
    penalty: str
    fee: str
    guarantee: str
    excess: str
    entries: Sequence[EntryView]
    #: Where the repayment can be taken back; empty where it cannot.
    reverse_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView:
    """One loan."""

    record: str
    status: Status
    bucket: Status
    facts: Sequence[tuple[str, str, str]]
    currency: str
    owed: OwedView | None
    payoff: OwedView | None
    payoff_on: str
    quote_form: Form
    schedule: Sequence[ScheduleRow]
    no_schedule: tuple[str, str]
    transactions: Sequence[TransactionRow]
    other_entries: Sequence[EntryView]
    fees: FeesView | None
    papers: PapersView
    line_href: str
    explanation: ExplanationView | None
    repay_href: str
    settle_href: str
    why_not_repay: str
    done: str


async def show_list(visit: Visit) -> Response:
    """Show the loans that the address asks for."""
    buckets = [(str(number), name) for number, name in enumerate(words.BUCKETS)]
    found = await read_list(
        visit,
        "loans",
        loan_row,
        number="loan_id",
        sorts=("number", "original", "balance", "next_due", "days_past_due"),
        filters=[
            status_filter(visit, "loan_status", STATUSES),
            product_filter(visit),
            Filter(name="bucket", label=visit.t("loan.bucket"), choices=buckets, is_number=True),
            Filter(
                name="days",
                label=visit.t("loan.days_at_least"),
                is_number=True,
                query="days_least",
            ),
        ],
    )
    return show_records(visit, found, visit.t("nav.loans"), "loans/list.html")


def loan_row(visit: Visit, row: Row) -> LoanRow:
    """Return a loan as a row of a list."""
    f = visit.formats
    late = row["days_past_due"]
    return LoanRow(
        href=words.loan_href(row["customer_id"], row["loan_id"]),
        record=f.record(ids.LOAN, row["loan_id"]),
        customer_href=words.customer_href(row["customer_id"]),
        customer=f.record(ids.CUSTOMER, row["customer_id"]),
        product=words.product_name(visit, row["product_code"]),
        original=f.amount(row["original_minor"], row["currency"]),
        balance=f.amount(row["principal_minor"], row["currency"]),
        done=_done(row),
        of=row["instalments"],
        next_due=f.day(row["next_due_date"]),
        days_past_due=f.count(late or None),
        is_late=late > 0,
        bucket=words.bucket_status(row["bucket"]),
        status=visit.status("loan_status", row["status"], words.LOAN_TONES),
    )


async def show_loan(visit: Visit) -> Response:
    """Show one loan; with `on`, the quote of a later day."""
    found = loan_key(visit)
    if found is None:
        return await errors.not_found(visit)
    customer_id, loan_id = found
    key = {"customer_id": customer_id, "loan_id": loan_id}
    async with visit.reading() as connection:
        row = await READING.loan.fetchrow(connection, **key)
        if row is None:
            return await errors.not_found(visit)
        postings = await READING.postings_of_loan.fetch(connection, **key)
    today = row["business_date"]
    terms = visit.desk.terms(row["product_code"], row["product_version"])
    read = await read_loan(visit, customer_id, loan_id)
    papers = await read_papers(visit, read.loan)
    story = tell(read.loan, read.history, terms, on=today)
    running = story.loan if story is not None and story.loan.status == "open" else None
    quote_on, quote_form = _quote(visit, today)
    record = ids.to_text(ids.LOAN, loan_id)
    view = LoanView(
        record=record,
        status=visit.status("loan_status", row["status"], words.LOAN_TONES),
        bucket=words.bucket_status(row["bucket"]),
        facts=_facts(visit, row),
        currency=visit.formats.currency(row["currency"]),
        owed=_owed(visit, row, owed_now(running, today)) if running else None,
        payoff=_owed(visit, row, owed_to_close(running, quote_on)) if running else None,
        payoff_on=visit.formats.day(quote_on),
        quote_form=quote_form,
        schedule=_schedule(visit, row, read, story),
        no_schedule=_no_schedule(visit, row),
        transactions=_transactions(visit, read, postings),
        other_entries=loose_entries(visit, postings),
        fees=fees_view(visit, read.loan),
        papers=papers_view(visit, read.loan, papers),
        line_href=words.line_href(customer_id, row["line_id"]),
        explanation=explanation_view(visit, row, story, len(read.booked)),
        repay_href=f"{words.loan_href(customer_id, loan_id)}/repay",
        settle_href=(
            f"{words.loan_href(customer_id, loan_id)}/settlement"
            if visit.may(Permission.REPAY)
            else ""
        ),
        why_not_repay=_why_not_repay(visit, row),
        done=done_notice(visit),
    )
    return visit.page(
        "loans/loan.html",
        visit.t("loan.title", record=record),
        view,
        status=400 if quote_form.errors else 200,
        journey="console.reading.loan",
        api_call=f"GET /v1/loans/{record}",
    )


def loan_key(visit: Visit) -> tuple[int, int] | None:
    """Return the customer and the loan of an address, None where it names neither."""
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        return customer_id, ids.from_text(ids.LOAN, params["loan"])
    except ids.InvalidIdError:
        return None


def done_notice(visit: Visit) -> str:
    """Return what a journey did just before, as the redirect told it."""
    key = f"done.{visit.request.query_params.get('done', '')}"
    return visit.t(key) if visit.catalogue.has(key) else ""


def _done(row: Row) -> int:
    return int(row["instalments"] if row["status"] == "closed" else row["instalments_settled"])


def _facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    """Return label, text and address of what is known of the loan."""
    f, t = visit.formats, visit.t
    customer, line = row["customer_id"], row["line_id"]
    return [
        (t("loan.balance"), f.money(row["principal_minor"], row["currency"]), ""),
        (t("loan.original"), f.money(row["original_minor"], row["currency"]), ""),
        (t("line.payment_reference"),
         visit.known_by_all(grouped(reference_of(ids.LOAN, row["loan_id"]))), ""),
        (t("loan.rate_annual"), t("loan.rate_both", annual=f.rate_annual(row["rate_daily_e8"]),
                                  daily=f.rate(row["rate_daily_e8"])), ""),
        (t("loan.product"), words.product_name(visit, row["product_code"]), ""),
        (t("loan.method"), words.code_label(visit, "method", row["method"]), ""),
        (t("loan.tenor"), t("loan.months", count=row["tenor_months"]), ""),
        (t("loan.start"), f.day(row["start_date"]), ""),
        (t("loan.maturity"), f.day(row["maturity_date"]), ""),
        (t("loan.days_past_due"), f.count(row["days_past_due"] or None), ""),
        (t("loan.purpose"), words.code_label(visit, "purpose", row["purpose"]), ""),
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (t("loan.line"), f.record(ids.LINE, line), words.line_href(customer, line)),
    ]  # fmt: skip


def _owed(visit: Visit, row: Row, owed: Owed) -> OwedView:
    f, currency = visit.formats, row["currency"]
    return OwedView(
        total=f.money(owed.total_minor, currency),
        principal=f.amount(owed.principal_minor, currency),
        interest=f.amount(owed.interest_minor, currency),
        penalty=f.amount(owed.penalty_minor, currency),
        fee=f.amount(owed.fee_minor, currency) if owed.fee_minor else "",
    )


def _quote(visit: Visit, today: date) -> tuple[date, Form]:
    """Return the day a quote is asked for: today unless the address says a later one."""
    asked = visit.request.query_params.get("on", "")
    reader = FormReader({"on": asked})
    day = reader.day("on", required=False)
    latest = today + timedelta(days=QUOTE_DAYS_MAX)
    if day is not None and not today <= day <= latest:
        reader.refuse("on", "loan.quote_range", first=today, last=latest)
    form = visit.form(visit.request.url.path, reader, on=asked or today.isoformat())
    return (day or today) if reader.is_valid else today, form


def _schedule(visit: Visit, row: Row, read: LoanRead, story: Story | None) -> list[ScheduleRow]:
    fallen = [_fallen_due(visit, row, due) for due in read.dues]
    if story is None:
        return fallen
    f, currency = visit.formats, row["currency"]
    planned = [
        ScheduleRow(
            number=str(plan.instalment_no),
            due_date=f.day(plan.due_date),
            total=f.amount(plan.due_minor, currency),
            principal=f.amount(plan.principal_minor, currency),
            principal_paid=f.amount(None, currency),
            interest=f.amount(plan.interest_minor, currency),
            interest_paid=f.amount(None, currency),
            fee=f.amount(plan.fee_minor or None, currency),
            fee_paid=f.amount(None, currency),
            balance=f.amount(plan.balance_minor, currency),
            status=Status(label=visit.t("instalment_status.planned")),
            is_planned=True,
        )
        for plan in story.plan
    ]
    return fallen + planned


def _no_schedule(visit: Visit, row: Row) -> tuple[str, str]:
    """Return what stands in the place of a schedule without rows, and what follows from it."""
    if row["status"] == "closed":
        return visit.t("loan.paid_before_due"), visit.t("loan.paid_before_due_next")
    return visit.t("loan.no_schedule"), visit.t("loan.no_schedule_next")


def _fallen_due(visit: Visit, row: Row, due: Due) -> ScheduleRow:
    f, currency = visit.formats, row["currency"]
    fee = due.fee_minor + due.guarantee_minor
    fee_paid = due.fee_paid_minor + due.guarantee_paid_minor
    code = "due"
    if due.settled_on:
        code = "settled"
    elif (row["business_date"] - due.due_date).days > row["grace_days"]:
        code = "late"
    tones = {"settled": "good", "late": "bad", "due": "warn"}
    return ScheduleRow(
        number=str(due.instalment_no),
        due_date=f.day(due.due_date),
        total=f.amount(due.principal_minor + due.interest_minor + fee, currency),
        principal=f.amount(due.principal_minor, currency),
        principal_paid=f.amount(due.principal_paid_minor, currency),
        interest=f.amount(due.interest_minor, currency),
        interest_paid=f.amount(due.interest_paid_minor, currency),
        fee=f.amount(fee or None, currency),
        fee_paid=f.amount(fee_paid or None, currency),
        balance="",
        status=visit.status("instalment_status", code, tones),
        is_planned=False,
    )


def _transactions(visit: Visit, read: LoanRead, postings: Sequence[Row]) -> list[TransactionRow]:
    entries = entries_by_transaction(visit, postings)
    undone = {one.relates_to for one in read.history if one.kind in ("reversal", "payout_returned")}
    return [
        _transaction_row(
            visit,
            read.loan,
            booked,
            entries.get(booked.transaction.transaction_id, ()),
            is_undone=booked.transaction.transaction_id in undone,
        )
        for booked in reversed(read.booked)
    ]


def _transaction_row(
    visit: Visit,
    loan: Loan,
    booked: BookedTransaction,
    entries: Sequence[EntryView],
    *,
    is_undone: bool,
) -> TransactionRow:
    """Return a transaction with its journal entries."""
    f, currency, entry = visit.formats, loan.currency, booked.transaction
    may_reverse = entry.kind == "repayment" and not is_undone and visit.may(Permission.REVERSE)
    href = f"{words.loan_href(loan.customer_id, loan.loan_id)}/reverse/"
    repayment = entry.repayment_id if may_reverse else None
    return TransactionRow(
        record=f.record(ids.TRANSACTION, entry.transaction_id),
        value_date=f.day(entry.value_date),
        book_date=f.day(booked.book_date),
        at=f.instant(booked.posted_at),
        kind=words.code_label(visit, "transaction", entry.kind),
        note=_transaction_note(visit, entry, is_undone=is_undone),
        amount=f.amount(entry.amount_minor, currency),
        principal=f.amount(entry.parts.principal_minor, currency),
        interest=f.amount(entry.parts.interest_minor, currency),
        penalty=f.amount(entry.parts.penalty_minor, currency),
        fee=f.amount(entry.parts.fee_minor, currency) if loan.fees else "",
        guarantee=f.amount(entry.parts.guarantee_minor, currency) if loan.fees else "",
        excess=f.amount(entry.parts.excess_minor, currency),
        entries=entries,
        reverse_href="" if repayment is None else href + ids.to_text(ids.REPAYMENT, repayment),
    )


def _transaction_note(visit: Visit, entry: Transaction, *, is_undone: bool) -> str:
    parts = [words.channel_label(visit, entry.channel)]
    if entry.plan is not None:
        rate = visit.formats.rate(entry.plan.rate_daily_e8)
        parts.append(visit.t("loan.plan_now", rate=rate, months=entry.plan.tenor_months))
    if is_undone:
        parts.append(visit.t("loan.taken_back"))
    if entry.reason:
        parts.append(entry.reason)
    return " · ".join(parts)


def _why_not_repay(visit: Visit, row: Row) -> str:
    if not visit.may(Permission.REPAY):
        return visit.t("access.role_may_not")
    return "" if row["status"] == "open" else visit.t("loan.not_open")


PAGES: Final = (
    Page(path="/loans", show=show_list),
    Page(path="/customers/{customer}/loans/{loan}", show=show_loan),
)
