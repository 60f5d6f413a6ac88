"""The way to customers: whoever carries a text to an address over a channel."""

import os
from pathlib import Path
from typing import Protocol

import orjson

from counterfoil.customers.setting import Channel


class MessageCarrier(Protocol):
    """Carries messages; it never raises for what the network or the other side did."""

    async def send(
        self, *, channel: Channel, address: str, subject: str, body: str, reference: str
    ) -> str | None:
        """Send a text once per reference; return None, or why it did not go out."""
        ...


class NoCarrier:
    """Stands where no service is connected."""

    # The port's shape; nothing is sent.
    async def send(
        self,
        *,
        channel: Channel,  # noqa: ARG002
        address: str,  # noqa: ARG002
        subject: str,  # noqa: ARG002
        body: str,  # noqa: ARG002
        reference: str,  # noqa: ARG002
    ) -> str | None:
        """Say that nobody carries messages."""
        return "no_service"


class SandboxCarrier:
    """Writes messages to a file, one line of JSON each, and fails by channel where it is told to.

    Its persons are invented: real addresses never come to a sandbox.
    """

    def __init__(self, path: Path) -> None:
        """Take the file."""
        self._path = path
        #: Channels that are down.
        self.down: set[Channel] = set()

    async def send(
        self, *, channel: Channel, address: str, subject: str, body: str, reference: str
    ) -> str | None:
        """Write a text; a channel that is down says so."""
        if channel in self.down:
            return "channel_down"
        line = {
            "channel": channel.value,
            "address": address,
            "subject": subject,
            "body": body,
            "reference": reference,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        finally:
            os.close(file)
        return None
