"""Mirrors: a copy of the log outside, believed only after everything in it was hashed again.

Invariant   A mirror's head is replaced only when the entries that it holds make its root and
            continue the head before it; what it once held it holds for ever. Tiles are computed
            from the entries, never copied.
Kept        Every head that was seen stays in `heads/<size>`, for whoever has to prove what the log
            once said, and for a database that lost it.
Follows     C2SP tlog-tiles v0.1.0, tlog-policy.
"""

import asyncio
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import httpx

from counterfoil.evidence.formats.note import Note, parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import RejectedError
from counterfoil.evidence.formats.tile import ENTRIES, WIDTH, Tile, parse_bundle
from counterfoil.evidence.log_files import CHECKPOINT, FilesDifferError, LogFiles
from counterfoil.evidence.log_writing import PAGE_BUNDLES, write_page

HEADS: Final = "heads"
#: Longest that a log may take to give a file.
FILE_SECONDS_MAX: Final = 30


class MirrorRejectedError(Exception):
    """The log does not continue what the mirror holds, or is not what it signed."""


class LogSource(Protocol):
    """Where a log's files come from."""

    async def read(self, path: str) -> bytes | None:
        """Return a file's content; None where it is not there."""
        ...


class DirectorySource:
    """A log's directory."""

    def __init__(self, directory: Path) -> None:
        """Take the directory."""
        self._files = LogFiles(directory)

    async def read(self, path: str) -> bytes | None:
        """Return a file's content; None where it is not there."""
        return await asyncio.to_thread(self._files.read, path)


class HttpSource:
    """A log over HTTP; entries need an API key."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        """Take a client and the log's address."""
        self._http = http
        self._url = url.rstrip("/")

    async def read(self, path: str) -> bytes | None:
        """Return a file's content; None where it is not there."""
        answer = await self._http.get(f"{self._url}/{path}", timeout=FILE_SECONDS_MAX)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.content


class Mirrored(NamedTuple):
    """What a run of a mirror brought."""

    old_size: int
    size: int


async def mirror(source: LogSource, target: LogFiles, policy: Policy) -> Mirrored:
    """Bring a mirror up to the log's head; raise where the log cannot be believed."""
    data = await source.read(CHECKPOINT)
    if data is None:
        raise MirrorRejectedError("the log shows no head")
    try:
        note = parse_note(data)
        head = policy.check(note).checkpoint
    except RejectedError as failure:
        raise MirrorRejectedError(f"the log's head is not believed: {failure}") from failure
    held = held_head(target, policy)
    old_size = held.size if held is not None else 0
    if head.size < old_size:
        raise MirrorRejectedError(f"the log shrank from {old_size} to {head.size}")
    edge = await asyncio.to_thread(target.edge, old_size)
    if held is not None and edge.root() != held.root:
        raise FilesDifferError(f"the mirror's own files of size {old_size}")
    start = old_size - old_size % WIDTH
    while edge.size < head.size:
        stop = min(head.size, start + PAGE_BUNDLES * WIDTH)
        entries = await _entries(source, start, stop, head.size)
        await asyncio.to_thread(write_page, target, edge, start, entries)
        start = stop
    if edge.root() != head.root:
        raise MirrorRejectedError(
            f"the entries of size {head.size} do not make the root that the log signed"
        )
    await asyncio.to_thread(target.write, {t.path: d for t, d in edge.partials()})
    await asyncio.to_thread(_take_up, target, note, head.size)
    await asyncio.to_thread(target.drop_partials, old_size, head.size)
    return Mirrored(old_size, head.size)


class Held(NamedTuple):
    """The head that a mirror holds."""

    size: int
    root: bytes
    note: Note


def held_head(files: LogFiles, policy: Policy) -> Held | None:
    """Return the head that a mirror holds; None while it holds nothing."""
    data = files.read(CHECKPOINT)
    if data is None:
        return None
    note = parse_note(data)
    head = policy.check(note).checkpoint
    return Held(head.size, head.root, note)


def held_heads(files: LogFiles, policy: Policy, *, above: int) -> list[Held]:
    """Return the heads above a size that a mirror has kept, smallest first."""
    folder = files.directory / HEADS
    sizes = [int(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    heads = []
    for size in sorted(size for size in sizes if size > above):
        note = parse_note(files.read(f"{HEADS}/{size}") or b"")
        head = policy.check(note).checkpoint
        heads.append(Held(head.size, head.root, note))
    return heads


def _take_up(target: LogFiles, note: Note, size: int) -> None:
    """Show a head; only after everything that it stands for is durable."""
    target.write({f"{HEADS}/{size}": bytes(note)})
    target.write({CHECKPOINT: bytes(note)})


async def _entries(source: LogSource, start: int, stop: int, size: int) -> list[bytes]:
    """Return entries; a bundle that is full by now serves for its partial one."""
    entries: list[bytes] = []
    for begin in range(start, stop, WIDTH):
        width = min(WIDTH, size - begin)
        tile = Tile(ENTRIES, begin // WIDTH, width)
        data = await source.read(tile.path)
        if data is None and width < WIDTH:
            tile = tile.full
            data = await source.read(tile.path)
        if data is None:
            raise MirrorRejectedError(f"the log does not give {tile.path}")
        try:
            entries += parse_bundle(data, tile.width)[:width]
        except RejectedError as failure:
            raise MirrorRejectedError(f"{tile.path}: {failure}") from failure
    return entries
