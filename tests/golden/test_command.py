"""`counterfoil golden`: its answers and exit codes are a contract with programs."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from counterfoil.cli import golden

CASES = Path(__file__).with_name("cases.json")
KEYS = {"id", "result", "reason", "expected", "actual"}


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    golden.register(made)
    made.command("other")(lambda: None)
    return made


def run(app: typer.Typer, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["golden", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_whole_file_in_json(app: typer.Typer) -> None:
    code, text, _ = run(app, str(CASES), "--json")
    answer = json.loads(text)
    assert code == 0
    assert set(answer) == {"passed", "failed", "unsupported", "cases"}
    assert answer["passed"] + answer["failed"] + answer["unsupported"] == len(answer["cases"])
    assert answer["failed"] == 0
    assert all(set(case) == KEYS for case in answer["cases"])
    assert all(case["reason"] for case in answer["cases"])
    passed = [case for case in answer["cases"] if case["result"] == "passed"]
    assert all(case["expected"] and set(case["expected"]) == set(case["actual"]) for case in passed)


def test_one_case_as_text(app: typer.Typer) -> None:
    code, text, _ = run(app, str(CASES), "--only", "FIN-EMI-01")
    assert code == 0
    assert "1 passed, 0 failed, 0 unsupported" in text


def test_a_failed_case_ends_with_one(app: typer.Typer, tmp_path: Path) -> None:
    document = json.loads(CASES.read_text(encoding="utf-8"))
    case = next(one for one in document["cases"] if one["id"] == "FRP-SCH-05")
    case["expected"]["emi"] = "47524"
    path = tmp_path / "altered.json"
    path.write_text(json.dumps({"cases": [case]}), encoding="utf-8")
    code, text, _ = run(app, str(path), "--json")
    answer = json.loads(text)
    assert (code, answer["failed"]) == (1, 1)
    assert answer["cases"][0]["result"] == "failed"
    assert answer["cases"][0]["reason"] == "1 of 1 figures differ: emi: 47524 ≠ 47523"


@pytest.mark.parametrize("content", [None, "{", '{"cases": 1}'])
def test_an_unreadable_file_ends_with_two(
    app: typer.Typer, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "cases.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    code, text, error = run(app, str(path), "--json")
    assert (code, text) == (2, "")
    assert str(path) in error


def test_an_unknown_case_ends_with_two(app: typer.Typer) -> None:
    code, _, error = run(app, str(CASES), "--only", "NO-SUCH")
    assert code == 2
    assert "NO-SUCH" in error
