"""Hosts: registered by two people, stopped by one, known to each other never.

The story   Somebody asks for a host's registration, or for a change of it; somebody else approves
            exactly that; the same call then writes the version with its leaf. A stop takes one
            person and works at once; the next registration ends it.
Assessment  A host is told of customers, so an approved assessment in force has to be about it, by
            its code; without one nobody is even asked to approve (R032).
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

import rfc8785

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.hosts import store
from counterfoil.hosts.host import Host, HostTerms, assessed_as, check_terms
from counterfoil.hosts.refusals import HOST_CODE_TAKEN, HOST_NOT_ALLOWED, HOST_NOT_FOUND
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.guarding.assess import require_living
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.idempotency import TwinError, unless_twin
from counterfoil.platform.origin import SANDBOX
from counterfoil.privacy.assessment import Processing

APPROVAL: Final = "host_registration"
PERMISSION: Final = "hosts"
_OPEN_REQUESTS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWish:
    """What is to be registered of a host."""

    terms: HostTerms
    reason: str
    #: None registers a new host.
    host_id: int | None = None


async def register_host(house: House, actor: Actor, wish: HostWish) -> Host | Approval | Refused:
    """Register a host if somebody else has approved exactly this; else ask for that, once."""
    terms = wish.terms
    act = Act(name=APPROVAL, subject=terms.code, reason=wish.reason)
    products = {item.code for item in house.catalogue.all()}
    refused = check_terms(terms, known_products=products, is_sandbox=is_sandbox(house))
    if refused is None:
        async with house.database.connection() as connection:
            refused = await require_living(
                house, connection, Processing.PROVIDING, assessed_as(terms.code)
            )
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    payload = payload_of(wish)
    try:
        return await _register(house, actor, wish, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=_OPEN_REQUESTS):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        payload,
        summary=_summary(wish),
        reason=wish.reason,
    )


async def stop_host(house: House, actor: Actor, *, host_id: int, reason: str) -> Host | Refused:
    """Stop a host at once; stopped twice it is stopped once."""
    act = Act(name="host_stop", subject=ids.to_text(ids.HOST, host_id), reason=reason)
    if not may_look_after(actor):
        return await note_refusal(house, actor, act, refuse(HOST_NOT_ALLOWED))
    async with house.database.transaction() as connection:
        host = await store.read_host(connection, host_id)
        if host is None:
            return refuse(HOST_NOT_FOUND)
        if host.stopped_for is None:
            await store.QUERIES.add_host_stop.execute(
                connection,
                stop_id=house.ids.next(),
                host_id=host_id,
                version_no=host.version_no,
                stopped_by=actor.name,
                reason=reason,
                stopped_at=house.clock.now(),
            )
            await note(house, connection, actor, act)
            await _stage(house, connection, host, {"act": "host_stop", "by": actor.name})
        stopped = await store.read_host(connection, host_id)
    assert stopped is not None, "it was just read"
    return stopped


async def list_hosts(
    house: House, *, page: int = store.HOSTS_MAX, after: int = 0, is_back: bool = False
) -> list[Host]:
    """Return a page of hosts, the oldest first."""
    async with house.database.connection() as connection:
        return await store.read_hosts(connection, page=page, after=after, is_back=is_back)


def may_look_after(actor: Actor) -> bool:
    """Return whether somebody stops hosts, makes their secrets and sends notices again."""
    return PERMISSION in load_matrix().rights_for(actor).permissions


def is_sandbox(house: House) -> bool:
    """Return whether plain http on the loopback is allowed."""
    return house.settings.environment == SANDBOX


def payload_of(wish: HostWish) -> dict[str, Value]:
    """Return exactly what is approved."""
    terms: dict[str, Any] = asdict(wish.terms)
    shown: dict[str, Value] = {
        name: list(value) if isinstance(value, tuple) else value and str(value)
        for name, value in terms.items()
    }
    return {**shown, "host": wish.host_id and str(wish.host_id)}


def _summary(wish: HostWish) -> str:
    terms = wish.terms
    return (
        f"host {terms.code}, {terms.contract_from} to {terms.contract_until}, products "
        f"{', '.join(terms.products)}, purposes {', '.join(terms.purposes)}, origins "
        f"{', '.join(terms.origins)}"
    )


async def _register(
    house: House, actor: Actor, wish: HostWish, payload: dict[str, Value], act: Act
) -> Host:
    now, made = house.clock.now(), list[Host]()

    async def write(connection: Connection) -> None:
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        owner = await store.host_of_code(connection, wish.terms.code)
        before = wish.host_id and await store.read_host(connection, wish.host_id)
        if wish.host_id is not None and before is None:
            raise RefusedError(refuse(HOST_NOT_FOUND))
        if owner is not None and owner != wish.host_id:
            raise RefusedError(refuse(HOST_CODE_TAKEN, host=wish.terms.code))
        host = Host(
            host_id=wish.host_id or house.ids.next(),
            version_no=before.version_no + 1 if before else 1,
            terms=wish.terms,
            asked_by=approval.requested_by,
            approved_by=approval.decided_by,
            approval_id=approval.approval_id,
            registered_at=now,
            stopped_for=None,
        )
        await store.add_version(connection, host)
        await note(house, connection, actor, act)
        fields: dict[str, Value] = {
            "act": APPROVAL,
            "approval": ids.to_text(ids.APPROVAL, host.approval_id),
            "terms_sha256": sha256(rfc8785.dumps(dict(payload))).hexdigest(),
        }
        await _stage(house, connection, host, fields)
        made.append(host)

    try:
        await unless_twin(house.database, write)
    except TwinError as error:
        raise RefusedError(refuse(HOST_CODE_TAKEN, host=wish.terms.code)) from error
    return made[0]


async def _stage(
    house: House, connection: Connection, host: Host, fields: dict[str, Value]
) -> None:
    leaf = house.leaves.stage(
        HOUSE,
        house.ids.next(),
        LeafType.APPROVAL,
        host.host_id,
        {**fields, "host": host.terms.code, "version": host.version_no},
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
