"""Before an application: forms that are being filled in, and what a limit might be."""

from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    CustomerId,
    Fact,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning.draft_store import Draft
from counterfoil.journeys.applying import draft as journey
from counterfoil.journeys.applying.draft import Form
from counterfoil.journeys.applying.trial import trial_limit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Applications"
router = APIRouter()
_FACTS_MAX: Final = 100
_AGE_MAX: Final = 130
_CUSTOMER: Final = "cu_01hv4zq3k2f00"


class DraftBody(Body):
    """A form as far as it is filled in."""

    customer_id: CustomerId
    product_code: Code
    requested_minor: AmountMinor | None = None
    purpose: Code | None = None
    #: What the customer has stated so far; what is left out stays open.
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)


class StatedView(View):
    """What the customer stated before, to be confirmed."""

    value: bool | int | str
    stated_at: datetime


class FormView(View):
    """A form: what is filled in, what may be confirmed, what is still open."""

    customer_id: str
    product_code: str
    requested_minor: int | None
    purpose: str | None
    facts: dict[str, bool | int | str | None]
    #: None for a form that nobody has begun.
    saved_at: datetime | None
    known: dict[str, StatedView]
    #: What the policy reads of the customer and nobody has said yet.
    open: list[str]


class TrialBody(Body):
    """A question before anybody applies."""

    product_code: Code
    purpose: Code
    age_years: Annotated[int, Field(ge=0, le=_AGE_MAX)]
    requested_minor: AmountMinor | None = None
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)


class TrialAnswer(View):
    """What the policy would say on what was given; it binds nobody and is kept nowhere."""

    product_code: str
    #: Always false: only an application is decided.
    binding: bool
    outcome: str
    currency: str
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: list[int]
    reasons: list[str]
    policy_version: str


async def carry_draft(call: Call, body: DraftBody) -> Answer | Refused:
    """Keep a form."""
    draft = Draft(requested_minor=body.requested_minor, purpose=body.purpose, facts=body.facts)

    async def work() -> str | Refused:
        kept = await journey.save_draft(
            call.house, draft, customer_id=body.customer_id, product_code=body.product_code
        )
        if isinstance(kept, Refused):
            return kept
        return _form_view(kept, body.customer_id, body.product_code).model_dump_json()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="save_application_draft",
        request=body.model_dump(exclude={"customer_id"}),
        work=work,
    )


async def carry_trial(call: Call, body: TrialBody) -> Answer | Refused:
    """Calculate."""
    found = await trial_limit(
        call.house,
        product_code=body.product_code,
        purpose=body.purpose,
        facts=body.facts,
        age_years=body.age_years,
        requested_minor=body.requested_minor,
    )
    if isinstance(found, Refused):
        return found
    document = {
        "binding": False,
        "currency": found.currency,
        "limit_minor": found.limit_minor,
        "outcome": found.outcome,
        "policy_version": found.policy_version,
        "product_code": found.product_code,
        "rate_daily_e8": found.rate_daily_e8,
        "reasons": found.reasons,
        "tenors_months": found.tenors_months,
    }
    return Answer(orjson.dumps(document).decode(), is_replay=False)


SAVE = Write(
    name="save_application_draft",
    tag=TAG,
    path="/v1/application-drafts",
    scope=Scope.APPLICATIONS_WRITE,
    body=DraftBody,
    answer=FormView,
    carry=carry_draft,
    summary="Save a form that is being filled in",
    description="Replaces what was saved before; an application submitted later forgets it.",
    example={
        "customer_id": _CUSTOMER,
        "product_code": "cash-line-open",
        "purpose": "travel",
        "facts": {"is_student": False},
    },
)
TRIAL = Write(
    name="try_limit",
    tag=TAG,
    path="/v1/trial-limits",
    scope=Scope.APPLICATIONS_READ,
    body=TrialBody,
    answer=TrialAnswer,
    carry=carry_trial,
    summary="Calculate what a limit might be",
    description="By the rules in force, on what is given; nobody is asked and nothing is kept.",
    example={
        "product_code": "cash-line-open",
        "purpose": "travel",
        "age_years": 30,
        "facts": {"income_monthly_minor": 900_000},
    },
    needs_key=False,
)
WRITES: Final = (SAVE, TRIAL)


@router.get(
    "/v1/applicants/{customer_id}/application-drafts/{product_code}",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read a form that is being filled in"),
)
async def get_draft(house: HouseOf, customer_id: CustomerId, product_code: Code) -> FormView:
    """Return a form, pre-filled with what the customer stated before."""
    found = await journey.read_form(house, customer_id=customer_id, product_code=product_code)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return _form_view(found, customer_id, product_code)


def _form_view(form: Form, customer_id: int, product_code: str) -> FormView:
    draft = form.draft
    return FormView(
        customer_id=ids.to_text(ids.CUSTOMER, customer_id),
        product_code=product_code,
        requested_minor=draft.requested_minor,
        purpose=draft.purpose,
        facts=dict(draft.facts),
        saved_at=draft.saved_at,
        known={
            name: StatedView(value=item.value, stated_at=item.stated_at)
            for name, item in form.known.items()
        },
        open=list(form.open),
    )
