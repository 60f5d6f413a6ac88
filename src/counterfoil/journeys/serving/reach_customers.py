"""A customer whom no channel reaches becomes somebody's case.

The story   A message that nobody could deliver opens a case, or joins the one that is open. A
            person takes it, reaches the customer in another way, and notes how it ended; or an
            address is there again, and everything that lay there goes out once more.
Invariant   One case of a customer is open at a time, and no undeliverable message is without one.
            Ending a case, sending again, the line of the trail and the event are one transaction.
"""

from collections.abc import Callable, Sequence
from typing import Final

from counterfoil.customers import contact_case as transitions
from counterfoil.customers import contact_case_store as store
from counterfoil.customers.contact_case import (
    NOTE_LENGTH_MAX,
    ContactCase,
    ContactStatus,
    ContactStep,
    days_to_reach,
)
from counterfoil.customers.message import Message
from counterfoil.customers.refusals import CONTACT_CASE_NOT_FOUND
from counterfoil.journeys.deciding.review import refuse_role
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_working_days
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Row
from counterfoil.privacy.masking import mask_free_text
from counterfoil.rules.shelf import working_days

_OPENED: Final = "contact_case_opened"
_ENDED: Final = "contact_case_ended"


async def open_for(house: House, connection: Connection, message: Message) -> None:
    """Put a message that nobody could deliver before people."""
    on = await PLATFORM.business_date.fetchval(connection)
    days = days_to_reach(is_legal=message.is_legal)
    case = ContactCase(
        customer_id=message.customer_id,
        case_id=house.ids.next(),
        opened_at=house.clock.now(),
        due_on=add_working_days(on, days, days=working_days()),
        is_legal=message.is_legal,
    )
    if await store.open_case(connection, case, message_id=message.message_id):
        await _tell(house, connection, case, _OPENED)


async def settle(house: House, connection: Connection, customer_id: int, *, by: str) -> None:
    """End the customer's case where its last message was taken out of it to be sent again."""
    case = await store.lock_case(connection, customer_id, None)
    if case is not None and await store.is_settled(connection, case):
        await _send_again(house, connection, case, by=by)


async def address_came(house: House, connection: Connection, customer_id: int, *, by: str) -> int:
    """Send everything again to a customer with a new address; return how many messages."""
    case = await store.lock_case(connection, customer_id, None)
    if case is None:
        return 0
    return await _send_again(house, connection, case, by=by)


async def take_contact_case(
    house: House, actor: Actor, *, customer_id: int, case_id: int, gives_back: bool = False
) -> ContactCase | Refused:
    """Make a case somebody's task, or put it back into the queue."""

    def move(case: ContactCase) -> ContactCase | Refused:
        step = transitions.give_back if gives_back else transitions.take
        return step(case, by=actor.name)

    act = _act("contact_released" if gives_back else "contact_taken", customer_id, case_id)
    return await _move(house, actor, act, (customer_id, case_id), move)


async def note_contact(
    house: House,
    actor: Actor,
    *,
    customer_id: int,
    case_id: int,
    step: ContactStep,
    said: str = "",
) -> ContactCase | Refused:
    """Note what was done to reach a customer; sending again takes everything of the case."""
    now, masked = house.clock.now(), mask_free_text(said)[:NOTE_LENGTH_MAX]

    def move(case: ContactCase) -> ContactCase | Refused:
        return transitions.go_on(case, step, by=actor.name, note=masked, at=now)

    act = _act(f"contact_{step}", customer_id, case_id, masked)
    return await _move(house, actor, act, (customer_id, case_id), move)


async def see_contact_case(
    house: House, *, customer_id: int, case_id: int
) -> tuple[ContactCase, Sequence[Row]] | Refused:
    """Return a case with what the customer was to be told."""
    async with house.database.connection() as connection:
        case = await store.read_case(connection, customer_id, case_id)
        if case is None:
            return refuse(CONTACT_CASE_NOT_FOUND)
        return case, await store.messages_of_case(connection, case)


async def _move(
    house: House,
    actor: Actor,
    act: Act,
    key: tuple[int, int],
    move: Callable[[ContactCase], ContactCase | Refused],
) -> ContactCase | Refused:
    """Move a case under its lock, by somebody who may."""
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    async with house.database.transaction() as connection:
        case = await store.lock_case(connection, *key)
        if case is None:
            return refuse(CONTACT_CASE_NOT_FOUND)
        after = move(case)
        if isinstance(after, Refused) or after == case:
            return after
        await store.change_case(connection, after)
        await note(house, connection, actor, act)
        if after.status is ContactStatus.SENT_AGAIN:
            await store.queue_again(connection, after, now=house.clock.now())
        if not after.is_open:
            await _tell(house, connection, after, _ENDED)
    return after


async def _send_again(house: House, connection: Connection, case: ContactCase, *, by: str) -> int:
    now = house.clock.now()
    ended = transitions.send_again(case, by=by, at=now)
    await store.change_case(connection, ended)
    await _tell(house, connection, ended, _ENDED)
    return await store.queue_again(connection, ended, now=now)


async def _tell(house: House, connection: Connection, case: ContactCase, kind: str) -> None:
    now = house.clock.now()
    event = (house.ids.next(), case.customer_id, kind, case.case_id, "{}", now)
    await PLATFORM.add_events.execute(connection, rows=[event])


def _act(name: str, customer_id: int, case_id: int, reason: str = "") -> Act:
    subject = ids.to_text(ids.CONTACT_CASE, case_id)
    return Act(name=name, customer_ids=[customer_id], subject=subject, reason=reason)


def contact_document(case: ContactCase) -> dict[str, object]:
    """Return what an answer says of a case."""
    return {
        "id": ids.to_text(ids.CONTACT_CASE, case.case_id),
        "customer_id": ids.to_text(ids.CUSTOMER, case.customer_id),
        "opened_at": case.opened_at.isoformat(),
        "due_on": case.due_on.isoformat(),
        "is_legal": case.is_legal,
        "status": case.status.value,
        "taken_by": case.taken_by,
        "attempts": case.attempts,
        "attempted_at": case.attempted_at and case.attempted_at.isoformat(),
        "ended_at": case.ended_at and case.ended_at.isoformat(),
        "ended_by": case.ended_by,
        "note": case.note,
    }
