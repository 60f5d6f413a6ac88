"""The statement of a line for one month, by value date, as it is known at some time.

Invariant   Made from transactions alone: the same ones give the same statement to the byte, and a
            correction that counts in a month makes another version of it, never another text.
Units       Minor units.
Signs       Paid is positive; what a month opened with plus lent less principal paid is what it
            closed with.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY, add_months
from counterfoil.lending.account import Transaction
from counterfoil.lending.cost import document_hash
from counterfoil.lending.fold import fold, origin_of
from counterfoil.lending.loan import Due, Loan, Parts, accrue, due_minor
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.terms import Terms

#: Kinds of transactions after which months that have ended may read otherwise.
CORRECTING: Final = frozenset({"repayment", "reversal", "replan", "payout_returned"})


class LoanBook(NamedTuple):
    """A loan with what is known of it."""

    loan: Loan
    history: Sequence[Transaction]
    terms: Terms


def statement_of(line_id: int, books: Sequence[LoanBook], month: date) -> dict[str, object]:
    """Return the statement of the month that begins on a date."""
    last = add_months(month, 1) - ONE_DAY
    loans = [part for book in books if (part := _loan_part(book, month, last)) is not None]
    return {
        "form": 1,
        "line_id": ids.to_text(ids.LINE, line_id),
        "month": month.isoformat()[:7],
        "totals": {name: sum(_number(loan[name]) for loan in loans) for name in _SUMMED},
        "loans": loans,
    }


def statement_hash(statement: dict[str, object]) -> bytes:
    """Return the SHA-256 of a statement's canonical text."""
    return document_hash(statement)


def difference(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """Return the totals that changed, and the loans on which anything did."""
    old, new = _totals(before), _totals(after)
    figures = {
        name: {"before": old.get(name), "after": value}
        for name, value in new.items()
        if old.get(name) != value
    }
    stood = {str(loan["loan_id"]): loan for loan in _loans(before)}
    loans = [loan["loan_id"] for loan in _loans(after) if stood.get(str(loan["loan_id"])) != loan]
    return {"figures": figures, "loans": loans}


def months_touched(value_date: date, business_date: date) -> Iterable[date]:
    """Yield the first days of the ended months in which something of that value date counts."""
    month = value_date.replace(day=1)
    while month < business_date.replace(day=1):
        yield month
        month = add_months(month, 1)


_SUMMED: Final = (
    "opening_principal_minor",
    "lent_minor",
    "principal_paid_minor",
    "interest_paid_minor",
    "penalty_paid_minor",
    "fees_paid_minor",
    "excess_minor",
    "closing_principal_minor",
    "due_unpaid_minor",
)


def _loan_part(book: LoanBook, first: date, last: date) -> dict[str, object] | None:
    """Return what a month says of one loan; None where nothing was owed or happened in it."""
    inputs = [entry for entry in inputs_of(book.history) if entry.value_date <= last]
    if not inputs:
        return None
    earlier = [entry for entry in inputs if entry.value_date < first]
    opened, _ = fold(origin_of(book.loan), earlier, through=first - ONE_DAY, terms=book.terms)
    state, parts = fold(origin_of(book.loan), inputs, through=last, terms=book.terms)
    if len(earlier) == len(inputs) and opened.status != "open":
        return None
    if state.status == "open":
        accrue(state, last)
    within = [(e, p) for e, p in zip(inputs, parts, strict=True) if e.value_date >= first]
    paid = (
        Parts(*map(sum, zip(*(p for _, p in within), strict=True))) if within else Parts(*[0] * 4)
    )
    return {
        "loan_id": ids.to_text(ids.LOAN, book.loan.loan_id),
        "opening_principal_minor": opened.principal_minor,
        "lent_minor": sum(e.amount_minor for e, _ in within if e.kind == "disbursement"),
        "principal_paid_minor": paid.principal_minor,
        "interest_paid_minor": paid.interest_minor,
        "penalty_paid_minor": paid.penalty_minor,
        "fees_paid_minor": paid.fee_minor + paid.guarantee_minor,
        "excess_minor": paid.excess_minor,
        "closing_principal_minor": state.principal_minor,
        "due_unpaid_minor": due_minor(state, last) if state.status == "open" else 0,
        "bucket": state.bucket,
        "entries": [
            {
                "kind": entry.kind,
                "value_date": entry.value_date.isoformat(),
                "amount_minor": entry.amount_minor,
                **part._asdict(),
            }
            for entry, part in within
        ],
        "instalments": [_instalment(due) for due in state.dues if first <= due.due_date <= last],
    }


def _instalment(due: Due) -> dict[str, object]:
    return {
        "instalment_no": due.instalment_no,
        "due_date": due.due_date.isoformat(),
        "principal_minor": due.principal_minor,
        "interest_minor": due.interest_minor,
        "fee_minor": due.fee_minor + due.guarantee_minor,
        "settled_on": due.settled_on.isoformat() if due.settled_on else None,
    }


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _totals(statement: dict[str, object]) -> dict[str, object]:
    totals = statement["totals"]
    assert isinstance(totals, dict)
    return totals


def _loans(statement: dict[str, object]) -> list[dict[str, object]]:
    loans = statement["loans"]
    assert isinstance(loans, list)
    return loans
