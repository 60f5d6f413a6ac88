"""A service of somebody else over HTTP: connections, bearer token, bounds on what it may answer.

Bounds      A time and a number of bytes for each answer; nobody is followed elsewhere, and no proxy
            of the environment is asked.
Invariant   Nothing is ever raised for what the network or the service did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

_OK: Final = 200
_OK_ENDS: Final = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    #: None where it is larger than anything that the service has to say, or was not asked for.
    body: bytes | None

    @property
    def is_success(self) -> bool:
        """Return whether the status says that the request was taken."""
        return _OK <= self.status < _OK_ENDS


@dataclass(frozen=True, slots=True)
class Silence:
    """Why there is no answer: a name for people, and whether the time ran out."""

    reason: str
    is_timeout: bool


class HttpService:
    """One service; an async context manager that owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        answer_seconds: float,
        answer_bytes_max: int,
        connections_max: int = 100,
        token_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the address; the token is read for each call, so that it may be renewed.

        Of an answer of 0 bytes at most nothing but the status is read. `transport` replaces the
        network in tests.
        """
        self._token_file = token_file
        self._answer_bytes_max = answer_bytes_max
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=answer_seconds,
            limits=httpx.Limits(
                max_connections=connections_max, max_keepalive_connections=connections_max
            ),
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

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Reply | Silence:
        """Send a request, its body as JSON, and return what was answered."""
        return await self._send(method, path, json=body)

    async def post_text(self, url: str, headers: Mapping[str, str], text: str) -> Reply | Silence:
        """Post a text as it stands, such as one that was signed, and return what was answered."""
        return await self._send("POST", url, content=text.encode(), headers=headers)

    async def _send(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Silence:
        try:
            headers = {**self._headers(), **(headers or {})}
            async with self._client.stream(
                method, url, json=json, content=content, headers=headers
            ) as response:
                return Reply(response.status_code, await self._bounded(response))
        except httpx.TimeoutException as error:
            return Silence(type(error).__name__, is_timeout=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Silence(type(error).__name__, is_timeout=False)

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        token = self._token_file.read_text(encoding="ascii").strip()
        return {"authorization": f"Bearer {token}"}

    async def _bounded(self, response: httpx.Response) -> bytes | None:
        if not self._answer_bytes_max:
            return None
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._answer_bytes_max:
                return None
        return bytes(body)
