"""The gate of the benchmarks: what was published holds, and what falls below is seen."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from counterfoil.cli.main import app
from counterfoil.simulator.bench.gate import hold, is_comparable, load_floors

PUBLISHED = sorted(Path("benchmarks").glob("*.json"))
FLOORS = load_floors()


def test_every_floor_is_of_a_published_figure() -> None:
    named = {name for file in PUBLISHED for name in json.loads(file.read_bytes())["results"]}
    assert FLOORS.keys() <= named


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.stem)
def test_what_is_published_holds(file: Path) -> None:
    assert all(one.holds for one in hold(json.loads(file.read_bytes()), FLOORS))


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [("drawdowns", "ratio", 1.19), ("close", "value", 99_999), ("close_memory", "value", 1.5)],
)
def test_a_figure_below_its_floor_is_found(name: str, member: str, value: float) -> None:
    file = next(f for f in PUBLISHED if name in json.loads(f.read_bytes())["results"])
    document = json.loads(file.read_bytes())
    document["results"][name][member] = value
    assert [one.name for one in hold(document, FLOORS) if not one.holds] == [name]


def test_a_figure_that_vanished_does_not_hold() -> None:
    document = json.loads(Path("benchmarks/writes.json").read_bytes())
    del document["results"]["drawdowns_one_caller"]
    assert [one.name for one in hold(document, FLOORS) if not one.holds] == ["drawdowns_one_caller"]


def test_a_yardstick_that_drifted_compares_with_nothing() -> None:
    assert is_comparable({"drift_percent": -15})
    assert not is_comparable({"drift_percent": 15.1})
    assert is_comparable({})


def test_an_unknown_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="takes one or more of"):
        load_floors("[drawdowns]\nratio = 1\n")


def test_the_command_says_which_one_and_exits_with_1(tmp_path: Path) -> None:
    document = json.loads(Path("benchmarks/close.json").read_bytes())
    document["results"]["close"]["value"] = 7
    lowered = tmp_path / "close.json"
    lowered.write_text(json.dumps(document))
    runner = CliRunner()
    assert runner.invoke(app, ["bench", "gate", "benchmarks/close.json"]).exit_code == 0
    refused = runner.invoke(app, ["bench", "gate", str(lowered)])
    assert refused.exit_code == 1
    assert "Not every figure holds" in refused.output
