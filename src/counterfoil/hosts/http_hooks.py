"""Notices over HTTP.

Bounds      Ten seconds an attempt; of the answer only the status is read. Nobody is followed
            elsewhere: a redirect is no receipt.
Invariant   Nothing is ever raised for what the network or the host did.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import httpx

from counterfoil.hosts.delivery import ANSWER_WITHIN
from counterfoil.hosts.port import HookAnswer

CONNECTIONS_MAX: Final = 32


class HttpHooks:
    """The way to hosts over HTTP; an async context manager that owns its connections."""

    def __init__(
        self,
        *,
        answer_seconds: float = ANSWER_WITHIN.total_seconds(),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the time allowed; `transport` replaces the network in tests."""
        self._client = httpx.AsyncClient(
            timeout=answer_seconds,
            follow_redirects=False,
            transport=transport,
            trust_env=False,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
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

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> HookAnswer:
        """Post a notice; the receipt is a status from 200 to 299."""
        try:
            async with self._client.stream(
                "POST", url, headers=dict(headers), content=body.encode()
            ) as answer:
                is_taken = answer.is_success
                return HookAnswer("delivered" if is_taken else "status", answer.status_code)
        except httpx.TimeoutException:
            return HookAnswer("timeout", None)
        except (httpx.HTTPError, httpx.InvalidURL):
            return HookAnswer("unreachable", None)
