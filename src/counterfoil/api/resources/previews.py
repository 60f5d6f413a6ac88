"""Previews: what a setting would do, before the customer confirms it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import AmountMinor, CustomerId, LineId, RepaymentDay, TenorMonths, View
from counterfoil.journeys.borrowing.quote import preview_repayment_day
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.lending.preview import DayEffect, DayPreview
from counterfoil.lending.terms import Method
from counterfoil.platform.access import Scope

router = APIRouter()


class DayEffectView(View):
    """What the example would be under one repayment day."""

    repayment_day: int
    first_due_date: date
    maturity_date: date
    first_due_minor: int
    #: All interest of the example where every instalment is paid on its day.
    interest_minor: int


class RunningLoanView(View):
    """A loan that keeps its own repayment day."""

    loan_id: str
    repayment_day: int
    next_due_date: date | None


class RepaymentDayPreview(View):
    """A repayment day beside the present one, shown by an example drawdown of today."""

    amount_minor: int
    tenor_months: int
    method: str
    present: DayEffectView
    proposed: DayEffectView
    #: How often the day may still be changed this year, this change included.
    changes_left: int
    #: Running loans keep theirs.
    running_loans: list[RunningLoanView]


@router.get(
    "/v1/lines/{line_id}/repayment-day-preview",
    **reads(Scope.LINES_READ, "Credit lines", "Preview a repayment day"),
)
async def get_repayment_day_preview(
    house: HouseOf,
    line_id: LineId,
    customer_id: Annotated[CustomerId, Query(description="Whose line it is.")],
    repayment_day: Annotated[RepaymentDay, Query()],
    amount_minor: Annotated[
        AmountMinor | None, Query(description="The product's smallest drawing if left out.")
    ] = None,
    tenor_months: Annotated[
        TenorMonths | None, Query(description="The product's first tenor if left out.")
    ] = None,
    method: Annotated[
        Method | None, Query(description="The product's first method if left out.")
    ] = None,
) -> RepaymentDayPreview:
    """Return what another repayment day would do to the next drawdown; no other is touched."""
    found = await preview_repayment_day(
        house,
        customer_id=customer_id,
        line_id=line_id,
        repayment_day=repayment_day,
        amount_minor=amount_minor,
        tenor_months=tenor_months,
        method=method,
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    return _preview_view(found)


def _preview_view(found: DayPreview) -> RepaymentDayPreview:
    return RepaymentDayPreview(
        amount_minor=found.example.amount_minor,
        tenor_months=found.example.tenor_months,
        method=found.example.method.value,
        present=_effect_view(found.present),
        proposed=_effect_view(found.proposed),
        changes_left=found.changes_left,
        running_loans=[
            RunningLoanView(
                loan_id=ids.to_text(ids.LOAN, loan.loan_id),
                repayment_day=loan.repayment_day,
                next_due_date=loan.next_due_date,
            )
            for loan in found.running
        ],
    )


def _effect_view(effect: DayEffect) -> DayEffectView:
    return DayEffectView(
        repayment_day=effect.repayment_day,
        first_due_date=effect.first_due_date,
        maturity_date=effect.maturity_date,
        first_due_minor=effect.first_due_minor,
        interest_minor=effect.interest_minor,
    )
