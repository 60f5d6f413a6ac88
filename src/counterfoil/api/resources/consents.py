"""Consents: what customers agreed to, one purpose, one recipient and one decision each."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import (
    ApplicationId,
    Body,
    Code,
    ConsentId,
    CustomerId,
    Instant,
    Token,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.consents import iso27560, store
from counterfoil.consents.consent import Consent
from counterfoil.consents.giving import Choice, Wish
from counterfoil.consents.notice import Level
from counterfoil.consents.record import Authentication, Display
from counterfoil.journeys.consenting import consent as journey
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Consents"
router = APIRouter()
_PATH = {"consent_id": ids.CONSENT}
_CUSTOMER = "cu_01hv4zq3k2f00"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_OTHER_HASH = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
#: A day: nobody reads longer, and the column ends somewhere.
_DWELL_MS_MAX = 86_400_000

Sha256 = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{64}$"),
    Field(description="SHA-256 in hexadecimal.", examples=[_HASH]),
]
_Band = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}-[0-9]{1,12}$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[a-z][a-z_]*$")]
_Binding = Annotated[Token, StringConstraints(max_length=128)]


class AuthenticationBody(Body):
    """How the customer was recognised when deciding."""

    #: Such as `one_time_code`, `passkey` or `in_person`.
    method: _Word
    level: Literal["low", "substantial", "high"]
    authenticated_at: Instant
    #: Hash of what proves it; the proof stays with you.
    evidence_sha256: Sha256


class DisplayBody(Body):
    """What was on the screen, and for how long."""

    language: Literal["zh", "en"]
    #: Hash of the text that was shown, as the notice states it.
    text_sha256: Sha256
    #: Hash of the evidence of the screen; one screen stands for one decision.
    screen_sha256: Sha256
    #: How long the text was on the screen before the decision.
    dwell_ms: int = Field(ge=0, le=_DWELL_MS_MAX)


class ConsentBody(Body):
    """One decision of a customer on one notice."""

    customer_id: CustomerId
    #: Code and version of the notice that was shown.
    notice: Code
    notice_version: int = Field(ge=1, le=32_000)
    #: What the customer chose; there is no other way to say yes.
    decision: Literal["given", "refused"]
    #: A choice that was set in advance is no consent: only `false` is taken.
    preselected: Literal[False]
    display: DisplayBody
    authentication: AuthenticationBody
    #: The customer's device key, or the reference of an e-signature.
    key_binding: _Binding | None = None
    #: The application that it is about, if it is about one.
    application_id: ApplicationId | None = None
    product_code: Code | None = None
    #: In major units, such as `500-200000`.
    amount_band: _Band | None = None
    #: None: from now on, and as long as the notice asks for.
    valid_from: Instant | None = None
    valid_to: Instant | None = None


class ConsentWithdrawalBody(Body):
    """The customer withdraws."""

    customer_id: CustomerId
    #: Over which way the customer said so.
    channel: Literal["api", "portal", "console", "phone", "branch", "letter"] = "api"


class ReconfirmationBody(Body):
    """The customer was shown the notice again and confirms."""

    customer_id: CustomerId
    display: DisplayBody
    authentication: AuthenticationBody


class ConsentAnswer(View):
    """A decision as it was kept."""

    #: None where the customer refused.
    consent_id: str | None
    customer_id: str
    notice: str
    notice_version: int
    #: `given`, or `refused`.
    status: str
    decided_at: datetime
    #: Identifier in the record that recipients see.
    record: str | None
    #: SHA-256 of the canonical record, in hexadecimal.
    record_sha256: str | None
    #: Legal identifier.
    recipient: str | None
    uses_max: int
    valid_from: datetime | None
    valid_to: datetime | None
    withdraw_uri: str | None


class ConsentWithdrawal(View):
    """What a withdrawal does, in the language of the consent."""

    consent_id: str
    customer_id: str
    record: str
    status: str
    withdrawn_at: datetime
    #: What ends now.
    stops: str
    #: What the law keeps.
    keeps: str


class StatusPlaceView(View):
    """Where a recipient finds whether the consent was withdrawn."""

    uri: str
    index: int


class ConsentView(View):
    """A consent and where it stands."""

    id: str
    customer_id: str
    record: str
    record_sha256: str
    notice: str
    notice_version: int
    language: str
    purpose: str
    #: Legal identifier of exactly one.
    recipient: str
    recipient_name: str
    application_id: str | None
    #: `given`, `used_up`, `expired` or `withdrawn`.
    status: str
    uses: int
    #: In all, or in a period.
    uses_max: int
    period_days: int | None
    valid_from: datetime
    valid_to: datetime
    #: How long what was obtained under it may be kept.
    data_life_days: int
    given_at: datetime
    ended_at: datetime | None
    withdrawn_at: datetime | None
    #: Its leaf in the log; `GET /v1/receipts/{leaf_id}` gives the receipt.
    leaf_id: str
    status_list: StatusPlaceView


class ConsentRefusedView(View):
    """A notice that the customer refused."""

    notice: str
    notice_version: int
    decided_at: datetime


class Consents(PageView):
    """A page of a customer's consents, newest first, and what the customer refused."""

    items: list[ConsentView]
    refused: list[ConsentRefusedView]


class ConsentEventView(View):
    """Something that happened to a consent."""

    event_no: int
    kind: str
    at: datetime
    use_no: int | None
    by: str


class ConsentDetail(ConsentView):
    """A consent with the words that were shown and everything that happened to it."""

    title: str
    text: str
    text_sha256: str
    screen_sha256: str
    dwell_ms: int
    authentication_method: str
    authentication_level: str
    events: list[ConsentEventView]


class ConsentRecordView(View):
    """The record and receipt of a consent, structured after ISO/IEC TS 27560."""

    header: dict[str, Any]
    pii_processing: dict[str, Any]
    party_identification: list[dict[str, Any]]
    events: list[dict[str, Any]]
    #: The canonical record, in base64, and its SHA-256.
    receipt: dict[str, Any]


async def carry_consent(call: Call, body: ConsentBody) -> Answer | Refused:
    """Keep a decision."""
    wish = Wish(
        customer_id=body.customer_id,
        notice_code=body.notice,
        notice_version=body.notice_version,
        choice=Choice(body.decision),
        is_preselected=body.preselected,
        display=_display(body.display),
        authentication=_authentication(body.authentication),
        key_binding=body.key_binding or "",
        application_id=body.application_id,
        product=body.product_code or "",
        amount_band=body.amount_band or "",
        not_before=_seconds(body.valid_from),
        not_after=_seconds(body.valid_to),
        channel=call.author,
    )
    return await journey.give(call.house, wish, idempotency_key=call.idempotency_key)


async def carry_withdrawal(call: Call, body: ConsentWithdrawalBody) -> Answer | Refused:
    """Withdraw."""
    return await journey.withdraw(
        call.house,
        customer_id=body.customer_id,
        consent_id=call.path["consent_id"],
        channel=body.channel,
        idempotency_key=call.idempotency_key,
    )


async def carry_reconfirmation(call: Call, body: ReconfirmationBody) -> Answer | Refused:
    """Confirm once more."""
    return await journey.reconfirm(
        call.house,
        customer_id=body.customer_id,
        consent_id=call.path["consent_id"],
        display=_display(body.display),
        authentication=_authentication(body.authentication),
        channel=call.author,
        idempotency_key=call.idempotency_key,
    )


_AUTHENTICATION = {
    "method": "one_time_code",
    "level": "substantial",
    "authenticated_at": "2026-03-02T01:00:00Z",
    "evidence_sha256": _HASH,
}
_DISPLAY = {
    "language": "zh",
    "text_sha256": _HASH,
    "screen_sha256": _OTHER_HASH,
    "dwell_ms": 8_200,
}
GIVE = Write(
    name="give_consent",
    tag=TAG,
    path="/v1/consents",
    scope=Scope.CONSENTS_WRITE,
    body=ConsentBody,
    answer=ConsentAnswer,
    carry=carry_consent,
    status=201,
    summary="Keep a customer's decision on one notice",
    description=(
        "One request, one notice, one decision. The text has to be the one that the notice "
        "states, shown for its least reading time, on a screen of its own."
    ),
    example={
        "customer_id": _CUSTOMER,
        "notice": "inquiry-origination",
        "notice_version": 1,
        "decision": "given",
        "preselected": False,
        "display": _DISPLAY,
        "authentication": _AUTHENTICATION,
    },
)
WITHDRAW = Write(
    name="withdraw_consent",
    tag=TAG,
    path="/v1/consents/{consent_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.CONSENTS_WRITE,
    body=ConsentWithdrawalBody,
    answer=ConsentWithdrawal,
    carry=carry_withdrawal,
    summary="Withdraw a consent",
    description="At once and for good. Withdrawing twice is the same as once.",
    example={"customer_id": _CUSTOMER, "channel": "portal"},
)
RECONFIRM = Write(
    name="reconfirm_consent",
    tag=TAG,
    path="/v1/consents/{consent_id}/reconfirmation",
    path_ids=_PATH,
    scope=Scope.CONSENTS_WRITE,
    body=ReconfirmationBody,
    answer=ConsentAnswer,
    carry=carry_reconfirmation,
    summary="Confirm a running consent once more",
    description="It becomes neither wider nor longer; for that, ask for a new one.",
    example={
        "customer_id": _CUSTOMER,
        "display": _DISPLAY,
        "authentication": _AUTHENTICATION,
    },
)
WRITES = (GIVE, WITHDRAW, RECONFIRM)

_Whose = Annotated[CustomerId, Query(description="Whose consent it is.")]


@router.get("/v1/consents", **reads(Scope.CONSENTS_READ, TAG, "List the consents of a customer"))
async def list_consents(
    house: HouseOf,
    customer_id: Annotated[CustomerId, Query(description="Whose consents.")],
    turn: Paging,
) -> Consents:
    """Return a customer's consents with recipients and uses, newest first."""
    before = turn.number(store.NEWEST)
    found, refused = await journey.consents_of(
        house, customer_id, page=turn.page, is_back=turn.is_back, before=before
    )
    page = page_of(found, turn, lambda item: (0, item.consent_id))
    return Consents(
        items=[consent_view(house, item) for item in page.items],
        refused=[
            ConsentRefusedView(
                notice=item.notice_code,
                notice_version=item.notice_version,
                decided_at=_instant(item.decided_at),
            )
            for item in refused
        ],
        **page.cursors,
    )


@router.get("/v1/consents/{consent_id}", **reads(Scope.CONSENTS_READ, TAG, "Read a consent"))
async def get_consent(house: HouseOf, consent_id: ConsentId, customer_id: _Whose) -> ConsentDetail:
    """Return a consent with its words and its events."""
    source = await _source(house, customer_id, consent_id)
    return ConsentDetail(
        **consent_view(house, source.consent).model_dump(),
        title=source.text.text.split("\n", 1)[0],
        text=source.text.text,
        text_sha256=source.decision.text_sha256.hex(),
        screen_sha256=source.decision.screen_sha256.hex(),
        dwell_ms=source.decision.dwell_ms,
        authentication_method=source.decision.method,
        authentication_level=source.decision.level,
        events=[
            ConsentEventView(
                event_no=event.event_no,
                kind=event.kind.value,
                at=_instant(event.at),
                use_no=event.use_no,
                by=event.by,
            )
            for event in source.events
        ],
    )


@router.get(
    "/v1/consents/{consent_id}/record",
    **reads(Scope.CONSENTS_READ, TAG, "Read the record and receipt of a consent"),
)
async def get_consent_record(
    house: HouseOf, consent_id: ConsentId, customer_id: _Whose
) -> ConsentRecordView:
    """Return header, processing, parties and events, and the canonical record."""
    source = await _source(house, customer_id, consent_id)
    return ConsentRecordView(**iso27560.record_of(source))


async def _source(house: House, customer_id: int, consent_id: int) -> iso27560.Source:
    found = await journey.read_source(house, customer_id=customer_id, consent_id=consent_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return found


def consent_view(house: House, item: Consent) -> ConsentView:
    """Return what an answer says of a consent."""
    recipient = house.notices.party_of(item.recipient)
    period, place = item.period_seconds, journey.status_place(house, item)
    application = item.application_id
    return ConsentView(
        id=ids.to_text(ids.CONSENT, item.consent_id),
        customer_id=ids.to_text(ids.CUSTOMER, item.customer_id),
        record=item.record,
        record_sha256=item.sha256.hex(),
        notice=item.notice_code,
        notice_version=item.notice_version,
        language=item.language,
        purpose=item.purpose,
        recipient=item.recipient,
        recipient_name=item.recipient if recipient is None else recipient.name(item.language),
        application_id=None if application is None else ids.to_text(ids.APPLICATION, application),
        status=item.status.value,
        uses=item.state.uses,
        uses_max=item.uses_max,
        period_days=None if period is None else period // 86_400,
        valid_from=_instant(item.not_before),
        valid_to=_instant(item.not_after),
        data_life_days=item.data_life_days,
        given_at=_instant(item.created),
        ended_at=None if item.state.ended_at is None else _instant(item.state.ended_at),
        withdrawn_at=None if item.withdrawn_at is None else _instant(item.withdrawn_at),
        leaf_id=ids.to_text(ids.LEAF, item.leaf_id),
        status_list=StatusPlaceView(uri=place.uri, index=place.index),
    )


def _display(body: DisplayBody) -> Display:
    return Display(
        language=body.language,
        text_sha256=bytes.fromhex(body.text_sha256),
        screen_sha256=bytes.fromhex(body.screen_sha256),
        dwell_ms=body.dwell_ms,
    )


def _authentication(body: AuthenticationBody) -> Authentication:
    return Authentication(
        method=body.method,
        level=Level(body.level),
        at=_whole_seconds(body.authenticated_at),
        evidence_sha256=bytes.fromhex(body.evidence_sha256),
    )


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else _whole_seconds(instant)


def _whole_seconds(instant: datetime) -> int:
    """Return POSIX seconds; what lies within a second counts to its beginning."""
    return int((instant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
