"""The way to PostgreSQL: a process's pools, with limits on how long anything may wait.

Invariant   No statement waits for a lock or runs without a bound.
Nested      Who holds a connection and needs another one gets it from a pool of its own. From one
            pool, as many tasks as it has connections could each hold one and wait for a second
            for ever; with a pool for each depth whoever is deepest always goes on.
Isolation   READ COMMITTED with row locks; nothing here asks for more.
Trail       What is committed on behalf of an act carries the act's line (`in_hand.py`).
Errors      What the database refuses comes as the driver's exceptions, named here so that nobody
            else has to know the driver.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol, Self

import asyncpg
from asyncpg import (
    DeadlockDetectedError,
    LockNotAvailableError,
    PostgresError,
    SerializationError,
    UniqueViolationError,
)

from counterfoil.platform.in_hand import watched
from counterfoil.platform.queries import Queries, Query, QueryError, Row, Runner

__all__ = [
    "Connection",
    "Database",
    "DeadlockDetectedError",
    "LockNotAvailableError",
    "PostgresError",
    "Queries",
    "Query",
    "QueryError",
    "Row",
    "Runner",
    "SerializationError",
    "UniqueViolationError",
]

#: More than the product has distinct queries: each is prepared once per connection.
STATEMENTS_CACHED: Final = 1_000
#: Longest wait for the server when a connection is closed.
CLOSE_SECONDS_MAX: Final = 5
#: Longest wait for the server when a connection is opened.
CONNECT_SECONDS_MAX: Final = 30
#: A transaction that a stuck process has left open is ended by the server after this long.
IDLE_IN_TRANSACTION_MS_MAX: Final = 60_000
#: Connections for those who hold one already, at each depth beyond the first.
NESTED_CONNECTIONS_MAX: Final = 4
#: How deep connections may be nested: a caller, a journey in it, a rule that looks something up.
DEPTH_MAX: Final = 3

#: Connections that the present task holds, of whichever database.
_held: ContextVar[int] = ContextVar("connections_held", default=0)


class Connection(Runner, Protocol):
    """What the product uses of a connection."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Open a transaction, or a savepoint inside one."""
        ...

    async def copy_records_to_table(self, _table: str, /, **_how: object) -> str:
        """Write many rows with COPY."""
        ...

    async def copy_to_table(self, _table: str, /, **_how: object) -> str:
        """Load rows that are already in the form of COPY."""
        ...

    async def copy_from_table(self, _table: str, /, **_how: object) -> str:
        """Take rows out in the form of COPY."""
        ...


class Database:
    """A pool of connections to one database; use it as an async context manager.

    async with Database(url) as database:
        async with database.transaction() as connection:
            await QUERIES.lines_of_customer.fetch(connection, customer_id=customer_id)
    """

    def __init__(
        self,
        url: str,
        *,
        connections_max: int = 10,
        application_name: str = "counterfoil",
        lock_timeout_ms: int = 5_000,
        statement_timeout_ms: int = 60_000,
    ) -> None:
        """Take the address and the limits; nothing is opened yet."""
        self._url = url
        self._connections_max = connections_max
        #: By how many connections the borrower holds already.
        self._pools: list[Any] = []
        self._server_settings = {
            "application_name": application_name,
            "lock_timeout": str(lock_timeout_ms),
            "statement_timeout": str(statement_timeout_ms),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS_MAX),
            "timezone": "UTC",
        }

    async def __aenter__(self) -> Self:
        """Open the pool with one connection, so that a wrong address shows at once."""
        assert not self._pools, "a database is opened once"
        self._pools.append(await self._open_pool(least=1, most=self._connections_max))
        for _ in range(1, DEPTH_MAX):
            self._pools.append(await self._open_pool(least=0, most=NESTED_CONNECTIONS_MAX))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the connections in use, then close all."""
        pools, self._pools = self._pools, []
        for pool in pools:
            await pool.close()

    async def _open_pool(self, *, least: int, most: int) -> Any:
        return await asyncpg.create_pool(
            self._url,
            min_size=least,
            max_size=most,
            timeout=CONNECT_SECONDS_MAX,
            statement_cache_size=STATEMENTS_CACHED,
            max_cached_statement_lifetime=0,
            server_settings=self._server_settings,
            reset=_reset,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection without a transaction: each statement commits by itself."""
        assert self._pools, "open the database with `async with` first"
        depth = _held.get()
        assert depth < DEPTH_MAX, "a task that holds so many connections should hand one on"
        async with self._pools[depth].acquire() as connection:
            _held.set(depth + 1)
            try:
                yield watched(connection)
            finally:
                _held.set(depth)

    @asynccontextmanager
    async def innermost(self) -> AsyncIterator[Connection]:
        """Lend a connection to a task for which others wait, whatever they hold themselves."""
        token = _held.set(DEPTH_MAX - 1)
        try:
            async with self.connection() as connection:
                yield connection
        finally:
            _held.reset(token)

    @asynccontextmanager
    async def dedicated(self, server_settings: Mapping[str, str]) -> AsyncIterator[Connection]:
        """Open a connection beside the pool, with settings of its own, and close it afterwards."""
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS_MAX,
            statement_cache_size=STATEMENTS_CACHED,
            max_cached_statement_lifetime=0,
            server_settings={**self._server_settings, **server_settings},
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE_SECONDS_MAX)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction that commits unless an exception leaves it."""
        async with self.connection() as connection, connection.transaction():
            yield connection


async def _reset(_connection: Connection) -> None:
    """Take a connection back as it is: the product sets nothing beyond its transaction.

    The driver ends a transaction that was left open; its own reset would also ask the server to
    undo settings, one more round trip after each use, which the write path would feel.
    """


def is_away(error: BaseException) -> bool:
    """Return whether an error means that the database was not reached, rather than its answer."""
    if isinstance(error, asyncpg.DataError):
        return False
    return isinstance(
        error,
        OSError
        | TimeoutError
        | asyncpg.InterfaceError
        | asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.TooManyConnectionsError,
    )
