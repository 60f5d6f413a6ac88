"""Proofs out of the database: which tiles they need, and the files that are made of them.

Tiles that are full are stored; one that is not is cut from leaves and roots. Nothing is read
twice for proofs of one size.
Follows     RFC 6962 section 2.1.1, C2SP tlog-tiles v0.1.0, tlog-proof.
"""

from collections.abc import Iterable, Mapping, Sequence

from counterfoil.evidence import log_store as store
from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.merkle import (
    complete_subtrees,
    fold,
    leaf_hash,
    plan_inclusion,
)
from counterfoil.evidence.formats.note import Note, parse_note, parse_signatures
from counterfoil.evidence.formats.proof import TlogProof
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.tile import WIDTH, Tile, TileHashes, tile_of_node
from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.evidence.log_store import Connection, StoredLeaf


class OpeningDiffersError(Exception):
    """What opens a leaf does not make its commitment: the database was altered."""


async def inclusion_proofs(
    connection: Connection, indices: Iterable[int], size: int
) -> dict[int, tuple[bytes, ...]]:
    """Return the proofs of leaves in the tree of a size, by their numbers."""
    plans = {index: plan_inclusion(index, size) for index in indices}
    nodes = [node for plan in plans.values() for node in plan.nodes]
    hashes = await _hashes(connection, {tile_of_node(node, size)[0] for node in nodes}, size)
    return {index: tuple(plan.proof(hashes(plan.nodes))) for index, plan in plans.items()}


async def root_at(connection: Connection, size: int) -> bytes:
    """Return the root of the tree as it was at a size, whether a batch ended there or not."""
    nodes = complete_subtrees(0, size)
    hashes = await _hashes(connection, {tile_of_node(node, size)[0] for node in nodes}, size)
    return fold(hashes(nodes))


def make_receipt(
    leaf: StoredLeaf, salt: bytes, body: bytes, *, proof: Sequence[bytes], note: Note
) -> Receipt:
    """Return the receipt of a leaf; what opens it has to make its commitment."""
    kind = LeafType(leaf.leaf_type)
    if commitment(kind, salt, body) != leaf.commitment:
        raise OpeningDiffersError(f"leaf {leaf.leaf_id} at {leaf.idx}")
    return Receipt(kind, salt, body, TlogProof(leaf.idx, tuple(proof), note))


async def full_note(connection: Connection, size: int) -> Note:
    """Return the note of a size with every line that witnesses gave, also the late ones."""
    text = await store.note_of(connection, size)
    assert text is not None, "a witnessed size was signed"
    return await witnessed_note(connection, size, parse_note(text.encode()))


async def witnessed_note(connection: Connection, size: int, note: Note) -> Note:
    """Return a note with all lines that witnesses gave to it."""
    lines = "".join(line.line for line in await store.cosignatures_of(connection, size))
    return note.joined(parse_signatures(lines)) if lines else note


async def _hashes(connection: Connection, tiles: set[Tile], size: int) -> TileHashes:
    data = await _read(connection, sorted(tiles))
    return TileHashes(data.__getitem__, size)


async def _read(connection: Connection, tiles: Sequence[Tile]) -> Mapping[Tile, bytes]:
    full = await store.read_tiles(connection, [(tile.level, tile.number) for tile in tiles])
    found = {}
    for tile in tiles:
        data = full.get((tile.level, tile.number))
        if data is None:
            data = await _cut(connection, tile)
        found[tile] = data[: tile.width * HASH_BYTES]
    return found


async def _cut(connection: Connection, tile: Tile) -> bytes:
    """Return a tile that is not full from the leaves, or from the roots of full ones below."""
    start = tile.number * WIDTH
    stop = start + tile.width
    if tile.level == 0:
        entries = await store.read_entries(connection, start, stop=stop)
        return b"".join(map(leaf_hash, entries))
    return b"".join(await store.read_roots(connection, tile.level - 1, start, stop=stop))
