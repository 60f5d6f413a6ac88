"""The command line, run as a person runs it: in a process of its own, on a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from counterfoil import __version__
from counterfoil.cli import output
from counterfoil.cli.site import with_own_witnesses
from counterfoil.platform import embedded, migrate
from counterfoil.platform.settings import Settings
from counterfoil.simulator import parties

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    def run_one(
        *arguments: str, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("counterfoil"), *arguments],
            env={**os.environ, "COUNTERFOIL_HOME": str(tmp_path / "home"), **environment},
            cwd=tmp_path,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run_one
    embedded.stop(tmp_path / "home")


def test_help_lists_the_commands_and_the_version_is_the_packages(run: Run) -> None:
    listed = run("--help")
    assert listed.returncode == 0
    assert "migrate" in listed.stdout
    assert run("--version").stdout == f"counterfoil {__version__}\n"


def test_migrate_applies_once_and_says_what(run: Run) -> None:
    planned = json.loads(run("migrate", "--plan", "--json").stdout)
    names = [migration.name for migration in migrate.shipped()]
    assert [step["name"] for step in planned["pending"]] == names
    assert json.loads(run("migrate", "--json").stdout) == {"applied": names}
    assert run("migrate").stdout == "The schema is up to date.\n"
    assert json.loads(run("migrate", "--plan", "--json").stdout) == {"pending": []}


def test_keys_are_made_listed_and_revoked(run: Run) -> None:
    made = json.loads(
        run("keys", "create", "shop", "--scope", "lines:read", "--days", "30", "--json").stdout
    )
    assert made["secret"].startswith("cfk_")
    (listed,) = json.loads(run("keys", "list", "--json").stdout)["api_keys"]
    assert listed["client"] == "shop"
    assert listed["scopes"] == ["lines:read"]
    assert "secret" not in listed
    assert run("keys", "revoke", made["api_key_id"]).returncode == 0
    again = run("keys", "revoke", made["api_key_id"])
    assert again.returncode == 1
    assert "no live key" in again.stderr


def test_an_operator_may_sign_in_until_disabled(run: Run) -> None:
    chosen = ("operators", "set", "li.na", "--role", "operations", "--password-stdin")
    assert run(*chosen, typed="open sesame now\n").stdout == "li.na may sign in as operations\n"
    assert run("operators", "disable", "li.na").returncode == 0
    assert run("operators", "disable", "li.na").returncode == 1
    short = run(*chosen, typed="sesame\n")
    assert short.returncode == 1
    assert "at least 12" in short.stderr
    assert run("operators", "set", "Li Na", "--role", "operations").returncode == 2
    assert run("operators", "set", "li.na", "--role", "owner").returncode == 2


def test_two_operators_change_the_wrapping_key(run: Run) -> None:
    for name, role in (("ann", "administrator"), ("ben", "compliance")):
        chosen = ("operators", "set", name, "--role", role, "--password-stdin")
        assert run(*chosen, typed="open sesame now\n").returncode == 0

    def act(*words: str, name: str) -> subprocess.CompletedProcess[str]:
        return run(*words, "--as", name, "--password-stdin", typed="open sesame now\n")

    why = ("--kind", "wrapping", "--reason", "yearly")
    early = act("privacy", "rotate", *why, name="ann")
    assert early.returncode == 1
    assert "approval_missing" in early.stderr
    asked = act("privacy", "ask-rotation", *why, name="ann")
    number = asked.stdout.strip()
    assert number.startswith("av_"), asked.stderr
    own = act("approvals", "approve", number, "--reason", "mine", name="ann")
    assert "approval_by_another" in own.stderr
    given = act("approvals", "approve", number, "--reason", "checked", name="ben")
    assert given.stdout == f"approved {number}\n"
    done = act("privacy", "rotate", *why, name="ann")
    assert done.stdout == "file:wrapping-0001 → file:wrapping-0002\n"
    wrong = run("privacy", "rotate", *why, "--as", "ann", "--password-stdin", typed="no\n")
    assert "do not belong together" in wrong.stderr
    assert run("privacy", "trail").returncode == 2
    lines = [json.loads(line) for line in act("privacy", "trail", name="ann").stdout.splitlines()]
    commands = [line for line in lines[::-1] if line["act"] == "command"]
    assert commands[0]["after"] == "operator=ann role=administrator"
    assert commands[0]["subject"].startswith("counterfoil operators set")
    assert commands[0]["role"] == "machine"
    assert [line["act"] for line in lines[::-1] if line["act"] != "command"] == [
        *("rotation", "approval_request", "approval_decision", "approval_given"),
        *("rotation", "rotation_finished"),
    ]
    assert "0 anchors broken" in run("privacy", "check-trail").stdout


def test_an_unknown_scope_is_refused_with_those_there_are(run: Run) -> None:
    refused = run("keys", "create", "shop", "--scope", "everything")
    assert refused.returncode == 2
    assert "lines:read" in refused.stderr


def test_the_server_is_started_shown_and_stopped(run: Run) -> None:
    assert run("db", "status").stdout == "not there yet\n"
    address = run("db", "start").stdout
    assert address.startswith("postgresql://")
    assert run("db", "url").stdout == address
    assert json.loads(run("db", "status", "--json").stdout)["is_running"] is True
    assert run("db", "stop").stdout == "stopped\n"
    assert run("db", "stop").stdout == "was not running\n"
    assert run("db", "status").stdout == "not running\n"


def test_days_are_closed_in_order_and_never_back(run: Run) -> None:
    (first,) = json.loads(run("close-day", "--json").stdout)["days"]
    day = date.fromisoformat(first["business_date"])
    later = day + timedelta(days=4)
    days = json.loads(run("close-day", "--to", str(later), "--json").stdout)["days"]
    assert [closed["business_date"] for closed in days] == [
        str(day + timedelta(days=number)) for number in (1, 2, 3)
    ]
    refused = run("close-day", "--to", str(day))
    assert refused.returncode == 1
    assert "never moves back" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_failures_are_one_line_and_an_exit_code(run: Run) -> None:
    wrong = run("keys", "list", COUNTERFOIL_PORT="hunter2")
    assert wrong.returncode == 1
    assert "COUNTERFOIL_PORT" in wrong.stderr
    assert "hunter2" not in wrong.stderr
    away = run("migrate", COUNTERFOIL_DATABASE_URL="postgresql://x:hunter2@127.0.0.1:1/x")
    assert away.returncode == 1
    assert "Traceback" not in away.stderr
    assert "hunter2" not in away.stderr


def test_it_refuses_to_run_without_assertions(run: Run) -> None:
    refused = run("db", "status", PYTHONOPTIMIZE="1")
    assert refused.returncode == 1
    assert "assertions" in refused.stderr


def test_identifiers_stand_on_one_line_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    rows = [("av_0am5ss3740000", "words that take more than their share of a line " * 3)] * 2
    output.write_table("Requests", ("approval_id", "summary"), rows)
    assert capsys.readouterr().out.count("av_0am5ss3740000") == 2


def test_the_log_knows_the_witnesses_that_a_sandbox_runs_beside_itself(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert with_own_witnesses(settings).witnesses is None
    lines = parties.directory_of(tmp_path) / parties.POLICY_LINES
    lines.parent.mkdir()
    lines.write_text("quorum none\n")
    assert with_own_witnesses(settings).witnesses == lines
    others = settings.model_copy(update={"environment": "production"})
    assert with_own_witnesses(others).witnesses is None
