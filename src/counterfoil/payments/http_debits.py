"""The adapter to a bank's interface for debits over HTTP.

Calls       `POST /debits` orders, `GET /debits/{reference}` asks, `GET /debit-statements/{date}`
            reads the day's file. The order's reference is the bank's idempotency key; the mandate
            goes along, because a bank may know it.
Error map   As for payouts: only a well-formed answer that names the reference means what it says.
Invariant   Nothing is ever raised for what the network or the bank did.
"""

from datetime import date, timedelta
from types import TracebackType
from typing import Final, Self

import httpx

from counterfoil.kernel import ids
from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.payments.http_rail import (
    CONNECTIONS_MAX,
    ask_at,
    order_at,
    statement_at,
)
from counterfoil.payments.rail import Answer, Contract

#: A bank's limit for one debit, in minor units, unless it says otherwise.
DEBIT_MINOR_MAX: Final = 50_000_000_000


class HttpDebits:
    """One bank that collects, over HTTP; an async context manager that owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        name: str = DEBIT_RAIL,
        answer_within: timedelta = timedelta(seconds=5),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the bank's address; `transport` replaces the network in tests."""
        self._contract = Contract(
            name=name,
            is_reference_idempotent=True,
            currencies=frozenset(EXPONENTS),
            amount_minor_max=DEBIT_MINOR_MAX,
            answer_within=answer_within,
            calls_at_once=CONNECTIONS_MAX,
        )
        self._client = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=httpx.Timeout(answer_within.total_seconds()),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
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
        return await order_at(self._client, "/debits", body)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await ask_at(self._client, f"/debits/{reference}", reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, or None while there is none."""
        return await statement_at(self._client, f"/debit-statements/{business_date.isoformat()}")
