"""The table of figures says what was measured, under what, and whether the aim was reached."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RUN: dict[str, Any] = {
    "machine": "A processor, 2 cores",
    "date": "2026-03-01",
    "yardsticks": {"T": 11_000.5, "drifted": 1.0},
    "durability": {"fsync": "on"},
    "drift_percent": -3.0,
    "results": {
        "drawdowns": {
            "value": 16_500.2,
            "unit": "1/s",
            "ratio": 1.5,
            "ratio_to": "T",
            "p50_ms": 9.1,
            "p99_ms": None,
            "target": 1.5,
            "reached": True,
        },
        "something_new": {
            "value": 0.25,
            "unit": "ms",
            "ratio": None,
            "ratio_to": None,
            "p50_ms": 0.2,
            "p99_ms": 0.4,
            "target": 0.1,
            "reached": False,
        },
    },
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_table", ROOT / "tools" / "bench_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_stand_with_their_aims_and_conditions(tool: ModuleType) -> None:
    rows = tool.table([RUN], "en").splitlines()
    assert rows[2] == (
        "| Drawdowns, over all customers | 16,500 1/s | 1.5 T | 1.5 T, reached | 9.1 | — |"
    )
    assert rows[3] == "| `something_new` | 0.25 ms | — | 0.1 ms, missed | 0.2 | 0.4 |"
    assert rows[5] == (
        "A processor, 2 cores; 2026-03-01; T = 11,000/s (pgbench TPC-B, 16 clients); "
        "`fsync=on`; T -3.0 %."
    )


def test_the_table_has_the_same_rows_in_chinese(tool: ModuleType) -> None:
    rows = tool.table([RUN], "zh").splitlines()
    assert rows[2] == "| 支用，分散于全部客户 | 16,500 1/s | 1.5 T | 1.5 T, 达到 | 9.1 | — |"
    assert len(rows) == len(tool.table([RUN], "en").splitlines())


def test_putting_it_in_again_changes_nothing(tool: ModuleType) -> None:
    document = "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"
    once = tool.put(document, tool.table([RUN], "en"))
    assert tool.put(once, tool.table([RUN], "en")) == once
    assert once.startswith("before\n<!-- bench -->\n| figure |")
    assert once.endswith("\n<!-- /bench -->\nafter\n")


@pytest.mark.parametrize("text", ["", "<!-- bench --><!-- /bench -->" * 2])
def test_a_document_without_its_one_place_is_refused(tool: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match="one block"):
        tool.put(text, "made")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_readme_has_its_place(tool: ModuleType, language: str) -> None:
    text = tool.READMES[language].read_text(encoding="utf-8")
    assert tool.put(text, "made") != text
