"""Loans: what is owed, what fell due, what is to come, and what would end them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of, page_of_whole
from counterfoil.api.reads import HouseOf, ReachOf, business_date, reads
from counterfoil.api.shapes import CustomerId, Day, LineId, LoanId, View
from counterfoil.journeys.borrowing import quote as journey
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import reference_of
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import delinquency, refusals, store
from counterfoil.lending.loan import Due, Loan, accrue, advance, due_minor, payoff_minor, plan
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.store import BookedTransaction
from counterfoil.platform.access import Scope
from counterfoil.platform.database import Connection

TAG = "Loans"
router = APIRouter()


class LoanView(View):
    """A loan as it stands on the business date."""

    id: str
    customer_id: str
    line_id: str
    product_code: str
    product_version: int
    currency: str
    method: str
    purpose: str
    status: str
    amount_minor: int
    rate_daily_e8: int
    penalty_daily_e8: int
    grace_days: int
    tenor_months: int
    repayment_day: int
    requested_on: date
    start_date: date | None
    maturity_date: date | None
    closed_on: date | None
    principal_minor: int
    #: Fallen due and not paid, with fees and the surcharge.
    due_minor: int
    #: What would end the loan on the business date, fees included; 0 where it does not run.
    payoff_minor: int
    next_due_date: date | None
    days_past_due: int
    bucket: str
    interest_paid_minor: int
    penalty_paid_minor: int
    fees_paid_minor: int
    #: What a transfer names that repays this loan and no other (ISO 11649).
    payment_reference: str
    version: int


class DueView(View):
    """An instalment that fell due."""

    instalment_no: int
    due_date: date
    principal_minor: int
    interest_minor: int
    principal_paid_minor: int
    interest_paid_minor: int
    #: Fees, whoever they are for.
    fee_minor: int
    fee_paid_minor: int
    settled_on: date | None


class PlanView(View):
    """An instalment to come, if all before it are paid on their days."""

    instalment_no: int
    due_date: date
    days: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    due_minor: int
    balance_minor: int


class LoanDetailView(LoanView):
    """A loan with its instalments."""

    dues: list[DueView]
    plan: list[PlanView]


class Loans(PageView):
    """A page of loans."""

    items: list[LoanView]


class PayoffView(View):
    """What ends a loan on a day."""

    customer_id: str
    loan_id: str
    on: date
    amount_minor: int
    currency: str
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: Fees that have fallen due, and for being early: the lender's, and a guarantor's.
    fee_minor: int
    guarantee_minor: int
    #: Fees of instalments to come, which are not owed.
    fee_saved_minor: int
    interest_saved_minor: int


class TransactionView(View):
    """One row of a loan's history; nothing in it ever changes."""

    id: str
    loan_id: str
    sequence: int
    kind: str
    value_date: date
    book_date: date
    posted_at: datetime
    amount_minor: int
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    excess_minor: int
    fee_minor: int
    guarantee_minor: int
    mode: str
    repayment_id: str | None
    relates_to: str | None
    channel: str
    reason: str | None


class Transactions(PageView):
    """The history of a loan, in the order of booking."""

    currency: str
    items: list[TransactionView]


LoanStatus = Literal["pending", "open", "closed", "cancelled"]
Owner = Annotated[CustomerId, Query(description="Whose loan it is.")]


@router.get("/v1/loans", **reads(Scope.LOANS_READ, TAG, "List loans"))
async def list_loans(
    house: HouseOf,
    reach: ReachOf,
    turn: Paging,
    customer_id: Annotated[CustomerId | None, Query()] = None,
    line_id: Annotated[LineId | None, Query()] = None,
    status: Annotated[LoanStatus | None, Query()] = None,
) -> Loans:
    """Return loans in the order of customer and loan."""
    async with house.database.connection() as connection:
        found = await store.read_loans_after(
            connection,
            after=turn.pair(),
            customer_id=customer_id,
            line_id=line_id,
            status=status,
            products=reach.products,
            lenders=reach.lenders,
            page=turn.page,
            is_back=turn.is_back,
        )
        on = await business_date(connection)
    page = page_of(found, turn, lambda item: (item.customer_id, item.loan_id))
    return Loans(
        items=[loan_view(loan, on) for loan in page.items],
        **page.cursors,
    )


@router.get("/v1/loans/{loan_id}", **reads(Scope.LOANS_READ, TAG, "Read a loan"))
async def get_loan(house: HouseOf, loan_id: LoanId, customer_id: Owner) -> LoanDetailView:
    """Return a loan with the instalments that fell due and those to come."""
    async with house.database.connection() as connection:
        loan = await loan_or_refuse(connection, customer_id, loan_id)
        dues = await store.read_instalments(connection, customer_id, loan_id)
        on = await business_date(connection)
    view = loan_view(loan, on)
    return LoanDetailView(
        **view.model_dump(),
        dues=[due_view(due) for due in dues],
        plan=[plan_view(row) for row in plan(loan)],
    )


@router.get("/v1/loans/{loan_id}/payoff", **reads(Scope.LOANS_READ, TAG, "Ask what ends a loan"))
async def get_payoff(
    house: HouseOf,
    loan_id: LoanId,
    customer_id: Owner,
    on: Annotated[Day | None, Query(description="By default the business date.")] = None,
) -> PayoffView:
    """Return what has to arrive on a day to end the loan to exactly zero."""
    quoted = await journey.payoff_quote(house, customer_id=customer_id, loan_id=loan_id, on=on)
    if isinstance(quoted, Refused):
        raise RefusedError(quoted)
    document: dict[str, Any] = quoted.document()
    return PayoffView(**document)


@router.get(
    "/v1/loans/{loan_id}/transactions",
    **reads(Scope.LOANS_READ, TAG, "Read the history of a loan"),
)
async def list_transactions(
    house: HouseOf, loan_id: LoanId, customer_id: Owner, turn: Paging
) -> Transactions:
    """Return everything that happened to a loan, oldest first."""
    async with house.database.connection() as connection:
        loan = await loan_or_refuse(connection, customer_id, loan_id)
        history = await store.read_history(connection, customer_id, loan_id)
    page = page_of_whole(history, turn, lambda booked: (0, booked.transaction.sequence))
    return Transactions(
        currency=loan.currency,
        items=[transaction_view(booked) for booked in page.items],
        **page.cursors,
    )


async def loan_or_refuse(connection: Connection, customer_id: int, loan_id: int) -> Loan:
    """Return a customer's loan; somebody else's is as unknown as one that never was."""
    loan = await store.read_loan(connection, customer_id, loan_id)
    if loan is None:
        raise RefusedError(refuse(refusals.LOAN_NOT_FOUND))
    return loan


def loan_view(loan: Loan, on: date) -> LoanView:
    """Return what an answer says of a loan on a date."""
    now = loan.copy()
    if now.status == "open":
        advance(now, on)
        accrue(now, on)
    late_days = delinquency.days_past_due(now.oldest_due_date, now.grace_days, on)
    return LoanView(
        id=ids.to_text(ids.LOAN, loan.loan_id),
        customer_id=ids.to_text(ids.CUSTOMER, loan.customer_id),
        line_id=ids.to_text(ids.LINE, loan.line_id),
        product_code=loan.product_code,
        product_version=loan.product_version,
        currency=loan.currency,
        method=loan.method.value,
        purpose=loan.purpose,
        status=loan.status,
        amount_minor=loan.original_minor,
        rate_daily_e8=loan.rate_daily_e8,
        penalty_daily_e8=loan.penalty_daily_e8,
        grace_days=loan.grace_days,
        tenor_months=loan.tenor_months,
        repayment_day=loan.repayment_day,
        requested_on=loan.requested_on,
        start_date=loan.start_date,
        maturity_date=loan.maturity_date,
        closed_on=loan.closed_on,
        principal_minor=now.principal_minor,
        due_minor=due_minor(loan, on) if loan.status == "open" else 0,
        payoff_minor=payoff_minor(loan, on) if loan.status == "open" else 0,
        next_due_date=now.next_due_date,
        days_past_due=late_days,
        bucket=delinquency.BUCKETS[now.bucket],
        interest_paid_minor=loan.interest_paid_minor,
        penalty_paid_minor=loan.penalty_paid_minor,
        fees_paid_minor=loan.fee_paid_minor + loan.guarantee_paid_minor,
        payment_reference=reference_of(ids.LOAN, loan.loan_id),
        version=loan.version,
    )


def due_view(due: Due) -> DueView:
    """Return what an answer says of an instalment that fell due."""
    return DueView(
        instalment_no=due.instalment_no,
        due_date=due.due_date,
        principal_minor=due.principal_minor,
        interest_minor=due.interest_minor,
        principal_paid_minor=due.principal_paid_minor,
        interest_paid_minor=due.interest_paid_minor,
        fee_minor=due.fee_minor + due.guarantee_minor,
        fee_paid_minor=due.fee_paid_minor + due.guarantee_paid_minor,
        settled_on=due.settled_on,
    )


def plan_view(row: PlanRow) -> PlanView:
    """Return what an answer says of an instalment to come."""
    return PlanView(
        instalment_no=row.instalment_no,
        due_date=row.due_date,
        days=row.days,
        principal_minor=row.principal_minor,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        due_minor=row.due_minor,
        balance_minor=row.balance_minor,
    )


def transaction_view(booked: BookedTransaction) -> TransactionView:
    """Return what an answer says of a transaction."""
    t = booked.transaction
    return TransactionView(
        id=ids.to_text(ids.TRANSACTION, t.transaction_id),
        loan_id=ids.to_text(ids.LOAN, t.loan_id),
        sequence=t.sequence,
        kind=t.kind,
        value_date=t.value_date,
        book_date=booked.book_date,
        posted_at=booked.posted_at,
        amount_minor=t.amount_minor,
        principal_minor=t.parts.principal_minor,
        interest_minor=t.parts.interest_minor,
        penalty_minor=t.parts.penalty_minor,
        excess_minor=t.parts.excess_minor,
        fee_minor=t.parts.fee_minor,
        guarantee_minor=t.parts.guarantee_minor,
        mode=t.mode.value,
        repayment_id=_text_or_none(ids.REPAYMENT, t.repayment_id),
        relates_to=_text_or_none(ids.TRANSACTION, t.relates_to),
        channel=t.channel,
        reason=t.reason,
    )


def _text_or_none(prefix: str, number: int | None) -> str | None:
    return None if number is None else ids.to_text(prefix, number)
