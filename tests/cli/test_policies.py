"""Policies from the command line: checked, shown, proven, back-tested, published by two people."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.unit.decisioning.cases import CLEAN
from tests.unit.decisioning.policies import TEXT

from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.platform import embedded

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    def run_one(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("counterfoil"), *arguments],
            env={**os.environ, "COUNTERFOIL_HOME": str(tmp_path / "home"), "COLUMNS": "200"},
            cwd=tmp_path,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run_one
    embedded.stop(tmp_path / "home")


def cases(path: Path) -> Path:
    names = [item.name for item in load_policy(BASE_POLICY).features]
    rows = [CLEAN, CLEAN | {"delay_months_latest": 3}, CLEAN | {"age_years": 17}]
    pl.DataFrame([{name: row.get(name) for name in names} for row in rows]).with_columns(
        pl.col("income_monthly_minor", "debt_monthly_minor", "lenders_count").cast(pl.Int64)
    ).write_parquet(path)
    return path


def test_a_policy_is_checked_shown_and_its_code_can_be_read(run: Run) -> None:
    checked = run("policy", "check", BASE_POLICY, "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["policy_hash"] == load_policy(BASE_POLICY).hash
    assert "age_years < 18" in run("policy", "show", BASE_POLICY).stdout
    source = run("policy", "show", BASE_POLICY, "--python").stdout
    compile(source, "policy", "exec")
    assert "def decide(" in source


def test_a_fault_is_told_with_file_line_and_column(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TEXT.replace("late_months_count >= 4", "nobody >= 4", 1))
    told = run("policy", "check", "mine.toml")
    assert told.returncode == 1
    assert told.stderr.startswith("mine.toml:284:33: policy.rules[R02].when: the feature nobody")
    assert "Traceback" not in told.stderr
    missing = run("policy", "check", "nowhere.toml")
    assert (missing.returncode, "there is no such file" in missing.stderr) == (1, True)


def test_the_gate_says_yes_and_no(run: Run, tmp_path: Path) -> None:
    passed = run("policy", "gate", BASE_POLICY, "--generated", "800", "--json")
    assert passed.returncode == 0, passed.stderr
    assert json.loads(passed.stdout)["passed"] is True
    dead = TEXT.replace("lenders_count >= 7", "lenders_count > 1000", 1)
    (tmp_path / "dead.toml").write_text(dead)
    told = run("policy", "gate", "dead.toml", "--generated", "800")
    assert told.returncode == 1
    line = next(n for n, text in enumerate(dead.splitlines(), 1) if "lenders_count > 1000" in text)
    assert f"dead.toml:{line}:9: policy.rules[R09].when: can never be true" in told.stderr


def test_cases_of_a_file_are_decided_and_compared(run: Run, tmp_path: Path) -> None:
    data = cases(tmp_path / "cases.parquet")
    (tmp_path / "next.toml").write_text(
        TEXT.replace("recorded = 5_000_000", "recorded = 4_000_000", 1)
    )
    done = run(
        *("backtest", "next.toml", "--data", str(data), "--out", "out.parquet"),
        *("--compare", BASE_POLICY, "--on", "2026-03-01", "--rules", "--json"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["outcomes"] == {"approved": 1, "declined": 2}
    assert summary["coverage"]["R01"] == {"true": 1, "false": 1, "unknown": 0, "not_judged": 1}
    assert summary["moves"]["limit_lowered"] == 1
    out = pl.read_parquet(tmp_path / "out.parquet")
    assert out["rule_R01"].to_list() == ["false", "true", None]
    shown = run("backtest", BASE_POLICY, "--data", str(data), "--out", "out.parquet")
    assert "1 approved, 2 declined" in shown.stdout


def test_a_file_that_does_not_fit_is_refused_by_column(run: Run, tmp_path: Path) -> None:
    frame = pl.read_parquet(cases(tmp_path / "cases.parquet"))
    frame.with_columns(pl.col("utilisation_ppm") / 2).write_parquet(tmp_path / "bad.parquet")
    told = run("backtest", BASE_POLICY, "--data", "bad.parquet", "--out", "out.parquet")
    assert told.returncode == 1
    assert "utilisation_ppm is Float64; it has to be a column of whole numbers" in told.stderr
    same = run("backtest", BASE_POLICY, "--data", "bad.parquet", "--out", "bad.parquet")
    assert same.returncode == 2


def test_two_people_publish(run: Run, tmp_path: Path) -> None:
    (tmp_path / "next.toml").write_text(TEXT.replace('version = "2026-01"', 'version = "mine"', 1))
    password = "a password of some length\n"
    added = run(
        *("operators", "set", "ana", "--role", "risk_analyst", "--password-stdin"), typed=password
    )
    assert added.returncode == 0, added.stderr
    ask = (
        *("policy", "publish", "next.toml", "--by", "ana", "--reason", "new year", "--json"),
        *("--generated", "500", "--password-stdin"),
    )
    wrong = run(*ask, typed="something else entirely\n")
    assert (wrong.returncode, "do not belong together" in wrong.stderr) == (1, True)
    asked = run(*ask, typed=password)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["state"] == "requested"
    alone = run(*ask, typed=password)
    assert alone.returncode == 1
    assert "approval_missing" in alone.stderr
    assert json.loads(run("policy", "list", "--json").stdout) == []
    assert "Nothing is held back" in run("policy", "guards", BASE_POLICY).stdout


def test_decisions_of_an_empty_house_come_out_and_wrong_numbers_are_told(run: Run) -> None:
    done = run("decision", "replay", "--all", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["examined"] == 0
    assert run("decision", "replay").returncode == 2
    assert run("decision", "replay", "ln_0000000000001").returncode == 2
    password = "correct horse 7 battery\n"
    run("operators", "set", "ana", "--role", "auditor", "--password-stdin", typed=password)
    by = ("--as", "ana", "--password-stdin")
    unknown = run("decision", "explain", "ap_0000000000001", *by, typed=password)
    assert (unknown.returncode, "no decision" in unknown.stderr) == (1, True)
