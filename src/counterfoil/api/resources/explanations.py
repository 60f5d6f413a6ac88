"""A decision in the customer's words, and what the customer chooses about decisions by machine."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.reviews import ReviewView, review_view
from counterfoil.api.shapes import (
    ApplicationId,
    Body,
    CustomerId,
    LimitRequestId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.customer_explanation import Datum
from counterfoil.decisioning.customer_words import Both
from counterfoil.decisioning.review import About
from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.affording.told_exposure import ToldExposure
from counterfoil.journeys.deciding import choose as choosing
from counterfoil.journeys.deciding.choose import Chosen
from counterfoil.journeys.deciding.explain_decision import Explained, explain_decision
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Explanations and choices"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"


class BothView(View):
    """One text in both languages."""

    zh: str
    en: str


class DatumView(View):
    """One thing that was read about the customer and that counted."""

    name: str
    label: BothView
    #: None where it was not known.
    value: bool | int | str | None
    #: What a number counts: `minor` of the currency, `ppm`, `months`, `years`, `count`.
    unit: str
    source: str
    source_label: BothView
    #: How it can be put right where it is wrong.
    correct: BothView


class ToldReasonView(View):
    """One reason, the data that it rests on, and what would help."""

    code: str
    text: BothView
    #: Names among the data; empty where they are not told.
    because: list[str]
    helps: list[BothView]


class TenorPriceView(View):
    """What a tenor costs."""

    tenor_months: int
    rate_daily_e8: int


class ToldPriceView(View):
    """Why the price is what it is."""

    rate_daily_e8: int
    text: BothView
    because: list[str]
    #: Empty where all tenors cost the same.
    by_tenor: list[TenorPriceView]


class ExposureFigureView(View):
    """A figure of debt that reached a ceiling."""

    measure: str
    label: BothView
    #: None where it is not known.
    figure: int | None
    #: `minor`, `ppm` or `count`.
    unit: str
    #: Day of the oldest record behind it.
    as_of: date | None
    sources: list[str]


class ToldExposureView(View):
    """Where debt held a decision: the figures, and what helps."""

    figures: list[ExposureFigureView]
    help: list[BothView]


class ExplanationView(View):
    """The latest decision in the customer's words."""

    subject_id: str
    decision_no: int
    #: `approved`, `declined` or `referred`.
    outcome: str
    text: BothView
    #: Whether a person decided.
    by_person: bool
    reasons: list[ToldReasonView]
    data: list[DatumView]
    limit_minor: int
    limit_text: BothView | None
    price: ToldPriceView | None
    policy_version: str
    #: The way to a review, and whether it is open for this decision.
    review_way: BothView
    can_ask_review: bool
    review: ReviewView | None
    #: The day by which a person decides a referred case.
    person_by: date | None
    #: None where no ceiling on debt held the decision.
    exposure: ToldExposureView | None


class ChoiceBody(Body):
    """The customer chooses."""

    customer_id: CustomerId
    #: `person_decides`: no decision by machine alone; `standard_offer`: no personal offer;
    #: `no_invitations`: nobody invites the customer to apply.
    choice: Choice
    #: False takes the choice back.
    is_on: bool


class ChoicesView(View):
    """The choices that hold, each with the instant since when; None where it was not made."""

    customer_id: str
    person_decides: datetime | None
    standard_offer: datetime | None
    no_invitations: datetime | None


async def carry_choice(call: Call, body: ChoiceBody) -> Answer | Refused:
    """Choose."""

    async def work() -> str | Refused:
        chosen = await choosing.choose(
            call.house,
            customer_id=body.customer_id,
            choice=body.choice,
            is_on=body.is_on,
            channel=call.author,
        )
        return chosen if isinstance(chosen, Refused) else _choices_view(chosen).model_dump_json()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="choose",
        request={"choice": body.choice.value, "is_on": body.is_on},
        work=work,
    )


CHOOSE = Write(
    name="choose",
    tag=TAG,
    path="/v1/customer-choices",
    scope=Scope.APPLICATIONS_WRITE,
    body=ChoiceBody,
    answer=ChoicesView,
    carry=carry_choice,
    summary="Choose how decisions are made about a customer",
    description=(
        "Holds for decisions from now on: a person decides instead of a machine alone, or offers"
        " are the standard ones, without personal features. No service is lost by either."
    ),
    example={"customer_id": _CUSTOMER, "choice": "person_decides", "is_on": True},
)
WRITES: Final = (CHOOSE,)

Owner = Annotated[CustomerId, Query(description="Whose it is.")]


@router.get(
    "/v1/applicants/{customer_id}/choices",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read a customer's choices"),
)
async def get_choices(house: HouseOf, customer_id: CustomerId) -> ChoicesView:
    """Return the choices that hold."""
    async with house.database.connection() as connection:
        return _choices_view(await choosing.chosen_by(connection, customer_id))


@router.get(
    "/v1/applications/{application_id}/explanation",
    **reads(Scope.APPLICATIONS_READ, TAG, "Explain the decision on an application"),
)
async def get_explanation(
    house: HouseOf, application_id: ApplicationId, customer_id: Owner
) -> ExplanationView:
    """Return the latest decision in the customer's words, as the record holds it."""
    return await _explained(house, About.APPLICATION, customer_id, application_id)


@router.get(
    "/v1/limit-requests/{limit_request_id}/explanation",
    **reads(Scope.APPLICATIONS_READ, TAG, "Explain the decision on a higher limit"),
)
async def get_limit_explanation(
    house: HouseOf, limit_request_id: LimitRequestId, customer_id: Owner
) -> ExplanationView:
    """Return the latest decision in the customer's words, as the record holds it."""
    return await _explained(house, About.LIMIT_REQUEST, customer_id, limit_request_id)


async def _explained(
    house: HouseOf, about: About, customer_id: int, subject_id: int
) -> ExplanationView:
    found = await explain_decision(
        house, about=about, customer_id=customer_id, subject_id=subject_id
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    prefix = ids.APPLICATION if about is About.APPLICATION else ids.LIMIT_REQUEST
    return _view(found, ids.to_text(prefix, subject_id))


def _view(found: Explained, subject_id: str) -> ExplanationView:
    told = found.told
    price = told.price
    return ExplanationView(
        subject_id=subject_id,
        decision_no=found.decision_no,
        outcome=told.outcome,
        text=_both(told.text),
        by_person=told.by_person,
        reasons=[
            ToldReasonView(
                code=item.code,
                text=_both(item.text),
                because=list(item.because),
                helps=[_both(one) for one in item.helps],
            )
            for item in told.reasons
        ],
        data=[datum_view(item) for item in told.data],
        limit_minor=told.limit_minor,
        limit_text=told.limit_text and _both(told.limit_text),
        price=price
        and ToldPriceView(
            rate_daily_e8=price.rate_daily_e8,
            text=_both(price.text),
            because=list(price.because),
            by_tenor=[
                TenorPriceView(tenor_months=months, rate_daily_e8=rate)
                for months, rate in price.by_tenor
            ],
        ),
        policy_version=told.policy_version,
        review_way=_both(found.way),
        can_ask_review=found.can_ask_review,
        review=found.review and review_view(found.review),
        person_by=found.person_by,
        exposure=found.exposure and _exposure_view(found.exposure),
    )


def _exposure_view(told: ToldExposure) -> ToldExposureView:
    return ToldExposureView(
        figures=[
            ExposureFigureView(
                measure=item.measure,
                label=_both(item.label),
                figure=item.figure,
                unit=item.unit,
                as_of=None if item.as_of is None else date.fromisoformat(item.as_of),
                sources=list(item.sources),
            )
            for item in told.figures
        ],
        help=[_both(item) for item in told.help],
    )


def datum_view(item: Datum) -> DatumView:
    """Return what an answer says of one thing that counted."""
    return DatumView(
        name=item.name,
        label=_both(item.label),
        value=item.value,
        unit=item.unit,
        source=item.source,
        source_label=_both(item.source_label),
        correct=_both(item.correct),
    )


def _both(text: Both) -> BothView:
    return BothView(zh=text.zh, en=text.en)


def _choices_view(chosen: Chosen) -> ChoicesView:
    return ChoicesView(
        customer_id=ids.to_text(ids.CUSTOMER, chosen.customer_id),
        person_decides=chosen.since.get(Choice.PERSON_DECIDES),
        standard_offer=chosen.since.get(Choice.STANDARD_OFFER),
        no_invitations=chosen.since.get(Choice.NO_INVITATIONS),
    )
