"""What a setting would do, before the customer confirms it.

Invariant   A preview changes nothing and refuses what the setting itself would be refused for.
Running     A new repayment day is for new drawdowns: every running loan keeps its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from counterfoil.kernel.errors import Refused
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Draw
from counterfoil.lending.line import Line
from counterfoil.lending.line_changes import day_changes, refuse_repayment_day
from counterfoil.lending.loan import Loan
from counterfoil.lending.quote import price_drawdown
from counterfoil.lending.terms import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The drawdown by which a setting is shown."""

    amount_minor: int
    tenor_months: int
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEffect:
    """What the example would be under one repayment day, were its money here today."""

    repayment_day: int
    first_due_date: date
    maturity_date: date
    first_due_minor: int
    interest_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPreview:
    """A repayment day beside the present one."""

    example: Example
    present: DayEffect
    proposed: DayEffect
    #: How often it may still be changed this year, this change included.
    changes_left: int
    #: Loans that keep their own day.
    running: Sequence[Loan]


def preview_day(
    line: Line, repayment_day: int, example: Example, running: Sequence[Loan], setting: Setting
) -> DayPreview | Refused:
    """Return what another repayment day would do to an example, or why it cannot be chosen."""
    refused = refuse_repayment_day(line, repayment_day, setting)
    if refused:
        return refused
    present = _effect(line, example, setting)
    if isinstance(present, Refused):
        return present
    proposed = _effect(replace(line, repayment_day=repayment_day), example, setting)
    if isinstance(proposed, Refused):
        return proposed
    allowed = setting.terms.repayment_day_changes_per_year
    return DayPreview(
        example=example,
        present=present,
        proposed=proposed,
        changes_left=allowed - day_changes(line, setting.business_date),
        running=running,
    )


def _effect(line: Line, example: Example, setting: Setting) -> DayEffect | Refused:
    drawn = Draw(
        customer_id=line.customer_id,
        line_id=line.line_id,
        amount_minor=example.amount_minor,
        currency=line.currency,
        tenor_months=example.tenor_months,
        method=example.method,
        # Neither says anything about dates or interest.
        purpose="",
        payee_ref="",
        cost_sheet_hash=b"",
    )
    priced = price_drawdown(line, drawn, setting)
    if isinstance(priced, Refused):
        return priced
    first, last = priced.rows[0], priced.rows[-1]
    return DayEffect(
        repayment_day=line.repayment_day,
        first_due_date=first.due_date,
        maturity_date=last.due_date,
        first_due_minor=first.due_minor,
        interest_minor=sum(row.interest_minor for row in priced.rows),
    )
