"""What acts on merchants of scenes are about: the scene, the merchant, and one purchase of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.journeys.purchasing.scene_schools import MerchantRecord, read_merchant
from counterfoil.kernel import ids
from counterfoil.lending import purchase_store
from counterfoil.lending.loan import Loan
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_purchase import PurchaseState

#: Stands for a merchant that is not registered yet.
NEW: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A scene, and a merchant of it."""

    scene: Scene
    #: None while it is to be registered.
    merchant: MerchantRecord | None
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A purchase with the running loans that paid for it."""

    record: str
    state: PurchaseState
    loans: Sequence[Loan]


async def place_of(visit: Visit, *, may_be_new: bool = False) -> Place | None:
    """Return what an address names; None where there is no such scene or merchant."""
    code, name = (visit.request.path_params[part] for part in ("scene", "merchant"))
    house = visit.desk.house
    scene, href = house.catalogue.scenes.last(code), f"{BASE}/scenes/{code}/{name}"
    if scene is None:
        return None
    if may_be_new and name == NEW:
        return Place(scene=scene, merchant=None, href=href)
    try:
        number = ids.from_text(ids.MERCHANT, name)
    except ids.InvalidIdError:
        return None
    found = await read_merchant(house, number, page=1)
    if found is None or found.payee.scene != code:
        return None
    return Place(scene=scene, merchant=found, href=href)


async def bought_of(visit: Visit, place: Place) -> Bought | None:
    """Return the purchase that an address names; None where the merchant has none such."""
    record = visit.request.path_params["purchase"]
    try:
        number = ids.from_text(ids.PURCHASE, record)
    except ids.InvalidIdError:
        return None
    async with visit.desk.house.database.connection() as connection:
        states = await purchase_store.read_purchases(connection, purchase_id=number)
        if not states or place.merchant is None:
            return None
        [state] = states
        if state.purchase.merchant_id != place.merchant.payee.merchant_id:
            return None
        loans = await purchase_store.loans_of_purchase(
            connection, state.purchase.customer_id, number
        )
    running = [loan for loan in loans if loan.status == "open"]
    return Bought(record=record, state=state, loans=running)
