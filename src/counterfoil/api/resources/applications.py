"""Applications: asked for, decided by the policy or a person, and taken or not."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, ReachOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.lines import LineView
from counterfoil.api.shapes import (
    AmountMinor,
    ApplicationId,
    Body,
    Code,
    ConsentId,
    CustomerId,
    Fact,
    Reason,
    RepaymentDay,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.decisioning import store
from counterfoil.decisioning.application import Application, Channel, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.journeys.applying import apply as journey
from counterfoil.journeys.applying.supply import supply_facts
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer
from counterfoil.platform.holdings import Reach

TAG = "Applications"
router = APIRouter()
_PATH = {"application_id": ids.APPLICATION}
_CUSTOMER = "cu_01hv4zq3k2f00"
#: More facts than any policy reads.
_FACTS_MAX = 100


class ApplicationBody(Body):
    """A wish for a line."""

    customer_id: CustomerId
    product_code: Code
    #: None asks for as much as the policy gives.
    requested_minor: AmountMinor | None = None
    purpose: Code
    #: What the policy declares that it reads from an application; None where it is not known.
    facts: dict[Code, bool | Fact | Code | None] = Field(max_length=_FACTS_MAX)
    #: The consent under which the bureau may be asked; None where none is joined, or where a report
    #: that the customer agreed to before still lives.
    consent_id: ConsentId | None = None
    #: By which way the application reached you; None counts as `api`.
    channel: Channel | None = None
    #: The customer wishes that a person decides, on this application; see `person_by`.
    person_decides: bool = False


class SupplyBody(Body):
    """The customer supplies what the application waits for."""

    customer_id: CustomerId
    #: What `asks` names, with its values.
    facts: dict[Code, bool | Fact | Code | None] = Field(min_length=1, max_length=_FACTS_MAX)


class AcceptanceBody(Body):
    """The customer takes the offer."""

    customer_id: CustomerId
    repayment_day: RepaymentDay


class DecisionBody(Body):
    """A person ends a referral."""

    customer_id: CustomerId
    outcome: Literal["approved", "declined"]
    reason: Reason
    #: The person who decides, as your system knows them.
    decided_by: Code


class WithdrawalBody(Body):
    """The customer wishes no longer."""

    customer_id: CustomerId


class ApplicationAnswer(View):
    """An application as the policy decided it."""

    id: str
    customer_id: str
    product_code: str
    product_version: int
    #: `approved`, `declined` or `referred`; `gathering` while the bureau's answer is outstanding:
    #: read it again later, or send the same request again.
    status: str
    currency: str
    #: The offer; 0 and None where there is none.
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: list[int]
    grade: str | None
    reasons: list[str]
    valid_until: date | None
    #: None while it is not decided.
    policy_version: str | None
    #: What the customer is asked for; the application waits for it until `valid_until`.
    asks: list[str]
    #: The working day by which a person decides a referred application.
    person_by: date | None


class ApplicationView(View):
    """An application as it stands."""

    id: str
    customer_id: str
    product_code: str
    product_version: int
    currency: str
    requested_minor: int | None
    purpose: str
    status: str
    received_at: datetime
    #: When everything was there that the decision needs.
    gathered_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None
    ended_at: datetime | None
    limit_minor: int | None
    rate_daily_e8: int | None
    tenors_months: list[int]
    grade: str | None
    reasons: list[str]
    policy_version: str | None
    valid_until: date | None
    line_id: str | None
    #: None on applications of before it was recorded.
    channel: str | None
    #: What the customer is asked for; the application waits for it until `valid_until`.
    asks: list[str]


class Applications(PageView):
    """A page of applications, newest first."""

    items: list[ApplicationView]


async def carry_application(call: Call, body: ApplicationBody) -> Answer | Refused:
    """Apply."""
    decided = await journey.submit_application(
        call.house,
        customer_id=body.customer_id,
        product_code=body.product_code,
        requested_minor=body.requested_minor,
        purpose=body.purpose,
        facts=body.facts,
        idempotency_key=call.idempotency_key,
        consent_id=body.consent_id,
        channel=(body.channel or Channel.API).value,
        person_decides=body.person_decides,
    )
    return decided if isinstance(decided, Refused) else _answer(decided)


async def carry_supply(call: Call, body: SupplyBody) -> Answer | Refused:
    """Supply what is asked for."""
    application_id = call.path["application_id"]

    async def supply() -> Application | Refused:
        return await supply_facts(
            call.house,
            customer_id=body.customer_id,
            application_id=application_id,
            facts=body.facts,
        )

    def is_same(found: Application) -> bool:
        return not found.is_waiting and not set(body.facts) & set(found.asks)

    request: dict[str, object] = {"facts": body.facts}
    return await _moved(call, body.customer_id, "supply_facts", request, supply, is_same)


async def carry_acceptance(call: Call, body: AcceptanceBody) -> Answer | Refused:
    """Take the offer."""
    return await journey.accept_offer(
        call.house,
        customer_id=body.customer_id,
        application_id=call.path["application_id"],
        repayment_day=body.repayment_day,
        idempotency_key=call.idempotency_key,
    )


async def carry_decision(call: Call, body: DecisionBody) -> Answer | Refused:
    """End a referral."""
    application_id = call.path["application_id"]
    by = f"{call.author}:{body.decided_by}"

    async def decide() -> Application | Refused:
        return await journey.decide_referred(
            call.house,
            customer_id=body.customer_id,
            application_id=application_id,
            by=by,
            outcome=Outcome(body.outcome),
            reason=body.reason,
        )

    def is_same(found: Application) -> bool:
        return found.decided_by == by and found.outcome == body.outcome

    request: dict[str, object] = {"outcome": body.outcome, "reason": body.reason, "by": by}
    return await _moved(call, body.customer_id, "decide_referred", request, decide, is_same)


async def carry_withdrawal(call: Call, body: WithdrawalBody) -> Answer | Refused:
    """Withdraw."""

    async def withdraw() -> Application | Refused:
        return await journey.withdraw_application(
            call.house,
            customer_id=body.customer_id,
            application_id=call.path["application_id"],
        )

    return await _moved(
        call, body.customer_id, "withdraw_application", {}, withdraw, lambda _: False
    )


async def _moved(
    call: Call,
    customer_id: int,
    kind: str,
    request: dict[str, object],
    move: Callable[[], Awaitable[Application | Refused]],
    is_same: Callable[[Application], bool],
) -> Answer | Refused:
    """Move an application once for each key, and answer with how it then stood."""
    application_id = call.path["application_id"]

    async def work() -> str | Refused:
        moved = await move()
        if isinstance(moved, Refused):
            async with call.house.database.connection() as connection:
                found = await store.read_application(
                    connection, customer_id=customer_id, application_id=application_id
                )
            # A crash may have come between the move and its record.
            if found is None or not is_same(found):
                return moved
            moved = found
        return application_view(moved).model_dump_json()

    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request={"application_id": application_id, **request},
        work=work,
    )


SUBMIT = Write(
    name="submit_application",
    tag=TAG,
    path="/v1/applications",
    scope=Scope.APPLICATIONS_WRITE,
    body=ApplicationBody,
    answer=ApplicationAnswer,
    carry=carry_application,
    status=201,
    summary="Apply for a line",
    description="The policy decides at once: approved, declined, or referred to a person.",
    example={
        "customer_id": _CUSTOMER,
        "product_code": "cash-line-open",
        "requested_minor": None,
        "purpose": "daily_consumption",
        "facts": {},
    },
)
SUPPLY = Write(
    name="supply_facts",
    tag=TAG,
    path="/v1/applications/{application_id}/facts",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=SupplyBody,
    answer=ApplicationView,
    carry=carry_supply,
    summary="Supply what an application waits for",
    description="The policy decides again, on everything that it knew and on what is new.",
    example={"customer_id": _CUSTOMER, "facts": {"income_monthly_minor": 900_000}},
)
ACCEPT = Write(
    name="accept_offer",
    tag=TAG,
    path="/v1/applications/{application_id}/acceptance",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=AcceptanceBody,
    answer=LineView,
    carry=carry_acceptance,
    status=201,
    summary="Take the offer and open the line",
    example={"customer_id": _CUSTOMER, "repayment_day": 15},
)
DECIDE = Write(
    name="decide_application",
    tag=TAG,
    path="/v1/applications/{application_id}/decision",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=DecisionBody,
    answer=ApplicationView,
    carry=carry_decision,
    summary="Decide a referred application",
    description="A named person approves what the policy proposed, or declines.",
    example={
        "customer_id": _CUSTOMER,
        "outcome": "declined",
        "reason": "income not plausible",
        "decided_by": "li-wei",
    },
)
WITHDRAW = Write(
    name="withdraw_application",
    tag=TAG,
    path="/v1/applications/{application_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=WithdrawalBody,
    answer=ApplicationView,
    carry=carry_withdrawal,
    summary="Withdraw an application",
    example={"customer_id": _CUSTOMER},
)
WRITES = (SUBMIT, SUPPLY, ACCEPT, DECIDE, WITHDRAW)


@router.get("/v1/applications", **reads(Scope.APPLICATIONS_READ, TAG, "List applications"))
async def list_applications(
    house: HouseOf,
    reach: ReachOf,
    turn: Paging,
    status: Annotated[Status | None, Query()] = None,
) -> Applications:
    """Return applications, newest first."""
    before = turn.number(store.NEWEST)
    async with house.database.connection() as connection:
        found = await store.read_applications(
            connection,
            page=turn.page,
            is_back=turn.is_back,
            before=before,
            status=status,
            products=_products(house, reach),
        )
    page = page_of(found, turn, lambda item: (0, item.application_id))
    return Applications(
        items=[application_view(item) for item in page.items],
        **page.cursors,
    )


def _products(house: House, reach: Reach) -> frozenset[str] | None:
    """Return the products in reach; an application has no lender but that of its product."""
    if reach.lenders is None:
        return reach.products
    theirs = {t.code for t in house.catalogue.all() if t.lender_id in reach.lenders}
    return frozenset(theirs if reach.products is None else theirs & reach.products)


@router.get(
    "/v1/applicants/{customer_id}/applications",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the applications of an applicant"),
)
async def list_applications_of(
    house: HouseOf, customer_id: CustomerId, turn: Paging
) -> Applications:
    """Return the applications of one customer, newest first."""
    async with house.database.connection() as connection:
        found = await store.read_applications_of(
            connection, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda item: (0, item.application_id))
    return Applications(items=[application_view(item) for item in page.items], **page.cursors)


@router.get(
    "/v1/applications/{application_id}",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read an application"),
)
async def get_application(
    house: HouseOf,
    application_id: ApplicationId,
    customer_id: Annotated[CustomerId, Query(description="Whose application it is.")],
) -> ApplicationView:
    """Return an application with its decision and its offer."""
    async with house.database.connection() as connection:
        found = await store.read_application(
            connection, customer_id=customer_id, application_id=application_id
        )
    if found is None:
        raise RefusedError(refuse(APPLICATION_NOT_FOUND))
    return application_view(found)


def application_view(item: Application) -> ApplicationView:
    """Return what an answer says of an application."""
    return ApplicationView(
        id=ids.to_text(ids.APPLICATION, item.application_id),
        customer_id=ids.to_text(ids.CUSTOMER, item.customer_id),
        product_code=item.product_code,
        product_version=item.product_version,
        currency=item.currency,
        requested_minor=item.requested_minor,
        purpose=item.purpose,
        status=item.status.value,
        received_at=item.received_at,
        gathered_at=item.gathered_at,
        decided_at=item.decided_at,
        decided_by=item.decided_by,
        decision_reason=item.decision_reason,
        ended_at=item.ended_at,
        limit_minor=item.limit_minor,
        rate_daily_e8=item.rate_daily_e8,
        tenors_months=list(item.tenors_months),
        grade=item.grade,
        reasons=list(item.reasons),
        policy_version=item.policy_version,
        valid_until=item.valid_until,
        line_id=None if item.line_id is None else ids.to_text(ids.LINE, item.line_id),
        channel=item.channel,
        asks=list(item.asks),
    )


def _answer(decided: journey.ApplicationView) -> Answer:
    document = {
        "currency": decided.currency,
        "customer_id": ids.to_text(ids.CUSTOMER, decided.customer_id),
        "grade": decided.grade,
        "id": ids.to_text(ids.APPLICATION, decided.application_id),
        "limit_minor": decided.limit_minor,
        "policy_version": decided.policy_version,
        "product_code": decided.product_code,
        "product_version": decided.product_version,
        "rate_daily_e8": decided.rate_daily_e8,
        "reasons": decided.reasons,
        "status": decided.status,
        "tenors_months": decided.tenors_months,
        "valid_until": decided.valid_until,
        "asks": decided.asks,
        "person_by": decided.person_by,
    }
    return Answer(orjson.dumps(document).decode(), decided.is_replay)
