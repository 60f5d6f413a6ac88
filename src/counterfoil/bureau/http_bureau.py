"""The adapter to a bureau of the reference protocol: signed requests over mutual TLS.

Calls       `POST /v1/inquiries`, the request as the body; 200 with `reference` and `sealed`.
Error map   200 that is well-formed is an answer. 403, 409 and 422 with a `code` are the bureau's
            no, for good. Everything else, time-outs and server errors first, is no answer: 202
            (not yet), 400 and 401 (this copy of the question) and 425 (receipts too young) too.
Reports     Of the second generation (`report.py`), sealed.
Sealing     HPKE to the lender's key (`privacy/hpke.py`), bound to the protocol's name and to
            issuer, bureau and `jti`: an answer to another question does not open.
TLS         1.3 alone, with the member's certificate and the bureau's own authority.
"""

import base64
import binascii
from collections.abc import Collection
from types import TracebackType
from typing import Final, Self

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from counterfoil.bureau.document import ReportMalformedError
from counterfoil.bureau.fields import facts_of, marks_of
from counterfoil.bureau.jose import RequestSigner
from counterfoil.bureau.membership import Membership, certificate_sha256, tls_of
from counterfoil.bureau.occasion import Occasion
from counterfoil.bureau.question import (
    Answer,
    Answered,
    Declined,
    Fault,
    NoAnswer,
    Question,
    Reading,
    Unfit,
)
from counterfoil.bureau.report import Report, read_report
from counterfoil.bureau.request import write_claims
from counterfoil.privacy import hpke
from counterfoil.privacy.envelope import CiphertextRejectedError

PATH: Final = "/v1/inquiries"
#: What the sealing is for; part of every context.
SEAL_INFO: Final = b"counterfoil-report/v1"
CALLS_AT_ONCE: Final = 16
ANSWER_WITHIN_S: Final = 10
_ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
_NOES: Final = frozenset({httpx.codes.FORBIDDEN, httpx.codes.CONFLICT, 422})


def seal_context(issuer: str, bureau: str, jti: str) -> bytes:
    """Return what an answer is sealed for; no part can contain the separator."""
    return f"{issuer}\0{bureau}\0{jti}".encode()


class _Reply(BaseModel):
    """The bureau's word; a field that does not belong to the status is not there."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    jti: str
    reference: str = ""
    sealed: str | None = None
    code: str | None = None


class HttpBureau:
    """One bureau over HTTP; an async context manager that owns its connections."""

    def __init__(
        self,
        membership: Membership,
        signer: RequestSigner,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        answer_within_s: int = ANSWER_WITHIN_S,
    ) -> None:
        """Take the membership; `transport` replaces the network in tests."""
        self._membership = membership
        self._signer = signer
        self._key = hpke.read_key_file(membership.answers_key)
        self._peer_sha256 = certificate_sha256(membership.certificate)
        self._client = httpx.AsyncClient(
            base_url=membership.url,
            transport=transport,
            verify=tls_of(membership),
            timeout=httpx.Timeout(answer_within_s),
            limits=httpx.Limits(
                max_connections=CALLS_AT_ONCE, max_keepalive_connections=CALLS_AT_ONCE
            ),
        )

    @property
    def bureau(self) -> str:
        """The legal identifier that consents name as their recipient."""
        return self._membership.bureau

    @property
    def issuer(self) -> str:
        """The lender's legal identifier."""
        return self._membership.issuer

    @property
    def witness(self) -> str | None:
        """What the log's policy calls the bureau's own witness."""
        return self._membership.witness

    @property
    def calls_at_once(self) -> int:
        """How many questions may be under way at once."""
        return CALLS_AT_ONCE

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.__aexit__(kind, error, traceback)

    def reason_code(self, occasion: Occasion) -> str | None:
        """Return the credit database's reason."""
        return occasion.reason_code

    async def ask(self, question: Question) -> Answer:
        """Ask; a question that was asked before is sent anew under the same identifier."""
        claims = write_claims(
            question, inquirer=self._membership.organisation, peer_sha256=self._peer_sha256
        )
        try:
            response = await self._client.post(
                PATH,
                content=self._signer.sign(claims),
                headers={"content-type": "application/jwt"},
            )
        except httpx.HTTPError as error:
            return NoAnswer(type(error).__name__)
        return _answer(response, question.jti)

    def check(self, sealed: bytes, question: Question) -> Unfit | None:
        """Return why a sealed answer is not the answer to this question."""
        report = self._report(sealed, question.jti)
        if isinstance(report, Unfit):
            return report
        subject = question.subject
        found = (
            report.subject_name,
            report.subject_document_type,
            report.subject_document_number,
        )
        if found != (subject.name, subject.id_type, subject.id_number):
            return Unfit(Fault.ANOTHER_PERSON, "name or document differ")
        asked = (self._membership.organisation, question.reason_code)
        if (report.inquirer, report.reason_code) != asked:
            return Unfit(Fault.ANOTHER_INQUIRY, f"{report.inquirer} for {report.reason_code}")
        return None

    def read(self, sealed: bytes, jti: str, wanted: Collection[str]) -> Reading | Unfit:
        """Open a sealed answer and return the wanted facts of it."""
        report = self._report(sealed, jti)
        if isinstance(report, Unfit):
            return report
        return Reading(facts=facts_of(report, wanted), marks=marks_of(report))

    def _report(self, sealed: bytes, jti: str) -> Report | Unfit:
        context = seal_context(self._membership.issuer, self._membership.bureau, jti)
        try:
            return read_report(hpke.open_sealed(self._key, SEAL_INFO, context, sealed))
        except CiphertextRejectedError as error:
            return Unfit(Fault.MALFORMED, f"does not open: {error.reason}")
        except ReportMalformedError as error:
            return Unfit(Fault.MALFORMED, str(error))


def _answer(response: httpx.Response, jti: str) -> Answer:
    if len(response.content) > _ANSWER_BYTES_MAX:
        return NoAnswer("larger than an answer is")
    try:
        reply = _Reply.model_validate_json(response.content)
    except ValidationError:
        return NoAnswer(f"status {response.status_code}, malformed answer")
    if reply.jti != jti:
        return NoAnswer("answer to another question")
    if response.status_code in _NOES and reply.code:
        return Declined(reply.code, reply.reference)
    if response.status_code != httpx.codes.OK or reply.sealed is None or not reply.reference:
        return NoAnswer(f"status {response.status_code}")
    try:
        return Answered(reply.reference, base64.b64decode(reply.sealed, validate=True))
    except binascii.Error:
        return NoAnswer("the sealed report is not base64")
