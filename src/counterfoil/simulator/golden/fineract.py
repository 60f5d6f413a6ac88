"""Cases with an event stream: the loan is folded up to each checkpoint and shown as asserted."""

from collections.abc import Mapping, Sequence
from datetime import date

from counterfoil.kernel.calendar import days_between
from counterfoil.lending.conventions.book import Book, BookRow, Charge, Part, Transaction
from counterfoil.lending.conventions.course import course_of
from counterfoil.lending.conventions.delinquency import amounts_by_bucket
from counterfoil.lending.conventions.progressive import payable
from counterfoil.lending.conventions.replay import replay
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.lending.conventions.terms import (
    ChargeKind,
    DayClosed,
    Draw,
    Event,
    LoanTerms,
    PayOff,
)
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.figures import Asked, major
from counterfoil.simulator.golden.fineract_events import events_of
from counterfoil.simulator.golden.fineract_product import BUCKETS, Product
from counterfoil.simulator.golden.fineract_terms import terms_of
from counterfoil.simulator.golden.inputs import Inputs, day

Figures = dict[str, object]


def figures(case: Case) -> Mapping[str, object]:
    """Return the figures of every checkpoint the case looks at."""
    inputs = Inputs(case.inputs)
    terms, product = terms_of(case, inputs)
    events = events_of(inputs.entries("events"))
    inputs.done()
    looks = looks_of(case, len(events))
    return {"checkpoints": [_checkpoint(terms, product, events, look) for look in looks]}


def looks_of(case: Case, events: int) -> list[int]:
    """Return after how many of its events each checkpoint of a case looks at the loan."""
    expected = Inputs(case.expected, "expected figure")
    looks = [
        Inputs(one, "checkpoint key").count("after_events")
        for one in expected.entries("checkpoints")
    ]
    if not looks or max(looks) > events:
        raise NotCovered("checkpoints that are not after an event of the case")
    return looks


def _checkpoint(
    terms: LoanTerms, product: Product, events: Sequence[Event | None], look: int
) -> Figures:
    """Return every figure of the loan after the first events."""
    seen = [event for event in events[:look] if event is not None]
    _check_payoff(product, terms, seen)
    book = replay(terms, seen)
    figures: Figures = {
        "schedule": schedule_of(book, terms),
        "totals": _totals(book),
        "charges": [_charge(charge) for charge in book.charges],
        "outstanding_amount": major(book.outstanding_minor),
        "outstanding_total": major(book.outstanding_minor),
        "overpaid_amount": major(book.overpaid_minor),
        "status": status_of(book),
    }
    if book.accruals_known:
        figures["transactions"] = [_transaction(one) for one in book.transactions]
        figures |= _transactions_by_date(book)
    if product.has_buckets and book.closed_to is not None:
        figures["delinquency"] = _delinquency(book, book.closed_to)
    if terms.rate_annual and terms.conventions.factor_digits is not None:
        figures["payable"] = _payable(terms, seen)
    return figures


def _check_payoff(product: Product, terms: LoanTerms, events: Sequence[Event]) -> None:
    """Refuse a pay-off where the product does not say up to which day interest is paid."""
    paid_off = any(isinstance(event, PayOff) for event in events)
    if paid_off and terms.rate_annual and product.payoff is None:
        raise NotCovered("a pay-off where it is not stated up to which day interest is paid")


def schedule_of(book: Book, terms: LoanTerms) -> list[Figures]:
    """Return the rows with the draws between them."""
    draws = sorted(book.draws) or [(terms.start, terms.principal_minor)]
    on_due_counts = terms.conventions.factor_digits is None
    shown: list[Figures] = []
    left, waiting = 0, list(draws)
    for number, row in enumerate(book.rows, start=1):
        while waiting and _comes_before(waiting[0][0], row, terms, on_due_counts=on_due_counts):
            on, amount = waiting.pop(0)
            left += amount
            shown.append(_draw_row(on, amount))
        left -= row.principal_minor
        shown.append(_row(row, number, left))
    shown += [_draw_row(on, amount) for on, amount in waiting]
    return shown


def _comes_before(on: date, row: BookRow, terms: LoanTerms, *, on_due_counts: bool) -> bool:
    """Say whether a draw stands before a row; one on a due date depends on the engine."""
    return on == terms.start or on < row.due_date or (on == row.due_date and on_due_counts)


def _draw_row(on: date, amount_minor: int) -> Figures:
    """Return the row that stands for a draw."""
    nothing = dict.fromkeys(("fees", "due", "paid", "outstanding"), major(0))
    return {"date": on, "balance": major(amount_minor), **nothing}


def _row(row: BookRow, number: int, left_minor: int) -> Figures:
    """Return one instalment as the cases write it."""
    return {
        "nr": number,
        "days": days_between(row.start_date, row.due_date),
        "date": row.due_date,
        "paid_date": row.settled_on,
        "balance": major(left_minor),
        "principal": major(row.principal_minor),
        "interest": major(row.interest_minor),
        "fees": major(row.due_of(Part.FEE)),
        "penalties": major(row.due_of(Part.PENALTY)),
        "due": major(row.due_minor),
        "paid": major(row.paid_minor),
        "in_advance": major(row.in_advance_minor),
        "late": major(row.late_minor),
        "outstanding": major(row.outstanding_minor),
    }


def _totals(book: Book) -> Figures:
    """Return the sums over the rows."""
    rows = book.rows
    return {
        "principal_due": major(sum(row.principal_minor for row in rows)),
        "interest": major(sum(row.interest_minor for row in rows)),
        "fees": major(sum(row.due_of(Part.FEE) for row in rows)),
        "penalties": major(sum(row.due_of(Part.PENALTY) for row in rows)),
        "due": major(sum(row.due_minor for row in rows)),
        "paid": major(sum(row.paid_minor for row in rows)),
        "in_advance": major(sum(row.in_advance_minor for row in rows)),
        "late": major(sum(row.late_minor for row in rows)),
        "outstanding": major(book.outstanding_minor),
    }


def _transaction(one: Transaction) -> Figures:
    """Return one transaction as the cases write it."""
    return {
        "date": one.on,
        "type": str(one.kind),
        "amount": major(one.amount_minor),
        "principal": major(one.parts.get(Part.PRINCIPAL, 0)),
        "interest": major(one.parts.get(Part.INTEREST, 0)),
        "fees": major(one.parts.get(Part.FEE, 0)),
        "penalties": major(one.parts.get(Part.PENALTY, 0)),
        "balance": major(one.balance_minor or 0),
        "reverted": one.reversed,
        "replayed": one.replayed,
    }


def _transactions_by_date(book: Book) -> Figures:
    """Return the standing transactions under a key for each date."""
    by_date: dict[str, list[Figures]] = {}
    for one in book.transactions:
        if not one.reversed:
            by_date.setdefault(f"transaction_on_{one.on}", []).append(_transaction(one))
    return dict(by_date)


def _charge(charge: Charge) -> Figures:
    """Return one charge as the cases write it."""
    return {
        "ispenalty": charge.kind is ChargeKind.PENALTY,
        "due_as_of": charge.due_date,
        "due": major(charge.amount_minor),
        "paid": major(charge.paid_minor),
        "waived": major(0),
        "outstanding": major(charge.outstanding_minor),
    }


def _delinquency(book: Book, on: date) -> list[Figures]:
    """Return what is overdue in each range."""
    amounts = amounts_by_bucket(book.rows, on, BUCKETS, first_day=0)
    if any(bucket is BUCKETS[-1] for bucket, _ in amounts):
        raise NotCovered("more days past due than the ranges known")
    return [
        {"rangeid": BUCKETS.index(bucket) + 1, "range": bucket.name, "amount": major(amount)}
        for bucket, amount in amounts
    ]


def _payable(terms: LoanTerms, events: Sequence[Event]) -> Asked:
    """Return what is payable for a due date if it is paid on a day."""

    def answer(for_due_date: str, on: str) -> Figures:
        due, paid_on = day(for_due_date, "for_due_date"), day(on, "on")
        course = course_of(terms, events)
        if any(not isinstance(event, Draw | DayClosed) for event in events):
            raise NotCovered("what is payable after other events than draws")
        if due not in {p.due for p in course.periods if p.start <= paid_on <= p.due}:
            raise NotCovered("what is payable on a day outside the period asked about")
        balance, principal, interest = payable(course, due, paid_on)
        return {
            "outstanding": major(balance),
            "principal": major(principal),
            "interest": major(interest),
        }

    return Asked(("for_due_date", "on"), answer)


def status_of(book: Book) -> str:
    """Return the state of the loan in the words of the cases."""
    if not book.draws:
        return "APPROVED"
    if book.overpaid_minor:
        return "OVERPAID"
    return "ACTIVE" if book.outstanding_minor else "CLOSED_OBLIGATIONS_MET"
