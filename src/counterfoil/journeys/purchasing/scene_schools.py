"""Merchants: their licences, the progress of what was bought there, and a merchant that closes.

Invariant   Progress is never taken back. A merchant that has closed stays closed: its stop is not
            lifted, and it owes back what it was paid and did not give, purchase by purchase. Loans
            go on; what comes back goes to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing.scene_purchases import purchase_document
from counterfoil.journeys.purchasing.scene_refunds import claim
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import purchase_store as store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending import scene_store
from counterfoil.lending.scene_purchase import (
    Cause,
    PurchaseState,
    due_back_minor,
    refuse_progress,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRecord:
    """A merchant: where it is paid, whether it may be, and what was bought of it."""

    payee: scene_store.Payee
    #: The one recorded last; None where none was.
    licence: store.Licence | None
    closed_on: date | None
    #: The newest first.
    purchases: Sequence[PurchaseState]


async def read_merchant(house: House, merchant_id: int, *, page: int) -> MerchantRecord | None:
    """Return a merchant with the last of its purchases; None where there is none."""
    async with house.database.connection() as connection:
        payee = await scene_store.payee_of(connection, merchant_id)
        if payee is None:
            return None
        return MerchantRecord(
            payee=payee,
            licence=await store.present_licence(connection, merchant_id),
            closed_on=await store.closed_on(connection, merchant_id),
            purchases=await store.last_purchases(connection, merchant_id, page=page),
        )


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
        if await scene_store.payee_of(connection, wish.merchant_id) is None:
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
        await store.hold_purchase(connection, customer_id, purchase_id)
        state = await store.read_purchase(connection, customer_id, purchase_id)
        if state is None:
            return refuse(refusals.SCENE_PURCHASE_NOT_FOUND)
        refused = refuse_progress(state, progress_ppm, on=on)
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
        given = replace(state, progress_ppm=progress_ppm)
    return purchase_document(house.catalogue.scenes, given)


async def close_merchant(
    house: House, actor: Actor, *, merchant_id: int, closed_on: date, reason: str, by: str
) -> date | Refused:
    """Write that a merchant delivers no more, and stop its new loans for good."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        payee = await scene_store.payee_of(connection, merchant_id)
        if payee is None:
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
            scene=payee.scene,
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
        await _claim_back(house, connection, merchant_id, by=by)
        await _note(house, connection, actor, "scene_closure", merchant_id, reason)
    return closed_on


async def _claim_back(house: House, connection: Connection, merchant_id: int, *, by: str) -> None:
    """Claim back what a merchant was paid and did not give, however many bought there."""
    after = 0
    while states := await store.read_purchases(connection, merchant_id=merchant_id, after=after):
        for state in states:
            purchase = state.purchase
            await store.hold_purchase(connection, purchase.customer_id, purchase.purchase_id)
            held = await store.read_purchase(connection, purchase.customer_id, purchase.purchase_id)
            assert held is not None, "a purchase stays"
            if due_back_minor(held):
                await claim(house, connection, held, Cause.CLOSURE, by=by)
        after = states[-1].purchase.purchase_id


async def _note(
    house: House, connection: Connection, actor: Actor, name: str, merchant_id: int, reason: str
) -> None:
    act = Act(name=name, subject=ids.to_text(ids.MERCHANT, merchant_id), reason=reason)
    await note(house, connection, actor, act)
