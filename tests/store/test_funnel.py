"""The funnel on a real database: stages, times, straight-through rate and triggers by product."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import FIRST_DATE, Branch, open_branch
from tests.store.bureau_desk import open_desk

from counterfoil.decisioning.decision import Outcome
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.applying.funnel import FunnelQuestion, GroupFunnel, read_funnel
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def funnels(branch: Branch, days: int = 0, **asked: str) -> list[GroupFunnel]:
    last = FIRST_DATE + timedelta(days=days)
    question = FunnelQuestion(first_date=FIRST_DATE, last_date=last, **asked)
    return await read_funnel(branch.house.database, question)


def pass_time(branch: Branch, span: timedelta) -> None:
    clock = branch.house.clock
    assert isinstance(clock, TestClock)
    clock.advance(span)


async def decide(branch: Branch, view: ApplicationView, outcome: Outcome) -> None:
    decided = await apply.decide_referred(
        branch.house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        by="li-wei",
        outcome=outcome,
        reason="looked at the papers",
    )
    assert not isinstance(decided, Refused)


async def test_nothing_received_is_no_funnel(branch: Branch) -> None:
    assert await funnels(branch) == []


async def test_stages_and_the_straight_through_rate_are_counted_by_product(
    branch: Branch,
) -> None:
    counter = Counter(branch.house)
    offered = await counter.apply()
    await counter.accept(offered)
    await counter.apply(delay_months_latest=3)
    kept, dropped, waiting = [await counter.apply(is_student=True) for _ in range(3)]
    await decide(branch, kept, Outcome.APPROVED)
    await decide(branch, dropped, Outcome.DECLINED)
    gone = await counter.apply()
    await apply.withdraw_application(
        branch.house, customer_id=gone.customer_id, application_id=gone.application_id
    )
    await counter.apply(product_code="cash-line-invited")
    assert waiting.status == "referred"
    invited, open_line = await funnels(branch)
    stages = open_line.stages
    assert (stages.received, stages.decided) == (6, 6)
    assert (stages.approved_by_policy, stages.declined_by_policy, stages.referred) == (2, 1, 3)
    assert (stages.approved_by_person, stages.declined_by_person) == (1, 1)
    assert (stages.accepted, stages.withdrawn_offered) == (1, 1)
    assert open_line.straight_through_bp == 5_000
    assert (invited.stages.group_code, invited.straight_through_bp) == (
        "cash-line-invited",
        10_000,
    )


async def test_a_referral_is_counted_by_each_rule_that_asked_for_a_person(
    branch: Branch,
) -> None:
    counter = Counter(branch.house)
    await counter.apply(is_student=True)
    await counter.apply(is_student=True, lenders_count=5)
    # Unknown counts where the rule says so; a rule that declines or caps asks for nobody.
    await counter.apply(is_student=None, delay_months_latest=1)
    [found] = await funnels(branch)
    assert found.triggers == {"E04": 3, "R10": 1}


async def test_steps_are_timed_apart_with_their_percentiles(branch: Branch) -> None:
    counter = Counter(branch.house)
    views = [await counter.apply(is_student=True) for _ in range(4)]
    for view in views:
        pass_time(branch, MINUTE)
        await decide(branch, view, Outcome.APPROVED)
    pass_time(branch, 10 * MINUTE)
    await counter.accept(views[0])
    [found] = await funnels(branch)
    times = {step.step: step for step in found.steps}
    assert [step.step for step in found.steps] == [
        "gathering",
        "decision",
        "person",
        "cost_sheet_reading",
        "agreement_reading",
        "agreement",
        "acceptance",
        "journey",
    ]
    person = times["person"]
    assert (person.ended, person.median_ms, person.p95_ms, person.p99_ms) == (
        4,
        120_000,
        240_000,
        240_000,
    )
    assert (times["acceptance"].ended, times["acceptance"].median_ms) == (1, 13 * 60_000)
    assert times["journey"].median_ms == 14 * 60_000
    assert times["gathering"].median_ms == 0
    # What began and has neither ended nor been left is open.
    acceptance = times["acceptance"]
    assert (acceptance.began, acceptance.ended, acceptance.left_off) == (4, 1, 0)
    read, signed = times["cost_sheet_reading"], times["agreement_reading"]
    assert (read.began, read.ended, read.median_ms) == (1, 1, 3_000)
    assert (signed.began, signed.ended, signed.median_ms) == (1, 1, 9_000)


async def test_who_left_is_counted_at_the_stage_where_that_was(branch: Branch) -> None:
    counter = Counter(branch.house)
    await counter.apply()
    await counter.apply(is_student=True)
    undecided = await counter.apply()
    await branch.rows(
        "DELETE FROM decisioning.decision WHERE application_id = $1 RETURNING 1",
        undecided.application_id,
    )
    await branch.rows(
        "UPDATE decisioning.application SET status = 'gathering', valid_until = NULL"
        " WHERE application_id = $1 RETURNING 1",
        undecided.application_id,
    )
    await branch.close_to(FIRST_DATE + timedelta(days=31))
    [found] = await funnels(branch)
    stages = found.stages
    assert (stages.received, stages.decided) == (3, 2)
    assert (stages.expired_undecided, stages.expired_referred, stages.expired_offered) == (1, 1, 1)
    left = {step.step: (step.began, step.ended, step.left_off) for step in found.steps}
    assert left["person"] == (1, 0, 1)
    assert left["acceptance"] == (1, 0, 1)
    assert left["decision"] == (3, 2, 1)
    assert left["journey"] == (3, 0, 3)
    assert [step.median_ms for step in found.steps if step.step == "person"] == [None]


async def test_the_span_counts_by_the_day_of_receipt(branch: Branch) -> None:
    counter = Counter(branch.house)
    await counter.apply()
    pass_time(branch, timedelta(days=1))
    await counter.apply()
    [first] = await funnels(branch)
    [both] = await funnels(branch, days=1)
    assert (first.stages.received, both.stages.received) == (1, 2)


async def test_groups_tell_channels_segments_and_versions_apart(branch: Branch) -> None:
    counter = Counter(branch.house)
    await counter.apply(channel="branch")
    await counter.apply(channel="app", person_decides=True)
    await counter.apply(
        channel="app", history_months=None, income_monthly_minor=900_000, debt_monthly_minor=0
    )
    app, at_branch = await funnels(branch, by="channel")
    assert (app.stages.group_code, app.stages.received) == ("app", 2)
    assert (at_branch.stages.group_code, at_branch.stages.received) == ("branch", 1)
    # A customer's own wish is a reason for a person like any rule.
    assert app.triggers == {"PERSON_WISHED": 1}
    assert app.straight_through_bp == 5_000
    segments = await funnels(branch, by="segment")
    assert [(one.stages.group_code, one.stages.received) for one in segments] == [
        ("file_unknown", 1),
        ("first_time", 2),
    ]
    [only] = await funnels(branch, by="policy_version", channel="branch")
    assert (only.stages.group_code, only.stages.received) == ("2026-04", 1)
    assert await funnels(branch, by="product", segment="student") == []


async def test_the_consent_that_an_inquiry_rests_on_is_timed_apart(
    database_url: str, tmp_path: Path
) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        customer_id = await desk.person()
        given = await desk.consent(customer_id)
        view = await apply.submit_application(
            desk.house,
            customer_id=customer_id,
            product_code="cash-line-open",
            requested_minor=None,
            purpose="travel",
            facts={"is_student": False},
            idempotency_key="a1",
            consent_id=given.consent_id,
        )
        assert isinstance(view, ApplicationView), view
        day = desk.house.clock.now().date()
        question = FunnelQuestion(first_date=day, last_date=day)
        [found] = await read_funnel(desk.house.database, question)
    steps = [step.step for step in found.steps]
    assert steps[:5] == ["gathering", "consent_reading", "consent_proof", "inquiry", "decision"]
    reading = found.steps[1]
    assert (reading.began, reading.ended, reading.median_ms) == (1, 1, 8_000)
