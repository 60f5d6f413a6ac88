"""The way to a bank's own statements: what a host's connector has to give, in whatever country.

A connector asks under the customer's consent, never raises for what the network or the bank did,
and gives files as the bank made them: they are checked like any other.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FetchedStatement:
    """One file as the bank gave it; never shown in a log."""

    #: `csv` or `camt.053`.
    form: str
    currency: str
    content: bytes
    #: The bank's own reference: the same statement again bears the same one.
    reference: str


class StatementSource(Protocol):
    """One connector."""

    async def fetch(self, *, customer_id: int, consent_id: int) -> list[FetchedStatement]:
        """Return what the bank gives under the consent; empty where it gives nothing now."""
        ...
