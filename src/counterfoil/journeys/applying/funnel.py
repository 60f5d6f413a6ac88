"""The funnel: how far applications came, how fast, who left where, and why persons were asked.

Counted     Applications received on the dates of a span, in UTC, whatever became of them since.
Straight    Decided by the policy alone. A referral counts as not straight through also while it
            waits, and by each rule that asked for a person, so triggers may sum to more.
Left        Expired or withdrawn, by the stage at which that was: before the decision, before a
            person, or with the offer in hand.
Compliance  Reading the consent, proving it to the bureau, checking who somebody is, reading the
            cost sheet, and reading and signing the agreement are steps of their own among the
            times: no check is hidden in another step, and none is optional.
Drop-off    Each step says how many began and ended it, and how many expired or withdrew at it.
Sources     A source that does not answer within its time is counted by itself; the application
            goes on by the policy's rule for what is not known.
Inquiries   What was asked of the bureau in the span, of how many customers, and how often a report
            that was there served instead.
Units       Times in whole milliseconds, shares in basis points, both rounded down.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from counterfoil.bureau import store as bureau
from counterfoil.bureau.report_row import Usage
from counterfoil.decisioning import funnel_store as figures
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.funnel_store import SourceTime, Span, Stages, StepTime
from counterfoil.decisioning.honouring import PERSON_WISHED
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Action
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.platform.database import Connection, Database

#: The steps of an application in their order; the journey is all of them up to the open line.
STEPS: Final = (
    *("gathering", "consent_reading", "consent_proof", "inquiry", "decision", "person"),
    *("identity_check", "cost_sheet_reading", "agreement_reading", "agreement"),
    *("acceptance", "journey"),
)
#: What the law asks for on the way.
COMPLIANCE_STEPS: Final = frozenset(
    {"consent_reading", "consent_proof", "identity_check", "cost_sheet_reading"}
    | {"agreement_reading", "agreement"}
)
#: By what applications may be told apart.
GROUPS: Final = ("product", "channel", "segment", "policy_version")

_ALL_BP: Final = 10_000
#: The verdict under which a flag is counted beside the rules.
_FLAG: Final = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFunnel:
    """The funnel of one group: a product, unless another way to tell apart was asked for."""

    stages: Stages
    #: Share of the decided applications that no person had to decide; None where none was.
    straight_through_bp: int | None
    #: In the order of `STEPS`; without those that nobody began.
    steps: tuple[StepTime, ...]
    #: How often each rule asked for a person, most often first.
    triggers: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelQuestion:
    """Which applications are counted, and by what they are told apart."""

    first_date: date
    last_date: date
    product_code: str | None = None
    channel: str | None = None
    segment: str | None = None
    policy_version: str | None = None
    by: str = "product"

    @property
    def span(self) -> Span:
        """Return it as the store is asked."""
        assert self.by in GROUPS, "who asks has checked it"
        return Span(
            received_from=_start_of(self.first_date),
            received_before=_start_of(self.last_date + ONE_DAY),
            product_code=self.product_code,
            channel=self.channel,
            segment=self.segment,
            policy_version=self.policy_version,
            by=self.by,
        )


async def read_funnel(database: Database, question: FunnelQuestion) -> list[GroupFunnel]:
    """Return the funnel of each group that was applied for from one date to another."""
    span = question.span
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),  # type: ignore[call-arg]
    ):
        stages = await figures.stages(connection, span)
        times = await figures.step_times(connection, span)
        triggers = await _triggers(connection, span)
    return [
        GroupFunnel(
            stages=one,
            straight_through_bp=_straight_through_bp(one),
            steps=_in_order([t for t in times if t.group_code == one.group_code]),
            triggers=triggers[one.group_code],
        )
        for one in stages
    ]


async def read_sources(house: House, question: FunnelQuestion) -> list[SourceTime]:
    """Return how the sources that were asked kept their time."""
    async with house.database.connection() as connection:
        return await figures.source_times(connection, question.span, now=house.leaves.now())


async def read_inquiries(house: House, question: FunnelQuestion) -> Usage:
    """Return how often the bureau was asked in the span, and how often it did not need to be."""
    span = question.span
    async with house.database.connection() as connection:
        return await bureau.read_usage(
            connection,
            first=ids.floor_of(span.received_from),
            before=ids.floor_of(span.received_before),
        )


async def _triggers(connection: Connection, span: Span) -> dict[str, dict[str, int]]:
    """Return how often each rule asked for a person, by group, under its policy's own words."""
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    policies: dict[str, Policy | None] = {}
    for said in await figures.referred_verdicts(connection, span):
        if said.policy_hash not in policies:
            policies[said.policy_hash] = await decisions.read_policy_version(
                connection, said.policy_hash
            )
        policy = policies[said.policy_hash]
        if policy is not None and _asks_for_a_person(policy, said.rule_code, said.verdict):
            counts[said.group_code][said.rule_code] += said.applications
    return defaultdict(
        dict,
        {
            group: dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
            for group, found in counts.items()
        },
    )


def _asks_for_a_person(policy: Policy, rule_code: str, verdict: str) -> bool:
    if verdict == _FLAG:
        return rule_code == PERSON_WISHED
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
