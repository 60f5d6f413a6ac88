"""Purchases of scenes: recorded with their papers, and paid by drawdowns as they progress.

The story   A channel records what is bought, with digests of its papers; the same paper stands for
            one purchase. A drawdown pays for the purchase that its quote named, as much of it as
            may be paid. How one ends otherwise is in `scene_refunds.py`.
Invariant   Two drawdowns at once do not pay more of a purchase than may be paid: what one takes
            counts until it is answered, and after a crash until its answer was looked up.
Follows     R067 (students).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, told_beside
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import purchase_store as store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending import scene_store
from counterfoil.lending.commands import Draw
from counterfoil.lending.quote import PurchaseClaim
from counterfoil.lending.refusals import SCENE_PAYEE_UNKNOWN, SCENE_STOPPED, SCENE_UNKNOWN
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_purchase import (
    Purchase,
    PurchaseState,
    due_back_minor,
    payable_minor,
    refuse_payment,
    refuse_purchase,
)
from counterfoil.lending.scene_shelf import Scenes
from counterfoil.platform import idempotency
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

_STUDENTS: Final = "student_limit_most"
_PAGE: Final = 1_000
_ONCE: Final = {"scene_document_once": refusals.SCENE_DOCUMENT_USED}


async def record_purchase(
    house: House,
    purchase: Purchase,
    documents: Mapping[str, bytes],
    *,
    by: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Record what a customer buys of a merchant; `documents` are digests by kind of paper.

    It is recorded under the rules of its scene that hold today.
    """
    on, now = await house.business_date(), house.clock.now()
    scene = house.catalogue.scenes.current(on).get(purchase.scene)
    if scene is None:
        return refuse(SCENE_UNKNOWN, scene=purchase.scene)
    purchase = replace(purchase, scene_version=scene.version)
    limit = _student_limit(house, scene, on)
    refused = refuse_purchase(scene, purchase, documents, student_limit_minor=limit)
    if refused is not None:
        return refused
    # What the house adds is not of the request.
    added = ("purchase_id", "scene_version")
    request: dict[str, object] = {
        name: str(getattr(purchase, name)) for name in purchase.__slots__ if name not in added
    }
    request["documents"] = {kind: digest.hex() for kind, digest in documents.items()}

    async def work(connection: Connection) -> str | Refused:
        payee = await scene_store.payee_of(connection, purchase.merchant_id)
        if payee is None or payee.scene != purchase.scene:
            return refuse(refusals.SCENE_MERCHANT_UNKNOWN)
        closed_on = await store.closed_on(connection, purchase.merchant_id)
        if closed_on is not None:
            return refuse(refusals.SCENE_MERCHANT_CLOSED, closed_on=closed_on.isoformat())
        await store.add_purchase(connection, purchase, documents, by=by, at=now)
        state = PurchaseState(purchase=purchase, progress_ppm=0, paid_minor=0)
        return orjson.dumps(
            purchase_document(house.catalogue.scenes, state), option=orjson.OPT_SORT_KEYS
        ).decode()

    return await idempotency.once_or_refused(
        house.database,
        twins=_ONCE,
        scope_id=purchase.customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("record_purchase", request),
        kind="record_purchase",
        at=now,
        work=work,
    )


async def take(
    house: House,
    connection: Connection,
    scene: Scene,
    command: Draw,
    paid: PurchaseClaim,
    *,
    key: str,
) -> Refused | None:
    """Let a drawdown pay for a purchase, or say why it does not; the caller holds the scene."""
    # Nobody claims it back while it is being paid.
    await store.hold_purchase(connection, command.customer_id, paid.purchase_id)
    state = await store.read_purchase(
        connection, command.customer_id, paid.purchase_id, without_key=key
    )
    if state is None or state.purchase.scene != scene.code:
        return refuse(refusals.SCENE_PURCHASE_NOT_FOUND)
    place = await scene_store.place_of(connection, state.purchase.merchant_id)
    # The note that was confirmed names where the money goes.
    if place is None or (place.payee_ref, place.version_no) != (
        command.payee_ref,
        paid.payee_version_no,
    ):
        return refuse(SCENE_PAYEE_UNKNOWN, scene=scene.code)
    if place.is_scene_stopped or place.is_merchant_stopped:
        return refuse(SCENE_STOPPED, scene=scene.code)
    if scene.needs_licence:
        licence = await store.present_licence(connection, state.purchase.merchant_id)
        if licence is None or licence.valid_until < await house.business_date():
            return refuse(refusals.SCENE_LICENCE_MISSING)
    rules = house.catalogue.scenes.as_of(state.purchase.scene_version, scene.code)
    refused = refuse_payment(
        rules, state, amount_minor=command.amount_minor, currency=command.currency
    )
    if refused is None:
        await store.use_purchase(
            connection,
            state.purchase,
            payee_version_no=place.version_no,
            key=key,
            amount_minor=command.amount_minor,
            at=house.clock.now(),
        )
    return refused


async def settle(house: House, command: Draw, *, key: str, answer: Answer | Refused | None) -> None:
    """Write what became of a drawdown; where nobody knows it goes on counting."""
    if answer is None:
        return
    loan_id = _loan_of(answer)
    act = act_of("purchase_given_back" if loan_id is None else "purchase_used", command, key)
    async with told_beside(house, act), house.database.transaction() as connection:
        await store.settle_use(
            connection, customer_id=command.customer_id, key=key, loan_id=loan_id
        )


def act_of(name: str, command: Draw, key: str) -> Act:
    """Return what the trail tells of a drawdown that pays for a purchase."""
    return Act(
        name=name,
        customer_ids=(command.customer_id,),
        subject=ids.to_text(ids.LINE, command.line_id),
        after=f"key={mask_free_text(key)} amount_minor={command.amount_minor}",
    )


async def purchases_of(
    house: House,
    *,
    customer_id: int = 0,
    merchant_id: int = 0,
    after: int = 0,
    page: int = _PAGE,
    is_back: bool = False,
) -> list[dict[str, Any]]:
    """Return purchases of a customer or of a merchant as they stand, the oldest first."""
    async with house.database.connection() as connection:
        states = await store.read_purchases(
            connection,
            customer_id=customer_id,
            merchant_id=merchant_id,
            after=after,
            page=page,
            is_back=is_back,
        )
    return [purchase_document(house.catalogue.scenes, state) for state in states]


def purchase_document(scenes: Scenes, state: PurchaseState) -> dict[str, Any]:
    """Return a purchase as it is answered."""
    purchase = state.purchase
    scene = scenes.as_of(purchase.scene_version, purchase.scene)
    return {
        "id": ids.to_text(ids.PURCHASE, purchase.purchase_id),
        "customer_id": ids.to_text(ids.CUSTOMER, purchase.customer_id),
        "scene": purchase.scene,
        "scene_version": purchase.scene_version,
        "merchant_id": ids.to_text(ids.MERCHANT, purchase.merchant_id),
        "price_minor": purchase.price_minor,
        "currency": purchase.currency,
        "course_from": purchase.course_from and purchase.course_from.isoformat(),
        "course_until": purchase.course_until and purchase.course_until.isoformat(),
        "is_student": purchase.is_student,
        "progress_ppm": state.progress_ppm,
        "paid_minor": state.paid_minor,
        "refunded_minor": state.refunded_minor,
        "payable_minor": payable_minor(scene, state),
        "due_back_minor": due_back_minor(state),
        "claim_left_minor": state.claim_left_minor,
        "claim_due_on": state.claim_due_on and state.claim_due_on.isoformat(),
    }


def _student_limit(house: House, scene: Scene, on: date) -> int | None:
    """Return the least that any licence which lends in a scene leaves for students."""
    rules = [
        house.catalogue.rule(terms, _STUDENTS, on)
        for terms in house.catalogue.all()
        if scene.code in terms.scenes
    ]
    return min((rule.value for rule in rules if rule is not None), default=None)


async def settle_left(house: House, connection: Connection, customer_id: int) -> None:
    """Look up what became of drawdowns whose answer a crash kept from being written down."""
    before = house.clock.now() - scene_store.RESERVED
    for key in await store.uses_left(connection, customer_id, before=before):
        rows = await PLATFORM.commands_seen.fetch(connection, keys=[(customer_id, key)])
        loan_id = _loan_of(Answer(rows[0]["answer"], is_replay=True)) if rows else None
        await store.settle_use(connection, customer_id=customer_id, key=key, loan_id=loan_id)


def _loan_of(answer: Answer | Refused) -> int | None:
    if isinstance(answer, Refused):
        return None
    try:
        return ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    except ids.InvalidIdError as error:  # pragma: no cover – a drawdown answers with its loan
        raise RefusedError(refuse(refusals.SCENE_LOAN_NOT_OF_SCENE)) from error
