"""Command batches: everything that changes money or a line is decided and committed together.

A batch is whatever has queued while the previous commit was running; there is no timer. It is
loaded by one query a kind, decided by a pure function command after command, and written by one
statement that is also its transaction. Each caller gets its own answer after the commit.

Invariant   No acknowledged command is lost and none is done twice: its answer is recorded under
            (customer, key) in the same transaction, and a retry gets the same answer to the byte.
            Any batch equals the same commands one by one.
Isolation   READ COMMITTED. State is read without locks and written on the condition that its
            version has not changed; a collision with another process, or a business date that
            moved, undoes the statement and the batch is loaded and decided again. What still
            fails goes one by one, so that a poisoned command hurts nobody else.
Durability  A connection that breaks during a commit leaves the outcome open; the batch is tried
            again on a new one, and the recorded keys say which commands were already done.
"""

import asyncio
import math
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, Self

import asyncpg

from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.platform.database import Connection, Database, is_away
from counterfoil.platform.in_hand import InHand, in_hand
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.queries import Queries
from counterfoil.platform.statement import Composer, Write, arguments
from counterfoil.platform.telemetry import logger
from counterfoil.platform.waiting import Shard, Waiting

QUERIES: Final = Queries.load("counterfoil.platform", "batches.sql")

#: How the server plans the statements of batches: once, and by key whatever the statistics say.
#: Planning a statement of many parts for one command would cost more than running it, and a plan
#: made while a table was empty would scan it for ever.
PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
#: Times a batch is loaded again after a collision before it goes one by one.
COLLISIONS_MAX: Final = 3
#: Seconds for which a lost database is looked for before callers are told.
RECONNECT_SECONDS_MAX: Final = 10
#: Readers are told a business date that was true at most this long ago: another process moves it.
DATE_SECONDS_MAX: Final = 1

#: The unique key of recorded commands.
COMMAND_ONCE: Final = "command_once"
#: What the functions of the first migration raise, deadlock and serialisation failure.
SQLSTATE_DATE_MOVED: Final = "CF002"
SQLSTATES_COLLISION: Final = frozenset({"CF001", "40P01", "40001"})

KEY_REUSED = Refusal(
    code="idempotency_key_reused",
    kind=Kind.MISMATCH,
    message="This idempotency key was used for another request.",
    next_step="Send a new key for a new request; repeat a key only with the same request.",
)
TRY_LATER = Refusal(
    code="try_later",
    kind=Kind.BUSY,
    message="More commands are waiting than can be taken in.",
    next_step="Send the same request with the same key again in a second.",
)
OUTCOME_UNKNOWN = Refusal(
    code="outcome_unknown",
    kind=Kind.UNAVAILABLE,
    message="The database did not answer; the command may or may not have been carried out.",
    next_step="Send the same request with the same key again: it is never carried out twice.",
)
STOPPING = Refusal(
    code="stopping",
    kind=Kind.UNAVAILABLE,
    message="This process is shutting down and takes no more commands.",
    next_step="Send the same request with the same key again.",
)

_log = logger("batches")


class Answer(NamedTuple):
    """What was acknowledged."""

    #: JSON text, the same to the byte on every replay.
    text: str
    is_replay: bool


class StateChangedError(Exception):
    """Somebody else changed a row after it was read; load it again."""


class BusinessDateMovedError(Exception):
    """The close of day moved the business date after it was read."""


class KeyTakenError(Exception):
    """Another process recorded a command under one of the keys first."""


class Decided(NamedTuple):
    """An accepted command with its answer and whatever its desk has to write for it."""

    waiting: Waiting
    answer: str
    outcome: Any


class Desk(Protocol):
    """What the engine asks of whoever knows the subject."""

    async def load(self, connection: Connection, commands: Sequence[Any], on: date) -> Any:
        """Read the state that the commands need; nothing is locked."""
        ...

    def decide(self, state: Any, waiting: Waiting, on: date) -> Decided | Refused:
        """Answer one command and change the working state if it is accepted."""
        ...

    async def write(
        self, connection: Connection, state: Any, decided: Sequence[Decided], on: date
    ) -> None:
        """Write everything in one statement; raise one of the errors above on a collision."""
        ...

    def kind(self, command: Any) -> str:
        """Return the name of a kind of command."""
        ...


class Engine:
    """Takes commands from any number of callers; use it as an async context manager."""

    def __init__(
        self, database: Database, desk: Desk, *, shards: int, metrics: Metrics | None = None
    ) -> None:
        """Take the database, the desk and the number of batches under way at once."""
        self._database = database
        self._desk = desk
        self._metrics = metrics
        self._business_date: date | None = None
        self._date_read_at = -math.inf
        self._shards = [Shard() for _ in range(shards)]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        self._counters: dict[tuple[str, str], Any] = {}
        #: How many batches had how many commands, for benchmarks.
        self.batch_sizes: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        """Start one loop a shard."""
        self._tasks = [asyncio.create_task(self._serve(shard)) for shard in self._shards]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer what is waiting, then stop."""
        self._is_stopping = True
        for shard in self._shards:
            shard.wake()
        await asyncio.gather(*self._tasks)

    def submit(
        self, customer_id: int, command: Any, *, idempotency_key: str, request_hash: bytes
    ) -> "asyncio.Future[Answer | Refused]":
        """Queue a command on behalf of the act in hand; the future answers after the commit."""
        future: asyncio.Future[Answer | Refused] = asyncio.get_running_loop().create_future()
        waiting = Waiting(customer_id, command, idempotency_key, request_hash, future)
        act = in_hand()
        if act is not None:
            waiting.origin = act.origin
            if act.mount():
                waiting.carries = act
            if act.lines is not None:
                future.add_done_callback(partial(_note_answer, act, waiting))
        shard = self._shards[customer_id % len(self._shards)]
        if self._is_stopping:
            future.set_result(refuse(STOPPING))
        elif not shard.put(waiting):
            future.set_result(refuse(TRY_LATER))
        else:
            shard.wake()
        return future

    @property
    def waiting_count(self) -> int:
        """Return how many commands wait or are under way."""
        return sum(len(shard.queue) + len(shard.interrupted) for shard in self._shards)

    async def business_date(self) -> date:
        """Return the business date, as it was a second ago at the oldest."""
        age = asyncio.get_running_loop().time() - self._date_read_at
        if self._business_date is None or age > DATE_SECONDS_MAX:
            async with self._database.connection() as connection:
                await self._read_business_date(connection)
        assert self._business_date is not None
        return self._business_date

    def forget_business_date(self) -> None:
        """Read the business date anew before the next batch: the close of day moved it."""
        self._business_date = None

    async def _serve(self, shard: "Shard") -> None:
        """Work through one shard's queue until the engine stops; look for a lost database."""
        while not (self._is_stopping and shard.is_empty):
            await shard.wait(is_stopping=self._is_stopping)
            try:
                async with self._database.dedicated(PLANS) as connection:
                    await self._work(shard, connection)
            except Exception as lost:  # noqa: BLE001 - callers wait on this loop: it never ends
                _log.warning("database lost", error=type(lost).__name__)
                await self._wait_for_database(shard)

    async def _work(self, shard: "Shard", connection: Connection) -> None:
        """Keep one connection and take batch after batch until the engine stops."""
        while not (self._is_stopping and shard.is_empty):
            if shard.is_empty:
                await shard.wait(is_stopping=self._is_stopping)
                continue
            batch = shard.take()
            await self._settle(connection, batch, check_keys=shard.is_unsure)
            shard.done()

    async def _wait_for_database(self, shard: "Shard") -> None:
        """Look for the database; tell the callers when it stays away."""
        loop = asyncio.get_running_loop()
        until = loop.time() + RECONNECT_SECONDS_MAX
        while loop.time() < until:
            await asyncio.sleep(0.1)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                async with self._database.connection() as connection:
                    await self._read_business_date(connection)
                    return
        for waiting in shard.give_up():
            self._answer(waiting, refuse(OUTCOME_UNKNOWN))

    async def _settle(
        self, connection: Connection, batch: Sequence[Waiting], *, check_keys: bool
    ) -> None:
        """Answer every command of a batch, together if that is possible, else one by one."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            is_done = await self._attempt_often(connection, batch, check_keys=check_keys)
        except Exception as error:
            if _is_lost(error):
                raise
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            _log.error("batch goes one by one", commands=len(batch), exc_info=error)
            is_done = False
        if is_done:
            self._observe(len(batch), loop.time() - started)
        elif len(batch) == 1:
            self._answer(batch[0], refuse(TRY_LATER))
        else:
            for waiting in batch:
                if not waiting.future.done():
                    await self._settle(connection, [waiting], check_keys=True)

    async def _attempt_often(
        self, connection: Connection, batch: Sequence[Waiting], *, check_keys: bool
    ) -> bool:
        """Try a batch until nobody else was faster; return whether that was so in time."""
        for _ in range(COLLISIONS_MAX):
            try:
                await self._attempt(connection, batch, check_keys=check_keys)
            except StateChangedError:
                continue
            except BusinessDateMovedError:
                self._business_date = None
            except KeyTakenError:
                check_keys = True
            else:
                return True
        return False

    async def _attempt(
        self, connection: Connection, batch: Sequence[Waiting], *, check_keys: bool
    ) -> None:
        """Load, decide, write and answer one batch."""
        if self._business_date is None:
            await self._read_business_date(connection)
        on = self._business_date
        assert on is not None
        # A lone command is looked up only when it is refused or its key turns out to be taken:
        # the common case saves a round trip, and the unique key keeps it right.
        is_sure = check_keys or len(batch) > 1
        seen = await self._seen(connection, batch) if is_sure else {}
        fresh = [w for w in batch if (w.customer_id, w.idempotency_key) not in seen]
        state = await self._desk.load(connection, [w.command for w in fresh], on) if fresh else None
        try:
            decided, refused, twins = self._decide(state, fresh, on)
        except Exception as error:
            # What was read may be ahead of the date that it was decided on: another process has
            # closed the day. Only if it has not is this what it seems to be.
            if await QUERIES.business_date.fetchval(connection) != on:
                raise BusinessDateMovedError from error
            raise
        if refused:
            seen |= await self._look_again(connection, [w for w, _ in refused], on)
            refused = [(w, r) for w, r in refused if (w.customer_id, w.idempotency_key) not in seen]
        if decided:
            await self._desk.write(connection, state, decided, on)
        self._tell(batch, seen, decided, refused, twins)

    def _decide(
        self, state: Any, fresh: Sequence[Waiting], on: date
    ) -> tuple[list[Decided], list[tuple[Waiting, Refused]], list[tuple[Waiting, Decided]]]:
        """Decide in order; a key that comes twice in one batch is decided once."""
        by_key: dict[Hashable, Decided] = {}
        decided: list[Decided] = []
        refused: list[tuple[Waiting, Refused]] = []
        twins: list[tuple[Waiting, Decided]] = []
        decide = self._desk.decide
        for waiting in fresh:
            key = (waiting.customer_id, waiting.idempotency_key)
            first = by_key.get(key)
            if first is not None:
                twins.append((waiting, first))
                continue
            outcome = decide(state, waiting, on)
            if isinstance(outcome, Refused):
                refused.append((waiting, outcome))
            else:
                by_key[key] = outcome
                decided.append(outcome)
        return decided, refused, twins

    def _tell(
        self,
        batch: Sequence[Waiting],
        seen: Mapping[Hashable, tuple[bytes, str]],
        decided: Sequence[Decided],
        refused: Sequence[tuple[Waiting, Refused]],
        twins: Sequence[tuple[Waiting, Decided]],
    ) -> None:
        """Give each caller its own answer."""
        for done in decided:
            self._answer(done.waiting, Answer(done.answer, is_replay=False))
        for waiting, refusal in refused:
            self._answer(waiting, refusal)
        for waiting, first in twins:
            self._answer(waiting, _replay(waiting, first.waiting.request_hash, first.answer))
        if seen:
            for waiting in batch:
                known = seen.get((waiting.customer_id, waiting.idempotency_key))
                if known is not None and not waiting.future.done():
                    self._answer(waiting, _replay(waiting, *known))

    async def _look_again(
        self, connection: Connection, refused: Sequence[Waiting], on: date
    ) -> dict[Hashable, tuple[bytes, str]]:
        """Return what another process has answered meanwhile under keys that are refused here.

        Nothing is written for a refusal that would notice: not that its twin was accepted after
        the keys were looked up, nor that the business date has moved.
        """
        if await QUERIES.business_date.fetchval(connection) != on:
            raise BusinessDateMovedError
        return await self._seen(connection, refused)

    async def _seen(
        self, connection: Connection, batch: Sequence[Waiting]
    ) -> dict[Hashable, tuple[bytes, str]]:
        rows = await QUERIES.commands_seen.fetch(
            connection, keys=[(w.customer_id, w.idempotency_key) for w in batch]
        )
        return {
            (row["customer_id"], row["idempotency_key"]): (row["request_hash"], row["answer"])
            for row in rows
        }

    async def _read_business_date(self, connection: Connection) -> None:
        self._business_date = await QUERIES.business_date.fetchval(connection)
        assert self._business_date is not None, "the calendar of this database was never started"
        self._date_read_at = asyncio.get_running_loop().time()

    def _answer(self, waiting: Waiting, outcome: Answer | Refused) -> None:
        waiting.answer(outcome)
        if self._metrics is not None:
            if isinstance(outcome, Refused):
                result = outcome.code
            else:
                result = "replayed" if outcome.is_replay else "accepted"
            name = (self._desk.kind(waiting.command), result)
            counter = self._counters.get(name)
            if counter is None:
                counter = self._counters[name] = self._metrics.commands.labels(*name)
            counter.inc()

    def _observe(self, commands: int, seconds: float) -> None:  # house: allow float – a stopwatch
        self.batch_sizes[commands] = self.batch_sizes.get(commands, 0) + 1
        if self._metrics is not None:
            self._metrics.batch_commands.observe(commands)
            self._metrics.batch_seconds.observe(seconds)


async def write_batch(
    connection: Connection, composer: Composer, parts: Sequence[Write], on: date
) -> None:
    """Write the parts in one statement that holds the business date and is its own transaction.

    Raises one of the collisions above where the statement was undone because somebody else was
    faster, and whatever the database raised otherwise.
    """
    text = composer.compose(parts, QUERIES.hold_business_date)
    try:
        await connection.fetchrow(text, *arguments(parts, (on,)))
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == COMMAND_ONCE:
            raise KeyTakenError from error
        # Any other row that is there now and was not when the state was read.
        raise StateChangedError from error
    except asyncpg.PostgresError as error:
        if error.sqlstate == SQLSTATE_DATE_MOVED:
            raise BusinessDateMovedError from error
        if error.sqlstate in SQLSTATES_COLLISION:
            raise StateChangedError from error
        raise


def _note_answer(act: InHand, waiting: Waiting, future: "asyncio.Future[Answer | Refused]") -> None:
    """Tell an act what became of its command, before whoever waits for the answer goes on."""
    is_answered = not future.cancelled() and future.exception() is None
    said = future.result() if is_answered else None
    accepted = isinstance(said, Answer) and not said.is_replay
    act.answered(accepted=accepted, mounted=waiting.carries is not None)


def _is_lost(error: Exception) -> bool:
    """Return whether the connection is gone; a statement that took too long is only that."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    # The driver's protocol raises the second where a connection ends between two messages.
    return is_away(error) or isinstance(error, asyncpg.InternalClientError)


def _replay(waiting: Waiting, request_hash: bytes, answer: str) -> Answer | Refused:
    if waiting.request_hash != request_hash:
        return refuse(KEY_REUSED)
    return Answer(answer, is_replay=True)


def _fail(waiting: Waiting, error: Exception) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
