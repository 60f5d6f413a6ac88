"""What the trail tells of customers at the portal: who came in or was turned away, who saw what.

Entry       A code that was sent and a session that was opened have their line in the transaction
            that does it. Whoever is turned away has a line too: all visitors together have so many
            a minute, the rest is counted; a number that nobody has is told the same way.
Looks       One line for each address and session, written before the page is handed out: whoever
            looks at the same page again in a session of two hours at most tells nothing new.
"""

from collections import OrderedDict
from typing import Final

from counterfoil.journeys.guarding.look_book import note_look
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import CUSTOMER, Act, lines_of, note_refusal
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection
from counterfoil.platform.trail import DONE, add_entries
from counterfoil.platform.trail_book import Refusal

#: A one-time code was asked for, a session opened with one, and a session opened by a link.
CODE: Final = "portal_code"
SIGN_IN: Final = "portal_sign_in"
LINK: Final = "portal_link"
#: Who has not signed in; all of them together have the refusals of one program.
VISITOR: Final = "visitor"
#: Where nobody said from which address somebody came.
PORTAL: Final = "portal"
#: Outcome of a code for a number that nobody has.
NOBODY: Final = "customer_not_found"
_LOOK: Final = "view"
#: Looks that one process remembers; what is forgotten is written once more.
_LOOKS_MAX: Final = 100_000


def visitor(source: str) -> Actor:
    """Return whoever has not signed in, as the trail names one."""
    return Actor(name=VISITOR, role=VISITOR, source=source)


async def note_code_sent(
    house: House, connection: Connection, source: str, customer_id: int | None
) -> None:
    """Write that a code was asked for, in the transaction that keeps it; None is nobody's number.

    Both take one statement, so that the time of the answer tells nobody which it was.
    """
    actor = visitor(source)
    if customer_id is not None:
        lines = lines_of(house, actor, Act(name=CODE, customer_ids=(customer_id,)))
    elif house.refusals.takes(actor, Refusal(CODE, "", NOBODY)):
        lines = lines_of(house, actor, Act(name=CODE), outcome=NOBODY)
    else:
        return
    await add_entries(connection, lines)


async def note_entry(
    house: House, connection: Connection, source: str, customer_id: int, *, by: str, scope: str = ""
) -> None:
    """Write that a session was opened, in the transaction that opens it.

    `by` is the act; `scope` is what the session is for, empty for everything.
    """
    actor = Actor(name=CUSTOMER, role=CUSTOMER, source=source)
    act = Act(name=by, customer_ids=(customer_id,), subject=scope)
    await add_entries(connection, lines_of(house, actor, act, outcome=DONE))


async def note_turned_away(
    house: House, source: str, act: str, refused: Refused, *, customer_id: int | None = None
) -> Refused:
    """Write that a visitor was turned away, and return the refusal."""
    concerned = () if customer_id is None else (customer_id,)
    return await note_refusal(
        house, visitor(source), Act(name=act, customer_ids=concerned), refused
    )


class OwnLooks:
    """Which pages were looked at in which sessions; one per process."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._seen: OrderedDict[tuple[int, str, str], None] = OrderedDict()

    async def note(
        self, house: House, actor: Actor, *, customer_id: int, session_id: int, address: str
    ) -> None:
        """Write that a customer looks at own records, and return once that is committed.

        `address` is the page's; a session that goes on from another place begins anew.
        """
        look = (session_id, actor.source, address)
        if look in self._seen:
            self._seen.move_to_end(look)
            return
        await note_look(house, actor, Act(name=_LOOK, subject=address), [customer_id])
        self._seen[look] = None
        if len(self._seen) > _LOOKS_MAX:
            self._seen.popitem(last=False)
