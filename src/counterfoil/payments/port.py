"""The way to a rail: everything this house asks of a bank or a payment company.

An adapter never raises for what the network or the other side did: whatever is not a clear answer
is `NoAnswer`. A doubt that came as an exception would one day be retried by somebody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.rail import Answer, Contract
from counterfoil.payments.rail_terms import RailTerms, terms_of


class PayeeMatch(StrEnum):
    """What a rail says of a name and an account."""

    MATCHES = "matches"
    DIFFERS = "differs"
    NO_ANSWER = "no_answer"


class Rail(Protocol):
    """Carries payouts; the adapters and the simulated bank pass the same contract tests."""

    @property
    def contract(self) -> Contract:
        """What the operator has promised."""
        ...

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name; asked only of rails whose terms say they know."""
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


@dataclass(frozen=True, slots=True)
class RailLink:
    """A rail of the rails file, and the way to it."""

    terms: RailTerms
    #: None where the file names a rail that this installation does not reach.
    rail: Rail | None


def alone(rail: Rail) -> Sequence[RailLink]:
    """Return a house's rails where there is one, agreed by its contract alone."""
    return (RailLink(terms_of(rail.contract), rail),)
