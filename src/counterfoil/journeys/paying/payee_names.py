"""In whose name an account must be that money is paid out to.

Follows     R056: the borrower's own, or that of the merchant declared for the scene of the loan. A
            merchant of another scene, or a merchant under a loan of no scene, is nobody's own.
            Credit goes back to the borrower alone. Names are opened for the one question to the
            rail, and kept nowhere.
"""

from collections.abc import Mapping, Sequence

from counterfoil.journeys.contracting.contract_making import borrowers_of
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.lending import scene_store
from counterfoil.lending import store as lending
from counterfoil.lending.scene import Scene, scene_of
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.payee import PayeeName
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy.refusals import PERSONAL_DATA_NOT_FOUND


class BorrowerNames:
    """Knows the names of payees; asked before a payout is sent over a rail that checks them."""

    def __init__(self, house: House) -> None:
        """Take the house whose customers they are."""
        self._house = house

    async def names_of(self, orders: Sequence[PayoutOrder]) -> Mapping[int, PayeeName]:
        """Return the declared merchant's name, else the borrower's, where somebody knows it.

        Raises where a name that is kept cannot be opened: asked for by itself, it holds up its own
        payment alone.
        """
        async with self._house.database.connection() as connection:
            customers = {order.customer_id for order in orders}
            known = await borrowers_of(connection, self._house, customers, reading("bank_account"))
            names: dict[int, PayeeName] = {}
            for order in orders:
                borrower = known[order.customer_id]
                if not isinstance(borrower, Refused):
                    names[order.payment_id] = PayeeName(borrower.name)
                elif borrower.code != PERSONAL_DATA_NOT_FOUND.code:
                    raise RefusedError(borrower)
            return names | await self._merchants(connection, orders)

    async def _merchants(
        self, connection: Connection, orders: Sequence[PayoutOrder]
    ) -> dict[int, PayeeName]:
        """Return the merchants of loans of a scene, by payment; few installations have any."""
        asked = {order.payee_ref for order in orders}
        payees = await scene_store.payees_of_accounts(connection, asked)
        accounts = {payee.payee_ref for payee in payees}
        found = {}
        for order in orders:
            if order.loan_id is None or order.payee_ref not in accounts:
                continue
            loan = await lending.read_loan(connection, order.customer_id, order.loan_id)
            if loan is None:
                continue
            terms = self._house.catalogue.terms(loan.product_code, loan.product_version)
            # A scene that was dropped since the drawdown still says whom it pays.
            known = self._house.catalogue.scenes.last
            scenes = {code: last for code in terms.scenes if (last := known(code)) is not None}
            scene = scene_of(scenes, terms, loan.purpose)
            for payee in payees:
                is_declared = isinstance(scene, Scene) and payee.scene == scene.code
                if is_declared and payee.payee_ref == order.payee_ref:
                    found[order.payment_id] = PayeeName(payee.name, is_own=False)
        return found
