"""Staff: attributes, open cases, and courses that were passed; nobody is signed in here.

What two people decide is asked for at the command line and decided in the console. A program may
hand in which courses were passed, for the system that holds them knows it first.
"""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of, page_of_whole
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import Body, Code, Day, View
from counterfoil.api.writes import Call, Write
from counterfoil.evidence.staging import HOUSE
from counterfoil.journeys.admitting import attributes as journey
from counterfoil.journeys.cases import open_cases
from counterfoil.kernel import ids
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import OPERATOR_NAME, Scope
from counterfoil.platform.batches import Answer
from counterfoil.platform.holdings import Training

TAG = "Staff"
router = APIRouter()
_VERSION_MAX = 10_000


class TrainingBody(Body):
    """A course that somebody passed."""

    holder: Annotated[
        str,
        StringConstraints(pattern=f"^{OPERATOR_NAME}$"),
        Field(description="The operator's name.", examples=["li.na"]),
    ]
    course_code: Annotated[Code, Field(examples=["personal_data"])]
    course_version: int = Field(ge=1, le=_VERSION_MAX)
    role: Annotated[Code, Field(description="The role for which it was taken.")]
    passed_on: Day
    valid_until: Day


class TrainingView(View):
    """A course that somebody passed."""

    id: str
    holder: str
    course_code: str
    course_version: int
    role: str
    passed_on: date
    valid_until: date
    recorded_by: str
    recorded_at: datetime


class TrainingStateView(View):
    """A course that somebody's role asks for."""

    holder: str
    role: str
    course: str
    #: `valid`, `ends_soon`, `grace` or `missing`.
    state: str
    valid_until: date | None


class TrainingStates(View):
    """Every course that the roles of staff ask for."""

    items: list[TrainingStateView]


class AttributeView(View):
    """A value of an attribute that limits what somebody reaches."""

    id: str
    holder: str
    attribute: str
    value: str
    reason: str
    granted_by: str
    approved_by: str
    starts_at: datetime
    ends_at: datetime


class Attributes(PageView):
    """Attributes, by holder; ended ones too, for they limit on."""

    items: list[AttributeView]


class CaseView(View):
    """That somebody works on a customer's case."""

    id: str
    customer_id: str
    operator: str
    kind: str
    reason: str
    opened_by: str
    opened_at: datetime
    ends_at: datetime


class Cases(PageView):
    """Open cases, newest first."""

    items: list[CaseView]


async def carry_training(call: Call, body: TrainingBody) -> Answer | Refused:
    """Write down that a course was passed."""
    now = SystemClock().now()

    async def work() -> str | Refused:
        training = Training(
            training_id=call.house.ids.next(),
            recorded_by=call.author,
            recorded_at=now,
            **body.model_dump(),
        )
        actor = actor_of(call, Scope.STAFF_WRITE)
        done = await journey.record_training(call.house, actor, training, now=now)
        return done if isinstance(done, Refused) else training_view(done).model_dump_json()

    return await remembered(
        call.house,
        scope_id=HOUSE,
        key=f"{call.key.client}:{call.idempotency_key}",
        kind="record_training",
        request=body.model_dump(),
        work=work,
    )


RECORD = Write(
    name="record_training",
    tag=TAG,
    path="/v1/trainings",
    scope=Scope.STAFF_WRITE,
    body=TrainingBody,
    answer=TrainingView,
    carry=carry_training,
    status=201,
    summary="Write down that somebody passed a course",
    description="With COUNTERFOIL_TRAINING_REQUIRED, acts that name the course ask for it.",
    example={
        "holder": "li.na",
        "course_code": "personal_data",
        "course_version": 1,
        "role": "operations",
        "passed_on": "2026-01-05",
        "valid_until": "2027-01-04",
    },
)
WRITES = (RECORD,)


@router.get("/v1/trainings", **reads(Scope.STAFF_READ, TAG, "List the courses staff needs"))
async def list_trainings(house: HouseOf) -> TrainingStates:
    """Return each course that somebody's role asks for, and how long it still counts.

    The list is whole: one row a colleague and course.
    """
    lines = await journey.review_trainings(house, now=SystemClock().now())
    return TrainingStates(
        items=[
            TrainingStateView(**{name: getattr(line, name) for name in line.__slots__})
            for line in lines
        ]
    )


@router.get("/v1/attributes", **reads(Scope.STAFF_READ, TAG, "List attributes"))
async def list_attributes(house: HouseOf, turn: Paging) -> Attributes:
    """Return to which lender, product, region, purpose or hours staff and programs are limited."""
    found = sorted(await journey.list_attributes(house), key=lambda grant: grant.grant_id)
    page = page_of_whole(found, turn, lambda grant: (0, grant.grant_id))
    return Attributes(
        items=[
            AttributeView(
                id=ids.to_text(ids.ATTRIBUTE, grant.grant_id),
                **{name: getattr(grant, name) for name in grant.__slots__ if name != "grant_id"},
            )
            for grant in page.items
        ],
        **page.cursors,
    )


@router.get("/v1/cases", **reads(Scope.STAFF_READ, TAG, "List open cases"))
async def list_cases(house: HouseOf, turn: Paging) -> Cases:
    """Return who works on which customer's case, and until when, newest first."""
    found = await open_cases(
        house,
        now=SystemClock().now(),
        page=turn.page,
        before=turn.number(),
        is_back=turn.is_back,
    )
    page = page_of(found, turn, lambda case: (0, case.case_id))
    return Cases(
        items=[
            CaseView(
                id=ids.to_text(ids.CUSTOMER_CASE, case.case_id),
                customer_id=ids.to_text(ids.CUSTOMER, case.customer_id),
                operator=case.operator,
                kind=case.kind,
                reason=case.reason,
                opened_by=case.opened_by,
                opened_at=case.opened_at,
                ends_at=case.ends_at,
            )
            for case in page.items
        ],
        **page.cursors,
    )


def training_view(training: Training) -> TrainingView:
    """Return what an answer says of a course that was passed."""
    return TrainingView(
        id=ids.to_text(ids.TRAINING, training.training_id),
        **{name: getattr(training, name) for name in training.__slots__ if name != "training_id"},
    )
