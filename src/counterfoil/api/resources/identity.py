"""Identity checks: sent by a channel or made by the house, what acts still need, cases."""

from datetime import UTC, date, datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.privacy import actor_of
from counterfoil.api.shapes import (
    Body,
    Code,
    ConsentId,
    CustomerId,
    Day,
    Instant,
    Reason,
    ShortText,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.customers.verification import CheckOutcome
from counterfoil.customers.verification_policy import CheckKind
from counterfoil.journeys.paying import payout_account
from counterfoil.journeys.serving import change_contact, identity
from counterfoil.journeys.serving.identity import Shown
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Identity"
router = APIRouter()
_OF_CUSTOMER: Final = {"customer_id": ids.CUSTOMER}
_SECONDS_MAX: Final = 4_102_444_800

#: What the applicant holds at a source: the number of a session, the token of a card.
Held = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[\x21-\x7e]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CheckBody(Body):
    """A check of one kind by one source."""

    kind: CheckKind = Field(strict=False)
    #: A code of the document of identity checks.
    source: Code
    #: For the house to ask the source; never an image.
    presented: Held | None = None
    #: What the source said; left out, the house asks it.
    outcome: CheckOutcome | None = Field(default=None, strict=False)
    #: When it said so, POSIX seconds; left out, now.
    checked_at: Annotated[int, Field(ge=0, le=_SECONDS_MAX)] | None = None
    #: With `fail`: the source knows somebody else under what was shown.
    of_another: bool = False
    document_expires_on: Day | None = None
    #: Hash of the biometric template at the source; no image and no template is taken.
    template_sha256: Sha256 | None = None
    #: Number of the document; failures are counted by it under a digest.
    document: Held | None = None
    #: What the channel calls the device; counted likewise.
    device: Held | None = None
    #: The separate consent to biometric data; needed for `liveness`.
    consent_id: ConsentId | None = None


class CheckView(View):
    """A check as a channel may see it."""

    id: str
    customer_id: str
    #: `number`, `name_number`, `document`, `liveness`, `phone`, `bank_card` or `in_person`.
    kind: str
    source: str
    #: `pass`, `fail` or `unknown`.
    outcome: str
    checked_at: datetime
    valid_until: date
    document_expires_on: date | None
    #: A person will check; nobody learns more here.
    person_checks: bool


class WantView(View):
    """What an act still needs."""

    #: Null where it is not about one kind.
    kind: str | None
    #: `missing`, `failed`, `unknown`, `expired`, `sources` or `case`.
    want: str


class ActView(View):
    """An act and what it still needs; nothing where it may go on."""

    #: `opening`, `raising`, `drawing`, `changing_phone` or `changing_bank_card`.
    act: str
    wants: list[WantView]


class IdentityView(View):
    """What is known of a customer's identity, by act."""

    customer_id: str
    policy_version: str
    #: Whether acts wait for checks in this installation.
    is_required: bool
    person_checks: bool
    #: By currency: up to here drawing needs no checks, only a document that has not expired. In a
    #: currency that is not here drawing always needs them; drawdowns in several use up shares.
    drawing_above_minor: dict[str, int]
    #: Business dates whose drawdowns count together for that, the present one among them.
    drawing_within_days: int
    acts: list[ActView]
    #: Token of the account to which the customer is paid; null while none is registered.
    payout_account: str | None
    #: Newest first, 100 at most.
    checks: list[CheckView]


class PhoneBody(Body):
    """Another phone number of the customer."""

    phone: Annotated[str, StringConstraints(min_length=3, max_length=40)]


class AccountBody(Body):
    """Another account of the customer."""

    #: The token of the account, never its number; its bank card check names it as `document`.
    payee_ref: ShortText


class ChangedView(View):
    """What was changed."""

    customer_id: str
    #: `phone` or `payout_account`.
    changed: str


class CaseView(View):
    """Something that a person has to look at."""

    id: str
    customer_id: str
    #: Such as `phone_of_another` or `registered_again`.
    reason: str
    #: Whether the customer's acts wait for it.
    holds: bool
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    finding: str | None


class Cases(PageView):
    """Open cases, oldest first."""

    items: list[CaseView]


class FindingBody(Body):
    """What a person found."""

    customer_id: CustomerId
    finding: Reason
    #: The person.
    closed_by: Code


async def carry_check(call: Call, body: CheckBody) -> Answer | Refused:
    """Keep a check, or make it."""
    said = body.checked_at
    shown = Shown(
        customer_id=call.path["customer_id"],
        kind=body.kind,
        source=body.source,
        presented=body.presented or "",
        outcome=body.outcome,
        checked_at=None if said is None else datetime.fromtimestamp(said, tz=UTC),
        is_of_another=body.of_another,
        document_expires_on=body.document_expires_on,
        template_sha256=_bytes(body.template_sha256),
        document=body.document,
        device=body.device,
        consent_id=body.consent_id,
    )
    return await identity.check_identity(
        call.house, shown, by=call.author, idempotency_key=call.idempotency_key
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


async def carry_phone(call: Call, body: PhoneBody) -> Answer | Refused:
    """Change a phone number."""
    return await change_contact.change_phone(
        call.house,
        customer_id=call.path["customer_id"],
        phone=body.phone,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


async def carry_account(call: Call, body: AccountBody) -> Answer | Refused:
    """Register an account."""
    return await payout_account.register_account(
        call.house,
        customer_id=call.path["customer_id"],
        payee_ref=body.payee_ref,
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


async def carry_finding(call: Call, body: FindingBody) -> Answer | Refused:
    """Close a case."""
    case_id, by = call.path["identity_case_id"], f"{call.author}:{body.closed_by}"

    async def work() -> str | Refused:
        closed = await identity.close_case(
            call.house,
            actor_of(call, Scope.OPERATIONS_WRITE),
            customer_id=body.customer_id,
            case_id=case_id,
            by=by,
            finding=body.finding,
        )
        if isinstance(closed, Refused):
            return closed
        return orjson.dumps(closed, option=orjson.OPT_SORT_KEYS).decode()

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="close_identity_case",
        request={"case_id": case_id, **body.model_dump(mode="json")},
        work=work,
    )


CHECK = Write(
    name="check_identity",
    tag=TAG,
    path="/v1/customers/{customer_id}/identity-checks",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=CheckBody,
    answer=CheckView,
    carry=carry_check,
    status=201,
    summary="Check an identity",
    description=(
        "Send what a source said, or leave the outcome out and the house asks a source that is"
        " joined. Failures are counted by person, device and document, and end by time alone."
        " Liveness needs its own consent; a check in person counts the same."
    ),
    example={"kind": "phone", "source": "mobile-carrier", "outcome": "pass"},
)
CLOSE = Write(
    name="close_identity_case",
    tag=TAG,
    path="/v1/identity-cases/{identity_case_id}/finding",
    path_ids={"identity_case_id": ids.IDENTITY_CASE},
    scope=Scope.OPERATIONS_WRITE,
    body=FindingBody,
    answer=CaseView,
    carry=carry_finding,
    summary="Close an identity case",
    description="A person says what was found. What the case held goes on as its checks allow.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "finding": "the number was recycled by the carrier",
        "closed_by": "li-wei",
    },
)
PHONE = Write(
    name="change_phone",
    tag=TAG,
    path="/v1/customers/{customer_id}/phone",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=PhoneBody,
    answer=ChangedView,
    carry=carry_phone,
    summary="Change a phone number",
    description=(
        "Waits for the checks of `changing_phone`. What was said of the old number counts no more."
        " A number that another customer has proven is held until a person has looked."
    ),
    example={"phone": "13900005678"},
)
ACCOUNT = Write(
    name="register_payout_account",
    tag=TAG,
    path="/v1/customers/{customer_id}/payout-account",
    path_ids=_OF_CUSTOMER,
    scope=Scope.APPLICATIONS_WRITE,
    body=AccountBody,
    answer=ChangedView,
    carry=carry_account,
    summary="Say where a customer is paid",
    description=(
        "Waits for the checks of `changing_bank_card`; the bank card check has to be about this"
        " account. Where checks are required, money goes nowhere else."
    ),
    example={"payee_ref": "acct-7f3a"},
)
WRITES = (CHECK, PHONE, ACCOUNT, CLOSE)
_At = Annotated[
    Instant | None,
    Query(
        description="What was known at this instant, as for a decision made then; by default now."
    ),
]


@router.get(
    "/v1/customers/{customer_id}/identity",
    **reads(Scope.APPLICATIONS_READ, TAG, "Read what acts still need of a customer's identity"),
)
async def get_identity(house: HouseOf, customer_id: CustomerId, at: _At = None) -> IdentityView:
    """Return by act what is missing, with the latest checks."""
    found = await identity.identity_of(house, customer_id, at=at)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return IdentityView.model_validate(found)


@router.get("/v1/identity-cases", **reads(Scope.OPERATIONS_READ, TAG, "List open identity cases"))
async def list_identity_cases(house: HouseOf, turn: Paging) -> Cases:
    """Return the cases that wait for a person, the oldest first."""
    found = await identity.open_cases(
        house, page=turn.page, after=turn.number(0), is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.case_id))
    return Cases(
        items=[CaseView.model_validate(identity.case_document(item)) for item in page.items],
        **page.cursors,
    )
