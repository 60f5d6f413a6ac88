"""Forms and answers about purchases of scenes and the merchants where they are made."""

from datetime import date
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    Currency,
    CustomerId,
    Day,
    LoanId,
    MerchantId,
    Reason,
    ShortText,
    View,
)

#: More kinds of papers than a scene asks for.
_PAPERS_MAX: Final = 10

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CourseBody(Body):
    """First and last day of what is bought."""

    first_on: Day
    last_on: Day


class BoughtBody(Body):
    """What is bought of a merchant."""

    scene: Code
    merchant_id: MerchantId
    price_minor: AmountMinor
    currency: Currency
    #: SHA-256 of each paper, by its kind; the papers themselves stay where they are.
    documents: dict[Code, Sha256] = Field(max_length=_PAPERS_MAX)
    course: CourseBody | None = None
    #: Whether the borrower is a student; left out, nobody asked.
    is_student: bool | None = None


class PurchaseBody(BoughtBody):
    """What a customer buys of a merchant."""

    customer_id: CustomerId


class StandingView(View):
    """How a purchase stands."""

    id: str
    scene: str
    merchant_id: str
    price_minor: int
    currency: str
    course_from: date | None
    course_until: date | None
    #: How much of it was given, in parts per million of the price.
    progress_ppm: int
    #: By its loans, and by drawdowns under way.
    paid_minor: int
    refunded_minor: int
    #: How much more may be paid now; nothing of one that is over.
    payable_minor: int
    #: What the merchant would owe back if it gave nothing more.
    due_back_minor: int
    #: What it owes back, has not paid, and has to pay until a day; null where nobody claimed.
    claim_left_minor: int
    claim_due_on: date | None


class PurchaseView(StandingView):
    """A purchase as it stands."""

    customer_id: str
    #: Of the scene's rules that hold for it.
    scene_version: str
    is_student: bool | None


class Purchases(PageView):
    """A page of purchases, the oldest first."""

    items: list[PurchaseView]


class ProgressBody(Body):
    """How much of a purchase was given."""

    customer_id: CustomerId
    #: Of the whole, not since the last report.
    progress_ppm: Annotated[int, Field(ge=1, le=1_000_000)]
    #: SHA-256 of what proves it.
    proof_sha256: Sha256
    reported_by: Code


class CancellationBody(Body):
    """A customer gives a purchase up."""

    customer_id: CustomerId


class LicenceBody(Body):
    """A merchant's licence."""

    merchant_id: MerchantId
    number: ShortText
    authority: ShortText
    valid_until: Day
    document_sha256: Sha256
    recorded_by: Code


class LicenceView(View):
    """A licence as it was recorded."""

    merchant_id: str
    number: str
    authority: str
    valid_until: date


class ClosureBody(Body):
    """A merchant delivers no more."""

    merchant_id: MerchantId
    closed_on: Day
    reason: Reason
    recorded_by: Code


class ClosureView(View):
    """A merchant that has closed, with the first of its purchases and what it owes back of each."""

    merchant_id: str
    closed_on: date
    purchases: list[PurchaseView]


class PurchaseWithdrawalBody(Body):
    """A customer goes back on what a loan paid for."""

    customer_id: CustomerId
    loan_id: LoanId


class WithdrawalView(View):
    """What is to be repaid: nothing is owed for days after the declaration."""

    customer_id: str
    loan_id: str
    declared_on: date
    principal_minor: int
    #: Principal with the interest of the days used.
    payoff_minor: int


class RefundBody(Body):
    """Money that comes back for a purchase."""

    customer_id: CustomerId
    loan_id: LoanId
    amount_minor: AmountMinor
    currency: Currency
    #: From the merchant; else from the customer, after a withdrawal.
    from_merchant: bool = True
