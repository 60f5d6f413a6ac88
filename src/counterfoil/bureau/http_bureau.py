"""The adapter to a bureau of the reference protocol: signed requests over mutual TLS.

Calls       `POST /v1/inquiries`, the request as the body; 200 with `reference` and `sealed`.
Error map   200 that is well-formed is an answer. 403, 409 and 422 with a `code` are the bureau's
            no, for good. Everything else, time-outs and server errors first, is no answer: 202
            (not yet), 400 and 401 (this copy of the question) and 425 (receipts too young) too.
Reports     Of the second generation (`report.py`), sealed.
Sealing     HPKE to the lender's key (`privacy/hpke.py`), bound to the protocol's name and to
            issuer, bureau and `jti`: an answer to another question does not open.
            Where many wait, `POST /v1/inquiries/batch` carries them line by line, each signed and
            checked for itself; one that is not among the answers has none.
TLS         1.3 alone, with the member's certificate and the bureau's own authority.
"""

import asyncio
import base64
import binascii
from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Final, Self

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from counterfoil.bureau.debts import DEBT_INVENTORY, debts_of
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
BATCH_PATH: Final = "/v1/inquiries/batch"
WITHDRAWALS_PATH: Final = "/v1/withdrawals"
#: Connections, each with a client of its own: a pool that many wait for spends more on choosing
#: than on carrying.
LANES: Final = 4
#: Questions that one request carries where many wait.
QUESTIONS_AT_ONCE: Final = 16
#: Reports that were checked and wait to be read.
REPORTS_KEPT: Final = 1_024
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
    #: In a batch, what the answer's status would be.
    status: int = 0
    reference: str = ""
    sealed: str | None = None
    code: str | None = None


_BATCH: Final = TypeAdapter(list[_Reply])


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
        tls = tls_of(membership)
        self._lanes = [
            httpx.AsyncClient(
                base_url=membership.url,
                transport=transport,
                verify=tls,
                timeout=httpx.Timeout(answer_within_s),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
                trust_env=False,
            )
            for _ in range(LANES)
        ]
        self._free = list(self._lanes)
        self._waiting: deque[_Waiting] = deque()
        self._carrying: set[asyncio.Task[None]] = set()
        self._checked: OrderedDict[bytes, Report] = OrderedDict()

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
        return LANES * QUESTIONS_AT_ONCE

    async def __aenter__(self) -> Self:
        """Open the connections."""
        for lane in self._lanes:
            await lane.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        for waiting in self._waiting:
            waiting.answer.cancel()
        for lane in self._lanes:
            await lane.__aexit__(kind, error, traceback)

    def reason_code(self, occasion: Occasion) -> str | None:
        """Return the credit database's reason."""
        return occasion.reason_code

    async def tell_withdrawn(self, records: Sequence[str]) -> bool:
        """Tell of consents that were withdrawn; return whether the bureau confirmed."""
        try:
            response = await self._lanes[0].post(WITHDRAWALS_PATH, json={"consents": list(records)})
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.NO_CONTENT

    async def ask(self, question: Question) -> Answer:
        """Ask; a question that was asked before is sent anew under the same identifier."""
        claims = write_claims(
            question, inquirer=self._membership.organisation, peer_sha256=self._peer_sha256
        )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(question.jti, self._signer.sign(claims), answer))
        if self._free:
            task = asyncio.create_task(self._carry(self._free.pop()))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)
        return await answer

    async def _carry(self, lane: httpx.AsyncClient) -> None:
        """Carry what waits, many at once where many wait, until nothing does."""
        carried: list[_Waiting] = []
        try:
            # Whoever asks in the same breath comes along.
            await asyncio.sleep(0)
            while self._waiting:
                count = min(len(self._waiting), QUESTIONS_AT_ONCE)
                carried = [self._waiting.popleft() for _ in range(count)]
                answers = await _exchange(lane, carried)
                for waiting, answer in zip(carried, answers, strict=True):
                    if not waiting.answer.done():
                        waiting.answer.set_result(answer)
        finally:
            self._free.append(lane)
            for waiting in carried:
                if not waiting.answer.done():
                    waiting.answer.set_result(NoAnswer("not carried"))

    def check(self, sealed: bytes, question: Question) -> Unfit | None:
        """Return why a sealed answer is not the answer to this question."""
        report = self._report(sealed, question.jti)
        if isinstance(report, Unfit):
            return report
        unfit = self._compare(report, question)
        if unfit is None:
            self._checked[_name_of(sealed, question.jti)] = report
            if len(self._checked) > REPORTS_KEPT:
                self._checked.popitem(last=False)
        return unfit

    def _compare(self, report: Report, question: Question) -> Unfit | None:
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
        # Right after the check it is read once more without being opened once more.
        report = self._checked.pop(_name_of(sealed, jti), None) or self._report(sealed, jti)
        if isinstance(report, Unfit):
            return report
        debts = debts_of(report) if DEBT_INVENTORY in wanted else None
        return Reading(facts=facts_of(report, wanted), marks=marks_of(report), debts=debts)

    def _report(self, sealed: bytes, jti: str) -> Report | Unfit:
        context = seal_context(self._membership.issuer, self._membership.bureau, jti)
        try:
            return read_report(hpke.open_sealed(self._key, SEAL_INFO, context, sealed))
        except CiphertextRejectedError as error:
            return Unfit(Fault.MALFORMED, f"does not open: {error.reason}")
        except ReportMalformedError as error:
            return Unfit(Fault.MALFORMED, str(error))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A signed question that waits for a lane."""

    jti: str
    token: str
    answer: "asyncio.Future[Answer]"


def _name_of(sealed: bytes, jti: str) -> bytes:
    return sha256(jti.encode() + b"\0" + sealed).digest()


async def _exchange(lane: httpx.AsyncClient, carried: Sequence[_Waiting]) -> list[Answer]:
    """Send questions, alone or together, and return what became of each."""
    is_alone = len(carried) == 1
    try:
        response = await lane.post(
            PATH if is_alone else BATCH_PATH,
            content="\n".join(waiting.token for waiting in carried),
            headers={"content-type": "application/jwt"},
        )
    except httpx.HTTPError as error:
        return [NoAnswer(type(error).__name__) for _ in carried]
    if len(response.content) > _ANSWER_BYTES_MAX * len(carried):
        return [NoAnswer("larger than an answer is") for _ in carried]
    if is_alone:
        return [_answer(_reply(response.content), response.status_code, carried[0].jti)]
    return _answers(response, [waiting.jti for waiting in carried])


def _answers(response: httpx.Response, asked: Sequence[str]) -> list[Answer]:
    """Return the answers of a batch; a question that is not in it has none."""
    replies: dict[str, _Reply] = {}
    if response.status_code == httpx.codes.OK:
        try:
            replies = {reply.jti: reply for reply in _BATCH.validate_json(response.content)}
        except ValidationError:
            return [NoAnswer("malformed answers") for _ in asked]
    found: list[Answer] = []
    for jti in asked:
        reply = replies.get(jti)
        if reply is None:
            found.append(NoAnswer(f"status {response.status_code}, not among the answers"))
        else:
            found.append(_answer(reply, reply.status, jti))
    return found


def _reply(content: bytes) -> _Reply | None:
    try:
        return _Reply.model_validate_json(content)
    except ValidationError:
        return None


def _answer(reply: _Reply | None, status: int, jti: str) -> Answer:
    if reply is None:
        return NoAnswer(f"status {status}, malformed answer")
    if reply.jti != jti:
        return NoAnswer("answer to another question")
    if status in _NOES and reply.code:
        return Declined(reply.code, reply.reference)
    if status != httpx.codes.OK or reply.sealed is None or not reply.reference:
        return NoAnswer(f"status {status}")
    try:
        return Answered(reply.reference, base64.b64decode(reply.sealed, validate=True))
    except binascii.Error:
        return NoAnswer("the sealed report is not base64")
