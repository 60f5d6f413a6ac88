"""The way to hosts: who carries a signed notice to an address."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class HookAnswer(NamedTuple):
    """What came of an attempt."""

    #: `delivered`, `status`, `timeout` or `unreachable`.
    outcome: str
    #: None where nobody answered.
    http_status: int | None


class Hooks(Protocol):
    """Carries notices; nothing is ever raised for what the network or the host did."""

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> HookAnswer:
        """Post a notice to an address that the caller has checked."""
        ...
