"""The verifier for whole logs: every entry hashed again, every file compared byte for byte.

Asks for    the entry bundles, which the regulator and mirrors have and nobody else.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

from counterfoil.evidence import leaf
from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.merkle import RightEdge
from counterfoil.evidence.formats.note import parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.reasons import Reason, RejectedError
from counterfoil.evidence.formats.tile import (
    ENTRIES,
    WIDTH,
    Tile,
    TileEdge,
    bundles_of_size,
    count_at,
    format_bundle,
    parse_bundle,
    parse_tile_path,
)
from counterfoil.evidence.formats.verifying import (
    Freshness,
    Verdict,
    check_note,
    check_old_heads,
    facts_of,
    verdict_of,
)

_FOREIGN: Final = "other"


class LogFiles(Protocol):
    """Where the files of a log are read from."""

    def checkpoint(self) -> bytes:
        """Return the log's head."""
        ...

    def read(self, tile: Tile) -> bytes | None:
        """Return the bytes of a tile or bundle, nothing if there is none."""
        ...

    def paths(self) -> Iterator[str]:
        """Return the paths of all files below `tile/`."""
        ...


def verify_log(
    files: LogFiles,
    policy: Policy,
    old_heads: Sequence[bytes] = (),
    fresh: Freshness | None = None,
) -> Verdict:
    """Recompute a log from its entries and compare all that was published.

    The head must be what the policy asks for; every old head that the log signed must be a start
    of it. Files for entries beyond the head are counted and not read: a log writes its tiles
    before its head.
    """

    def shown() -> dict[str, Any]:
        head = check_note(parse_note(files.checkpoint()), policy, fresh)
        roots = check_old_heads([parse_note(data) for data in old_heads], head.accepted, policy)
        kinds = _recompute(files, head.accepted.checkpoint.size, roots)
        beyond = _compare_rest(files, head.accepted.checkpoint.size)
        return {
            **facts_of(head),
            "entries_by_type": dict(sorted(kinds.items())),
            "old_heads": sorted(roots)[:-1],
            "files_beyond": beyond,
        }

    return verdict_of(shown)


def _recompute(files: LogFiles, size: int, roots: dict[int, bytes]) -> Counter[str]:
    edge, tiles = RightEdge(), TileEdge()
    sizes = sorted(roots)
    kinds: Counter[str] = Counter()
    _compare_root(edge, roots)
    for bundle in bundles_of_size(size):
        entries = _entries(files, bundle)
        kinds.update(map(_kind, entries))
        hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
        # Tiles before roots, because a tile says better where the fault is.
        for tile, data in tiles.append(hashes):
            _compare_tile(files, tile, data)
        if tiles.size == size:
            for tile, data in tiles.partials():
                _compare_tile(files, tile, data)
        start = edge.size
        for stop in (*(head for head in sizes if start < head < tiles.size), tiles.size):
            edge.append(hashes[edge.size - start : stop - start])
            _compare_root(edge, roots)
    return kinds


def _compare_root(edge: RightEdge, roots: dict[int, bytes]) -> None:
    signed = roots.get(edge.size)
    if signed is None or signed == edge.root():
        return
    if edge.size == max(roots):
        raise RejectedError(Reason.ROOT_MISMATCH, f"the entries have another root at {edge.size}")
    raise RejectedError(Reason.NOT_A_PREFIX, f"the head of size {edge.size}")


def _entries(files: LogFiles, bundle: Tile) -> list[bytes]:
    data = files.read(bundle)
    if data is not None:
        return parse_bundle(data, bundle.width)
    # A log may drop a partial bundle once it has the full one.
    full = files.read(bundle.full)
    if full is None:
        raise RejectedError(Reason.FILE_MISSING, bundle.path)
    return parse_bundle(full, WIDTH)[: bundle.width]


def _compare_tile(files: LogFiles, tile: Tile, computed: bytes) -> None:
    data = files.read(tile)
    if data is None and tile.width < WIDTH:
        full = files.read(tile.full)
        data = None if full is None else full[: len(computed)]
    if data is None:
        raise RejectedError(Reason.FILE_MISSING, tile.path)
    if len(data) != len(computed):
        raise RejectedError(Reason.TILE_LENGTH, f"{tile.path}: {len(data)} bytes")
    if data != computed:
        raise RejectedError(Reason.TILE_MISMATCH, tile.path)


def _compare_rest(files: LogFiles, size: int) -> int:
    """Compare what the log left behind of smaller sizes; return the number of files beyond."""
    beyond = 0
    for path in files.paths():
        tile = parse_tile_path(path)
        if tile is None:
            raise RejectedError(Reason.FILE_STRAY, path)
        left = count_at(tile.level, size) - tile.number * WIDTH
        if tile.width > left:
            beyond += 1
        elif tile.width < min(WIDTH, left):
            _compare_start(files, tile, min(WIDTH, left))
    return beyond


def _compare_start(files: LogFiles, tile: Tile, width: int) -> None:
    later = tile._replace(width=width)
    data = files.read(tile)
    assert data is not None
    if tile.level == ENTRIES:
        start = format_bundle(_entries(files, later)[: tile.width])
    else:
        whole = files.read(later) or files.read(later.full) or b""
        start = whole[: tile.width * HASH_BYTES]
    if data != start:
        raise RejectedError(Reason.TILE_MISMATCH, tile.path)


def _kind(entry: bytes) -> str:
    if len(entry) == leaf.ENTRY_BYTES and entry[:1] == leaf.ENTRY_VERSION:
        return _NAMES.get(entry[1], _FOREIGN)
    return _FOREIGN


_NAMES: Final = {kind.value: kind.name.lower() for kind in leaf.LeafType}
