"""A person takes a measure under a key: announced with the record of the request, then carried out.

The story   The measure is written with its notice, together with the record of the request; then it
            is brought to the line where its day is today, and the answer is recorded under the key.
Repetition  The same request again finds its measure and carries on with it, or gets the first
            answer: a crash between any two steps leaves nothing done without notice, and nothing
            announced twice, whatever happened to the line since.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.measure import LineMeasure, Status
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.refusals import MEASURE_WITHOUT_EFFECT
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import line_measures
from counterfoil.journeys.lines.line_measures import MeasureWish, measure_document
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.commands import Command
from counterfoil.platform import idempotency
from counterfoil.platform.batches import KEY_REUSED, Answer
from counterfoil.platform.database import Connection

#: Writes the answer about a measure that was brought to its line, or waits for its day.
Answering = Callable[[Connection, ReviewPolicy, LineMeasure], Awaitable[str]]

_ANNOUNCED: Final = "announce_measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for under a key."""

    wish: MeasureWish
    idempotency_key: str
    #: As what it is recorded.
    kind: str
    #: What it is told by from another request under the same key.
    request: Mapping[str, object]
    #: What the line would be told now, tried before anything is announced; None for no trial.
    tried: Command | None = None

    @property
    def request_hash(self) -> bytes:
        """Return the hash of the request."""
        return idempotency.request_hash(self.kind, {**self.request})


async def first_answer(house: House, asked: Asked) -> Answer | Refused | None:
    """Return what was answered under the key; None where nothing was."""
    async with house.database.connection() as connection:
        return await idempotency.remember(
            connection, asked.wish.customer_id, asked.idempotency_key, asked.request_hash
        )


async def is_under_way(house: House, asked: Asked) -> bool:
    """Tell whether exactly this was announced and not answered yet."""
    async with house.database.connection() as connection:
        found = await idempotency.remember(
            connection,
            asked.wish.customer_id,
            _announcing(asked.idempotency_key),
            asked.request_hash,
        )
    return isinstance(found, Answer)


async def take_once(house: House, asked: Asked, answering: Answering) -> Answer | Refused:
    """Announce a measure and carry it out where its day is today; the same key, the same answer."""
    seen = await first_answer(house, asked)
    if seen is not None:
        return seen
    announced = await _announce(house, asked)
    if isinstance(announced, Refused):
        return announced
    measure_id: int = orjson.loads(announced.text)["measure_id"]
    return await _bring(house, asked, measure_id, answering)


async def take_as_asked(house: House, wish: MeasureWish, idempotency_key: str) -> Answer | Refused:
    """Take a measure that is asked for as one; the answer is the measure."""

    async def document(_: Connection, policy: ReviewPolicy, taken: LineMeasure) -> str:
        found = measure_document(policy, taken)
        return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()

    request: dict[str, object] = {
        "line_id": wish.line_id,
        "kind": wish.kind.value,
        "reason": wish.reason,
        "author": wish.author,
        "to_minor": wish.to_minor,
        "ends_on": wish.ends_on and wish.ends_on.isoformat(),
        "is_fraud": wish.is_fraud,
    }
    asked = Asked(
        wish=wish, idempotency_key=idempotency_key, kind="take_line_measure", request=request
    )
    return await take_once(house, asked, document)


async def _announce(house: House, asked: Asked) -> Answer | Refused:
    """Write the measure with its notice, once; what the line would refuse is refused now."""
    on, now = await house.business_date(), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        if asked.tried is not None:
            refused = await house.counter.try_out(connection, asked.tried, on)
            if refused is not None:
                return refused
        policy = await review_policy_in_force(connection, at=now)
        taken = await line_measures.announce_wish(house, connection, policy, asked.wish)
        if isinstance(taken, Refused):
            return taken
        return orjson.dumps({"measure_id": taken.measure_id}).decode()

    return await idempotency.once(
        house.database,
        scope_id=asked.wish.customer_id,
        key=_announcing(asked.idempotency_key),
        request=asked.request_hash,
        kind=_ANNOUNCED,
        at=now,
        work=work,
    )


async def _bring(
    house: House, asked: Asked, measure_id: int, answering: Answering
) -> Answer | Refused:
    """Carry the measure out where its day is today, and record the answer."""
    key = (asked.wish.customer_id, measure_id)
    async with house.database.transaction() as connection:
        taken = (await case_store.lock_measures(connection, [key]))[key]
    if taken.status is Status.PLANNED:
        brought = await line_measures.bring_to_line(house, taken)
        if isinstance(brought, Refused):
            return brought
        taken = brought
    if taken.status is Status.DROPPED:
        return refuse(MEASURE_WITHOUT_EFFECT, reason=taken.end_reason or "the line had changed")

    async def work(connection: Connection) -> str:
        policy = await review_policy_in_force(connection, at=house.clock.now())
        return await answering(connection, policy, taken)

    return await idempotency.once(
        house.database,
        scope_id=asked.wish.customer_id,
        key=asked.idempotency_key,
        request=asked.request_hash,
        kind=asked.kind,
        at=house.clock.now(),
        work=work,
    )


def is_of_another(said: Answer | Refused | None) -> bool:
    """Tell whether a key was answered as something else."""
    return isinstance(said, Refused) and said.refusal is KEY_REUSED


def _announcing(key: str) -> str:
    return f"announce:{key}"
