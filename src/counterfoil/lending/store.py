"""Lines, loans and their histories in PostgreSQL; the only place with SQL of lending.

Reading returns working copies for the pure modules; writing turns what a batch changed into rows,
one array of rows a table.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from counterfoil.lending.account import Account, LineEvent, Transaction
from counterfoil.lending.fees import fees_from_text, fees_to_text
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Due, Loan, Parts
from counterfoil.lending.review_event import review_events
from counterfoil.lending.terms import Method, PlanTerms, Prepayment
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.platform.statement import Write

QUERIES: Final = Queries.load("counterfoil.lending")
_METHODS: Final = {str(method): method for method in Method}
_LINE_FIELDS: Final = tuple(Line.__slots__)
_MODES: Final = {str(mode): mode for mode in Prepayment}

LineKey = tuple[int, int]


class BookedTransaction(NamedTuple):
    """A transaction with the dates of its booking."""

    transaction: Transaction
    book_date: date
    posted_at: datetime


async def read_lines(connection: Connection, keys: Sequence[LineKey]) -> dict[LineKey, Line]:
    """Return the lines of these keys."""
    rows = await QUERIES.lines_of_keys.fetch(connection, keys=keys)
    return {(row[0], row[1]): Line(*row) for row in rows}  # type: ignore[misc,index]


async def read_line(connection: Connection, customer_id: int, line_id: int) -> Line | None:
    """Return one line of a customer."""
    lines = await read_lines(connection, [(customer_id, line_id)])
    return lines.get((customer_id, line_id))


async def read_loan(connection: Connection, customer_id: int, loan_id: int) -> Loan | None:
    """Return one loan of a customer with its unsettled instalments."""
    rows = await QUERIES.loans_of_keys.fetch(connection, keys=[(customer_id, loan_id)])
    if not rows:
        return None
    loan = loan_of(rows[0])
    await _read_dues(connection, {(customer_id, loan_id): loan})
    return loan


async def read_instalments(connection: Connection, customer_id: int, loan_id: int) -> list[Due]:
    """Return all instalments of a loan that have fallen due."""
    rows = await QUERIES.instalments_of_loan.fetch(
        connection, customer_id=customer_id, loan_id=loan_id
    )
    return [due_of(row) for row in rows]


async def read_history(
    connection: Connection, customer_id: int, loan_id: int
) -> list[BookedTransaction]:
    """Return the history of a loan in the order of booking."""
    rows = await QUERIES.transactions_of_loans.fetch(connection, keys=[(customer_id, loan_id)])
    return [BookedTransaction(transaction_of(r), r["book_date"], r["posted_at"]) for r in rows]


async def read_loans_after(
    connection: Connection,
    *,
    after: LineKey = (0, 0),
    customer_id: int | None = None,
    line_id: int | None = None,
    status: str | None = None,
    products: Collection[str] | None = None,
    lenders: Collection[str] | None = None,
    page: int,
    is_back: bool = False,
) -> list[Loan]:
    """Return a page of loans with their unsettled instalments, in the order of their keys."""
    rows = await QUERIES.loans_after.page(
        connection,
        after_customer_id=after[0],
        after_loan_id=after[1],
        customer_id=customer_id,
        line_id=line_id,
        status=status,
        products=None if products is None else list(products),
        lenders=None if lenders is None else list(lenders),
        page=page,
        is_back=is_back,
    )
    loans = {(row["customer_id"], row["loan_id"]): loan_of(row) for row in rows}
    await _read_dues(connection, loans)
    return list(loans.values())


async def read_lines_after(
    connection: Connection,
    *,
    after: LineKey = (0, 0),
    customer_id: int | None = None,
    status: str | None = None,
    products: Collection[str] | None = None,
    lenders: Collection[str] | None = None,
    page: int,
    is_back: bool = False,
) -> list[Line]:
    """Return a page of lines in the order of their keys; of some products or lenders alone."""
    rows: list[Any] = await QUERIES.lines_after.page(
        connection,
        after_customer_id=after[0],
        after_line_id=after[1],
        customer_id=customer_id,
        status=status,
        products=None if products is None else list(products),
        lenders=None if lenders is None else list(lenders),
        page=page,
        is_back=is_back,
    )
    return [Line(*row) for row in rows]


async def read_accounts(connection: Connection, keys: Sequence[LineKey]) -> dict[LineKey, Account]:
    """Return the accounts of these lines; a key without a line has an empty one."""
    lines = await read_lines(connection, keys)
    accounts = {}
    for key in keys:
        line = lines.get(key)
        accounts[key] = Account(line, stored_version=line.version if line else None)
    return accounts


async def add_loans(
    connection: Connection, accounts: dict[LineKey, Account], keys: Sequence[LineKey]
) -> None:
    """Read the running loans of these lines into their accounts."""
    rows = await QUERIES.running_loans_of_keys.fetch(connection, keys=keys)
    await _put_loans(connection, accounts, rows)


async def add_loans_of_repayments(
    connection: Connection, accounts: dict[LineKey, Account], wanted: Sequence[tuple[int, int]]
) -> None:
    """Read the loans on which repayments were booked; `wanted` are (customer, repayment)."""
    rows = await QUERIES.loans_of_repayments.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in wanted],
        repayment_ids=[repayment_id for _, repayment_id in wanted],
    )
    await _put_loans(connection, accounts, rows)


async def add_named_loans(
    connection: Connection, accounts: dict[LineKey, Account], keys: Sequence[tuple[int, int]]
) -> None:
    """Read loans by (customer, loan) into their accounts, where these are theirs."""
    rows = await QUERIES.loans_of_keys.fetch(connection, keys=keys)
    await _put_loans(connection, accounts, rows)


async def lines_with_something_due(
    connection: Connection, *, business_date: date, page: int
) -> list[LineKey]:
    """Return a page of lines that have a loan on which something happens by that date."""
    rows = await QUERIES.lines_with_something_due.fetch(
        connection, business_date=business_date, page=page
    )
    return [(row["customer_id"], row["line_id"]) for row in rows]


def writes_of(
    accounts: Iterable[Account],
    transactions: Sequence[tuple[object, ...]],
    events: Sequence[tuple[object, ...]],
) -> list[Write]:
    """Return the parts of a statement that write what changed in these accounts."""
    new_lines: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    signed: list[tuple[object, ...]] = []
    new_loans: list[tuple[object, ...]] = []
    loans: list[tuple[object, ...]] = []
    instalments: list[tuple[object, ...]] = []
    dropped: list[tuple[object, ...]] = []
    events_of_review: list[tuple[object, ...]] = []
    has_new_terms = False
    for account in accounts:
        line = account.line
        if line is None or line.version == account.stored_version:
            continue
        if account.stored_version is None:
            new_lines.append(_new_line_row(line))
        else:
            lines.append(_line_row(line, account.stored_version))
            signed.append((line.rate_daily_e8, line.agreed_limit_minor))
            has_new_terms = has_new_terms or account.has_new_terms
        new_loans += [_new_loan_row(account.loans[loan_id]) for loan_id in account.new_loans]
        for loan_id in account.changed_loans:
            loan = account.loans[loan_id]
            loans.append(_loan_row(loan))
            if loan.dues:
                instalments += _instalment_rows(loan)
            if loan_id in account.refolded_loans:
                dropped += _dropped_rows(account, loan)
        events_of_review += review_events(account)
    add = QUERIES
    parts = [
        Write(add.add_lines, (new_lines,)) if new_lines else None,
        _line_changes(lines, signed if has_new_terms else None),
        Write(add.add_loans, (new_loans,)) if new_loans else None,
        Write(add.change_loans, (loans,), len(loans)) if loans else None,
        Write(add.put_instalments, (instalments,)) if instalments else None,
        Write(add.drop_instalments, (dropped,)) if dropped else None,
        Write(add.add_transactions, (transactions,)) if transactions else None,
        Write(add.add_line_events, (events,)) if events else None,
        Write(add.bring_review_forward, (events_of_review,)) if events_of_review else None,
    ]
    return [part for part in parts if part is not None]


def _line_changes(
    lines: list[tuple[object, ...]], signed: list[tuple[object, ...]] | None
) -> Write | None:
    """Return the part that changes lines; signed terms change rarely, no other batch writes them.

    `signed` are price and agreed limit of each line.
    """
    if not lines:
        return None
    if signed is None:
        return Write(QUERIES.change_lines, (lines,), len(lines))
    whole = [line + terms for line, terms in zip(lines, signed, strict=True)]
    return Write(QUERIES.change_signed_lines, (whole,), len(whole))


def transaction_row(
    transaction: Transaction, line: Line, *, book_date: date, posted_at: datetime, key: str
) -> tuple[object, ...]:
    """Return the row of a transaction."""
    t = transaction
    return (
        line.customer_id,
        t.transaction_id,
        t.loan_id,
        line.line_id,
        t.sequence,
        t.kind,
        t.value_date,
        book_date,
        posted_at,
        t.amount_minor,
        t.parts.principal_minor,
        t.parts.interest_minor,
        t.parts.penalty_minor,
        t.parts.excess_minor,
        t.mode,
        t.repayment_id,
        t.relates_to,
        t.channel,
        t.reason,
        key,
        t.parts.fee_minor,
        t.parts.guarantee_minor,
        t.plan,
    )


def event_row(
    event: LineEvent, line: Line, *, book_date: date, at: datetime, key: str
) -> tuple[object, ...]:
    """Return the row of a line's change."""
    return (
        line.customer_id,
        line.line_id,
        event.version,
        event.kind,
        event.before,
        event.after,
        event.reason,
        event.author,
        book_date,
        at,
        key,
    )


def loan_of(row: Any) -> Loan:
    """Return the loan of a row whose columns come in the order of its fields."""
    loan = Loan(*row)
    loan.method = _METHODS[loan.method]
    loan.fees = fees_from_text(row["fees"]) if row["fees"] else ()
    if loan.signed is not None:
        loan.signed = PlanTerms(*loan.signed)
    return loan


def due_of(row: Any) -> Due:
    """Return the instalment of a row whose columns follow its key."""
    return Due(
        instalment_no=row[2],
        due_date=row[3],
        principal_minor=row[4],
        interest_minor=row[5],
        principal_paid_minor=row[6],
        interest_paid_minor=row[7],
        penal=row[8],
        settled_on=row[9],
        fee_minor=row[10],
        guarantee_minor=row[11],
        fee_paid_minor=row[12],
        guarantee_paid_minor=row[13],
    )


def transaction_of(row: Any) -> Transaction:
    """Return the transaction of a row."""
    return Transaction(
        transaction_id=row["transaction_id"],
        loan_id=row["loan_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        value_date=row["value_date"],
        amount_minor=row["amount_minor"],
        parts=Parts(
            row["principal_minor"],
            row["interest_minor"],
            row["penalty_minor"],
            row["excess_minor"],
            row["fee_minor"],
            row["guarantee_minor"],
        ),
        mode=_MODES[row["mode"]],
        repayment_id=row["repayment_id"],
        relates_to=row["relates_to"],
        channel=row["channel"],
        reason=row["reason"],
        plan=PlanTerms(*row["plan"]) if row["plan"] is not None else None,
    )


async def _put_loans(
    connection: Connection, accounts: dict[LineKey, Account], rows: Sequence[Any]
) -> None:
    loans: dict[LineKey, Loan] = {}
    for row in rows:
        account = accounts.get((row[0], row[2]))
        if account is None:
            continue
        loan = account.loans.get(row[1]) or loan_of(row)
        account.loans[loan.loan_id] = loan
        loans[loan.customer_id, loan.loan_id] = loan
    await _read_dues(connection, loans)


async def _read_dues(connection: Connection, loans: dict[LineKey, Loan]) -> None:
    """Read the unsettled instalments of the loans that have any."""
    late = [key for key, loan in loans.items() if loan.oldest_due_date is not None]
    if not late:
        return
    for key in late:
        loans[key].dues = []
    for row in await QUERIES.open_dues_of_loans.fetch(connection, keys=late):
        loans[row["customer_id"], row["loan_id"]].dues.append(due_of(row))


def _new_line_row(line: Line) -> tuple[object, ...]:
    return tuple(getattr(line, name) for name in _LINE_FIELDS)


def _line_row(line: Line, stored_version: int) -> tuple[object, ...]:
    return (
        line.customer_id,
        line.line_id,
        stored_version,
        line.status,
        line.limit_minor,
        line.own_cap_minor,
        line.principal_minor,
        line.held_minor,
        line.credit_minor,
        line.repayment_day,
        line.frozen_until,
        line.status_reason,
        line.next_cap_minor,
        line.next_cap_on,
        line.day_changed_on,
        line.day_changes,
        line.version,
        line.returning_minor,
        line.contract_id,
        line.agreement_sha256,
        line.product_version,
    )


def _new_loan_row(loan: Loan) -> tuple[object, ...]:
    return (
        loan.customer_id,
        loan.loan_id,
        loan.line_id,
        loan.product_code,
        loan.product_version,
        loan.lender_id,
        loan.currency,
        loan.method,
        loan.purpose,
        loan.payee_ref,
        loan.cost_sheet_hash,
        loan.original_minor,
        loan.rate_daily_e8,
        loan.penalty_daily_e8,
        loan.grace_days,
        loan.tenor_months,
        loan.repayment_day,
        loan.requested_on,
        loan.contract_id,
        loan.note_ref,
        loan.note_sha256,
        fees_to_text(loan.fees) if loan.fees else None,
        loan.sheet_read_ms,
    )


def _loan_row(loan: Loan) -> tuple[object, ...]:
    return (
        loan.customer_id,
        loan.loan_id,
        loan.status,
        loan.start_date,
        loan.first_due_date,
        loan.maturity_date,
        loan.closed_on,
        loan.principal_minor,
        loan.due_principal_minor,
        loan.penal_principal_minor,
        loan.due_interest_minor,
        loan.accrued_interest_e8,
        loan.accrued_penalty_e8,
        loan.accrued_to,
        loan.instalment_minor,
        loan.advance_minor,
        loan.next_instalment_no,
        loan.next_due_date,
        loan.next_event_on,
        loan.oldest_due_date,
        loan.bucket,
        loan.interest_paid_minor,
        loan.penalty_paid_minor,
        loan.last_sequence,
        loan.version,
        loan.rate_daily_e8,
        loan.penalty_daily_e8,
        loan.tenor_months,
        loan.due_fee_minor,
        loan.due_guarantee_minor,
        loan.fee_paid_minor,
        loan.guarantee_paid_minor,
        loan.signed,
    )


def _instalment_rows(loan: Loan) -> list[tuple[object, ...]]:
    return [
        (
            loan.customer_id,
            loan.loan_id,
            due.instalment_no,
            due.due_date,
            due.principal_minor,
            due.interest_minor,
            due.principal_paid_minor,
            due.interest_paid_minor,
            due.penal,
            due.settled_on,
            due.fee_minor,
            due.guarantee_minor,
            due.fee_paid_minor,
            due.guarantee_paid_minor,
        )
        for due in loan.dues
        if due.is_new or due.is_changed
    ]


def _dropped_rows(account: Account, loan: Loan) -> list[tuple[object, ...]]:
    kept = {due.instalment_no for due in loan.dues}
    gone = account.stored_instalments.get(loan.loan_id, set()) - kept
    return [(loan.customer_id, loan.loan_id, number) for number in sorted(gone)]
