"""What is read on a way in, held against what the way says it reads for.

While a test runs, every statement that is sent on behalf of a declared way is looked at: each
table about persons that it reads has to be kept, by the register of fields, for a purpose of the
way. So a page or an operation that is added later is held as soon as any test goes through it.
An act whose commands are its lines of the trail may change nothing besides them without a line.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import asyncpg

from counterfoil.platform.in_hand import in_hand, is_change
from counterfoil.platform.queries import Queries
from counterfoil.platform.read_acts import ReadAct, reading_now
from counterfoil.privacy.data_register import HOUSE, load_register

App = Any
VIEWS_FILE = "views.json"
#: Rooms whose statements stand at every way: who comes in, how far, that it is written down, the
#: first answer to a key, what is told on; and the vault, which asks for each field by itself.
GATE = (
    ("counterfoil.platform", "access.sql"),
    ("counterfoil.platform", "staff.sql"),
    ("counterfoil.platform", "holdings.sql"),
    ("counterfoil.platform", "trail.sql"),
    ("counterfoil.platform", "batches.sql"),
    ("counterfoil.platform", "outbox.sql"),
    ("counterfoil.platform", "states.sql"),
    ("counterfoil.privacy", "store.sql"),
    ("counterfoil.privacy", "grant_store.sql"),
    ("counterfoil.customers", "portal_store.sql"),
)
#: Names of tables, by the word before them where that says that the table is written.
_NAMED = re.compile(
    r"(?P<verb>\b(?:INTO|UPDATE|DELETE\s+FROM|TABLE)\s+(?:ONLY\s+)?)?"
    r"\b(?P<name>[a-z_]+\.[a-z_]+)\b"
)
_NOT_SQL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
#: Views → what they are made of, as the database has it.
VIEWS = """
SELECT DISTINCT vn.nspname || '.' || v.relname AS view, tn.nspname || '.' || t.relname AS of
FROM pg_rewrite AS r
JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS vn ON vn.oid = v.relnamespace
JOIN pg_depend AS d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
    AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS t ON t.oid = d.refobjid AND t.oid <> v.oid
JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE vn.nspname NOT IN ('pg_catalog', 'information_schema')
"""
#: Views of what somebody reaches: by what they show, the rest of them is the gate.
_WITHIN_REACH = "desk."


class Watch:
    """Keeps what was read outside the purposes of its way."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.wrong: set[str] = set()

    @cached_property
    def views(self) -> Mapping[str, list[str]]:
        """Views of the run's template → what they are made of; none where no test asked for it."""
        kept = self._home / VIEWS_FILE
        return json.loads(kept.read_text()) if kept.exists() else {}

    def look(self, statement: str) -> None:
        held = in_hand()
        if held is not None and held.lines is None and is_change(statement):
            # Its commands are written by the engine, in tasks of its own.
            self.wrong.add(f"an act that its commands tell of changes more: {statement[:200]}")
        act = reading_now.get()
        if act is None or statement in gate():
            return
        for table in tables_of(statement, self):
            declared = load_register().tables.get(table)
            if declared is None or declared.data_class == HOUSE:
                continue
            if act.purposes.isdisjoint(declared.purposes):
                self.wrong.add(said(act, table, declared.purposes))


async def keep_views(url: str, home: Path) -> None:
    """Write down what the views of a database are made of, for all workers of the run."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(VIEWS)
    finally:
        await connection.close()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["view"], []).append(row["of"])
    (home / VIEWS_FILE).write_text(json.dumps(found))


def said(act: ReadAct, table: str, kept_for: Iterable[str]) -> str:
    return (
        f"{act.door} {act.name} reads for {act.said or 'nothing about persons'}, but reads {table},"
        f" which is kept for {' '.join(sorted(kept_for))}"
    )


@cache
def gate() -> frozenset[str]:
    rooms = [Queries.load(package, file) for package, file in GATE]
    found = [room[name] for room in rooms for name in room.names()]
    return frozenset({*(one.sql for one in found), *(one.sql_back for one in found)})


def names_in(statement: str) -> frozenset[str]:
    """Return the tables and views that a statement reads; one that it only writes is not read."""
    found = _NAMED.finditer(_NOT_SQL.sub(" ", statement))
    return frozenset(match["name"] for match in found if not match["verb"])


@cache
def tables_of(statement: str, watch: Watch) -> frozenset[str]:
    found, waiting = set[str](), list(names_in(statement))
    while waiting:
        name = waiting.pop()
        if name.startswith(_WITHIN_REACH):
            shown = name.replace(_WITHIN_REACH, "reporting.", 1)
            waiting += [shown] if shown in watch.views.get(name, ()) else []
        elif name in watch.views:
            waiting += watch.views[name]
        else:
            found.add(name)
    return frozenset(found)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Look at every statement that any connection sends."""
    execute = asyncpg.Connection._execute

    async def looked_at(self: Any, query: str, *args: Any, **given: Any) -> Any:
        watch.look(query)
        return await execute(self, query, *args, **given)

    asyncpg.Connection._execute = looked_at
    try:
        yield
    finally:
        asyncpg.Connection._execute = execute


def alone(app: App) -> App:
    """Return an application each of whose requests is a task of its own, as with a server."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.create_task(app(scope, receive, send))

    return called
