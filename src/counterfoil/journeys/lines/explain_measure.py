"""A measure on a line explained: why, and by which data with their sources, as customers are told.

Faithful    What a review took is explained from its stored record alone, by the version that took
            it. A person's measure has that person's reason and no data of a machine.
"""

from dataclasses import dataclass

from counterfoil.decisioning.customer_explanation import Datum
from counterfoil.decisioning.line_review import case_store, store
from counterfoil.decisioning.line_review.explanation import data_behind
from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.refusals import LINE_MEASURE_NOT_FOUND
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMeasure:
    """A measure with what is told of it."""

    measure: LineMeasure
    #: The version whose words tell the reasons: the one that took it, or the one in force.
    policy: ReviewPolicy
    #: What the rules that acted had read; empty where a person took it.
    data: tuple[Datum, ...]


async def explain_measure(
    house: House, *, customer_id: int, measure_id: int
) -> ToldMeasure | Refused:
    """Explain one measure."""
    key = (customer_id, measure_id)
    async with house.database.connection() as connection:
        found = (await case_store.lock_measures(connection, [key])).get(key)
        if found is None:
            return refuse(LINE_MEASURE_NOT_FOUND)
        return await _told(house, connection, found)


async def explain_measures(house: House, *, customer_id: int, line_id: int) -> list[ToldMeasure]:
    """Explain the measures on a line, newest first."""
    async with house.database.connection() as connection:
        found = await case_store.measures_of_line(
            connection, customer_id=customer_id, line_id=line_id
        )
        return [await _told(house, connection, item) for item in found]


async def _told(house: House, connection: Connection, measure: LineMeasure) -> ToldMeasure:
    if measure.review_id is None:
        policy = await review_policy_in_force(connection, at=house.clock.now())
        return ToldMeasure(measure=measure, policy=policy, data=())
    review = await store.read_review(
        connection, customer_id=measure.customer_id, review_id=measure.review_id
    )
    assert review is not None, "a measure names the review that took it"
    by = await store.read_review_policy(connection, review.policy_hash)
    assert by is not None, "a version is kept before it reviews"
    data = data_behind(by, review.inputs, review.result)
    return ToldMeasure(measure=measure, policy=by, data=data)
