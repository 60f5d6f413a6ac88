"""Figures explained: from which transactions, by which formula, with which rounding."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import CustomerId, Day, LoanId, View
from counterfoil.journeys.borrowing.explain_figure import explain_figure
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.lending.explaining import Explanation, Figure
from counterfoil.platform.access import Scope

TAG = "Ledger"
router = APIRouter()


class SegmentView(View):
    """Days over which nothing changed: principal times rate times days."""

    start: date
    #: Excluded.
    end: date
    days: int
    principal_minor: int
    rate_daily_e8: int
    #: In 1e-8 minor units.
    exact_e8: int


class ShareView(View):
    """What one transaction did to the figure: lent is positive, paid is negative."""

    transaction_id: str
    kind: str
    value_date: date
    amount_minor: int
    share_minor: int


class FigureView(View):
    """A figure on a date, with everything that makes it."""

    loan_id: str
    figure: str
    on: date
    currency: str
    #: What is owed.
    amount_minor: int
    formula: str
    segments: list[SegmentView]
    shares: list[ShareView]
    #: Sum of the segments, in 1e-8 minor units.
    exact_e8: int
    paid_minor: int
    #: What rounding has moved so far, in 1e-8 minor units.
    rounding_e8: int


@router.get(
    "/v1/loans/{loan_id}/figures/{figure}",
    **reads(Scope.LEDGER_READ, TAG, "Explain a figure of a loan"),
)
async def get_figure(
    house: HouseOf,
    loan_id: LoanId,
    figure: Figure,
    customer_id: Annotated[CustomerId, Query()],
    on: Annotated[Day | None, Query(description="By default the business date.")] = None,
) -> FigureView:
    """Return which days and transactions make principal, interest or penalty, and how."""
    explained = await explain_figure(
        house.database,
        house.catalogue,
        customer_id=customer_id,
        loan_id=loan_id,
        figure=figure,
        on=on,
    )
    if isinstance(explained, Refused):
        raise RefusedError(explained)
    return figure_view(loan_id, explained)


def figure_view(loan_id: int, explained: Explanation) -> FigureView:
    """Return what an answer says of a figure."""
    return FigureView(
        loan_id=ids.to_text(ids.LOAN, loan_id),
        figure=explained.figure.value,
        on=explained.on,
        currency=explained.currency,
        amount_minor=explained.amount_minor,
        formula=explained.formula,
        segments=[
            SegmentView(
                start=segment.start,
                end=segment.end,
                days=segment.days,
                principal_minor=segment.principal_minor,
                rate_daily_e8=segment.rate_daily_e8,
                exact_e8=segment.exact_e8,
            )
            for segment in explained.segments
        ],
        shares=[
            ShareView(
                transaction_id=ids.to_text(ids.TRANSACTION, share.transaction_id),
                kind=share.kind,
                value_date=share.value_date,
                amount_minor=share.amount_minor,
                share_minor=share.share_minor,
            )
            for share in explained.shares
        ],
        exact_e8=explained.exact_e8,
        paid_minor=explained.paid_minor,
        rounding_e8=explained.rounding_e8,
    )
