"""Features from the command line: the registry, policies held against it, what is known."""

import json
from pathlib import Path

from tests.cli.test_policies import Run, run
from tests.unit.decisioning.policies import TEXT

from counterfoil.features.registry_file import load_registry
from counterfoil.kernel import ids

__all__ = ["run"]


def test_the_registry_is_listed_and_a_feature_is_shown(run: Run) -> None:
    listed = json.loads(run("features", "list", "--json").stdout)
    assert listed["registry_sha256"] == load_registry().sha256
    bureau = json.loads(run("features", "list", "--source", "bureau", "--json").stdout)
    assert {"bureau"} <= {source for one in bureau["features"] for source in one["sources"]}
    assert len(bureau["features"]) < len(listed["features"])
    shown = run("features", "show", "own_days_late_worst")
    assert "longest_open over instalment_due until instalment_settled" in shown.stdout
    assert run("features", "show", "horoscope").returncode == 1


def test_a_policy_is_held_against_the_registry(run: Run, tmp_path: Path) -> None:
    assert run("features", "check", "raise-2026-01").returncode == 0
    wide = TEXT.replace("highest = 1_000\n", "highest = 100_000\n", 1)
    (tmp_path / "mine.toml").write_text(wide)
    told = run("features", "check", "mine.toml", "--json")
    assert told.returncode == 1
    [fault] = json.loads(told.stdout)["faults"]
    assert (fault["name"], fault["reason"][:18]) == ("lenders_count", "has a range beyond")


def test_a_wrong_registry_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "x.toml").write_text('[[sources]]\ncode = "x"\n')
    told = run("features", "list", "--registry", str(tmp_path / "registry"))
    assert told.returncode == 1
    assert "x.toml.sources[x].name_en: is missing" in told.stderr


def test_what_is_known_is_told_and_nothing_is_invented(run: Run, tmp_path: Path) -> None:
    nobody, password = ids.to_text(ids.CUSTOMER, 5), "correct horse 7 battery\n"
    by = ("--as", "ana", "--password-stdin")
    run("operators", "set", "ana", "--role", "risk_analyst", "--password-stdin", typed=password)
    value = ("features", "value", nobody, "own_grade", "--json")
    assert run(*value).returncode == 2
    assert run(*value, *by, typed="wrong horse\n").returncode == 1
    assert "alias" in run(*value, *by, typed=password).stderr, "an analyst knows no true number"
    run("operators", "set", "aud", "--role", "auditor", "--password-stdin", typed=password)
    auditor = ("--as", "aud", "--password-stdin")
    told = json.loads(run(*value, *auditor, typed=password).stdout)
    assert [(one["value"], one["quality"]) for one in told["features"]] == [(None, "unknown")]
    listed = run("privacy", "trail", *auditor, typed=password)
    trail = [json.loads(line) for line in listed.stdout.splitlines()]
    looked = [one for one in trail if one["subject"] == "counterfoil features value"]
    assert ("ana", "alias_missing") in {(one["actor"], one["outcome"]) for one in looked}
    [shown] = [one for one in looked if "customer_ids" in one]
    assert (shown["actor"], shown["outcome"], shown["customer_ids"]) == ("aud", "done", ["5"])
    assert "credit_decision" in shown["purpose"].split()
    checked = run("features", "quality", "--run", "--json")
    assert checked.returncode == 0, checked.stderr
    sources = {one["source"]: one for one in json.loads(checked.stdout)["sources"]}
    assert sources["bureau"]["effect"] == "pass"
    assert len(sources["bureau"]["checks"]) > 1
    assert run("features", "quarantine").returncode == 2
    waits = run("features", "quarantine", *by, "--json", typed=password)
    assert json.loads(waits.stdout) == {"quarantined": []}
    export = ("features", "export", "h.parquet", "own_grade", "--days", "2026-01-31")
    out = run(*export, *by, typed=password)
    assert out.returncode == 0, out.stderr
    trace = ("features", "trace", nobody, "--record", "nothing", "--json")
    traced = run(*trace, *auditor, typed=password)
    assert json.loads(traced.stdout)["decisions"] == []
