"""Notices over HTTP.

Bounds      Ten seconds an attempt; of the answer only the status is read. Nobody is followed
            elsewhere: a redirect is no receipt.
Invariant   Nothing is ever raised for what the network or the host did.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from counterfoil.hosts.delivery import ANSWER_WITHIN
from counterfoil.hosts.port import HookAnswer
from counterfoil.platform.http_service import HttpService, Silence

CONNECTIONS_MAX: Final = 32
#: Each host has an address of its own.
_NO_ADDRESS: Final = ""


class HttpHooks:
    """The way to hosts over HTTP; an async context manager that owns its connections."""

    def __init__(self, *, answer_seconds: float = ANSWER_WITHIN.total_seconds()) -> None:
        """Take the time allowed."""
        self._service = HttpService(
            _NO_ADDRESS,
            answer_seconds=answer_seconds,
            answer_bytes_max=0,
            connections_max=CONNECTIONS_MAX,
        )

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._service.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._service.__aexit__(kind, error, traceback)

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> HookAnswer:
        """Post a notice; the receipt is a status from 200 to 299."""
        said = await self._service.post_text(url, headers, body)
        if isinstance(said, Silence):
            return HookAnswer("timeout" if said.is_timeout else "unreachable", None)
        return HookAnswer("delivered" if said.is_success else "status", said.status)
