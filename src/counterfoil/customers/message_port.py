"""The way to customers: whoever carries a text to an address over a channel.

An adapter never raises for what the network or the other side did. A parcel has one reference: sent
twice over one channel it goes out once.
"""

import hashlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from counterfoil.customers.setting import Channel


class Attachment(NamedTuple):
    """A file that goes with a message; printed where the message is a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Parcel:
    """A message on its way, with whom it is for; never shown in a log."""

    #: The message's own; a repetition bears it again.
    reference: str
    channel: Channel
    address: str
    name: str
    subject: str
    body: str
    attachment: Attachment | None = None


class Outcome(StrEnum):
    """How an attempt went."""

    #: Taken over. Whether it arrives is told later, by carriers that give receipts.
    SENT = "sent"
    DELIVERED = "delivered"
    #: Taken over, and came back.
    BOUNCED = "bounced"
    #: Refused for good: this address over this channel is not tried again.
    REFUSED = "refused"
    #: Nobody knows, or not now: tried again later.
    FAILED = "failed"
    NO_ADDRESS = "no_address"


class Carried(NamedTuple):
    """What a carrier said of a parcel; `detail` is its own word for why not."""

    outcome: Outcome
    detail: str | None = None


class MessageCarrier(Protocol):
    """Carries messages."""

    @property
    def gives_receipts(self) -> bool:
        """Return whether it can be asked later what became of a parcel."""
        ...

    async def send(self, parcel: Parcel) -> Carried:
        """Send a parcel, once per reference and channel."""
        ...

    async def ask(self, reference: str, channel: Channel) -> Carried:
        """Return what became of a parcel: delivered, bounced, sent (on its way), or failed."""
        ...


class NoCarrier:
    """Stands where no service is connected."""

    gives_receipts = False

    # The port's shape; nothing is sent.
    async def send(self, parcel: Parcel) -> Carried:  # noqa: ARG002
        """Say that nobody carries messages."""
        return Carried(Outcome.FAILED, "no_service")

    async def ask(self, reference: str, channel: Channel) -> Carried:  # noqa: ARG002
        """Say that nobody knows."""
        return Carried(Outcome.FAILED, "no_service")


class SandboxCarrier:
    """Writes messages to a file, one line of JSON each, and fails by channel where it is told to.

    Its persons are invented: real addresses never come to a sandbox. What is attached lies beside
    the file, by its hash.
    """

    gives_receipts = False

    def __init__(self, path: Path) -> None:
        """Take the file."""
        self._path = path
        #: Channels that are down.
        self.down: set[Channel] = set()

    async def send(self, parcel: Parcel) -> Carried:
        """Write a text; a channel that is down says so."""
        if parcel.channel in self.down:
            return Carried(Outcome.FAILED, "channel_down")
        line = {
            "channel": parcel.channel.value,
            "address": parcel.address,
            "name": parcel.name,
            "subject": parcel.subject,
            "body": parcel.body,
            "reference": parcel.reference,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if parcel.attachment is not None:
            digest = hashlib.sha256(parcel.attachment.content).hexdigest()
            line |= {"attachment": parcel.attachment.name, "attachment_sha256": digest}
            self._write(self._path.with_name(digest), parcel.attachment.content, os.O_TRUNC)
        text = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        self._write(self._path, text, os.O_APPEND)
        return Carried(Outcome.SENT)

    async def ask(self, reference: str, channel: Channel) -> Carried:  # noqa: ARG002
        """Say that nobody knows: whoever reads the file has it."""
        return Carried(Outcome.FAILED, "no_receipts")

    @staticmethod
    def _write(path: Path, content: bytes, how: int) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
        try:
            os.write(file, content)
        finally:
            os.close(file)
