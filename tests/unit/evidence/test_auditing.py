"""The audit of a log over several pages: it computes what the log grew by, hash for hash."""

from hashlib import sha256

import pytest

from counterfoil.evidence import auditing
from counterfoil.evidence.auditing import PAGE_LEAVES, Audit
from counterfoil.evidence.formats.merkle import root_of, subtrees_over
from counterfoil.evidence.growth import FullTile, Growth
from counterfoil.evidence.log_store import Head, KeptHead

#: A full page and a part of one that ends within a tile.
SIZE = PAGE_LEAVES + 777
HASHES = [sha256(b"%d" % number).digest() for number in range(SIZE)]
SIZES = (1, 255, 256, PAGE_LEAVES - 1, PAGE_LEAVES, PAGE_LEAVES + 3, SIZE)


class Kept:
    """A log as its tables keep it, grown in the way of the integrator."""

    def __init__(self) -> None:
        growth, done = Growth(), 0
        self.hashes = list(HASHES)
        self.tiles: dict[tuple[int, int], FullTile] = {}
        self.heads: list[KeptHead] = []
        for size in SIZES:
            for tile in growth.append(HASHES[done:size]):
                self.tiles[tile.level, tile.n] = tile
            self.heads.append(KeptHead(size, growth.root(), None))
            done = size

    async def last_head(self, _: object) -> Head:
        return Head(SIZE, self.heads[-1].root)

    async def read_leaf_hashes(self, _: object, start: int, *, stop: int) -> list[bytes]:
        return self.hashes[start:stop]

    async def heads_between(self, _: object, start: int, *, stop: int) -> list[KeptHead]:
        return [head for head in self.heads if start < head.size <= stop]

    async def read_full_tiles(
        self, _: object, places: list[tuple[int, int]]
    ) -> dict[tuple[int, int], FullTile]:
        return {place: self.tiles[place] for place in places if place in self.tiles}

    async def count_beyond(self, _: object, _size: int) -> int:
        return 0


@pytest.fixture(scope="module")
def grown() -> Kept:
    return Kept()


async def faults(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(auditing, "store", kept)
    return [fault async for fault in Audit(None).faults()]  # type: ignore[arg-type]


async def test_every_root_and_every_tile_over_several_pages_is_held_against_the_leaves(
    grown: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {level for level, _ in grown.tiles} == {0, 1}
    assert await faults(grown, monkeypatch) == []
    heads, tiles = list(grown.heads), dict(grown.tiles)
    grown.hashes[PAGE_LEAVES + 1] = bytes(32)
    wrong = await faults(grown, monkeypatch)
    # The roots from there on, and the tile that it stands in.
    assert len(wrong) == 3
    grown.hashes[PAGE_LEAVES + 1] = HASHES[PAGE_LEAVES + 1]
    grown.heads[5] = heads[5]._replace(root=bytes(32))
    grown.tiles[1, 0] = tiles[1, 0]._replace(root=bytes(32))
    del grown.tiles[0, 256]
    wrong = await faults(grown, monkeypatch)
    grown.heads, grown.tiles = heads, tiles
    assert wrong == [
        "the tile 0 of level 1 is not what the leaves make it",
        f"the leaves make another root of size {SIZES[5]} than the one kept",
        "the tile 256 of level 0 is not what the leaves make it",
    ]
    grown.hashes.pop()
    assert await faults(grown, monkeypatch) == [
        f"of the numbers {PAGE_LEAVES} to {SIZE - 1} there are 776"
    ]


def test_256_pages_fill_a_tile_of_the_third_level() -> None:
    audit = Audit(None)  # type: ignore[arg-type]
    found: list[FullTile] = []
    for page in range(256):
        found = audit._tiles(page * PAGE_LEAVES, [[]] * 16 + [[HASHES[page]]])
    assert [(tile.level, tile.n) for tile in found] == [(1, 255), (2, 0)]
    assert found[1].hashes == b"".join(HASHES[:256])
    assert found[1].root == root_of(HASHES[:256])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 13])
def test_complete_subtrees_leave_out_what_is_not_whole(count: int) -> None:
    levels = subtrees_over(HASHES[:count])
    assert [len(level) for level in levels] == [
        count >> level for level in range(max(count, 1).bit_length())
    ]
    for level, nodes in enumerate(levels):
        for number, node in enumerate(nodes):
            assert node == root_of(HASHES[number << level : number + 1 << level])
