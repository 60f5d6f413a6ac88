"""Whole loans sold at par to an investor and bought back: the journals of transfer and owner.

A sale or a buy-back takes effect with the first daily close after its settlement date. Both books
show the same amounts with turned signs; what accrues or is paid in between belongs to the owner.

Invariant   Debits equal credits in every transfer, account by account over both books.
Units       Minor units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from counterfoil.lending.conventions.book import Book, Part, TransactionKind
from counterfoil.lending.conventions.replay import replay
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.lending.conventions.terms import DayClosed, Event, LoanTerms, PayOff, Repayment


class Account(StrEnum):
    """The accounts a transfer touches."""

    LOANS = "loans receivable"
    INTEREST_AND_FEES = "interest and fees receivable"
    TRANSFER = "asset transfer"
    FEE_INCOME = "fee income"
    SUSPENSE = "suspense"


class TransferKind(StrEnum):
    """Which way the loan goes."""

    SALE = "sale"
    BUYBACK = "buyback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Event):
    """A sale or a buy-back asked for; it waits for the close after its settlement date."""

    kind: TransferKind
    settlement_date: date


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting; a debit is positive."""

    account: Account
    amount_minor: int


@dataclass(slots=True, kw_only=True)
class Journals:
    """What was posted: the entries of the last transfer, and all of the investor's."""

    transfer: list[Entry] = field(default_factory=list)
    owner: list[Entry] = field(default_factory=list)


def journals_of(terms: LoanTerms, events: Sequence[Event]) -> Journals:
    """Return the journals after the events."""
    _check(terms, events)
    journals = Journals()
    pending: list[Transfer] = []
    owned = False
    seen: list[Event] = []
    before = Book()
    for event in events:
        if isinstance(event, Transfer):
            pending.append(event)
            continue
        seen.append(event)
        book = replay(terms, seen)
        if owned:
            journals.owner += _while_owned(event, before, book)
        if isinstance(event, DayClosed) and pending:
            owned = _settle(journals, pending, book, event.value_date, owned=owned)
        before = book
    return journals


def _check(terms: LoanTerms, events: Sequence[Event]) -> None:
    """Refuse what no known figure covers."""
    if terms.rate_annual:
        raise NotCovered("the transfer of a loan with interest")
    kinds = [event.kind for event in events if isinstance(event, Transfer)]
    if kinds not in ([], [TransferKind.SALE], [TransferKind.SALE, TransferKind.BUYBACK]):
        raise NotCovered("transfers other than one sale and one buy-back")


def _settle(
    journals: Journals, pending: list[Transfer], book: Book, closed: date, *, owned: bool
) -> bool:
    """Carry out the transfer whose settlement date has passed; say who owns the loan then."""
    transfer = pending[0]
    if transfer.settlement_date >= closed:
        return owned
    pending.pop(0)
    if any(not charge.accrued for charge in book.charges):
        raise NotCovered("the transfer of a loan with a charge that has not accrued")
    sold = transfer.kind is TransferKind.SALE
    amounts = _amounts(book)
    total = sum(entry.amount_minor for entry in amounts)
    leaving = [Entry(one.account, -one.amount_minor) for one in amounts]
    out = [*leaving, Entry(Account.TRANSFER, total)]
    back = [Entry(one.account, -one.amount_minor) for one in out]
    journals.transfer = out + back if sold else back + out
    journals.owner += amounts if sold else leaving
    return sold


def _amounts(book: Book) -> list[Entry]:
    """Return what the customer owes, by receivable."""
    parts = {part: sum(row.outstanding_of(part) for row in book.rows) for part in Part}
    principal = parts.pop(Part.PRINCIPAL)
    entries = [
        Entry(Account.LOANS, principal),
        Entry(Account.INTEREST_AND_FEES, sum(parts.values())),
    ]
    return [entry for entry in entries if entry.amount_minor]


def _while_owned(event: Event, before: Book, after: Book) -> list[Entry]:
    """Return what one event posts in the investor's books."""
    if isinstance(event, DayClosed):
        accrued = _accrued(after) - _accrued(before)
        receivable = Entry(Account.INTEREST_AND_FEES, accrued)
        return [receivable, Entry(Account.FEE_INCOME, -accrued)] if accrued else []
    if isinstance(event, Repayment | PayOff):
        return _paid(before, after)
    return []


def _paid(before: Book, after: Book) -> list[Entry]:
    """Return the receivables a payment settled against the suspense account."""
    if after.overpaid_minor:
        raise NotCovered("more paid than is owed while an investor owns the loan")
    settled = [(entry.account, entry.amount_minor) for entry in _amounts(before)]
    left = {entry.account: entry.amount_minor for entry in _amounts(after)}
    entries = [Entry(account, left.get(account, 0) - amount) for account, amount in settled]
    entries = [entry for entry in entries if entry.amount_minor]
    return [*entries, Entry(Account.SUSPENSE, -sum(entry.amount_minor for entry in entries))]


def _accrued(book: Book) -> int:
    """Return everything accrued so far."""
    kinds = [t.amount_minor for t in book.transactions if t.kind is TransactionKind.ACCRUAL]
    return sum(kinds)
