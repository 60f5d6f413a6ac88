"""In whose name an account must be that money is paid out to.

Follows     R056: the borrower's own, or that of the merchant declared for the scene. The name is
            opened for the one question to the rail, and kept nowhere.
"""

from counterfoil.journeys.contract_making import borrowers_of
from counterfoil.journeys.house import House
from counterfoil.lending import scene_store
from counterfoil.payments.order import PayoutOrder


class BorrowerNames:
    """Knows the names of payees; asked before a payout is sent over a rail that checks them."""

    def __init__(self, house: House) -> None:
        """Take the house whose customers they are."""
        self._house = house

    async def name_of(self, order: PayoutOrder) -> str | None:
        """Return the declared merchant's name, else the borrower's; None where nobody knows it."""
        async with self._house.database.connection() as connection:
            for payee in await scene_store.read_payees(connection):
                if payee.payee_ref == order.payee_ref:
                    return payee.name
            known = await borrowers_of(connection, self._house, [order.customer_id])
        borrower = known.get(order.customer_id)
        return None if borrower is None else borrower.name
