"""The commands that show and check a book, run as a person runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from counterfoil.kernel import ids

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, empty_database_url: str) -> Run:
    """Run a command on a database and a home of the test's own."""

    def run_one(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("counterfoil"), *arguments],
            env={
                **os.environ,
                "COUNTERFOIL_HOME": str(tmp_path / "home"),
                "COUNTERFOIL_DATABASE_URL": empty_database_url,
            },
            cwd=tmp_path,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_one


def read(done: subprocess.CompletedProcess[str], *, code: int = 0) -> Any:
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


async def test_a_demonstration_can_be_checked_balanced_and_explained(
    run: Run, empty_database_url: str, tmp_path: Path
) -> None:
    figures_file = tmp_path / "figures.json"
    shown = run(
        *("demo", "--applicants", "30", "--days", "70", "--seed", "5"),
        *("--no-serve", "--json", str(figures_file)),
    )
    assert shown.returncode == 0, shown.stderr
    figures = json.loads(figures_file.read_text())
    assert figures["fsck"]["ok"]
    assert figures["seconds"] > 0
    assert "doi:10.24432/C55S3H" in shown.stdout
    assert "cfk_" in shown.stdout

    sound = read(run("fsck", "--json"))
    assert sound["ok"]
    assert len(sound["checks"]) == figures["fsck"]["checks"]
    for result in sound["checks"].values():
        assert result.keys() >= {"ok", "examined", "exceptions"}

    balance = read(run("ledger", "trial-balance", "--json"))
    assert balance["balanced"]
    assert balance["on"] == figures["business_date"]
    bank = {row["account"]: row["balance_minor"] for row in balance["accounts"]}[1002]
    received = figures["repaid_minor"] - figures["credit_returned_minor"]
    assert bank == received - figures["drawn_minor"]
    earlier = read(run("ledger", "trial-balance", "--on", "2026-01-06", "--json"))
    assert earlier["balanced"]
    assert earlier["accounts"] != balance["accounts"]

    compared = read(run("ledger", "reconcile", "--json"))
    assert compared["ok"]
    assert {row["difference_minor"] for row in compared["accounts"]} == {0}

    connection = await asyncpg.connect(empty_database_url)
    try:
        customer_id, loan_id, principal_minor = await connection.fetchrow(
            "SELECT customer_id, loan_id, principal_minor FROM lending.loan "
            "WHERE status = 'open' ORDER BY loan_id LIMIT 1"
        )
        _check_explanations(run, customer_id, loan_id, principal_minor)
        await connection.execute(
            "UPDATE lending.loan SET principal_minor = principal_minor - 1 WHERE loan_id = $1",
            loan_id,
        )
    finally:
        await connection.close()

    broken = read(run("fsck", "--json"), code=1)
    assert not broken["ok"]
    assert not broken["checks"]["loan_state"]["ok"]
    assert broken["checks"]["loan_state"]["exceptions"]
    assert "principal_minor is" in run("fsck").stdout
    assert run("ledger", "reconcile").returncode == 1


def _check_explanations(run: Run, customer_id: int, loan_id: int, principal_minor: int) -> None:
    names = (ids.to_text(ids.LOAN, loan_id), "--customer", ids.to_text(ids.CUSTOMER, customer_id))
    password = "correct horse 7 battery\n"
    run("operators", "set", "ann", "--role", "finance", "--password-stdin", typed=password)

    def explain(*given: str) -> subprocess.CompletedProcess[str]:
        signed = ("--as", "ann", "--password-stdin")
        return run("ledger", "explain", *given, *signed, typed=password)

    assert run("ledger", "explain", *names).returncode == 2
    for figure in ("interest", "principal"):
        told = read(explain(*names, "--figure", figure, "--json"))
        assert told["figure"] == figure
        owed_e8 = (told["amount_minor"] + told["paid_minor"]) * 10**8
        if figure == "principal":
            assert told["amount_minor"] == principal_minor
            assert sum(share["share_minor"] for share in told["transactions"]) == principal_minor
        else:
            assert owed_e8 - told["exact_e8"] == told["rounding_e8"]
            exact = [
                segment["principal_minor"] * segment["rate_daily_e8"] * segment["days"]
                for segment in told["segments"]
            ]
            assert exact == [segment["exact_e8"] for segment in told["segments"]]
            assert sum(exact) == told["exact_e8"]
    assert "rule" in explain(*names).stdout
    assert explain(*names, "--figure", "luck").returncode == 2
    stranger = ids.to_text(ids.CUSTOMER, customer_id + 1)
    assert explain(names[0], "--customer", stranger).returncode == 1


async def test_a_demonstration_refuses_a_database_that_somebody_needs(
    run: Run, empty_database_url: str
) -> None:
    assert run("migrate").returncode == 0
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("INSERT INTO customers.customer VALUES (7, 'active', 'zh', now())")
        refused = run("demo", "--applicants", "5", "--days", "2", "--no-serve")
        assert refused.returncode == 1
        assert "COUNTERFOIL_HOME" in refused.stderr
        assert await connection.fetchval("SELECT count(*) FROM customers.customer") == 1
    finally:
        await connection.close()


def test_the_books_of_an_empty_database_are_sound(run: Run) -> None:
    assert run("migrate").returncode == 0
    assert read(run("fsck", "--json"))["ok"]
    assert read(run("ledger", "trial-balance", "--json"))["accounts"] == []
    assert read(run("ledger", "reconcile", "--json"))["accounts"] == []
