"""A figure of a loan explained: from which transactions, by which formula, with which rounding.

Invariant   Exact interest of all segments is what was paid of it, what has fallen due and what is
            still accruing; the same fold that decides tells the story.
Units       Minor units; exact amounts in 1e-8 minor units; rates in 1e-8 per day.
Rounding    Shown as its own figure: what was demanded or paid less what was exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from counterfoil.kernel.money import E8
from counterfoil.lending.account import Transaction
from counterfoil.lending.fold import Input, change_plan, origin_of
from counterfoil.lending.interest import accrued_e8, payable
from counterfoil.lending.loan import NOTHING, Loan, Parts, accrue, advance, disburse
from counterfoil.lending.paying import pay
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.terms import Terms


class Figure(StrEnum):
    """What can be explained."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    PENALTY = "penalty"
    FEE = "fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Days over which nothing changed: principal times rate times days."""

    start: date
    #: Excluded.
    end: date
    days: int
    principal_minor: int
    rate_daily_e8: int
    exact_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one transaction did to the figure: lent is positive, paid is negative."""

    transaction_id: int
    kind: str
    value_date: date
    amount_minor: int
    share_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One figure on one date, with everything that makes it."""

    figure: Figure
    on: date
    currency: str
    #: The figure itself: what is owed.
    amount_minor: int
    segments: tuple[Segment, ...]
    shares: tuple[Share, ...]
    #: Sum of the segments.
    exact_e8: int
    paid_minor: int
    #: Owed and paid together less what is exact: what rounding has moved so far.
    rounding_e8: int

    @property
    def formula(self) -> str:
        """Return the rule in one line."""
        if self.figure is Figure.PRINCIPAL:
            return "lent - principal paid"
        if self.figure is Figure.FEE:
            return "sum(fees agreed to, as they fell due) - paid"
        return "sum(principal x daily rate x days) - paid, halves up when due or paid"


def explain(
    loan: Loan, history: Sequence[Transaction], figure: Figure, *, on: date, terms: Terms
) -> Explanation:
    """Explain a figure of a loan at the start of a date."""
    walk = _Walk(origin_of(loan), terms)
    for entry in inputs_of(history):
        if entry.value_date <= on:
            walk.take(entry)
    walk.go_to(on)
    told = walk.loan
    shares = tuple(_share(entry, parts, figure) for entry, parts in walk.taken)
    if figure is Figure.PRINCIPAL:
        paid = -sum(share.share_minor for share in shares if share.share_minor < 0)
        return _explanation(figure, on, told, told.principal_minor, (), shares, paid)
    if figure is Figure.FEE:
        owed = told.due_fee_minor + told.due_guarantee_minor
        paid = told.fee_paid_minor + told.guarantee_paid_minor
        return _explanation(figure, on, told, owed, (), shares, paid)
    if figure is Figure.INTEREST:
        owed = told.due_interest_minor + payable(told.accrued_interest_e8)
        segments = tuple(walk.interest)
        return _explanation(figure, on, told, owed, segments, shares, told.interest_paid_minor)
    owed = payable(told.accrued_penalty_e8)
    segments = tuple(walk.penalty)
    return _explanation(figure, on, told, owed, segments, shares, told.penalty_paid_minor)


class _Walk:
    """The fold once more, writing down each stretch of days on the way."""

    def __init__(self, origin: Loan, terms: Terms) -> None:
        self.loan = origin
        self.interest: list[Segment] = []
        self.penalty: list[Segment] = []
        self.taken: list[tuple[Input, Parts]] = []
        self._terms = terms

    def take(self, entry: Input) -> None:
        """Apply one transaction on its value date."""
        loan = self.loan
        if entry.kind == "disbursement":
            disburse(loan, entry.value_date, self._terms)
            parts = Parts(-entry.amount_minor, 0, 0, 0)
        elif entry.plan is not None or entry.repayment_day is not None:
            if loan.status == "open":
                self.go_to(entry.value_date)
                change_plan(loan, entry, self._terms)
            parts = NOTHING
        elif loan.status == "open":
            self.go_to(entry.value_date)
            parts = pay(
                loan, entry.amount_minor, entry.value_date, mode=entry.mode, terms=self._terms
            )
        else:
            parts = Parts(0, 0, 0, entry.amount_minor)
        self.taken.append((entry, parts))

    def go_to(self, day: date) -> None:
        """Let the days up to a date pass."""
        loan = self.loan
        while loan.status == "open" and loan.next_event_on and loan.next_event_on <= day:
            event_on = loan.next_event_on
            self._accrue(event_on)
            penal = {due.instalment_no for due in loan.dues if due.penal}
            advance(loan, event_on)
            for due in loan.dues:
                if due.penal and due.instalment_no not in penal:
                    rate, left = loan.penalty_daily_e8, due.principal_left_minor
                    self.penalty += _segment(left, rate, due.due_date, event_on)
        if loan.status == "open":
            self._accrue(day)

    def _accrue(self, to: date) -> None:
        loan = self.loan
        assert loan.accrued_to is not None, "an open loan accrues from its start"
        start = loan.accrued_to
        self.interest += _segment(loan.principal_minor, loan.rate_daily_e8, start, to)
        self.penalty += _segment(loan.penal_principal_minor, loan.penalty_daily_e8, start, to)
        accrue(loan, to)


def _segment(principal_minor: int, rate_daily_e8: int, start: date, end: date) -> list[Segment]:
    days = (end - start).days
    if days <= 0 or not principal_minor or not rate_daily_e8:
        return []
    return [
        Segment(
            start=start,
            end=end,
            days=days,
            principal_minor=principal_minor,
            rate_daily_e8=rate_daily_e8,
            exact_e8=accrued_e8(principal_minor, rate_daily_e8, start, end),
        )
    ]


def _share(entry: Input, parts: Parts, figure: Figure) -> Share:
    paid = {
        Figure.PRINCIPAL: parts.principal_minor,
        Figure.INTEREST: parts.interest_minor,
        Figure.PENALTY: parts.penalty_minor,
        Figure.FEE: parts.fee_minor + parts.guarantee_minor,
    }[figure]
    return Share(
        transaction_id=entry.transaction_id,
        kind=entry.kind,
        value_date=entry.value_date,
        amount_minor=entry.amount_minor,
        share_minor=-paid,
    )


def _explanation(
    figure: Figure,
    on: date,
    loan: Loan,
    amount_minor: int,
    segments: tuple[Segment, ...],
    shares: tuple[Share, ...],
    paid_minor: int,
) -> Explanation:
    exact_e8 = sum(segment.exact_e8 for segment in segments)
    is_exact = figure in (Figure.PRINCIPAL, Figure.FEE)
    return Explanation(
        figure=figure,
        on=on,
        currency=loan.currency,
        amount_minor=amount_minor,
        segments=segments,
        shares=shares,
        exact_e8=exact_e8,
        paid_minor=paid_minor,
        rounding_e8=0 if is_exact else (amount_minor + paid_minor) * E8 - exact_e8,
    )
