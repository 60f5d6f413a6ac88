"""Running the log: who numbers leaves, who publishes, and how one waits for a witnessed head.

Any number of processes may try; the one whose session has the lock works, and another goes on when
that session ends. Numbering and publishing have a lock each: a slow witness holds up no leaf.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
import structlog

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_files import POLICY, LogFiles
from counterfoil.evidence.log_store import INTEGRATOR_LOCK, PUBLISHER_LOCK
from counterfoil.evidence.publisher import Desk, Publisher
from counterfoil.evidence.refusals import LOG_NOT_BEGUN, NOT_WITNESSED_IN_TIME
from counterfoil.evidence.signer import FileSigner, create_key
from counterfoil.evidence.staging import HOUSE, Leaves, Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.evidence.witness_client import WitnessClient
from counterfoil.journeys.house import House
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.ids import IdSource
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.settings import Settings
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED

#: How often staged leaves are looked for: long enough that a batch is worth its commit.
INTEGRATE_MS: Final = 100
#: How often a process that does not have the lock tries for it.
LEAD_SECONDS: Final = 1
#: Pause after a refusal: a key service that is away, an alarm that stops the log.
REFUSED_MS: Final = 1_000
#: Longest that a witness may take to answer.
WITNESS_SECONDS_MAX: Final = 5
#: A name for logs of installations that give none.
ORIGIN_DEFAULT: Final = "log.counterfoil.example/{year}"

_log = structlog.get_logger(__name__)


def directory_of(settings: Settings) -> Path:
    """Return where the log's static files lie."""
    return settings.log_directory or settings.home / "log"


def key_directory_of(settings: Settings) -> Path:
    """Return where the log's key files lie."""
    return settings.home / "keys"


async def begin_log(settings: Settings, database: Database, clock: Clock) -> str:
    """Begin the log where it has not begun: its name, its key, its policy; return its name."""
    keys = key_directory_of(settings)
    async with database.transaction() as connection:
        origin = await log_store.origin_of(connection)
        if origin is None:
            origin = settings.log_origin or ORIGIN_DEFAULT.format(year=clock.now().year)
            # The key first: a log without one could not be told from one that lost it.
            if not FileSigner(keys, origin).verifiers():
                create_key(keys, origin)
            origin = await log_store.begin_log(connection, origin, at=clock.now())
    await write_policy(settings, database, clock, origin)
    return origin


async def write_policy(
    settings: Settings, database: Database, clock: Clock, origin: str
) -> Policy | None:
    """Write the policy for readers from keys and witnesses; None where no witnesses are named.

    A policy that replaces another leaves a leaf with the hashes of both.
    """
    if settings.witnesses is None:
        return None
    keys = FileSigner(key_directory_of(settings), origin).verifiers()
    text = "".join(f"log {key.text}\n" for key in keys)
    text += settings.witnesses.read_text(encoding="utf-8")
    policy = Policy.parse(text)
    files = LogFiles(directory_of(settings))
    before = files.read(POLICY)
    if before != text.encode():
        if before is not None:
            await _note_policy(settings, database, clock, before, text.encode())
        files.write({POLICY: text.encode()})
    return policy


async def _note_policy(
    settings: Settings, database: Database, clock: Clock, old: bytes, new: bytes
) -> None:
    """Stage the leaf of a changed policy, before anybody is served it."""
    fields: dict[str, Value] = {
        "act": "log_policy",
        "new": sha256(new).hexdigest(),
        "old": sha256(old).hexdigest(),
    }
    ids = IdSource(clock.milliseconds, settings.node)
    leaf = Leaves(clock).stage(HOUSE, ids.next(), LeafType.KEY_CHANGE, 0, fields)
    async with database.transaction() as connection:
        # Under a policy of which nothing was witnessed nobody holds a receipt.
        if await log_store.last_witnessed(connection) is not None:
            await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


@asynccontextmanager
async def open_desk(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    http: httpx.AsyncClient | None = None,
) -> AsyncIterator[Desk]:
    """Give what publishing needs; refuse where the log was not begun or has no witnesses."""
    async with database.connection() as connection:
        origin = await log_store.origin_of(connection)
    policy = None if origin is None else await write_policy(settings, database, clock, origin)
    if origin is None or policy is None:
        raise RefusedError(refuse(LOG_NOT_BEGUN))
    async with AsyncExitStack() as stack:
        if http is None:
            http = httpx.AsyncClient(timeout=WITNESS_SECONDS_MAX, trust_env=False)
            await stack.enter_async_context(http)
        witnesses = tuple(
            WitnessClient(http, origin, policy, witness)
            for witness in policy.witnesses.values()
            if witness.url is not None
        )
        yield Desk(
            origin=origin,
            files=LogFiles(directory_of(settings)),
            signer=FileSigner(key_directory_of(settings), origin),
            policy=policy,
            witnesses=witnesses,
            clock=clock,
        )


class Term:
    """One process's turn with a lock: a session of its own that ends when anything goes wrong."""

    def __init__(self, database: Database, lock: int) -> None:
        """Take the database and the lock."""
        self._database = database
        self._lock = lock
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._try_at = -math.inf

    async def connection(self) -> Connection | None:
        """Return the session that has the lock; None while another process has it."""
        now = asyncio.get_running_loop().time()
        if self._connection is None and now >= self._try_at:
            self._try_at = now + LEAD_SECONDS
            connection = await self._stack.enter_async_context(self._database.dedicated({}))
            if await log_store.try_lead(connection, self._lock):
                self._connection = connection
            else:
                await self._stack.aclose()
        return self._connection

    async def end(self) -> None:
        """Give the lock back by ending the session."""
        self._connection = None
        self._try_at = -math.inf
        await self._stack.aclose()


class Integrating:
    """Numbers staged leaves while this process has the lock."""

    def __init__(self, house: House, *, every_ms: int = INTEGRATE_MS) -> None:
        """Take the house, and how often to look for staged leaves."""
        self._every_seconds = every_ms / 1_000
        self._database = house.database
        self._integrator = Integrator(house.vault, house.wall)
        self._term = Term(house.database, INTEGRATOR_LOCK)
        self._next_at = -math.inf
        self._told: frozenset[int] = frozenset()

    async def step(self) -> int:
        """Give what is staged its numbers, if it is time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._next_at:
            return 0
        try:
            connection = await self._term.connection()
            if connection is None:
                return 0
            await self._integrator.step(connection)
            if self._integrator.has_more:
                async with self._database.connection() as second:
                    await self._integrator.drain([connection, second])
            self._tell()
        except RefusedError as error:
            await self._term.end()
            _log.warning("leaves_wait", reason=error.refused.code)
            self._next_at = loop.time() + REFUSED_MS / 1_000
            return 0
        except BaseException:
            await self._term.end()
            raise
        self._next_at = loop.time() + self._every_seconds
        return 0  # a pause is due; a full queue was emptied

    def _tell(self) -> None:
        """Say once for whom leaves wait under a damaged key."""
        waiting = frozenset(self._integrator.waiting)
        if waiting - self._told:
            _log.error("leaves_wait", reason=CIPHERTEXT_REJECTED.code, customers=len(waiting))
        self._told = waiting

    async def close(self) -> None:
        """Let another process take over."""
        await self._term.end()


class Publishing:
    """Publishes heads at the cadence while this process has the lock."""

    def __init__(self, house: House, desk: Desk) -> None:
        """Take the house and what publishing needs."""
        self._house = house
        self._desk = desk
        self._term = Term(house.database, PUBLISHER_LOCK)
        self._publisher: Publisher | None = None
        self._next_at = -math.inf
        self._cadence = house.settings.log_cadence_ms / 1_000

    async def step(self) -> int:
        """Publish what is new, if it is time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._next_at:
            return 0
        try:
            connection = await self._term.connection()
            if connection is None:
                return 0
            if self._publisher is None:
                self._publisher = Publisher(self._house.database, self._desk)
            self._next_at = max(loop.time(), self._next_at + self._cadence)
            if await self._publisher.step(connection):
                await self._house.log.read()
        except RefusedError as error:
            await self.close()
            _log.error("log_publishes_nothing", reason=error.refused.message)
            self._next_at = loop.time() + REFUSED_MS / 1_000
        except BaseException:
            await self.close()
            raise
        return 0

    async def close(self) -> None:
        """Let another process take over."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close()
        await self._term.end()


async def wait_witnessed(
    house: House,
    leaves: Sequence[tuple[int, int]],
    *,
    timeout_ms: int,
    by: Sequence[str] = (),
) -> int | Refused:
    """Wait for a witnessed head that covers leaves, given by customer and leaf; return its size.

    `by` names witnesses, as the policy does, who all have to stand under it.
    """
    wanted = set(leaves)
    try:
        async with asyncio.timeout(timeout_ms / 1_000):
            size = house.leaves.witnessed.size
            while True:
                async with house.database.connection() as connection:
                    numbers = await log_store.numbers_of(connection, list(wanted))
                    if numbers.keys() >= wanted:
                        last = max(numbers.values())
                        found = await log_store.first_covering(connection, last, by)
                        if found is not None:
                            return found
                size = await house.log.wait_beyond(size)
    except TimeoutError:
        return refuse(NOT_WITNESSED_IN_TIME)
