"""By which version a line is reviewed: the one in force, or the arm of an experiment.

Method      As for applications: a keyed hash of customer and experiment places a customer, so that
            nobody chooses and everybody can be placed again. A line is one case of an experiment,
            from its first review in it on; the arm stands among the inputs of every review.
Safety      An experiment takes no lines where the version in force is another than the champion
            that it was approved against.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.experiment import ExperimentKind
from counterfoil.decisioning.experiment_assignment import arm_of
from counterfoil.decisioning.experiment_store import Case
from counterfoil.decisioning.line_review.document import PURPOSE
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_review_reading import LineCase
from counterfoil.platform.database import Connection


class ReviewBy(NamedTuple):
    """A version, and the experiment as whose arm it reviews."""

    policy: ReviewPolicy
    assigned: Assigned | None = None


def review_by(house: House, in_force: ReviewPolicy, customer_id: int, *, on: date) -> ReviewBy:
    """Return what reviews a customer's lines: what is in force, or the arm of an experiment."""
    experiments = house.experiments
    for running in experiments.of(ExperimentKind.CHALLENGER, PURPOSE, on):
        if running.experiment.champion_hash != in_force.hash:
            continue
        plan = arm_of(experiments.key, running.experiment_id, running.experiment, customer_id)
        if plan is not None:
            assigned = Assigned(experiment_id=running.experiment_id, arm=plan.name)
            return ReviewBy(running.reviews[plan.policy_hash], assigned)
    return ReviewBy(in_force)


def grouped(
    house: House, in_force: ReviewPolicy, cases: Sequence[LineCase], *, on: date
) -> list[tuple[ReviewBy, list[LineCase]]]:
    """Return cases by the version that reviews them, and by the arm it reviews as."""
    groups: dict[object, tuple[ReviewBy, list[LineCase]]] = {}
    for case in cases:
        by = review_by(house, in_force, case.customer_id, on=on)
        groups.setdefault((by.policy.hash, by.assigned), (by, []))[1].append(case)
    return list(groups.values())


async def note_reviewed(
    connection: Connection, by: ReviewBy, reviews: Sequence[StoredReview], *, at: datetime
) -> None:
    """Write which lines an experiment took; one that it took before is taken once."""
    if by.assigned is None or not reviews:
        return
    number, arm = by.assigned.experiment_id, by.assigned.arm
    assert number is not None, "an arm is of an experiment"
    assert arm is not None, "an experiment reviews by an arm"
    keys = {(item.customer_id, item.line_id) for item in reviews}
    cases = [Case(customer_id, line_id, number, arm) for customer_id, line_id in sorted(keys)]
    await store.add_cases_once(connection, cases, at=at)
