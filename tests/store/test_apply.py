"""From an application to an accepted offer: what is written, once, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from tests.store.applicants import CLEAN
from tests.store.application_desk import (
    PRODUCT,
    accept,
    code_of,
    count,
    open_counter,
    registered,
    stored,
    submit,
    submitted,
)

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Asked, Outcome
from counterfoil.decisioning.replay import leaf_facts, record_of, replay
from counterfoil.evidence.leaf import DOMAIN
from counterfoil.evidence.staging import NOTHING_WITNESSED, canonical_body
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.applying.trial import TrialView, trial_limit
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.deciding.decide import ask
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer

#: What the house itself knows of a first application for cash.
OWN = {"own_lines_count": 0, "is_scene_line": False}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_counter(database_url, tmp_path) as opened:
        yield opened


async def test_an_application_is_decided_and_written_with_its_decision(house: House) -> None:
    view = await submitted(house)
    assert (view.status, view.grade, view.limit_minor) == ("approved", "A", 500_000)
    assert view.valid_until == date(2026, 2, 4)
    application = await stored(house, view)
    assert application.status is Status.APPROVED
    assert application.policy_hash == house.policies.origination.policy.hash
    assert application.tenors_months == view.tenors_months
    assert application.reasons == view.reasons
    async with house.database.connection() as connection:
        [(key, by_person, record)] = await decisions.read_recorded(connection, page=10)
        policy = await decisions.read_policy_version(connection, record.policy_hash)
        page = await decisions.read_applications(connection, page=5, status=Status.APPROVED)
        mine = await decisions.read_applications_of(connection, view.customer_id)
    assert policy is not None
    assert (key, by_person) == ((view.customer_id, view.application_id, 1), None)
    assert replay(policy, record).is_same
    assert page == mine == [application]
    # The record names by which versions it was made: policy with its model, features, rule pack.
    asked = orjson.loads(record.inputs)["asked"]
    assert asked["feature_registry"] == house.registry.sha256
    assert asked["rule_pack"].startswith("cn-")


async def test_the_age_comes_from_the_vault(house: House) -> None:
    await submitted(house)
    async with house.database.connection() as connection:
        [(_, _, record)] = await decisions.read_recorded(connection, page=10)
    assert orjson.loads(record.inputs)["features"]["age_years"] == 35


async def test_the_leaf_commits_to_the_decision(house: House) -> None:
    view = await submitted(house)
    decision = house.policies.origination.policy.decide(
        {**CLEAN, **OWN, "age_years": 35, "purpose": "travel"},
        apply_asked(house, await house.business_date()),
    )
    async with house.database.connection() as connection:
        leaf = await connection.fetchrow(
            "SELECT salt, commitment, leaf_type, created, body "
            "FROM evidence.leaf_staged WHERE leaf_id = $1",
            view.application_id,
        )
    model = house.policies.origination.policy.model_sha256
    facts = leaf_facts(view.application_id, record_of(decision), model=model, by_person=None)
    body = canonical_body({"decision": facts}, created=leaf["created"], witnessed=NOTHING_WITNESSED)
    assert leaf["body"] == body
    assert leaf["leaf_type"] == 8
    assert leaf["commitment"] == sha256(DOMAIN + b"\x08" + leaf["salt"] + body).digest()


def apply_asked(house: House, on: date) -> Asked:
    asked = ask(house, house.policies.origination.policy, PRODUCT, None, on=on)
    assert not isinstance(asked, Refused)
    return asked


async def test_the_same_key_decides_once_and_answers_the_same(house: House) -> None:
    first = await submitted(house)
    again = await submit(house, first.customer_id)
    assert isinstance(again, ApplicationView)
    assert again.is_replay
    assert again.application_id == first.application_id
    assert again.reasons == first.reasons
    assert code_of(await submit(house, first.customer_id, purpose="other")) == (
        "idempotency_key_reused"
    )
    assert await count(house, "decisioning.decision") == 1


async def test_a_second_open_application_is_refused(house: House) -> None:
    view = await submitted(house)
    assert code_of(await submit(house, view.customer_id, "a2")) == "application_already_open"
    await apply.withdraw_application(
        house, customer_id=view.customer_id, application_id=view.application_id
    )
    assert isinstance(await submit(house, view.customer_id, "a3"), ApplicationView)


async def test_twins_at_the_same_moment_apply_once(house: House) -> None:
    customer_id = await registered(house)
    answers = await asyncio.gather(
        *(submit(house, customer_id) for _ in range(4)),
        *(submit(house, customer_id, f"other-{n}") for n in range(4)),
    )
    views = [answer for answer in answers if isinstance(answer, ApplicationView)]
    assert len({view.application_id for view in views}) == 1
    refused = {answer.code for answer in answers if isinstance(answer, Refused)}
    assert refused <= {"application_already_open"}
    assert await count(house, "decisioning.application") == 1
    assert await count(house, "evidence.leaf_staged") == 1


async def test_whoever_was_declined_may_apply_again(house: House) -> None:
    view = await submitted(house, delay_months_latest=3)
    assert view.status == "declined"
    assert view.limit_minor == 0
    assert isinstance(await submit(house, view.customer_id, "a2"), ApplicationView)


async def test_what_cannot_be_decided_is_refused(house: House) -> None:
    customer_id = await registered(house)
    for answer, code in (
        (await submit(house, 999), "customer_not_found"),
        (await submit(house, customer_id, product_code="no-such"), "product_not_offered"),
        (await submit(house, customer_id, requested_minor=1), "requested_out_of_range"),
        (await submit(house, customer_id, sex=1), "fact_not_declared"),
        (await submit(house, customer_id, history_months=-1), "fact_out_of_range"),
    ):
        assert code_of(answer) == code
    assert await count(house, "decisioning.application") == 0


async def test_a_restricted_customer_gets_no_credit(house: House) -> None:
    customer_id = await registered(house)
    async with house.database.transaction() as connection:
        await connection.execute("UPDATE customers.customer SET status = 'restricted'")
    assert code_of(await submit(house, customer_id)) == "customer_not_active"


async def test_a_trial_says_the_same_and_leaves_no_footprint(house: House) -> None:
    trial = await trial_limit(
        house, product_code=PRODUCT, purpose="travel", facts=CLEAN, age_years=35
    )
    assert isinstance(trial, TrialView)
    for table in ("decisioning.application", "decisioning.decision", "evidence.leaf_staged"):
        assert await count(house, table) == 0
    view = await submitted(house)
    assert (trial.outcome, trial.limit_minor, trial.rate_daily_e8) == (
        view.status,
        view.limit_minor,
        view.rate_daily_e8,
    )


# ------------------------------------------------------------------ referral


async def test_a_person_approves_what_was_referred(house: House) -> None:
    view = await submitted(house, is_student=True)
    assert view.status == "referred"
    assert code_of(await accept(house, view)) == "application_not_open"
    decided = await apply.decide_referred(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        by="li.wei",
        outcome=Outcome.APPROVED,
        reason="second repayment source seen",
    )
    assert isinstance(decided, Application)
    assert decided == await stored(house, view)
    async with house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT decided_by, outcome, reason FROM decisioning.decision ORDER BY decision_no"
        )
        [said, ended] = await decisions.read_recorded(connection, page=10)
    assert [tuple(row) for row in rows] == [
        ("policy", "referred", None),
        ("li.wei", "approved", "second repayment source seen"),
    ]
    assert (said[1], ended[1]) == (None, Outcome.APPROVED)
    assert said[2] == ended[2]
    assert await count(house, "evidence.leaf_staged") == 2
    assert isinstance(await accept(house, view), Answer)


async def test_a_person_needs_a_reason(house: House) -> None:
    view = await submitted(house, is_student=True)
    refused = await apply.decide_referred(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        by="li.wei",
        outcome=Outcome.DECLINED,
        reason="",
    )
    assert code_of(refused) == "decision_reason_missing"
    assert (await stored(house, view)).status is Status.REFERRED


# ------------------------------------------------------------------ acceptance


async def test_an_accepted_offer_is_a_line(house: House) -> None:
    view = await submitted(house)
    answer = await accept(house, view)
    assert isinstance(answer, Answer)
    line = orjson.loads(answer.text)
    assert line["limit_minor"] == view.limit_minor
    assert line["rate_daily_e8"] == view.rate_daily_e8
    application = await stored(house, view)
    assert application.status is Status.ACCEPTED
    assert application.line_id == view.application_id
    assert await count(house, "lending.credit_line") == 1


async def test_accepting_again_is_the_same_line(house: House) -> None:
    view = await submitted(house)
    first, again = await accept(house, view), await accept(house, view)
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert first.text == again.text
    assert code_of(await accept(house, view, "o2")) == "line_exists"
    assert (await stored(house, view)).status is Status.ACCEPTED


async def test_twins_accept_once(house: House) -> None:
    view = await submitted(house)
    answers = await asyncio.gather(*(accept(house, view, f"o{n}") for n in range(5)))
    assert sum(isinstance(answer, Answer) for answer in answers) == 1
    assert (await stored(house, view)).status is Status.ACCEPTED
    assert await count(house, "lending.credit_line") == 1


async def test_an_acceptance_that_leads_to_no_line_is_taken_back(house: House) -> None:
    view = await submitted(house)
    assert isinstance(await accept(house, view, day=31), Refused)
    assert (await stored(house, view)).status is Status.APPROVED
    assert isinstance(await accept(house, view, "o2"), Answer)


async def test_after_a_crash_before_the_line_accepting_again_opens_it(house: House) -> None:
    view = await submitted(house)
    await sign_for_sandbox(house, [(view.customer_id, view.application_id)])
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE decisioning.application SET status = 'accepted', line_id = application_id"
        )
    assert isinstance(await accept(house, view), Answer)


async def test_nobody_accepts_for_somebody_else(house: House) -> None:
    view = await submitted(house)
    stranger = await apply.accept_offer(
        house,
        customer_id=view.customer_id + 1,
        application_id=view.application_id,
        repayment_day=1,
        idempotency_key="o1",
    )
    assert code_of(stranger) == "application_not_found"


async def test_offers_expire_after_their_last_day(house: House) -> None:
    view = await submitted(house)
    now = house.clock.now()
    async with house.database.transaction() as connection:
        on_time = await decisions.expire_offers(connection, business_date=date(2026, 2, 4), at=now)
        late = await decisions.expire_offers(connection, business_date=date(2026, 2, 5), at=now)
    assert (on_time, late) == ([], [(view.customer_id, view.application_id)])
    assert code_of(await accept(house, view)) == "application_not_open"
