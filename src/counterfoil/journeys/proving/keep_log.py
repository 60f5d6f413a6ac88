"""Keeping the log: all its files for a size, and all of it computed again."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from counterfoil.evidence import log_store
from counterfoil.evidence.auditing import Audit
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.note import Note, parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.reasons import Reason
from counterfoil.evidence.formats.tile_directory import TileDirectory
from counterfoil.evidence.formats.verifying import Verdict
from counterfoil.evidence.formats.verifying_log import verify_log
from counterfoil.evidence.log_files import CHECKPOINT, POLICY, FilesDifferError, LogFiles
from counterfoil.evidence.log_writing import write_leaves
from counterfoil.evidence.receipts import full_note, inclusion_proofs
from counterfoil.evidence.refusals import LOG_NOT_BEGUN
from counterfoil.journeys.proving.publish_log import directory_of
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.database import Connection
from counterfoil.platform.settings import Settings

#: So long may the files be behind the last head that was witnessed.
_PUBLISHING_S: Final = 5
#: Leaves of an exported log whose proofs stand beside it; anybody can make the others from tiles.
_PROOFS_MAX: Final = 32
_NAME_DIGITS: Final = 9


async def export_log(
    connection: Connection, settings: Settings, directory: Path, *, size: int | None
) -> int:
    """Write the files of a size that was signed, by default the last witnessed one.

    The tree as it is published, with the heads witnessed before it under `checkpoints/SIZE`, and
    with the proofs of some leaves under `receipts/NAME.proof`, each beside its entry `NAME.leaf`.
    """
    if size is None:
        witnessed = await log_store.last_witnessed(connection)
        if witnessed is None:
            raise RefusedError(refuse(LOG_NOT_BEGUN))
        size = witnessed.size
    head = await log_store.head_of_size(connection, size)
    if head is None or await log_store.note_of(connection, size) is None:
        raise FilesDifferError(f"size {size} was never signed")
    files = LogFiles(directory)
    if files.read(CHECKPOINT) is not None:
        raise FilesDifferError(f"{directory} holds a log already")
    edge = await write_leaves(connection, files, await asyncio.to_thread(files.edge, 0), size)
    if edge.root() != head.root:
        raise FilesDifferError(f"the leaves do not make the root that was signed of size {size}")
    policy = LogFiles(directory_of(settings)).read(POLICY)
    extra = {} if policy is None else {POLICY: policy}
    note = await full_note(connection, size)
    extra |= await _earlier_heads(connection, size)
    extra |= await _some_proofs(connection, size, note)
    await asyncio.to_thread(files.write, {**extra, CHECKPOINT: bytes(note)})
    return size


async def _earlier_heads(connection: Connection, size: int) -> dict[str, bytes]:
    """Return the notes of the latest heads before a size, by their file."""
    notes = [parse_note(text) for text in await log_store.recent_notes(connection)]
    sizes = {Checkpoint.parse(note.text).size: note for note in notes}
    return {f"checkpoints/{old}": bytes(note) for old, note in sizes.items() if old < size}


async def _some_proofs(connection: Connection, size: int, note: Note) -> dict[str, bytes]:
    """Return proofs of leaves spread over the log, the first and the last with them."""
    count = min(size, _PROOFS_MAX)
    indices = sorted({place * (size - 1) // max(1, count - 1) for place in range(count)})
    proofs = await inclusion_proofs(connection, indices, size)
    files = {}
    for index in indices:
        (entry,) = await log_store.read_entries(connection, index, stop=index + 1)
        name = f"receipts/{index:0{_NAME_DIGITS}}"
        files[f"{name}.proof"] = bytes(TlogProof(index, proofs[index], note))
        files[f"{name}.leaf"] = entry
    return files


async def check_log(connection: Connection, settings: Settings) -> list[str]:
    """Return what is wrong with the log in the database and with the files that are served.

    The log may go on meanwhile. The caller holds no transaction.
    """
    # One moment of the database: what is numbered while this reads is beyond no root.
    async with connection.transaction(isolation="repeatable_read", readonly=True):  # type: ignore[call-arg]
        faults = [fault async for fault in Audit(connection).faults()]
    directory = directory_of(settings)
    files = LogFiles(directory)
    policy = files.read(POLICY)
    if policy is None or files.read(CHECKPOINT) is None:
        return faults
    old_heads = await log_store.recent_notes(connection)
    verdict = await asyncio.to_thread(_verified, directory, policy, old_heads)
    for _ in range(_PUBLISHING_S):
        if verdict.refused is not Reason.OLD_IS_LARGER:
            break
        # A head is witnessed before it is published: the files follow within a moment.
        await asyncio.sleep(1)
        verdict = await asyncio.to_thread(_verified, directory, policy, old_heads)
    if not verdict.is_accepted:
        faults.append(f"the files: {verdict.refused} {verdict.detail}".rstrip())
    return faults


def _verified(directory: Path, policy: bytes, old_heads: Sequence[bytes]) -> Verdict:
    return verify_log(TileDirectory(directory), Policy.parse(policy), old_heads)
