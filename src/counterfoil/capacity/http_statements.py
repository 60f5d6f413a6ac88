"""The connector to a bank that gives its customers' statements over HTTP.

Calls       `GET /consents/{consent}/statements` with a bearer token. The customer has permitted it
            at the bank for that consent; name and account never travel with the question.
Answer      JSON: the consent asked about and `statements`, each with the bank's `reference`,
            `form`, `currency` and the file in base 64. The same statement has one reference.
Bounds      Ten seconds, 24 files, 16 MiB of answer; nobody is followed elsewhere.
Invariant   Nothing is ever raised for what the network or the bank did.
"""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counterfoil.capacity.port import FetchedStatement, Unanswered
from counterfoil.kernel import ids
from counterfoil.platform.http_service import HttpService, Silence

ANSWER_WITHIN_S: Final = 10.0
FILES_MAX: Final = 24
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
_NOT_PERMITTED: Final = frozenset({httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND})


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    reference: Annotated[str, Field(min_length=1, max_length=128)]
    form: Literal["csv", "camt.053"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    content: str


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    consent: str
    statements: Annotated[list[_File], Field(max_length=FILES_MAX)]


class HttpStatements(HttpService):
    """One bank that gives statements."""

    def __init__(
        self,
        base_url: str,
        *,
        token_file: Path | None = None,
        answer_seconds: float = ANSWER_WITHIN_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the bank's address; the token is read for each call, so it may be renewed."""
        super().__init__(
            base_url,
            answer_seconds=answer_seconds,
            answer_bytes_max=ANSWER_BYTES_MAX,
            token_file=token_file,
            transport=transport,
        )

    async def fetch(
        self, *, customer_id: int, consent_id: int
    ) -> list[FetchedStatement] | Unanswered:
        """Ask for the statements that the bank's customer permitted for a consent."""
        del customer_id  # The bank knows its own customer by the permission.
        consent = ids.to_text(ids.CONSENT, consent_id)
        reply = await self.call("GET", f"/consents/{consent}/statements")
        if isinstance(reply, Silence):
            return Unanswered.TIMEOUT if reply.is_timeout else Unanswered.UNREACHABLE
        if reply.status in _NOT_PERMITTED:
            return Unanswered.NOT_PERMITTED
        if reply.status != httpx.codes.OK:
            return Unanswered.STATUS
        return Unanswered.MALFORMED if reply.body is None else _files(reply.body, consent)


def _files(body: bytes, consent: str) -> list[FetchedStatement] | Unanswered:
    try:
        answer = _Answer.model_validate_json(body)
        if answer.consent != consent:
            return Unanswered.MALFORMED
        return [
            FetchedStatement(
                form=item.form,
                currency=item.currency,
                content=base64.b64decode(item.content, validate=True),
                reference=item.reference,
            )
            for item in answer.statements
        ]
    except (ValidationError, binascii.Error, ValueError):
        return Unanswered.MALFORMED
