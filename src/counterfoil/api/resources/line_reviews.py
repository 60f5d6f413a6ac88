"""Reviews of lines, what follows from them, and what is signalled about a line."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.limit_requests import LimitRequestView, ReasonView
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    ConsentId,
    CustomerId,
    Day,
    Fact,
    LineId,
    Reason,
    ReportId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review import case_store, store
from counterfoil.decisioning.line_review.measure import Kind
from counterfoil.decisioning.line_review.signal import SignalKind
from counterfoil.journeys import (
    line_measures,
    line_offers,
    line_reviewing,
    line_signals,
)
from counterfoil.journeys.line_policy import review_policy_in_force
from counterfoil.journeys.line_signals import Told
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Line reviews"
router = APIRouter()
_OF_LINE = {"line_id": ids.LINE}
_CUSTOMER = "cu_01hv4zq3k2f00"
_FACTS_MAX = 100
_REVIEWS_MAX = 200

#: A code of the policy, by which the customer is told why.
ReasonCode = Annotated[str, StringConstraints(max_length=62, pattern=r"^[A-Z][A-Z0-9_]*$")]
#: Where more is found about a signal; a number of yours, never a person's particulars.
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")
]


class ReviewBody(Body):
    """A review that somebody asks for."""

    customer_id: CustomerId
    #: A report that is there, under a consent for reviews; None where none is to be read.
    report_id: ReportId | None = None


class OfferTakenBody(Body):
    """The customer takes up what a review offers."""

    customer_id: CustomerId
    #: The consent under which the bureau may be asked.
    consent_id: ConsentId | None = None
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)


class MeasureBody(Body):
    """A measure that a person takes."""

    customer_id: CustomerId
    kind: Literal["lower", "freeze", "suspend"]
    reason: ReasonCode
    #: The person who takes it, as your system knows them.
    taken_by: Code
    #: The limit of a decrease.
    to_minor: AmountMinor | None = None
    #: Last day of a freeze.
    ends_on: Day | None = None
    #: A decrease for fraud works at once, without the days of notice.
    is_fraud: bool = False


class LiftingBody(Body):
    """A person lifts a measure."""

    customer_id: CustomerId
    #: It was wrong from its start, and counts nowhere any more.
    is_wrong: bool = False
    reason: Reason
    lifted_by: Code


class SignalBody(Body):
    """Something that is told of a line."""

    customer_id: CustomerId
    kind: SignalKind
    source: Code
    reference: Reference


class ClearanceBody(Body):
    """A person found nothing left of a signal."""

    customer_id: CustomerId
    reason: Reason
    cleared_by: Code


class ReviewView(View):
    """A review of a line."""

    id: str
    customer_id: str
    line_id: str
    #: `periodic`, or the event that it was made on.
    cause: str
    business_date: date
    #: `unchanged`, `offered`, `lowered`, `frozen`, `suspended`, `reinstated` or `referred`.
    outcome: str
    #: Why something is done or, where nothing is offered, what stands in the way.
    reasons: list[ReasonView]
    #: What a person is asked to decide: `close`, `look`.
    proposals: list[str]
    from_minor: int
    #: The limit that is offered or that follows; None where it stays.
    to_minor: int | None
    #: Until when an offer can be taken up.
    valid_until: date | None
    policy_version: str
    decided_at: datetime


class Reviews(View):
    """Reviews of one line, newest first."""

    items: list[ReviewView]


class MeasureView(View):
    """A measure on a line, from its notice to its end."""

    id: str
    customer_id: str
    line_id: str
    kind: str
    #: `planned`, `in_force`, then `ended`, `lifted`, `undone`, or `dropped` without effect.
    status: str
    cause: str
    reasons: list[ReasonView]
    #: `rule`, or the person.
    author: str
    review_id: str | None
    announced_at: datetime
    effective_on: date
    ends_on: date | None
    currency: str
    from_minor: int
    to_minor: int | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None


class Measures(View):
    """Measures on one line, newest first."""

    items: list[MeasureView]


class NoticeView(View):
    """What the customer was told."""

    id: str
    kind: str
    measure_id: str | None
    review_id: str | None
    zh: str
    en: str
    created_at: datetime


class LineNotices(View):
    """What the customer was told of one line, newest first."""

    items: list[NoticeView]


class SignalView(View):
    """Something that was told of a line."""

    id: str
    customer_id: str
    line_id: str
    kind: str
    source: str
    reference: str
    noted_on: date
    noted_by: str
    cleared_at: datetime | None
    cleared_by: str | None
    clear_reason: str | None


class Signals(View):
    """What was told of one line, newest first."""

    items: list[SignalView]


def _text(document: dict[str, object]) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


async def carry_review(call: Call, body: ReviewBody) -> Answer | Refused:
    """Review."""
    line_id = call.path["line_id"]

    async def work() -> str | Refused:
        made = await line_reviewing.review_line(
            call.house,
            customer_id=body.customer_id,
            line_id=line_id,
            cause="asked_for",
            report_id=body.report_id,
        )
        if isinstance(made, Refused):
            return made
        async with call.house.database.connection() as connection:
            policy = await line_offers.policy_of_review(connection, made)
        return _text(line_offers.review_document(policy, made))

    asked: dict[str, object] = {"line_id": line_id, "report_id": body.report_id}
    return await _once(call, body.customer_id, "review_line", asked, work)


async def carry_offer(call: Call, body: OfferTakenBody) -> Answer | Refused:
    """Take up an offer."""
    return await line_offers.take_up(
        call.house,
        line_offers.OfferTaken(
            customer_id=body.customer_id,
            review_id=call.path["line_review_id"],
            idempotency_key=call.idempotency_key,
            consent_id=body.consent_id,
            facts=body.facts,
        ),
    )


async def carry_measure(call: Call, body: MeasureBody) -> Answer | Refused:
    """Take a measure."""
    line_id, by = call.path["line_id"], f"{call.author}:{body.taken_by}"

    async def work() -> str | Refused:
        async with call.house.database.connection() as connection:
            policy = await review_policy_in_force(connection, at=call.house.clock.now())
        wish = line_measures.MeasureWish(
            customer_id=body.customer_id,
            line_id=line_id,
            kind=Kind(body.kind),
            reason=body.reason,
            author=by,
            to_minor=body.to_minor,
            ends_on=body.ends_on,
            is_fraud=body.is_fraud,
        )
        taken = await line_measures.take_measure(call.house, policy, wish)
        if isinstance(taken, Refused):
            return taken
        return _text(line_measures.measure_document(policy, taken))

    asked: dict[str, object] = {
        "line_id": line_id,
        **body.model_dump(exclude={"ends_on"}),
        "ends_on": body.ends_on and body.ends_on.isoformat(),
    }
    return await _once(call, body.customer_id, "take_line_measure", asked, work)


async def carry_lifting(call: Call, body: LiftingBody) -> Answer | Refused:
    """Lift a measure."""
    measure_id = call.path["line_measure_id"]

    async def work() -> str | Refused:
        lifted = await line_measures.lift_measure(
            call.house,
            customer_id=body.customer_id,
            measure_id=measure_id,
            by=f"{call.author}:{body.lifted_by}",
            reason=body.reason,
            is_wrong=body.is_wrong,
        )
        if isinstance(lifted, Refused):
            return lifted
        async with call.house.database.connection() as connection:
            policy = await review_policy_in_force(connection, at=call.house.clock.now())
        return _text(line_measures.measure_document(policy, lifted))

    asked: dict[str, object] = {"measure_id": measure_id, **body.model_dump(mode="json")}
    return await _once(call, body.customer_id, "lift_line_measure", asked, work)


async def carry_signal(call: Call, body: SignalBody) -> Answer | Refused:
    """Take in a signal."""
    line_id = call.path["line_id"]

    async def work() -> str | Refused:
        kept = await line_signals.note_signal(
            call.house,
            Told(
                customer_id=body.customer_id,
                line_id=line_id,
                kind=body.kind,
                source=body.source,
                reference=body.reference,
                by=call.author,
            ),
        )
        return kept if isinstance(kept, Refused) else _text(line_signals.signal_document(kept))

    asked: dict[str, object] = {"line_id": line_id, **body.model_dump(mode="json")}
    return await _once(call, body.customer_id, "note_line_signal", asked, work)


async def carry_clearance(call: Call, body: ClearanceBody) -> Answer | Refused:
    """Clear a signal."""
    signal_id = call.path["line_signal_id"]

    async def work() -> str | Refused:
        cleared = await line_signals.clear_signal(
            call.house,
            customer_id=body.customer_id,
            signal_id=signal_id,
            by=f"{call.author}:{body.cleared_by}",
            reason=body.reason,
        )
        if isinstance(cleared, Refused):
            return cleared
        return _text(line_signals.signal_document(cleared))

    asked: dict[str, object] = {"signal_id": signal_id, **body.model_dump(mode="json")}
    return await _once(call, body.customer_id, "clear_line_signal", asked, work)


async def _once(
    call: Call, customer_id: int, kind: str, asked: dict[str, object], work: Any
) -> Answer | Refused:
    """Do something once for each key."""
    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request=asked,
        work=work,
    )


REVIEW = Write(
    name="review_line",
    tag=TAG,
    path="/v1/lines/{line_id}/reviews",
    path_ids=_OF_LINE,
    scope=Scope.OPERATIONS_WRITE,
    body=ReviewBody,
    answer=ReviewView,
    carry=carry_review,
    status=201,
    summary="Review a line now",
    description="Once a day at most. A report that is read is one that is there; none is asked.",
    example={"customer_id": _CUSTOMER, "report_id": None},
)
TAKE_UP = Write(
    name="take_up_review_offer",
    tag=TAG,
    path="/v1/line-reviews/{line_review_id}/limit-request",
    path_ids={"line_review_id": ids.LINE_REVIEW},
    scope=Scope.APPLICATIONS_WRITE,
    body=OfferTakenBody,
    answer=LimitRequestView,
    carry=carry_offer,
    status=201,
    summary="Take up the offer of a review",
    description=(
        "Becomes the customer's request for exactly this limit: the policy for raises decides, and"
        " nothing is raised before the customer agrees to the amendment."
    ),
    example={"customer_id": _CUSTOMER, "facts": {}},
)
MEASURE = Write(
    name="take_line_measure",
    tag=TAG,
    path="/v1/lines/{line_id}/measures",
    path_ids=_OF_LINE,
    scope=Scope.LINES_WRITE,
    body=MeasureBody,
    answer=MeasureView,
    carry=carry_measure,
    status=201,
    summary="Take a measure on a line",
    description=(
        "The customer is told why and how to appeal: at once for a freeze or a suspension, days"
        " before it works for a decrease."
    ),
    example={
        "customer_id": _CUSTOMER,
        "kind": "freeze",
        "reason": "VERIFY",
        "taken_by": "li-wei",
        "ends_on": "2026-03-31",
    },
)
LIFT = Write(
    name="lift_line_measure",
    tag=TAG,
    path="/v1/line-measures/{line_measure_id}/lifting",
    path_ids={"line_measure_id": ids.LINE_MEASURE},
    scope=Scope.LINES_WRITE,
    body=LiftingBody,
    answer=MeasureView,
    carry=carry_lifting,
    summary="Lift a measure, or undo it from its start",
    description="The former limit is restored and the line opened, unless a later measure stands.",
    example={"customer_id": _CUSTOMER, "reason": "false alarm", "lifted_by": "wang-min"},
)
SIGNAL = Write(
    name="note_line_signal",
    tag=TAG,
    path="/v1/lines/{line_id}/signals",
    path_ids=_OF_LINE,
    scope=Scope.OPERATIONS_WRITE,
    body=SignalBody,
    answer=SignalView,
    carry=carry_signal,
    status=201,
    summary="Tell something of a line",
    description="The line is reviewed on it at once.",
    example={
        "customer_id": _CUSTOMER,
        "kind": "fraud_signal",
        "source": "device-checks",
        "reference": "case-4711",
    },
)
CLEAR = Write(
    name="clear_line_signal",
    tag=TAG,
    path="/v1/line-signals/{line_signal_id}/clearance",
    path_ids={"line_signal_id": ids.LINE_SIGNAL},
    scope=Scope.OPERATIONS_WRITE,
    body=ClearanceBody,
    answer=SignalView,
    carry=carry_clearance,
    summary="Clear a signal",
    description="Measures that followed from it end on their day, or are lifted.",
    example={"customer_id": _CUSTOMER, "reason": "phone confirmed", "cleared_by": "li-wei"},
)
WRITES = (REVIEW, TAKE_UP, MEASURE, LIFT, SIGNAL, CLEAR)

Owner = Annotated[CustomerId, Query(description="Whose line it is.")]


@router.get(
    "/v1/lines/{line_id}/reviews", **reads(Scope.LINES_READ, TAG, "List the reviews of a line")
)
async def list_line_reviews(house: HouseOf, line_id: LineId, customer_id: Owner) -> Reviews:
    """Return the latest 200 reviews, newest first, also those that changed nothing."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await store.reviews_of_line(
            connection, customer_id=customer_id, line_id=line_id, page=_REVIEWS_MAX
        )
        policies = {
            item.policy_hash: await line_offers.policy_of_review(connection, item)
            for item in {item.policy_hash: item for item in found}.values()
        }
    return Reviews(
        items=[
            ReviewView.model_validate(line_offers.review_document(policies[item.policy_hash], item))
            for item in found
        ]
    )


@router.get(
    "/v1/lines/{line_id}/measures", **reads(Scope.LINES_READ, TAG, "List the measures on a line")
)
async def list_line_measures(house: HouseOf, line_id: LineId, customer_id: Owner) -> Measures:
    """Return the latest 200 measures, newest first, with how each ended."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        policy = await review_policy_in_force(connection, at=house.clock.now())
        found = await case_store.measures_of_line(
            connection, customer_id=customer_id, line_id=line_id
        )
    return Measures(
        items=[
            MeasureView.model_validate(line_measures.measure_document(policy, item))
            for item in found
        ]
    )


@router.get(
    "/v1/lines/{line_id}/notices",
    **reads(Scope.LINES_READ, TAG, "List what the customer was told of a line"),
)
async def list_line_notices(house: HouseOf, line_id: LineId, customer_id: Owner) -> LineNotices:
    """Return the latest 200 notices, newest first, as they were written."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await case_store.notices_of_line(
            connection, customer_id=customer_id, line_id=line_id
        )
    return LineNotices(
        items=[
            NoticeView(
                id=ids.to_text(ids.LINE_NOTICE, item.notice_id),
                kind=item.kind.value,
                measure_id=None
                if item.measure_id is None
                else ids.to_text(ids.LINE_MEASURE, item.measure_id),
                review_id=None
                if item.review_id is None
                else ids.to_text(ids.LINE_REVIEW, item.review_id),
                zh=item.text_zh,
                en=item.text_en,
                created_at=item.created_at,
            )
            for item in found
        ]
    )


@router.get(
    "/v1/lines/{line_id}/signals",
    **reads(Scope.OPERATIONS_READ, TAG, "List what was told of a line"),
)
async def list_line_signals(house: HouseOf, line_id: LineId, customer_id: Owner) -> Signals:
    """Return the latest 200 signals, newest first; for staff, fraud is never itemised."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await case_store.signals_of_line(
            connection, customer_id=customer_id, line_id=line_id
        )
    return Signals(
        items=[SignalView.model_validate(line_signals.signal_document(item)) for item in found]
    )
