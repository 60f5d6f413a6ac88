"""Following experiments: every process knows within seconds which of them take cases.

Method      One small query a second; a version of an arm is read and compiled only when its hash
            is new here. While the database cannot be read, what was known stays so.
Safety      An experiment takes no cases where the version in force is another than the champion
            that it was approved against, or where this process has another key than the one it
            was started under: customers then meet what is in force, as everybody does.
Lag         A start or a stop acts everywhere within two seconds. A control group has none: whether
            it still runs, and what is left of its budget, is read under its lock at each grant.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Final

import structlog

from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning import guard_store
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.experiment import Experiment, ExperimentKind
from counterfoil.decisioning.experiment_store import EventKind, Kept
from counterfoil.decisioning.line_review.document import PURPOSE as REVIEWS
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.store import read_review_policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.store import read_policy_version
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection, Database

#: How often experiments are read.
FOLLOW_MS: Final = 1_000
#: Most experiments that run side by side, and so most versions that are kept compiled.
RUNNING_MAX: Final = 50

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An experiment that takes cases on its days."""

    experiment_id: int
    experiment: Experiment
    #: The versions of its arms, by their hashes.
    versions: Mapping[str, CompiledPolicy]
    #: What their caps hold back, by hash.
    guards: Mapping[str, Guards]
    #: The versions of its arms, where they review lines.
    reviews: Mapping[str, ReviewPolicy] = field(default_factory=dict)

    def is_on(self, on: date) -> bool:
        """Tell whether it takes cases on a business date."""
        return self.experiment.first_date <= on <= self.experiment.last_date


@dataclass(slots=True)
class Experiments:
    """What runs, as this process knows it, and the key that places customers."""

    key: bytes
    running: tuple[Running, ...] = ()
    #: Versions that are compiled already, by hash.
    compiled: dict[str, CompiledPolicy] = field(default_factory=dict)
    #: Versions that review lines and are read already, by hash.
    reviews: dict[str, ReviewPolicy] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return what tells one key from another and reveals neither."""
        return sha256(b"counterfoil/experiment-key\0" + self.key).hexdigest()[:16]

    def of(self, kind: ExperimentKind, purpose: str, on: date) -> list[Running]:
        """Return what takes cases of a purpose on a business date."""
        return [
            one
            for one in self.running
            if one.experiment.kind is kind and one.experiment.purpose == purpose and one.is_on(on)
        ]

    async def read(self, database: Database) -> date:
        """Learn what runs; return the business date."""
        async with database.connection() as connection:
            kept = await store.read_unfinished(connection)
            started = [one for one in kept if one.is_started and self._has_its_key(one)]
            found = [await self._running(connection, one) for one in started[:RUNNING_MAX]]
            on: date = await PLATFORM.business_date.fetchval(connection)
        self.running = tuple(one for one in found if one is not None)
        hashes = {digest for one in self.running for digest in one.versions}
        self.compiled = {key: one for key, one in self.compiled.items() if key in hashes}
        reviewing = {digest for one in self.running for digest in one.reviews}
        self.reviews = {key: one for key, one in self.reviews.items() if key in reviewing}
        return on

    def _has_its_key(self, kept: Kept) -> bool:
        started = kept.event(EventKind.STARTED)
        assert started is not None, "it was started"
        if started.detail["key"] == self.fingerprint:
            return True
        _log.error("experiment_has_another_key", experiment=kept.experiment.code)
        return False

    async def _running(self, connection: Connection, kept: Kept) -> Running | None:
        hashes = {arm.policy_hash for arm in kept.experiment.arms}
        if kept.experiment.purpose == REVIEWS:
            return await self._reviewing(connection, kept, hashes)
        try:
            versions = {digest: await self._compiled(connection, digest) for digest in hashes}
        except InvalidPolicyError as fault:
            _log.error("experiment_not_readable", code=kept.experiment.code, fault=str(fault))
            return None
        tripped = await guard_store.read_tripped(connection, hashes)
        held = {digest: tripped.get(digest) for digest in hashes}
        return Running(
            experiment_id=kept.experiment_id,
            experiment=kept.experiment,
            versions=versions,
            guards={
                digest: Guards(tripped=codes) if codes else NO_GUARDS
                for digest, codes in held.items()
            },
        )

    async def _reviewing(
        self, connection: Connection, kept: Kept, hashes: Collection[str]
    ) -> Running | None:
        """Return an experiment with policies for lines; what their caps hold back a run counts."""
        reviews = {}
        try:
            for digest in hashes:
                found = self.reviews.get(digest) or await read_review_policy(connection, digest)
                assert found is not None, "what was started names versions that are kept"
                reviews[digest] = self.reviews[digest] = found
        except InvalidPolicyError as fault:
            _log.error("experiment_not_readable", code=kept.experiment.code, fault=str(fault))
            return None
        return Running(
            experiment_id=kept.experiment_id,
            experiment=kept.experiment,
            versions={},
            guards={},
            reviews=reviews,
        )

    async def _compiled(self, connection: Connection, policy_hash: str) -> CompiledPolicy:
        compiled = self.compiled.get(policy_hash)
        if compiled is None:
            policy = await read_policy_version(connection, policy_hash)
            if policy is None or policy.hash != policy_hash:
                raise InvalidPolicyError("policy", "is not what was kept under this hash")
            compiled = await asyncio.to_thread(compile_python, policy)
            self.compiled[policy_hash] = compiled
        return compiled


@asynccontextmanager
async def following_experiments(database: Database, key: bytes) -> AsyncIterator[Experiments]:
    """Follow experiments while the house is open; yield what runs."""
    experiments = Experiments(key)
    await experiments.read(database)
    task = asyncio.create_task(_follow(experiments, database))
    try:
        yield experiments
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(experiments: Experiments, database: Database) -> None:
    while True:
        await asyncio.sleep(FOLLOW_MS / 1_000)
        try:
            await experiments.read(database)
        except Exception as failure:  # noqa: BLE001 – the database may come back
            _log.warning("experiments_not_read", error=type(failure).__name__)
