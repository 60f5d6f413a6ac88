"""The act in hand: whatever is committed on its behalf carries its line of the trail.

Rule        Whoever lets somebody act (the gate of the API, of the console, of the portal, of the
            command line) takes the act in hand, once. The first transaction of the act that changes
            something writes the act's line, in that transaction: both are there or neither.
Several     An act that commits several times has its line in the first. The later ones are told by
            it: it says who, what, why and from where before any of them.
Commands    Commands about lines are recorded by their own row, which names the same. The line of a
            member of staff rides in the statement of the act's first command, with the state that
            this leaves; for programs and customers the row of the command is the line, so that the
            write path bears no second one.
Change      A statement that writes to any table but the trail itself, and that says it did.
Cost        Nothing where no act is in hand, and nothing more once its line is written.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from counterfoil.platform.queries import Runner
from counterfoil.platform.trail import Entry, add_entries

_WRITTEN: Final = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\s+(?:ONLY\s+)?(\w+\.\w+)"
)
#: Writing these tells of an act and is none.
_TRAIL: Final = frozenset({"platform.trail"})
#: More than the product has statements that are distinct.
_STATEMENTS_KNOWN: Final = 4_096


class Origin(NamedTuple):
    """Who acts and from where, as a recorded command names it."""

    actor: str
    #: A role, or a scope of a program's key.
    role: str
    #: Console, api, portal or cli, with an address where there is one.
    source: str


#: Of what the house does by itself: payouts confirmed, debits collected, days closed.
BY_HOUSE: Final = Origin("house", "machine", "house")


@dataclass(slots=True, eq=False, kw_only=True)
class InHand:
    """One act of somebody, from when it is let in until it is answered."""

    origin: Origin
    #: Gives the lines of the trail, by the state that the act leaves behind; None where the rows
    #: of the act's commands are its lines.
    lines: Callable[[str], Sequence[Entry]] | None
    #: Reads the state of what the act is about, within the transaction that changes it.
    state: Callable[[Runner], Awaitable[str]] | None = None
    #: Whether the lines ride in the statement of a command.
    rides: bool = False
    #: Whether the trail tells of it: a line of it, or a command, is committed.
    is_told: bool = False
    #: Whether somebody has written down already that it was refused.
    is_refusal_told: bool = False
    _has_ridden: bool = False
    _is_riding: bool = False

    async def tell(self, connection: Runner) -> bool:
        """Write the lines in the transaction at hand; return whether there were any to write."""
        if self.lines is None or self.is_told:
            return False
        after = "" if self.state is None else await self.state(connection)
        await add_entries(connection, self.lines(after))
        return True

    def mount(self) -> bool:
        """Let the lines ride in the command that is about to be sent: the first that is accepted.

        Also where an earlier transaction has told of the act: what the command changes is told with
        the command.
        """
        if not self.rides or self._has_ridden or self._is_riding:
            return False
        self._is_riding = True
        return True

    def answered(self, *, accepted: bool, mounted: bool) -> None:
        """Take note of a command's answer: what was refused carried nothing."""
        self.is_told = self.is_told or accepted
        if mounted:
            self._has_ridden, self._is_riding = accepted, False


_IN_HAND: Final[ContextVar[InHand | None]] = ContextVar("act_in_hand", default=None)


def in_hand() -> InHand | None:
    """Return the act that the present task carries out; None where there is none."""
    return _IN_HAND.get()


@contextmanager
def taken_in_hand(act: InHand) -> Iterator[InHand]:
    """Take an act in hand; what is begun meanwhile is done on its behalf."""
    token = _IN_HAND.set(act)
    try:
        yield act
    finally:
        _IN_HAND.reset(token)


def watched(connection: Any) -> Any:
    """Return a connection that writes the line of the act in hand with what it changes."""
    act = _IN_HAND.get()
    if act is None or act.is_told or act.lines is None:
        return connection
    return _Watched(connection, act)


@lru_cache(maxsize=_STATEMENTS_KNOWN)
def is_change(statement: str) -> bool:
    """Return whether a statement writes to anything but the trail."""
    return not _TRAIL.issuperset(_WRITTEN.findall(statement))


def _has_changed(statement: str, found: Any) -> bool:
    """Return whether a statement that writes did, as far as its answer says so."""
    if isinstance(found, str):
        return not found.endswith(" 0")
    # A row that comes back was written; what a chain of parts gives back tells of its last one.
    return (found is not None and found != []) or statement.lstrip().startswith("WITH")


class _Watched:
    """A connection on behalf of an act."""

    def __init__(self, inner: Any, act: InHand) -> None:
        self._inner = inner
        self._act = act
        self._depth = 0
        self._has_changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch(self, query: str, *args: object) -> Any:
        return await self._run(self._inner.fetch, query, args)

    async def fetchrow(self, query: str, *args: object) -> Any:
        return await self._run(self._inner.fetchrow, query, args)

    async def fetchval(self, query: str, *args: object) -> Any:
        return await self._run(self._inner.fetchval, query, args)

    async def execute(self, query: str, *args: object) -> Any:
        return await self._run(self._inner.execute, query, args)

    async def copy_records_to_table(self, table: str, /, **how: object) -> Any:
        self._has_changed = True
        return await self._inner.copy_records_to_table(table, **how)

    def transaction(self, **how: object) -> AbstractAsyncContextManager[Any]:
        """Open a transaction that carries the act's line, or a savepoint inside one.

        `how` is the driver's: the isolation of a long look, and whether it only reads.
        """
        return self._savepoint(how) if self._depth else self._transaction(how)

    async def _run(self, call: Callable[..., Awaitable[Any]], query: str, args: Any) -> Any:
        if not is_change(query):
            return await call(query, *args)
        if not self._depth:
            # A statement by itself would commit by itself.
            async with self._transaction({}):
                return await self._run(call, query, args)
        found = await call(query, *args)
        self._has_changed = self._has_changed or _has_changed(query, found)
        return found

    @asynccontextmanager
    async def _transaction(self, how: Mapping[str, object]) -> AsyncIterator[Any]:
        self._depth, self._has_changed, is_told = 1, False, False
        try:
            async with self._inner.transaction(**how):
                yield self
                if self._has_changed:
                    is_told = await self._act.tell(self._inner)
        finally:
            self._depth = 0
        # Only now: what broke on its commit is not there, and neither is its line.
        self._act.is_told = self._act.is_told or is_told

    @asynccontextmanager
    async def _savepoint(self, how: Mapping[str, object]) -> AsyncIterator[Any]:
        before = self._has_changed
        try:
            async with self._inner.transaction(**how):
                yield self
        except BaseException:
            self._has_changed = before
            raise
