"""Requests of persons about their own data: received, identified, answered or refused, in time.

The story   The customer asks; by the house's word the answer is due within `rights_days`. Who asks
            must be known to be the customer: the host says how, or staff note it. Staff answer or
            refuse with a reason that the person is told.
Answers     Do what was asked: what is to be seen is exported first; a stated value is stated anew
            or contested, a name or number with a second person; restricting withdraws every
            optional consent and stops what the machine does beyond the contract; objecting has a
            person decide from now on; deleting names what goes and what law keeps, with rule and
            date.
Recorded    Every step is an event that stays, a line of the trail, and told through the outbox.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import orjson

from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.features.feature import Value
from counterfoil.journeys.guarding.export_person import PersonExport, export_person
from counterfoil.journeys.guarding.rights_effects import Effect, carry_out
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.privacy import rights as transitions
from counterfoil.privacy import rights_store as store
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import RIGHTS_NOT_ALLOWED, RIGHTS_REQUEST_NOT_FOUND
from counterfoil.privacy.rights import Right, RightsAct, RightsEvent, RightsRequest

#: What the access matrix calls the right to answer.
PERMISSION: Final = "rights"
#: Longest that a person's own words are kept.
SAID_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsWish:
    """What a customer asks."""

    customer_id: int
    kind: Right
    #: A feature, a field or an application; empty where it is about all.
    about: str
    said: str
    #: How the host knows that it is the customer; empty where it does not.
    method: str
    #: Through whom it came.
    by: str


async def ask_right(house: House, wish: RightsWish) -> RightsRequest | Refused:
    """Receive a request; the same one while it is open is the same."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        if await customers.read_customer(connection, wish.customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        for known in await store.requests_of(connection, wish.customer_id):
            is_same = (known.kind, known.about) == (wish.kind, wish.about)
            if is_same and known.conclusion is None:
                return known
        event = RightsEvent(
            event_no=1,
            act=RightsAct.IDENTIFIED,
            person=wish.by,
            method=wish.method,
            reason="",
            detail="{}",
            at=now,
        )
        request = RightsRequest(
            customer_id=wish.customer_id,
            request_id=house.ids.next(),
            kind=wish.kind,
            about=mask_free_text(wish.about),
            said=mask_free_text(wish.said)[:SAID_LENGTH_MAX],
            received_at=now,
            received_by=wish.by,
            due_on=now.date() + timedelta(days=house.settings.rights_days),
            events=(event,) if wish.method.strip() else (),
        )
        await store.add_request(connection, request)
        await _tell(house, connection, request)
        await note(
            house, connection, Actor(name=wish.by, role="", source="api"), _act("asked", request)
        )
    return request


async def identify(
    house: House, actor: Actor, *, customer_id: int, request_id: int, method: str
) -> RightsRequest | Refused:
    """Note how staff know that the person is the customer."""
    return await _go_on(
        house,
        actor,
        (customer_id, request_id),
        "identified",
        lambda found: transitions.identify(
            found, by=actor.name, method=mask_free_text(method), at=house.clock.now()
        ),
    )


async def turn_down(
    house: House, actor: Actor, *, customer_id: int, request_id: int, reason: str
) -> RightsRequest | Refused:
    """Refuse a request with the reason that the person is told."""
    return await _go_on(
        house,
        actor,
        (customer_id, request_id),
        "refused",
        lambda found: transitions.turn_down(
            found, by=actor.name, reason=mask_free_text(reason), at=house.clock.now()
        ),
    )


async def withdraw(
    house: House, *, customer_id: int, request_id: int, by: str
) -> RightsRequest | Refused:
    """End a request at the customer's wish."""
    actor = Actor(name=by, role="", source="api")
    return await _go_on(
        house,
        actor,
        (customer_id, request_id),
        "withdrawn",
        lambda found: transitions.withdraw(found, by=by, at=house.clock.now()),
        is_staff=False,
    )


async def export(
    house: House, actor: Actor, *, customer_id: int, request_id: int
) -> PersonExport | Refused:
    """Gather everything about the customer for an identified request, and note what was given."""
    found = await read_request(house, customer_id=customer_id, request_id=request_id)
    if isinstance(found, Refused):
        return found
    now = house.clock.now()
    ready = transitions.exported(found, by=actor.name, sha256="", at=now)
    if isinstance(ready, Refused):
        return ready
    record = ids.to_text(ids.RIGHTS_REQUEST, request_id)
    made = await export_person(
        house,
        actor,
        customer_id=customer_id,
        ticket=record,
        reason=f"the person's right: {found.kind}",
    )
    if isinstance(made, Refused):
        return made
    noted = await _go_on(
        house,
        actor,
        (customer_id, request_id),
        "exported",
        lambda locked: transitions.exported(locked, by=actor.name, sha256=made.sha256, at=now),
        is_staff=False,
    )
    return noted if isinstance(noted, Refused) else made


async def answer(
    house: House,
    actor: Actor,
    *,
    customer_id: int,
    request_id: int,
    reason: str,
    value: Value | None = None,
) -> RightsRequest | Refused:
    """Do what was asked and say so; `value` is what a corrected fact really is.

    What is done first can be done twice without harm, so that a crash in between loses nothing.
    """
    refused = _barred(actor)
    found = await read_request(house, customer_id=customer_id, request_id=request_id)
    if isinstance(found, Refused):
        return found
    act = _act("answered", found, reason)
    refused = refused or transitions.refuse_answer(found, reason)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    done = await carry_out(house, actor, found, value)
    if isinstance(done, Refused):
        return await note_refusal(house, actor, act, done)
    effect: Effect = done
    return await _go_on(
        house,
        actor,
        (customer_id, request_id),
        "answered",
        lambda locked: transitions.answer(
            locked,
            by=actor.name,
            reason=mask_free_text(reason),
            detail=effect,
            at=house.clock.now(),
        ),
    )


async def read_request(
    house: House, *, customer_id: int, request_id: int
) -> RightsRequest | Refused:
    """Return one request."""
    async with house.database.connection() as connection:
        found = await store.read_request(connection, customer_id, request_id)
    return found or refuse(RIGHTS_REQUEST_NOT_FOUND)


async def open_requests(house: House, *, everything: bool = False) -> list[RightsRequest]:
    """Return what waits for an answer, the nearest deadline first; or all, newest first."""
    async with house.database.connection() as connection:
        return await (store.every_request if everything else store.open_requests)(connection)


async def requests_of(
    house: House,
    customer_id: int,
    *,
    page: int = store.PAGE,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[RightsRequest]:
    """Return a page of what one customer asked, newest first."""
    async with house.database.connection() as connection:
        return await store.requests_of(
            connection, customer_id, page=page, before=before, is_back=is_back
        )


def today(house: House) -> date:
    """Return the day that the clocks of requests are read against: the calendar's."""
    return house.clock.now().date()


async def _go_on(
    house: House,
    actor: Actor,
    key: tuple[int, int],
    name: str,
    step: transitions.Step,
    *,
    is_staff: bool = True,
) -> RightsRequest | Refused:
    """Take one step with a locked request, and write it down."""
    refused = _barred(actor) if is_staff else None
    named = Act(
        name=f"rights_{name}",
        customer_ids=[key[0]],
        subject=ids.to_text(ids.RIGHTS_REQUEST, key[1]),
    )
    if refused is not None:
        return await note_refusal(house, actor, named, refused)
    async with house.database.transaction() as connection:
        found = await store.lock_request(connection, *key)
        if found is None:
            return refuse(RIGHTS_REQUEST_NOT_FOUND)
        after = step(found)
        if isinstance(after, RightsRequest) and after != found:
            await store.add_last_event(connection, after)
            await _tell(house, connection, after)
            await note(house, connection, actor, _act(name, after, after.events[-1].reason))
    return await note_refusal(house, actor, named, after) if isinstance(after, Refused) else after


async def _tell(house: House, connection: Connection, request: RightsRequest) -> None:
    """Let whoever speaks with the customer hear how the request stands, through the outbox."""
    detail = {"kind": request.kind.value, "status": request.state.value}
    event = (
        house.ids.next(),
        request.customer_id,
        "rights_request",
        request.request_id,
        orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode(),
        house.clock.now(),
    )
    await PLATFORM.add_events.execute(connection, rows=[event])


def _barred(actor: Actor) -> Refused | None:
    allowed = PERMISSION in load_matrix().rights_for(actor).permissions
    return None if allowed else refuse(RIGHTS_NOT_ALLOWED)


def _act(name: str, request: RightsRequest, reason: str = "") -> Act:
    return Act(
        name=f"rights_{name}",
        customer_ids=[request.customer_id],
        subject=ids.to_text(ids.RIGHTS_REQUEST, request.request_id),
        purpose=request.kind.value,
        reason=reason,
    )
