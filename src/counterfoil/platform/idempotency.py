"""The same key, the same answer: for writes that do not go through a command batch.

Invariant   An answer is recorded in the transaction of what it answers for. A concurrent twin
            breaks on the key, undoes its own work and finds the first one's answer.
Scope       A customer's number, or `HOUSE` for what belongs to no customer yet.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Final

import asyncpg
import orjson

from counterfoil.kernel.errors import Refusal, Refused, refuse
from counterfoil.platform.batches import KEY_REUSED, QUERIES, Answer, KeyTakenError
from counterfoil.platform.database import Connection, Database

#: The scope of requests that no customer makes yet.
HOUSE: Final = 0

#: The unique key of recorded commands.
_COMMAND_ONCE: Final = "command_once"
_HASH_BYTES: Final = 16
#: In place of leaf, actor, role, source and reason: these stand in the trail, beside the answer.
_TOLD_BY_THE_TRAIL: Final = (None,) * 5


class TwinError(Exception):
    """Somebody else wrote first what may exist once; the constraint that says so is named."""

    def __init__(self, constraint: str) -> None:
        """Keep the name of the constraint, which is the code of the refusal it guards."""
        super().__init__(constraint)
        self.constraint = constraint


Work = Callable[[Connection], Awaitable[str | Refused]]
Writing = Callable[[Connection], Awaitable[None]]


def request_hash(kind: str, request: dict[str, object]) -> bytes:
    """Return the hash by which a repeated request is told from another one under its key."""
    text = orjson.dumps([kind, request], option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=_HASH_BYTES).digest()


async def remember(
    connection: Connection, scope_id: int, key: str, request: bytes
) -> Answer | Refused | None:
    """Return what was answered under a key; None when nothing was yet."""
    rows = await QUERIES.commands_seen.fetch(connection, keys=[(scope_id, key)])
    if not rows:
        return None
    if rows[0]["request_hash"] != request:
        return refuse(KEY_REUSED)
    return Answer(rows[0]["answer"], is_replay=True)


async def record(
    connection: Connection,
    scope_id: int,
    key: str,
    request: bytes,
    *,
    kind: str,
    answer: str,
    at: datetime,
) -> None:
    """Record an answer in the transaction at hand; raise KeyTakenError where a twin was first."""
    try:
        await QUERIES.add_commands.execute(
            connection, rows=[(scope_id, key, request, kind, answer, at, *_TOLD_BY_THE_TRAIL)]
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == _COMMAND_ONCE:
            raise KeyTakenError from error
        raise


async def unless_twin(database: Database, write: Writing) -> None:
    """Write in one transaction; raise TwinError where somebody else wrote first."""
    try:
        async with database.transaction() as connection:
            await write(connection)
    except asyncpg.UniqueViolationError as error:
        raise TwinError(str(error.constraint_name)) from error


async def once(
    database: Database,
    *,
    scope_id: int,
    key: str,
    request: bytes,
    kind: str,
    at: datetime,
    work: Work,
    is_new: bool = False,
) -> Answer | Refused:
    """Do some work in one transaction together with its record, or give the first answer.

    Work that is refused has written nothing; a refusal is not recorded. Work that broke on
    another unique constraint is undone and raises TwinError. `is_new` says that the caller has just
    looked for the key in vain; a twin since then breaks on it all the same.
    """
    try:
        async with database.transaction() as connection:
            seen = None if is_new else await remember(connection, scope_id, key, request)
            if seen is not None:
                return seen
            answer = await work(connection)
            if isinstance(answer, Refused):
                return answer
            await record(connection, scope_id, key, request, kind=kind, answer=answer, at=at)
        return Answer(answer, is_replay=False)
    except asyncpg.UniqueViolationError as error:
        raise TwinError(str(error.constraint_name)) from error
    except KeyTakenError:
        async with database.connection() as connection:
            seen = await remember(connection, scope_id, key, request)
        assert seen is not None, "whoever took the key has committed"
        return seen


async def once_or_refused(
    database: Database,
    *,
    twins: Mapping[str, Refusal],
    scope_id: int,
    key: str,
    request: bytes,
    kind: str,
    at: datetime,
    work: Work,
    is_new: bool = False,
) -> Answer | Refused:
    """Do some work once; what a concurrent twin has broken is refused.

    `twins` are refusals by the constraint that guards them; any other breach raises TwinError.
    """
    try:
        return await once(
            database,
            scope_id=scope_id,
            key=key,
            request=request,
            kind=kind,
            at=at,
            work=work,
            is_new=is_new,
        )
    except TwinError as error:
        refusal = twins.get(error.constraint)
        if refusal is None:
            raise
    # A twin under the same key may have been first with the very same request.
    async with database.connection() as connection:
        seen = await remember(connection, scope_id, key, request)
    return refuse(refusal) if seen is None else seen
