"""Lowering a limit by a person: announced days before it works, at once only where it is fraud.

The story   The measure is written with its notice, together with the record of the request; then it
            is brought to the line where its day is today, else the daily run does it on its day.
Repetition  The same request again finds its measure and carries on with it: a crash between any two
            steps leaves nothing lowered without notice, and nothing announced twice.
"""

from datetime import date, timedelta
from typing import Final

import orjson

from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.journeys import line_measures
from counterfoil.journeys.house import House
from counterfoil.journeys.line_acts import is_own_wish
from counterfoil.journeys.line_policy import review_policy_in_force
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import SetLimit
from counterfoil.lending.line_changes import line_answer
from counterfoil.lending.store import read_line
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: Reasons for which a decrease works at once.
_FRAUD: Final = frozenset({"fraud", "suspected_fraud"})
_KIND: Final = "lower_limit"
_ANNOUNCED: Final = "announce_decrease"


async def lower(
    house: House, command: SetLimit, *, idempotency_key: str
) -> Answer | Refused | None:
    """Announce a decrease; None where the request is none, or was answered as something else."""
    request: dict[str, object] = {
        "line_id": command.line_id,
        "limit_minor": command.limit_minor,
        "reason": command.reason,
        "author": command.author,
    }
    wanted = idempotency.request_hash(_KIND, request)
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, command.customer_id, idempotency_key, wanted)
        line = await read_line(connection, command.customer_id, command.line_id)
        under_way = await idempotency.remember(
            connection, command.customer_id, _announcing(idempotency_key), wanted
        )
    if isinstance(seen, Answer):
        return seen
    is_decrease = line is not None and command.limit_minor < line.limit_minor
    if seen is not None or not (is_decrease or isinstance(under_way, Answer)):
        return None
    announced = await _announce(house, command, _announcing(idempotency_key), wanted)
    if isinstance(announced, Refused):
        return announced
    return await _bring(house, command, announced, idempotency_key, wanted)


async def works_on(house: House, *, reason: str, author: str) -> date:
    """Return on which day a decrease works that is asked for today."""
    on = await house.business_date()
    if _is_fraud(reason) or is_own_wish(author=author, reason=reason):
        return on
    async with house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=house.clock.now())
    return on + timedelta(days=policy.notice_days)


async def _announce(house: House, command: SetLimit, key: str, wanted: bytes) -> Answer | Refused:
    """Write the measure with its notice, once; what the product does not allow is refused now."""
    on, now = await house.business_date(), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        refused = await house.counter.try_out(connection, command, on)
        if refused is not None:
            return refused
        policy = await review_policy_in_force(connection, at=now)
        wish = line_measures.MeasureWish(
            customer_id=command.customer_id,
            line_id=command.line_id,
            kind=Kind.LOWER,
            reason=line_measures.PERSON_DECIDES,
            author=command.author,
            to_minor=command.limit_minor,
            is_fraud=_is_fraud(command.reason),
            said=command.reason,
        )
        taken = await line_measures.announce_wish(house, connection, policy, wish)
        return taken if isinstance(taken, Refused) else str(taken.measure_id)

    return await idempotency.once(
        house.database,
        scope_id=command.customer_id,
        key=key,
        request=wanted,
        kind=_ANNOUNCED,
        at=now,
        work=work,
    )


async def _bring(
    house: House, command: SetLimit, announced: Answer, key: str, wanted: bytes
) -> Answer | Refused:
    """Carry the measure out where its day is today, and answer with the line as it then is."""
    customer_id = command.customer_id
    of_measure = (customer_id, int(announced.text))
    async with house.database.transaction() as connection:
        taken = (await case_store.lock_measures(connection, [of_measure]))[of_measure]
    if taken.status is Status.PLANNED:
        taken = await line_measures.bring_to_line(house, taken)
    on = await house.business_date()

    async def work(connection: Connection) -> str | Refused:
        line = await read_line(connection, customer_id, command.line_id)
        assert line is not None, "it was found before"
        document = line_answer(line, on) | {"planned": _planned(taken)}
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()

    return await idempotency.once(
        house.database,
        scope_id=customer_id,
        key=key,
        request=wanted,
        kind=_KIND,
        at=house.clock.now(),
        work=work,
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


def _announcing(key: str) -> str:
    return f"announce:{key}"
