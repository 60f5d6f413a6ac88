"""Folding a loan again after its history changed, and booking what that changed.

Invariant   What is booked is never touched: a difference in the parts of an earlier payment is a
            reallocation of today, and the sum of all rows of a payment is what the fold gives it.
"""

from collections.abc import Sequence
from typing import Final

from counterfoil.kernel import ids
from counterfoil.lending.account import (
    Accepted,
    Account,
    LineEvent,
    Movement,
    Setting,
    Transaction,
)
from counterfoil.lending.fold import Input, fold, origin_of
from counterfoil.lending.line import Line
from counterfoil.lending.loan import NOTHING, Loan, Parts
from counterfoil.lending.redating import REDATING, day_of
from counterfoil.lending.replanning import REPLAN

#: Kind of the transaction that undoes a disbursement: the rail took its confirmation back.
PAYOUT_RETURNED: Final = "payout_returned"
#: Kinds that the fold reads; the others say what came of these, or undo one of them.
_COUNTED: Final = frozenset({"disbursement", "repayment", REDATING, REPLAN})


def refold(
    account: Account, loan: Loan, history: Sequence[Transaction], setting: Setting
) -> dict[int, Parts]:
    """Fold the loan again; put the new state in its place; return the parts by transaction."""
    inputs = inputs_of(history)
    through, terms = setting.business_date, setting.terms_of(loan)
    state, parts = fold(origin_of(loan), inputs, through=through, terms=terms)
    if not any(entry.kind == "disbursement" for entry in inputs):
        # Its payout came back, or never went out: nothing is owed, and payments are excess.
        state.status, state.closed_on = "cancelled", setting.business_date
    state.last_sequence = loan.last_sequence
    state.version = loan.version + 1
    for due in state.dues:
        due.is_new = due.is_changed = True
    account.loans[loan.loan_id] = state
    account.changed_loans.add(loan.loan_id)
    account.refolded_loans.add(loan.loan_id)
    return {entry.transaction_id: part for entry, part in zip(inputs, parts, strict=True)}


def inputs_of(history: Sequence[Transaction]) -> list[Input]:
    """Return the transactions that count, in the order in which the fold reads them."""
    undone = {t.relates_to for t in history if t.kind in ("reversal", PAYOUT_RETURNED)}
    counted = [t for t in history if t.kind in _COUNTED and t.transaction_id not in undone]
    counted.sort(key=lambda t: (t.value_date, t.sequence))
    return [_input_of(t) for t in counted]


def _input_of(transaction: Transaction) -> Input:
    t = transaction
    day = day_of(t.reason) if t.kind == REDATING else None
    return Input(
        t.kind, t.value_date, t.amount_minor, t.mode, t.transaction_id, t.plan, repayment_day=day
    )


def reallocate(
    account: Account,
    loan: Loan,
    others: Sequence[Transaction],
    allotted: dict[int, Parts],
    cause: Transaction,
    setting: Setting,
    done: Accepted,
) -> None:
    """Book what changed in the parts of earlier payments; their receipts keep their numbers."""
    state = account.loans[loan.loan_id]
    for other in others:
        if other.kind != "repayment" or other.transaction_id not in allotted:
            continue
        standing = standing_parts(others, other.transaction_id)
        change = _difference(allotted[other.transaction_id], standing)
        if change == NOTHING:
            continue
        state.last_sequence += 1
        row = Transaction(
            transaction_id=setting.ids.next(),
            loan_id=loan.loan_id,
            sequence=state.last_sequence,
            kind="reallocation",
            value_date=other.value_date,
            amount_minor=0,
            parts=change,
            mode=other.mode,
            repayment_id=other.repayment_id,
            relates_to=other.transaction_id,
            channel=other.channel,
            reason=f"{cause.kind} {ids.to_text(ids.TRANSACTION, cause.transaction_id)}",
        )
        book(row, state, done)


def standing_parts(history: Sequence[Transaction], transaction_id: int) -> Parts:
    """Return a payment's parts as booked, with every reallocation since."""
    rows = [
        t.parts
        for t in history
        if t.transaction_id == transaction_id
        or (t.kind == "reallocation" and t.relates_to == transaction_id)
    ]
    return Parts(*(sum(column) for column in zip(*rows, strict=True)))


def _difference(new: Parts, old: Parts) -> Parts:
    return Parts(*(n - o for n, o in zip(new, old, strict=True)))


def negative(parts: Parts) -> Parts:
    """Return the parts that take others back."""
    return Parts(*(-part for part in parts))


def book(transaction: Transaction, loan: Loan, done: Accepted) -> None:
    """Note a transaction with the movement that the books have to show."""
    done.transactions.append(transaction)
    done.movements.append(
        Movement(
            transaction.kind,
            loan.loan_id,
            transaction.transaction_id,
            loan.product_code,
            transaction.parts,
            0,
            transaction.is_from_credit,
        )
    )


def settle_line(line: Line, done: Accepted) -> None:
    """Carry to the line what was booked: principal comes back, an excess is kept as credit."""
    line.principal_minor -= sum(t.parts.principal_minor for t in done.transactions)
    line.credit_minor += sum(credit_change_minor(t) for t in done.transactions)
    line.version += 1


def reopen(account: Account, line: Line, done: Accepted, *, reason: str) -> None:
    """Open a closed line on which something is owed or kept again: repaid on, not drawn on."""
    is_owed = any(loan.status == "open" for loan in account.loans.values())
    if line.status == "closed" and (is_owed or line.credit_minor):
        line.status, line.status_reason = "suspended", reason
        done.events.append(
            LineEvent(line.version, "reopened", "closed", "suspended", reason, "rule")
        )


def credit_change_minor(transaction: Transaction) -> int:
    """Return what a transaction adds to the credit kept, less what it takes out of it."""
    used = transaction.amount_minor if transaction.is_from_credit else 0
    return transaction.parts.excess_minor - used
