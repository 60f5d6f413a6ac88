"""Leaves of the database as files of the log, for publishing and for exports.

Invariant   The edge that comes back was computed from what was read back of the files, not from
            what was meant to be written: a bit that flips on the way is in the root.
"""

import asyncio
from typing import Final

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.tile import WIDTH, parse_bundle
from counterfoil.evidence.log_files import Edge, FilesDifferError, LogFiles, bundles_between
from counterfoil.evidence.log_store import Connection

#: Bundles that are written and read at a time: some two megabytes.
PAGE_BUNDLES: Final = 256


async def write_leaves(connection: Connection, files: LogFiles, edge: Edge, size: int) -> Edge:
    """Write entries and tiles from an edge up to a size; return the edge of the stored bytes."""
    start = edge.size - edge.size % WIDTH
    while edge.size < size:
        stop = min(size, start + PAGE_BUNDLES * WIDTH)
        entries = await store.read_entries(connection, start, stop=stop)
        if len(entries) != stop - start:
            raise FilesDifferError(f"leaves are missing between {start} and {stop}")
        await asyncio.to_thread(write_page, files, edge, start, entries)
        start = stop
    partials = {tile.path: data for tile, data in edge.partials()}
    await asyncio.to_thread(files.write, partials)
    return edge


def write_page(files: LogFiles, edge: Edge, start: int, entries: list[bytes]) -> None:
    """Write bundles, then grow the edge by what was read back of them and write its tiles."""
    bundles = {tile.path: (tile, data) for tile, data in bundles_between(start, entries)}
    files.write({path: data for path, (_, data) in bundles.items()})
    full: dict[str, bytes] = {}
    for path, (tile, _) in bundles.items():
        stored = parse_bundle(files.read(path) or b"", tile.width)
        tiles = edge.append(stored[max(0, edge.size - tile.number * WIDTH) :])
        full |= {tile.path: data for tile, data in tiles}
    files.write(full)
