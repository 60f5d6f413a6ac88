"""The way to a bank that collects: a debit is ordered, asked about, and found on a statement.

As at the rail of payouts an adapter never raises for what the network or the bank did: whatever is
not a clear answer is `NoAnswer`.
"""

from datetime import date
from typing import Final, Protocol

from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.rail import Answer, Contract

#: The name under which debits, their statements and their callbacks are kept.
DEBIT_RAIL: Final = "bank-debits"


class DebitRail(Protocol):
    """Collects from customers' accounts under their mandates."""

    @property
    def contract(self) -> Contract:
        """What the operator has promised."""
        ...

    async def collect(self, order: DebitOrder, *, requested_on: date) -> Answer:
        """Order a debit under the order's own reference."""
        ...

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference; the same answers as `collect`, and `NotSeen`."""
        ...

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement of debits, or None while there is none."""
        ...
