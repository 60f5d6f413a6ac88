"""Which version decides a case, and whether a control group takes it in: experiments at work.

Order       `arm_for` gives the version before a case is decided. `accept_drawn` looks at what was
            decided, in the transaction that writes it: a case that the score alone declined may
            be accepted from a control group's budget. `note_cases` writes who took what.
Invariant   No chance at a decision: who is in which arm follows from the customer and stands among
            the inputs. A grant is committed with the decision that it accepts, and no other grant
            of the group is looked at in between; the budget is never passed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.control_group import CONTROL, accepted, is_declined_by_score_alone
from counterfoil.decisioning.decision import Decision
from counterfoil.decisioning.experiment import CHAMPION, ExperimentKind
from counterfoil.decisioning.experiment_assignment import arm_of, is_drawn
from counterfoil.decisioning.experiment_store import Case
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.deciding.follow_experiments import Running
from counterfoil.journeys.deciding.policies import ORIGINATION, InForce
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.database import Connection


class Made(NamedTuple):
    """An application with the decision on it, and the version that made it."""

    application: Application
    decision: Decision
    policy: Policy


class Arm(NamedTuple):
    """By which version a customer's case is decided, and for which experiment."""

    in_force: InForce
    #: None where no experiment takes the customer's cases.
    experiment_id: int | None
    name: str


def arm_for(house: House, purpose: str, customer_id: int, *, on: date) -> Arm:
    """Return what decides about a customer: what is in force, or the arm of an experiment."""
    in_force = house.policies.every()[purpose]
    experiments = house.experiments
    for running in experiments.of(ExperimentKind.CHALLENGER, purpose, on):
        if running.experiment.champion_hash != in_force.policy.hash:
            continue
        plan = arm_of(experiments.key, running.experiment_id, running.experiment, customer_id)
        if plan is None:
            continue
        assigned = Assigned(experiment_id=running.experiment_id, arm=plan.name)
        if plan.policy_hash == in_force.policy.hash:
            arm = replace(in_force, assigned=assigned)
        else:
            arm = InForce(
                compiled=running.versions[plan.policy_hash],
                guards=running.guards[plan.policy_hash],
                assigned=assigned,
                withheld=in_force.withheld,
            )
        return Arm(arm, running.experiment_id, plan.name)
    return Arm(in_force, None, CHAMPION)


def in_force_for(house: House, purpose: str, customer_id: int, *, on: date) -> InForce:
    """Return the version of `arm_for` alone."""
    return arm_for(house, purpose, customer_id, on=on).in_force


async def accept_drawn(
    house: House, connection: Connection, made: Sequence[Made], *, at: datetime
) -> list[Made]:
    """Accept what control groups draw from cases that the score alone declined.

    What is drawn comes back approved at the smallest line as far as the budget goes; everything
    else comes back as it was.
    """
    found = list(made)
    for place, drawn in _drawn(house, found).items():
        application, decision, policy = found[place]
        assigned = await _grant(connection, drawn, decision, at=at)
        if assigned is not None:
            taken = accepted(policy, decision, assigned)
            found[place] = Made(_with_decision(application, taken), taken, policy)
    return found


async def note_cases(
    connection: Connection, decided: Sequence[tuple[int, int, Decision]], *, at: datetime
) -> None:
    """Write which experiments took the cases of customers and their applications or requests."""
    cases = [
        Case(customer_id, subject_id, experiment_id, arm)
        for customer_id, subject_id, decision in decided
        if decision.assigned is not None
        for experiment_id, arm in _taken_by(decision.assigned)
    ]
    if cases:
        await store.add_cases(connection, cases, at=at)


def _taken_by(assigned: Assigned) -> list[tuple[int, str]]:
    found = []
    if assigned.experiment_id is not None:
        assert assigned.arm is not None, "an experiment decides by an arm"
        found.append((assigned.experiment_id, assigned.arm))
    if assigned.control_id is not None:
        found.append((assigned.control_id, CONTROL))
    return found


def _drawn(house: House, made: Sequence[Made]) -> dict[int, Running]:
    """Return by place who is drawn by which control group, if the score alone declined."""
    experiments, drawn = house.experiments, {}
    if not any(one.experiment.kind is ExperimentKind.CONTROL for one in experiments.running):
        return {}
    for place, (application, decision, policy) in enumerate(made):
        if not is_declined_by_score_alone(policy, decision):
            continue
        groups = experiments.of(ExperimentKind.CONTROL, ORIGINATION, decision.asked.as_of)
        for running in groups:
            if is_drawn(
                experiments.key, running.experiment_id, running.experiment, application.customer_id
            ):
                drawn[place] = running
                break
    # Locks are taken in the order of their numbers, whoever takes them.
    return dict(sorted(drawn.items(), key=lambda item: (item[1].experiment_id, item[0])))


async def _grant(
    connection: Connection, running: Running, decision: Decision, *, at: datetime
) -> Assigned | None:
    """Return the grant of a control group that still runs and has something left, else None."""
    experiment, number = running.experiment, running.experiment_id
    assert experiment.budget is not None, "a control group has a budget"
    await store.lock_experiment(connection, number)
    kept = await store.read_experiment(connection, experiment.code)
    assert kept is not None, "what runs was proposed"
    if not kept.is_started:
        return None
    [grant_no] = await store.grant(
        connection, number, experiment.budget, [decision.asked.limit_min_minor], at=at
    )
    if grant_no is None:
        return None
    before = decision.assigned or Assigned()
    return replace(before, control_id=number, grant_no=grant_no)


def _with_decision(application: Application, decision: Decision) -> Application:
    """Return the application as the other decision leaves it."""
    assert application.decided_at is not None, "it was decided"
    gathered = replace(application, status=Status.GATHERING, decided_at=None, ended_at=None)
    decided = transitions.decide(gathered, decision, at=application.decided_at)
    assert not isinstance(decided, Refused), "what gathers can be decided"
    return decided
