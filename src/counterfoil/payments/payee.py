"""Whose account is paid: asked before a payment is first sent, and remembered while that holds.

Follows     R056: the account is in the borrower's name or in that of the declared merchant.
Unknown     Where nobody says whose an account is, the payment is held and asked about again: not
            sent, not failed. Where nobody knows in whose name it must be, it fails before it is
            sent: no answer of a rail could make it right.
Rails       The rail that would carry the payment is asked where it knows names; else the first one
            that does. Where none of the file's rails does, nobody is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch, Rail, RailLink
from counterfoil.payments.rail import CheckAnswer, Declined, NoAnswer, PayeeMatches

#: Failure code of a payout to an account that is not in the name that it must be in.
PAYEE_NAME_DIFFERS: Final = "payee_name_differs"

#: The same where nobody knows in whose name it must be.
PAYEE_NAME_UNKNOWN: Final = "payee_name_unknown"

#: Why a payment is held whose name could not be read, which is nothing of the rail's.
NAMES_OUT_OF_REACH: Final = "names_out_of_reach"

_NOT_SAID: Final = NoAnswer("payee_not_checked")


@dataclass(frozen=True, slots=True)
class PayeeName:
    """In whose name an account must be."""

    name: str = field(repr=False)
    #: The customer's own; else a merchant's.
    is_own: bool = True


class PayeeNames(Protocol):
    """In whose names the accounts must be that payouts go to."""

    async def names_of(self, orders: Sequence[PayoutOrder]) -> Mapping[int, PayeeName]:
        """Return the borrower's or the declared merchant's name by payment, where it is known."""
        ...


class PayeeRule:
    """Which payments need their payee checked, and by which rail."""

    def __init__(self, links: Sequence[RailLink], names: PayeeNames | None) -> None:
        """Take the rails in the order of their file; without `names` no payee is checked."""
        reached = [link.terms for link in links if link.rail is not None]
        self._checking = [terms.code for terms in reached if terms.checks_payee]
        self._days = min((t.payee_check_days for t in reached if t.checks_payee), default=0)
        self._is_off = names is None or not self._checking

    def checker(self, rail: str) -> str | None:
        """Return who is asked of a payment that would go over a rail; None where nobody is."""
        if self._is_off:
            return None
        return rail if rail in self._checking else self._checking[0]

    def known_since(self, now: datetime) -> datetime:
        """Return since when a rail has to have said so for it still to hold."""
        return now - timedelta(days=self._days)


async def ask_payee(rail: Rail, order: PayoutOrder, payee: PayeeName | None) -> CheckAnswer:
    """Ask a rail whether the account of an order is in a name."""
    if payee is None:
        return Declined(PAYEE_NAME_UNKNOWN)
    match await rail.check_payee(order.payee_ref, name=payee.name):
        case PayeeMatch.MATCHES:
            return PayeeMatches(payee.is_own)
        case PayeeMatch.DIFFERS:
            return Declined(PAYEE_NAME_DIFFERS)
        case PayeeMatch.NO_ANSWER:
            return _NOT_SAID
