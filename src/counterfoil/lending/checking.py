"""A stored loan held against the fold of its transactions.

Invariant   State, instalments and the parts of every payment follow from the transactions alone;
            what is stored of them is a cache, and any difference is a fault.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

from counterfoil.kernel.money import E8
from counterfoil.lending.account import Transaction
from counterfoil.lending.checkpoint import Checkpoint, state_text
from counterfoil.lending.fold import apply, fold, origin_of
from counterfoil.lending.loan import NOTHING, Due, Loan, Parts, accrue
from counterfoil.lending.redating import REDATING
from counterfoil.lending.refolding import PAYOUT_RETURNED, inputs_of
from counterfoil.lending.replanning import REPLAN
from counterfoil.lending.terms import Terms

#: Fields of a loan that follow from its transactions; the rest was signed or counts versions.
STATE_FIELDS = (
    "status",
    "start_date",
    "first_due_date",
    "maturity_date",
    "closed_on",
    "principal_minor",
    "due_principal_minor",
    "penal_principal_minor",
    "due_interest_minor",
    "accrued_interest_e8",
    "accrued_penalty_e8",
    "accrued_to",
    "instalment_minor",
    "advance_minor",
    "next_instalment_no",
    "next_due_date",
    "next_event_on",
    "oldest_due_date",
    "bucket",
    "interest_paid_minor",
    "penalty_paid_minor",
    "last_sequence",
    "rate_daily_e8",
    "penalty_daily_e8",
    "tenor_months",
    "due_fee_minor",
    "due_guarantee_minor",
    "fee_paid_minor",
    "guarantee_paid_minor",
    "signed",
)
#: Kinds of transactions that are neither a payment nor belong to one.
_MOVES_NO_PAYMENT = frozenset({"disbursement", PAYOUT_RETURNED, REDATING, REPLAN})
_DUE_FIELDS = (
    "due_date",
    "principal_minor",
    "interest_minor",
    "principal_paid_minor",
    "interest_paid_minor",
    "penal",
    "settled_on",
    "fee_minor",
    "guarantee_minor",
    "fee_paid_minor",
    "guarantee_paid_minor",
)


def refold(
    stored: Loan, history: Sequence[Transaction], *, through: date, terms: Terms
) -> tuple[Loan, dict[int, Parts]]:
    """Return the loan as its history makes it on a date, and the parts of each transaction."""
    inputs = inputs_of(history)
    origin = origin_of(stored)
    if stored.status == "cancelled" and not any(i.kind == "disbursement" for i in inputs):
        origin.status, origin.closed_on = "cancelled", stored.closed_on
    state, parts = fold(origin, inputs, through=through, terms=terms)
    state.last_sequence = max((t.sequence for t in history), default=0)
    return state, {entry.transaction_id: part for entry, part in zip(inputs, parts, strict=True)}


def day_reached(stored: Loan, business_date: date, *, is_closing: bool) -> date:
    """Return the date up to which events have happened on a stored loan.

    It is the business date; only while a day is being closed may a loan still wait for its turn.
    """
    if is_closing and stored.next_event_on is not None and stored.next_event_on <= business_date:
        return stored.next_event_on - timedelta(days=1)
    return business_date


def state_faults(stored: Loan, folded: Loan) -> list[str]:
    """Return what of the stored state does not follow from the transactions."""
    faults = [
        f"{name} is {getattr(stored, name)}, its transactions make it {getattr(folded, name)}"
        for name in STATE_FIELDS
        if getattr(stored, name) != getattr(folded, name)
    ]
    if stored.status == "cancelled" and stored.closed_on is None:
        faults.append("closed_on is missing on a cancelled drawdown")
    return faults


def due_faults(stored: Sequence[Due], folded: Sequence[Due]) -> list[str]:
    """Return what of the stored instalments does not follow from the transactions."""
    rows = {due.instalment_no: due for due in stored}
    made = {due.instalment_no: due for due in folded}
    faults = [f"instalment {number} is missing" for number in sorted(made.keys() - rows.keys())]
    faults += [
        f"instalment {number} never fell due" for number in sorted(rows.keys() - made.keys())
    ]
    for number in sorted(rows.keys() & made.keys()):
        row, due = rows[number], made[number]
        faults += [
            f"instalment {number}: {name} is {getattr(row, name)}, "
            f"its transactions make it {getattr(due, name)}"
            for name in _DUE_FIELDS
            if getattr(row, name) != getattr(due, name)
        ]
    return faults


def checkpoint_faults(
    stored: Loan, history: Sequence[Transaction], kept: Sequence[Checkpoint], *, terms: Terms
) -> list[str]:
    """Return which checkpoints are not what the transactions booked by then make of their date.

    `kept` come in the order of their booking, then of their date. One that was overtaken by a
    later change is held against what was known when it was made.
    """
    faults = []
    for booked_through, of_one_fold in groupby(kept, key=lambda one: one.booked_through):
        known = [t for t in history if t.sequence <= booked_through]
        inputs, state, at = inputs_of(known), origin_of(stored), 0
        for one in of_one_fold:
            while at < len(inputs) and inputs[at].value_date <= one.value_date:
                apply(state, inputs[at], terms)
                at += 1
            if state.status != "open" or state_text(state) != one.state:
                faults.append(f"checkpoint of {one.value_date}: its transactions make another")
            later = [t.sequence for t in known if t.value_date > one.value_date]
            if min(later, default=booked_through + 1) < one.rows_from:
                faults.append(f"checkpoint of {one.value_date}: rows after it are passed over")
    return faults


def history_faults(history: Sequence[Transaction], allotted: dict[int, Parts]) -> list[str]:
    """Return what is wrong with a history: gaps, sums, and parts that no fold gives."""
    faults = []
    if [t.sequence for t in history] != list(range(1, len(history) + 1)):
        faults.append("the sequence of transactions has a gap")
    standing: dict[int, Parts] = {}
    for t in history:
        if t.parts.amount_minor != t.amount_minor:
            faults.append(f"transaction {t.sequence}: parts do not sum to the amount")
        if t.kind in _MOVES_NO_PAYMENT:
            continue
        payment = t.transaction_id if t.kind == "repayment" else t.relates_to
        if payment is None:
            faults.append(f"transaction {t.sequence} does not say what it relates to")
        else:
            standing[payment] = _plus(standing.get(payment, NOTHING), t.parts)
    for payment, parts in standing.items():
        made = allotted.get(payment, NOTHING)
        if parts != made:
            faults.append(
                f"payment {payment} stands at {tuple(parts)}, its transactions make {tuple(made)}"
            )
    return faults


def receivable_e8(folded: Loan, on: date) -> tuple[int, int]:
    """Return the exact interest and penalty owed at the start of a date; moves the loan there."""
    accrue(folded, on)
    interest = folded.due_interest_minor * E8 + folded.accrued_interest_e8
    return interest, folded.accrued_penalty_e8


def _plus(one: Parts, other: Parts) -> Parts:
    return Parts(*(a + b for a, b in zip(one, other, strict=True)))
