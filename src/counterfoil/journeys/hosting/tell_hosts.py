"""Telling hosts what happened: from the outbox to a signed notice, as often as it takes.

Take        Events become notices in the transaction that moves the cursor; one a host and event.
Deliver     A page of due notices is leased and committed, then posted, then what came of it is
            written down. A crash in between leaves a lease that ends: the notice is sent again
            under the same identifier.
Bounds      Only to the host's registered address, within its registered origins, while the host is
            active. A host that does not answer holds nobody up and no money: the books are done.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.hosts import delivery as notices
from counterfoil.hosts import delivery_store as store
from counterfoil.hosts import store as host_store
from counterfoil.hosts.delivery import (
    EVENTS,
    LEASE,
    LINK_EVENTS,
    LOAN_CLOSED,
    OVERLAP,
    PAGE_EVENTS,
    REPAYMENT_EVENTS,
    TEST,
    Delivery,
    DeliveryState,
    next_attempt,
    signed_headers,
)
from counterfoil.hosts.host import Host, assessed_as, refuse_address
from counterfoil.hosts.link import SubjectKind
from counterfoil.hosts.port import HookAnswer, Hooks
from counterfoil.hosts.refusals import (
    DELIVERY_NOT_FOUND,
    HOST_NOT_ALLOWED,
    HOST_NOT_FOUND,
    WEBHOOK_MISSING,
)
from counterfoil.journeys.hosting.hosts import is_sandbox, may_look_after
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.repaid_store import Repaid, loans_of_repayments
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection
from counterfoil.platform.files import write_once
from counterfoil.platform.outbox import Consumer, Event
from counterfoil.privacy import envelope
from counterfoil.privacy.assessment import Processing

CONSUMER: Final = "hosts"
#: Notices under way at once; a slow host takes no more than these.
AT_ONCE: Final = 32
_NOBODY: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addressee:
    """A host as notices need it."""

    host: Host | None
    secrets: tuple[str, ...]


def hosts_consumer(house: House) -> Consumer:
    """Return the reader of the outbox that tells hosts."""
    return Consumer(house.database, name=CONSUMER, kinds=sorted(EVENTS))


async def take_events(house: House, consumer: Consumer) -> int:
    """Turn the next page of events into notices; return how many events were passed."""

    async def handle(connection: Connection, events: Sequence[Event]) -> None:
        await _take(house, connection, events)

    return await consumer.take(handle)


async def deliver_due(house: House, hooks: Hooks) -> int:
    """Send the notices whose time has come; return how many were tried."""
    now = house.wall.now()
    async with house.database.transaction() as connection:
        due = await store.lease_deliveries(
            connection, now=now, leased_until=now + LEASE, page=AT_ONCE
        )
        known = await _addressees(house, connection, {item.host_id for item in due})
    answers = await asyncio.gather(
        *[_send(house, hooks, item, known[item.host_id]) for item in due]
    )
    now = house.wall.now()
    async with house.database.transaction() as connection:
        for item, answer in zip(due, answers, strict=True):
            next_at = next_attempt(item.attempts, now=now)
            await store.end_attempt(connection, item, answer, next_at=next_at, now=now)
    return len(due)


async def renew_secret(house: House, actor: Actor, *, host_id: int, reason: str) -> str | Refused:
    """Make a secret and return it, once; the one before signs along for a day."""
    secret, now = notices.new_secret(), house.wall.now()
    secret_id = house.ids.next()
    act = Act(name="host_secret", subject=ids.to_text(ids.HOST, host_id), reason=reason)
    if not may_look_after(actor):
        return await note_refusal(house, actor, act, refuse(HOST_NOT_ALLOWED))
    async with house.database.transaction() as connection:
        if await host_store.read_host(connection, host_id) is None:
            return refuse(HOST_NOT_FOUND)
        await store.QUERIES.end_secrets.execute(connection, host_id=host_id, ends_at=now + OVERLAP)
        await store.QUERIES.add_secret.execute(
            connection,
            host_id=host_id,
            secret_id=secret_id,
            sealed=envelope.encrypt(_key(house), secret.encode(), _place(secret_id)),
            made_by=actor.name,
            made_at=now,
        )
        await note(house, connection, actor, act)
    return secret


async def send_test(house: House, host: Host) -> Delivery | Refused:
    """Put a test into a host's notices."""
    now, delivery_id = house.wall.now(), house.ids.next()
    made = _delivery(house, _NOBODY, host.host_id, delivery_id, TEST, notices.test_body(now))
    async with house.database.transaction() as connection:
        known = await _addressees(house, connection, {host.host_id})
        if host.terms.webhook_url is None or not known[host.host_id].secrets:
            return refuse(WEBHOOK_MISSING)
        await store.add_deliveries(connection, [made], at=now)
    return made


async def resend(
    house: House, actor: Actor, delivery_id: int, *, host_id: int | None = None
) -> Delivery | Refused:
    """Send a notice again, whatever became of it; `host_id` is the host's own that asks."""
    act = Act(name="host_notice_resent", subject=ids.to_text(ids.DELIVERY, delivery_id))
    if host_id is None and not may_look_after(actor):
        return await note_refusal(house, actor, act, refuse(HOST_NOT_ALLOWED))
    async with house.database.transaction() as connection:
        again = await store.resend(
            connection, delivery_id=delivery_id, host_id=host_id, now=house.wall.now()
        )
        if again is None:
            return refuse(DELIVERY_NOT_FOUND)
        await note(house, connection, actor, act)
    return again


async def list_deliveries(
    house: House,
    *,
    host_id: int | None = None,
    state: DeliveryState | None = None,
    before: int = store.NEWEST,
    page: int = 100,
    is_back: bool = False,
) -> list[store.Listed]:
    """Return notices, newest first."""
    async with house.database.connection() as connection:
        return await store.read_deliveries(
            connection, host_id=host_id, state=state, before=before, page=page, is_back=is_back
        )


async def _take(house: House, connection: Connection, events: Sequence[Event]) -> None:
    hosts = await _hosts_of(connection, events)
    made = []
    for place, (host_id, reference) in sorted(hosts.items()):
        event = events[place]
        told = EVENTS[event.kind]
        body = notices.body_of(
            told, reference=reference, subject_id=event.subject_id, at=event.created_at
        )
        made.append(_delivery(house, event.customer_id, host_id, event.event_id, told.type, body))
    made += await _of_repayments(house, connection, events)
    if made:
        await store.add_deliveries(connection, made, at=house.wall.now())


async def _of_repayments(
    house: House, connection: Connection, events: Sequence[Event]
) -> list[Delivery]:
    """Return the notices of repayments: one a host, of the loan that was closed, or the first.

    Customers whom no host knows cost one look at the links and nothing else.
    """
    places = [i for i, e in enumerate(events) if e.kind in REPAYMENT_EVENTS]
    if not places:
        return []
    rows = await store.QUERIES.customers_of_hosts.fetch(
        connection, customer_ids=sorted({events[i].customer_id for i in places})
    )
    known = {row["customer_id"] for row in rows}
    asked = [(i, events[i].customer_id, events[i].subject_id) for i in places]
    repaid = await loans_of_repayments(connection, [one for one in asked if one[1] in known])
    if not repaid:
        return []
    rows = await store.QUERIES.hosts_of_subjects.fetch(
        connection,
        # Of the loans, in their order; what they are of is told by that order again.
        places=list(range(len(repaid))),
        customer_ids=[events[one.place].customer_id for one in repaid],
        kinds=[SubjectKind.LOAN.value for _ in repaid],
        subject_ids=[one.loan_id for one in repaid],
    )
    chosen: dict[tuple[int, int], tuple[Repaid, str]] = {}
    for row in sorted(rows, key=lambda row: row["place"]):
        one = repaid[row["place"]]
        key = (one.place, row["host_id"])
        if key not in chosen or (one.is_closed and not chosen[key][0].is_closed):
            chosen[key] = (one, row["reference"])
    made = []
    for (place, host_id), (one, reference) in chosen.items():
        event = events[place]
        is_closing = one.is_closed and event.kind == "repayment_booked"
        told = LOAN_CLOSED if is_closing else EVENTS[event.kind]
        body = notices.body_of(
            told, reference=reference, subject_id=one.loan_id, at=event.created_at
        )
        made.append(_delivery(house, event.customer_id, host_id, event.event_id, told.type, body))
    return made


async def _hosts_of(
    connection: Connection, events: Sequence[Event]
) -> Mapping[int, tuple[int, str]]:
    """Return host and reference by the place of an event; events of no host are left out."""
    queries = store.QUERIES
    found: dict[int, tuple[int, str]] = {}
    groups = (
        (queries.hosts_of_links, [i for i, e in enumerate(events) if e.kind in LINK_EVENTS]),
        (queries.hosts_of_pages, [i for i, e in enumerate(events) if e.kind in PAGE_EVENTS]),
        (queries.hosts_of_subjects, [i for i, e in enumerate(events) if EVENTS[e.kind].subject]),
    )
    for query, places in groups:
        if not places:
            continue
        asked: dict[str, object] = {
            "places": places,
            "customer_ids": [events[i].customer_id for i in places],
            "subject_ids": [events[i].subject_id for i in places],
        }
        if query is queries.hosts_of_subjects:
            asked["kinds"] = [EVENTS[events[i].kind].subject for i in places]
        for row in await query.fetch(connection, **asked):
            found[row["place"]] = (row["host_id"], row["reference"])
    return found


def _delivery(
    house: House, customer_id: int, host_id: int, event_id: int, kind: str, payload: str
) -> Delivery:
    now = house.wall.now()
    return Delivery(
        customer_id=customer_id,
        delivery_id=house.ids.next(),
        host_id=host_id,
        event_id=event_id,
        kind=kind,
        payload=payload,
        state=DeliveryState.WAITING,
        attempts=0,
        next_at=now,
        made_at=now,
        ended_at=None,
    )


async def _addressees(
    house: House, connection: Connection, host_ids: set[int]
) -> dict[int, _Addressee]:
    rows = await store.QUERIES.secrets.fetch(
        connection, host_ids=sorted(host_ids), now=house.wall.now()
    )
    living: dict[int, list[str]] = {host_id: [] for host_id in host_ids}
    for row in rows:
        opened = envelope.decrypt(_key(house), row["sealed"], _place(row["secret_id"]))
        living[row["host_id"]].append(opened.decode())
    return {
        host_id: _Addressee(
            host=await host_store.read_host(connection, host_id), secrets=tuple(living[host_id])
        )
        for host_id in sorted(host_ids)
    }


async def _send(house: House, hooks: Hooks, item: Delivery, to: _Addressee) -> HookAnswer:
    on = await house.business_date()
    host = to.host
    if host is None or host.terms.webhook_url is None or host.state_on(on) != "active":
        return HookAnswer("origin", None)
    url = host.terms.webhook_url
    if refuse_address(host.terms, url, is_sandbox=is_sandbox(house)) is not None:
        return HookAnswer("origin", None)
    if not to.secrets:
        return HookAnswer("secret", None)
    about = (Processing.PROVIDING, assessed_as(host.terms.code))
    if await house.assessed.refuse(*about) is not None:
        return HookAnswer("assessment", None)
    headers = signed_headers(item, to.secrets, at=house.wall.now())
    return await hooks.post(url, headers, item.payload)


def _key(house: House) -> bytes:
    path = house.settings.home / "keys" / "host-notices.key"
    write_once(path, secrets.token_bytes(envelope.KEY_LENGTH))
    return path.read_bytes()


def _place(secret_id: int) -> bytes:
    return envelope.place("hosts.webhook_secret", "sealed", secret_id, 0, "host_notices")
