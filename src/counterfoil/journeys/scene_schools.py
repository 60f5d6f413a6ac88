"""Merchants that teach: their licences, the progress of courses, and a merchant that closes.

Invariant   Progress is never taken back. A merchant that has closed stays closed: its stop is not
            lifted. What runs goes on; what it owes back goes to the loans.
"""

from dataclasses import dataclass
from datetime import date

from counterfoil.journeys.house import House
from counterfoil.journeys.scene_purchases import purchase_document
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import purchase_store as store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending import scene_store
from counterfoil.lending.scene_purchase import PurchaseState, refuse_progress
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceWish:
    """A school's licence as it was shown."""

    merchant_id: int
    number: str
    authority: str
    valid_until: date
    document_sha256: bytes


async def record_licence(
    house: House, actor: Actor, wish: LicenceWish, *, by: str
) -> store.Licence | Refused:
    """Record a school's licence; the last one holds."""
    licence = store.Licence(
        merchant_id=wish.merchant_id,
        licence_id=house.ids.next(),
        number=wish.number,
        authority=wish.authority,
        valid_until=wish.valid_until,
        document_sha256=wish.document_sha256,
        recorded_by=by,
        recorded_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        if await _scene_of(connection, wish.merchant_id) is None:
            return refuse(refusals.SCENE_MERCHANT_UNKNOWN)
        await store.add_licence(connection, licence)
        await _note(house, connection, actor, "scene_licence", wish.merchant_id, wish.number)
    return licence


async def report_progress(
    house: House,
    *,
    customer_id: int,
    purchase_id: int,
    progress_ppm: int,
    proof_sha256: bytes,
    by: str,
) -> dict[str, object] | Refused:
    """Report how much of a course was given, with the digest of what proves it."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        if not await store.hold_purchase(connection, customer_id, purchase_id):
            return refuse(refusals.SCENE_PURCHASE_NOT_FOUND)
        state = await _state(connection, customer_id, purchase_id)
        refused = refuse_progress(state.purchase, progress_ppm, last_ppm=state.progress_ppm, on=on)
        if refused is not None:
            return refused
        await store.add_progress(
            connection,
            state.purchase,
            progress_ppm=progress_ppm,
            proof_sha256=proof_sha256,
            by=by,
            at=now,
        )
        return purchase_document(await _state(connection, customer_id, purchase_id))


async def close_merchant(
    house: House, actor: Actor, *, merchant_id: int, closed_on: date, reason: str, by: str
) -> date | Refused:
    """Write that a merchant delivers no more, and stop its new loans for good."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        scene = await _scene_of(connection, merchant_id)
        if scene is None:
            return refuse(refusals.SCENE_MERCHANT_UNKNOWN)
        is_new = await store.add_closure(
            connection, merchant_id, closed_on=closed_on, reason=reason, by=by, at=now
        )
        if not is_new:
            since = await store.closed_on(connection, merchant_id)
            assert since is not None, "it was closed before"
            return refuse(refusals.SCENE_MERCHANT_CLOSED, closed_on=since.isoformat())
        stop = scene_store.Stop(
            stop_id=house.ids.next(),
            scene=scene,
            merchant_id=merchant_id,
            is_stopped=True,
            loans_count=0,
            owed_minor=0,
            late_minor=0,
            by=by,
            reason=reason,
            at=now,
        )
        await scene_store.add_stop(connection, stop)
        await _note(house, connection, actor, "scene_closure", merchant_id, reason)
    return closed_on


async def _scene_of(connection: Connection, merchant_id: int) -> str | None:
    payees = await scene_store.read_payees(connection)
    return next((payee.scene for payee in payees if payee.merchant_id == merchant_id), None)


async def _state(connection: Connection, customer_id: int, purchase_id: int) -> PurchaseState:
    states = await store.read_purchases(connection, customer_id=customer_id)
    return next(state for state in states if state.purchase.purchase_id == purchase_id)


async def _note(
    house: House, connection: Connection, actor: Actor, name: str, merchant_id: int, reason: str
) -> None:
    act = Act(name=name, subject=ids.to_text(ids.MERCHANT, merchant_id), reason=reason)
    await note(house, connection, actor, act)
