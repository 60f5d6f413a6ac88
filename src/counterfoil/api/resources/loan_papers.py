"""Papers of loans: cost sheets with what changed them, statements in versions, changes of plan."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of_whole
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.contracts import Sha256
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.resources.loans import loan_or_refuse
from counterfoil.api.shapes import AmountMinor, Body, Code, CustomerId, Day, LineId, LoanId, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import change_plan as journey
from counterfoil.journeys.borrowing.change_plan import PlanWish
from counterfoil.journeys.borrowing.statement_papers import statement_file
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.lending import paper_store as store
from counterfoil.lending.loan import INSTALMENTS_MAX
from counterfoil.lending.paper_store import StoredSheet, StoredStatement
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Papers of loans"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_PATH = {"loan_id": ids.LOAN}
#: 1e-8 a day; more than any licence allows.
_RATE_MAX = 100_000_000
_SHEET = [{"form": 2}]
_PDF = "application/pdf"

Month = Annotated[
    str,
    Path(
        pattern=r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$",
        description="Year and month, such as 2026-03.",
        examples=["2026-03"],
    ),
]


class SheetView(View):
    """A cost sheet as the customer was given it; nothing in it ever changes."""

    sheet_no: int
    #: `drawdown` for the one that was signed; else what changed the plan.
    cause: str
    transaction_id: str | None
    #: The language in which it was shown.
    language: str | None
    #: Milliseconds for which it was before the customer, by the server's clock.
    read_ms: int | None
    sheet: dict[str, Any] = Field(examples=_SHEET)
    #: Of the sheet's canonical JSON.
    sheet_sha256: str
    #: Of what the plan was on the day of the change.
    before_sha256: str | None
    #: Figures before and after, and a sentence in both languages.
    difference: dict[str, Any] | None = Field(examples=[None])
    made_on: date
    made_at: datetime


class Sheets(PageView):
    """The cost sheets of a loan, the signed one first."""

    items: list[SheetView]


class StatementVersionView(View):
    """One version of a month's statement."""

    month: str
    version: int
    #: `month_end`, or the kind of the transaction that corrected it.
    reason: str
    caused_by: str | None
    statement: dict[str, Any] = Field(examples=[{"form": 1}])
    statement_sha256: str
    #: What differs from the version before.
    difference: dict[str, Any] | None = Field(examples=[None])
    made_on: date
    made_at: datetime


class StatementVersions(PageView):
    """Statements of a line that were given or corrected, by month and version."""

    items: list[StatementVersionView]


class PlanPreviewBody(Body):
    """A wish: another rate, another tenor, or a payment ahead of time."""

    customer_id: CustomerId
    rate_daily_e8: Annotated[int, Field(ge=0, le=_RATE_MAX)] | None = None
    tenor_months: Annotated[int, Field(ge=1, le=INSTALMENTS_MAX)] | None = None
    #: The day from which it counts; the business date by default.
    value_date: Day | None = None
    #: What a payment of so much would do to the plan; nothing is paid.
    payment_minor: AmountMinor | None = None
    mode: Prepayment = Prepayment.REDUCE_TERM


class PlanBody(Body):
    """A change that was shown and agreed to."""

    customer_id: CustomerId
    rate_daily_e8: Annotated[int, Field(ge=0, le=_RATE_MAX)] | None = None
    tenor_months: Annotated[int, Field(ge=1, le=INSTALMENTS_MAX)] | None = None
    value_date: Day | None = None
    reason: Code
    #: Of the new sheet as it was shown.
    sheet_sha256: Sha256


class PlanPreviewAnswer(View):
    """The sheet of now and the sheet of then."""

    before: dict[str, Any] = Field(examples=_SHEET)
    before_sha256: str
    #: None where nothing would be left to fall due.
    after: dict[str, Any] | None = Field(examples=_SHEET)
    after_sha256: str | None
    difference: dict[str, Any] = Field(examples=[{"figures": {}}])


class PlanAnswer(View):
    """The loan after its plan was changed."""

    id: str
    customer_id: str
    line_id: str
    status: str
    amount_minor: int
    currency: str
    principal_minor: int
    start_date: date | None
    next_due_date: date | None
    transaction_id: str
    rate_daily_e8: int
    tenor_months: int
    maturity_date: date | None
    value_date: date
    line_version: int


@router.get("/v1/loans/{loan_id}/cost-sheets", **reads(Scope.LOANS_READ, TAG, "Read cost sheets"))
async def get_sheets(
    house: HouseOf, loan_id: LoanId, customer_id: Annotated[CustomerId, Query()], turn: Paging
) -> Sheets:
    """Return what the customer was shown of a loan's cost, from the signing on."""
    async with house.database.connection() as connection:
        await loan_or_refuse(connection, customer_id, loan_id)
        found = await store.read_sheets(connection, customer_id, loan_id)
    page = page_of_whole(found, turn, lambda one: (0, one.sheet_no))
    return Sheets(items=[_sheet(one) for one in page.items], **page.cursors)


@router.get(
    "/v1/lines/{line_id}/statements/{month}/document.pdf",
    response_class=Response,
    responses={200: {"content": {_PDF: {"schema": {"type": "string", "format": "binary"}}}}},
    **reads(Scope.LOANS_READ, TAG, "Read the statement of a month as a file"),
)
async def get_statement_file(
    house: HouseOf,
    line_id: LineId,
    month: Month,
    customer_id: Annotated[CustomerId, Query()],
    language: Annotated[Language, Query()] = Language.CHINESE,
) -> Response:
    """Return the latest version of a month that has ended; nothing is written."""
    found = await statement_file(
        house,
        customer_id=customer_id,
        line_id=line_id,
        month=date.fromisoformat(f"{month}-01"),
        language=language,
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{found.name}"',
    }
    return Response(found.content, media_type=_PDF, headers=headers)


@router.get(
    "/v1/lines/{line_id}/statements", **reads(Scope.LOANS_READ, TAG, "List kept statements")
)
async def get_statements(
    house: HouseOf, line_id: LineId, customer_id: Annotated[CustomerId, Query()], turn: Paging
) -> StatementVersions:
    """Return every version of the months that a correction has reached."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await store.read_statements(connection, customer_id, line_id)
    page = page_of_whole(found, turn, lambda one: (one.month.toordinal(), one.version_no))
    return StatementVersions(items=[_version(one) for one in page.items], **page.cursors)


async def carry_preview(call: Call, body: PlanPreviewBody) -> Answer | Refused:
    """Show."""
    wish = PlanWish(loan_id=call.path["loan_id"], **body.model_dump())
    shown = await journey.show_plan(call.house, wish)
    if isinstance(shown, Refused):
        return shown
    answer = {
        "before": shown.before,
        "before_sha256": shown.before_sha256.hex(),
        "after": shown.after,
        "after_sha256": shown.after_sha256.hex() if shown.after_sha256 else None,
        "difference": shown.difference,
    }
    return Answer(orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode(), is_replay=False)


async def carry_plan(call: Call, body: PlanBody) -> Answer | Refused:
    """Change the plan."""
    wish = PlanWish(loan_id=call.path["loan_id"], **body.model_dump(exclude={"sheet_sha256"}))
    return await journey.change_plan(
        call.house,
        wish,
        sheet_sha256=bytes.fromhex(body.sheet_sha256),
        author=call.author,
        idempotency_key=call.idempotency_key,
    )


PREVIEW = Write(
    name="preview_plan",
    tag=TAG,
    path="/v1/loans/{loan_id}/plan-preview",
    path_ids=_PATH,
    scope=Scope.LOANS_READ,
    body=PlanPreviewBody,
    answer=PlanPreviewAnswer,
    carry=carry_preview,
    needs_key=False,
    summary="Show what another plan would cost",
    description="Two cost sheets of one date, with what differs. Nothing is written.",
    example={"customer_id": _CUSTOMER, "rate_daily_e8": 30_000},
)
CHANGE = Write(
    name="change_plan",
    tag=TAG,
    path="/v1/loans/{loan_id}/plan",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=PlanBody,
    answer=PlanAnswer,
    carry=carry_plan,
    summary="Change the plan of a running loan",
    description="Another rate, never above the one signed, or another tenor. A value date in the "
    "past folds the loan again. The new sheet is kept with its difference to the old one.",
    example={
        "customer_id": _CUSTOMER,
        "rate_daily_e8": 30_000,
        "reason": "rate_lowered",
        "sheet_sha256": "00" * 32,
    },
)
WRITES = (PREVIEW, CHANGE)


def _sheet(stored: StoredSheet) -> SheetView:
    caused = stored.transaction_id
    return SheetView(
        sheet_no=stored.sheet_no,
        cause=stored.cause,
        transaction_id=None if caused is None else ids.to_text(ids.TRANSACTION, caused),
        language=stored.language,
        read_ms=stored.read_ms,
        sheet=orjson.loads(stored.sheet),
        sheet_sha256=stored.sheet_sha256.hex(),
        before_sha256=stored.before_sha256.hex() if stored.before_sha256 else None,
        difference=orjson.loads(stored.difference) if stored.difference else None,
        made_on=stored.made_on,
        made_at=stored.made_at,
    )


def _version(stored: StoredStatement) -> StatementVersionView:
    caused = stored.cause_id
    return StatementVersionView(
        month=stored.month.isoformat()[:7],
        version=stored.version_no,
        reason=stored.reason,
        caused_by=None if caused is None else ids.to_text(ids.TRANSACTION, caused),
        statement=orjson.loads(stored.statement),
        statement_sha256=stored.statement_sha256.hex(),
        difference=orjson.loads(stored.difference) if stored.difference else None,
        made_on=stored.made_on,
        made_at=stored.made_at,
    )
