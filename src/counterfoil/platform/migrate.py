"""Migrations: plain SQL files, applied once, in order, never edited afterwards.

A file is `NNNN_{pre|post}_<context>_<what>.sql`: pre runs before the new code and suits the old,
post runs after it and removes what only the old code needed. Each runs in a transaction of its own
together with its record, unless its first line is `-- transaction: none` (for an index that is
built concurrently: one statement, written so that it may run again).

Invariant   A database holds the effect of a file if and only if it holds its record; the record
            keeps the file's checksum, and a file that no longer matches stops everything.
Concurrency One process migrates a database at a time; the others wait, then find nothing to do.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final

from counterfoil.platform.database import Connection, Database
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.platform", "migrate.sql")
_FILE: Final = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z][a-z0-9_]*\.sql")
_WITHOUT_TRANSACTION: Final = re.compile(r"\s*--\s*transaction:\s*none\b")
#: The oldest PostgreSQL whose statements the files use.
SERVER_MIN: Final = 15
#: Any number, as long as nobody else uses it.
ADVISORY_LOCK_KEY: Final = 7_205_759_403_792_001
#: Longest wait for a lock where the file sets none of its own, and for another's migrations.
LOCK_TIMEOUT_MS: Final = 60_000
#: Advisory locks and building an index take as long as they take.
STATEMENT_TIMEOUT_MS: Final = 0


class Phase(StrEnum):
    """When a migration runs, seen from the new code."""

    PRE = "pre"
    POST = "post"


class MigrationError(Exception):
    """The files cannot be applied here: their record contradicts them, or the server is old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file."""

    number: int
    phase: Phase
    name: str
    sql: str

    @property
    def checksum(self) -> bytes:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(self.sql.encode()).digest()

    @property
    def is_transactional(self) -> bool:
        """Return whether the file runs inside a transaction."""
        return not _WITHOUT_TRANSACTION.match(self.sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLock:
    """What a migration does to a table that is already there."""

    table: str
    #: The strongest lock that the file's statements take on it.
    mode: str
    #: Estimate from the last analysis.
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One migration that is still to be applied."""

    migration: Migration
    locks: tuple[TableLock, ...]


def shipped() -> tuple[Migration, ...]:
    """Return the product's migrations in order."""
    directory = resources.files("counterfoil.platform") / "migrations"
    return ordered(
        [(file.name, file.read_text("utf-8")) for file in directory.iterdir() if file.is_file()]
    )


def ordered(files: Sequence[tuple[str, str]]) -> tuple[Migration, ...]:
    """Return migrations from names and texts, in order; refuse doubled numbers and odd names."""
    migrations: dict[int, Migration] = {}
    for name, sql in sorted(files):
        match = _FILE.fullmatch(name)
        if match is None:
            raise MigrationError(f"{name} is not named NNNN_pre_what.sql or NNNN_post_what.sql")
        number = int(match["number"])
        if number in migrations:
            raise MigrationError(f"{name} and {migrations[number].name} have the same number")
        phase = Phase(match["phase"])
        migrations[number] = Migration(number=number, phase=phase, name=name, sql=sql)
    return tuple(migrations.values())


async def apply(
    url: str, *, migrations: Sequence[Migration] | None = None, phase: Phase | None = None
) -> tuple[str, ...]:
    """Apply what is pending, in order, and return the names.

    With a phase, only files of that phase: what the release's procedure runs before its code and
    after it. A pending file of the other phase in between stops it.
    """
    files = shipped() if migrations is None else migrations
    done: list[str] = []
    async with _turn(url) as connection:
        await _QUERIES.create_schema.execute(connection)
        await _QUERIES.create_record.execute(connection)
        pending = await _pending(connection, files)
        for migration in _of_phase(pending, phase):
            await _apply_one(connection, migration)
            done.append(migration.name)
    return tuple(done)


async def plan(url: str, *, migrations: Sequence[Migration] | None = None) -> tuple[Step, ...]:
    """Return what `apply` would do, with the locks on tables that are there; change nothing."""
    files = shipped() if migrations is None else migrations
    async with Database(url, connections_max=1) as database, database.connection() as connection:
        await _check_server(connection)
        pending = await _pending(connection, files)
        return tuple(
            [Step(migration=found, locks=await _locks(connection, found)) for found in pending]
        )


@asynccontextmanager
async def _turn(url: str) -> AsyncIterator[Connection]:
    database = Database(
        url,
        connections_max=1,
        application_name="counterfoil migrate",
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
    )
    async with database, database.connection() as connection:
        await _check_server(connection)
        await _QUERIES.take_turn.fetchval(connection, key=ADVISORY_LOCK_KEY)
        try:
            yield connection
        finally:
            await _QUERIES.leave_turn.fetchval(connection, key=ADVISORY_LOCK_KEY)


async def _check_server(connection: Connection) -> None:
    """Refuse a server that is too old, before anything is tried on it."""
    version = str(await _QUERIES.server_version.fetchval(connection))
    if int(version.partition(".")[0]) < SERVER_MIN:
        raise MigrationError(
            f"The server is PostgreSQL {version}; Counterfoil needs {SERVER_MIN} or newer. "
            "Upgrade it, or leave COUNTERFOIL_DATABASE_URL empty for the embedded one."
        )


async def _pending(connection: Connection, files: Sequence[Migration]) -> list[Migration]:
    """Return the files without a record; refuse a record without its file."""
    if not await _QUERIES.has_record.fetchval(connection):
        return list(files)
    by_number = {migration.number: migration for migration in files}
    newest = max(by_number, default=0)
    for row in await _QUERIES.applied.fetch(connection):
        migration = by_number.pop(row["number"], None)
        if migration is None:
            # A newer release may have migrated already; this one then runs on as the old code.
            if row["number"] < newest:
                raise MigrationError(f"{row['name']} was applied, but its file is gone")
        elif (migration.name, migration.checksum) != (row["name"], bytes(row["checksum"])):
            raise MigrationError(
                f"{row['name']} was edited after it was applied; write the next file instead"
            )
    return list(by_number.values())


def _of_phase(pending: Sequence[Migration], phase: Phase | None) -> list[Migration]:
    if phase is None:
        return list(pending)
    chosen = [migration for migration in pending if migration.phase is phase]
    if chosen:
        for migration in pending:
            if migration.phase is not phase and migration.number < chosen[-1].number:
                raise MigrationError(f"{migration.name} must be applied before {chosen[-1].name}")
    return chosen


async def _apply_one(connection: Connection, migration: Migration) -> None:
    record = {
        "number": migration.number,
        "name": migration.name,
        "checksum": migration.checksum,
    }
    try:
        if migration.is_transactional:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await _QUERIES.add.execute(connection, **record)
        else:
            await connection.execute(migration.sql)
            await _QUERIES.add.execute(connection, **record)
    except Exception as failure:
        failure.add_note(f"while applying {migration.name}")
        raise


#: Strongest lock first, with the statements that take it; good enough for a plan.
_LOCK_PATTERNS: Final = tuple(
    (mode, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for mode, pattern in (
        (
            "ACCESS EXCLUSIVE",
            (
                r"\b(?:alter|drop)\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>[\w.]+)"
                r"|^\s*truncate\s+(?:table\s+)?(?P<truncated>[\w.]+)"
            ),
        ),
        (
            "SHARE ROW EXCLUSIVE",
            (
                r"\bcreate\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\b"
                r"[^;]*?\bon\s+(?P<table>[\w.]+)"
            ),
        ),
        ("SHARE UPDATE EXCLUSIVE", r"\bindex\s+concurrently\b[^;]*?\bon\s+(?P<table>[\w.]+)"),
        ("SHARE", r"\bcreate\s+(?:unique\s+)?index\b[^;]*?\bon\s+(?:only\s+)?(?P<table>[\w.]+)"),
        (
            "ROW EXCLUSIVE",
            (
                r"\b(?:insert\s+into|delete\s+from)\s+(?P<table>[\w.]+)"
                r"|^\s*update\s+(?P<updated>[\w.]+)"
            ),
        ),
    )
)


def lock_modes(sql: str) -> dict[str, str]:
    """Return the strongest lock that a migration's statements take, by table."""
    text = re.sub(r"--[^\n]*|\$(\w*)\$.*?\$\1\$", "", sql, flags=re.DOTALL)
    modes: dict[str, str] = {}
    for mode, pattern in _LOCK_PATTERNS:
        for match in pattern.finditer(text):
            table = next(name for name in match.groupdict().values() if name)
            modes.setdefault(table.lower(), mode)
    return modes


async def _locks(connection: Connection, migration: Migration) -> tuple[TableLock, ...]:
    found: list[TableLock] = []
    for table, mode in sorted(lock_modes(migration.sql).items()):
        rows = await _QUERIES.row_estimate.fetchval(connection, table=table)
        if rows is not None:
            found.append(TableLock(table=table, mode=mode, row_count=rows))
    return tuple(found)
