"""Notices of a change to all lines of a product: begun by two people, and what became of them."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.contracts import TAG
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, Day, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.contracting import notice_all as journey
from counterfoil.journeys.contracting.notice_all import ProductWish, Progress
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform import idempotency
from counterfoil.platform.access import Scope
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

router = APIRouter()
_INTEGER_MAX: Final = 2_147_483_647

Version = Annotated[int, Field(ge=1, le=32_767)]


class AgreementNoticeBody(Body):
    """What would change in the agreements of all lines of a product."""

    product_code: Code
    #: Lines under this version alone; null for all lines of the product.
    of_version: Version | None = None
    #: The day from which it would hold for new drawings.
    effective_on: Day
    #: The version of the product whose terms they would be under; null leaves each line its own.
    product_version: Version | None = None
    #: The daily price of new drawings, in 1e-8; null leaves each line its own.
    rate_daily_e8: Annotated[int, Field(ge=1, le=_INTEGER_MAX)] | None = None
    reason: Reason


class AgreementNoticeAnswer(View):
    """Notices that were begun, or the request for their approval."""

    #: `waiting` for a second person, `begun` or `finished`.
    status: str
    #: Null while it waits for a second person.
    id: str | None
    approval_id: str
    #: Lines to look at when it began, and when it ended; null before that.
    lines_before: int | None
    lines_after: int | None
    #: Lines that were given notice.
    noticed: int
    #: Lines that were passed over, by the code of why.
    passed_over: dict[str, int]


class AgreementNoticeView(AgreementNoticeAnswer):
    """Notices to all lines of a product, and how far they have come."""

    product_code: str
    of_version: int | None
    effective_on: date
    product_version: int | None
    rate_daily_e8: int | None
    asked_by: str
    approved_by: str
    started_at: datetime
    finished_at: datetime | None


class AgreementNotices(PageView):
    """A page of notices to all lines of a product, newest first."""

    items: list[AgreementNoticeView]


async def carry_notice(call: Call, body: AgreementNoticeBody) -> Answer | Refused:
    """Begin, or ask for the approval of that."""
    wish = ProductWish(
        product_code=body.product_code,
        of_version=body.of_version,
        effective_on=body.effective_on,
        product_version=body.product_version,
        rate_daily_e8=body.rate_daily_e8,
        reason=body.reason,
    )

    async def work() -> str | Refused:
        actor = actor_of(call, Scope.APPROVALS_WRITE)
        made = await journey.notice_lines(call.house, actor, wish)
        return made if isinstance(made, Refused) else _answer(made).model_dump_json()

    return await remembered(
        call.house,
        scope_id=idempotency.HOUSE,
        key=call.idempotency_key,
        kind=NOTICE.name,
        request=body.model_dump(mode="json"),
        work=work,
    )


def _answer(made: Progress | Approval) -> AgreementNoticeAnswer:
    if isinstance(made, Approval):
        return AgreementNoticeAnswer(
            status="waiting",
            id=None,
            approval_id=ids.to_text(ids.APPROVAL, made.approval_id),
            lines_before=None,
            lines_after=None,
            noticed=0,
            passed_over={},
        )
    run = made.run
    return AgreementNoticeAnswer(
        status="begun" if run.finished_at is None else "finished",
        id=ids.to_text(ids.AGREEMENT_NOTICE, run.run_id),
        approval_id=ids.to_text(ids.APPROVAL, run.approval_id),
        lines_before=run.lines_before,
        lines_after=run.lines_after,
        noticed=made.noticed,
        passed_over=made.passed_over,
    )


def _view(made: Progress) -> AgreementNoticeView:
    run = made.run
    return AgreementNoticeView(
        **_answer(made).model_dump(),
        product_code=run.product_code,
        of_version=run.of_version,
        effective_on=run.effective_on,
        product_version=run.product_version,
        rate_daily_e8=run.rate_daily_e8,
        asked_by=run.asked_by,
        approved_by=run.approved_by,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


NOTICE = Write(
    name="notice_product_lines",
    tag=TAG,
    path="/v1/agreement-notices",
    scope=Scope.APPROVALS_WRITE,
    body=AgreementNoticeBody,
    answer=AgreementNoticeAnswer,
    carry=carry_notice,
    status=201,
    summary="Give notice of a change to all lines of a product",
    description="Asks for the approval of a second person; the same call under another key begins "
    "once it is given, and tells how far it has come from then on. Every line is given the notice "
    "that it would be given alone, once, or is passed over with the code of why not.",
    example={
        "product_code": "cash-line-open",
        "effective_on": "2026-06-01",
        "rate_daily_e8": 38_000,
        "reason": "funding has become dearer",
    },
)
WRITES = (NOTICE,)


@router.get(
    "/v1/agreement-notices",
    **reads(Scope.CONTRACTS_READ, TAG, "List notices to all lines of a product"),
)
async def list_agreement_notices(house: HouseOf, turn: Paging) -> AgreementNotices:
    """Return notices to all lines of a product, with what has become of the lines."""
    found = await journey.list_notices(
        house, page=turn.page, before=turn.number(), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda one: (0, one.run.run_id))
    return AgreementNotices(items=[_view(one) for one in page.items], **page.cursors)
