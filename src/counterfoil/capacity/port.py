"""The way to a bank's own statements: what a connector has to give, in whatever country.

A connector asks under the customer's consent, never raises for what the network or the bank did,
and gives files as the bank made them: they are checked like any other. No answer is a value of its
own: it is never "the bank has nothing".
"""

from dataclasses import dataclass
from enum import StrEnum
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


class Unanswered(StrEnum):
    """Why a bank gave no answer; whether it has statements is unknown."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    #: Another status than success, or a caller sent elsewhere.
    STATUS = "status"
    #: Too large, not in the form agreed on, or about another consent.
    MALFORMED = "malformed"
    #: The bank knows no such permission of its customer, or one that was taken back there.
    NOT_PERMITTED = "not_permitted"


class StatementSource(Protocol):
    """One connector."""

    async def fetch(
        self, *, customer_id: int, consent_id: int
    ) -> list[FetchedStatement] | Unanswered:
        """Return what the bank gives under the consent; empty where it gives nothing now."""
        ...
