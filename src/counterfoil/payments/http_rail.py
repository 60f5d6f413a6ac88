"""The adapter to a bank's payout interface over HTTP.

Calls       `POST /payee-checks` asks whose an account is, `POST /payouts` orders,
            `GET /payouts/{reference}` asks, `GET /statements/{date}` reads the day's file. The
            order's reference is the bank's idempotency key.
Error map   That of `http_bank.py`.
Invariant   Nothing is ever raised for what the network or the bank did.
"""

from datetime import date
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from counterfoil.payments.http_bank import HttpBank
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import Answer
from counterfoil.platform.http_service import Silence


class _Check(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    result: Literal["matches", "differs"]


class HttpRail(HttpBank):
    """One bank that pays out."""

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name; whatever is unclear is no answer."""
        reply = await self.call("POST", "/payee-checks", {"payee": payee_ref, "name": name})
        if isinstance(reply, Silence) or reply.status != httpx.codes.OK:
            return PayeeMatch.NO_ANSWER
        try:
            return PayeeMatch(_Check.model_validate_json(reply.body or b"").result)
        except ValidationError:
            return PayeeMatch.NO_ANSWER

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout under the order's own reference."""
        body = {
            "reference": order.reference,
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "payee": order.payee_ref,
            "requested_on": requested_on.isoformat(),
        }
        return await self.order_at("/payouts", body)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await self.ask_at(f"/payouts/{reference}", reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, or None while there is none."""
        return await self.statement_at(f"/statements/{business_date.isoformat()}")
