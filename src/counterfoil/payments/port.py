"""The way to a rail: everything this house asks of a bank or a payment company.

An adapter never raises for what the network or the other side did: whatever is not a clear answer
is `NoAnswer`. A doubt that came as an exception would one day be retried by somebody.
"""

from datetime import date
from typing import Protocol

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.rail import Answer, Contract


class Rail(Protocol):
    """Carries payouts; the adapters and the simulated bank pass the same contract tests."""

    @property
    def contract(self) -> Contract:
        """What the operator has promised."""
        ...

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout under the order's own reference."""
        ...

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference; the same answers as `pay_out`, and `NotSeen`."""
        ...

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, or None while there is none."""
        ...
