"""What a careful carrier of messages does, and the ways in which carriers go wrong.

Invariant   One reference and channel goes out once, however often it is sent. Another text under
            the same reference is refused.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson


class Manner(StrEnum):
    """How one channel behaves until it is told otherwise."""

    UP = "up"
    #: Answers nobody.
    DOWN = "down"
    #: Answers after every caller has given up, and has done the work.
    SLOW = "slow"
    #: Refuses every address for good.
    REFUSES = "refuses"
    #: Takes everything over, and all of it comes back.
    BOUNCES = "bounces"
    #: Says nothing that can be understood.
    MALFORMED = "malformed"


@dataclass(slots=True)
class MessageService:
    """One carrier's memory: of invented persons alone."""

    token: str | None = None
    manners: dict[str, Manner] = field(default_factory=dict)
    #: Reference and channel → what was sent.
    taken: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    #: Parcels that came again.
    repeated: int = 0

    def manner_of(self, channel: str) -> Manner:
        """Return how a channel behaves."""
        return self.manners.get(channel, Manner.UP)

    def take(self, reference: str, channel: str, body: bytes) -> tuple[int, dict[str, str]]:
        """Take a parcel; return the HTTP status and the answer."""
        if self.manner_of(channel) is Manner.REFUSES:
            return 422, _answer(reference, "refused", "address_unknown")
        parcel = orjson.loads(body)
        known = self.taken.setdefault((reference, channel), parcel)
        if known is not parcel:
            self.repeated += 1
            if known != parcel:
                return 422, _answer(reference, "refused", "reference_taken")
        return 202, _answer(reference, "accepted")

    def report(self, reference: str, channel: str) -> tuple[int, dict[str, str]]:
        """Return what became of a parcel."""
        if (reference, channel) not in self.taken:
            return 404, {}
        if self.manner_of(channel) is Manner.BOUNCES:
            return 200, _answer(reference, "bounced", "mailbox_unknown")
        return 200, _answer(reference, "delivered")


def _answer(reference: str, status: str, code: str | None = None) -> dict[str, str]:
    said = {"reference": reference, "status": status}
    return said if code is None else said | {"code": code}
