"""What pages load stays small: at most 25 kB of CSS and 20 kB of JavaScript, uncompressed."""

from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "src" / "counterfoil" / "platform" / "web" / "static"
BUDGET_BYTES = {".css": 25_000, ".js": 20_000, ".svg": 2_000}


@pytest.mark.parametrize("kind", BUDGET_BYTES)
def test_files_of_a_kind_stay_inside_their_budget(kind: str) -> None:
    files = sorted(STATIC.glob(f"*{kind}"))
    assert files, "a budget without files guards nothing"
    assert sum(path.stat().st_size for path in files) <= BUDGET_BYTES[kind]


def test_nothing_else_is_served() -> None:
    assert {path.suffix for path in STATIC.iterdir()} == set(BUDGET_BYTES)


def test_no_other_room_brings_files_for_browsers() -> None:
    source = STATIC.parents[2]
    found = [
        path
        for kind in (".css", ".js", ".mjs", ".ts", ".woff2")
        for path in source.rglob(f"*{kind}")
        if path.parent != STATIC
    ]
    assert found == []
