"""Corrections of bad records: what a record touched, and what people make of each proposal."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, Shown, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.features import Record
from counterfoil.api.shapes import Body, Code, CustomerId, Reason, View
from counterfoil.api.writes import Call, Write
from counterfoil.features.correction import Correction
from counterfoil.journeys.knowing import correct_record as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer

TAG = "Corrections"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"


class RecordCorrectionBody(Body):
    """A record of a source was wrong; what is right was told as its next word."""

    customer_id: CustomerId
    #: The source's own number of the record.
    source_record: Record
    reason: Reason
    #: The person who asks; never the one who decides on what is proposed.
    found_by: Code


class RemedyBody(Body):
    """A person decides on a proposal."""

    customer_id: CustomerId
    #: Whether the remedy is offered.
    is_taken: bool
    reason: Reason
    #: The person who decides; never the one who found it.
    decided_by: Code


class RecordCorrectionView(View):
    """A decision that a bad record reached, and what is proposed."""

    id: str
    customer_id: str
    #: The act that found it; one act finds several decisions.
    case_id: str
    source_record: str
    subject_id: str
    decision_no: int
    policy_hash: str
    #: The outcome then, and by what is known of the record now.
    was: str
    is_now: str
    #: Names of what was read wrongly.
    changed: list[str]
    #: `offer_again`, `review_line`, `tell` or `none`.
    remedy: str
    registry_sha256: str
    found_by: str
    reason: str
    found_at: datetime


class TouchedReport(View):
    """A report that counts a decision of a correction."""

    report: str
    #: The first day of the month for which it is made.
    month: date
    #: Applications in it whose outcome would be another one.
    applications_count: int


class RecordCorrections(PageView):
    """Proposals, with the reports that count what they are about."""

    items: list[RecordCorrectionView]
    reports: list[TouchedReport]


async def carry_finding(call: Call, body: RecordCorrectionBody) -> Answer | Refused:
    """Find what a record has touched."""
    actor = _actor(call, body.found_by)

    async def act() -> tuple[list[Correction], list[journey.ReportTouched]] | Refused:
        found = await journey.correct_record(
            call.house,
            actor,
            customer_id=body.customer_id,
            source_record=body.source_record,
            reason=body.reason,
        )
        if isinstance(found, Refused):
            return found
        return found, await journey.reports_touched(call.house, found)

    def tell(made: tuple[list[Correction], list[journey.ReportTouched]]) -> RecordCorrections:
        found, reports = made
        return _views(Shown(found, None, None), reports)

    return await once(call, FIND, body, act, tell, scope_id=body.customer_id)


async def carry_remedy(call: Call, body: RemedyBody) -> Answer | Refused:
    """Take a proposal up, or leave it."""
    act = partial(
        journey.end_correction,
        call.house,
        _actor(call, body.decided_by),
        customer_id=body.customer_id,
        correction_id=call.path["record_correction_id"],
        is_taken=body.is_taken,
        reason=body.reason,
    )
    return await once(call, END, body, act, journey.correction_document, scope_id=body.customer_id)


FIND = Write(
    name="correct_record",
    tag=TAG,
    path="/v1/record-corrections",
    scope=Scope.OPERATIONS_WRITE,
    body=RecordCorrectionBody,
    answer=RecordCorrections,
    carry=carry_finding,
    status=201,
    summary="Find what a bad record touched",
    description=(
        "Every decision on the customer that the record reached is decided again by the version"
        " that decided, with the record's latest word. No decision is changed: each gets a"
        " proposal, on which somebody else decides."
    ),
    example={
        "customer_id": _CUSTOMER,
        "source_record": "crm-4711",
        "reason": "typing error at the source",
        "found_by": "li-na",
    },
)
END = Write(
    name="end_correction",
    tag=TAG,
    path="/v1/record-corrections/{record_correction_id}/decision",
    path_ids={"record_correction_id": ids.FEATURE_CORRECTION},
    scope=Scope.OPERATIONS_WRITE,
    body=RemedyBody,
    answer=RecordCorrectionView,
    carry=carry_remedy,
    summary="Decide on a remedy",
    description=(
        "Taken up, a review of the line is brought forward to today. Whoever found a proposal"
        " does not decide on it."
    ),
    example={
        "customer_id": _CUSTOMER,
        "is_taken": True,
        "reason": "the customer was told and asked to apply again",
        "decided_by": "wang-min",
    },
)
WRITES = (FIND, END)


@router.get(
    "/v1/record-corrections", **reads(Scope.OPERATIONS_READ, TAG, "List proposals of remedies")
)
async def list_record_corrections(
    house: HouseOf,
    turn: Paging,
    customer_id: Annotated[
        CustomerId | None, Query(description="Only proposals about this customer.")
    ] = None,
) -> RecordCorrections:
    """Return proposals that wait for a person, oldest first, and the reports that these touch."""
    found = await journey.corrections_waiting(
        house,
        customer_id=customer_id,
        page=turn.page,
        after=turn.number(0),
        is_back=turn.is_back,
    )
    page = page_of(found, turn, lambda item: (0, item.correction_id))
    return _views(page, await journey.reports_touched(house, page.items))


def _views(page: Shown[Correction], reports: list[journey.ReportTouched]) -> RecordCorrections:
    return RecordCorrections(
        items=[
            RecordCorrectionView.model_validate(journey.correction_document(item))
            for item in page.items
        ],
        **page.cursors,
        reports=[
            TouchedReport(
                report=one.report.value,
                month=one.month,
                applications_count=one.applications_count,
            )
            for one in reports
        ],
    )


def _actor(call: Call, name: str) -> Actor:
    return Actor(name=f"{call.author}:{name}", role="client", source="api")
