"""The funnel: how far applications came, how fast, who left where, and why persons were asked.

Counted     Applications received on the dates of a span, in UTC, whatever became of them since.
Straight    Decided by the policy alone. A referral counts as not straight through also while it
            waits, and by each rule that asked for a person, so triggers may sum to more.
Left        Expired or withdrawn, by the stage at which that was: before the decision, before a
            person, or with the offer in hand.
Units       Times in whole milliseconds, shares in basis points, both rounded down.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from counterfoil.decisioning import funnel_store as figures
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.funnel_store import Span, Stages, StepTime
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Action
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.platform.database import Connection, Database

#: The steps of an application in their order; the journey is all of them up to the open line.
STEPS: Final = ("gathering", "decision", "person", "acceptance", "journey")

_ALL_BP: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFunnel:
    """The funnel of one product."""

    stages: Stages
    #: Share of the decided applications that no person had to decide; None where none was.
    straight_through_bp: int | None
    #: In the order of `STEPS`; without those that nobody ended.
    steps: tuple[StepTime, ...]
    #: How often each rule asked for a person, most often first.
    triggers: dict[str, int]


async def read_funnel(
    database: Database, *, first_date: date, last_date: date, product_code: str | None = None
) -> list[ProductFunnel]:
    """Return the funnel of each product that was applied for from one date to another."""
    span = Span(_start_of(first_date), _start_of(last_date + ONE_DAY), product_code)
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),  # type: ignore[call-arg]
    ):
        stages = await figures.stages(connection, span)
        times = await figures.step_times(connection, span)
        triggers = await _triggers(connection, span)
    return [
        ProductFunnel(
            stages=one,
            straight_through_bp=_straight_through_bp(one),
            steps=_in_order([t for t in times if t.product_code == one.product_code]),
            triggers=triggers[one.product_code],
        )
        for one in stages
    ]


async def _triggers(connection: Connection, span: Span) -> dict[str, dict[str, int]]:
    """Return how often each rule asked for a person, by product, under its policy's own words."""
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    policies: dict[str, Policy | None] = {}
    for said in await figures.referred_verdicts(connection, span):
        if said.policy_hash not in policies:
            policies[said.policy_hash] = await decisions.read_policy_version(
                connection, said.policy_hash
            )
        policy = policies[said.policy_hash]
        if policy is not None and _asks_for_a_person(policy, said.rule_code, said.verdict):
            counts[said.product_code][said.rule_code] += said.applications
    return defaultdict(
        dict,
        {
            product_code: dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
            for product_code, found in counts.items()
        },
    )


def _asks_for_a_person(policy: Policy, rule_code: str, verdict: str) -> bool:
    return any(
        rule.code == rule_code and rule.action_on(Verdict(verdict)) in (Action.REFER, Action.ASK)
        for rule in policy.rules
    )


def _straight_through_bp(stages: Stages) -> int | None:
    if not stages.decided:
        return None
    return (stages.decided - stages.referred) * _ALL_BP // stages.decided


def _in_order(times: list[StepTime]) -> tuple[StepTime, ...]:
    return tuple(sorted(times, key=lambda found: STEPS.index(found.step)))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
