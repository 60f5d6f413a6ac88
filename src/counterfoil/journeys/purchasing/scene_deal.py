"""What a drawdown of a scene pays for: a purchase, its merchant, and the rules that hold for both.

Invariant   The customer is shown where the money goes: the quote names the purchase, the loan note
            says merchant, payee and days of cooling-off, the drawdown pays exactly that. A payee
            that changed since is another deal: it is quoted again.
"""

from dataclasses import dataclass

from counterfoil.contracts.document import Value, Words
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.money import to_major_text
from counterfoil.lending import purchase_store, scene_store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending.commands import Draw
from counterfoil.lending.cost_items import exact_percent
from counterfoil.lending.quote import PurchaseClaim
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_purchase import PurchaseState, refuse_payment
from counterfoil.lending.scene_shelf import Scenes
from counterfoil.lending.scene_store import Payee
from counterfoil.platform.database import Connection

_E8_OF_PPM = 100
#: What a note on cash says of scenes.
CASH_FLAGS = {
    "is_scene": False,
    "is_staged": False,
    "has_course": False,
    "has_cooling_off": False,
    "has_cancelled_refund": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A purchase with the rules that it was recorded under, and where its merchant is paid."""

    scene: Scene
    state: PurchaseState
    payee: Payee

    @property
    def claim(self) -> PurchaseClaim:
        """Return what a token says of it."""
        return PurchaseClaim(self.state.purchase.purchase_id, self.payee.version_no)


async def deal_for(
    connection: Connection,
    scenes: Scenes,
    scene: Scene,
    command: Draw,
    purchase_id: int | None,
) -> Deal | Refused:
    """Return what a drawdown would pay for, or why it cannot pay that now."""
    if purchase_id is None:
        return refuse(
            refusals.SCENE_PURCHASE_NEEDED,
            scene=scene.code,
            left_minor=0,
            currency=command.currency,
        )
    found = await deals_of(connection, scenes, command.customer_id, purchase_id=purchase_id)
    if not found or found[0].scene.code != scene.code:
        return refuse(refusals.SCENE_PURCHASE_NOT_FOUND)
    [deal] = found
    refused = refuse_payment(
        deal.scene, deal.state, amount_minor=command.amount_minor, currency=command.currency
    )
    return refused or deal


async def deals_of(
    connection: Connection, scenes: Scenes, customer_id: int, *, purchase_id: int = 0
) -> list[Deal]:
    """Return a customer's purchases, or one, with their rules and merchants, the oldest first."""
    states = await purchase_store.read_purchases(
        connection, customer_id=customer_id, purchase_id=purchase_id
    )
    deals = []
    for state in states:
        purchase = state.purchase
        payee = await scene_store.payee_of(connection, purchase.merchant_id)
        assert payee is not None, "a purchase is recorded at a registered merchant"
        scene = scenes.as_of(purchase.scene_version, purchase.scene)
        deals.append(Deal(scene=scene, state=state, payee=payee))
    return deals


async def deal_of_loan(
    connection: Connection, scenes: Scenes, customer_id: int, loan_id: int
) -> Deal | None:
    """Return what a loan paid for, as its note says it; None for cash."""
    paid = await purchase_store.purchase_of_loan(connection, customer_id, loan_id)
    if paid is None:
        return None
    state = await purchase_store.read_purchase(connection, customer_id, paid.purchase_id)
    payee = await scene_store.payee_of(
        connection, paid.merchant_id, version_no=paid.payee_version_no
    )
    assert state is not None, "a purchase stays"
    assert payee is not None, "a version of a payee stays"
    return Deal(scene=scenes.as_of(paid.scene_version, paid.scene), state=state, payee=payee)


def words_of(deal: Deal) -> tuple[dict[str, Value], dict[str, bool]]:
    """Return values and flags by which a loan note says what is paid for."""
    scene, purchase = deal.scene, deal.state.purchase
    values: dict[str, Value] = {
        "scene_name": Words(scene.name_en, scene.name_zh),
        "purchase_id": ids.to_text(ids.PURCHASE, purchase.purchase_id),
        "purchase_price": to_major_text(purchase.price_minor, purchase.currency),
        "merchant_name": deal.payee.name,
        "merchant_payee": deal.payee.payee_ref,
        "cooling_off_days": str(scene.cooling_off_days),
        "refund_days": str(scene.refund_days),
        "ahead_percent": exact_percent(scene.ahead_ppm * _E8_OF_PPM),
        "cancelled_refund_percent": exact_percent(scene.cancelled_refund_ppm * _E8_OF_PPM),
    }
    has_course = purchase.course_from is not None and purchase.course_until is not None
    if purchase.course_from is not None and purchase.course_until is not None:
        values["course_from"] = purchase.course_from.isoformat()
        values["course_until"] = purchase.course_until.isoformat()
    return values, {
        "is_scene": True,
        "is_staged": scene.is_staged,
        "has_course": has_course,
        "has_cooling_off": scene.cooling_off_days > 0,
        "has_cancelled_refund": scene.cancelled_refund_ppm > 0,
    }
