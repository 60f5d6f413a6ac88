"""Following publications and caps: every process decides by the same version within seconds.

Method      A few small queries a second tell which publication is in force for each purpose and
            which registry of features and templates, what caps hold back and what may not be used;
            a document is read and compiled only when its hash is new here.
Failure     While the database cannot be read the version in force stays as it was. A document that
            this program cannot read, because a newer one published it, leaves it so too, with an
            error in the log: nothing else may decide in its place.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

import structlog

from counterfoil.decisioning import guard_store, publication_store
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards, OnTrip
from counterfoil.decisioning.publication_store import PublishedVersion
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.store import read_policy_version
from counterfoil.journeys.contracting.templates import Templates
from counterfoil.journeys.deciding.policies import InForce, Policies, shipped_policies
from counterfoil.journeys.knowing.feature_limits import read_limits
from counterfoil.journeys.knowing.registries import Registries
from counterfoil.kernel.clock import Clock
from counterfoil.models import monitoring_store
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.metrics import Metrics

#: How often publications and caps are read.
FOLLOW_MS: Final = 1_000
#: Compiled versions that are kept: those in force, and those before them for a way back.
COMPILED_MAX: Final = 16
_NOTHING: Final[frozenset[str]] = frozenset()

_log = structlog.get_logger(__name__)


class _Published(NamedTuple):
    """A version with the publication that it decides by; None for what ships."""

    publication_id: int | None
    compiled: CompiledPolicy


class PolicyFollower:
    """Keeps one process's policies at what was published."""

    def __init__(
        self,
        database: Database,
        policies: Policies,
        clock: Clock,
        metrics: Metrics,
        registries: Registries,
        templates: Templates,
    ) -> None:
        """Take the database, and policies, registry and templates that are kept up to date."""
        self._database = database
        self._registries = registries
        self._templates = templates
        self._policies = policies
        self._clock = clock
        self._metrics = metrics
        self._shipped = policies.every()
        self._compiled: dict[str, CompiledPolicy] = {
            version.policy.hash: version.compiled for version in self._shipped.values()
        }

    async def read(self) -> None:
        """Put in force what decides now, with what its cap holds back."""
        async with self._database.connection() as connection:
            await self._registries.follow(connection, at=self._clock.now())
            await self._templates.follow(connection)
            published = await publication_store.publications_in_force(
                connection, at=self._clock.now(), depth=2
            )
            newest = {
                purpose: await self._version(connection, purpose, published.get(purpose, []))
                for purpose in self._shipped
            }
            out = await _held_out(connection, list(newest.values()))
            fallen = {purpose: one for purpose, one in newest.items() if one.publication_id in out}
            wanted = newest | {
                purpose: await self._version(connection, purpose, published[purpose][1:])
                for purpose in fallen
            }
            hashes = [one.compiled.policy.hash for one in wanted.values()]
            tripped = await guard_store.read_tripped(connection, hashes)
            limits = await read_limits(self._registries.in_force, connection)
            stopped = await _stopped(connection, [one.compiled for one in wanted.values()])
        for purpose, (publication_id, compiled) in wanted.items():
            held = tripped.get(compiled.policy.hash, _NOTHING)
            stops = stopped.get(compiled.policy.hash, _NOTHING)
            version = InForce(
                compiled=compiled,
                guards=Guards(tripped=held, stopped=stops) if held or stops else NO_GUARDS,
                publication_id=publication_id,
                withheld=limits.withheld_from(compiled.policy.features, purpose),
                fallen_from=fallen[purpose].compiled.policy.version if purpose in fallen else None,
            )
            self._put(purpose, version)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_MS / 1_000)
            try:
                await self.read()
            except Exception as failure:  # noqa: BLE001 – the database may come back
                _log.warning("policies_not_read", error=type(failure).__name__)

    def _put(self, purpose: str, version: InForce) -> None:
        if version == self._policies.every()[purpose]:
            return
        self._policies.put_in_force(purpose, version)
        self._metrics.policy_tripped.labels(purpose).set(len(version.guards.tripped))
        _log.info(
            "policy_in_force",
            purpose=purpose,
            version=version.policy.version,
            policy_hash=version.policy.hash,
            tripped=sorted(version.guards.tripped),
            stopped=sorted(version.guards.stopped),
            withheld=sorted(version.withheld),
            fallen_from=version.fallen_from,
        )

    async def _version(
        self, connection: Connection, purpose: str, published: list[PublishedVersion]
    ) -> _Published:
        """Return what decides for a purpose; what decided so far where it cannot be read."""
        if not published:
            return _Published(None, self._shipped[purpose].compiled)
        publication_id, policy_hash = published[0]
        try:
            return _Published(publication_id, await self._compile(connection, policy_hash))
        except InvalidPolicyError as fault:
            before = self._policies.every()[purpose]
            _log.error("policy_not_readable", policy_hash=policy_hash, fault=str(fault))
            return _Published(before.publication_id, before.compiled)

    async def _compile(self, connection: Connection, policy_hash: str) -> CompiledPolicy:
        compiled = self._compiled.get(policy_hash)
        if compiled is None:
            policy = await read_policy_version(connection, policy_hash)
            assert policy is not None, "a publication names a version that is kept"
            if policy.hash != policy_hash:
                raise InvalidPolicyError("policy", "is not what was published under this hash")
            compiled = await asyncio.to_thread(compile_python, policy)
            while len(self._compiled) >= COMPILED_MAX:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[policy_hash] = compiled
        return compiled


async def _held_out(connection: Connection, versions: Sequence[_Published]) -> frozenset[int]:
    """Return the publications whose place the version before takes, as their documents say.

    A cap that has tripped keeps its version out until that is published again; red figures of its
    model do until a person lets the segment go again.
    """
    willing = {
        one.publication_id: one.compiled
        for one in versions
        if one.publication_id is not None
        and one.compiled.policy.action_cap is not None
        and one.compiled.policy.action_cap.on_trip is OnTrip.PREVIOUS
    }
    if not willing:
        return frozenset()
    stopped = await _stopped(connection, list(willing.values()))
    red = {number for number, one in willing.items() if stopped.get(one.policy.hash)}
    return await guard_store.tripped_since_published(connection, willing) | red


async def _stopped(
    connection: Connection, versions: Sequence[CompiledPolicy]
) -> dict[str, frozenset[str]]:
    """Return the segments whose model is not to be trusted now, by version."""
    models = {
        version.policy.hash: version.policy.scorecard.model.sha256
        for version in versions
        if version.policy.scorecard.model is not None
    }
    if not models:
        return {}
    held = await monitoring_store.held_segments(connection, set(models.values()))
    return {policy_hash: frozenset(held[sha256]) for policy_hash, sha256 in models.items()}


@asynccontextmanager
async def following_policies(
    database: Database,
    clock: Clock,
    metrics: Metrics,
    registries: Registries,
    templates: Templates,
) -> AsyncIterator[Policies]:
    """Follow publications while the house is open; yield what is in force."""
    policies = shipped_policies()
    follower = PolicyFollower(database, policies, clock, metrics, registries, templates)
    await follower.read()
    task = asyncio.create_task(follower.run())
    try:
        yield policies
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
