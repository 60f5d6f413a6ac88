"""Scenes in a drawdown: the merchant who is paid, the scene's limit, and stops on its new loans.

The story   A drawdown of a scene pays for a purchase at its merchant. Customer and scene are held
            while what is owed is added up; the amount counts from then on, the line decides, and
            what became of it is written down.
            Each close of day adds up what is late and stops what is above its tolerance.
Invariant   Two drawdowns at once do not pass a scene's limit together. Where a merchant is paid
            changes by two people only. A stop is lifted by a person only.
Cost        A product without scenes reads nothing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing import scene_purchases
from counterfoil.journeys.trail import Act, note, note_refusal, told_beside
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import purchase_store
from counterfoil.lending import scene_store as store
from counterfoil.lending.commands import Draw
from counterfoil.lending.quote import PurchaseClaim
from counterfoil.lending.refusals import (
    SCENE_NOT_STOPPED,
    SCENE_PAYEE_UNKNOWN,
    SCENE_UNKNOWN,
)
from counterfoil.lending.scene import (
    CASH,
    Scene,
    SceneBook,
    beyond_tolerance,
    refuse_drawdown,
    scene_of,
)
from counterfoil.lending.scene_refusals import SCENE_MERCHANT_CLOSED
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection

APPROVAL: Final = "scene_payee"
_ROWS: Final = 100
_MACHINE: Final = "counterfoil"
#: What a product that knows no scenes says.
_CASH_ALONE: Final = (CASH,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeWish:
    """Where a merchant of a scene is to be paid."""

    scene: str
    name: str
    payee_ref: str
    reason: str
    #: None registers a new merchant.
    merchant_id: int | None = None


async def scene_of_product(
    house: House, product: tuple[str, int], command: Draw
) -> Scene | Refused | None:
    """Return the scene of a drawdown on a product version; None where it has no rules."""
    terms = house.catalogue.terms(*product)
    if terms.scenes == _CASH_ALONE:
        return None
    scenes = house.catalogue.scenes.current(await house.business_date())
    return scene_of(scenes, terms, command.purpose)


async def reserve(
    house: House, scene: Scene, command: Draw, paid: PurchaseClaim, *, key: str
) -> Refused | None:
    """Take the amount of a drawdown of the scene's limit, or say why it is not lent."""
    customer_id = command.customer_id
    act = scene_purchases.act_of("purchase_hold", command, key)
    async with told_beside(house, act), house.database.transaction() as connection:
        await store.hold_scene(connection, customer_id=customer_id, scene=scene.code)
        await scene_purchases.settle_left(house, connection, customer_id)
        owed = await store.owed_in_scene(connection, scene, customer_id=customer_id, key=key)
        return refuse_drawdown(scene, command, owed_minor=owed) or await scene_purchases.take(
            house, connection, scene, command, paid, key=key
        )


async def register_payee(
    house: House, actor: Actor, wish: PayeeWish
) -> store.Payee | Approval | Refused:
    """Pay a merchant there if somebody else has approved it; else ask for that, once.

    The same call after the approval does it.
    """
    act = Act(name="scene_payee", subject=wish.scene, reason=wish.reason)
    if wish.scene not in house.catalogue.scenes.current(await house.business_date()):
        return await note_refusal(house, actor, act, refuse(SCENE_UNKNOWN, scene=wish.scene))
    payload: dict[str, Value] = {
        "merchant": wish.merchant_id and str(wish.merchant_id),
        "name": wish.name,
        "payee": wish.payee_ref,
        "scene": wish.scene,
    }
    try:
        return await _register(house, actor, wish, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=_ROWS):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        payload,
        summary=f"pay {wish.name} of the scene {wish.scene} at {wish.payee_ref}",
        reason=wish.reason,
    )


async def stop_scenes(house: House) -> int:
    """Stop new loans of scenes and merchants above their tolerance; return how many began.

    Part of the close of day. Where no product has a scene nothing is read.
    """
    on = await house.business_date()
    scenes = house.catalogue.scenes.current(on)
    if not any(scenes.keys() & set(terms.scenes) for terms in house.catalogue.all()):
        return 0
    async with house.database.transaction() as connection:
        books = await store.read_books(connection, scenes, on)
        stopped = {
            (item.scene, item.merchant_id)
            for item in await store.read_stops(connection)
            if item.is_stopped
        }
        new = [
            book
            for scene in scenes.values()
            for book in beyond_tolerance(scene, books)
            if (book.scene, book.merchant_id or store.WHOLE) not in stopped
        ]
        for book in new:
            await _add(house, connection, book, is_stopped=True, by=_MACHINE, reason="tolerance")
    return len(new)


async def lift_stop(
    house: House, *, scene: str, merchant_id: int | None, by: str, reason: str
) -> store.Stop | Refused:
    """Let new loans go on, by a person; the next close of day looks again."""
    async with house.database.transaction() as connection:
        place = (scene, merchant_id or store.WHOLE)
        standing = {(s.scene, s.merchant_id): s for s in await store.read_stops(connection)}
        last = standing.get(place)
        if last is None or not last.is_stopped:
            return refuse(SCENE_NOT_STOPPED)
        closed_on = await purchase_store.closed_on(connection, place[1])
        if closed_on is not None:
            return refuse(SCENE_MERCHANT_CLOSED, closed_on=closed_on.isoformat())
        book = SceneBook(
            scene=scene,
            merchant_id=merchant_id,
            loans_count=last.loans_count,
            owed_minor=last.owed_minor,
            late_minor=last.late_minor,
        )
        return await _add(house, connection, book, is_stopped=False, by=by, reason=reason)


async def list_scenes(house: House) -> list[dict[str, Any]]:
    """Return every scene with its rules, merchants, figures of its book, and stops."""
    on = await house.business_date()
    scenes = house.catalogue.scenes.current(on)
    async with house.database.connection() as connection:
        payees = await store.read_payees(connection)
        books = await store.read_books(connection, scenes, on)
        stops = {(s.scene, s.merchant_id): s for s in await store.read_stops(connection)}
        closed = await purchase_store.closures(connection)
    return [
        {
            "code": scene.code,
            "name_zh": scene.name_zh,
            "name_en": scene.name_en,
            "purposes": list(scene.purposes),
            "version": scene.version,
            "currency": scene.currency,
            "limit_minor": scene.limit_minor,
            "tenors_months": list(scene.tenors_months),
            "late_ppm_max": scene.late_ppm_max,
            "documents": list(scene.documents),
            "ahead_ppm": scene.ahead_ppm,
            "needs_licence": scene.needs_licence,
            "cooling_off_days": scene.cooling_off_days,
            "cancelled_refund_ppm": scene.cancelled_refund_ppm,
            "refund_days": scene.refund_days,
            "products": [t.code for t in house.catalogue.all() if scene.code in t.scenes],
            **_figures(books, stops, scene.code, None),
            "merchants": [
                _merchant(payee, books, stops, closed)
                for payee in payees
                if payee.scene == scene.code
            ],
        }
        for scene in scenes.values()
    ]


async def list_merchants(
    house: House, *, scene: str | None, page: int, after: int = 0, is_back: bool = False
) -> list[dict[str, Any]]:
    """Return a page of merchants of scenes by their numbers, with the figures of their books."""
    on = await house.business_date()
    scenes = house.catalogue.scenes.current(on)
    async with house.database.connection() as connection:
        payees = await store.read_payees(
            connection, scene=scene, after=after, page=page, is_back=is_back
        )
        books = await store.read_books(connection, scenes, on)
        stops = {(s.scene, s.merchant_id): s for s in await store.read_stops(connection)}
        closed = await purchase_store.closures(connection)
    return [{"scene": payee.scene, **_merchant(payee, books, stops, closed)} for payee in payees]


def _merchant(
    payee: store.Payee,
    books: Sequence[SceneBook],
    stops: dict[tuple[str, int], store.Stop],
    closed: Mapping[int, date],
) -> dict[str, Any]:
    return {
        "id": ids.to_text(ids.MERCHANT, payee.merchant_id),
        "name": payee.name,
        "payee_ref": payee.payee_ref,
        "closed_on": closed.get(payee.merchant_id),
        **_figures(books, stops, payee.scene, payee.merchant_id),
    }


def _figures(
    books: Sequence[SceneBook],
    stops: dict[tuple[str, int], store.Stop],
    scene: str,
    merchant_id: int | None,
) -> dict[str, Any]:
    book = next((b for b in books if (b.scene, b.merchant_id) == (scene, merchant_id)), None)
    stop = stops.get((scene, merchant_id or store.WHOLE))
    return {
        "is_stopped": stop is not None and stop.is_stopped,
        "loans_count": 0 if book is None else book.loans_count,
        "owed_minor": 0 if book is None else book.owed_minor,
        "late_minor": 0 if book is None else book.late_minor,
        "late_ppm": 0 if book is None else book.late_ppm,
    }


async def _register(
    house: House, actor: Actor, wish: PayeeWish, payload: dict[str, Value], act: Act
) -> store.Payee:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        last = wish.merchant_id and await store.payee_of(connection, wish.merchant_id)
        if wish.merchant_id is not None and (not last or last.scene != wish.scene):
            raise RefusedError(refuse(SCENE_PAYEE_UNKNOWN, scene=wish.scene))
        payee = store.Payee(
            merchant_id=wish.merchant_id or house.ids.next(),
            version_no=last.version_no + 1 if last else 1,
            scene=wish.scene,
            name=wish.name,
            payee_ref=wish.payee_ref,
            asked_by=approval.requested_by,
            approved_by=approval.decided_by,
            approval_id=approval.approval_id,
            registered_at=now,
        )
        await store.add_payee(connection, payee)
        await note(house, connection, actor, act)
        fields: dict[str, Value] = {
            "act": "scene_payee",
            "approval": ids.to_text(ids.APPROVAL, payee.approval_id),
            "scene": payee.scene,
            "version": payee.version_no,
        }
        leaf = house.leaves.stage(
            HOUSE, house.ids.next(), LeafType.APPROVAL, payee.merchant_id, fields
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return payee


async def _add(
    house: House, connection: Connection, book: SceneBook, *, is_stopped: bool, by: str, reason: str
) -> store.Stop:
    stop = store.Stop(
        stop_id=house.ids.next(),
        scene=book.scene,
        merchant_id=book.merchant_id or store.WHOLE,
        is_stopped=is_stopped,
        loans_count=book.loans_count,
        owed_minor=book.owed_minor,
        late_minor=book.late_minor,
        by=by,
        reason=reason,
        at=house.clock.now(),
    )
    await store.add_stop(connection, stop)
    return stop
