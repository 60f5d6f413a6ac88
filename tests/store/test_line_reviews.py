"""Reviews of lines in a house: what is due is reviewed, measured, told, and comes back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.decisioning.line_review import case_store, store
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.lines import line_measures, line_reviewing
from counterfoil.journeys.lines.lift_measure import lift_measure
from counterfoil.journeys.lines.line_measures import MeasureWish
from counterfoil.journeys.lines.line_policy import review_policy_in_force
from counterfoil.journeys.lines.replay_reviews import (
    ReviewsReplayed,
    explain_review,
    replay_reviews,
)
from counterfoil.kernel.errors import Refused

#: The first instalment is due on the 15th, and late once three days of grace are over.
LATE = date(2026, 1, 19)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def a_late_line(branch: Branch, customer_id: int = 1) -> int:
    """Open a line whose first instalment is not paid; close until it is late."""
    await branch.get(an_opening(customer_id, customer_id, limit_minor=500_000))
    await branch.lend(customer_id, customer_id, 120_000, tenor_months=3)
    await branch.close_to(LATE)
    return customer_id


async def line(branch: Branch, customer_id: int = 1) -> tuple[str, int]:
    [row] = await branch.rows(
        "SELECT status, limit_minor FROM lending.credit_line WHERE customer_id = $1", customer_id
    )
    return row[0], row[1]


async def reviews(branch: Branch, customer_id: int = 1) -> list[StoredReview]:
    """Return the reviews, oldest first."""
    async with branch.house.database.connection() as connection:
        found = await store.reviews_of_line(
            connection, customer_id=customer_id, line_id=customer_id, page=100
        )
    return found[::-1]


async def measures(branch: Branch, customer_id: int = 1) -> list[LineMeasure]:
    """Return the measures, oldest first."""
    async with branch.house.database.connection() as connection:
        found = await case_store.measures_of_line(
            connection, customer_id=customer_id, line_id=customer_id
        )
    return found[::-1]


async def notices(branch: Branch, customer_id: int = 1) -> list[str]:
    async with branch.house.database.connection() as connection:
        found = await case_store.notices_of_line(
            connection, customer_id=customer_id, line_id=customer_id
        )
    return [item.text_en for item in found[::-1]]


async def take(branch: Branch, kind: Kind, customer_id: int = 1, **how: Any) -> Any:
    """Take a measure as a person of risk would."""
    async with branch.house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=branch.house.clock.now())
    wish = MeasureWish(
        **{
            "customer_id": customer_id,
            "line_id": customer_id,
            "kind": kind,
            "reason": "PERSON_DECIDES",
            "author": "wang-min",
            **how,
        }
    )
    async with branch.house.database.transaction() as connection:
        taken = await line_measures.announce_wish(branch.house, connection, policy, wish)
    if isinstance(taken, Refused):
        return taken
    return await line_measures.bring_to_line(branch.house, taken)


async def test_what_is_overdue_after_grace_is_suspended_and_comes_back_once_cured(
    branch: Branch,
) -> None:
    who = await a_late_line(branch)
    assert await line(branch) == ("suspended", 500_000)
    [first, *_] = [item for item in await reviews(branch) if item.cause == "instalment_missed"]
    assert (first.outcome, first.acted) == (ReviewOutcome.SUSPENDED, ("S01",))
    [held] = await measures(branch)
    assert (held.kind, held.status, held.author) == (Kind.SUSPEND, Status.IN_FORCE, "rule")
    assert "suspended" in (await notices(branch))[0]
    assert "appeal" in (await notices(branch))[0]
    # Repayment never depends on the state of the line.
    await branch.repay(who, who, 60_000)
    assert (await line(branch))[0] == "suspended"
    # The payment itself brings the review forward; nobody waits for the close of the day.
    assert await line_reviewing.review_brought_forward(branch.house) == 1
    last = (await reviews(branch))[-1]
    assert (last.cause, last.outcome, last.acted) == ("cured", ReviewOutcome.REINSTATED, ("B01",))
    assert (await line(branch))[0] == "active"
    assert await line_reviewing.review_brought_forward(branch.house) == 0
    [ended] = [item for item in await measures(branch) if item.kind is Kind.SUSPEND]
    assert (ended.status, ended.ended_by) == (Status.ENDED, "rule")
    assert await branch.faults() == {}
    for one in await reviews(branch):
        assert one.record_version == 2
        assert one.rule_pack in branch.house.catalogue.pack_references()
        assert one.feature_registry == branch.house.registry.sha256
    await what_was_tampered_with_is_named(branch, len(await reviews(branch)))
    await what_is_older_is_unknown(branch, first.review_id)


async def what_was_tampered_with_is_named(branch: Branch, count: int) -> None:
    """Make every review again as it stands, and with its record altered."""
    registry = branch.house.registry.sha256
    cases: dict[str, set[str]] = {
        "cause = cause": set(),
        "inputs = 'no JSON'": {"data"},
        "inputs = '{}'": {"data"},
        "result = '[]'": {"record"},
        "result = replace(result, 'S01', 'S02')": {"record"},
        "outcome = 'unchanged', result = replace(result, 'suspended', 'unchanged')": {
            "data_or_engine", "record"
        },
        f"inputs = replace(inputs, '{registry}', '{registry[::-1]}')": {"registry"},
        "inputs = replace(inputs, 'cn-2026-01@', 'cn-2025-01@')": {"rule_pack"},
    }  # fmt: skip
    for statement, causes in cases.items():
        async with branch.house.database.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(f"UPDATE decisioning.line_review SET {statement}")
            found = await replay_reviews(connection, branch.house.catalogue)
            await connection.execute("ROLLBACK")
        assert isinstance(found, ReviewsReplayed)
        assert found.examined == count
        assert {one.cause for one in found.findings} == causes, statement


async def what_is_older_is_unknown(branch: Branch, review_id: int) -> None:
    """A record from before its basis was named comes out, and explains that it is not known."""
    async with branch.house.database.connection() as connection:
        await connection.execute("BEGIN")
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE decisioning.line_review SET record_version = 1, rule_pack = NULL,"
            " feature_registry = NULL, inputs = regexp_replace(regexp_replace("
            'inputs, \'"rule_pack":"[^"]*",\', \'\'), \'"feature_registry":"[^"]*",\', \'\')'
        )
        found = await replay_reviews(connection, branch.house.catalogue)
        told = await explain_review(connection, review_id)
        await connection.execute("ROLLBACK")
    assert isinstance(found, ReviewsReplayed)
    assert found.findings == []
    assert isinstance(told, dict)
    assert told["decided_under"] == {"rule_pack": None, "feature_registry": None}


async def test_late_for_a_fortnight_takes_a_fifth_off_after_notice_and_only_once(
    branch: Branch,
) -> None:
    who = await a_late_line(branch)
    await branch.close_to(LATE + timedelta(days=7))
    assert [item.kind for item in await measures(branch)] == [Kind.SUSPEND]
    await branch.close_to(LATE + timedelta(days=14))
    await branch.repay(who, who, 60_000)
    lowered = [item for item in await measures(branch) if item.kind is Kind.LOWER]
    assert [(item.from_minor, item.to_minor, item.status) for item in lowered] == [
        (500_000, 400_000, Status.PLANNED)
    ]
    assert (await line(branch))[1] == 500_000
    assert lowered[0].effective_on == await branch.on() + timedelta(days=3)
    await branch.close_to(await branch.on() + timedelta(days=10))
    assert (await line(branch))[1] == 400_000
    again = [item for item in await measures(branch) if item.kind is Kind.LOWER]
    assert len(again) == 1


async def test_two_reviews_at_once_yield_one_change(branch: Branch) -> None:
    await branch.get(an_opening(1, 1, limit_minor=500_000))
    answers = await asyncio.gather(
        *(
            line_reviewing.review_line(
                branch.house, customer_id=1, line_id=1, cause="income_updated"
            )
            for _ in range(6)
        )
    )
    made = [item for item in answers if not isinstance(item, Refused)]
    codes = {item.code for item in answers if isinstance(item, Refused)}
    assert len(made) == 1
    assert codes == {"line_review_under_way"}
    assert len(await reviews(branch)) == 1


async def test_only_due_lines_are_touched_and_unchanged_ones_are_kept_too(branch: Branch) -> None:
    for number in (1, 2):
        await branch.get(an_opening(number, number, limit_minor=500_000))
    await branch.close_to(date(2026, 2, 3))
    assert await reviews(branch) == []
    await branch.close_to(date(2026, 2, 5))
    [made] = await reviews(branch)
    assert (made.outcome, made.cause) == (ReviewOutcome.UNCHANGED, "periodic")
    assert made.business_date == date(2026, 2, 4)
    await branch.close_to(date(2026, 3, 5))
    assert len(await reviews(branch)) == 1
    assert await branch.faults() == {}


async def test_a_freeze_ends_by_itself_and_the_customer_is_told(branch: Branch) -> None:
    await branch.get(an_opening(1, 1, limit_minor=500_000))
    frozen = await take(branch, Kind.FREEZE, ends_on=date(2026, 1, 7))
    assert frozen.status is Status.IN_FORCE
    assert (await line(branch))[0] == "frozen"
    await branch.close_to(date(2026, 1, 8))
    [ended] = await measures(branch)
    assert (ended.status, ended.ended_on) == (Status.ENDED, date(2026, 1, 8))
    loan = await branch.lend(1, 1, 50_000)
    assert loan
    assert len(await notices(branch)) == 2
    assert await branch.faults() == {}


async def test_a_decrease_below_what_is_used_makes_nothing_due_and_is_lifted_again(
    branch: Branch,
) -> None:
    await branch.get(an_opening(1, 1, limit_minor=500_000))
    await branch.lend(1, 1, 400_000)
    planned = await take(branch, Kind.LOWER, to_minor=200_000)
    assert (planned.status, planned.effective_on) == (Status.PLANNED, date(2026, 1, 8))
    assert (await line(branch))[1] == 500_000
    await branch.close_to(date(2026, 1, 8))
    assert (await line(branch))[1] == 200_000
    assert await branch.value("SELECT sum(due_principal_minor) FROM lending.loan") == 0
    lifted = await lift_measure(
        branch.house,
        customer_id=1,
        measure_id=planned.measure_id,
        by="li-wei",
        reason="looked at",
        is_wrong=False,
    )
    assert isinstance(lifted, LineMeasure), lifted
    assert lifted.status is Status.LIFTED
    assert (await line(branch))[1] == 500_000
    kinds = await branch.rows("SELECT kind, reason FROM lending.line_event ORDER BY version")
    assert kinds[-1] == ("limit_restored", "measure_lifted")
    again = await lift_measure(
        branch.house, customer_id=1, measure_id=planned.measure_id,
        by="li-wei", reason="looked at", is_wrong=False,
    )  # fmt: skip
    assert again == lifted
    assert await branch.faults() == {}
