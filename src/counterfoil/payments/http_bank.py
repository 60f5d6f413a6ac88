"""A bank's interface over HTTP, as payouts and debits share it.

Error map   A well-formed answer with `succeeded`, `failed`, `returned` or `pending` means what it
            says. 404 to a question is "not seen", 409 to an order is "another order has this
            reference". Everything else, time-outs and server errors first, is no answer.
Bounds      Of an answer 16 MiB are read: the statement of a day is the longest.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Contract,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
    Returned,
)
from counterfoil.platform.http_service import HttpService, Reply, Silence

#: Connections to one bank, and so calls under way at once.
CONNECTIONS_MAX: Final = 64
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
#: A bank's limit for one instant payment, in minor units, unless it says otherwise.
AMOUNT_MINOR_MAX: Final = 50_000_000_000


class _Reply(BaseModel):
    """The bank's word on one payment; a field that does not belong to the status is not there."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    reference: str
    status: str
    amount_minor: int | None = None
    currency: str | None = None
    value_date: str | None = None
    returned_on: str | None = None
    rail_reference: str | None = None
    code: str | None = None


class HttpBank(HttpService):
    """One bank; an async context manager that owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        name: str = "bank",
        answer_within: timedelta = timedelta(seconds=5),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the bank's address; `transport` replaces the network in tests."""
        self._contract = Contract(
            name=name,
            is_reference_idempotent=True,
            currencies=frozenset(EXPONENTS),
            amount_minor_max=AMOUNT_MINOR_MAX,
            answer_within=answer_within,
            calls_at_once=CONNECTIONS_MAX,
        )
        super().__init__(
            base_url,
            answer_seconds=answer_within.total_seconds(),
            answer_bytes_max=ANSWER_BYTES_MAX,
            connections_max=CONNECTIONS_MAX,
            transport=transport,
        )

    @property
    def contract(self) -> Contract:
        """What the bank has promised."""
        return self._contract

    async def order_at(self, path: str, body: Mapping[str, object]) -> Answer:
        """Send an order under its own reference; whatever is unclear is no answer."""
        reply = await self.call("POST", path, body)
        if isinstance(reply, Silence):
            return NoAnswer(reply.reason)
        reference = str(body["reference"])
        if reply.status == httpx.codes.CONFLICT:
            return Conflict() if _is_about(reply, reference) else NoAnswer("bare 409")
        return _answer_of(reply, reference)

    async def ask_at(self, path: str, reference: str) -> Answer:
        """Ask what became of a reference; only a 404 that names it says that nobody saw it."""
        reply = await self.call("GET", path)
        if isinstance(reply, Silence):
            return NoAnswer(reply.reason)
        if reply.status == httpx.codes.NOT_FOUND:
            return NotSeen() if _is_about(reply, reference) else NoAnswer("bare 404")
        return _answer_of(reply, reference)

    async def statement_at(self, path: str) -> str | None:
        """Return the text of a statement file, or None while there is none that can be read."""
        reply = await self.call("GET", path)
        if isinstance(reply, Silence) or reply.status != httpx.codes.OK or reply.body is None:
            return None
        return reply.body.decode(errors="replace")


def _answer_of(reply: Reply, reference: str) -> Answer:
    if reply.status != httpx.codes.OK:
        return NoAnswer(f"status {reply.status}")
    said = _said(reply)
    if said is None:
        return NoAnswer("malformed answer")
    if said.reference != reference:
        return NoAnswer("answer about another reference")
    return _meaning(said) or NoAnswer("incomplete answer")


def _is_about(reply: Reply, reference: str) -> bool:
    """Tell whether a 404 or 409 is the bank's own: a proxy's says nothing about the payment."""
    said = _said(reply)
    return said is not None and said.reference == reference


def _said(reply: Reply) -> _Reply | None:
    try:
        return _Reply.model_validate_json(reply.body or b"")
    except ValidationError:
        return None


def _meaning(reply: _Reply) -> Answer | None:
    """Return what a reply says, or None where a field that its status needs is missing."""
    match reply:
        case _Reply(status="pending"):
            return Pending()
        case _Reply(status="failed", code=str(code)) if code:
            return Declined(code)
        case _Reply(
            status="succeeded",
            amount_minor=int(amount),
            currency=str(currency),
            value_date=str(day),
            rail_reference=str(rail_reference),
        ) if (value_date := _date(day)) and rail_reference:
            return Paid(amount, currency, value_date, rail_reference)
        case _Reply(
            status="returned",
            amount_minor=int(amount),
            currency=str(currency),
            returned_on=str(day),
            rail_reference=str(rail_reference),
        ) if (returned_on := _date(day)) and rail_reference:
            return Returned(amount, currency, returned_on, rail_reference)
        case _:
            return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
