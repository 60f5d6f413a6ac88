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
from types import TracebackType
from typing import Annotated, Final, Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counterfoil.capacity.port import FetchedStatement, Unanswered
from counterfoil.kernel import ids

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


class HttpStatements:
    """One bank over HTTP; an async context manager that owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        token_file: Path | None = None,
        answer_seconds: float = ANSWER_WITHIN_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the bank's address; the token is read for each call, so it may be renewed."""
        self._token_file = token_file
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=answer_seconds,
            follow_redirects=False,
            transport=transport,
            trust_env=False,
        )

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

    async def fetch(
        self, *, customer_id: int, consent_id: int
    ) -> list[FetchedStatement] | Unanswered:
        """Ask for the statements that the bank's customer permitted for a consent."""
        del customer_id  # The bank knows its own customer by the permission.
        consent = ids.to_text(ids.CONSENT, consent_id)
        try:
            async with self._client.stream(
                "GET", f"/consents/{consent}/statements", headers=self._headers()
            ) as response:
                if response.status_code in _NOT_PERMITTED:
                    return Unanswered.NOT_PERMITTED
                if response.status_code != httpx.codes.OK:
                    return Unanswered.STATUS
                body = await _bounded(response)
        except httpx.TimeoutException:
            return Unanswered.TIMEOUT
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return Unanswered.UNREACHABLE
        return Unanswered.MALFORMED if body is None else _files(body, consent)

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        return {"authorization": f"Bearer {self._token_file.read_text().strip()}"}


async def _bounded(response: httpx.Response) -> bytes | None:
    """Return the body; None where it is larger than anything a bank has to say."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            return None
    return bytes(body)


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
