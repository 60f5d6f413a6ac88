"""Customers' own transfers on a page: what came in, the repayment it was booked as, the cash. Pure.

Ties        A line of a rail's statement says that money came in for a repayment: its transactions
            sum to that amount, in its currency and from its day, under the key of the line and its
            turn; their journals bring as much to the bank. What no loan took is the excess in their
            parts. A recall has taken all of it back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from counterfoil.journeys.books.findings import Notes
from counterfoil.journeys.books.page import Page
from counterfoil.kernel import ids
from counterfoil.ledger.chart import BANK
from counterfoil.lending.check_store import Booked
from counterfoil.payments.check_store import Receipt
from counterfoil.payments.received import ReceivedKind, transfer_key

#: Commands by which transfers are booked.
_COMMAND: Final = "take_transfer"


def check_transfers(page: Page, notes: Notes) -> None:
    """Each booked transfer is one repayment, whole, and each such repayment is of one transfer."""
    result = notes.results["transfers"]
    booked = _booked_by_repayment(page)
    cash = _cash_by_transaction(page)
    times = Counter((r.customer_id, r.repayment_id, r.kind) for r in page.receipts)
    commanded = {
        (one.customer_id, one.idempotency_key)
        for commands in page.commands.values()
        for one in commands
        if one.kind == _COMMAND
    }
    for receipt in page.receipts:
        result.examined += 1
        subject = ids.to_text(ids.REPAYMENT, receipt.repayment_id)
        rows = booked.get((receipt.customer_id, receipt.repayment_id), [])
        if times[receipt.customer_id, receipt.repayment_id, receipt.kind] > 1:
            result.note(subject, f"stands for more than one line that is {receipt.kind}")
        for fault in _faults(page, receipt, rows, cash):
            result.note(subject, fault)
        if receipt.kind is ReceivedKind.RECEIVED:
            commanded.discard((receipt.customer_id, transfer_key(receipt.line, receipt.turn_no)))
    for customer_id, key in sorted(commanded):
        subject = ids.to_text(ids.CUSTOMER, customer_id)
        result.note(subject, f"a transfer was booked under the key {key}, and no such money came")


def _faults(
    page: Page, receipt: Receipt, rows: Sequence[Booked], cash: Counter[tuple[int, int]]
) -> Iterable[str]:
    """Yield what the books have otherwise than the line of the statement."""
    if receipt.kind is ReceivedKind.RECALLED:
        paid = {b.transaction.transaction_id for b in rows if b.transaction.kind == "repayment"}
        undone = {b.transaction.relates_to for b in rows if b.transaction.kind == "reversal"}
        if not paid or paid - undone:
            yield "was recalled by the payer's bank and stands in the books"
        return
    paid_rows = [b for b in rows if b.transaction.kind == "repayment"]
    amount_minor = sum(b.transaction.amount_minor for b in paid_rows)
    if amount_minor != receipt.amount_minor:
        yield f"{amount_minor} is booked, {receipt.amount_minor} came in"
    brought = sum(cash[b.customer_id, b.transaction.transaction_id] for b in paid_rows)
    if brought != receipt.amount_minor:
        yield f"the ledger has {brought} at the bank, {receipt.amount_minor} came in"
    if paid_rows and not _is_from_its_day(page, receipt, paid_rows):
        counts_from = paid_rows[0].transaction.value_date
        yield f"counts from {counts_from}, the money from {receipt.value_date}"
    for one in paid_rows:
        loan = page.loans.get((one.customer_id, one.transaction.loan_id))
        if loan is not None and loan.currency != receipt.currency:
            yield f"is booked in {loan.currency}, {receipt.currency} came in"
        if one.idempotency_key != transfer_key(receipt.line, receipt.turn_no):
            yield f"is booked under the key {one.idempotency_key}, not that of its line"


def _is_from_its_day(page: Page, receipt: Receipt, rows: Sequence[Booked]) -> bool:
    """Return whether a transfer counts from its day, or from that of the first loan it pays."""
    loans = [page.loans.get((one.customer_id, one.transaction.loan_id)) for one in rows]
    first = min((loan.start_date for loan in loans if loan and loan.start_date), default=date.max)
    came = min(receipt.value_date, rows[0].book_date)
    return all(came <= one.transaction.value_date <= max(came, first) for one in rows)


def _booked_by_repayment(page: Page) -> dict[tuple[int, int], list[Booked]]:
    """Return the transactions of each repayment, with its reversals."""
    found: defaultdict[tuple[int, int], list[Booked]] = defaultdict(list)
    for history in page.history.values():
        for one in history:
            if one.transaction.repayment_id is not None:
                found[one.customer_id, one.transaction.repayment_id].append(one)
    return found


def _cash_by_transaction(page: Page) -> Counter[tuple[int, int]]:
    """Return what the journals of each transaction bring to the bank, minor units."""
    cash: Counter[tuple[int, int]] = Counter()
    for customer_id, journals in page.journals.items():
        for journal in journals:
            if journal.transaction_id is not None:
                pairs = zip(journal.accounts, journal.amounts, strict=False)
                moved = sum(amount for account, amount in pairs if account == BANK)
                cash[customer_id, journal.transaction_id] += moved
    return cash
