"""A person's look at what a machine decided: asked for, concluded, made good, counted."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store import raise_desk
from tests.store.applicants import Counter

from counterfoil.decisioning import limit_request_store, review_store
from counterfoil.decisioning.redecision import Correction
from counterfoil.decisioning.review import About, Review, State
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.deciding import review, review_deciding
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.deciding.review_figures import overturned_ppm, read_figures, watch_reviews
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.settings import Settings

TODAY = date(2026, 1, 5)
#: Late in four months: declined by a rule of risk.
LATE: dict[str, Any] = {"late_months_count": 4}
PERSON = Actor(name="li-wei", role="compliance", source="console test")
OTHER = Actor(name="sun-yu", role="risk_analyst", source="console test")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path, policy_review_cases_min=2)
    async with open_house(settings, database_url, clock=clock, first_date=TODAY) as opened:
        yield opened


async def asked(house: House, view: ApplicationView, said: str = "") -> Review:
    wish = review.ReviewWish(
        customer_id=view.customer_id,
        about=About.APPLICATION,
        subject_id=view.application_id,
        said=said,
        by="api:shop",
    )
    found = await review.ask_review(house, wish)
    assert isinstance(found, Review), found
    return found


async def overturn(
    house: House, of: Review, actor: Actor = PERSON, **correction: Any
) -> Review | Refused:
    wish = review_deciding.Overturning(
        customer_id=of.customer_id,
        review_id=of.review_id,
        reason="payslips and settlements seen",
        correction=Correction(**correction),
    )
    return await review_deciding.overturn(house, actor, wish)


async def uphold(house: House, of: Review, actor: Actor = PERSON) -> Review | Refused:
    return await review.uphold(
        house, actor, customer_id=of.customer_id, review_id=of.review_id, reason="it is right"
    )


async def everything_holds(house: House) -> None:
    checks = (await check_books(house.database, house.catalogue)).checks
    assert checks["evidence_leaves"].examined
    assert checks["evidence_leaves"].exceptions == []
    async with house.database.connection() as connection:
        assert (await recheck_decisions(connection, house.catalogue)).findings == ()


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


async def test_a_declined_case_is_approved_by_a_person_with_the_offer_of_the_policy(
    house: House,
) -> None:
    desk = Counter(house)
    view = await desk.apply(**LATE)
    assert (view.status, view.reasons) == ("declined", ("DLQ_RECENT",))
    opened = await asked(house, view, "我的电话 13800138000，贷款都还清了")
    # Five working days after a Monday are a week.
    assert (opened.state, opened.due_on) == (State.WAITING, date(2026, 1, 12))
    assert "13800138000" not in opened.said
    assert (await asked(house, view, "again")).review_id == opened.review_id

    done = await overturn(house, opened, facts={"late_months_count": 0})
    assert isinstance(done, Review), done
    assert (done.state, done.events[-1].person) == (State.OVERTURNED, "li-wei")
    after = await desk.stored(view)
    fresh = await desk.apply(late_months_count=0)
    assert (after.status, after.decided_by) == ("approved", "li-wei")
    assert (after.limit_minor, after.rate_daily_e8, after.tenors_months, after.grade) == (
        fresh.limit_minor,
        fresh.rate_daily_e8,
        fresh.tenors_months,
        fresh.grade,
    )
    assert after.valid_until == date(2026, 2, 4)
    await desk.accept(view)
    assert (await desk.stored(view)).status == "accepted"
    await everything_holds(house)


async def test_both_records_stay_and_the_one_of_the_person_has_its_own_inputs(
    house: House,
) -> None:
    desk = Counter(house)
    view = await desk.apply(**LATE)
    opened = await asked(house, view)
    assert isinstance(await overturn(house, opened, set_aside=("R02",)), Review)
    case = await read(house, view)
    first, second = case.taken
    assert (first.decided_by, first.outcome) == ("policy", "declined")
    assert (second.decided_by, second.outcome) == ("li-wei", "approved")
    inputs, result = orjson.loads(second.stored.inputs), orjson.loads(second.stored.result)
    assert inputs["guards"]["snoozed"] == ["R02"]
    assert result["verdicts"]["R02"] == "true"
    assert orjson.loads(first.stored.inputs).get("guards") is None


async def read(house: House, view: ApplicationView) -> review.Case:
    async with house.database.connection() as connection:
        case = await review.read_case(
            connection, view.customer_id, About.APPLICATION, view.application_id
        )
    assert isinstance(case, review.Case)
    return case


async def test_nobody_offers_more_than_the_policy_and_a_refusal_changes_nothing(
    house: House,
) -> None:
    desk = Counter(house)
    view = await desk.apply(**LATE)
    opened = await asked(house, view)
    assert code_of(await overturn(house, opened)) == "nothing_to_offer"
    assert code_of(await overturn(house, opened, set_aside=("E01",))) == "rule_not_set_aside"
    assert code_of(await overturn(house, opened, set_aside=("Z99",))) == "rule_not_set_aside"
    assert code_of(await overturn(house, opened, facts={"shoe": 1})) == "fact_not_declared"
    wrong = {"late_months_count": 6}
    assert code_of(await overturn(house, opened, facts=wrong)) == "fact_out_of_range"
    assert (await desk.stored(view)).status == "declined"
    assert len((await read(house, view)).taken) == 1
    collector = Actor(name="bo", role="collector", source="console test")
    assert code_of(await uphold(house, opened, collector)) == "reviewer_not_allowed"
    done = await uphold(house, opened)
    assert isinstance(done, Review)
    assert (await desk.stored(view)).status == "declined"
    assert code_of(await uphold(house, opened)) == "review_not_open"
    await everything_holds(house)


async def test_an_offer_is_only_replaced_by_a_better_one(house: House) -> None:
    desk = Counter(house)
    view = await desk.apply(utilisation_ppm=800_000, delay_months_latest=1)
    assert view.status == "approved"
    opened = await asked(house, view)
    assert code_of(await overturn(house, opened)) == "review_changes_nothing"
    assert isinstance(await overturn(house, opened, facts={"delay_months_latest": 0}), Review)
    after = await desk.stored(view)
    assert after.limit_minor is not None
    assert after.rate_daily_e8 is not None
    assert view.rate_daily_e8 is not None
    assert (after.limit_minor, -after.rate_daily_e8) > (view.limit_minor, -view.rate_daily_e8)
    await everything_holds(house)


async def test_only_what_a_machine_decided_is_reviewed(house: House) -> None:
    desk = Counter(house)
    student = await desk.apply(is_student=True)
    wish = review.ReviewWish(
        customer_id=student.customer_id,
        about=About.APPLICATION,
        subject_id=student.application_id,
        said="",
        by="api:shop",
    )
    assert code_of(await review.ask_review(house, wish)) == "review_nothing_decided"
    unknown = review.ReviewWish(
        customer_id=student.customer_id,
        about=About.LIMIT_REQUEST,
        subject_id=1,
        said="",
        by="api:shop",
    )
    assert code_of(await review.ask_review(house, unknown)) == "limit_request_not_found"


async def test_neither_the_author_nor_the_decider_reviews(house: House) -> None:
    desk = Counter(house)
    view = await desk.apply(**LATE)
    opened = await asked(house, view)
    async with house.database.transaction() as connection:
        await publish_by(connection, opened.policy_hash, author="api:tool:li-wei")
    assert code_of(await overturn(house, opened, set_aside=("R02",))) == "reviewer_wrote_policy"
    assert code_of(await uphold(house, opened)) == "reviewer_wrote_policy"
    assigned = await review.assign_review(
        house, PERSON, customer_id=view.customer_id, review_id=opened.review_id, to="li-wei"
    )
    assert code_of(assigned) == "reviewer_wrote_policy"
    # Nor does the author end it in the customer's name; who may is told to the customer.
    key: dict[str, Any] = {
        "customer_id": view.customer_id,
        "review_id": opened.review_id,
        "reason": "by telephone",
    }
    assert code_of(await review.withdraw_at_wish(house, PERSON, **key)) == "reviewer_wrote_policy"
    collector = Actor(name="bo", role="collector", source="console test")
    assert code_of(await review.withdraw_at_wish(house, collector, **key)) == "reviewer_not_allowed"
    for _ in range(2):
        ended = await review.withdraw_at_wish(house, OTHER, **key)
        assert isinstance(ended, Review)
        assert ended.state == "withdrawn"
    assert await heard(house, "review_withdrawn") == 1
    opened = await asked(house, view)
    assert isinstance(await uphold(house, opened, OTHER), Review)


async def heard(house: House, kind: str) -> int:
    """Return how often customers are to be told of something."""
    async with house.database.connection() as connection:
        driver: Any = connection
        found: int = await driver.fetchval(
            "SELECT count(*) FROM platform.outbox WHERE kind = $1", kind
        )
    return found


async def publish_by(connection: Any, policy_hash: str, *, author: str) -> None:
    """Write a publication as if the shipped version had been somebody's."""
    await connection.execute(
        "INSERT INTO decisioning.policy_gate VALUES (1, $1, $2, '{}', true, $3, now())",
        policy_hash,
        bytes(32),
        author,
    )
    await connection.execute(
        """INSERT INTO decisioning.policy_publication
        (publication_id, policy_hash, gate_id, approval_id, author, approver, published_at)
        VALUES (1, $1, 1, 1, $2, 'somebody-else', now())""",
        policy_hash,
        author,
    )


async def test_a_task_belongs_to_whom_it_was_given(house: House) -> None:
    desk = Counter(house)
    opened = await asked(house, await desk.apply(**LATE))
    key = {"customer_id": opened.customer_id, "review_id": opened.review_id}
    given = await review.assign_review(house, PERSON, **key, to="sun-yu")
    assert isinstance(given, Review)
    assert given.assigned_to == "sun-yu"
    assert code_of(await uphold(house, opened)) == "review_assigned_to_other"
    back = await review.assign_review(house, OTHER, **key, to="")
    assert isinstance(back, Review)
    assert (back.state, back.assigned_to) == (State.WAITING, None)
    assert isinstance(await uphold(house, opened), Review)


async def test_a_declined_raise_is_approved_by_a_person(house: House) -> None:
    customer_id = house.ids.next()
    line_id = await raise_desk.open_line(house, customer_id)
    worried = {
        "delay_months_latest": 3,
        "late_months_count": 0,
        "credit_elsewhere_minor": 10_000_000,
        "balance_elsewhere_minor": 2_000_000,
    }
    declined = await raise_desk.ask(house, raise_desk.wish(customer_id, line_id, facts=worried))
    assert not isinstance(declined, Refused)
    assert declined.status == "declined", declined.reasons
    opened = await review.ask_review(
        house,
        review.ReviewWish(
            customer_id=customer_id,
            about=About.LIMIT_REQUEST,
            subject_id=declined.request_id,
            said="",
            by="api:shop",
        ),
    )
    assert isinstance(opened, Review), opened
    done = await overturn(house, opened, facts={"delay_months_latest": 0})
    assert isinstance(done, Review), done
    async with house.database.connection() as connection:
        after = await limit_request_store.read_request(
            connection, customer_id=customer_id, request_id=declined.request_id
        )
    assert after is not None
    assert (after.status, after.decided_by, after.limit_minor) == ("approved", "li-wei", 800_000)
    assert not isinstance(await raise_desk.accept(house, after), Refused)
    await everything_holds(house)


async def test_figures_and_the_threshold_that_has_a_policy_looked_at(house: House) -> None:
    desk = Counter(house)
    first, second, third = [await asked(house, await desk.apply(**LATE)) for _ in range(3)]
    house.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined]
    await uphold(house, first)
    assert await watch_reviews(house) == 0
    await overturn(house, second, set_aside=("R02",))
    assert await watch_reviews(house) == 1
    assert await watch_reviews(house) == 0
    report = await read_figures(house, first_date=TODAY, last_date=TODAY)
    [count] = report.counts
    assert (count.requested, count.upheld, count.overturned, count.open) == (3, 1, 1, 1)
    assert (count.median_seconds, overturned_ppm(count)) == (10_800, 500_000)
    [looked_at] = report.policy_reviews
    assert (looked_at.reviewed, looked_at.overturned, looked_at.threshold_ppm) == (2, 1, 200_000)
    async with house.database.connection() as connection:
        [waiting] = await review_store.reviews_open(connection, page=10)
        assert waiting.review_id == third.review_id
        assert await review_store.review_load(connection, on=date(2026, 1, 13)) == (1, 1)
    text = house.metrics.exposition()[0].decode()
    assert 'counterfoil_reviews{state="open"} 1.0' in text
    assert "counterfoil_policies_overturned 1.0" in text


async def test_what_was_asked_and_done_is_only_added_to(house: House) -> None:
    desk = Counter(house)
    opened = await asked(house, await desk.apply(**LATE))
    await uphold(house, opened)
    for table in ("review", "review_event"):
        with pytest.raises(Exception, match="only added to"):
            async with house.database.transaction() as connection:
                await connection.execute(f"DELETE FROM decisioning.{table}")
