"""A loan as the fold of its events: rows, transactions and charges under its conventions.

The fold always starts from the agreement, so a backdated payment, a reversal or a pause entered
late needs no special path: the events are put in the order of their value dates and folded again.

Invariant   The order of entry of events with different value dates does not matter.
            Parts of transactions sum to their amounts; reversed transactions move nothing.
Units       Minor units; rates are fractions a year.
"""

from collections.abc import Sequence
from datetime import date

from counterfoil.lending.conventions import close_of_day, hardship
from counterfoil.lending.conventions.allocation import allocate
from counterfoil.lending.conventions.book import (
    Book,
    Charge,
    Part,
    Transaction,
    TransactionKind,
    open_rows,
)
from counterfoil.lending.conventions.course import rows_of_loan
from counterfoil.lending.conventions.settings import AllocationOrder, NotCovered
from counterfoil.lending.conventions.terms import (
    ChargeAdded,
    ChargedOff,
    DayClosed,
    Draw,
    Event,
    LoanTerms,
    PayOff,
    ReAged,
    ReAmortised,
    Repayment,
    Reversal,
)

#: Events that move money.
MONEY = (Draw, Repayment, PayOff)


def replay(terms: LoanTerms, events: Sequence[Event]) -> Book:
    """Return the state of the loan after the events, each payment marked where it was replayed."""
    book = _fold(terms, events)
    for transaction in book.transactions:
        if transaction.kind is not TransactionKind.REPAYMENT:
            continue
        before = _fold(terms, events[: transaction.sequence + 1])
        first = next(t for t in before.transactions if t.sequence == transaction.sequence)
        transaction.replayed = first.parts != transaction.parts
    return book


def _fold(terms: LoanTerms, events: Sequence[Event]) -> Book:
    """Fold the events in the order of their value dates."""
    reversed_at = _reversed(events)
    _check_order(events)
    standing = [event for k, event in enumerate(events) if k not in reversed_at]
    book = Book(rows=open_rows(rows_of_loan(terms, standing)))
    ordered = sorted(enumerate(events), key=lambda pair: (pair[1].value_date, pair[0]))
    for sequence, event in ordered:
        if sequence in reversed_at:
            book.transactions.append(_reversed_transaction(event, sequence))
        else:
            _apply(book, terms, event, sequence)
    return book


def _reversed(events: Sequence[Event]) -> set[int]:
    """Return the positions of the repayments that were taken back."""
    repayments = [k for k, event in enumerate(events) if isinstance(event, Repayment)]
    gone = set()
    for event in events:
        if isinstance(event, Reversal):
            if not 1 <= event.nth <= len(repayments):
                raise NotCovered("a reversal of a repayment that is not there")
            gone.add(repayments[event.nth - 1])
    return gone


def _check_order(events: Sequence[Event]) -> None:
    """Refuse money dated before a restructuring that was entered earlier."""
    latest: date | None = None
    for event in events:
        if isinstance(event, ReAged | ReAmortised):
            latest = event.value_date
        elif latest is not None and isinstance(event, MONEY) and event.value_date < latest:
            raise NotCovered("money dated before a restructuring that was entered earlier")


def _apply(book: Book, terms: LoanTerms, event: Event, sequence: int) -> None:
    """Let one event change the book."""
    match event:
        case Draw():
            _draw(book, terms, event, sequence)
        case Repayment():
            _pay(book, terms, event.amount_minor, event.value_date, sequence)
        case PayOff():
            _pay(book, terms, book.outstanding_minor, event.value_date, sequence)
        case ChargeAdded():
            _charge(book, terms, event)
        case DayClosed():
            close_of_day.close(book, terms, event.value_date)
        case ChargedOff():
            close_of_day.charge_off(book, event.value_date)
        case ReAged():
            hardship.re_age(book, terms, event)
        case ReAmortised():
            hardship.re_amortise(book, terms, event.value_date)
        case _:
            # Pauses, rates, moved dates and reversals have shaped the rows already.
            pass


def _draw(book: Book, terms: LoanTerms, event: Draw, sequence: int) -> None:
    """Pay out, and collect the down payment where that is agreed."""
    book.draws.append((event.value_date, event.amount_minor))
    book.transactions.append(
        Transaction(
            kind=TransactionKind.DISBURSEMENT,
            on=event.value_date,
            amount_minor=event.amount_minor,
            balance_minor=book.principal_outstanding_minor,
            sequence=sequence,
        )
    )
    if terms.conventions.down_payment_share and terms.down_payment_collected:
        kind = TransactionKind.DOWN_PAYMENT
        amount = book.rows[0].principal_minor
        _pay(book, terms, amount, event.value_date, sequence, kind=kind)


def _pay(
    book: Book,
    terms: LoanTerms,
    amount_minor: int,
    on: date,
    sequence: int,
    *,
    kind: TransactionKind = TransactionKind.REPAYMENT,
) -> None:
    """Allocate a payment; what no row can take is kept for the customer."""
    order = terms.conventions.allocation
    if kind is TransactionKind.DOWN_PAYMENT:
        order = AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL
    allocation = allocate(
        book.rows, amount_minor, on=on, order=order, excess=terms.conventions.prepayment
    )
    book.overpaid_minor += allocation.left_minor
    book.transactions.append(
        Transaction(
            kind=kind,
            on=on,
            amount_minor=amount_minor,
            parts=allocation.parts,
            balance_minor=book.principal_outstanding_minor,
            sequence=sequence,
        )
    )


def _charge(book: Book, terms: LoanTerms, event: ChargeAdded) -> None:
    """Put a charge on the row in whose period it falls due."""
    row = next((row for row in book.rows if row.start_date < event.due_date <= row.due_date), None)
    if row is None:
        raise NotCovered("a charge due outside the periods of the loan")
    ordered = terms.conventions.allocation is AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL
    if ordered and row.paid_minor:
        raise NotCovered("a charge on an instalment that was already paid on")
    charge = Charge(kind=event.kind, due_date=event.due_date, amount_minor=event.amount_minor)
    row.charges.append(charge)
    if row.outstanding_minor:
        row.settled_on = None


def _reversed_transaction(event: Event, sequence: int) -> Transaction:
    """Return the record of a repayment that was taken back: it moves nothing."""
    assert isinstance(event, Repayment)
    return Transaction(
        kind=TransactionKind.REPAYMENT,
        on=event.value_date,
        amount_minor=event.amount_minor,
        parts=dict.fromkeys(Part, 0),
        reversed=True,
        sequence=sequence,
    )
