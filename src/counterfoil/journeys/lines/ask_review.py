"""A person has a line reviewed now: how staff come to offer a higher limit.

The policy for reviews looks at the line and says what follows; an offer among it raises nothing
before the customer takes it up and agrees (`line_offers.py`). Who asked, and why, is in the trail.
"""

from typing import Final

from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_reviewing import review_line
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor

#: Why a line is reviewed that somebody asked to look at.
ASKED_FOR: Final = "asked_for"


async def ask_review(
    house: House, actor: Actor, *, customer_id: int, line_id: int, reason: str
) -> StoredReview | Refused:
    """Review a line because a person asks for it; once a day."""
    act = Act(
        name="line_review_asked",
        customer_ids=[customer_id],
        subject=ids.to_text(ids.LINE, line_id),
        reason=reason,
    )
    made = await review_line(house, customer_id=customer_id, line_id=line_id, cause=ASKED_FOR)
    if isinstance(made, Refused):
        return await note_refusal(house, actor, act, made)
    async with house.database.transaction() as connection:
        await note(house, connection, actor, act)
    return made
