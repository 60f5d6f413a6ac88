"""The adapter to a bank's interface for debits over HTTP.

Calls       `POST /debits` orders, `GET /debits/{reference}` asks, `GET /debit-statements/{date}`
            reads the day's file. The order's reference is the bank's idempotency key; the mandate
            goes along, because a bank may know it.
Error map   That of `http_bank.py`: only an answer that names the reference means what it says.
Invariant   Nothing is ever raised for what the network or the bank did.
"""

from datetime import date

from counterfoil.kernel import ids
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.http_bank import HttpBank
from counterfoil.payments.rail import Answer


class HttpDebits(HttpBank):
    """One bank that collects."""

    async def collect(self, order: DebitOrder, *, requested_on: date) -> Answer:
        """Order a debit under the order's own reference."""
        body = {
            "reference": order.reference,
            "mandate": ids.to_text(ids.MANDATE, order.mandate_id),
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "account": order.account_ref,
            "requested_on": requested_on.isoformat(),
        }
        return await self.order_at("/debits", body)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await self.ask_at(f"/debits/{reference}", reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, or None while there is none."""
        return await self.statement_at(f"/debit-statements/{business_date.isoformat()}")
