"""`counterfoil reconcile` in a process of its own: agreement ends with 0, a difference with 1."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from tests.store.branch import FIRST_DATE, an_opening, open_branch

from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.payments.port import alone
from counterfoil.payments.relay import PayoutRelay
from counterfoil.simulator.bank.bank import Bank, Order
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.statement_file import write_statement


def command(home: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("counterfoil"), "reconcile", *arguments],
        env={**os.environ, "COUNTERFOIL_HOME": str(home), "COUNTERFOIL_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def pay_out(url: str, home: Path, bank: Bank) -> None:
    """Lend 1,000.00 over the bank."""
    async with open_branch(url, home) as branch:
        await branch.get(an_opening(11, 21))
        house = branch.house
        relay = PayoutRelay(
            house.database,
            rails=alone(DirectRail(bank)),
            books=PayoutBooks(house),
            clock=house.clock,
            business_date=house.business_date,
            worker="worker-1",
        )
        await relay.consumer.register()
        await branch.draw(11, 21, 100_000)
        await relay.drain()


def statement_of(bank: Bank, on: date, path: Path) -> str:
    path.write_text(write_statement(bank, on), encoding="utf-8")
    return str(path)


async def test_a_day_is_reconciled_from_the_statement_file(
    database_url: str, tmp_path: Path
) -> None:
    bank = Bank()
    await pay_out(database_url, tmp_path, bank)
    on = ("--on", FIRST_DATE.isoformat())
    early = command(tmp_path, database_url, *on)
    assert early.returncode == 1
    assert "has not been taken" in early.stderr
    file = statement_of(bank, FIRST_DATE, tmp_path / "statement.csv")
    done = command(tmp_path, database_url, *on, "--statement", file, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rail"], found["matched_count"], found["matched_minor"]) == ("bank", 1, 100_000)
    assert found["open_differences"] == []
    again = command(tmp_path, database_url, *on)
    assert again.returncode == 0
    assert "1 agree on all sides" in again.stdout
    assert "No difference is open." in again.stdout


async def test_a_difference_is_shown_with_its_age_and_ends_with_1(
    database_url: str, tmp_path: Path
) -> None:
    bank = Bank()
    await pay_out(database_url, tmp_path, bank)
    bank.order(
        Order(
            reference="pm_stranger",
            amount_minor=500,
            currency="CNY",
            payee="acct",
            requested_on=FIRST_DATE,
        )
    )
    file = statement_of(bank, FIRST_DATE, tmp_path / "statement.csv")
    on = ("--on", FIRST_DATE.isoformat())
    done = command(tmp_path, database_url, *on, "--statement", file, "--json")
    assert done.returncode == 1
    [one] = json.loads(done.stdout)["open_differences"]
    assert one == {
        "reference": "pm_stranger",
        "customer_id": None,
        "cause": "unknown_on_statement",
        "order_minor": None,
        "statement_minor": 500,
        "ledger_minor": None,
        "rail": "bank",
        "first_seen_on": FIRST_DATE.isoformat(),
        "age_days": 0,
    }
    shown = command(tmp_path, database_url, *on)
    assert shown.returncode == 1
    assert "pm_stranger" in shown.stdout
    assert "By age, bank: up to 1 days: 1" in shown.stdout
