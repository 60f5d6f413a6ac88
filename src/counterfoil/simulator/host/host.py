"""What a careful receiver of notices does, and the ways in which receivers go wrong.

Order       Signature and age first, then whether the identifier was seen before, then the work.
            What was seen before is answered with success and done no second time.
Follows     Standard Webhooks 1.0, consumer's side, by the specification's own library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

#: Of what is kept in memory; a real host keeps identifiers for longer than five minutes.
SEEN_MAX: Final = 10_000


class Manner(StrEnum):
    """How the host behaves until it is told otherwise."""

    UP = "up"
    #: Refuses everybody, as a host behind a load balancer that is away.
    DOWN = "down"
    #: Answers after every sender has given up.
    SLOW = "slow"
    #: Says that it failed, although it has done the work.
    WRONG = "wrong"
    #: Sends the caller elsewhere.
    ELSEWHERE = "elsewhere"


@dataclass(slots=True)
class HostApp:
    """One host app's memory."""

    secret: str
    manner: Manner = Manner.UP
    #: Bodies that were acted on, in their order, each once.
    acted_on: list[dict[str, Any]] = field(default_factory=list)
    #: Notices that came again.
    repeated: int = 0
    #: Notices that were not signed by the lender, or too long ago.
    refused: int = 0
    seen: dict[str, None] = field(default_factory=dict)

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take one notice and return the HTTP status of the answer."""
        try:
            Webhook(self.secret).verify(body, dict(headers))
        except WebhookVerificationError:
            self.refused += 1
            return 401
        number = headers["webhook-id"]
        if number in self.seen:
            self.repeated += 1
            return 204
        self.seen[number] = None
        if len(self.seen) > SEEN_MAX:
            self.seen.pop(next(iter(self.seen)))
        self.acted_on.append(orjson.loads(body))
        return 204
