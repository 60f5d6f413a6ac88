"""What the daily close does to a loan: late fees and accruals; and the charge-off that ends them.

Units       Minor units.
Rounding    Fees halves to even. Accrued interest is rounded as a running total, so the days add up.
"""

from datetime import date
from fractions import Fraction

from counterfoil.kernel.calendar import ONE_DAY, days_between
from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.book import (
    Book,
    BookRow,
    Charge,
    Part,
    Transaction,
    TransactionKind,
)
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.settings import Accrual
from counterfoil.lending.conventions.terms import ChargeKind, LateFee, LoanTerms


def close(book: Book, terms: LoanTerms, business_date: date) -> None:
    """Put on late fees, then accrue up to the day before."""
    if terms.late_fee is not None:
        _put_on_late_fees(book, terms, terms.late_fee, business_date)
    book.closed_to = business_date
    if not book.charged_off:
        _accrue(book, terms, business_date - ONE_DAY)


def charge_off(book: Book, on: date) -> None:
    """Record what is outstanding; nothing accrues afterwards."""
    parts = {part: sum(row.outstanding_of(part) for row in book.rows) for part in Part}
    book.charged_off = True
    book.transactions.append(
        Transaction(
            kind=TransactionKind.CHARGE_OFF,
            on=on,
            amount_minor=sum(parts.values()),
            parts=parts,
        )
    )


def _put_on_late_fees(book: Book, terms: LoanTerms, fee: LateFee, business_date: date) -> None:
    """Charge each overdue instalment once, due on the instalment's own date."""
    for row in book.rows:
        overdue = row.due_date < business_date and row.outstanding_minor
        if not overdue or any(c.kind is ChargeKind.PENALTY for c in row.charges):
            continue
        base = row.outstanding_of(Part.PRINCIPAL)
        base += row.outstanding_of(Part.INTEREST) if fee.on_interest_too else 0
        amount = round_to(base * fee.share, terms.conventions.rounding)
        row.charges.append(
            Charge(kind=ChargeKind.PENALTY, due_date=row.due_date, amount_minor=amount)
        )


def _accrue(book: Book, terms: LoanTerms, until: date) -> None:
    """Accrue each row up to its due date or the day, whichever comes first."""
    for row in book.rows:
        if row.start_date >= until:
            continue
        interest = _accrued(book, terms, row, until) - row.interest_accrued_minor
        penalty, fee = _charges_to_accrue(book, row, until)
        if interest + penalty + fee:
            row.interest_accrued_minor += interest
            parts = {
                Part.INTEREST: interest,
                Part.PENALTY: penalty,
                Part.FEE: fee,
                Part.PRINCIPAL: 0,
            }
            book.transactions.append(
                Transaction(
                    kind=TransactionKind.ACCRUAL,
                    on=min(row.due_date, until),
                    amount_minor=interest + penalty + fee,
                    parts=parts,
                )
            )


def _accrued(book: Book, terms: LoanTerms, row: BookRow, until: date) -> int:
    """Return the interest of a row earned by a day, and note where the conventions are silent."""
    if row.due_date <= until or row.interest_minor == 0:
        return row.interest_minor
    conventions = terms.conventions
    by_day = conventions.day_count is DayCount.ACT_365 and conventions.accrual is not Accrual.FLAT
    days, length = days_between(row.start_date, until), days_between(row.start_date, row.due_date)
    total = round_to(Fraction(row.interest_minor * days, length), conventions.rounding)
    one = round_to(Fraction(row.interest_minor, length), conventions.rounding)
    if not by_day or total != days * one:
        book.accruals_known = False
    return total


def _charges_to_accrue(book: Book, row: BookRow, until: date) -> tuple[int, int]:
    """Return penalties and fees of a row that fell due and were not accrued yet.

    A charge due between two due dates accrues on a day that the conventions do not name.
    """
    sums = {ChargeKind.PENALTY: 0, ChargeKind.FEE: 0}
    for charge in row.charges:
        if charge.due_date <= until and not charge.accrued:
            charge.accrued = True
            book.accruals_known &= charge.due_date == row.due_date
            sums[charge.kind] += charge.amount_minor
    return sums[ChargeKind.PENALTY], sums[ChargeKind.FEE]
