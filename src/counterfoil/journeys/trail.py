"""Writing the trail, committing to it in the log, and holding it against what was committed to.

Invariant   A line is written in the transaction of what it tells of; a refusal, which changes
            nothing else, in one of its own. The gates see to it: they take an act in
            hand, and the first transaction that changes something writes its line.
Programs    Their refusals go through the book of refusals, which lets nobody fill the trail.
Privacy     Reasons are free text: identity and phone numbers in them are hidden before they are
            kept.
Anchors     Leaves of the type "opened" with the number of lines and their digest. A line is
            anchored `SETTLED` after it was written, when no transaction can come with an earlier
            one any more; who sent a command, as soon as the command's own leaf has its number.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.ids import IdSource
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.platform.holdings import Wanted as About
from counterfoil.platform.in_hand import InHand, Origin, in_hand, taken_in_hand
from counterfoil.platform.read_acts import purposes_said
from counterfoil.platform.states import has_state, state_of
from counterfoil.platform.trail import Anchor, Entry, Wanted
from counterfoil.platform.trail_book import STRANGER, Refusal
from counterfoil.privacy.masking import mask_free_text

T = TypeVar("T")
#: Twice the longest that a transaction stays open.
SETTLED: Final = timedelta(minutes=2)
#: Who acts where the lattice of retention does and no person.
SCHEDULE: Final = Actor(name="schedule", role="machine", source="retention")
#: Role of whoever acts on the own behalf, in the portal.
CUSTOMER: Final = "customer"
#: Most customers of one line.
CONCERNED_MAX: Final = 1_000
#: Most lines one leaf commits to.
ANCHORED_AT_ONCE: Final = 10_000
#: Most leaves of the log whose commands one leaf commits to.
COMMANDS_ANCHORED_AT_ONCE: Final = 100_000
#: Said of an act that was asked for again and gave its first answer.
ANSWERED_BEFORE: Final = "answered before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was tried, as far as the trail tells it."""

    name: str
    customer_ids: Sequence[int] = ()
    subject: str = ""
    #: Of a look in clear; else the line says for what the way reads by which somebody came.
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
    #: Commands that leaves commit to with who sent them.
    commands: int = 0
    #: Anchors whose lines or commands are not what they were.
    broken: Sequence[Anchor] = field(default_factory=tuple)


def lines_of(house: House, actor: Actor, act: Act, *, outcome: str = trail.DONE) -> list[Entry]:
    """Return the lines of an act, one a customer."""
    return entries_of(house.ids, house.clock, actor, act, outcome=outcome)


def entries_of(
    numbers: IdSource, clock: Clock, actor: Actor, act: Act, *, outcome: str = trail.DONE
) -> list[Entry]:
    """Return the lines of an act where no house is open; reasons have numbers hidden."""
    now, held = clock.now(), in_hand()
    source = actor.source
    if held is not None and held.origin.source.startswith(source):
        # The gate knows the address as well.
        source = held.origin.source
    concerned: Sequence[int | None] = act.customer_ids or [None]
    return [
        Entry(
            trail_id=numbers.next(),
            at=now,
            actor=actor.name,
            role=actor.role,
            source=source,
            act=act.name,
            outcome=outcome,
            customer_id=customer_id,
            subject=act.subject,
            purpose=act.purpose or purposes_said(),
            ticket=act.ticket,
            reason=mask_free_text(act.reason),
            before=act.before,
            after=act.after,
        )
        for customer_id in concerned
    ]


async def note(
    house: House, connection: Connection, actor: Actor, act: Act, *, outcome: str = trail.DONE
) -> None:
    """Write what was done, one line a customer, in the transaction that does it."""
    await trail.add_entries(connection, lines_of(house, actor, act, outcome=outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An act of somebody who was let in, as its gate ends it."""

    house: House
    actor: Actor
    act: Act
    held: InHand

    async def done(self) -> None:
        """Write the line where nothing was committed that could carry it."""
        if not self.held.is_told:
            await self.house.book.write(lines_of(self.house, self.actor, self.act))

    async def refused(self, refused: Refused) -> None:
        """Write the refusal, unless somebody has done so already."""
        if not self.held.is_refusal_told:
            await note_refusal(self.house, self.actor, self.act, refused)


@asynccontextmanager
async def taken(
    house: House, actor: Actor, act: Act, *, about: About | None = None, rides: bool = True
) -> AsyncIterator[Taken]:
    """Take an act in hand: the first transaction of it that changes something writes its line.

    `about` is what its state is told of, before and after. `rides` lets the line ride in the
    statement of a command; otherwise the row of the command is the line.
    """
    state = None
    if about is not None and has_state(about):
        state = partial(state_of, about=about)
        async with house.database.connection() as connection:
            act = replace(act, before=await state(connection))
    held = InHand(
        origin=Origin(actor.name, actor.role, actor.source),
        lines=_telling(house, actor, act),
        state=state,
        rides=rides,
    )
    with taken_in_hand(held):
        yield Taken(house=house, actor=actor, act=act, held=held)


async def carried_out(
    house: House,
    actor: Actor,
    act: Act,
    work: Callable[[], Awaitable[T]],
    *,
    about: About | None = None,
    rides: bool = True,
) -> T:
    """Carry out an act whose outcome says whether it was refused, or answered before."""
    async with taken(house, actor, act, about=about, rides=rides) as one:
        outcome = await work()
    if isinstance(outcome, Refused):
        await one.refused(outcome)
    elif isinstance(outcome, Answer) and outcome.is_replay:
        await note_answered(house, actor, one.act)
    else:
        await one.done()
    return outcome


async def sent(actor: Actor, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
    """Send commands whose rows are their lines; return what came of it.

    The second value says whether a refusal of it was written already. Nothing is added to the write
    path but who sends.
    """
    held = InHand(origin=Origin(actor.name, actor.role, actor.source), lines=None)
    with taken_in_hand(held):
        outcome = await work()
    return outcome, held.is_refusal_told


@asynccontextmanager
async def told_beside(house: House, act: Act) -> AsyncIterator[None]:
    """Let what is changed here have a line of its own where commands tell of the act at hand.

    What such an act changes besides its commands is changed under this. Where the act has lines of
    its own, the first change carries them, and this adds none.
    """
    held = in_hand()
    if held is None or held.lines is not None:
        yield
        return
    origin = held.origin
    actor = Actor(name=origin.actor, role=origin.role, source=origin.source)
    with taken_in_hand(InHand(origin=origin, lines=_telling(house, actor, act))):
        yield


async def note_answered(house: House, actor: Actor, act: Act) -> None:
    """Write that something was asked for again, and got its first answer."""
    await house.book.write(lines_of(house, actor, replace(act, after=ANSWERED_BEFORE)))


def _telling(house: House, actor: Actor, act: Act) -> Callable[[str], list[Entry]]:
    """Return what tells of an act by the state that it leaves behind."""

    def lines(after: str) -> list[Entry]:
        told = " ".join(text for text in (after, act.after) if text)
        return lines_of(house, actor, replace(act, after=told))

    return lines


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
            purpose=purposes_said(),
        )
        for begin in range(0, len(concerned), CONCERNED_MAX)
    ]
    await trail.add_entries(connection, entries)


async def note_refusal(house: House, actor: Actor, act: Act, refused: Refused) -> Refused:
    """Write that somebody was turned away, and return the refusal.

    Of programs no more than so many a minute each have a line of their own; the rest is counted.
    """
    await note_code(house, actor, act, refused.code)
    return refused


async def note_code(house: House, actor: Actor, act: Act, code: str) -> None:
    """Write that somebody was turned away with a code, as `note_refusal` does."""
    held = in_hand()
    if held is not None:
        held.is_refusal_told = True
    told = Refusal(act.name, act.subject, code)
    apart = act.customer_ids[0] if actor.role == CUSTOMER and act.customer_ids else None
    # A program that names persons is limited as the program that it is.
    who = actor if held is None else replace(actor, name=held.origin.actor)
    if house.refusals.takes(who, told, customer_id=apart):
        await house.book.write(lines_of(house, actor, act, outcome=code))


def stranger(source: str) -> Actor:
    """Return whoever is not known; of all of them together few refusals have a line each."""
    return Actor(name=STRANGER, role="", source=source)


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


async def anchor_commands(house: House) -> int:
    """Commit to who sent the commands whose leaves have a number; return how many there were."""
    async with house.database.transaction() as connection:
        after, last = await trail.commands_not_anchored(connection)
        through = min(last, after + COMMANDS_ANCHORED_AT_ONCE)
        if through <= after:
            return 0
        found = await trail.commands_of_log(connection, after, through=through)
        while not found.entries and through < last:
            through = min(last, through + COMMANDS_ANCHORED_AT_ONCE)
            found = await trail.commands_of_log(connection, after, through=through)
        if not found.entries:
            # Leaves of other facts alone wait for the next command.
            return 0
        leaf_id = house.ids.next()
        leaf = house.leaves.stage(
            HOUSE,
            leaf_id,
            LeafType.OPENED,
            0,
            {
                "act": "commands",
                "entries": found.entries,
                "purpose": "trail",
                "sha256": found.sha256.hex(),
                "who": SCHEDULE.name,
            },
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        anchor = Anchor(
            after_id=after,
            through_id=through,
            entries=found.entries,
            sha256=found.sha256,
            leaf_id=leaf_id,
            at=house.clock.now(),
        )
        await trail.add_command_anchor(connection, anchor)
    return found.entries


async def check_trail(house: House) -> TrailReport:
    """Hold every line, and who sent each command, against the leaf that commits to it."""
    async with house.database.connection() as connection:
        lines = await _check_lines(connection)
        commands, broken = await _check_commands(connection)
    return replace(lines, commands=commands, broken=[*lines.broken, *broken])


async def _check_lines(connection: Connection) -> TrailReport:
    broken: list[Anchor] = []
    entries = anchors = after = 0
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


async def _check_commands(connection: Connection) -> tuple[int, list[Anchor]]:
    """Return how many commands are anchored, and the anchors that do not hold."""
    broken: list[Anchor] = []
    commands, after = 0, -1
    while found := await trail.list_command_anchors(connection, after=after):
        for anchor in found:
            sent = await trail.commands_of_log(
                connection, anchor.after_id, through=anchor.through_id
            )
            commands += sent.entries
            if (sent.entries, sent.sha256) != (anchor.entries, anchor.sha256):
                broken.append(anchor)
        after = found[-1].through_id
    return commands, broken
