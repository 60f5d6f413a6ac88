"""A loan told again from its transactions: the state it leads to, and how its interest came about.

Invariant   The story is made by the same fold that decides; where it does not lead to the stored
            state, the page says so instead of hiding it. Exact interest of all periods equals what
            fell due, what was paid ahead of time and what is still accruing.
Units       Minor units; exact interest in 1e-8 minor units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from counterfoil.kernel.money import E8
from counterfoil.lending.account import Transaction
from counterfoil.lending.fold import Input, fold, origin_of
from counterfoil.lending.interest import accrued_e8, payable
from counterfoil.lending.loan import (
    Loan,
    Parts,
    accrue,
    advance,
    due_minor,
    fees_of_payoff,
    payoff_minor,
    plan,
)
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.terms import Prepayment, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days over which nothing changed: interest is principal times rate times days."""

    start: date
    #: Excluded.
    end: date
    days: int
    principal_minor: int
    rate_daily_e8: int
    interest_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestSum:
    """Where the exact interest of all periods has gone."""

    total_e8: int
    fallen_due_minor: int
    paid_ahead_minor: int
    #: Still accruing; on a closed loan what rounding left, which nobody owes.
    rest_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is asked for, by its parts."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: The lender's and a guarantor's.
    fee_minor: int

    @property
    def total_minor(self) -> int:
        """Return the sum of the parts."""
        return self.principal_minor + self.interest_minor + self.penalty_minor + self.fee_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the transactions of a loan lead to, at one date."""

    loan: Loan
    plan: Sequence[PlanRow]
    periods: Sequence[Period]
    interest: InterestSum
    is_as_stored: bool


def tell(stored: Loan, history: Sequence[Transaction], terms: Terms, *, on: date) -> Story | None:
    """Return the story up to and including a date; None while no money has moved, or none did."""
    inputs = inputs_of(history)
    if not any(entry.kind == "disbursement" for entry in inputs):
        return None
    origin = origin_of(stored)
    loan = _state(origin, inputs, terms, on=on)
    periods = _periods(origin, inputs, terms, on=on)
    return Story(
        loan=loan,
        plan=plan(loan) if loan.status == "open" else [],
        periods=periods,
        interest=_interest_sum(loan, periods),
        is_as_stored=_is_as_stored(loan, stored),
    )


def owed_now(loan: Loan, on: date) -> Owed:
    """Return what has fallen due and is unpaid."""
    twin = _at(loan, on)
    owed = Owed(
        principal_minor=twin.due_principal_minor,
        interest_minor=twin.due_interest_minor,
        penalty_minor=payable(twin.accrued_penalty_e8),
        fee_minor=twin.due_fee_minor + twin.due_guarantee_minor,
    )
    assert owed.total_minor == due_minor(loan, on)
    return owed


def owed_to_close(loan: Loan, on: date) -> Owed:
    """Return what closes the loan to zero on a date."""
    twin = _at(loan, on)
    owed = Owed(
        principal_minor=twin.principal_minor,
        interest_minor=twin.due_interest_minor + payable(twin.accrued_interest_e8),
        penalty_minor=payable(twin.accrued_penalty_e8),
        fee_minor=fees_of_payoff(twin).total_minor,
    )
    assert owed.total_minor == payoff_minor(loan, on)
    return owed


def told_with_payment(
    stored: Loan,
    history: Sequence[Transaction],
    terms: Terms,
    *,
    amount_minor: int,
    value_date: date,
    mode: Prepayment,
    on: date,
) -> tuple[Loan, Parts]:
    """Return the loan as one more payment would leave it, and what that payment would pay."""
    new = Input("repayment", value_date, amount_minor, mode, 0)
    inputs = inputs_of(history)
    # A payment stands behind those of its own value date, as its later number will put it.
    place = sum(entry.value_date <= value_date for entry in inputs)
    inputs.insert(place, new)
    loan, parts = fold(origin_of(stored), inputs, through=on, terms=terms)
    return loan, parts[place]


def told_without(
    stored: Loan, history: Sequence[Transaction], terms: Terms, repayment_id: int, *, on: date
) -> Loan:
    """Return the loan as if a repayment had never been booked."""
    kept = [entry for entry in history if entry.repayment_id != repayment_id]
    return fold(origin_of(stored), inputs_of(kept), through=on, terms=terms)[0]


def _at(loan: Loan, on: date) -> Loan:
    twin = loan.copy()
    advance(twin, on)
    accrue(twin, on)
    return twin


def _state(origin: Loan, inputs: Sequence[Input], terms: Terms, *, on: date) -> Loan:
    told = [entry for entry in inputs if entry.value_date <= on]
    return fold(origin, told, through=on, terms=terms)[0]


def _periods(origin: Loan, inputs: Sequence[Input], terms: Terms, *, on: date) -> list[Period]:
    """Return the periods between the days on which principal may have changed."""
    end = _state(origin, inputs, terms, on=on)
    last = end.closed_on or on
    days = {entry.value_date for entry in inputs} | {due.due_date for due in end.dues} | {last}
    borders = sorted(day for day in days if day <= last)
    periods = []
    for start, stop in pairwise(borders):
        state = _state(origin, inputs, terms, on=start)
        if state.principal_minor:
            periods.append(_period(state, start, stop))
    return periods


def _period(state: Loan, start: date, stop: date) -> Period:
    return Period(
        start=start,
        end=stop,
        days=(stop - start).days,
        principal_minor=state.principal_minor,
        rate_daily_e8=state.rate_daily_e8,
        interest_e8=accrued_e8(state.principal_minor, state.rate_daily_e8, start, stop),
    )


def _interest_sum(loan: Loan, periods: Sequence[Period]) -> InterestSum:
    total_e8 = sum(period.interest_e8 for period in periods)
    fallen_due = sum(due.interest_minor for due in loan.dues)
    paid_of_due = sum(due.interest_paid_minor for due in loan.dues)
    ahead = loan.interest_paid_minor - paid_of_due
    return InterestSum(
        total_e8=total_e8,
        fallen_due_minor=fallen_due,
        paid_ahead_minor=ahead,
        rest_e8=total_e8 - (fallen_due + ahead) * E8,
    )


def _is_as_stored(loan: Loan, stored: Loan) -> bool:
    return all(getattr(loan, name) == getattr(stored, name) for name in _TOLD)


#: What the story has to lead to.
_TOLD: Final = (
    "status",
    "principal_minor",
    "due_principal_minor",
    "due_interest_minor",
    "due_fee_minor",
    "due_guarantee_minor",
    "interest_paid_minor",
    "penalty_paid_minor",
    "fee_paid_minor",
    "guarantee_paid_minor",
    "rate_daily_e8",
    "repayment_day",
    "next_due_date",
)
