"""What a check stops, two people switch and a purpose ends is unknown to decisions at once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.applicants import Counter
from tests.store.assessing import assessed
from tests.store.test_feature_events import NOW, TODAY, known, statement

from counterfoil.features.correction import Remedy
from counterfoil.features.quality import Check, Effect, Kind
from counterfoil.features.refusals import FEATURE_NOT_FOUND, PURPOSE_NOT_REGISTERED
from counterfoil.features.store import read_events
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.knowing import feature_history, profile_lenders
from counterfoil.journeys.knowing.correct_record import (
    correct_record,
    corrections_waiting,
    end_correction,
    reports_touched,
)
from counterfoil.journeys.knowing.facts import Quality
from counterfoil.journeys.knowing.feature_history import values_by_day
from counterfoil.journeys.knowing.feature_limits import read_limits
from counterfoil.journeys.knowing.feature_lineage import (
    affected_by,
    end_purpose,
    lineage_of,
    touched_by,
)
from counterfoil.journeys.knowing.feature_quality import quality_of_sources, run_checks
from counterfoil.journeys.knowing.feature_switches import request_switch, switch_off, switch_on
from counterfoil.journeys.knowing.profile import staff_profile
from counterfoil.journeys.knowing.registries import Registries
from counterfoil.journeys.knowing.report_lineage import Report
from counterfoil.journeys.knowing.tell_events import revise, take, tell
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.terms import Terms
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import APPROVAL_MISSING, Approval
from counterfoil.platform.settings import Settings
from counterfoil.worker.features import features_job

ANALYST = Actor(name="ana", role="risk_analyst", source="test")
COMPLIANCE = Actor(name="bo", role="compliance", source="test")


@pytest.fixture
async def clock() -> TestClock:
    return TestClock(NOW)


@pytest.fixture
async def house(database_url: str, tmp_path: Path, clock: TestClock) -> AsyncIterator[House]:
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=TODAY
    ) as it:
        yield it


def a_check(kind: Kind, *, stop_ppm: int, **changes: object) -> Check:
    check = Check(
        code="test", kind=kind, source="applicant", event="statement", member="", other="", days=0,
        tolerance_ppm=0, window_days=7, cases_min=2, thresholds={Effect.STOP: stop_ppm},
    )  # fmt: skip
    return replace(check, **changes)  # type: ignore[arg-type]


async def with_checks(house: House, *checks: Check) -> House:
    return replace(house, registries=Registries(replace(house.registry, checks=checks)))


async def told(house: House, *facts: dict[str, int]) -> int:
    counter = Counter(house, persons=1)
    customer_id = await counter.register("told")
    drafts = [statement(customer_id, f"crm-{n}", facts=item) for n, item in enumerate(facts)]
    async with house.database.transaction() as connection:
        await take(house, connection, drafts)
    return customer_id


async def test_a_stopped_source_is_unknown_until_it_passes_again(
    house: House, clock: TestClock
) -> None:
    customer_id = await told(house, {"debt_monthly_minor": 5}, {"debt_monthly_minor": -1})
    strict = await with_checks(house, a_check(Kind.VALIDITY, stop_ppm=400_000))
    [found] = await run_checks(strict)
    assert (found.cases, found.wrong, found.effect) == (2, 1, Effect.STOP)
    facts = await known(house, customer_id, ["debt_monthly_minor"])
    assert facts.values == {"debt_monthly_minor": None}
    assert facts.readings["debt_monthly_minor"].quality is Quality.STOPPED
    async with house.database.connection() as connection:
        limits = await read_limits(house.registry, connection)
        [source] = [
            one for one in await quality_of_sources(house, connection) if one.source == "applicant"
        ]
    deciding = house.policies.origination.policy
    withheld = limits.withheld_from(deciding.features, deciding.purpose)
    assert {"debt_monthly_minor", "is_student"} <= withheld
    assert "age_years" not in withheld
    assert (source.effect, source.score_ppm) == (Effect.STOP, 500_000)
    clock.advance(timedelta(minutes=1))
    await run_checks(await with_checks(house, a_check(Kind.VALIDITY, stop_ppm=600_000)))
    facts = await known(house, customer_id, ["debt_monthly_minor"])
    assert facts.values == {"debt_monthly_minor": 5}


async def test_what_is_withheld_is_unknown_to_the_policy(house: House) -> None:
    version = house.policies.origination
    held = replace(version, withheld=frozenset({"delay_months_latest"}))
    house.policies.put_in_force("origination", held)
    counter = Counter(house)
    view = await counter.apply(delay_months_latest=5)
    async with house.database.transaction() as connection:
        found = await lineage_of(house, connection, view.customer_id, view.application_id)
    assert not isinstance(found, Refused)
    values = {one.name: one.value for one in found.origins}
    assert values["delay_months_latest"] is None
    assert values["delay_months_max"] == 0
    house.policies.put_in_force("origination", version)
    assert (await counter.apply(delay_months_latest=5)).status == "declined"
    assert view.status != "declined"


@pytest.mark.parametrize(
    ("check", "counts"),
    [
        (a_check(Kind.COMPLETENESS, stop_ppm=1, member="lenders_count"), (3, 2)),
        (a_check(Kind.FRESHNESS, stop_ppm=1, days=2), (3, 0)),
        (a_check(Kind.UNIQUENESS, stop_ppm=1), (3, 0)),
        (a_check(Kind.DISTRIBUTION, stop_ppm=1, member="debt_monthly_minor"), (0, 0)),
        (a_check(Kind.AGREEMENT, stop_ppm=1, member="x", other="bureau"), (0, 0)),
    ],
)
async def test_each_kind_of_check_counts(
    house: House, check: Check, counts: tuple[int, int]
) -> None:
    await told(
        house,
        {"debt_monthly_minor": 5, "lenders_count": 2},
        {"debt_monthly_minor": 6},
        {"debt_monthly_minor": 70_000},
    )
    [found] = await run_checks(await with_checks(house, check))
    assert (found.cases, found.wrong) == counts
    # Too few cases conclude nothing.
    assert found.effect is (Effect.STOP if counts[1] else Effect.NONE)


async def test_a_distribution_that_moved_is_found(house: House, clock: TestClock) -> None:
    customer_id = await told(house, *({"debt_monthly_minor": 5} for _ in range(4)))
    clock.advance(timedelta(days=8))
    moved = [
        statement(customer_id, f"new-{n}", facts={"debt_monthly_minor": 900_000}) for n in range(4)
    ]
    async with house.database.transaction() as connection:
        await take(house, connection, moved)
    check = a_check(Kind.DISTRIBUTION, stop_ppm=500_000, member="debt_monthly_minor")
    [found] = await run_checks(await with_checks(house, check))
    assert (found.cases, found.wrong, found.effect) == (4, 4, Effect.STOP)


async def test_a_source_is_switched_on_by_two_people_and_off_by_one(house: House) -> None:
    wish = {"source": "third_party", "licence": "BJ-CB-7", "reason": "pilot"}
    unassessed = await switch_on(house, ANALYST, assessment=bytes(32), **wish)
    assert isinstance(unassessed, Refused)
    assert unassessed.code == "assessment_missing"
    assessment = await assessed(house, "third_party", by=ANALYST, approver=COMPLIANCE)
    missing = await switch_on(house, ANALYST, assessment=assessment, **wish)
    assert isinstance(missing, Refused)
    assert missing.refusal is APPROVAL_MISSING
    unlicensed = await request_switch(
        house, ANALYST, assessment=assessment, **{**wish, "licence": " "}
    )
    assert isinstance(unlicensed, Refused)
    assert unlicensed.code == "source_licence_missing"
    asked = await request_switch(house, ANALYST, assessment=assessment, **wish)
    assert isinstance(asked, Approval)
    await decide_approval(house, COMPLIANCE, asked.approval_id, is_approved=True, reason="read")
    assert not isinstance(await switch_on(house, ANALYST, assessment=assessment, **wish), Refused)
    async with house.database.connection() as connection:
        assert "third_party" in (await read_limits(house.registry, connection)).sources
    await switch_off(house, COMPLIANCE, source="third_party", reason="licence ended")
    await switch_off(house, COMPLIANCE, source="applicant", reason="form broken")
    async with house.database.connection() as connection:
        sources = (await read_limits(house.registry, connection)).sources
    assert not {"third_party", "applicant"} & set(sources)


async def test_the_end_of_a_purpose_stops_use_at_once_and_lists_what_used_it(house: House) -> None:
    counter = Counter(house)
    view = await counter.apply(debt_monthly_minor=5)
    await counter.apply()
    ended = await end_purpose(
        house, COMPLIANCE, name="debt_monthly_minor", purpose="origination", reason="no need"
    )
    assert isinstance(ended, list)
    assert [one.subject_id for one in ended] == [view.application_id]
    facts = await known(house, view.customer_id, ["debt_monthly_minor"], purpose="origination")
    assert facts.readings["debt_monthly_minor"].quality is Quality.ENDED
    other = await known(house, view.customer_id, ["debt_monthly_minor"], purpose="review")
    assert other.values == {"debt_monthly_minor": 5}
    async with house.database.connection() as connection:
        limits = await read_limits(house.registry, connection)
    deciding = house.policies.origination.policy
    assert limits.withheld_from(deciding.features, deciding.purpose) == {"debt_monthly_minor"}
    for name, purpose, refusal in (
        ("horoscope", "origination", FEATURE_NOT_FOUND),
        ("own_grade", "origination", PURPOSE_NOT_REGISTERED),
    ):
        refused = await end_purpose(house, COMPLIANCE, name=name, purpose=purpose, reason="x")
        assert isinstance(refused, Refused)
        assert refused.refusal is refusal


async def test_a_decision_is_followed_back_and_a_record_forward(house: House) -> None:
    view = await Counter(house).apply(debt_monthly_minor=5, lenders_count=2)
    record = ids.to_text(ids.APPLICATION, view.application_id)
    async with house.database.transaction() as connection:
        found = await lineage_of(house, connection, view.customer_id, view.application_id)
        assert not isinstance(found, Refused)
        origins = {one.name: one for one in found.origins}
        [event] = origins["debt_monthly_minor"].events
        assert (event.source, event.source_record) == ("applicant", f"{record}/contract")
        assert origins["age_years"].events[0].source == "identity"
        assert origins["income_monthly_minor"].events == ()
        touched = await touched_by(house, connection, view.customer_id, f"{record}/contract")
        assert [one.subject_id for one in touched] == [view.application_id]
        assert await touched_by(house, connection, view.customer_id, "nothing") == []
        draft = statement(
            view.customer_id, f"{record}/contract", facts={"lenders_count": 9},
            occurred_at=event.occurred_at,
        )  # fmt: skip
        await revise(house, connection, draft)
        [affected] = await affected_by(house, connection, view.customer_id, f"{record}/contract")
    assert affected.decision.outcome == "approved"
    assert affected.outcome == "declined"
    assert affected.changed == {"debt_monthly_minor": (5, None), "lenders_count": (2, 9)}


async def test_the_job_tells_and_checks_and_then_rests(house: House) -> None:
    view = await Counter(house).apply(debt_monthly_minor=5)
    job = features_job(house)
    assert await job.step() == 1
    assert await job.step() == 0
    await job.close()
    async with house.database.connection() as connection:
        events = (await read_events(connection, [view.customer_id]))[view.customer_id]
        sources = await quality_of_sources(house, connection)
    assert {"applicant", "identity", "own_model"} <= {event.source for event in events}
    assert [len(one.checks) > 0 for one in sources if one.source == "bureau"] == [True]


async def test_a_bad_record_gives_proposals_on_which_somebody_else_decides(house: House) -> None:
    view = await Counter(house).apply(debt_monthly_minor=5, lenders_count=2)
    customer_id = view.customer_id
    record = f"{ids.to_text(ids.APPLICATION, view.application_id)}/contract"
    async with house.database.transaction() as connection:
        await tell(house, connection, [customer_id])
        events = (await read_events(connection, [customer_id]))[customer_id]
        said = [one for one in events if one.source_record == record]
        [event] = [one for one in said if one.kind == "statement"]
        draft = statement(
            customer_id, record, facts={"lenders_count": 9}, occurred_at=event.occurred_at
        )
        await revise(house, connection, draft)

    async def find(**said: Any) -> Any:
        given: dict[str, Any] = {
            "customer_id": customer_id,
            "source_record": record,
            "reason": "typing error",
        }
        return await correct_record(house, COMPLIANCE, **given | said)

    assert (await find(reason=" ")).code == "reveal_reason_missing"
    assert (await find(customer_id=1)).code == "customer_not_found"
    assert await find(source_record="nothing") == []
    [found] = await find()
    assert (found.was, found.is_now, found.remedy) == ("approved", "declined", Remedy.REVIEW_LINE)
    assert found.changed == ("debt_monthly_minor", "lenders_count")
    assert found.policy_hash == house.policies.origination.policy.hash
    touched = await reports_touched(house, [found])
    month = house.clock.now().date().replace(day=1)
    assert [(one.report, one.month, one.applications_count) for one in touched] == [
        (report, month, 1) for report in Report
    ]
    # What ends alike is counted alike.
    assert await reports_touched(house, [replace(found, is_now=found.was)]) == []

    async def end(actor: Actor, **said: Any) -> Any:
        given: dict[str, Any] = {"customer_id": customer_id, "correction_id": found.correction_id}
        given |= {"is_taken": True, "reason": "seen"}
        return await end_correction(house, actor, **given | said)

    other = replace(COMPLIANCE, name="another")
    assert (await end(COMPLIANCE)).code == "correction_own"
    assert (await end(other, correction_id=1)).code == "correction_not_open"
    assert await corrections_waiting(house) == [found]
    assert await end(other) == found
    assert (await end(other)).code == "correction_not_open"
    assert await corrections_waiting(house, customer_id=customer_id) == []


class TwoLenders:
    """The shipped products, and one more lender that offers the same."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def all(self) -> tuple[Terms, ...]:
        other = [replace(one, lender_id="lender-two") for one in self._catalogue.all()]
        return (*self._catalogue.all(), *other)

    def terms(self, code: str, version: int) -> Terms:
        return self._catalogue.terms(code, version)


async def test_a_profile_does_not_cross_lenders_without_consent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await Counter(house).apply(debt_monthly_minor=5)
    asked: list[tuple[str, str]] = []

    async def consented(*_: object, purpose: str, recipient: str) -> list[str]:
        asked.append((purpose, recipient))
        return ["a consent"]

    async def known_to(house: House, lender_id: str) -> set[str]:
        found = await staff_profile(
            house, COMPLIANCE, view.customer_id, purpose="complaint", lender_id=lender_id
        )
        assert not isinstance(found, Refused), found
        return {one.feature.name for one in found.traits if one.value is not None}

    alone = await known_to(house, "lender-one")
    assert alone
    both = replace(house, catalogue=TwoLenders(house.catalogue))  # type: ignore[arg-type]
    # Everything came with an application to the first.
    assert await known_to(both, "lender-one") == alone
    assert await known_to(both, "lender-two") == set()

    async def learned_by(lender_id: str) -> int:
        pages = values_by_day(
            both, ["debt_monthly_minor"], [TODAY], purpose=None, lender_id=lender_id
        )
        return sum([page.height async for page in pages])

    assert (await learned_by("lender-one"), await learned_by("lender-two")) == (1, 0)
    # A party that bears the lender's code, and the customer's consent with it as recipient.
    monkeypatch.setattr(profile_lenders, "_legal_id", lambda *_: "two.example")
    assert await known_to(both, "lender-two") == set()
    monkeypatch.setattr(profile_lenders, "usable_consents", consented)
    assert await known_to(both, "lender-two") == alone
    assert set(asked) == {("profile_sharing", "two.example")}
    assert await learned_by("lender-two") == 1

    async def everybody(_: object, customer_ids: Sequence[int]) -> frozenset[int]:
        return frozenset(customer_ids)

    monkeypatch.setattr(feature_history, "restricted_among", everybody)
    assert await learned_by("lender-one") == 0
