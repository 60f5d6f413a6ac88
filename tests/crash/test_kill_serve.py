"""`counterfoil serve` itself is killed under load: what it acknowledged is there, once.

Invariant   Every command that was answered is recorded once with that answer, and had its effect
            once. What was cut off is sent again under its key and answered. Then payouts settle
            and the books are in order. Everything but the machine's timing follows from the seed.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from tests.api.conftest import Borrower, Site
from tests.contract_templates import publish_shipped

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import open_house
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.platform import embedded, migrate
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.simulator.crash.cycles import raised
from counterfoil.simulator.crash.work import CUSTOMERS, FIRST_DATE, command_of, opening_key

pytestmark = pytest.mark.durable

SEED = 11
RAILS = "rails.toml"
KILLS = 3
CALLERS = 12
REPLAYS = 80
#: A kill comes so many milliseconds after so many commands were accepted, however slow they are.
DELAY_MS = (0, 300)
ACCEPTED_BEFORE_A_KILL = 40
PATIENCE_SECONDS = 180
#: Nothing was decided; the same request may be sent again.
UNDECIDED = frozenset({429, 503})


@dataclass
class Load:
    """Callers that write down what they send, and what they hear."""

    client: httpx.AsyncClient
    #: By key: path and body of what was sent and has no answer yet.
    unanswered: dict[str, tuple[str, Any]] = field(default_factory=dict)
    sent: dict[str, tuple[str, Any]] = field(default_factory=dict)
    accepted: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    async def send(self, key: str, path: str, body: Any) -> None:
        """Send a command under its key; several times, if it is only put off."""
        self.sent[key] = self.unanswered[key] = (path, body)
        while True:
            answer = await self.client.post(path, json=body, headers={"Idempotency-Key": key})
            if answer.status_code not in UNDECIDED:
                break
            await asyncio.sleep(0.05)
        assert answer.status_code < 500, answer.text
        del self.unanswered[key]
        if answer.is_success:
            assert self.accepted.setdefault(key, answer.content) == answer.content
        else:
            self.refused[key] = answer.json()["code"]

    async def call(self, cycle: int, caller: int) -> None:
        """Send one command after the other until the server is gone."""
        chance = Random(f"{SEED}/{cycle}/{caller}")
        site = Site(None, None, None, self.client)  # type: ignore[arg-type]
        number = 0
        while True:
            number += 1
            customer = chance.randint(1, CUSTOMERS)
            borrower = Borrower(customer, customer)
            kind = chance.choice(["draw", "repay", "limit"])
            key = f"{kind}:{cycle}:{caller}:{number}"
            amount_minor = 100 * chance.randint(100, 400)
            try:
                if kind == "draw":
                    body = await site.drawdown(borrower, amount_minor=amount_minor)
                    await self.send(key, "/v1/drawdowns", body)
                elif kind == "repay":
                    await self.send(key, "/v1/repayments", repayment(borrower, amount_minor))
                else:
                    path = f"/v1/lines/{borrower.line_id}/limit"
                    await self.send(key, path, new_limit(borrower, amount_minor))
            except httpx.TransportError:
                return

    async def accepts(self, count: int) -> None:
        """Wait until so many more commands have been accepted."""
        wanted = len(self.accepted) + count
        while len(self.accepted) < wanted:  # noqa: ASYNC110 - callers are many, and on their own
            await asyncio.sleep(0.01)

    async def send_again(self) -> None:
        for key, (path, body) in list(self.unanswered.items()):
            await self.send(key, path, body)


def repayment(borrower: Borrower, amount_minor: int) -> dict[str, object]:
    return {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "amount_minor": amount_minor,
        "currency": "CNY",
        "channel": "transfer",
    }


def new_limit(borrower: Borrower, amount_minor: int) -> dict[str, object]:
    return {
        "customer_id": borrower.customer_id,
        "limit_minor": 2_000_000 - amount_minor // 10_000 * 10_000,
        "reason": "customer_request",
    }


async def prepare(home: Path, url: str) -> str:
    """Open a line for everybody and return a key for the API."""
    await migrate.apply(url)
    await publish_shipped(url)
    # The lines are nobody's: there is no name in which an account could be.
    shipped = resources.files("counterfoil.payments").joinpath("rails.toml").read_text("utf-8")
    (home / RAILS).write_text(shipped.replace("checks_payee = true", "checks_payee = false"))
    settings = Settings(home=home)
    async with open_house(settings, url, first_date=FIRST_DATE) as house:
        for customer in range(1, CUSTOMERS + 1):
            key = opening_key(customer)
            opened = await house.counter.submit(command_of(SEED, key), idempotency_key=key)
            assert isinstance(opened, Answer)
        async with house.database.transaction() as connection:
            return await create_api_key(
                connection,
                api_key_id=house.ids.next(),
                client="load",
                scopes=list(Scope),
                now=datetime.now(UTC),
            )


@asynccontextmanager
async def serving(home: Path, secret: str) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """Run `counterfoil serve` until the block ends, and wait until it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "COUNTERFOIL_HOME": str(home),
        "COUNTERFOIL_PORT": str(port),
        "COUNTERFOIL_LOG_LEVEL": "error",
        "COUNTERFOIL_RAILS": str(home / RAILS),
    }
    process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
        [sys.executable, "-m", "counterfoil.cli", "serve"], env=environment, cwd=home
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=PATIENCE_SECONDS,
        ) as client:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await is_ready(client):
                    assert process.poll() is None, "the server ended by itself"
                    await asyncio.sleep(0.05)
            yield process, client
    finally:
        process.kill()
        process.wait()


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def killed_again_and_again(home: Path, url: str) -> Load:
    secret = await prepare(home, url)
    chance = Random(SEED)
    load: Load | None = None
    for cycle in range(KILLS):
        async with serving(home, secret) as (process, client):
            load = Load(client) if load is None else load
            load.client = client
            await load.send_again()
            callers = [asyncio.create_task(load.call(cycle, n)) for n in range(CALLERS)]
            async with asyncio.timeout(PATIENCE_SECONDS):
                await load.accepts(ACCEPTED_BEFORE_A_KILL)
            await asyncio.sleep(chance.randint(*DELAY_MS) / 1_000)
            os.kill(process.pid, signal.SIGKILL)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*callers)
    assert load is not None
    cut_off = len(load.unanswered)
    assert cut_off > 0, "no kill came in the middle of anything"
    async with serving(home, secret) as (process, client):
        load.client = client
        await load.send_again()
        for key in chance.sample(sorted(load.accepted), REPLAYS):
            await load.send(key, *load.sent[key])
        await settled(url)
        process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.to_thread(process.wait)
    return load


async def settled(url: str) -> None:
    """Wait until every drawdown has been paid out or given up."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        # A payout is closed a moment after its loan has begun.
        pending = (
            "SELECT (SELECT count(*) FROM lending.loan WHERE status = 'pending') + "
            "(SELECT count(*) FROM payments.payment WHERE status NOT IN ('succeeded', 'failed'))"
        )
        while await value(url, pending):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.1)


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def recorded(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT idempotency_key, answer FROM platform.command"
            " WHERE idempotency_key ~ '^(draw|repay|limit):'"
        )
    finally:
        await connection.close()
    found = {row["idempotency_key"]: row["answer"] for row in rows}
    assert len(found) == len(rows)
    return found


def as_recorded(answer: str | bytes) -> object:
    """Return an answer as the books keep it: what is said of a decrease to come is added later."""
    document = orjson.loads(answer)
    assert document.pop("planned", None) is None
    return document


def test_a_server_killed_under_load_loses_nothing_and_does_nothing_twice() -> None:
    with raised() as home:
        url = embedded.start(home)
        load = asyncio.run(killed_again_and_again(home, url))
        found = asyncio.run(recorded(url))
        assert len(load.accepted) > KILLS * ACCEPTED_BEFORE_A_KILL - 1
        assert load.unanswered == {}
        assert {key: orjson.loads(answer) for key, answer in found.items()} == {
            key: as_recorded(answer) for key, answer in load.accepted.items()
        }
        assert asyncio.run(leaves(url)) == dict.fromkeys(load.accepted, 1)
        asyncio.run(look(home, url, load))


async def look(home: Path, url: str, load: Load) -> None:
    """Hold effects, payments and books against what was heard."""
    kinds = [key.split(":")[0] for key in load.accepted]
    assert await value(url, "SELECT count(*) FROM lending.loan") == kinds.count("draw")
    assert await value(
        url, "SELECT count(DISTINCT repayment_id) FROM lending.loan_transaction"
    ) == kinds.count("repay")
    assert await value(
        url, "SELECT count(*) FROM lending.line_event WHERE kind LIKE 'limit%'"
    ) == kinds.count("limit")
    paid = "SELECT count(*) FROM payments.payment WHERE status = 'succeeded'"
    assert await value(url, paid) == kinds.count("draw")
    async with open_house(Settings(home=home), url) as house:
        await close_day(house)
    async with Database(url, connections_max=2) as database:
        report = await check_books(database, load_catalogue())
    wrong = {name: found.exceptions for name, found in report.checks.items() if not found.ok}
    wrong.pop("evidence_leaves", None)  # looks at staged leaves; the log has taken them meanwhile
    assert wrong == {}


async def leaves(url: str) -> dict[str, int]:
    """Return how many leaves the log has of each command, numbered or still to be."""
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval(
            "SELECT coalesce(max(idx) + 1, 0) = count(*) FROM evidence.leaf"
        )
        rows = await connection.fetch(
            "SELECT command_key, count(*) FROM"
            " (SELECT command_key FROM evidence.leaf"
            " UNION ALL SELECT command_key FROM evidence.leaf_staged) AS leaf"
            " WHERE command_key ~ '^(draw|repay|limit):' GROUP BY command_key"
        )
    finally:
        await connection.close()
    return dict(rows)
