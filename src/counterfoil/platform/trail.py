"""The trail: every look at personal data, every change, every refusal.

Two sources Lines of their own, and recorded commands: the row of a command about a line of credit
            names who sent it, from where and why, and is a line by itself. Both are read as one
            list, in the order of their numbers.
Invariant   Rows are only ever added; the tables refuse anything else, and `journeys/trail` commits
            to them in the log, so that a row taken out or altered by other means shows.
Privacy     No personal data: customers by number, reasons and tickets as they were given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson
import rfc8785

from counterfoil.kernel import ids
from counterfoil.platform.queries import Queries, Row, Runner
from counterfoil.platform.statement import Write

_QUERIES: Final = Queries.load("counterfoil.platform", "trail.sql")

#: Outcome of what was done; every other outcome is the code of a refusal.
DONE: Final = "done"
_NUMBER_MAX: Final = 2**63 - 1
#: Of an answer, as far as a line tells of it.
_TOLD_LENGTH_MAX: Final = 400
#: Longer texts of an answer are hashes and tokens.
_MEMBER_LENGTH_MAX: Final = 40
#: Members that name whom a line is about anyway, or where money goes.
_NOT_TOLD: Final = frozenset({"customer_id", "payee_ref"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail; texts that do not apply are empty."""

    trail_id: int
    at: datetime
    actor: str
    role: str
    #: Where it came from: console, api or cli, with an address where there is one.
    source: str
    #: What was tried, for instance `reveal`.
    act: str
    #: `done`, or the code of the refusal.
    outcome: str
    #: None where it is about nobody in particular.
    customer_id: int | None = None
    #: Everybody whom a page showed, in ascending order; empty where it is about one alone.
    customer_ids: tuple[int, ...] = ()
    subject: str = ""
    purpose: str = ""
    ticket: str = ""
    reason: str = ""
    before: str = ""
    after: str = ""
    #: The leaf of the log that commits to it; None where none does yet.
    leaf_id: int | None = None
    #: Whether it is the row of a recorded command; its leaf is the command's own.
    is_command: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are looked for; None asks for all."""

    actor: str | None = None
    act: str | None = None
    customer_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    only_refused: bool = False


class CommandsOfLog(NamedTuple):
    """Who sent the commands of a part of the log: how many, and the hash over them."""

    entries: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A leaf's commitment to the lines after one key up to and including another.

    Keys are numbers of lines; of commands the numbers of their leaves in the log, from -1 on.
    """

    after_id: int
    through_id: int
    entries: int
    sha256: bytes
    leaf_id: int
    at: datetime


async def add_entries(connection: Runner, entries: Sequence[Entry]) -> None:
    """Write lines."""
    await _QUERIES.add_trail.execute(connection, **_columns(entries))


def part_of(entries: Sequence[Entry]) -> Write:
    """Return the part of a batch's statement that writes lines."""
    return Write(_QUERIES.add_trail, _QUERIES.add_trail.arguments(_columns(entries)))


def told_of_answer(answer: str) -> str:
    """Return what the answer to a command leaves behind, as a line tells it: its plain members."""
    members = _members(answer)
    told = [
        f"{name}={value}"
        for name, value in sorted(members.items(), key=lambda member: member[0] != "status")
        if isinstance(value, str | int)
        and name not in _NOT_TOLD
        and len(str(value)) <= _MEMBER_LENGTH_MAX
    ]
    return " ".join(told)[:_TOLD_LENGTH_MAX]


def _members(answer: str) -> Mapping[str, object]:
    """Return the members of an answer; none of one that was damaged, which the audit finds."""
    try:
        members: object = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return members if isinstance(members, Mapping) else {}


def _columns(entries: Sequence[Entry]) -> dict[str, object]:
    """Return lines as the arrays that the query takes."""
    return {
        "trail_ids": [entry.trail_id for entry in entries],
        "ats": [entry.at for entry in entries],
        "actors": [entry.actor for entry in entries],
        "roles": [entry.role for entry in entries],
        "sources": [entry.source for entry in entries],
        "acts": [entry.act for entry in entries],
        "outcomes": [entry.outcome for entry in entries],
        "customer_ids": [entry.customer_id for entry in entries],
        "shown": [",".join(str(number) for number in entry.customer_ids) for entry in entries],
        "subjects": [entry.subject for entry in entries],
        "purposes": [entry.purpose for entry in entries],
        "tickets": [entry.ticket for entry in entries],
        "reasons": [entry.reason for entry in entries],
        "befores": [entry.before for entry in entries],
        "afters": [entry.after for entry in entries],
    }


async def find_entries(
    connection: Runner,
    wanted: Wanted,
    *,
    before: int = _NUMBER_MAX,
    page: int = 100,
    is_back: bool = False,
) -> list[Entry]:
    """Return lines, newest first: those of the trail itself and the commands, by their numbers."""
    rows = await _QUERIES.find_trail.page(
        connection,
        actor=wanted.actor,
        act=wanted.act,
        customer_id=wanted.customer_id,
        since=wanted.since,
        until=wanted.until,
        only_refused=wanted.only_refused,
        before=before,
        page=page,
        is_back=is_back,
    )
    found = [_entry(row, leaf_id=row["leaf_id"]) for row in rows]
    if not wanted.only_refused:  # what was refused left no command
        found += await _find_commands(connection, wanted, before, page=page, is_back=is_back)
    # A page is what lies nearest to the key, on either side of it, in the order of the list.
    found.sort(key=attrgetter("trail_id"), reverse=True)
    return found[-page:] if is_back else found[:page]


async def _find_commands(
    connection: Runner, wanted: Wanted, before: int, *, page: int, is_back: bool
) -> list[Entry]:
    sought: dict[str, Any] = {
        "actor": wanted.actor,
        "act": wanted.act,
        "since": wanted.since,
        "until": wanted.until,
        "before": before,
        "page": page,
        "is_back": is_back,
    }
    if wanted.customer_id is not None:
        rows = await _QUERIES.commands_of_customer.page(
            connection, customer_id=wanted.customer_id, **sought
        )
    else:
        since_id = None if wanted.since is None else ids.floor_of(wanted.since)
        rows = await _QUERIES.find_commands.page(connection, since_id=since_id, **sought)
    return [_command(row) for row in rows]


def _command(row: Row) -> Entry:
    """Return the row of a command as a line; its number is its leaf's."""
    members = _members(row["answer"])
    about = [str(members[name]) for name in ("line_id", "loan_id") if members.get(name)]
    return Entry(
        trail_id=row["leaf_id"],
        at=row["accepted_at"],
        actor=row["actor"],
        role=row["role"],
        source=row["source"],
        act=row["kind"],
        outcome=DONE,
        customer_id=row["customer_id"],
        subject=" ".join(about),
        reason=row["reason"],
        after=told_of_answer(row["answer"]),
        leaf_id=row["leaf_id"],
        is_command=True,
    )


async def entries_between(
    connection: Runner, after: int, *, through: int = _NUMBER_MAX, page: int = 10_000
) -> list[Entry]:
    """Return lines after a key, oldest first."""
    rows = await _QUERIES.trail_after.fetch(connection, after=after, through=through, page=page)
    return [_entry(row) for row in rows]


def digest_of(entries: Sequence[Entry]) -> bytes:
    """Return SHA-256 over the lines: the canonical JSON of each (RFC 8785), a newline behind it."""
    digest = sha256()
    for entry in entries:
        digest.update(rfc8785.dumps(shape_of(entry)))
        digest.update(b"\n")
    return digest.digest()


def shape_of(entry: Entry) -> dict[str, str | list[str] | None]:
    """Return a line as exports and digests write it; numbers as text, for they exceed JSON's.

    The customers of a page stand in it only where there are some, so that the digests of lines from
    before there were pages hold.
    """
    shape: dict[str, str | list[str] | None] = {
        "act": entry.act,
        "actor": entry.actor,
        "after": entry.after,
        "at": entry.at.isoformat(),
        "before": entry.before,
        "customer_id": None if entry.customer_id is None else str(entry.customer_id),
        "outcome": entry.outcome,
        "purpose": entry.purpose,
        "reason": entry.reason,
        "role": entry.role,
        "source": entry.source,
        "subject": entry.subject,
        "ticket": entry.ticket,
        "trail_id": str(entry.trail_id),
    }
    if entry.customer_ids:
        shape["customer_ids"] = [str(number) for number in entry.customer_ids]
    return shape


def told_of(entry: Entry) -> dict[str, str | bool | list[str] | None]:
    """Return a line as it is handed out: with the leaf that commits to it, as digests have not."""
    leaf = None if entry.leaf_id is None else ids.to_text(ids.LEAF, entry.leaf_id)
    return {**shape_of(entry), "is_command": entry.is_command, "leaf_id": leaf}


async def last_anchored(connection: Runner) -> int:
    """Return the key up to which the log commits to the trail; 0 where it does not yet."""
    found = await _QUERIES.last_anchor.fetchval(connection)
    return found or 0


async def add_anchor(connection: Runner, anchor: Anchor) -> None:
    """Write a commitment; two that begin at the same place break `trail_anchor_once`."""
    await _QUERIES.add_anchor.execute(
        connection,
        through_id=anchor.through_id,
        after_id=anchor.after_id,
        entries=anchor.entries,
        sha256=anchor.sha256,
        leaf_id=anchor.leaf_id,
        at=anchor.at,
    )


async def list_anchors(connection: Runner, *, after: int = 0, page: int = 1_000) -> list[Anchor]:
    """Return the commitments in their order."""
    return [
        _anchor(row, "after_id", "through_id")
        for row in await _QUERIES.anchors.fetch(connection, after=after, page=page)
    ]


async def commands_not_anchored(connection: Runner) -> tuple[int, int]:
    """Return up to which leaf it is committed to who sent the commands, and the last leaf.

    -1 where there is none.
    """
    after = await _QUERIES.last_command_anchor.fetchval(connection)
    through = await _QUERIES.log_end.fetchval(connection)
    return (-1 if after is None else after, -1 if through is None else through)


async def commands_of_log(connection: Runner, after: int, *, through: int) -> CommandsOfLog:
    """Return who sent the commands whose leaves come after one and up to another, as one hash."""
    row = await _QUERIES.command_digest.fetchrow(connection, after=after, through=through)
    assert row is not None, "a sum is always there"
    return CommandsOfLog(row["entries"], row["sha256"])


async def add_command_anchor(connection: Runner, anchor: Anchor) -> None:
    """Write a commitment; two that begin at the same place break `command_anchor_once`."""
    await _QUERIES.add_command_anchor.execute(
        connection,
        through_idx=anchor.through_id,
        after_idx=anchor.after_id,
        entries=anchor.entries,
        sha256=anchor.sha256,
        leaf_id=anchor.leaf_id,
        at=anchor.at,
    )


async def list_command_anchors(
    connection: Runner, *, after: int = -1, page: int = 1_000
) -> list[Anchor]:
    """Return the commitments to who sent the commands, in the order of the log."""
    return [
        _anchor(row, "after_idx", "through_idx")
        for row in await _QUERIES.command_anchors.fetch(connection, after=after, page=page)
    ]


def _anchor(row: Row, after: str, through: str) -> Anchor:
    return Anchor(
        after_id=row[after],
        through_id=row[through],
        entries=row["entries"],
        sha256=row["sha256"],
        leaf_id=row["leaf_id"],
        at=row["at"],
    )


def _entry(row: Row, *, leaf_id: int | None = None) -> Entry:
    return Entry(
        trail_id=row["trail_id"],
        at=row["at"],
        actor=row["actor"],
        role=row["role"],
        source=row["source"],
        act=row["act"],
        outcome=row["outcome"],
        customer_id=row["customer_id"],
        customer_ids=tuple(row["customer_ids"]),
        subject=row["subject"],
        purpose=row["purpose"],
        ticket=row["ticket"],
        reason=row["reason"],
        before=row["before"],
        after=row["after"],
        leaf_id=leaf_id,
    )
