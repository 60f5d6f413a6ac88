"""What evidence costs: leaves beside the facts, the log behind them, receipts in front.

Write path  Repayments with their leaf against repayments without one, in turns on one server.
Drain       Staged leaves get their numbers, sealed openings, tiles and roots: a backlog at once.
Latency     From the commit of an intent to a receipt under a witnessed head, at a steady rate, with
            three witness processes on this machine; then again after one of them was killed.
Receipts    Their size and how long one takes to verify, offline.
Audit       The whole log computed again, from the database and from its files.
Vault       Sealing and opening 20 kB; finding one person among a million by a blind index.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from statistics import mean
from typing import Any, Final

from counterfoil.evidence import log_store
from counterfoil.evidence.auditing import Audit
from counterfoil.evidence.body import Booked
from counterfoil.evidence.formats.lines import HASH_BYTES
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.tile_directory import TileDirectory
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.formats.verifying_log import verify_log
from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_files import POLICY, LogFiles
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.borrowing import repay as repaying
from counterfoil.journeys.counter import Counter, LineDesk
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.proving.publish_log import (
    Integrating,
    Publishing,
    begin_log,
    directory_of,
    open_desk,
    wait_witnessed,
)
from counterfoil.journeys.proving.receipts import read_receipt
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Engine
from counterfoil.platform.statement import Write
from counterfoil.privacy.blind_index import DIGEST_LENGTH, IndexKind
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.store import find_customers
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.load import Measured, closed_loop
from counterfoil.simulator.bench.report import Report, percentile
from counterfoil.simulator.bench.stage import QUERIES, START, Stage
from counterfoil.simulator.bench.witnesses import Witnesses, witnesses_at
from counterfoil.simulator.bench.writes import Tell
from counterfoil.simulator.bench.yardsticks import copy_rows, flushes

CALLERS: Final = 512
CADENCE_MS: Final = 1_000
#: Rows that are staged by one statement.
STAGED_AT_ONCE: Final = 10_000
#: Intents a second while latency is measured.
INTENTS_PER_SECOND: Final = 20
WAIT_MS_MAX: Final = 10_000
#: The first head covers the whole backlog: its files are written and flushed one by one.
BACKLOG_MS_MAX: Final = 300_000
RECEIPTS: Final = 200
TEXT_BYTES: Final = 20_000
SEALINGS: Final = 2_000
LOOKUPS: Final = 2_000
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceScale:
    """How large and how long a run is."""

    #: Customers with an open loan.
    customers: int
    #: Staged leaves of the backlog.
    leaves: int
    #: Digests in the blind index.
    persons: int
    seconds: int
    seed: int


async def run(stage: Stage, scale: EvidenceScale, tell: Tell, *, witness: Sequence[str]) -> Report:
    """Measure everything; `witness` is the command that starts `counterfoil witness`."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    tell("yardsticks: flushes, copy, hashes")
    report.yardsticks["F"] = flushes(stage.home)
    report.yardsticks["C"] = await copy_rows(stage.url, 1)
    report.yardsticks["H"] = _hashes()
    with witnesses_at(stage.home, witness) as witnesses:
        settings = staging.settings_of(stage, shards=2).model_copy(
            update={"witnesses": witnesses.file, "log_cadence_ms": CADENCE_MS}
        )
        async with open_house(settings, stage.url, first_date=START) as house:
            report.facts["durability"] = await staging.durability(house)
            bench = _Bench(house, scale, report, tell, witnesses)
            await bench.vault()
            await bench.write_path()
            await bench.drain()
            await bench.latency()
            await bench.receipts()
            await bench.audit()
    report.yardsticks["F_after"] = flushes(stage.home)
    return report


def _hashes() -> float:
    """Return node hashes a second."""
    text, count = os.urandom(65), 200_000
    started = time.perf_counter()
    for _ in range(count):
        sha256(text).digest()
    return count / (time.perf_counter() - started)


class _WithoutLeaves(LineDesk):
    """A desk that records everything but its leaves."""

    def _parts(self, state: Any, decided: Sequence[Any]) -> list[Write]:
        return [
            part
            for part in super()._parts(state, decided)
            if part.query is not EVIDENCE.stage_leaves
        ]


class _Bench:
    """The parts of one run."""

    def __init__(
        self,
        house: House,
        scale: EvidenceScale,
        report: Report,
        tell: Tell,
        witnesses: Witnesses,
    ) -> None:
        self._house = house
        self._scale = scale
        self._report = report
        self._tell = tell
        self._witnesses = witnesses
        self._chance = random.Random(scale.seed)  # noqa: S311 - load, not a secret
        self._keys = 0

    # ------------------------------------------------------------------------------- write path

    async def write_path(self) -> None:
        """Repayments with and without their leaf, in turns."""
        house, customers = self._house, self._scale.customers
        self._tell(f"loading {customers:,} lines")
        await staging.add_lines(house, customers)
        await staging.add_open_loans(house, customers=customers)
        await close_day(house)
        await staging.settle_down(house.database)
        desk = _WithoutLeaves(house.catalogue, house.clock, house.ids, house.leaves)
        shards = house.settings.engine_shards
        async with Engine(house.database, desk, shards=shards) as engine:
            bare = replace(house, counter=Counter(engine, desk))
            turns: dict[str, list[Measured]] = {"with": [], "without": []}
            for _ in range(2):
                for name, place in (("without", bare), ("with", house)):
                    self._tell(f"repayments {name} leaves")
                    turns[name].append(await self._repayments(place))
        rates = {name: mean(m.per_second for m in found) for name, found in turns.items()}
        without, with_leaves = turns["without"][-1], turns["with"][-1]
        self._report.yardsticks["W"] = rates["without"]
        result = self._report.add(
            "commands_with_leaves",
            rates["with"],
            "1/s",
            to="W",
            target=0.8,
            p50_ms=with_leaves.percentile_ms(0.5),
            p99_ms=with_leaves.percentile_ms(0.99),
        )
        result.notes = {
            "callers": CALLERS,
            "p99_ms_without": round(without.percentile_ms(0.99), 3),
            "turns_with": [round(m.per_second) for m in turns["with"]],
            "turns_without": [round(m.per_second) for m in turns["without"]],
        }

    async def _repayments(self, house: House) -> Measured:
        def send(_: int) -> Awaitable[Any]:
            customer = self._chance.randint(1, self._scale.customers)
            self._keys += 1
            return repaying.repay(
                house,
                customer_id=customer,
                line_id=customer,
                loan_id=customer * 1000 + 1,
                amount_minor=100,
                currency="CNY",
                value_date=None,
                channel="bench",
                idempotency_key=f"r{self._keys}",
            )

        return await closed_loop(send, callers=CALLERS, seconds=self._scale.seconds)

    # ------------------------------------------------------------------------------- drain

    async def drain(self) -> None:
        """Empty the queue of the write path, then a backlog under the clock."""
        house = self._house
        integrator = Integrator(house.vault, house.wall)
        async with (
            house.database.dedicated({}) as first,
            house.database.dedicated({}) as second,
        ):
            left = await integrator.drain([first, second])
            self._tell(f"staging {self._scale.leaves:,} leaves")
            await self._stage_backlog()
            await staging.settle_down(house.database)
            self._tell("drain")
            spent = time.process_time()
            started = time.perf_counter()
            done = await integrator.drain([first, second])
            seconds = time.perf_counter() - started
            spent = time.process_time() - spent
        self._report.add(
            "drain",
            done / seconds,
            "leaves/s",
            to="C",
            notes={
                "leaves": done,
                "numbered_before": left,
                "customers": self._scale.customers,
                "cpu_us": round(spent / done * 1e6, 1),
                "target_leaves_per_second": 50_000,
                "reached_leaves": done / seconds >= 50_000,  # noqa: PLR2004 - the aim
            },
        )

    async def _stage_backlog(self) -> None:
        leaves, staged = self._house.leaves, 0
        while staged < self._scale.leaves:
            rows = [
                leaves.stage_answer(
                    self._chance.randint(1, self._scale.customers),
                    self._house.ids.next(),
                    LeafType.MONEY_MOVEMENT,
                    number,
                    {"amount_minor": 10_000},
                    Booked(f"backlog-{number}", "repay", "CNY", 1, bytes(HASH_BYTES), {}),
                )
                for number in range(staged, min(staged + STAGED_AT_ONCE, self._scale.leaves))
            ]
            staged += len(rows)
            async with self._house.database.connection() as connection:
                await EVIDENCE.stage_leaves.execute(connection, rows=rows)

    # ------------------------------------------------------------------------------- latency

    async def latency(self) -> None:
        """Time from an intent's commit to its receipt, with all witnesses and with one dead."""
        house = self._house
        await begin_log(house.settings, house.database, house.wall)
        policy = LogFiles(directory_of(house.settings)).read(POLICY)
        assert policy is not None, "the log has begun"
        self._witnesses.trust(policy.decode().split()[1])
        async with self._publishing():
            self._tell("publishing the backlog")
            await self._intent(0, wait_ms=BACKLOG_MS_MAX)
            for name in ("witnessed_receipt", "witnessed_receipt_one_dead"):
                self._tell(name.replace("_", " "))
                await self._intents(name)
                self._witnesses.kill("auditor") if name == "witnessed_receipt" else None

    async def _intents(self, name: str) -> None:
        count = INTENTS_PER_SECOND * self._scale.seconds
        tasks = []
        for number in range(count):
            tasks.append(asyncio.create_task(self._intent(number)))
            await asyncio.sleep(1 / INTENTS_PER_SECOND)
        found = sorted(await asyncio.gather(*tasks))
        p99 = percentile(found, 0.99) * 1_000
        self._report.add(
            name,
            p99,
            "ms",
            target=2_500,
            is_ceiling=True,
            p50_ms=percentile(found, 0.5) * 1_000,
            p99_ms=p99,
            notes={
                "intents": count,
                "cadence_ms": CADENCE_MS,
                "witnesses": sum(p.poll() is None for p in self._witnesses.processes.values()),
            },
        )

    async def _intent(self, number: int, *, wait_ms: int = WAIT_MS_MAX) -> float:
        """Commit an intent and wait for its receipt; return the seconds that took."""
        house, customer_id = self._house, 1 + number % self._scale.customers
        leaf_id = house.ids.next()
        fields: dict[str, Any] = {"bureau": "bureau.example", "purpose": "inquiry_origination"}
        row = house.leaves.stage(
            customer_id, leaf_id, LeafType.INQUIRY_INTENT, number, {**fields, "use_no": 1}
        )
        async with house.database.connection() as connection:
            await EVIDENCE.stage_leaves.execute(connection, rows=[row])
        started = time.perf_counter()
        size = await wait_witnessed(house, [(customer_id, leaf_id)], timeout_ms=wait_ms)
        assert not isinstance(size, Refused), size
        receipt = await read_receipt(house, customer_id, leaf_id, size=size)
        assert isinstance(receipt, Receipt), receipt
        return time.perf_counter() - started

    @asynccontextmanager
    async def _publishing(self) -> AsyncIterator[None]:
        """Run the jobs of the log as the worker does."""
        house = self._house
        async with open_desk(house.settings, house.database, house.wall) as desk:
            integrating, publishing = Integrating(house), Publishing(house, desk)
            tasks = [
                asyncio.create_task(_repeat(integrating.step)),
                asyncio.create_task(_repeat(publishing.step)),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await integrating.close()
                await publishing.close()

    # ------------------------------------------------------------------------------- receipts

    async def receipts(self) -> None:
        """Size of receipts, how long they take to make and to verify."""
        house = self._house
        self._tell("receipts")
        policy = Policy.parse(LogFiles(directory_of(house.settings)).read(POLICY) or b"")
        async with house.database.connection() as connection:
            rows = await QUERIES.some_leaves.fetch(connection, count=RECEIPTS)
        texts, made = [], []
        for row in rows:
            started = time.perf_counter()
            receipt = await read_receipt(house, row["customer_id"], row["leaf_id"])
            made.append(time.perf_counter() - started)
            made.append(time.perf_counter() - started)
            assert isinstance(receipt, Receipt), receipt
            texts.append(bytes(receipt))
        verified = []
        for text in texts:
            started = time.perf_counter()
            verdict = verify_receipt(text, policy)
            verified.append(time.perf_counter() - started)
            assert verdict.is_accepted, verdict.shape()
        size = max(map(len, texts))
        self._report.add(
            "receipt_bytes",
            size,
            "bytes",
            target=2_500,
            is_ceiling=True,
            notes={"mean": round(mean(map(len, texts))), "log_size": await self._size()},
        )
        self._timed("receipt_make", made, target=None)
        self._timed("receipt_verify", verified, target=1.0)

    async def _size(self) -> int:
        async with self._house.database.connection() as connection:
            head = await log_store.last_witnessed(connection)
        return 0 if head is None else head.size

    # ------------------------------------------------------------------------------- audit

    async def audit(self) -> None:
        """Compute the log again, from the database and from the files that are served."""
        self._tell("audit")
        directory = directory_of(self._house.settings)
        started, spent = time.perf_counter(), time.process_time()
        async with self._house.database.connection() as connection:
            faults = [fault async for fault in Audit(connection).faults()]
        spent = time.process_time() - spent
        self._add_audit("audit_database", time.perf_counter() - started, spent)
        assert not faults, faults
        policy = Policy.parse(LogFiles(directory).read(POLICY) or b"")
        started, spent = time.perf_counter(), time.process_time()
        verdict = verify_log(TileDirectory(directory), policy)
        seconds, spent = time.perf_counter() - started, time.process_time() - spent
        assert verdict.is_accepted, verdict.shape()
        self._add_audit("audit_files", seconds, spent)
        size = await self._size()
        entries = sum(p.stat().st_size for p in (directory / "tile" / "entries").rglob("*"))
        self._report.facts["entry_bytes_a_million"] = round(entries / size * MILLION)
        self._report.facts["log_size"] = size

    def _add_audit(self, name: str, seconds: float, cpu_seconds: float) -> None:
        size = self._report.results["receipt_bytes"].notes["log_size"]
        self._report.add(
            name,
            seconds * MILLION / size,
            "s a million",
            target=30,
            is_ceiling=True,
            notes={
                "measured_leaves": size,
                "measured_seconds": round(seconds, 2),
                "cpu_seconds_a_million": round(cpu_seconds * MILLION / size, 2),
            },
        )

    # ------------------------------------------------------------------------------- vault

    async def vault(self) -> None:
        """Sealing and opening of a report's text, and the blind index."""
        self._tell("sealing")
        sealer, text, context = Sealer(os.urandom(32)), os.urandom(TEXT_BYTES), b"bench"
        sealed = sealer.encrypt(text, context)
        self._add_repeated("encrypt_20_kb", lambda: sealer.encrypt(text, context))
        self._add_repeated("decrypt_20_kb", lambda: sealer.decrypt(sealed, context))
        self._tell(f"blind index of {self._scale.persons:,}")
        house = self._house
        async with house.database.connection() as connection:
            await QUERIES.add_digests.execute(
                connection, kind=IndexKind.PHONE.value, count=self._scale.persons
            )
            await QUERIES.analyze.execute(connection)
            found = []
            for _ in range(LOOKUPS):
                number = self._chance.randint(1, self._scale.persons)
                digest = sha256(str(number).encode()).digest()[:DIGEST_LENGTH]
                started = time.perf_counter()
                [customer_id] = await find_customers(connection, IndexKind.PHONE, [digest])
                found.append(time.perf_counter() - started)
                assert customer_id == number
        self._timed("blind_index_lookup", found, target=1.0)

    def _add_repeated(self, name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        for _ in range(SEALINGS):
            work()
        micros = (time.perf_counter() - started) / SEALINGS * 1e6
        self._report.add(name, micros, "µs", target=20, is_ceiling=True)

    def _timed(self, name: str, seconds: list[float], *, target: float | None) -> None:
        seconds.sort()
        p50, p99 = percentile(seconds, 0.5) * 1_000, percentile(seconds, 0.99) * 1_000
        self._report.add(name, p50, "ms", target=target, is_ceiling=True, p50_ms=p50, p99_ms=p99)


async def _repeat(step: Callable[[], Awaitable[int]]) -> None:
    while True:
        await step()
        await asyncio.sleep(0.01)
