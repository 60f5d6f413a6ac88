"""Processes are killed at work; what was acknowledged is there, once, and the books are right."""

import asyncio
from pathlib import Path

import asyncpg
import orjson
import pytest
from typer.testing import CliRunner

from counterfoil.cli.main import app
from counterfoil.platform import embedded
from counterfoil.simulator.crash import cycles
from counterfoil.simulator.crash.clerk import digest
from counterfoil.simulator.crash.cycles import Fault, Finding, Heard, Run, raised
from counterfoil.simulator.crash.work import FIRST_DATE, command_of, work_key

pytestmark = pytest.mark.durable

CYCLES = 20


def quiet(_text: str) -> None:
    pass


def test_a_run_of_kills_loses_nothing_and_does_nothing_twice() -> None:
    with raised() as home:
        report = asyncio.run(Run(home, seed=1, cycles=CYCLES, tell=quiet).run())
    assert sum(report.faults.values()) == CYCLES
    assert report.faults.keys() >= {Fault.CLERK, Fault.BACKEND, Fault.CLERK_AND_SERVER}
    assert report.accepted > CYCLES * 10
    assert report.sent_again > 0
    assert report.days_closed > 0
    assert orjson.loads(orjson.dumps(report.document()))["cycles"] == CYCLES


#: What somebody changes behind the product's back, how it is undone, and what a run says of it.
TAMPERINGS = [
    (
        "UPDATE platform.command SET idempotency_key = 'x' WHERE idempotency_key = 'open:1'",
        "UPDATE platform.command SET idempotency_key = 'open:1' WHERE idempotency_key = 'x'",
        "open:1 was accepted and is lost",
    ),
    (
        "UPDATE platform.command SET answer = answer || ' '",
        "UPDATE platform.command SET answer = left(answer, -1)",
        "was accepted and is other",
    ),
    (
        "INSERT INTO platform.command VALUES (1, 'refused', '', 'draw', '', now())",
        "DELETE FROM platform.command WHERE idempotency_key = 'refused'",
        "refused was refused with line_frozen and is recorded",
    ),
    (
        "INSERT INTO platform.command VALUES (1, 'stranger', '', 'draw', '', now())",
        "DELETE FROM platform.command WHERE idempotency_key = 'stranger'",
        "stranger is recorded and nobody sent it",
    ),
    (
        "UPDATE lending.credit_line SET held_minor = held_minor + 1",
        "UPDATE lending.credit_line SET held_minor = held_minor - 1",
        "the books are wrong",
    ),
]


async def tamper(home: Path) -> list[str]:
    """Change the books after a run, and look at them as a run does."""
    run = Run(home, seed=2, cycles=1, tell=quiet)
    await run.run()
    run._heard.started.add("refused")
    run._heard.refused["refused"] = "line_frozen"
    found: list[str] = []
    connection = await asyncpg.connect(embedded.status(home).url)
    try:
        # As somebody would who owns the database: commands are only ever added to.
        await connection.execute("ALTER TABLE platform.command DISABLE TRIGGER command_stays")
        for change, undo, finding in TAMPERINGS:
            await connection.execute(change)
            with pytest.raises(Finding, match=finding):
                await look(run)
            await connection.execute(undo)
            await look(run)
            found.append(finding)
    finally:
        await connection.close()
    return found


async def look(run: Run) -> None:
    await run._look()
    await run._check_books(leave_out=frozenset({"payouts"}))


def test_what_a_run_looks_for_is_found() -> None:
    with raised() as home:
        found = asyncio.run(tamper(home))
    assert found == [finding for _, _, finding in TAMPERINGS]


def test_a_second_answer_that_differs_is_a_finding() -> None:
    heard = Heard()
    for line in ("S k", "A k 12", "A k 12"):
        heard.take(line)
    with pytest.raises(Finding, match="differently"):
        heard.take("A k 13")


def test_keys_without_an_answer_are_those_to_send_again() -> None:
    heard = Heard()
    for line in ("ready", "S a", "S b", "S c", "S d", "A a 1", "R b line_frozen", "U c"):
        heard.take(line)
    assert heard.open_keys == ["c", "d"]
    heard.take("A b 2")  # a refused key may be tried again
    assert heard.refused == {}
    with pytest.raises(Finding):
        heard.take("oops")


def test_a_command_follows_from_seed_and_key() -> None:
    key = work_key(FIRST_DATE, 3, 14)
    assert command_of(1, key) == command_of(1, key)
    several = {repr(command_of(1, work_key(FIRST_DATE, 3, n))) for n in range(50)}
    assert len(several) > 40
    assert repr(command_of(2, key)) not in repr(command_of(1, key))
    assert digest("a") != digest("b")


def test_the_command_line_tells_of_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(self: Run) -> None:
        raise Finding("k was accepted and is lost")

    monkeypatch.setattr(cycles.Run, "run", run)
    result = CliRunner().invoke(app, ["crash", "--cycles", "1", "--seed", "7"])
    assert result.exit_code == 1
    assert "seed 7: k was accepted and is lost" in result.output
