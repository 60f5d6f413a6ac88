"""How a customer repays by transfer: the accounts of the lender, and the reference to name."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.journeys.house import House
from counterfoil.payments.rail_terms import CollectionAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """An account to which money may be transferred."""

    rail: str
    currencies: Sequence[str]
    account: CollectionAccount


def accounts_open(
    house: House, *, lender_id: str | None = None, currency: str | None = None
) -> list[OpenAccount]:
    """Return the accounts of all lenders, or of one, in the order of their rails."""
    return [
        OpenAccount(rail=terms.code, currencies=sorted(terms.currencies), account=account)
        for terms in sorted(house.rails, key=lambda terms: terms.priority)
        if currency is None or currency in terms.currencies
        for account in terms.collections
        if lender_id in (None, account.lender_id)
    ]
