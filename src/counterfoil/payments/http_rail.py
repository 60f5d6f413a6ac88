"""The adapter to a bank's payout interface over HTTP.

Calls       `POST /payee-checks` asks whose an account is, `POST /payouts` orders,
            `GET /payouts/{reference}` asks, `GET /statements/{date}` reads the day's file. The
            order's reference is the bank's idempotency key.
Error map   A well-formed answer with `succeeded`, `failed`, `returned` or `pending` means what it
            says. 404 to a question is "not seen", 409 to an order is "another order has this
            reference". Everything else, time-outs and server errors first, is no answer.
Invariant   Nothing is ever raised for what the network or the bank did.
"""

from datetime import date, timedelta
from types import TracebackType
from typing import Any, Final, Self

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch
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

#: Connections to one bank, and so calls under way at once.
CONNECTIONS_MAX: Final = 64

#: A bank's limit for one instant payout, in minor units, unless it says otherwise.
PAYOUT_MINOR_MAX: Final = 50_000_000_000


class _Reply(BaseModel):
    """The bank's word on one payout; a field that does not belong to the status is not there."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    reference: str
    status: str
    amount_minor: int | None = None
    currency: str | None = None
    value_date: str | None = None
    returned_on: str | None = None
    rail_reference: str | None = None
    code: str | None = None


class HttpRail:
    """One bank over HTTP; an async context manager that owns its connections."""

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
            amount_minor_max=PAYOUT_MINOR_MAX,
            answer_within=answer_within,
            calls_at_once=CONNECTIONS_MAX,
        )
        seconds = answer_within.total_seconds()
        self._client = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=httpx.Timeout(seconds),
            limits=httpx.Limits(
                max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX
            ),
        )

    @property
    def contract(self) -> Contract:
        """What the bank has promised."""
        return self._contract

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

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name; whatever is unclear is no answer."""
        body = {"payee": payee_ref, "name": name}
        try:
            response = await self._client.post("/payee-checks", json=body)
            result = response.json()["result"] if response.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return PayeeMatch.NO_ANSWER
        known = {match.value: match for match in (PayeeMatch.MATCHES, PayeeMatch.DIFFERS)}
        return known.get(str(result), PayeeMatch.NO_ANSWER)

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout under the order's own reference."""
        body = {
            "reference": order.reference,
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "payee": order.payee_ref,
            "requested_on": requested_on.isoformat(),
        }
        return await order_at(self._client, "/payouts", body)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await ask_at(self._client, f"/payouts/{reference}", reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, or None while there is none."""
        return await statement_at(self._client, f"/statements/{business_date.isoformat()}")


async def order_at(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Answer:
    """Send an order under its own reference; whatever is unclear is no answer."""
    try:
        response = await client.post(path, json=body)
    except httpx.HTTPError as error:
        return NoAnswer(type(error).__name__)
    reference = str(body["reference"])
    if response.status_code == httpx.codes.CONFLICT:
        return Conflict() if is_about(response, reference) else NoAnswer("bare 409")
    return answer_of(response, reference)


async def ask_at(client: httpx.AsyncClient, path: str, reference: str) -> Answer:
    """Ask what became of a reference; only a 404 that names it says that nobody saw it."""
    try:
        response = await client.get(path)
    except httpx.HTTPError as error:
        return NoAnswer(type(error).__name__)
    if response.status_code == httpx.codes.NOT_FOUND:
        return NotSeen() if is_about(response, reference) else NoAnswer("bare 404")
    return answer_of(response, reference)


async def statement_at(client: httpx.AsyncClient, path: str) -> str | None:
    """Return the text of a statement file, or None while there is none."""
    try:
        response = await client.get(path)
    except httpx.HTTPError:
        return None
    return response.text if response.status_code == httpx.codes.OK else None


def answer_of(response: httpx.Response, reference: str) -> Answer:
    """Return what a bank's response says of a reference; anything unclear is no answer."""
    if response.status_code != httpx.codes.OK:
        return NoAnswer(f"status {response.status_code}")
    try:
        reply = _Reply.model_validate_json(response.content)
    except ValidationError:
        return NoAnswer("malformed answer")
    if reply.reference != reference:
        return NoAnswer("answer about another reference")
    return _meaning(reply) or NoAnswer("incomplete answer")


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


def is_about(response: httpx.Response, reference: str) -> bool:
    """Return whether a 404 or 409 is the bank's own: a proxy's says nothing about the payout."""
    try:
        return _Reply.model_validate_json(response.content).reference == reference
    except ValidationError:
        return False
