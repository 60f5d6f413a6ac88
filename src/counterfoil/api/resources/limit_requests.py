"""Requests for a higher limit: asked for, decided, agreed to by the customer or not."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.contracts import PDF, Sha256, file_response
from counterfoil.api.resources.lines import LineView, line_or_refuse
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    ConsentId,
    CustomerId,
    Fact,
    LimitRequestId,
    LineId,
    Reason,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.contracts.template import Authentication
from counterfoil.decisioning import limit_request_store as store
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.decisioning.refusals import LIMIT_REQUEST_NOT_FOUND
from counterfoil.journeys.lines import raise_agreeing, raise_limit
from counterfoil.journeys.lines.amendment_file import amendment_file
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Higher limits"
router = APIRouter()
_OF_LINE = {"line_id": ids.LINE}
_PATH = {"limit_request_id": ids.LIMIT_REQUEST}
_CUSTOMER = "cu_01hv4zq3k2f00"
#: More facts than any policy reads.
_FACTS_MAX = 100
#: A day: nobody reads an amendment for longer.
_DWELL_MS_MAX = 86_400_000


class LimitRequestBody(Body):
    """A customer's wish for a higher limit."""

    customer_id: CustomerId
    #: The limit wished for, not the difference.
    requested_minor: AmountMinor
    #: The consent under which the bureau may be asked; None where none is joined, or where a report
    #: that the customer agreed to before still lives.
    consent_id: ConsentId | None = None
    #: What the customer says, as far as the policy reads it, such as an income.
    facts: dict[Code, bool | Fact | Code | None] = Field(default={}, max_length=_FACTS_MAX)


class AgreementBody(Body):
    """The customer agrees to the amendment."""

    customer_id: CustomerId
    language: Language
    #: Of the amendment as it was shown, in this language.
    document_sha256: Sha256
    #: For how long it was open.
    dwell_ms: Annotated[int, Field(ge=0, le=_DWELL_MS_MAX)]
    #: How sure you are of who agrees.
    authentication_level: Authentication


class LimitDecisionBody(Body):
    """A person ends a referral."""

    customer_id: CustomerId
    outcome: Literal["approved", "declined"]
    reason: Reason
    #: The person who decides, as your system knows them.
    decided_by: Code


class LimitWithdrawalBody(Body):
    """The customer wishes no longer."""

    customer_id: CustomerId


class ReasonView(View):
    """Why, in words for the customer."""

    code: str
    zh: str
    en: str


class LimitRequestView(View):
    """A request for a higher limit as it stands."""

    id: str
    customer_id: str
    line_id: str
    #: `approved`, `declined` or `referred`, then `accepted`, `expired` or `withdrawn`; `gathering`
    #: while the bureau's answer is outstanding: send the same request again.
    status: str
    currency: str
    #: The limit when it was asked for more.
    present_minor: int
    requested_minor: int
    #: The offer; 0 where there is none.
    limit_minor: int
    #: The line's own price, which a higher limit does not change.
    rate_daily_e8: int
    reasons: list[ReasonView]
    valid_until: date | None
    #: None while it is not decided.
    policy_version: str | None
    received_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class LimitRequests(PageView):
    """The requests for one line, newest first."""

    items: list[LimitRequestView]


class AmendmentView(View):
    """The text that the customer agrees to."""

    limit_request_id: str
    #: Template, version and language.
    template: str
    language: Language
    text: str
    #: Of the text in UTF-8; what the acceptance confirms.
    document_sha256: str


async def carry_request(call: Call, body: LimitRequestBody) -> Answer | Refused:
    """Ask."""
    wish = RaiseWish(
        customer_id=body.customer_id,
        line_id=call.path["line_id"],
        requested_minor=body.requested_minor,
        idempotency_key=call.idempotency_key,
        consent_id=body.consent_id,
        facts=body.facts,
    )
    return await raise_limit.request(call.house, wish)


async def carry_agreement(call: Call, body: AgreementBody) -> Answer | Refused:
    """Agree."""
    acceptance = raise_agreeing.RaiseAcceptance(
        customer_id=body.customer_id,
        request_id=call.path["limit_request_id"],
        act=raise_agreeing.Act(
            language=body.language,
            document_sha256=bytes.fromhex(body.document_sha256),
            dwell_ms=body.dwell_ms,
            authentication=body.authentication_level,
            channel=call.author,
        ),
    )
    return await raise_agreeing.accept(call.house, acceptance, idempotency_key=call.idempotency_key)


async def carry_decision(call: Call, body: LimitDecisionBody) -> Answer | Refused:
    """End a referral."""
    by = f"{call.author}:{body.decided_by}"

    async def decide() -> LimitRequest | Refused:
        return await raise_limit.decide_referred(
            call.house,
            customer_id=body.customer_id,
            request_id=call.path["limit_request_id"],
            by=by,
            outcome=Outcome(body.outcome),
            reason=body.reason,
        )

    def is_same(found: LimitRequest) -> bool:
        return found.decided_by == by and found.outcome == body.outcome

    request: dict[str, object] = {"outcome": body.outcome, "reason": body.reason, "by": by}
    return await _moved(call, body.customer_id, "decide_limit_request", request, decide, is_same)


async def carry_withdrawal(call: Call, body: LimitWithdrawalBody) -> Answer | Refused:
    """Withdraw."""

    async def withdraw() -> LimitRequest | Refused:
        return await raise_limit.withdraw(
            call.house, customer_id=body.customer_id, request_id=call.path["limit_request_id"]
        )

    return await _moved(
        call, body.customer_id, "withdraw_limit_request", {}, withdraw, lambda _: False
    )


async def _moved(
    call: Call,
    customer_id: int,
    kind: str,
    request: dict[str, object],
    move: Callable[[], Awaitable[LimitRequest | Refused]],
    is_same: Callable[[LimitRequest], bool],
) -> Answer | Refused:
    """Move a request once for each key, and answer with how it then stood."""
    request_id = call.path["limit_request_id"]

    async def work() -> str | Refused:
        moved = await move()
        if isinstance(moved, Refused):
            async with call.house.database.connection() as connection:
                found = await store.read_request(
                    connection, customer_id=customer_id, request_id=request_id
                )
            # A crash may have come between the move and its record.
            if found is None or not is_same(found):
                return moved
            moved = found
        async with call.house.database.connection() as connection:
            policy = await raise_limit.policy_of(call.house, connection, moved)
        return raise_limit.request_text(policy, moved)

    return await remembered(
        call.house,
        scope_id=customer_id,
        key=call.idempotency_key,
        kind=kind,
        request={"limit_request_id": request_id, **request},
        work=work,
    )


REQUEST = Write(
    name="request_limit",
    tag=TAG,
    path="/v1/lines/{line_id}/limit-requests",
    path_ids=_OF_LINE,
    scope=Scope.APPLICATIONS_WRITE,
    body=LimitRequestBody,
    answer=LimitRequestView,
    carry=carry_request,
    status=201,
    summary="Ask for a higher limit",
    description=(
        "The policy decides at once, on own records and on a credit report: one that the customer"
        " has consented to before, or an inquiry under the consent given here. Nothing is raised"
        " before the customer agrees."
    ),
    example={"customer_id": _CUSTOMER, "requested_minor": 1_500_000, "facts": {}},
)
ACCEPT = Write(
    name="accept_limit",
    tag=TAG,
    path="/v1/limit-requests/{limit_request_id}/acceptance",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=AgreementBody,
    answer=LineView,
    carry=carry_agreement,
    summary="Agree to the higher limit",
    description="The customer confirms the amendment that was shown; then the limit is raised.",
    example={
        "customer_id": _CUSTOMER,
        "language": "zh",
        "document_sha256": "0" * 64,
        "dwell_ms": 12_000,
        "authentication_level": "substantial",
    },
)
DECIDE = Write(
    name="decide_limit_request",
    tag=TAG,
    path="/v1/limit-requests/{limit_request_id}/decision",
    path_ids=_PATH,
    scope=Scope.OPERATIONS_WRITE,
    body=LimitDecisionBody,
    answer=LimitRequestView,
    carry=carry_decision,
    summary="Decide a referred request",
    description="A named person approves what the policy proposed, or declines.",
    example={
        "customer_id": _CUSTOMER,
        "outcome": "declined",
        "reason": "warning in the report confirmed",
        "decided_by": "li-wei",
    },
)
WITHDRAW = Write(
    name="withdraw_limit_request",
    tag=TAG,
    path="/v1/limit-requests/{limit_request_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.APPLICATIONS_WRITE,
    body=LimitWithdrawalBody,
    answer=LimitRequestView,
    carry=carry_withdrawal,
    summary="Withdraw a request",
    example={"customer_id": _CUSTOMER},
)
WRITES = (REQUEST, ACCEPT, DECIDE, WITHDRAW)

Owner = Annotated[CustomerId, Query(description="Whose it is.")]


@router.get(
    "/v1/lines/{line_id}/limit-requests",
    **reads(Scope.APPLICATIONS_READ, TAG, "List the requests for a line"),
)
async def list_limit_requests(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> LimitRequests:
    """Return the requests for a higher limit on a line, newest first."""
    async with house.database.connection() as connection:
        await line_or_refuse(connection, customer_id, line_id)
        found = await store.requests_of_line(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            page=turn.page,
            before=turn.number(),
            is_back=turn.is_back,
        )
        page = page_of(found, turn, lambda item: (0, item.request_id))
        policies = {
            item.policy_hash: await raise_limit.policy_of(house, connection, item)
            for item in {item.policy_hash: item for item in page.items}.values()
        }
    return LimitRequests(
        items=[
            LimitRequestView.model_validate(
                raise_limit.request_document(policies[item.policy_hash], item)
            )
            for item in page.items
        ],
        **page.cursors,
    )


@router.get(
    "/v1/limit-requests/{limit_request_id}",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read a request"),
)
async def get_limit_request(
    house: HouseOf, limit_request_id: LimitRequestId, customer_id: Owner
) -> LimitRequestView:
    """Return a request with its decision and its offer."""
    async with house.database.connection() as connection:
        found = await store.read_request(
            connection, customer_id=customer_id, request_id=limit_request_id
        )
        if found is None:
            raise RefusedError(refuse(LIMIT_REQUEST_NOT_FOUND))
        policy = await raise_limit.policy_of(house, connection, found)
    return LimitRequestView.model_validate(raise_limit.request_document(policy, found))


@router.get(
    "/v1/limit-requests/{limit_request_id}/amendment",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read the amendment of an offer"),
)
async def get_amendment(
    house: HouseOf,
    limit_request_id: LimitRequestId,
    customer_id: Owner,
    language: Annotated[Language, Query()] = Language.CHINESE,
) -> AmendmentView:
    """Return the text that the customer agrees to, or agreed to."""
    found = await raise_agreeing.read_amendment(
        house, customer_id=customer_id, request_id=limit_request_id, language=language
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    return AmendmentView(
        limit_request_id=ids.to_text(ids.LIMIT_REQUEST, limit_request_id),
        template=found.ref,
        language=found.language,
        text=found.text,
        document_sha256=found.sha256.hex(),
    )


@router.get(
    "/v1/limit-requests/{limit_request_id}/amendment.pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
    **reads(Scope.CONTRACTS_READ, TAG, "Download the amendment of a raised limit"),
)
async def get_amendment_file(
    house: HouseOf, limit_request_id: LimitRequestId, customer_id: Owner
) -> Response:
    """Return the amendment that was agreed to, with the lender's signature of today."""
    found = await amendment_file(house, customer_id=customer_id, request_id=limit_request_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return file_response(found.pdf, found.name)
