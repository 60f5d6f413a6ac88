"""Folding a loan again after its history changed, and booking what that changed.

Invariant   What is booked is never touched: a difference in the parts of an earlier payment is a
            reallocation of today, and the sum of all rows of a payment is what the fold gives it.
Cost        Grows with the transactions after the change, and with those since the checkpoint before
            it, of which there are about `checkpoint.EVERY`; not with the life of the loan.
"""

from collections.abc import Sequence
from datetime import date
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
from counterfoil.lending.checkpoint import Checkpoint, fold_and_keep
from counterfoil.lending.fold import Input, origin_of
from counterfoil.lending.line import Line
from counterfoil.lending.loan import NOTHING, Loan, Parts
from counterfoil.lending.redating import REDATING, day_of
from counterfoil.lending.replanning import REPLAN
from counterfoil.lending.terms import Terms

#: Kind of the transaction that undoes a disbursement: the rail took its confirmation back.
PAYOUT_RETURNED: Final = "payout_returned"
#: Kinds that the fold reads; the others say what came of these, or undo one of them.
_COUNTED: Final = frozenset({"disbursement", "repayment", REDATING, REPLAN})


def refold(
    account: Account, loan: Loan, history: Sequence[Transaction], setting: Setting
) -> dict[int, Parts]:
    """Fold the loan again; put the new state in its place; return the parts by transaction.

    The last row of the history is the change. What lies before the base stays as it is and is
    neither read nor returned.
    """
    inputs, since = inputs_of(history), _changed_since(loan, history[-1])
    base = account.bases.get(loan.loan_id)
    assert base is None or base.value_date < since, "the base lies before the change"
    state, parts, passed = fold_and_keep(
        start_of(account, loan),
        inputs,
        ((t.value_date, t.sequence) for t in history),
        booked_through=loan.last_sequence,
        through=setting.business_date,
        terms=setting.terms_of(loan),
    )
    if base is None and not any(entry.kind == "disbursement" for entry in inputs):
        # Its payout came back, or never went out: nothing is owed, and payments are excess.
        state.status, state.closed_on = "cancelled", setting.business_date
    state.last_sequence = loan.last_sequence
    state.version = loan.version + 1
    unwritten = {due.instalment_no for due in loan.dues if due.is_new or due.is_changed}
    for due in state.dues:
        # What was settled before the change is stored as it is.
        is_stored = due.settled_on is not None and due.settled_on < since
        due.is_new = due.is_changed = not is_stored or due.instalment_no in unwritten
    account.loans[loan.loan_id] = state
    account.changed_loans.add(loan.loan_id)
    account.refolded_loans.add(loan.loan_id)
    account.checkpoints[loan.loan_id] = passed
    return {entry.transaction_id: part for entry, part in zip(inputs, parts, strict=True)}


def checkpoints_after(
    loan: Loan,
    base: Checkpoint | None,
    history: Sequence[Transaction],
    *,
    through: date,
    terms: Terms,
) -> list[Checkpoint]:
    """Return what the fold of a stored loan passes through after its base; books nothing.

    `history` is what is valued after the base. A base that knows of later bookings than these
    hands its knowledge on.
    """
    known = max(t.sequence for t in history)
    _, _, passed = fold_and_keep(
        origin_of(loan) if base is None else base.state_of(loan),
        inputs_of(history),
        ((t.value_date, t.sequence) for t in history),
        booked_through=known if base is None else max(known, base.booked_through),
        through=through,
        terms=terms,
    )
    return passed


def start_of(account: Account, loan: Loan) -> Loan:
    """Return the state that the loaded history goes on from: of its base, else as it was signed."""
    base = account.bases.get(loan.loan_id)
    return origin_of(loan) if base is None else base.state_of(loan)


def _changed_since(loan: Loan, change: Transaction) -> date:
    """Return the first date on which a change makes a difference."""
    if change.kind == PAYOUT_RETURNED and loan.start_date is not None:
        return loan.start_date
    return change.value_date


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
    standing = _standing(others)
    for other in others:
        if other.kind != "repayment" or other.transaction_id not in allotted:
            continue
        change = _difference(allotted[other.transaction_id], standing[other.transaction_id])
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
    return _standing(history)[transaction_id]


def _standing(history: Sequence[Transaction]) -> dict[int, Parts]:
    """Return the parts of all payments, as booked and with every reallocation since."""
    standing: dict[int, Parts] = {}
    for t in history:
        if t.kind == "repayment":
            standing[t.transaction_id] = t.parts
        elif t.kind == "reallocation" and t.relates_to in standing:
            so_far = standing[t.relates_to]
            standing[t.relates_to] = Parts(*(a + b for a, b in zip(so_far, t.parts, strict=True)))
    return standing


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
