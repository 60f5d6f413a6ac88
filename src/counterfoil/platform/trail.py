"""The trail: every look at personal data, every change of rights and keys, every refusal.

Invariant   Rows are only ever added; the table refuses anything else, and `journeys/trail` commits
            to them in the log, so that a row taken out or altered by other means shows.
Privacy     No personal data: customers by number, reasons and tickets as they were given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import rfc8785

from counterfoil.platform.queries import Queries, Row, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "trail.sql")

#: Outcome of what was done; every other outcome is the code of a refusal.
DONE: Final = "done"
_NUMBER_MAX: Final = 2**63 - 1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are looked for; None asks for all."""

    actor: str | None = None
    act: str | None = None
    customer_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    only_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A leaf's commitment to the lines after one key up to and including another."""

    after_id: int
    through_id: int
    entries: int
    sha256: bytes
    leaf_id: int
    at: datetime


async def add_entries(connection: Runner, entries: Sequence[Entry]) -> None:
    """Write lines."""
    await _QUERIES.add_trail.execute(
        connection,
        trail_ids=[entry.trail_id for entry in entries],
        ats=[entry.at for entry in entries],
        actors=[entry.actor for entry in entries],
        roles=[entry.role for entry in entries],
        sources=[entry.source for entry in entries],
        acts=[entry.act for entry in entries],
        outcomes=[entry.outcome for entry in entries],
        customer_ids=[entry.customer_id for entry in entries],
        shown=[",".join(str(number) for number in entry.customer_ids) for entry in entries],
        subjects=[entry.subject for entry in entries],
        purposes=[entry.purpose for entry in entries],
        tickets=[entry.ticket for entry in entries],
        reasons=[entry.reason for entry in entries],
        befores=[entry.before for entry in entries],
        afters=[entry.after for entry in entries],
    )


async def find_entries(
    connection: Runner,
    wanted: Wanted,
    *,
    before: int = _NUMBER_MAX,
    page: int = 100,
    is_back: bool = False,
) -> list[Entry]:
    """Return lines, newest first."""
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
    return [_entry(row) for row in rows]


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
    rows = await _QUERIES.anchors.fetch(connection, after=after, page=page)
    return [
        Anchor(
            after_id=row["after_id"],
            through_id=row["through_id"],
            entries=row["entries"],
            sha256=row["sha256"],
            leaf_id=row["leaf_id"],
            at=row["at"],
        )
        for row in rows
    ]


def _entry(row: Row) -> Entry:
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
    )
