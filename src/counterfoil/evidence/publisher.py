"""The publisher: makes heads of the log durable, has them witnessed, and only then shows them.

Order       Entries and tiles are written and flushed; the root is computed again from the stored
            bytes and held against the integrator's; the head is signed and the note stored; then
            witnesses are asked; with the policy's quorum the head is recorded and served. A root
            that differs, from one flipped bit on, stops the log before it signs.
Invariant   One signing a size, and none while an earlier note waits for its quorum: what was signed
            is sent again after a crash, never signed anew. What witnesses have not signed is never
            served, and no receipt is made from it.
Start       Every witness is asked for the head that it last cosigned. The log signs only when those
            that did not answer could not be a quorum among themselves, and none that did shows a
            head that the database does not know: one restored from an older backup must be
            refilled from a mirror first.
Believing   A witness that merely claims something is left aside. What stops the log bears the log's
            own signature.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, assert_never

import structlog

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.merkle import EMPTY_ROOT, read_consistency, verify_consistency
from counterfoil.evidence.formats.note import Note, parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.log_files import CHECKPOINT, Edge, FilesDifferError, LogFiles
from counterfoil.evidence.log_store import Connection, Database
from counterfoil.evidence.log_writing import write_leaves
from counterfoil.evidence.receipts import root_at, witnessed_note
from counterfoil.evidence.refusals import LOG_STOPPED
from counterfoil.evidence.signer import CheckpointSigner
from counterfoil.evidence.witness_client import (
    Absent,
    Cosigned,
    Disputed,
    Faulty,
    Nothing,
    Outcome,
    Shown,
    View,
    WitnessClient,
)
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import RefusedError, refuse

#: How long the others are waited for when a quorum has signed, so that receipts bear their lines.
GRACE_MS: Final = 50

#: Alarms. The first three stop the log, because what they tell of bears its own signature.
ROOT_DIFFERS: Final = "root_differs"
WITNESS_AHEAD: Final = "witness_ahead"
FORK: Final = "fork"
WITNESS_FAULTY: Final = "witness_faulty"
WITNESS_ABSENT: Final = "witness_absent"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What publishing needs."""

    origin: str
    files: LogFiles
    signer: CheckpointSigner
    policy: Policy
    witnesses: tuple[WitnessClient, ...]
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Pending:
    """A signed head on its way through the witnesses."""

    checkpoint: Checkpoint
    note: Note


class Publisher:
    """Publishes on the session that holds the lock; a new one is made for every term."""

    def __init__(self, database: Database, desk: Desk) -> None:
        """Take the database, for what witnesses answer late, and the desk."""
        self._database = database
        self._desk = desk
        self._edge: Edge | None = None
        self._is_checked = False
        self._pending: _Pending | None = None
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def step(self, connection: Connection, *, patience_ms: int = 1_000) -> int:
        """Publish what is new, if there is anything; return the size that became witnessed, or 0.

        Waits for witnesses no longer than the patience; the next step goes on where this ended.
        """
        await self._refuse_where_stopped(connection)
        if self._edge is None:
            self._edge = await self._recovered(connection)
        if not self._is_checked:
            self._is_checked = await self._check_witnesses(connection)
            await self._refuse_where_stopped(connection)
            if not self._is_checked:
                return 0
        if self._pending is None:
            self._pending = await self._next(connection)
        if self._pending is None:
            return 0
        return await self._witness(connection, self._pending, patience_ms)

    async def close(self) -> None:
        """End what is under way with witnesses."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refuse_where_stopped(self, connection: Connection) -> None:
        for alarm in await store.standing_alarms(connection):
            if alarm.stops:
                reason = " ".join(filter(None, (alarm.code, alarm.witness, alarm.detail)))
                raise RefusedError(refuse(LOG_STOPPED, reason=reason))

    # ------------------------------------------------------------------------------- after a start

    async def _recovered(self, connection: Connection) -> Edge:
        """Return the edge of what was signed last, from files that bear its root."""
        signed = await store.last_note(connection)
        size = 0 if signed is None else signed.size
        head = await store.head_of_size(connection, size)
        root = EMPTY_ROOT if head is None else head.root
        files = self._desk.files
        try:
            edge = await asyncio.to_thread(files.edge, size)
        except FilesDifferError:
            # A new directory, or one from which something was lost: the database has it all.
            edge = await self._write(connection, await asyncio.to_thread(files.edge, 0), size)
        if edge.root() != root:
            await self._stop(connection, ROOT_DIFFERS, f"the files of size {size}")
        shown = await store.last_witnessed(connection)
        if shown is not None:
            await asyncio.to_thread(files.write, {CHECKPOINT: shown.note.encode()})
        if signed is not None and (shown is None or shown.size < size):
            checkpoint = Checkpoint(self._desk.origin, size, root)
            self._pending = _Pending(checkpoint, parse_note(signed.note.encode()))
        for witness, cosigned in (await store.last_cosigned(connection)).items():
            for client in self._desk.witnesses:
                if client.name == witness:
                    client.cosigned_size = cosigned.size
        return edge

    async def _check_witnesses(self, connection: Connection) -> bool:
        """Return whether no quorum can have seen more than the database has."""
        clients = self._desk.witnesses
        views = await asyncio.gather(*(client.head() for client in clients))
        unseen = set()
        for client, view in zip(clients, views, strict=True):
            if not await self._judge(connection, client, view):
                unseen.add(client.name)
        if self._desk.policy.is_met_by(frozenset(unseen)):
            _log.warning("log_waits_for_witnesses", unseen=sorted(unseen))
            return False
        return True

    async def _judge(self, connection: Connection, client: WitnessClient, view: View) -> bool:
        """Take what a witness shows into account; return whether it showed anything."""
        match view:
            case Shown():
                if fault := await fault_of(connection, view.checkpoint):
                    code, detail = fault
                    await self._stop(connection, code, detail, client.name)
                client.cosigned_size = view.checkpoint.size
                return True
            case Nothing():
                client.cosigned_size = 0
                return True
            case Faulty(why):
                await self._raise(connection, WITNESS_FAULTY, why, client.name)
                return False
            case Absent(why):
                _log.info("witness_absent", witness=client.name, why=why)
                return False
        assert_never(view)

    # ------------------------------------------------------------------------------- a new head

    async def _next(self, connection: Connection) -> _Pending | None:
        """Make the newest head durable, sign it and store the note; None where there is none."""
        assert self._edge is not None, "recovered first"
        head = await store.last_head(connection)
        if head is None or head.size == self._edge.size:
            return None
        edge, self._edge = self._edge, None  # read anew unless all of this succeeds
        old_size = edge.size
        edge = await self._write(connection, edge, head.size)
        if edge.root() != head.root:
            await self._stop(connection, ROOT_DIFFERS, f"the stored bytes of size {head.size}")
        checkpoint = Checkpoint(self._desk.origin, head.size, head.root)
        note = Note(checkpoint.text, await self._desk.signer.sign(checkpoint))
        await store.add_note(connection, head.size, bytes(note).decode(), at=self._desk.clock.now())
        await store.thin_heads(connection, old_size, before=head.size)
        await asyncio.to_thread(self._desk.files.drop_partials, old_size, head.size)
        self._edge = edge
        return _Pending(checkpoint, note)

    async def _write(self, connection: Connection, edge: Edge, size: int) -> Edge:
        """Write entries and tiles up to a size; return the edge that the stored bytes make."""
        try:
            return await write_leaves(connection, self._desk.files, edge, size)
        except FilesDifferError as failure:
            await self._stop(connection, ROOT_DIFFERS, str(failure))

    # ------------------------------------------------------------------------------- witnesses

    async def _witness(self, connection: Connection, pending: _Pending, patience_ms: int) -> int:
        """Ask whoever has not signed; publish once a quorum has."""
        size = pending.checkpoint.size
        for client in self._desk.witnesses:
            task = self._asking.get(client.name)
            if task is not None and task.done():
                task.result()  # what an answer gave cause to, for instance to stop
            if task is None or task.done():
                self._asking[client.name] = asyncio.create_task(self._ask(client, pending))
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_ms / 1_000
        waiting = set(self._asking.values())
        while True:
            lines = await store.cosignatures_of(connection, size)
            if self._desk.policy.is_met_by(frozenset(line.witness for line in lines)):
                if waiting:
                    await asyncio.wait(waiting, timeout=GRACE_MS / 1_000)
                await self._publish(connection, pending)
                return size
            if not waiting or loop.time() >= until:
                return 0
            done, waiting = await asyncio.wait(
                waiting,
                timeout=max(0, until - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()

    async def _ask(self, client: WitnessClient, pending: _Pending) -> None:
        """Ask one witness and record what it gives; a late answer is recorded as well."""

        async def prove(old_size: int, _size: int) -> Sequence[bytes]:
            return await self._prove(old_size, pending.checkpoint)

        outcome = await client.cosign(pending.checkpoint, pending.note, prove)
        async with self._database.connection() as connection:
            await self._record(connection, client, pending, outcome)

    async def _prove(self, old_size: int, checkpoint: Checkpoint) -> Sequence[bytes]:
        """Return the proof from the files, checked as the witness will check it."""
        async with self._database.connection() as connection:
            old_root = await root_at(connection, old_size)
            try:
                hashes = self._desk.files.hashes(checkpoint.size)
                proof = await asyncio.to_thread(read_consistency, hashes, old_size, checkpoint.size)
                verify_consistency(old_size, checkpoint.size, proof, old_root, checkpoint.root)
            except (RejectedError, FilesDifferError) as failure:
                await self._stop(connection, ROOT_DIFFERS, f"the files: {failure}")
        return proof

    async def _record(
        self, connection: Connection, client: WitnessClient, pending: _Pending, outcome: Outcome
    ) -> None:
        match outcome:
            case Cosigned(line, time):
                await store.add_cosignature(
                    connection, pending.checkpoint.size, client.name, line.line, cosigned=time
                )
                for code in (WITNESS_FAULTY, WITNESS_ABSENT):
                    await store.clear_alarm(
                        connection, code, client.name, at=self._desk.clock.now()
                    )
            case Disputed(what):
                view = await client.head()
                if not isinstance(view, Absent):
                    await self._judge(connection, client, view)
                await self._raise(connection, WITNESS_FAULTY, what, client.name)
            case Faulty(why):
                await self._raise(connection, WITNESS_FAULTY, why, client.name)
            case Absent(why):
                _log.info("witness_absent", witness=client.name, why=why)
            case _:
                assert_never(outcome)

    async def _publish(self, connection: Connection, pending: _Pending) -> None:
        """Record the witnessed head, then put it in the place of the one that is served."""
        note = await witnessed_note(connection, pending.checkpoint.size, pending.note)
        self._desk.policy.check(note)  # what the readers will do
        text = bytes(note).decode()
        size = pending.checkpoint.size
        await store.add_witnessed(connection, size, text, at=self._desk.clock.now())
        await asyncio.to_thread(self._desk.files.write, {CHECKPOINT: text.encode()})
        self._pending = None

    # ------------------------------------------------------------------------------- alarms

    async def _raise(
        self, connection: Connection, code: str, detail: str, witness: str = ""
    ) -> None:
        _log.error("log_alarm", code=code, witness=witness, detail=detail)
        await store.raise_alarm(
            connection, code, witness, detail, stops=False, at=self._desk.clock.now()
        )

    async def _stop(
        self, connection: Connection, code: str, detail: str, witness: str = ""
    ) -> NoReturn:
        """Raise an alarm that stops the log, and stop."""
        _log.critical("log_stopped", code=code, witness=witness, detail=detail)
        await store.raise_alarm(
            connection, code, witness, detail, stops=True, at=self._desk.clock.now()
        )
        raise RefusedError(refuse(LOG_STOPPED, reason=f"{code} {witness} {detail}".strip()))


async def fault_of(connection: Connection, shown: Checkpoint) -> tuple[str, str] | None:
    """Return the alarm that a head signed by the log is for its database; None where it fits."""
    head = await store.last_head(connection)
    size = 0 if head is None else head.size
    if shown.size > size:
        return WITNESS_AHEAD, f"it shows size {shown.size}, there are {size} leaves here"
    if await root_at(connection, shown.size) != shown.root:
        return FORK, f"it shows another tree of size {shown.size}"
    return None
