"""A customer asks to be called back; the queue of those who call, with a deadline.

The story   One act of the customer, in the portal or through a program, puts a request into the
            queue. A person takes it, calls, and notes what came of it; the number comes from the
            vault, shown for a purpose and on record. Both ends are told through the outbox.
Invariant   One request of a customer waits at a time: asked again it is the same one. A call
            decides nothing; whoever is called decides for themselves, later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from counterfoil.customers import call_back as transitions
from counterfoil.customers import call_store as store
from counterfoil.customers import store as customers
from counterfoil.customers.call_back import SAID_LENGTH_MAX, About, Attempt, CallRequest, Slot
from counterfoil.customers.refusals import CALL_NOT_FOUND, CUSTOMER_NOT_FOUND
from counterfoil.journeys.deciding.review import refuse_role
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.rules.shelf import working_days

_REQUESTED: Final = "call_requested"
_ENDED: Final = "call_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWish:
    """A customer's wish to be called back."""

    customer_id: int
    about: About
    slot: Slot
    #: In the customer's words; may be empty.
    said: str
    #: Through whom it came.
    by: str


async def ask_call(house: House, wish: CallWish) -> CallRequest | Refused:
    """Put a customer's wish into the queue; who waits already keeps the first request."""
    now, on = house.clock.now(), await house.business_date()
    async with house.database.transaction() as connection:
        if await customers.read_customer(connection, wish.customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        call = CallRequest(
            customer_id=wish.customer_id,
            call_id=house.ids.next(),
            about=wish.about,
            slot=wish.slot,
            said=mask_free_text(wish.said)[:SAID_LENGTH_MAX],
            requested_at=now,
            requested_by=wish.by,
            due_on=add_working_days(on, transitions.DAYS_TO_CALL, days=working_days()),
        )
        if await store.add_call(connection, call):
            await _tell(house, connection, call, _REQUESTED)
            return call
        found = await store.open_call_of(connection, wish.customer_id)
    assert found is not None, "what stood in the way is there"
    return found


async def take_call(
    house: House, actor: Actor, *, customer_id: int, call_id: int, gives_back: bool = False
) -> CallRequest | Refused:
    """Make a call somebody's task, or put it back into the queue."""

    def move(call: CallRequest) -> CallRequest | Refused:
        step = transitions.give_back if gives_back else transitions.take
        return step(call, by=actor.name)

    act = _act("call_released" if gives_back else "call_taken", customer_id, call_id)
    return await _move(house, actor, act, (customer_id, call_id), move)


async def note_call(
    house: House, actor: Actor, *, customer_id: int, call_id: int, attempt: Attempt, said: str = ""
) -> CallRequest | Refused:
    """Note what came of a call."""
    now, masked = house.clock.now(), mask_free_text(said)[:SAID_LENGTH_MAX]

    def move(call: CallRequest) -> CallRequest | Refused:
        return transitions.note_attempt(call, attempt, by=actor.name, note=masked, at=now)

    act = _act(f"call_{attempt}", customer_id, call_id, masked)
    return await _move(house, actor, act, (customer_id, call_id), move)


async def withdraw_call(
    house: House, *, customer_id: int, call_id: int, by: str
) -> CallRequest | Refused:
    """End a request at the customer's wish."""
    async with house.database.transaction() as connection:
        call = await store.lock_call(connection, customer_id, call_id)
        if call is None:
            return refuse(CALL_NOT_FOUND)
        after = transitions.withdraw(call, by=by, at=house.clock.now())
        if not isinstance(after, Refused) and after != call:
            await store.change_call(connection, after)
    return after


async def read_call(house: House, *, customer_id: int, call_id: int) -> CallRequest | Refused:
    """Return a request."""
    async with house.database.connection() as connection:
        found = await store.read_call(connection, customer_id, call_id)
    return found or refuse(CALL_NOT_FOUND)


async def _move(
    house: House,
    actor: Actor,
    act: Act,
    key: tuple[int, int],
    move: Callable[[CallRequest], CallRequest | Refused],
) -> CallRequest | Refused:
    """Move a request under its lock, by somebody who may."""
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    async with house.database.transaction() as connection:
        call = await store.lock_call(connection, *key)
        if call is None:
            return refuse(CALL_NOT_FOUND)
        after = move(call)
        if isinstance(after, Refused) or after == call:
            return after
        await store.change_call(connection, after)
        await note(house, connection, actor, act)
        if not after.is_open:
            await _tell(house, connection, after, _ENDED)
    return after


async def _tell(house: House, connection: Connection, call: CallRequest, kind: str) -> None:
    now = house.clock.now()
    event = (house.ids.next(), call.customer_id, kind, call.call_id, "{}", now)
    await PLATFORM.add_events.execute(connection, rows=[event])


def _act(name: str, customer_id: int, call_id: int, reason: str = "") -> Act:
    subject = ids.to_text(ids.CALL_REQUEST, call_id)
    return Act(name=name, customer_ids=[customer_id], subject=subject, reason=reason)


def call_document(call: CallRequest) -> dict[str, object]:
    """Return what an answer says of a request."""
    return {
        "id": ids.to_text(ids.CALL_REQUEST, call.call_id),
        "customer_id": ids.to_text(ids.CUSTOMER, call.customer_id),
        "about": call.about.value,
        "slot": call.slot.value,
        "said": call.said,
        "requested_at": call.requested_at.isoformat(),
        "due_on": call.due_on.isoformat(),
        "status": call.status.value,
        "taken_by": call.taken_by,
        "missed": call.missed,
        "ended_at": call.ended_at and call.ended_at.isoformat(),
        "ended_by": call.ended_by,
        "note": call.note,
    }
