"""Repayment capacity and exposure: statements, what customers state, what follows from it."""

import base64
import binascii
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    ConsentId,
    Currency,
    CustomerId,
    Day,
    NotNegativeMinor,
    ShortText,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.capacity.assessment import Offer
from counterfoil.capacity.living_cost import DEPENDANTS_MAX
from counterfoil.capacity.statement_csv import CsvColumns
from counterfoil.journeys.affording import capacity, fetch_statements, statements
from counterfoil.journeys.affording.statements import Stated, StatedDebt, Upload
from counterfoil.journeys.serving import household
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Capacity and exposure"
router = APIRouter()
_OF_CUSTOMER = {"customer_id": ids.CUSTOMER}
_CONSENT = "cs_01hv4zq3k2f00"
#: Base 64 of what a request may carry at all.
_CONTENT_MAX = 990_000
_DEBTS_MAX = 200
_RATE_E8_MAX = 100_000_000
_MONTHS_MAX = 360

#: An amount that may be nothing; None is not known.
Amount = NotNegativeMinor
Short = Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ColumnsBody(Body):
    """Headings of the columns of a CSV file, as far as they differ."""

    date: ShortText = "date"
    holder: ShortText = "holder"
    account: ShortText = "account"
    #: Signed; left out where money in and out have a column each.
    amount: ShortText | None = None
    paid_in: ShortText | None = None
    paid_out: ShortText | None = None
    balance: ShortText = "balance"
    text: ShortText = "text"
    counterparty: ShortText = "counterparty"


class StatementBody(Body):
    """A statement as the bank gave it."""

    #: The customer's written consent to the use of income, after the notice with its warning.
    consent_id: ConsentId
    form: Literal["csv", "camt.053"]
    currency: Currency = "CNY"
    columns: ColumnsBody | None = None
    #: The file in base 64.
    content: Annotated[str, StringConstraints(max_length=_CONTENT_MAX)]

    @field_validator("content")
    @classmethod
    def _is_base64(cls, value: str) -> str:
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise PydanticCustomError("base64_malformed", "not base 64") from None
        return value


class StatedDebtBody(Body):
    """A debt that the customer names."""

    institution: Short = ""
    product: Short = ""
    opened_on: Day | None = None
    limit_minor: Amount | None = None
    balance_minor: Amount | None = None
    monthly_minor: Amount | None = None


class DeclarationBody(Body):
    """What the customer states; what nobody answered is left out."""

    #: Needed where an income is stated.
    consent_id: ConsentId | None = None
    income_monthly_minor: Amount | None = None
    #: Shown by a document, such as a tax record.
    documented_monthly_minor: Amount | None = None
    region: Literal["tier_1", "tier_2", "city", "county"] | None = None
    dependants: Annotated[int, Field(ge=0, le=DEPENDANTS_MAX)] = 0
    debt_monthly_minor: Amount | None = None
    lenders_count: Annotated[int, Field(ge=0, le=1_000)] | None = None
    #: Every debt there is; left out where the customer was not asked for all.
    debts: list[StatedDebtBody] | None = Field(default=None, max_length=_DEBTS_MAX)


class CategoryView(View):
    """What the lines of one category add up to."""

    category: str
    lines_count: int
    amount_minor: int


class StatementFileView(View):
    """A statement that was taken in; nothing of a line's text."""

    id: str
    customer_id: str
    consent_id: str
    form: str
    currency: str
    first_date: date
    last_date: date
    lines_count: int
    categories: list[CategoryView]
    rules_version: str
    #: POSIX seconds.
    received_at: int
    expires_at: int
    is_erased: bool


class ImportedView(StatementFileView):
    """A statement right after it was taken in."""

    #: Share of money that no rule could place.
    uncategorised_ppm: int


class FetchBody(Body):
    """Under which consent the bank is asked."""

    #: The customer's written consent to the use of income; permitted at the bank as well.
    consent_id: ConsentId


class FetchedFileView(View):
    """What became of one file of the bank."""

    #: From 1, in the bank's order.
    place: int
    #: Null where the file was refused.
    statement_id: str | None
    #: Why it was refused; null where it was taken in.
    code: str | None
    #: Line of the file that does not hold, where one does not.
    line: int | None


class FetchView(View):
    """What the bank gave; an empty list says that it has nothing now."""

    customer_id: str
    consent_id: str
    files: list[FetchedFileView]


class PartnerBody(Body):
    """Whom the customer names as of one household."""

    #: The customer's own consent to the notice `household-link`; it is about this person alone.
    consent_id: ConsentId
    partner_id: CustomerId


class PartnerView(View):
    """That somebody was named; it counts when both have named each other."""

    customer_id: str
    partner_id: str
    consent_id: str


class DeclarationView(View):
    """That something was stated."""

    id: str
    customer_id: str
    stated_on: date


class MeasureView(View):
    """One figure with its age and sources; null is not known, `at_least` certain all the same."""

    value: int | None
    at_least: int | None
    as_of: date | None
    sources: list[str]


class MonthView(View):
    """One month of all accounts together."""

    month: date
    is_whole: bool
    income_minor: int
    debt_minor: int
    living_minor: int
    borrowed_minor: int
    moved_minor: int
    uncategorised_minor: int


Ends = list[int] | None


class CapacityView(View):
    """What a customer can carry: each figure from low to high, null where it is not known."""

    customer_id: str
    currency: str
    as_of: date
    #: For whom debts are added up: `person`, or `household` where one is known and lawful.
    basis: str
    income_monthly_minor: Ends
    #: From `A`, statements over half a year, to `D`, only stated.
    income_evidence: str | None
    income_source: str | None
    income_stability_ppm: int | None
    income_months_count: int
    income_marks: list[str]
    living_minor: Ends
    living_source: str
    debt_monthly_minor: Ends
    disposable_minor: Ends
    dsr_ppm: Ends
    offer_monthly_minor: int | None
    dsr_after_ppm: Ends
    disposable_after_minor: Ends
    #: With less income, and the offer at the price cap.
    stress_disposable_minor: int | None
    stress_dsr_ppm: int | None
    measures: dict[str, MeasureView]
    months: list[MonthView]
    statements: list[StatementFileView]


class WordsView(View):
    """A text in both languages."""

    zh: str
    en: str


class GuardReasonView(WordsView):
    """Why, in words for the customer."""

    code: str


class HitView(View):
    """A ceiling that is reached, or of which nobody knows."""

    ceiling: str
    measure: str
    #: `hard`, `soft` or `unknown`.
    end: str
    figure: int | None
    limit: int | None
    reason: str
    rule: str


class DroppedView(View):
    """A record of a debt that another one stands for."""

    dropped: str
    stays: str
    rule: str


class GuardRunView(View):
    """One run of the guard against too much debt."""

    id: str
    customer_id: str
    occasion: str
    as_of: date
    basis: str
    #: `clear`, `unknown`, `capped`, `refer`, `refuse`.
    outcome: str
    cap_minor: int | None
    cap_by: str | None
    reasons: list[GuardReasonView]
    hits: list[HitView]
    measures: dict[str, MeasureView]
    counted_once: list[DroppedView]
    help: list[WordsView]
    ceilings_sha256: str


class GuardRuns(PageView):
    """The latest runs for a customer, newest first."""

    items: list[GuardRunView]


async def carry_statement(call: Call, body: StatementBody) -> Answer | Refused:
    """Take a statement in."""
    columns = body.columns
    upload = Upload(
        customer_id=call.path["customer_id"],
        consent_id=body.consent_id,
        form=body.form,
        currency=body.currency,
        content=base64.b64decode(body.content),
        columns=CsvColumns() if columns is None else _columns(columns),
    )
    return await statements.import_statement(
        call.house, upload, by=call.author, idempotency_key=call.idempotency_key
    )


async def carry_fetch(call: Call, body: FetchBody) -> Answer | Refused:
    """Fetch what the bank gives."""
    return await fetch_statements.fetch_statements(
        call.house,
        customer_id=call.path["customer_id"],
        consent_id=body.consent_id,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


async def carry_partner(call: Call, body: PartnerBody) -> Answer | Refused:
    """Keep whom a customer names."""
    return await household.name_partner(
        call.house,
        customer_id=call.path["customer_id"],
        partner_id=body.partner_id,
        consent_id=body.consent_id,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


async def carry_declaration(call: Call, body: DeclarationBody) -> Answer | Refused:
    """Keep what is stated."""
    debts = body.debts
    stated = Stated(
        customer_id=call.path["customer_id"],
        consent_id=body.consent_id,
        income_monthly_minor=body.income_monthly_minor,
        documented_monthly_minor=body.documented_monthly_minor,
        region=body.region,
        dependants=body.dependants,
        debt_monthly_minor=body.debt_monthly_minor,
        lenders_count=body.lenders_count,
        debts=None if debts is None else tuple(StatedDebt(**item.model_dump()) for item in debts),
    )
    return await statements.declare(
        call.house, stated, by=call.author, idempotency_key=call.idempotency_key
    )


def _columns(body: ColumnsBody) -> CsvColumns:
    named: dict[str, Any] = {k: v for k, v in body.model_dump().items() if v is not None}
    if body.amount is None and body.paid_in and body.paid_out:
        named["amount"] = ""
    return CsvColumns(**named)


_EXAMPLE_FILE: Final = (
    "date,holder,account,amount,balance,text,counterparty\n"
    "2026-01-05,Wang Xiaoming,1,100.00,100.00,salary,Example Ltd\n"
)
IMPORT = Write(
    name="import_statement",
    tag=TAG,
    path="/v1/customers/{customer_id}/account-statements",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=StatementBody,
    answer=ImportedView,
    carry=carry_statement,
    status=201,
    summary="Bring an account statement",
    description=(
        "Read only under the customer's consent to the use of income. A statement of somebody else,"
        " one that was edited, or one that was brought before is refused with the line number. The"
        " file is kept sealed until its data life is over."
    ),
    example={
        "consent_id": _CONSENT,
        "form": "csv",
        "content": base64.b64encode(_EXAMPLE_FILE.encode()).decode(),
    },
)
DECLARE = Write(
    name="declare_capacity",
    tag=TAG,
    path="/v1/customers/{customer_id}/capacity-declarations",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=DeclarationBody,
    answer=DeclarationView,
    carry=carry_declaration,
    status=201,
    summary="State income, household and debts",
    description="An income is kept only under the customer's consent to its use.",
    example={"dependants": 1, "region": "city", "debts": []},
)
FETCH = Write(
    name="fetch_statements",
    tag=TAG,
    path="/v1/customers/{customer_id}/statement-fetches",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=FetchBody,
    answer=FetchView,
    carry=carry_fetch,
    status=201,
    summary="Fetch account statements from the bank",
    description=(
        "The bank is asked only under a running consent to the use of income. Each file is checked"
        " like one that somebody brings; one that is refused leaves the others untouched. A bank"
        " that gives no answer is `statement_source_silent`: what it has is unknown then."
    ),
    example={"consent_id": _CONSENT},
)
PARTNER = Write(
    name="name_partner",
    tag=TAG,
    path="/v1/customers/{customer_id}/household-members",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=PartnerBody,
    answer=PartnerView,
    carry=carry_partner,
    status=201,
    summary="Name a person of the same household",
    description=(
        "When both have named each other, each under a consent of their own, what both may owe here"
        " is added up where a rule asks for it. Withdrawing either consent ends that at once."
    ),
    example={"consent_id": _CONSENT, "partner_id": "cu_01hv4zq3k2f00"},
)
WRITES = (IMPORT, FETCH, DECLARE, PARTNER)


@router.get(
    "/v1/customers/{customer_id}/capacity",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read what a customer can carry"),
)
async def get_capacity(
    house: HouseOf,
    customer_id: CustomerId,
    amount_minor: Annotated[AmountMinor | None, Query()] = None,
    rate_annual_e8: Annotated[int, Query(ge=0, le=_RATE_E8_MAX)] = 0,
    months: Annotated[int, Query(ge=1, le=_MONTHS_MAX)] = 12,
) -> CapacityView:
    """Return income, debts and shares, also after an offer where an amount is given."""
    offer = None
    if amount_minor is not None:
        offer = Offer(amount_minor=amount_minor, rate_annual_e8=rate_annual_e8, months=months)
    return CapacityView.model_validate(
        _found(await capacity.capacity_of(house, customer_id, offer=offer))
    )


@router.get(
    "/v1/customers/{customer_id}/guard-runs",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the runs of the guard against too much debt"),
)
async def list_guard_runs(house: HouseOf, customer_id: CustomerId, turn: Paging) -> GuardRuns:
    """Return the runs with figures, reasons and help, newest first."""
    found = await capacity.runs_of(
        house, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    page = page_of(found, turn, lambda item: (0, ids.from_text(ids.GUARD_RUN, item["id"])))
    return GuardRuns(
        items=[GuardRunView.model_validate(item) for item in page.items], **page.cursors
    )


def _found(document: dict[str, Any] | Refused) -> dict[str, Any]:
    if isinstance(document, Refused):
        raise RefusedError(document)
    return document
