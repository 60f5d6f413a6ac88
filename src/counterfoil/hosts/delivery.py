"""A notice to a host: what it says, when it is tried, and how it is signed.

Content     Type, instant, the host's own reference, an identifier and a state. Nothing personal, no
            amount, no reason: whoever wants more asks with the host's key.
Order       Notices may come late, twice or out of order; the identifier stays the same, and what
            counts is what the host reads when it asks.
Signed      Standard Webhooks: identifier, second and body by HMAC-SHA-256 under every living
            secret, so that a receiver may change over in peace.
Follows     Standard Webhooks 1.0 (specification, signature scheme v1).
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

import orjson
from standardwebhooks import Webhook

from counterfoil.hosts.link import SubjectKind
from counterfoil.kernel import ids

_SECRET_BYTES: Final = 32
#: How long a secret that was replaced still signs.
OVERLAP: Final = timedelta(hours=24)
#: Pauses before the second attempt and those after it; behind them a person looks.
PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200)
)
#: A receiver that has not answered by then is asked again.
ANSWER_WITHIN: Final = timedelta(seconds=10)
#: A worker keeps a notice for its answer and some time to write that down.
LEASE: Final = ANSWER_WITHIN + timedelta(seconds=20)


class DeliveryState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    #: Tried as often as it is tried; a person or the host has it sent again.
    DEAD = "dead"


class Told(NamedTuple):
    """What a host is told of an event of ours."""

    type: str
    #: The member that carries the identifier, and the identifier's prefix.
    member: str
    prefix: str
    state: str
    #: What the event is about, where that was made through a host; None: a page, a link, or the
    #: loans of a repayment.
    subject: SubjectKind | None


_APPLICATION: Final = ("application_id", ids.APPLICATION)
_LINE: Final = ("line_id", ids.LINE)
_LOAN: Final = ("loan_id", ids.LOAN)
_PAGE: Final = ("page_id", ids.HOSTED_PAGE)
PAGE_EVENTS: Final = frozenset({"host_page_done", "host_page_refused"})
LINK_EVENTS: Final = frozenset({"host_link_confirmed", "host_link_ended"})
#: Event of the outbox → what hosts are told. What does not stand here no host is told.
EVENTS: Final[Mapping[str, Told]] = {
    "host_link_confirmed": Told("link.confirmed", "", "", "confirmed", None),
    "host_link_ended": Told("link.ended", "", "", "ended", None),
    "host_page_done": Told("hosted_page.done", *_PAGE, "done", None),
    "host_page_refused": Told("hosted_page.refused", *_PAGE, "refused", None),
    "application_decided": Told(
        "application.decided", *_APPLICATION, "decided", SubjectKind.APPLICATION
    ),
    "application_expired": Told(
        "application.expired", *_APPLICATION, "expired", SubjectKind.APPLICATION
    ),
    "host_line_opened": Told("line.opened", *_LINE, "open", SubjectKind.LINE),
    # Why a line changed is not told, nor which way: the host reads what may be drawn.
    "line_frozen": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_unfrozen": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_suspended": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_reinstated": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_limit_restored": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_limit_raised": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_limit_lowered": Told("line.changed", *_LINE, "changed", SubjectKind.LINE),
    "line_closed": Told("line.closed", *_LINE, "closed", SubjectKind.LINE),
    "loan_opened": Told("loan.opened", *_LOAN, "open", SubjectKind.LOAN),
    # Of a loan that the repayment paid for; where it closed one, the host is told of that one.
    "repayment_booked": Told("repayment.booked", *_LOAN, "booked", None),
    "repayment_reversed": Told("repayment.reversed", *_LOAN, "reversed", None),
    "drawdown_failed": Told("drawdown.failed", *_LOAN, "cancelled", SubjectKind.LOAN),
}
REPAYMENT_EVENTS: Final = frozenset({"repayment_booked", "repayment_reversed"})
#: What is told in the place of a repayment that closed a loan.
LOAN_CLOSED: Final = Told("loan.closed", *_LOAN, "closed", None)
#: What a test sends; nothing of a customer.
TEST: Final = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notice to one host of one event."""

    #: 0 for a test.
    customer_id: int
    delivery_id: int
    host_id: int
    event_id: int
    kind: str
    #: The body, byte for byte as it is signed.
    payload: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    made_at: datetime
    ended_at: datetime | None

    @property
    def message_id(self) -> str:
        """Return the identifier by which a receiver knows a repetition."""
        return ids.to_text(ids.DELIVERY, self.delivery_id)


def body_of(told: Told, *, reference: str, subject_id: int, at: datetime) -> str:
    """Return the body of a notice."""
    data = {"customer": reference, "state": told.state}
    if told.member:
        data[told.member] = ids.to_text(told.prefix, subject_id)
    return _body(told.type, data, at)


def test_body(at: datetime) -> str:
    """Return the body of a test."""
    return _body(TEST, {"state": "test"}, at)


def next_attempt(attempts: int, *, now: datetime) -> datetime | None:
    """Return when a notice that failed so many times is tried again; None: no more."""
    assert attempts > 0, "it was tried"
    return now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def new_secret() -> str:
    """Return a new signing secret in the specification's form."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(delivery: Delivery, living: Sequence[str], *, at: datetime) -> dict[str, str]:
    """Return the headers of an attempt: signed anew at its own second, under each living secret."""
    assert living, "a notice is signed"
    signatures = [
        Webhook(secret).sign(delivery.message_id, at, delivery.payload) for secret in living
    ]
    return {
        "content-type": "application/json",
        "user-agent": "counterfoil-notices",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _body(kind: str, data: Mapping[str, str], at: datetime) -> str:
    shape = {"type": kind, "timestamp": at.isoformat(), "data": data}
    return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS).decode()
