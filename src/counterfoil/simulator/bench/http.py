"""Drawdowns over HTTP, one command a request, with authentication and validation.

Level       H: a server process, this process as its only client, both and PostgreSQL on the same
            cores. P is the same request to a route that validates it and does nothing.
"""

import asyncio
import random
import socket
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.lending.quote import QuoteClaims, sign_quote
from counterfoil.lending.terms import Method
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.http_client import HttpConnection, connect, post
from counterfoil.simulator.bench.load import Measured, Send, closed_loop, open_loop
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import (
    AMOUNT_MINOR,
    NOTE_REF,
    PRODUCT,
    RATE_DAILY_E8,
    Stage,
)
from counterfoil.simulator.bench.writes import Scale, Tell, take_again, take_yardsticks

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 64
DRAWDOWNS: Final = "/v1/drawdowns"
_START_SECONDS_MAX: Final = 60
_OK: Final = 200
_CREATED: Final = 201


@dataclass(frozen=True, slots=True)
class Accepted:
    """An answer that says that a command was accepted."""

    is_replay: bool = False


async def run(
    stage: Stage, scale: Scale, tell: Tell, *, site: tuple[str, ...], nothing: tuple[str, ...]
) -> Report:
    """Measure a server; `site` and `nothing` are the commands that start it and its twin."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    pgbench = await take_yardsticks(stage, scale, report, tell)
    async with staging.opened(stage, shards=1) as house:
        tell(f"loading {scale.customers:,} lines")
        await staging.add_lines(house, scale.customers)
        await close_day(house)
        await staging.settle_down(house.database)
        secret = await _secret(house)
        requests = await _Requests.prepare(house, scale, secret, tell)
        report.facts["durability"] = await staging.durability(house)
    tell("P: the same request to a route that does nothing")
    nothings = await _served(stage, nothing, requests, scale, seconds=scale.seconds)
    report.yardsticks["P"] = nothings.per_second
    await _drawdowns(stage, site, requests, scale, report, tell)
    async with staging.opened(stage, shards=1) as house:
        tell("verifying the books")
        report.facts["verified"] = found = await staging.verdict(house)
    if not found["ok"]:
        report.results.clear()
    take_again(pgbench, report, tell)
    return report


async def _drawdowns(
    stage: Stage,
    site: tuple[str, ...],
    requests: "_Requests",
    scale: Scale,
    report: Report,
    tell: Tell,
) -> None:
    tell(f"drawdowns over {CONNECTIONS} connections")
    spread = await _served(stage, site, requests, scale, seconds=scale.seconds)
    report.add(
        "http_drawdowns",
        spread.per_second,
        "1/s",
        to="T",
        target=0.6,
        p50_ms=spread.percentile_ms(0.5),
        p99_ms=spread.percentile_ms(0.99),
        notes={
            "connections": CONNECTIONS,
            "accepted": spread.accepted,
            "refused": spread.refused,
            "ratio_to_P": round(spread.per_second / report.yardsticks["P"], 3),
        },
    )
    tell("drawdowns, open loop at half of that")
    half = await _served(
        stage, site, requests, scale, seconds=scale.seconds, per_second=spread.per_second / 2
    )
    report.add(
        "http_latency_at_50_percent",
        half.percentile_ms(0.99),
        "ms",
        target=15.0,
        is_ceiling=True,
        p50_ms=half.percentile_ms(0.5),
        p99_ms=half.percentile_ms(0.99),
        notes={"per_second": round(spread.per_second / 2), "accepted": half.accepted},
    )
    tell("drawdowns, one caller alone")
    lone = await _served(stage, site, requests, scale, seconds=scale.seconds, connections=1)
    report.add(
        "http_drawdowns_one_caller",
        lone.per_second,
        "1/s",
        to="T1",
        target=0.5,
        p50_ms=lone.percentile_ms(0.5),
        p99_ms=lone.percentile_ms(0.99),
    )


async def _served(
    stage: Stage,
    command: tuple[str, ...],
    requests: "_Requests",
    scale: Scale,
    *,
    seconds: int,
    per_second: float | None = None,
    connections: int = CONNECTIONS,
) -> Measured:
    """Start a server, load it, end it by its own process."""
    async with serving(stage, command, shards=scale.shards) as port:
        opened = await connect(HOST, port, connections)
        send = requests.sender(opened)
        await closed_loop(send, callers=connections, seconds=1)
        if per_second is None:
            measured = await closed_loop(send, callers=connections, seconds=seconds)
        else:
            measured = await open_loop(send, per_second=per_second, seconds=seconds)
        for connection in opened:
            connection.close()
        return measured


@asynccontextmanager
async def serving(stage: Stage, command: tuple[str, ...], *, shards: int = 1) -> AsyncIterator[int]:
    """Give the port of a server that listens; it is ended by its own process."""
    port = _free_port()
    environment = {
        "COUNTERFOIL_HOME": str(stage.home),
        "COUNTERFOIL_WORKER": "false",
        "COUNTERFOIL_ENGINE_SHARDS": str(shards),
        "COUNTERFOIL_LOG_LEVEL": "error",
        "COUNTERFOIL_NODE": "1",
        "PATH": "/usr/bin:/bin",
    }
    server = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        [sys.executable, *command, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await _listening(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=_START_SECONDS_MAX)


async def _listening(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(_START_SECONDS_MAX * 10):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.returncode}")
        try:
            (probe,) = await connect(HOST, port, 1)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            probe.close()
            return
    raise RuntimeError("the server does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


async def _secret(house: House) -> str:
    """Return the secret of a key that may draw."""
    async with house.database.transaction() as connection:
        made: Any = await create_api_key(
            connection,
            api_key_id=house.ids.next(),
            client="bench",
            scopes=frozenset({Scope.DRAWDOWNS_WRITE}),
            now=house.clock.now(),
        )
    return str(made)


class _Requests:
    """Prepared requests: the bodies exist before any clock runs, only keys are new."""

    def __init__(self, bodies: list[bytes], secret: str, seed: int) -> None:
        self._bodies = bodies
        self._secret = secret
        self._chance = random.Random(seed)  # noqa: S311 - load, not a secret
        self._number = 0

    @classmethod
    async def prepare(
        cls, house: House, scale: Scale, secret: str, tell: Callable[[str], None]
    ) -> "_Requests":
        """Sign the quotes and write the bodies."""
        tell("signing quotes")
        on = await house.business_date()
        terms = house.catalogue.current(PRODUCT, on)
        bodies = []
        for customer in range(1, scale.customers + 1):
            claims = QuoteClaims(
                customer,
                customer,
                AMOUNT_MINOR,
                terms.currency,
                12,
                Method.LEVEL_INSTALMENT,
                RATE_DAILY_E8,
                1 + customer % 28,
                terms.code,
                terms.version,
                customer,
                NOTE_REF,
                on,
                bytes(32),
                bytes(32),
            )
            body = {
                "customer_id": ids.to_text(ids.CUSTOMER, customer),
                "line_id": ids.to_text(ids.LINE, customer),
                "amount_minor": AMOUNT_MINOR,
                "currency": terms.currency,
                "tenor_months": 12,
                "method": "level_instalment",
                "purpose": "travel",
                "payee_ref": "account-token",
                "quote_token": sign_quote(house.quote_key, claims),
            }
            bodies.append(orjson.dumps(body))
        return cls(bodies, secret, scale.seed)

    def sender(self, connections: list[HttpConnection]) -> Send:
        """Return a sender that uses the connection longest free, or queues on the next one.

        The longest free, because a server hangs up on a connection that is idle for seconds.
        """
        free = deque(connections)
        number = 0

        async def send(_: int) -> object:
            nonlocal number
            self._number += 1
            raw = post(
                DRAWDOWNS,
                host=HOST,
                secret=self._secret,
                key=f"h{self._number}",
                body=self._chance.choice(self._bodies),
            )
            connection = free.popleft() if free else connections[self._number % len(connections)]
            try:
                status, answer = await connection.request(raw)
            finally:
                if len(free) < len(connections):
                    free.append(connection)
            if status not in (_OK, _CREATED):
                raise RuntimeError(f"status {status}: {answer[:300]!r}")
            return Accepted()

        return send
