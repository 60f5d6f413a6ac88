"""Lowering a limit by a person: announced days before it works, at once only where it is fraud.

A measure under a key like any other (`take_measure.py`); the daily run brings it to the line on its
day.
"""

from datetime import date, timedelta
from typing import Final

from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_acts import is_own_wish, line_text
from counterfoil.journeys.lines.line_measures import PERSON_DECIDES, MeasureWish
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.lines.take_measure import (
    Asked,
    first_answer,
    is_of_another,
    is_under_way,
    take_once,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import SetLimit
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: Reasons for which a decrease works at once.
_FRAUD: Final = frozenset({"fraud", "suspected_fraud"})


async def lower(
    house: House, command: SetLimit, *, idempotency_key: str
) -> Answer | Refused | None:
    """Announce a decrease; None where the request is none, or was answered as something else."""
    asked = _asked(command, idempotency_key)
    seen = await first_answer(house, asked)
    if isinstance(seen, Answer):
        return seen
    async with house.database.connection() as connection:
        line = await read_line(connection, command.customer_id, command.line_id)
    is_decrease = line is not None and command.limit_minor < line.limit_minor
    if is_of_another(seen) or not (is_decrease or await is_under_way(house, asked)):
        return None
    on = await house.business_date()

    async def answering(connection: Connection, _: ReviewPolicy, taken: LineMeasure) -> str:
        return await line_text(connection, taken, on, planned=_planned(taken))

    return await take_once(house, asked, answering)


async def works_on(house: House, *, reason: str, author: str) -> date:
    """Return on which day a decrease works that is asked for today."""
    on = await house.business_date()
    if _is_fraud(reason) or is_own_wish(author=author, reason=reason):
        return on
    async with house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=house.clock.now())
    return on + timedelta(days=policy.notice_days)


def _asked(command: SetLimit, idempotency_key: str) -> Asked:
    request: dict[str, object] = {
        "line_id": command.line_id,
        "limit_minor": command.limit_minor,
        "reason": command.reason,
        "author": command.author,
    }
    wish = MeasureWish(
        customer_id=command.customer_id,
        line_id=command.line_id,
        kind=Kind.LOWER,
        reason=PERSON_DECIDES,
        author=command.author,
        to_minor=command.limit_minor,
        is_fraud=_is_fraud(command.reason),
        said=command.reason,
    )
    return Asked(
        wish=wish,
        idempotency_key=idempotency_key,
        kind="lower_limit",
        request=request,
        tried=command,
    )


def _planned(measure: LineMeasure) -> dict[str, object] | None:
    """Return what an answer says of a decrease that has not worked yet."""
    if measure.status is not Status.PLANNED:
        return None
    return {
        "measure_id": ids.to_text(ids.LINE_MEASURE, measure.measure_id),
        "limit_minor": measure.to_minor,
        "effective_on": measure.effective_on.isoformat(),
    }


def _is_fraud(reason: str) -> bool:
    return "_".join(reason.lower().split()) in _FRAUD
