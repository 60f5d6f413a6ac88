"""Tiles: their paths, which there are, what stands in them, and proofs made from them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.evidence.logs_for_tests import sample

from counterfoil.evidence.formats.merkle import (
    Node,
    complete_subtrees,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    read_consistency,
    read_inclusion,
    root_of,
)
from counterfoil.evidence.formats.reasons import Reason
from counterfoil.evidence.formats.tile import (
    ENTRIES,
    Tile,
    TileEdge,
    TileHashes,
    TileRejectedError,
    bundles_of_size,
    format_bundle,
    new_bundles,
    new_tiles,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    tile_of_node,
)


def tiles_of_size(size: int) -> list[Tile]:
    return list(new_tiles(0, size))


LEAVES = [leaf_hash(number.to_bytes(4)) for number in range(70_000)]
SIZES = (0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000)


def reason_of(read: Callable[[], object]) -> Reason | None:
    try:
        read()
    except TileRejectedError as rejected:
        return rejected.reason
    return None


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", Tile(0, 0)),
        ("tile/2/273.p/112", Tile(2, 273, 112)),
        ("tile/entries/x001/x234/067", Tile(ENTRIES, 1_234_067)),
        ("tile/entries/x001/000.p/1", Tile(ENTRIES, 1_000, 1)),
        ("tile/63/x999/x999/999", Tile(63, 999_999_999)),
    ],
)
def test_paths_name_tiles(path: str, tile: Tile) -> None:
    assert parse_tile_path(path) == tile
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000"),
        *("tile/0/x000/001", "tile/0/001/000", "tile/0/000.p/0", "tile/0/000.p/256"),
        *("tile/0/000.p/01", "tile/0/000.p/999", "tile/0/000/", "/tile/0/000", "tile/0/000\n"),
        *("tile/entry/000", "tile/0/٠٠٠", "checkpoint", "tile/0/000.p", "tile/0/x1/000"),
    ],
)
def test_other_spellings_name_nothing(path: str) -> None:
    assert parse_tile_path(path) is None


@given(st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_has_its_path(level: int, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert parse_tile_path(tile.path) == tile


def test_the_tiles_of_a_size_are_those_of_the_format() -> None:
    tiles = tiles_of_size(70_000)
    assert len(tiles) == 277
    assert [tile for tile in tiles if tile.number >= 272 or tile.level] == [
        Tile(0, 272), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)
    ]  # fmt: skip
    assert tiles_of_size(0) == list(bundles_of_size(0)) == []
    assert tiles_of_size(256) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(bundles_of_size(257)) == [Tile(ENTRIES, 0), Tile(ENTRIES, 1, 1)]


@given(st.sampled_from(SIZES) | st.integers(0, 70_000), st.integers(0, 70_000))
def test_new_tiles_are_those_that_were_not_there(one: int, other: int) -> None:
    old, new = sorted((one, other))
    before = set(tiles_of_size(old))
    expected = [tile for tile in tiles_of_size(new) if tile not in before]
    assert list(new_tiles(old, new)) == expected
    bundles = set(bundles_of_size(old))
    assert list(new_bundles(old, new)) == [
        bundle for bundle in bundles_of_size(new) if bundle not in bundles
    ]


def test_bundles_hold_entries_of_any_length_and_end_where_the_last_one_ends() -> None:
    entries = [b"", b"a", b"x" * 65_535]
    data = format_bundle(entries)
    assert parse_bundle(data, 3) == entries
    for changed, width in (
        (data, 2),
        (data, 4),
        (data + b"\x00", 3),
        (data + b"\x00\x00", 3),
        (data[:-1], 3),
        (b"\x00", 1),
        (b"\x00\x02a", 1),
    ):
        assert reason_of(lambda: parse_bundle(changed, width)) is Reason.BUNDLE_MALFORMED  # noqa: B023


def test_a_tile_has_the_length_of_its_width() -> None:
    assert parse_tile(LEAVES[0] + LEAVES[1], 2) == LEAVES[:2]
    assert reason_of(lambda: parse_tile(LEAVES[0] + b"\x00", 1)) is Reason.TILE_LENGTH


@pytest.mark.parametrize("size", SIZES)
def test_an_edge_gives_every_tile_of_the_tree(size: int) -> None:
    edge = TileEdge()
    written = dict(edge.append(LEAVES[:size]) + edge.partials())
    assert written.keys() == set(tiles_of_size(size))
    for tile, data in written.items():
        first, step = tile.number * 256, 256**tile.level
        hashes = [
            root_of(LEAVES[number * step : (number + 1) * step])
            for number in (first, first + tile.width - 1)
        ]
        assert (data[:32], data[-32:]) == tuple(hashes)
        assert len(data) == 32 * tile.width
    assert fold(TileHashes(written.__getitem__, size)(complete_subtrees(0, size))) == root_of(
        LEAVES[:size]
    )


@given(st.lists(st.integers(0, 700), max_size=6))
def test_an_edge_that_grows_in_any_steps_gives_the_same_tiles(steps: list[int]) -> None:
    edge = TileEdge()
    written: dict[Tile, bytes] = {}
    for step in steps:
        written.update(edge.append(LEAVES[edge.size : edge.size + step]))
        if edge.size:
            edge = take_up(edge)
    whole = TileEdge()
    assert written == dict(whole.append(LEAVES[: sum(steps)]))
    assert edge.partials() == whole.partials()


def take_up(edge: TileEdge) -> TileEdge:
    """Return the edge as a process that starts later takes it up from stored tiles."""
    stored = {tile.level: parse_tile(data, tile.width) for tile, data in edge.partials()}
    return TileEdge(edge.size, [stored.get(level, []) for level in range(max(stored) + 1)])


def test_proofs_from_tiles_are_those_from_leaves() -> None:
    for size in (1, 255, 256, 257, 1_000, 66_000):
        edge = TileEdge()
        tiles = dict(edge.append(LEAVES[:size]) + edge.partials())
        read = TileHashes(tiles.__getitem__, size)
        for index in {0, size // 3, size - 1}:
            assert read_inclusion(read, index, size) == inclusion_proof(LEAVES, index, size)
        for old in {0, 1, size // 2, size - 1, size}:
            assert read_consistency(read, old, size) == consistency_proof(LEAVES, old, size)


def test_a_node_is_found_in_the_tile_of_its_size() -> None:
    assert tile_of_node(Node(0, 69_999), 70_000) == (Tile(0, 273, 112), 111, 112)
    assert tile_of_node(Node(7, 1), 70_000) == (Tile(0, 0), 128, 256)
    assert tile_of_node(Node(8, 272), 70_000) == (Tile(1, 1, 17), 16, 17)
    assert tile_of_node(Node(16, 0), 70_000) == (Tile(2, 0, 1), 0, 1)


def test_the_samples_tiles_are_reproduced_byte_for_byte() -> None:
    files = {path: data for path, data in sample().items() if path.startswith("log/tile/")}
    entries = [
        entry
        for bundle in bundles_of_size(260)
        for entry in parse_bundle(files[f"log/{bundle.path}"], bundle.width)
    ]
    edge = TileEdge()
    tiles = edge.append(list(map(leaf_hash, entries))) + edge.partials()
    bundles = [
        (bundle, format_bundle(entries[bundle.number * 256 :][: bundle.width]))
        for bundle in bundles_of_size(260)
    ]
    assert {f"log/{tile.path}": data for tile, data in [*tiles, *bundles]} == files
