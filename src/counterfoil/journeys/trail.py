"""Writing the trail, committing to it in the log, and holding it against what was committed to.

Invariant   A line is written in the transaction of what it tells of; a refusal, which changes
            nothing else, in one of its own.
Privacy     Reasons are free text: identity and phone numbers in them are hidden before they are
            kept.
Anchors     Leaves of the type "opened" with the number of lines and their digest. A line is
            anchored `SETTLED` after it was written, when no transaction can come with an earlier
            one any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection
from counterfoil.platform.trail import Anchor, Entry, Wanted
from counterfoil.privacy.masking import mask_free_text

#: Twice the longest that a transaction stays open.
SETTLED: Final = timedelta(minutes=2)
#: Who acts where the lattice of retention does and no person.
SCHEDULE: Final = Actor(name="schedule", role="machine", source="retention")
#: Most customers of one line.
CONCERNED_MAX: Final = 1_000
#: Most lines one leaf commits to.
ANCHORED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was tried, as far as the trail tells it."""

    name: str
    customer_ids: Sequence[int] = ()
    subject: str = ""
    purpose: str = ""
    ticket: str = ""
    reason: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailReport:
    """What a check of the trail found."""

    entries: int
    anchors: int
    #: Lines that no leaf commits to yet.
    not_anchored: int
    #: Anchors whose lines are not what they were.
    broken: Sequence[Anchor] = field(default_factory=tuple)


async def note(
    house: House, connection: Connection, actor: Actor, act: Act, *, outcome: str = trail.DONE
) -> None:
    """Write what was done, one line a customer, in the transaction that does it."""
    now = house.clock.now()
    concerned: Sequence[int | None] = act.customer_ids or [None]
    entries = [
        Entry(
            trail_id=house.ids.next(),
            at=now,
            actor=actor.name,
            role=actor.role,
            source=actor.source,
            act=act.name,
            outcome=outcome,
            customer_id=customer_id,
            subject=act.subject,
            purpose=act.purpose,
            ticket=act.ticket,
            reason=mask_free_text(act.reason),
            before=act.before,
            after=act.after,
        )
        for customer_id in concerned
    ]
    await trail.add_entries(connection, entries)


async def note_schedule(house: House, connection: Connection, act: Act) -> None:
    """Write what was done because its day had come, in lines of many whom it concerns."""
    concerned = sorted(set(act.customer_ids))
    entries = [
        Entry(
            trail_id=house.ids.next(),
            at=house.clock.now(),
            actor=SCHEDULE.name,
            role=SCHEDULE.role,
            source=SCHEDULE.source,
            act=act.name,
            outcome=trail.DONE,
            customer_ids=tuple(concerned[begin : begin + CONCERNED_MAX]),
            subject=act.subject,
            reason=act.reason,
        )
        for begin in range(0, len(concerned), CONCERNED_MAX)
    ]
    await trail.add_entries(connection, entries)


async def note_refusal(house: House, actor: Actor, act: Act, refused: Refused) -> Refused:
    """Write that somebody was turned away, and return the refusal."""
    async with house.database.transaction() as connection:
        await note(house, connection, actor, act, outcome=refused.code)
    return refused


async def find_trail(
    house: House,
    wanted: Wanted,
    *,
    before: int | None = None,
    page: int = 100,
    is_back: bool = False,
) -> list[Entry]:
    """Return lines of the trail, newest first."""
    beyond: Any = {} if before is None else {"before": before}
    async with house.database.connection() as connection:
        return await trail.find_entries(connection, wanted, page=page, is_back=is_back, **beyond)


async def anchor_trail(house: House) -> int:
    """Commit to the settled lines since the last anchor; return how many there were."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        after = await trail.last_anchored(connection)
        found = await trail.entries_between(connection, after, page=ANCHORED_AT_ONCE)
        settled = [entry for entry in found if entry.at <= now - SETTLED]
        if not settled:
            return 0
        leaf_id, through = house.ids.next(), settled[-1].trail_id
        digest = trail.digest_of(settled)
        leaf = house.leaves.stage(
            HOUSE,
            leaf_id,
            LeafType.OPENED,
            0,
            {
                "act": "trail",
                "entries": len(settled),
                "purpose": "trail",
                "sha256": digest.hex(),
                "who": SCHEDULE.name,
            },
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await trail.add_anchor(
            connection,
            Anchor(
                after_id=after,
                through_id=through,
                entries=len(settled),
                sha256=digest,
                leaf_id=leaf_id,
                at=now,
            ),
        )
    return len(settled)


async def check_trail(house: House) -> TrailReport:
    """Hold every line against the leaf that commits to it."""
    broken: list[Anchor] = []
    entries = anchors = after = 0
    async with house.database.connection() as connection:
        while found := await trail.list_anchors(connection, after=after):
            for anchor in found:
                lines = await trail.entries_between(
                    connection, anchor.after_id, through=anchor.through_id, page=anchor.entries + 1
                )
                entries += len(lines)
                if trail.digest_of(lines) != anchor.sha256:
                    broken.append(anchor)
            anchors += len(found)
            after = found[-1].through_id
        rest = await trail.entries_between(connection, after)
    return TrailReport(
        entries=entries + len(rest), anchors=anchors, not_anchored=len(rest), broken=broken
    )
