"""What staff do to a line at once counts as a measure: told first, then done, open to appeal.

The story   Staff freeze or close a line by an act that works at once. It is a measure from the
            start: announced with its notice and the record of the request, then brought to the
            line (`take_measure.py`). Lifting a freeze ends what had frozen the line.
Own wish    What the customer asked for is no measure: nobody appeals against themselves.
Planned     A decrease is announced days before it works: see `lower_limit.py`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import orjson

from counterfoil.decisioning.line_review.measure import Kind, LineMeasure
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_measures import PERSON_DECIDES, MeasureWish
from counterfoil.journeys.lines.take_measure import Asked, first_answer, is_of_another, take_once
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import CloseLine, FreezeLine
from counterfoil.lending.line_changes import line_answer
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: Who acts for themselves, and the reasons by which others pass a customer's wish on.
CUSTOMER: Final = "customer"
OWN_WISHES: Final = frozenset({"own_wish", "customer_request"})
#: Days after which a freeze ends that nobody gave an end.
FREEZE_DAYS_USUAL: Final = 30


def is_own_wish(*, author: str, reason: str) -> bool:
    """Tell whether the customer asked for it."""
    return author == CUSTOMER or reason in OWN_WISHES


async def act_at_once(
    house: House,
    command: FreezeLine | CloseLine,
    request: Mapping[str, object],
    *,
    idempotency_key: str,
) -> Answer | Refused | None:
    """Take what staff do as a measure that works today, and answer with the line as it then is.

    `request` is what was asked for, as it tells one request from another under its key. None where
    the key was answered as something else.
    """
    is_freeze = isinstance(command, FreezeLine)
    wish = MeasureWish(
        customer_id=command.customer_id,
        line_id=command.line_id,
        kind=Kind.FREEZE if is_freeze else Kind.CLOSE,
        reason=PERSON_DECIDES,
        author=command.author,
        ends_on=command.until if isinstance(command, FreezeLine) else None,
        said=command.reason,
    )
    asked = Asked(
        wish=wish,
        idempotency_key=idempotency_key,
        kind="freeze_line_by_staff" if is_freeze else "close_line_by_staff",
        request=request,
        tried=command,
    )
    if is_of_another(await first_answer(house, asked)):
        return None
    on = await house.business_date()

    async def answering(connection: Connection, _: ReviewPolicy, taken: LineMeasure) -> str:
        return await line_text(connection, taken, on)

    return await take_once(house, asked, answering)


async def line_text(connection: Connection, taken: LineMeasure, on: date, **beside: object) -> str:
    """Return the answer that is the line of a measure as it stands, with what stands beside it."""
    line = await read_line(connection, taken.customer_id, taken.line_id)
    assert line is not None, "a measure is on a line"
    return orjson.dumps(line_answer(line, on) | beside, option=orjson.OPT_SORT_KEYS).decode()
