"""Contracts: prepared from an offer, shown, signed, and kept as a file that proves itself."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import (
    ApplicationId,
    Body,
    ContractId,
    CustomerId,
    LoanId,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.contracts.contract import Act, Contract, Part
from counterfoil.contracts.template import Authentication
from counterfoil.journeys.contracting import contract as journey
from counterfoil.journeys.contracting import contract_version as versions
from counterfoil.journeys.contracting.contract_issue import contract_file, note_file
from counterfoil.journeys.contracting.loan_note import LoanNote, loan_note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Contracts"
router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_PATH = {"contract_id": ids.CONTRACT}
PDF = "application/pdf"
_HASH_EXAMPLE = "00" * 32

Sha256 = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{64}$"),
    Field(description="SHA-256, hexadecimal in small letters.", examples=[_HASH_EXAMPLE]),
]
OneTimeCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(examples=["123456"])]
Owner = Annotated[CustomerId, Query(description="Whose contract it is.")]


class ContractBody(Body):
    """An offer whose agreement is to be prepared."""

    customer_id: CustomerId
    application_id: ApplicationId


class ShownBody(Body):
    """A part that was opened before the customer's eyes."""

    customer_id: CustomerId
    #: The cost sheet by itself first, then the agreement.
    part: Part
    language: Language


class SignatureBody(Body):
    """The customer's act."""

    customer_id: CustomerId
    language: Language
    #: Of the text that was shown, in this language.
    document_sha256: Sha256
    #: Of the cost sheet that was shown: its own confirmation.
    cost_sheet_sha256: Sha256
    code: OneTimeCode
    #: How sure you are of who signs.
    authentication_level: Authentication


class HashesView(View):
    """Hashes of the canonical texts."""

    zh: str
    en: str


class ContractView(View):
    """A contract without its text."""

    id: str
    customer_id: str
    application_id: str
    #: `prepared`, `signed`, `superseded`, `declined` or `withdrawn`.
    state: str
    product_code: str
    product_version: int
    lender_id: str
    #: Template and its version.
    template: str
    currency: str
    limit_minor: int
    rate_daily_e8: int
    prepared_on: date
    #: The last day on which it can be signed.
    valid_until: date
    document_sha256: HashesView
    cost_sheet_sha256: str
    #: The agreement that it takes the place of, and from when.
    replaces: str | None
    effective_on: date | None
    #: What it changes, of `words`, `terms`, `price` and `limit`; null for the first of a line.
    changes: list[str] | None
    #: From that day on nothing new is drawn until it is signed.
    is_binding: bool
    #: Limit, and daily price of new drawings, on the day of the notice.
    from_limit_minor: int | None
    from_rate_daily_e8: int | None
    signed_at: datetime | None
    signed_language: str | None
    #: Of the file with the lender's signature, once it was issued.
    pdf_sha256: str | None


class ContractTextView(ContractView):
    """A contract with what it says."""

    language: str
    #: Canonical text; its SHA-256 is what is confirmed.
    text: str
    cost_sheet: dict[str, Any] = Field(examples=[{"form": 1}])


class Contracts(PageView):
    """The contracts of a customer, newest first, 200 at most."""

    items: list[ContractView]


class ShownView(View):
    """When a part was shown, and what it takes to sign."""

    contract_id: str
    customer_id: str
    part: str
    language: str
    shown_at: datetime
    #: Least time between the first showing of the cost sheet and a signature.
    reading_seconds_min: int
    document_sha256: str
    cost_sheet_sha256: str
    #: A sandbox shows the code here, once; elsewhere it goes to the customer by another channel.
    code: str | None
    code_expires_at: datetime | None


class LoanNoteView(View):
    """The note of a loan as it was confirmed."""

    customer_id: str
    loan_id: str
    #: The agreement under which the loan was drawn.
    contract_id: str
    #: Template, version and language.
    ref: str
    language: str
    text: str
    sha256: str


async def carry_preparation(call: Call, body: ContractBody) -> Answer | Refused:
    """Prepare."""
    return await journey.prepare(
        call.house,
        customer_id=body.customer_id,
        application_id=body.application_id,
        idempotency_key=call.idempotency_key,
    )


async def carry_showing(call: Call, body: ShownBody) -> Answer | Refused:
    """Note that a part was shown."""
    shown = await journey.show(
        call.house,
        customer_id=body.customer_id,
        contract_id=call.path["contract_id"],
        part=body.part,
        language=body.language,
        idempotency_key=call.idempotency_key,
    )
    if isinstance(shown, Refused):
        return shown
    if shown.code is None:
        return shown.answer
    # What is recorded under the key has no code in it.
    document = orjson.loads(shown.answer.text) | {"code": shown.code}
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    return Answer(text, is_replay=False)


async def carry_signature(call: Call, body: SignatureBody) -> Answer | Refused:
    """Sign; a new version of which the day has come takes effect with it."""
    answer = await journey.sign(
        call.house,
        customer_id=body.customer_id,
        contract_id=call.path["contract_id"],
        act=Act(
            body.language,
            bytes.fromhex(body.document_sha256),
            bytes.fromhex(body.cost_sheet_sha256),
            body.authentication_level,
            call.author,
        ),
        code=body.code,
        idempotency_key=call.idempotency_key,
    )
    if isinstance(answer, Answer) and orjson.loads(answer.text)["replaces"] is not None:
        # Before its day this is refused, and the worker does it then.
        await versions.accept_new_version(
            call.house, customer_id=body.customer_id, contract_id=call.path["contract_id"]
        )
    return answer


PREPARE = Write(
    name="prepare_contract",
    tag=TAG,
    path="/v1/contracts",
    scope=Scope.CONTRACTS_WRITE,
    body=ContractBody,
    answer=ContractView,
    carry=carry_preparation,
    status=201,
    summary="Prepare the agreement of an offer",
    description="One that was prepared today and still fits is given again.",
    example={"customer_id": _CUSTOMER, "application_id": "ap_01hv4zq3k2f00"},
)
SHOWN = Write(
    name="show_contract",
    tag=TAG,
    path="/v1/contracts/{contract_id}/shown",
    path_ids=_PATH,
    scope=Scope.CONTRACTS_WRITE,
    body=ShownBody,
    answer=ShownView,
    carry=carry_showing,
    summary="Note that a part was shown",
    description="Reading time is measured from here, by this server. With the agreement a one-time "
    "code goes to the customer.",
    example={"customer_id": _CUSTOMER, "part": "cost_sheet", "language": "zh"},
)
SIGNATURE = Write(
    name="sign_contract",
    tag=TAG,
    path="/v1/contracts/{contract_id}/signature",
    path_ids=_PATH,
    scope=Scope.CONTRACTS_WRITE,
    body=SignatureBody,
    answer=ContractView,
    carry=carry_signature,
    summary="Sign a contract",
    description="By the hashes of both texts that were shown and the one-time code.",
    example={
        "customer_id": _CUSTOMER,
        "language": "zh",
        "document_sha256": _HASH_EXAMPLE,
        "cost_sheet_sha256": _HASH_EXAMPLE,
        "code": "123456",
        "authentication_level": "substantial",
    },
)
WRITES = (PREPARE, SHOWN, SIGNATURE)


@router.get("/v1/contracts", **reads(Scope.CONTRACTS_READ, TAG, "List the contracts of a customer"))
async def list_contracts(house: HouseOf, customer_id: Owner, turn: Paging) -> Contracts:
    """Return the contracts of one customer, newest first."""
    found = await journey.contracts_of(
        house,
        customer_id=customer_id,
        page=turn.page,
        before=turn.number(),
        is_back=turn.is_back,
    )
    page = page_of(found, turn, lambda item: (0, item.contract_id))
    return Contracts(items=[contract_view(item) for item in page.items], **page.cursors)


@router.get("/v1/contracts/{contract_id}", **reads(Scope.CONTRACTS_READ, TAG, "Read a contract"))
async def get_contract(
    house: HouseOf,
    contract_id: ContractId,
    customer_id: Owner,
    language: Annotated[Language, Query()] = Language.CHINESE,
) -> ContractTextView:
    """Return a contract with its text and its cost sheet."""
    found = await journey.read_texts(house, customer_id=customer_id, contract_id=contract_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    contract, texts = found
    return ContractTextView(
        **contract_view(contract).model_dump(),
        language=language.value,
        text=texts.of(language),
        cost_sheet=texts.cost_sheet,
    )


@router.get(
    "/v1/contracts/{contract_id}/document.pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
    **reads(Scope.CONTRACTS_READ, TAG, "Download a signed contract"),
)
async def get_contract_file(
    house: HouseOf, contract_id: ContractId, customer_id: Owner
) -> Response:
    """Return the file with the lender's signature; always the same once it was issued."""
    found = await contract_file(house, customer_id=customer_id, contract_id=contract_id)
    return file_response(found, ids.to_text(ids.CONTRACT, contract_id))


@router.get("/v1/loans/{loan_id}/note", **reads(Scope.CONTRACTS_READ, TAG, "Read a loan note"))
async def get_loan_note(house: HouseOf, loan_id: LoanId, customer_id: Owner) -> LoanNoteView:
    """Return the note that was confirmed when a loan was drawn."""
    found = await _note(house, customer_id, loan_id)
    return LoanNoteView(
        customer_id=ids.to_text(ids.CUSTOMER, found.customer_id),
        loan_id=ids.to_text(ids.LOAN, found.loan_id),
        contract_id=ids.to_text(ids.CONTRACT, found.contract_id),
        ref=found.note.ref,
        language=found.language.value,
        text=found.note.text,
        sha256=found.note.sha256.hex(),
    )


@router.get(
    "/v1/loans/{loan_id}/note.pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
    **reads(Scope.CONTRACTS_READ, TAG, "Download a loan note"),
)
async def get_loan_note_file(house: HouseOf, loan_id: LoanId, customer_id: Owner) -> Response:
    """Return the note as a file with the lender's signature of today."""
    found = await _note(house, customer_id, loan_id)
    return file_response(await note_file(house, found), ids.to_text(ids.LOAN, loan_id))


def contract_view(contract: Contract) -> ContractView:
    """Return what an answer says of a contract, in the same words as a change of it."""
    return ContractView.model_validate(journey.contract_answer(contract))


async def _note(house: HouseOf, customer_id: int, loan_id: int) -> LoanNote:
    found = await loan_note(house, customer_id=customer_id, loan_id=loan_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return found


def file_response(found: bytes | Refused, name: str) -> Response:
    """Return a file to keep; raise RefusedError where there is none."""
    if isinstance(found, Refused):
        raise RefusedError(found)
    headers = {
        "content-disposition": f'attachment; filename="{name}.pdf"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(found, media_type=PDF, headers=headers)
