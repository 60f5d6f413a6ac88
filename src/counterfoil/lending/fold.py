"""A loan as the fold of its transactions.

Invariant   The state is `fold(origin, transactions)` advanced to a date; applying a transaction to
            the present state gives the same as folding all of them from the start.
Units       As in `loan`.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from counterfoil.lending.loan import NOTHING, Loan, Parts, advance, disburse
from counterfoil.lending.paying import pay
from counterfoil.lending.redating import redate
from counterfoil.lending.replanning import replan
from counterfoil.lending.terms import PlanTerms, Prepayment, Terms


class Input(NamedTuple):
    """A transaction as the fold reads it: what was done, not what came of it."""

    kind: str
    value_date: date
    amount_minor: int
    mode: Prepayment
    transaction_id: int
    #: What the plan follows from after a `replan`, None for every other kind.
    plan: PlanTerms | None = None
    #: The day that a redating moves the instalments to; None for anything else.
    repayment_day: int | None = None


def fold(
    origin: Loan, inputs: Iterable[Input], *, through: date, terms: Terms
) -> tuple[Loan, list[Parts]]:
    """Return the state after all transactions, advanced to `through`, and the parts of each.

    `origin` is the loan as it was signed, before any money moved, or its state at a checkpoint;
    `inputs` are those after it, in the order of value date, then sequence.
    """
    loan = origin.copy()
    parts = [apply(loan, entry, terms) for entry in inputs]
    if loan.status == "open":
        advance(loan, through)
    return loan, parts


def apply(loan: Loan, entry: Input, terms: Terms) -> Parts:
    """Let one transaction happen to a loan and return its parts."""
    if entry.kind == "disbursement":
        disburse(loan, entry.value_date, terms)
        return NOTHING
    if entry.plan is not None or entry.repayment_day is not None:
        if loan.status == "open":
            change_plan(loan, entry, terms)
        return NOTHING
    if loan.status == "open":
        return pay(loan, entry.amount_minor, entry.value_date, mode=entry.mode, terms=terms)
    return Parts(0, 0, 0, entry.amount_minor)


def change_plan(loan: Loan, entry: Input, terms: Terms) -> None:
    """Apply a transaction that moves no money: another day of the month, or other plan terms."""
    if entry.repayment_day is not None:
        redate(loan, entry.repayment_day, entry.value_date, terms)
    elif entry.plan is not None:
        replan(loan, entry.value_date, entry.plan)


def origin_of(loan: Loan) -> Loan:
    """Return the loan as it was signed: the same terms, no money moved yet."""
    origin = Loan(**{name: getattr(loan, name) for name in _SIGNED})
    if loan.signed is not None:
        for name, value in loan.signed._asdict().items():
            setattr(origin, name, value)
    return origin


_SIGNED = (
    "customer_id",
    "loan_id",
    "line_id",
    "product_code",
    "product_version",
    "lender_id",
    "currency",
    "method",
    "purpose",
    "payee_ref",
    "cost_sheet_hash",
    "original_minor",
    "rate_daily_e8",
    "penalty_daily_e8",
    "grace_days",
    "tenor_months",
    "repayment_day",
    "requested_on",
    "contract_id",
    "note_ref",
    "note_sha256",
    "fees",
    "sheet_read_ms",
)
