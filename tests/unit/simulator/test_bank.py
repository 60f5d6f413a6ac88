"""The simulated bank: its memory, its plan of faults, its operators' routes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from counterfoil.simulator.bank.bank import Bank, Order
from counterfoil.simulator.bank.faults import SCALE_BP, Fault, FaultPlan
from counterfoil.simulator.bank.journal import Journal
from counterfoil.simulator.bank.server import make_app
from counterfoil.simulator.bank.statement_file import write_statement

DAY = date(2026, 3, 1)
RATES_BP: dict[Fault, int] = {fault: 500 for fault in Fault if fault is not Fault.NONE}


def order(number: int) -> Order:
    return Order(
        reference=f"pm_{number:013d}",
        amount_minor=100 + number,
        currency="CNY",
        payee="pa",
        requested_on=DAY,
    )


def work(bank: Bank) -> None:
    for number in range(300):
        bank.order(order(number))
        bank.ask(f"pm_{number:013d}")
    bank.move_to(DAY + timedelta(days=1))


def test_a_bank_that_was_started_again_knows_all_it_has_booked(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    plan = FaultPlan(seed=4, rates_bp=RATES_BP)
    with Journal(path) as journal:
        before = Bank(journal=journal, plan=plan)
        work(before)
        came = before.receive("pu_1", 500, "CNY", on=DAY)
    with Journal(path) as journal:
        after = Bank(journal=journal, plan=plan)
        assert after.receipts == before.receipts
        assert after.entries == before.entries
        assert after.days == before.days
        assert after.today == before.today
        assert after._to_return == before._to_return
        assert after._pending == before._pending
        for day in (DAY, DAY + timedelta(days=1)):
            assert write_statement(after, day) == write_statement(before, day)
        line = f"pu_1,received,500,CNY,{came.value_date},R000000000001"
        assert line in write_statement(after, came.value_date)
        assert after.receive("pu_1", 500, "CNY", on=DAY).rail_reference == "R000000000002"


def test_a_torn_last_line_is_cut_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    with Journal(path) as journal:
        bank = Bank(journal=journal)
        bank.order(order(1))
        bank.order(order(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with Journal(path) as journal:
        bank = Bank(journal=journal)
        assert list(bank.entries) == ["pm_0000000000001"]
        bank.order(order(2))
    assert len(path.read_bytes()) == len(whole)


def test_the_plan_follows_its_seed_and_rates_whatever_the_order() -> None:
    plan = FaultPlan(seed=1, rates_bp={Fault.REFUSES: 1_000, Fault.LATE_REVERSAL: 500})
    references = [f"pm_{number:013d}" for number in range(20_000)]
    first = {reference: plan.fault_of(reference) for reference in references}
    assert first == {reference: plan.fault_of(reference) for reference in reversed(references)}
    counts = Counter(first.values())
    assert 1_850 < counts[Fault.REFUSES] < 2_150
    assert 900 < counts[Fault.LATE_REVERSAL] < 1_100
    other = FaultPlan(seed=2, rates_bp=plan.rates_bp)
    assert first != {reference: other.fault_of(reference) for reference in references}


@pytest.mark.parametrize(
    "rates_bp", [{Fault.REFUSES: -1}, {Fault.REFUSES: SCALE_BP, Fault.ANSWERS_LATE: 1}]
)
def test_rates_beyond_everything_are_refused(rates_bp: dict[Fault, int]) -> None:
    with pytest.raises(ValueError, match="basis points"):
        FaultPlan(rates_bp=rates_bp)


async def test_faults_are_set_and_shown_from_this_machine_only() -> None:
    bank = Bank()
    here = httpx.ASGITransport(app=make_app(bank), client=("127.0.0.1", 1))
    there = httpx.ASGITransport(app=make_app(bank), client=("10.0.0.9", 1))
    body = {"seed": 3, "rates_bp": {"refuses": 10_000}, "silent_asks_bp": 5, "upcoming": []}
    async with httpx.AsyncClient(transport=here, base_url="http://bank") as client:
        assert (await client.put("/faults", json=body)).status_code == 200
        assert (await client.get("/faults")).json() == body
        too_much = body | {"rates_bp": {"refuses": 10_001}}
        assert (await client.put("/faults", json=too_much)).status_code == 422
        moved = await client.post("/date", json={"today": "2026-03-05"})
        assert moved.json() == {"today": "2026-03-05"}
        assert (await client.get("/counts")).json()["succeeded"] == 0
    async with httpx.AsyncClient(transport=there, base_url="http://bank") as client:
        for call in (
            client.get("/faults"),
            client.put("/faults", json=body),
            client.get("/counts"),
        ):
            assert (await call).status_code == 403
    assert bank.plan.rates_bp == {Fault.REFUSES: 10_000}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(port: int, journal: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "counterfoil.simulator.bank"]
    process = subprocess.Popen([*command, "--port", str(port), "--journal", str(journal)])
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/counts")
        except httpx.HTTPError:
            assert process.poll() is None, "the bank did not start"
        else:
            return process
    raise AssertionError("the bank did not start in time")


def test_a_killed_bank_process_forgets_nothing_it_has_answered_for(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "bank.jsonl"
    answers: list[dict[str, object]] = []
    for round_no in range(2):
        process = start(port, journal)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                for answer in answers:
                    again = client.get(f"/payouts/{answer['reference']}")
                    assert again.json() == answer
                for number in range(20):
                    body = {
                        "reference": f"pm_{round_no:06d}{number:07d}",
                        "amount_minor": 5,
                        "currency": "CNY",
                        "payee": "pa",
                        "requested_on": DAY.isoformat(),
                    }
                    answers.append(client.post("/payouts", json=body).json())
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    booked = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [fact["reference"] for fact in booked if fact["fact"] == "entry"] == [
        answer["reference"] for answer in answers
    ]
