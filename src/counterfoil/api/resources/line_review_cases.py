"""What reviews of lines leave to people: the queue, a case with all that was seen, a decision."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import once
from counterfoil.api.resources.limit_requests import ReasonView
from counterfoil.api.resources.line_reviews import Owner
from counterfoil.api.shapes import AmountMinor, Body, Code, CustomerId, Day, Reason, View, read_id
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.line_review.case import CaseRuling, ReviewCase, Ruling
from counterfoil.decisioning.line_review.desk_store import FIRST
from counterfoil.decisioning.refusals import LINE_REVIEW_CASE_NOT_FOUND
from counterfoil.journeys.lines import line_review_desk as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer

TAG = "Line review cases"
router = APIRouter()
_OF_CASE = {"line_review_case_id": ids.LINE_REVIEW_CASE}
_CUSTOMER = "cu_01hv4zq3k2f00"


class CaseAssignmentBody(Body):
    """Somebody takes a case, or gives it back."""

    customer_id: CustomerId
    #: The person; None puts the case back into the queue.
    assignee: Code | None = None
    #: Who gives it back; needed where nobody is named above.
    given_back_by: Code | None = None


class CaseDecisionBody(Body):
    """A person decides a case."""

    customer_id: CustomerId
    #: `keep` leaves the line as it is; `close` wants a line without a balance.
    decision: Literal["keep", "lower", "freeze", "suspend", "close"]
    reason: Reason
    decided_by: Code
    #: The limit of a decrease, and of nothing else.
    to_minor: AmountMinor | None = None
    #: Last day of a freeze, and of nothing else.
    ends_on: Day | None = None


class CaseOfLineView(View):
    """A case as it stands."""

    id: str
    customer_id: str
    line_id: str
    line_review_id: str
    #: What is asked for: `close`, `look`.
    proposals: list[str]
    opened_at: datetime
    #: The working day by which a person decides.
    due_on: date
    #: `open`, `taken` or `decided`.
    status: str
    taken_by: str | None
    decision: str | None
    to_minor: int | None
    decided_by: str | None
    #: The second person, where the decision was wide.
    agreed_by: str | None
    reason: str | None
    decided_at: datetime | None
    measure_id: str | None
    #: The approval of a second person that it waits for; the same decision then carries it out.
    approval_id: str | None


class CasesOfLines(PageView):
    """Cases that wait for a person."""

    items: list[CaseOfLineView]


class SeenCaseView(CaseOfLineView):
    """A case with everything that the machine saw and said."""

    #: The line as it stood, within the bounds of product and licence.
    asked: dict[str, Any]
    #: What the policy read, by name; null is unknown.
    facts: dict[str, Any]
    #: What guards held back; null where none did.
    guards: dict[str, Any] | None
    #: What each rule said: `true`, `false` or `unknown`.
    verdicts: dict[str, str]
    #: Codes of the rules that the outcome rests on.
    acted: list[str]
    guarded: list[str]
    reasons: list[ReasonView]
    policy_version: str


async def carry_case_assignment(call: Call, body: CaseAssignmentBody) -> Answer | Refused:
    """Take a case, or give it back."""
    act = partial(
        journey.take_case,
        call.house,
        _actor(call, body.assignee or body.given_back_by or ""),
        customer_id=body.customer_id,
        case_id=call.path["line_review_case_id"],
        gives_back=body.assignee is None,
    )
    return await once(call, ASSIGN, body, act, journey.case_document, scope_id=body.customer_id)


async def carry_case_decision(call: Call, body: CaseDecisionBody) -> Answer | Refused:
    """Decide a case."""
    case_id, actor = call.path["line_review_case_id"], _actor(call, body.decided_by)
    ruling = CaseRuling(
        ruling=Ruling(body.decision),
        by=actor.name,
        reason=body.reason,
        to_minor=body.to_minor,
        ends_on=body.ends_on,
    )

    async def act() -> tuple[ReviewCase, Approval | None] | Refused:
        done = await journey.decide_case(
            call.house, actor, ruling, customer_id=body.customer_id, case_id=case_id
        )
        if isinstance(done, Refused):
            return done
        if isinstance(done, ReviewCase):
            return done, None
        seen = await journey.see_case(call.house, customer_id=body.customer_id, case_id=case_id)
        return seen if isinstance(seen, Refused) else (seen.case, done)

    return await once(call, DECIDE, body, act, _decided, scope_id=body.customer_id)


def _decided(made: tuple[ReviewCase, Approval | None]) -> dict[str, object]:
    case, approval = made
    return journey.case_document(case) if approval is None else _waiting(case, approval)


def _waiting(case: ReviewCase, approval: Approval) -> dict[str, object]:
    """Return a case that waits for a second person."""
    number = ids.to_text(ids.APPROVAL, approval.approval_id)
    return {**journey.case_document(case), "approval_id": number}


def _actor(call: Call, person: str) -> Actor:
    """Return who acts: the person whom a program names, by the right of its key."""
    return Actor(
        name=f"{call.author}:{person}" if person else call.author,
        role=Scope.OPERATIONS_WRITE.value,
        source="api",
    )


ASSIGN = Write(
    name="assign_line_review_case",
    tag=TAG,
    path="/v1/line-review-cases/{line_review_case_id}/assignment",
    path_ids=_OF_CASE,
    scope=Scope.OPERATIONS_WRITE,
    body=CaseAssignmentBody,
    answer=CaseOfLineView,
    carry=carry_case_assignment,
    summary="Take a case, or give it back",
    description="A case belongs to one person until it is decided or given back.",
    example={"customer_id": _CUSTOMER, "assignee": "li-wei"},
)
DECIDE = Write(
    name="decide_line_review_case",
    tag=TAG,
    path="/v1/line-review-cases/{line_review_case_id}/decision",
    path_ids=_OF_CASE,
    scope=Scope.OPERATIONS_WRITE,
    body=CaseDecisionBody,
    answer=CaseOfLineView,
    carry=carry_case_decision,
    summary="Decide a case",
    description=(
        "A wide reduction, and every closing, needs a second person: the first call asks for the"
        " approval named in `approval_id`, the same call under a new key carries it out."
    ),
    example={
        "customer_id": _CUSTOMER,
        "decision": "lower",
        "to_minor": 200_000,
        "reason": "income fell by half, proven by payslips",
        "decided_by": "li-wei",
    },
)
WRITES = (ASSIGN, DECIDE)


@router.get(
    "/v1/line-review-cases",
    **reads(Scope.OPERATIONS_READ, TAG, "List cases that wait for a person"),
)
async def list_line_review_cases(house: HouseOf, turn: Paging) -> CasesOfLines:
    """Return the cases that reviews of lines left to people, the most urgent first."""
    found = await journey.waiting_cases(
        house, page=turn.page, after=turn.day(FIRST), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (item.due_on.toordinal(), item.case_id))
    return CasesOfLines(
        items=[CaseOfLineView.model_validate(journey.case_document(item)) for item in page.items],
        **page.cursors,
    )


@router.get(
    "/v1/line-review-cases/{line_review_case_id}",
    **reads(Scope.OPERATIONS_READ, TAG, "Show a case with all that the machine saw"),
)
async def show_line_review_case(
    house: HouseOf,
    line_review_case_id: Annotated[str, Path(description="The case.", max_length=40)],
    customer_id: Owner,
) -> SeenCaseView:
    """Return a case with the facts, verdicts and guards of the review that led to it."""
    number = read_id(ids.LINE_REVIEW_CASE, line_review_case_id)
    if number is None:
        raise RefusedError(refuse(LINE_REVIEW_CASE_NOT_FOUND))
    seen = await journey.see_case(house, customer_id=customer_id, case_id=number)
    if isinstance(seen, Refused):
        raise RefusedError(seen)
    return SeenCaseView.model_validate(journey.seen_document(seen))
