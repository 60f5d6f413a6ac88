"""Re-ageing and re-amortising: what is outstanding or overdue is spread over other rows.

Invariant   The principal outstanding is the same before and after; nothing is overdue afterwards.
Units       Minor units.
"""

from datetime import date
from fractions import Fraction

from counterfoil.lending.conventions.book import (
    Book,
    BookRow,
    Part,
    Transaction,
    TransactionKind,
)
from counterfoil.lending.conventions.due_dates import nth_date
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import Conventions, NotCovered
from counterfoil.lending.conventions.terms import LoanTerms, ReAged


def re_age(book: Book, terms: LoanTerms, event: ReAged) -> None:
    """Spread everything outstanding equally over new rows from the first date on."""
    _refuse_interest_and_charges(book, terms)
    if any(row.due_date > event.value_date and row.outstanding_minor for row in book.rows):
        raise NotCovered("a re-ageing before every instalment has fallen due")
    outstanding = _close_rows(book.rows, event.value_date)
    start = book.rows[-1].due_date
    parts = equal_parts(outstanding, event.rows, terms.conventions)
    for number, principal in enumerate(parts):
        due = nth_date(event.first_due, event.frequency, number, terms.conventions.month_end)
        book.rows.append(
            BookRow(start_date=start, due_date=due, principal_minor=principal, interest_minor=0)
        )
        start = due
    _record(book, TransactionKind.RE_AGE, event.value_date, outstanding)


def re_amortise(book: Book, terms: LoanTerms, on: date) -> None:
    """Spread what is overdue over the rows that have not fallen due."""
    _refuse_interest_and_charges(book, terms)
    overdue = [row for row in book.rows if row.due_date < on]
    coming = [row for row in book.rows if row.due_date > on]
    if len(overdue) + len(coming) < len(book.rows) or not coming:
        raise NotCovered("a re-amortisation on a due date, or after the last one")
    if any(row.paid_minor for row in coming):
        raise NotCovered("a re-amortisation after a payment in advance")
    amount = _close_rows(overdue, on)
    parts = equal_parts(amount, len(coming), terms.conventions)
    for row, principal in zip(coming, parts, strict=True):
        row.principal_minor += principal
    _record(book, TransactionKind.RE_AMORTISE, on, amount)


def equal_parts(amount_minor: int, count: int, conventions: Conventions) -> list[int]:
    """Return equal parts rounded to the instalment's unit; the last takes the rest."""
    each = round_to(
        Fraction(amount_minor, count),
        conventions.instalment_rounding,
        unit_minor=conventions.instalment_unit_minor,
    )
    return [each] * (count - 1) + [amount_minor - each * (count - 1)]


def _refuse_interest_and_charges(book: Book, terms: LoanTerms) -> None:
    """Refuse what no known figure covers."""
    if terms.rate_annual or any(row.charges for row in book.rows):
        raise NotCovered("re-ageing or re-amortising with interest or charges")


def _close_rows(rows: list[BookRow], on: date) -> int:
    """Reduce unpaid rows to what was paid on them and return what they still owed."""
    total = 0
    for row in rows:
        left = row.outstanding_of(Part.PRINCIPAL)
        if left:
            row.principal_minor -= left
            row.settled_on = on
            total += left
    return total


def _record(book: Book, kind: TransactionKind, on: date, amount_minor: int) -> None:
    """Write the transaction that stands for the change."""
    parts = dict.fromkeys(Part, 0) | {Part.PRINCIPAL: amount_minor}
    book.transactions.append(Transaction(kind=kind, on=on, amount_minor=amount_minor, parts=parts))
