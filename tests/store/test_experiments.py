"""Experiments decide by arms that two people approved, never pass a budget, and can be replayed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from tests.store.applicants import CLEAN, Counter
from tests.store.experiment_desk import (
    ANALYST,
    CHAMPION,
    COMPLIANCE,
    budget,
    proposed,
    started,
    text,
    variant,
)

from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.experiment import read_document
from counterfoil.decisioning.experiment_assignment import arm_of
from counterfoil.decisioning.experiment_store import EventKind, Kept
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.experiment_report import losses_by_version, report_on, take_looks
from counterfoil.journeys.deciding.replay_decisions import replay_decisions
from counterfoil.journeys.deciding.run_experiment import end_due, propose, start, stop
from counterfoil.journeys.deciding.shadow import Shadows
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.settings import Settings

#: Declined by the score alone: a bad record short of what any rule declines, with an income.
BY_SCORE: dict[str, Any] = {
    "delay_months_latest": 1,
    "delay_months_max": 3,
    "late_months_count": 3,
    "unpaid_months_count": 2,
    "utilisation_ppm": 1_100_000,
    "credit_elsewhere_minor": 500_000,
    "balance_elsewhere_minor": 400_000,
    "income_monthly_minor": 800_000,
    "debt_monthly_minor": 0,
    "lenders_count": 1,
}


@pytest.fixture
async def clock() -> TestClock:
    return TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))


@pytest.fixture
async def house(database_url: str, tmp_path: Path, clock: TestClock) -> AsyncIterator[House]:
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


async def kept(house: House, code: str) -> Kept:
    async with house.database.connection() as connection:
        found = await store.read_experiment(connection, code)
    assert found is not None
    return found


async def inputs_of(house: House, view: ApplicationView) -> dict[str, Any]:
    async with house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT inputs, result FROM decisioning.decision"
            " WHERE customer_id = $1 AND application_id = $2",
            view.customer_id,
            view.application_id,
        )
    return {"inputs": orjson.loads(row["inputs"]), "result": orjson.loads(row["result"])}


async def reproduced(house: House) -> bool:
    async with house.database.connection() as connection:
        report = await replay_decisions(connection, house.catalogue)
    assert not isinstance(report, Refused)
    return report.examined > 0 and report.reproduced == report.examined


def code_of(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


# ---------------------------------------------------------------------------- two people


async def test_what_two_people_approved_is_what_runs(house: House) -> None:
    written = text()
    assert code_of(await start(house, ANALYST, "a-challenger", reason="x")) == (
        "experiment_not_found"
    )
    approval = await proposed(house, written, variant())
    assert isinstance(approval, Approval), approval
    assert code_of(await start(house, ANALYST, "a-challenger", reason="x")) == "approval_missing"
    await decide_approval(house, COMPLIANCE, approval.approval_id, is_approved=True, reason="read")
    begun = await start(house, ANALYST, "a-challenger", reason="x")
    assert isinstance(begun, Kept), begun
    assert [event.kind.value for event in begun.events] == ["proposed", "approved", "started"]
    assert begun.events[1].author == "bo"
    assert code_of(await start(house, ANALYST, "a-challenger", reason="x")) == (
        "experiment_state_wrong"
    )
    async with house.database.connection() as connection:
        bodies = [
            row["body"].decode()
            for row in await connection.fetch("SELECT body FROM evidence.leaf_staged")
        ]
    assert any("experiment_started" in body and begun.experiment.hash in body for body in bodies)


async def test_nobody_without_the_right_proposes_starts_or_stops(house: House) -> None:
    clerk = Actor(name="ed", role="operations", source="cli")

    refused = await propose(
        house, clerk, read_document(text("control", tables=budget())), [], reason="x"
    )
    assert code_of(refused) == "approval_not_allowed"
    assert code_of(await start(house, clerk, "a-control", reason="x")) == "approval_not_allowed"
    assert code_of(await stop(house, clerk, "a-control", reason="x")) == "approval_not_allowed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"last_date": "2026-01-04"}, "experiment_invalid"),
        ({"first_date": "2025-12-01", "last_date": "2026-01-04"}, "experiment_over"),
        ({"arms": [("champion", CHAMPION.hash, 700_000), ("b", "b" * 64, 400_000)]},
         "experiment_invalid"),
        ({"arms": [("champion", CHAMPION.hash, 600_000), ("b", "b" * 64, 400_000)]},
         "experiment_policy_unknown"),
        ({"arms": [("champion", "b" * 64, 600_000), ("b", CHAMPION.hash, 400_000)]},
         "experiment_champion_another"),
    ],
)  # fmt: skip
async def test_what_cannot_be_run_is_refused(
    house: House, changes: dict[str, Any], code: str
) -> None:
    assert code_of(await proposed(house, text(**changes))) == code
    async with house.database.connection() as connection:
        assert await store.read_experiments(connection, page=5) == []


async def test_a_variant_that_loosens_the_law_is_refused(house: House) -> None:
    dearer = variant(rate_annual_max_e8=24_000_001)
    arms = [("champion", CHAMPION.hash, 500_000), ("dearer", dearer.hash, 500_000)]
    refused = await proposed(house, text(arms=arms), dearer)
    assert code_of(refused) == "experiment_loosens"
    assert isinstance(refused, Refused)
    assert "rate_annual_max_e8" in refused.message
    in_the_dark = await proposed(
        house, text("shadow", arms=[("dearer", dearer.hash, 1_000_000)]), dearer
    )
    assert code_of(in_the_dark) == "experiment_loosens"


async def test_layers_are_taken_once_and_documents_never_change(house: House) -> None:
    half = text(layer_share_ppm=500_000)
    assert isinstance(await proposed(house, half, variant()), Approval)
    assert isinstance(await proposed(house, half), Approval)
    assert code_of(await proposed(house, text(layer_share_ppm=400_000))) == "experiment_exists"
    overlapping = text(code="another", layer_from_ppm=499_999, layer_share_ppm=10)
    assert code_of(await proposed(house, overlapping)) == "experiment_layer_taken"
    elsewhere = text(code="another", layer="elsewhere")
    assert code_of(await proposed(house, elsewhere)) == "experiment_layer_taken"
    beside = text(code="another", layer_from_ppm=500_000, layer_share_ppm=10)
    assert isinstance(await proposed(house, beside), Approval)
    async with house.database.connection() as connection:
        for table in ("experiment", "experiment_event"):
            with pytest.raises(asyncpg.PostgresError, match="only added to"):
                await connection.execute(f"DELETE FROM decisioning.{table}")


# ---------------------------------------------------------------------------- arms


async def test_customers_meet_their_arm_and_the_record_says_so(house: House) -> None:
    begun = await started(house, text(), variant())
    counter = Counter(house)
    views = [await counter.apply() for _ in range(12)]
    seen = set()
    for view in views:
        arm = arm_of(house.experiments.key, begun.experiment_id, begun.experiment, view.customer_id)
        assert arm is not None
        seen.add(arm.name)
        said = await inputs_of(house, view)
        assert said["inputs"]["policy_hash"] == arm.policy_hash
        assert said["inputs"]["experiments"] == {
            "arm": arm.name,
            "experiment": str(begun.experiment_id),
        }
        assert view.limit_minor == (500_000 if arm.name == "champion" else 250_000)
    assert seen == {"champion", "lower"}
    assert await reproduced(house)
    async with house.database.connection() as connection:
        assert await store.count_cases(connection, begun.experiment_id) == 12
    report = await report_on(house, "a-challenger")
    assert isinstance(report, dict)
    assert report["cases"] == 12
    assert report["may_name_a_winner"] is None
    assert report["swap_set"]["against_champion"]["lower"]["both"]["cases"] == 12


async def test_outside_its_days_and_after_its_end_everybody_meets_what_is_in_force(
    house: House,
) -> None:
    later = text(first_date="2026-01-06")
    await started(house, later, variant())
    assert "experiments" not in (await inputs_of(house, await Counter(house).apply()))["inputs"]
    assert code_of(await stop(house, ANALYST, "a-challenger", reason="dull")) == (
        "experiment_stop_not_ruled"
    )
    gone = await stop(house, ANALYST, "a-challenger", reason="harm", abandons=True)
    assert isinstance(gone, Kept)
    assert gone.state is EventKind.STOPPED
    assert house.experiments.running == ()
    report = await report_on(house, "a-challenger")
    assert isinstance(report, dict)
    assert report["may_name_a_winner"] is False


async def test_another_key_assigns_nobody(house: House) -> None:
    await started(house, text(), variant())
    ran = len(house.experiments.running)
    house.experiments.key = b"x" * 32
    await house.experiments.read(house.database)
    assert (ran, len(house.experiments.running)) == (1, 0)


async def test_a_champion_that_is_replaced_ends_it(house: House) -> None:
    await started(house, text(), variant())
    other = house.policies.origination

    house.policies.put_in_force("origination", replace(other, compiled=compile_python(variant())))
    view = await Counter(house).apply()
    assert "experiments" not in (await inputs_of(house, view))["inputs"]


# ---------------------------------------------------------------------------- stop rule


async def test_a_look_is_taken_once_and_stops_only_beyond_its_bound(house: House) -> None:
    rule = '[stop_rule]\nmetric = "approved"\nlooks_cases = [6, 12]\nbounds = "obrien_fleming"\n'
    await started(house, text(tables=rule), variant())
    counter = Counter(house)
    for _ in range(5):
        await counter.apply()
    assert await take_looks(house) == 0
    for _ in range(3):
        await counter.apply()
    assert await take_looks(house) == 1
    assert await take_looks(house) == 0
    look = (await kept(house, "a-challenger")).events[-1]
    assert (look.detail["look"], look.detail["cases"], look.detail["is_passed"]) == (1, 6, False)
    assert (await kept(house, "a-challenger")).is_started


async def test_a_look_that_passes_its_bound_stops_it(house: House) -> None:
    # The challenger grants nothing at all, so that every case of it is declined.
    document = orjson.loads(CHAMPION.canonical)
    document["version"] = "stingy"
    for grade in document["grades"]:
        grade["limits_minor"] = dict.fromkeys(grade["limits_minor"], 0)

    stingy = policy_of(document)
    arms = [("champion", CHAMPION.hash, 500_000), ("stingy", stingy.hash, 500_000)]
    rule = '[stop_rule]\nmetric = "approved"\nlooks_cases = [56]\nbounds = "obrien_fleming"\n'
    await started(house, text(arms=arms, tables=rule), stingy)
    counter = Counter(house)
    # Some of each arm err, or there would be no spread to measure by; the key that places customers
    # is another one each time.
    for number in range(56):
        await counter.apply(is_student=number < 14)
    await take_looks(house)
    over = await kept(house, "a-challenger")
    assert over.state is EventKind.STOPPED
    assert over.events[-1].detail == {"cause": "rule"}
    report = await report_on(house, "a-challenger")
    assert isinstance(report, dict)
    assert report["may_name_a_winner"] is True


async def test_it_ends_after_its_last_day(house: House) -> None:
    await started(house, text(last_date="2026-01-05"), variant())
    assert await end_due(house) == 0
    async with house.database.transaction() as connection:
        await connection.execute("UPDATE platform.business_date SET business_date = '2026-01-06'")
    house.counter.engine.forget_business_date()
    assert await end_due(house) == 1
    assert (await kept(house, "a-challenger")).state is EventKind.ENDED


# ---------------------------------------------------------------------------- control group


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether customers are drawn; the share that a budget may have is too small for a test."""
    said = [True]
    monkeypatch.setattr("counterfoil.journeys.deciding.experiments.is_drawn", lambda *_: said[0])
    return said


async def test_a_control_group_accepts_whom_the_score_alone_declined(
    house: House, drawn: list[bool]
) -> None:
    counter = Counter(house)
    assert (await counter.apply(**BY_SCORE)).status == "declined"
    await started(house, text("control", tables=budget()))
    taken = await counter.apply(**BY_SCORE)
    said = await inputs_of(house, taken)
    result = said["result"]
    assert (taken.status, taken.limit_minor) == ("approved", 50_000)
    assert result["binding"] == "control:accepted"
    assert "control:accepted" in result["flags"]
    assert taken.reasons
    assert said["inputs"]["experiments"]["grant_no"] == 1
    await counter.accept(taken)
    drawn[0] = False
    assert (await counter.apply(**BY_SCORE)).status == "declined"
    assert await reproduced(house)
    report = await report_on(house, "a-control")
    assert isinstance(report, dict)
    assert report["spent"] == {"accounts": 1, "loss_minor": 50_000}
    assert report["by_arm"]["control:accepted"]["opened"] == 1
    [vintage] = await losses_by_version(house)
    assert (vintage["accounts"], vintage["expected_bad_ppm_sum"]) == (1, None)


@pytest.mark.parametrize(
    "facts",
    [
        {"delay_months_latest": 3},
        {"is_student": True},
        {"debt_monthly_minor": 700_000},
        {"income_monthly_minor": None},
        {"income_monthly_minor": 5_000},
        {"lenders_count": 50},
        {"delay_months_max": None},
    ],
)
async def test_law_debt_and_what_is_unknown_are_never_overridden(
    house: House, drawn: list[bool], facts: dict[str, Any]
) -> None:
    await started(house, text("control", tables=budget()))
    view = await Counter(house).apply(**BY_SCORE | facts)
    assert view.status in {"declined", "referred"}
    async with house.database.connection() as connection:
        [running] = house.experiments.running
        assert await store.read_spent(connection, running.experiment_id) == (0, 0)


async def test_a_tripped_cap_is_never_overridden(house: House, drawn: list[bool]) -> None:

    await started(house, text("control", tables=budget()))
    held = replace(house.policies.origination, guards=Guards(tripped=frozenset({"R01"})))
    house.policies.put_in_force("origination", held)
    assert (await Counter(house).apply(**BY_SCORE)).status == "declined"


@pytest.mark.parametrize("bounds", [{"accounts": 3}, {"loss_minor": 199_999}])
async def test_grants_at_the_same_time_never_pass_the_budget(
    house: House, drawn: list[bool], bounds: dict[str, int]
) -> None:
    await started(house, text("control", tables=budget(**bounds)))
    counter = Counter(house)
    customers = []
    for _ in range(9):
        counter.persons += 1
        customers.append(await counter.register(f"person-{counter.persons}"))

    async def one(customer_id: int) -> ApplicationView:
        answered = await apply.submit_application(
            house,
            customer_id=customer_id,
            product_code="cash-line-open",
            requested_minor=None,
            purpose="travel",
            facts=CLEAN | BY_SCORE,
            idempotency_key="apply",
        )
        assert isinstance(answered, ApplicationView), answered
        return answered

    views = await asyncio.gather(*map(one, customers))
    assert sum(view.status == "approved" for view in views) == 3
    again = await asyncio.gather(*map(one, customers))
    assert [view.status for view in again] == [view.status for view in views]
    assert await end_due(house) == 1
    over = await kept(house, "a-control")
    assert over.events[-1].detail == {"cause": "budget_spent"}


async def test_a_stopped_group_grants_nothing_even_where_a_process_still_thinks_it_runs(
    house: House, drawn: list[bool]
) -> None:
    await started(house, text("control", tables=budget()))
    running = house.experiments.running
    await stop(house, COMPLIANCE, "a-control", reason="enough", abandons=True)
    house.experiments.running = running
    assert (await Counter(house).apply(**BY_SCORE)).status == "declined"


async def test_the_database_itself_holds_the_budget(house: House) -> None:
    begun = await started(house, text("control", tables=budget(accounts=1)))
    add = "INSERT INTO decisioning.control_grant VALUES ($1, $2, 50000, $3, 1, 10000000, now())"
    async with house.database.connection() as connection:
        await connection.execute(add, begun.experiment_id, 1, 50_000)
        with pytest.raises(asyncpg.CheckViolationError, match="within_accounts"):
            await connection.execute(add, begun.experiment_id, 2, 100_000)


# ---------------------------------------------------------------------------- shadow


async def test_a_shadow_says_its_word_after_the_commit_and_changes_nothing(
    house: House, clock: TestClock
) -> None:
    await started(house, text("shadow"), variant())
    counter, shadows = Counter(house), Shadows(house)
    views = [await counter.apply(), await counter.apply(**BY_SCORE)]
    assert (views[0].limit_minor, views[1].status) == (500_000, "declined")
    assert await shadows.step() == 0
    clock.advance(timedelta(minutes=5))
    assert await shadows.step() == 2
    assert await shadows.step() == 0
    # Another process begins where the last case was kept, and writes no case twice.
    await counter.apply(delay_months_latest=3)
    clock.advance(timedelta(minutes=5))
    assert await Shadows(house).step() == 1
    assert await shadows.step() == 1
    report = await report_on(house, "a-shadow")
    assert isinstance(report, dict)
    assert report["cases"] == 3
    assert report["disagreement_ppm"] == 0
    assert report["swap_set"]["limit_minor_change"] == -250_000
    assert report["rules"]["R01"] == {"true": 1, "unknown": 0}
    assert "experiments" not in (await inputs_of(house, views[0]))["inputs"]
