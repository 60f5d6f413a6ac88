"""Writing down reads of personal data that the vault refused, whatever they were part of.

Invariant   A line of its own, on a connection of its own: it stays when the transaction around the
            read is undone, and whoever read cannot forget it.
"""

from typing import Final

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.ids import IdSource
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Database
from counterfoil.platform.trail import Entry
from counterfoil.privacy.refusals import READ_OUTSIDE_PURPOSE
from counterfoil.privacy.vault import NoteRefusedRead, RefusedRead

#: Who reads where no person does.
_PROGRAM: Final = Actor(name="program", role="machine", source="house")
#: Most customers that one line names; of more the first are named.
_NAMED_MAX: Final = 1_000


def noting_refused_reads(database: Database, clock: Clock, numbers: IdSource) -> NoteRefusedRead:
    """Return what writes refused reads to the trail."""

    async def note(refused: RefusedRead) -> None:
        who = refused.reading.actor or _PROGRAM
        entry = Entry(
            trail_id=numbers.next(),
            at=clock.now(),
            actor=who.name,
            role=who.role,
            source=who.source,
            act="open",
            outcome=READ_OUTSIDE_PURPOSE.code,
            customer_ids=refused.customer_ids[:_NAMED_MAX],
            subject=refused.reading.act,
            purpose=refused.reading.purpose,
            after=refused.purpose.value,
        )
        async with database.dedicated({}) as connection:
            await trail.add_entries(connection, [entry])

    return note
