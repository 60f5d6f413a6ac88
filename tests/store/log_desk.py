"""A house with its log begun, and witnesses beside it that answer in this process."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.note import SigningKey
from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.publisher import Desk, Publisher
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.proving.publish_log import begin_log, open_desk
from counterfoil.platform.settings import Settings
from counterfoil.witness.home import WitnessHome
from counterfoil.witness.key import format_key, new_key
from counterfoil.witness.server import make_app
from counterfoil.witness.witness import Witness

ORIGIN = "log.test.example/2026"
TABLES = ("leaf_staged", "leaf", "tile", "checkpoint", "note", "cosignature", "witnessed")
NAMES = ("regulator", "bureau", "auditor")
QUORUM = "group others any bureau auditor\ngroup q all regulator others\nquorum q\n"


@dataclass
class TestWitness:
    """One witness: the real one behind switches."""

    __test__ = False

    name: str
    home: WitnessHome
    key: SigningKey
    clock: Callable[[], int]
    is_down: bool = False
    #: It answers only when this has happened.
    waits_for: asyncio.Event | None = None
    #: Answers every request with this size.
    claims: int | None = None
    requests: int = 0
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    app: Any = None

    def start(self) -> None:
        self.app = make_app(Witness(self.home, self.key, self.clock), self.home)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests += 1
        if self.is_down:
            raise httpx.ConnectError("down")
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.claims is not None and scope["method"] == "POST":
            body = f"{self.claims}\n".encode()
            headers = [(b"content-type", b"text/x.tlog.size")]
            await send({"type": "http.response.start", "status": 409, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await self.app(scope, receive, send)


class LogDesk:
    """Words for what is asked of the log."""

    def __init__(self, house: House, witnesses: dict[str, TestWitness], http: Any) -> None:
        self.house = house
        self.witnesses = witnesses
        self.http = http
        self._numbers = 0

    async def stage(self, count: int, *, customer_id: int = 7, note: str = "a") -> list[int]:
        """Stage leaves of one customer; return their identifiers."""
        rows = []
        for _ in range(count):
            fields: dict[str, Any] = {"number": self._numbers, "note": note}
            self._numbers += 1
            leaf_id = self.house.ids.next()
            rows.append(self.house.leaves.stage(customer_id, leaf_id, LeafType.APPROVAL, 0, fields))
        async with self.house.database.connection() as connection:
            await EVIDENCE.stage_leaves.execute(connection, rows=rows)
        return [row.leaf_id for row in rows]

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        house = self.house
        async with open_desk(house.settings, house.database, house.wall, http=self.http) as desk:
            yield desk

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[tuple[Publisher, Any]]:
        """Give a publisher as after a start, and its session."""
        async with self.desk() as desk, self.house.database.dedicated({}) as connection:
            publisher = Publisher(self.house.database, desk)
            try:
                yield publisher, connection
            finally:
                await publisher.close()

    async def integrate(self, *, batch: int = 4_096) -> int:
        integrator = Integrator(self.house.vault, self.house.wall, batch_leaves=batch)
        async with self.house.database.dedicated({}) as connection:
            return await integrator.drain([connection])

    async def publish(self, *, patience_ms: int = 1_000) -> int:
        """Publish once, as a process that has just started."""
        async with self.publisher() as (publisher, connection):
            size = await publisher.step(connection, patience_ms=patience_ms)
        await self.house.log.read()
        return size

    async def grow(self, count: int) -> int:
        """Stage, number and publish leaves; return the witnessed size."""
        await self.stage(count)
        await self.integrate()
        return await self.publish()

    def served(self) -> int:
        return int((self.files / "checkpoint").read_text(encoding="utf-8").splitlines()[1])

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        async with self.house.database.connection() as connection:
            return await connection.fetch(query, *arguments)

    async def tamper(self, statement: str) -> None:
        """Do what the guards of the tables refuse: somebody with every right is at work."""
        async with self.house.database.transaction() as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(statement)

    async def alarms(self) -> set[tuple[str, str]]:
        async with self.house.database.connection() as connection:
            return {(a.code, a.witness) for a in await log_store.standing_alarms(connection)}

    async def backup(self, path: Path) -> None:
        """Keep the tables of evidence as they are."""
        kept = {}
        for table in TABLES:
            found = await self.rows(f"SELECT to_jsonb(t)::text FROM evidence.{table} AS t")
            kept[table] = [row[0] for row in found]
        path.write_text(json.dumps(kept), encoding="utf-8")  # noqa: ASYNC240 – a test

    async def restore(self, path: Path) -> None:
        """Put the tables of evidence back to what they were; the directory is lost."""
        kept = json.loads(path.read_text(encoding="utf-8"))  # noqa: ASYNC240 – a test
        names = ", ".join(f"evidence.{table}" for table in TABLES)
        await self.tamper(f"TRUNCATE {names}")
        for table in TABLES:
            overriding = "OVERRIDING SYSTEM VALUE" if table == "leaf_staged" else ""
            for row in kept[table]:
                await self.rows(
                    f"INSERT INTO evidence.{table} {overriding} "
                    f"SELECT * FROM jsonb_populate_record(NULL::evidence.{table}, $1::jsonb)",
                    row,
                )
        shutil.rmtree(self.files / "tile", ignore_errors=True)

    @property
    def files(self) -> Path:
        return self.house.settings.home / "log"

    @property
    def policy(self) -> str:
        return (self.files / "policy").read_text(encoding="utf-8")


@asynccontextmanager
async def log_opened(
    database_url: str,
    home: Path,
    *,
    names: Sequence[str] = NAMES,
    quorum: str = QUORUM,
    cadence_ms: int = 20,
) -> AsyncIterator[LogDesk]:
    """Open a house, begin its log, and have witnesses trust it."""
    witnesses = _made(home, names, quorum)
    mounts = {
        f"all://{name}.test": httpx.ASGITransport(app=witness)
        for name, witness in witnesses.items()
    }
    settings = Settings(
        home=home,
        witnesses=home / "witnesses",
        log_origin=ORIGIN,
        engine_shards=1,
        log_cadence_ms=cadence_ms,
    )
    async with (
        open_house(settings, database_url) as house,
        httpx.AsyncClient(mounts=mounts, timeout=1) as http,
    ):
        await begin_log(house.settings, house.database, house.wall)
        verifier = (home / "keys" / "log-0001.pub").read_text(encoding="utf-8").strip()
        for witness in witnesses.values():
            witness.home.trust(ORIGIN, verifier)
            witness.start()
        yield LogDesk(house, witnesses, http)


def _made(home: Path, names: Sequence[str], quorum: str) -> dict[str, TestWitness]:
    """Return witnesses with keys of their own, their lines written as a policy."""
    home.mkdir(parents=True, exist_ok=True)
    witnesses = {}
    lines = ""
    for name in names:
        key = new_key(f"witness.{name}.example/w1")
        own = WitnessHome(home / f"witness-{name}")
        own.create_key(format_key(key))
        witnesses[name] = TestWitness(name, own, key, lambda: int(time.time()))
        lines += f"witness {name} {key.verifier.text} http://{name}.test\n"
    (home / "witnesses").write_text(lines + quorum, encoding="utf-8")
    return witnesses
