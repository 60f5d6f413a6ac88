"""Changing the key that wraps the data keys, and the secret of the blind index, while all read.

Wrapping    A new key is made and wraps from then on; rows are rewrapped in batches, each replaced
            only where it is still what was read; when none is left the old key is retired. Content
            is not touched. Whoever reads meanwhile finds a row under one key or the other.
Index       A second secret is made and every new number gets a digest of both; old numbers are
            filled in from the vault; when all have both, new numbers and then old ones lose the
            old digest, and the old secret is retired. Searches look by both at every moment, and
            an identity number has one owner at every moment.
Crash       Every step can be repeated: `resume` goes on where the rows say.
Two people  A rotation begins with the approval of a second person; leaf 7 names both keys.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.approvals import Approval, Value, payload_hash, require_approval
from counterfoil.platform.database import Connection, UniqueViolationError
from counterfoil.platform.telemetry import logger
from counterfoil.privacy import person_store as persons
from counterfoil.privacy import rotation_store
from counterfoil.privacy import store as vault_store
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.port import KeyServiceUnavailableError
from counterfoil.privacy.refusals import (
    CIPHERTEXT_REJECTED,
    KEY_ROTATION_NOT_UNDER_WAY,
    KEY_ROTATION_UNDER_WAY,
    KEY_SERVICE_UNAVAILABLE,
)
from counterfoil.privacy.rotation_store import BEGINNING, Rotation, RotationKind
from counterfoil.privacy.vault import KeyRow, Purpose

_LOG: Final = logger("counterfoil.privacy")
#: Rows moved in one transaction: some milliseconds.
ROWS_AT_ONCE: Final = 1_000
#: The kind of approval that each kind of rotation needs.
APPROVALS: Final[Mapping[RotationKind, str]] = {
    RotationKind.WRAPPING: "key_rotation",
    RotationKind.INDEX: "index_rotation",
}
#: Where each kind of number is kept, and under which field.
_NUMBERS: Final = {
    IndexKind.ID_NUMBER: (Purpose.IDENTITY, "id_number"),
    IndexKind.PHONE: (Purpose.CONTACT, "phone"),
}


async def rotation_payload(house: House, kind: RotationKind) -> dict[str, Value]:
    """Return what a second person approves: the change away from the present key."""
    return {"act": "rotation", "from": await _present(house, kind), "kind": kind.value}


async def rotate(
    house: House, actor: Actor, kind: RotationKind, *, reason: str
) -> Rotation | Refused:
    """Begin a rotation and carry it through; readers and writers go on meanwhile."""
    act = Act(name="rotation", subject=kind.value, reason=reason)
    try:
        begun = await _begin(house, actor, kind, act)
        if not isinstance(begun, Refused):
            return await _carry(house, actor, begun)
    except KeyServiceUnavailableError:
        begun = refuse(KEY_SERVICE_UNAVAILABLE)
    except RefusedError as error:
        begun = error.refused
    except UniqueViolationError:
        begun = refuse(KEY_ROTATION_UNDER_WAY)
    return await note_refusal(house, actor, act, begun)


async def resume(house: House, actor: Actor, kind: RotationKind) -> Rotation | Refused:
    """Carry a rotation through that was interrupted."""
    act = Act(name="rotation", subject=kind.value)
    async with house.database.connection() as connection:
        found = await rotation_store.open_rotation(connection, kind)
    if found is None:
        return await note_refusal(house, actor, act, refuse(KEY_ROTATION_NOT_UNDER_WAY))
    try:
        return await _carry(house, actor, found)
    except KeyServiceUnavailableError:
        return await note_refusal(house, actor, act, refuse(KEY_SERVICE_UNAVAILABLE))
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)


async def list_rotations(house: House) -> list[Rotation]:
    """Return rotations, newest first."""
    async with house.database.connection() as connection:
        return await rotation_store.list_rotations(connection)


async def _present(house: House, kind: RotationKind) -> str:
    if kind is RotationKind.WRAPPING:
        return await house.vault.wrapper.current()
    return f"index:{min(await house.vault.index_secret.read())}"


async def _begin(house: House, actor: Actor, kind: RotationKind, act: Act) -> Rotation | Refused:
    """Use up the approval, make the new key, and write both down."""
    payload = payload_hash(await rotation_payload(house, kind))
    old_key, now = await _present(house, kind), house.clock.now()
    async with house.database.transaction() as connection:
        if await rotation_store.open_rotation(connection, kind) is not None:
            return refuse(KEY_ROTATION_UNDER_WAY)
        approval = await require_approval(
            connection, APPROVALS[kind], payload, used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            return approval
        rotation = Rotation(
            rotation_id=house.ids.next(),
            kind=kind,
            old_key=old_key,
            new_key=await _make_key(house, kind),
            approval_id=approval.approval_id,
            started_by=actor.name,
            started_at=now,
            rows_moved=0,
            finished_at=None,
        )
        await rotation_store.add_rotation(connection, rotation)
        await _stage(house, connection, rotation, approval)
        await note(
            house,
            connection,
            actor,
            replace(act, before=rotation.old_key, after=rotation.new_key),
        )
    return rotation


async def _make_key(house: House, kind: RotationKind) -> str:
    """Make the next key. A crash before the commit leaves a key that nothing needs."""
    if kind is RotationKind.WRAPPING:
        return await house.vault.wrapper.rotate()
    return f"index:{await house.vault.index_secret.add()}"


async def _stage(
    house: House, connection: Connection, rotation: Rotation, approval: Approval
) -> None:
    leaf = house.leaves.stage(
        HOUSE,
        house.ids.next(),
        LeafType.KEY_CHANGE,
        rotation.rotation_id,
        {
            "act": "rotation",
            "approver": approval.decided_by,
            "kind": rotation.kind.value,
            "new": rotation.new_key,
            "old": rotation.old_key,
            "request_sha256": approval.payload_hash.hex(),
            "requester": approval.requested_by,
        },
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _carry(house: House, actor: Actor, rotation: Rotation) -> Rotation:
    """Move every row, retire the old key, and write that down."""
    if rotation.kind is RotationKind.WRAPPING:
        await _rewrap_all(house, rotation)
        await house.vault.wrapper.retire(rotation.old_key)
    else:
        await _change_index(house, rotation)
    async with house.database.transaction() as connection:
        now = house.clock.now()
        if await rotation_store.finish_rotation(connection, rotation, now=now):
            act = Act(
                name="rotation_finished",
                subject=rotation.kind.value,
                before=rotation.old_key,
                after=rotation.new_key,
            )
            await note(house, connection, actor, act)
    return replace(rotation, finished_at=now)


async def _rewrap_all(house: House, rotation: Rotation) -> None:
    """Rewrap until no row is left that another key wrapped; new rows may still come in.

    Raises `ciphertext_rejected` where the rest is damaged: everybody else has the new key, and the
    old one stays for those, so that nothing that can be mended is lost.
    """
    while True:
        after, moved, damaged = BEGINNING, 0, set[int]()
        while True:
            async with house.database.connection() as connection:
                old = await rotation_store.keys_wrapped_by_others(
                    connection, rotation.new_key, after, page=ROWS_AT_ONCE
                )
            if not old:
                break
            closed = await _rewrap(house, rotation, old)
            moved += len(old) - len(closed)
            damaged |= {key.customer_id for key in closed}
            after = (old[-1].customer_id, old[-1].purpose.value)
        async with house.database.connection() as connection:
            if not await rotation_store.is_still_wrapped_by_others(connection, rotation.new_key):
                return
        if damaged and not moved:
            raise _waits(rotation, damaged)


async def _rewrap(house: House, rotation: Rotation, old: list[KeyRow]) -> list[KeyRow]:
    """Rewrap one batch; the key service is asked outside of any transaction.

    Returns the keys that are damaged, and stay as they are.
    """
    asked = await house.vault.rewrap_each(old)
    pairs = [(key, wrapped) for key, wrapped in zip(old, asked, strict=True) if wrapped is not None]
    rows = [
        replace(key, wrapped_by=wrapped.wrapped_by, wrapped_key=wrapped.blob)
        for key, wrapped in pairs
    ]
    async with house.database.transaction() as connection:
        moved = await rotation_store.replace_wrapped(connection, [key for key, _ in pairs], rows)
        await rotation_store.note_moved(connection, rotation, moved)
    return [key for key, wrapped in zip(old, asked, strict=True) if wrapped is None]


def _waits(rotation: Rotation, damaged: Collection[int]) -> RefusedError:
    """Return why a change is not finished, after the process's log has said for whom it waits."""
    named = " ".join(ids.to_text(ids.CUSTOMER, number) for number in sorted(damaged))
    _LOG.error("rotation_waits", kind=rotation.kind.value, customers=named)
    return RefusedError(refuse(CIPHERTEXT_REJECTED))


async def _change_index(house: House, rotation: Rotation) -> None:
    old, new = _generation(rotation.old_key), _generation(rotation.new_key)
    async with house.database.transaction() as connection:
        await rotation_store.add_generation(connection, new, now=house.clock.now())
    await _fill(house, rotation, new)
    async with house.database.transaction() as connection:
        await rotation_store.end_generation(connection, old)
    after = -1
    while True:
        async with house.database.transaction() as connection:
            gone = await rotation_store.drop_generation(connection, old, after, page=ROWS_AT_ONCE)
        if not gone:
            break
        after = max(gone)
    await house.vault.index_secret.retire(old)


async def _fill(house: House, rotation: Rotation, generation: int) -> None:
    """Give every number a digest of the new generation.

    Raises `ciphertext_rejected` at the end where some do not open: everybody else has a digest, and
    the old generation stays for those, so that nobody is lost and the change is gone on with later.
    """
    after, damaged = -1, set[int]()
    while True:
        async with house.database.transaction() as connection:
            customer_ids = await rotation_store.customers_without(
                connection, generation, after, page=ROWS_AT_ONCE
            )
            if not customer_ids:
                break
            # Nobody's data is erased between reading it and writing its digest.
            await vault_store.hold_keys(connection)
            digests, closed = await _digests(house, connection, customer_ids, generation)
            damaged |= closed
            await rotation_store.fill_generation(connection, generation, digests)
            await rotation_store.note_moved(connection, rotation, len(digests))
        after = customer_ids[-1]
    if damaged:
        raise _waits(rotation, damaged)


async def _digests(
    house: House, connection: Connection, customer_ids: list[int], generation: int
) -> tuple[dict[tuple[IndexKind, int], bytes], set[int]]:
    """Return digests by kind and customer, and the customers of whom something does not open."""
    found: dict[tuple[IndexKind, int], bytes] = {}
    damaged = set[int]()
    for kind, (purpose, name) in _NUMBERS.items():
        read = await persons.read_each(
            connection, house.vault, customer_ids, [purpose], reading("index_rotation"), [name]
        )
        clear = persons.kept_of(read)
        damaged |= {number for number in read.keys() - clear.keys() if _is_damaged(read[number])}
        every = await house.vault.every_digest(kind, [fields[name] for fields in clear.values()])
        for customer_id, digests in zip(clear, every, strict=True):
            found[kind, customer_id] = digests[generation]
    return found, damaged


def _is_damaged(found: object) -> bool:
    return isinstance(found, Refused) and found.code == CIPHERTEXT_REJECTED.code


def _generation(key: str) -> int:
    return int(key.removeprefix("index:"))
