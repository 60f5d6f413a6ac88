"""From registration to an accepted offer: what is written, once, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from counterfoil.customers import store as customers
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Asked, Outcome
from counterfoil.decisioning.replay import leaf_facts, record_of, replay
from counterfoil.evidence.leaf import DOMAIN
from counterfoil.evidence.staging import NOTHING_WITNESSED, canonical_body
from counterfoil.journeys import accept_many, apply, enrol, recheck
from counterfoil.journeys import register as registering
from counterfoil.journeys.accept_many import Acceptance
from counterfoil.journeys.apply import ApplicationView
from counterfoil.journeys.contract_bulk import sign_for_sandbox
from counterfoil.journeys.decide import ask
from counterfoil.journeys.enrol import NewApplicant
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.recheck import Recheck, recheck_decisions
from counterfoil.journeys.register import ApplicantView
from counterfoil.journeys.trial import TrialView, trial_limit
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.platform.queries import Query
from counterfoil.platform.settings import Settings
from counterfoil.simulator.people import invent

TODAY = date(2026, 1, 5)
NAME, ID_NUMBER, PHONE = "王小明", "119900199003077876", "13800138000"
CLEAN = {
    "is_student": False,
    "history_months": 6,
    "delay_months_latest": 0,
    "delay_months_max": 0,
    "late_months_count": 0,
    "unpaid_months_count": 0,
    "utilisation_ppm": 500_000,
    "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 5_000_000,
}
#: What the house itself knows of a first application for cash.
OWN = {"own_lines_count": 0, "is_scene_line": False}
PRODUCT = "cash-line-open"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=TODAY) as opened:
        yield opened


async def register(house: House, key: str = "r1", **changes: str) -> ApplicantView | Refused:
    particulars = {"name": NAME, "id_number": ID_NUMBER, "phone": PHONE} | changes
    return await registering.register_applicant(
        house,
        name=particulars["name"],
        id_number=particulars["id_number"],
        phone=particulars["phone"],
        idempotency_key=key,
    )


async def registered(house: House) -> int:
    applicant = await register(house)
    assert isinstance(applicant, ApplicantView), applicant
    return applicant.customer_id


async def submit(
    house: House,
    customer_id: int,
    key: str = "a1",
    *,
    requested_minor: int | None = None,
    purpose: str = "travel",
    product_code: str = PRODUCT,
    **facts: int | bool | str | None,
) -> ApplicationView | Refused:
    return await apply.submit_application(
        house,
        customer_id=customer_id,
        product_code=product_code,
        requested_minor=requested_minor,
        purpose=purpose,
        facts=CLEAN | facts,
        idempotency_key=key,
    )


async def submitted(house: House, **facts: int | bool | str | None) -> ApplicationView:
    view = await submit(house, await registered(house), **facts)  # type: ignore[arg-type]
    assert isinstance(view, ApplicationView), view
    return view


async def accept(
    house: House, view: ApplicationView, key: str = "o1", *, day: int = 15
) -> Answer | Refused:
    """Sign the agreement where there is an offer, then take it."""
    await sign_for_sandbox(house, [(view.customer_id, view.application_id)])
    return await apply.accept_offer(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        repayment_day=day,
        idempotency_key=key,
    )


async def stored(house: House, view: ApplicationView) -> Application:
    async with house.database.connection() as connection:
        application = await decisions.read_application(
            connection, customer_id=view.customer_id, application_id=view.application_id
        )
    assert application is not None
    return application


async def count(house: House, table: str) -> int:
    async with house.database.connection() as connection:
        number: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return number


def code_of(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


# ------------------------------------------------------------------ registration


async def test_a_person_becomes_a_number(house: House) -> None:
    customer_id = await registered(house)
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, customer_id)
        assert customer is not None
        assert customer.status == "active"
        assert await customers.read_customers(connection, page=10) == [customer]


async def test_the_same_key_registers_once(house: House) -> None:
    first = await register(house)
    second = await register(house, phone="+86 138 0013 8000")
    assert isinstance(first, ApplicantView)
    assert isinstance(second, ApplicantView)
    assert first.customer_id == second.customer_id
    assert (first.is_replay, second.is_replay) == (False, True)
    assert await count(house, "customers.customer") == 1


async def test_a_key_is_for_one_request(house: House) -> None:
    await registered(house)
    assert code_of(await register(house, name="王晓明")) == "idempotency_key_reused"


async def test_a_second_registration_of_a_number_needs_a_person(house: House) -> None:
    await registered(house)
    assert code_of(await register(house, key="r2")) == "identity_needs_check"
    assert code_of(await register(house, key="r3", name="李雷")) == "identity_needs_check"
    assert await count(house, "customers.customer") == 1
    assert await count(house, "platform.command") == 1


async def test_twins_at_the_same_moment_register_once(house: House) -> None:
    same_key = await asyncio.gather(*(register(house) for _ in range(5)))
    numbers = {view.customer_id for view in same_key if isinstance(view, ApplicantView)}
    assert len(numbers) == 1
    other_keys = await asyncio.gather(*(register(house, key=f"x{n}") for n in range(3)))
    assert {code_of(answer) for answer in other_keys} == {"identity_needs_check"}
    assert await count(house, "privacy.data_key") == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "name_invalid"),
        ({"id_number": "119900199003077871"}, "id_number_invalid"),
        ({"phone": "12345"}, "phone_invalid"),
    ],
)
async def test_malformed_particulars_leave_nothing_behind(
    house: House, changes: dict[str, str], code: str
) -> None:
    assert code_of(await register(house, **changes)) == code
    assert await count(house, "customers.customer") == 0
    assert await count(house, "platform.command") == 0


async def test_without_keys_registration_waits_and_nothing_is_lost(
    house: House, tmp_path: Path
) -> None:
    key = tmp_path / "keys" / "wrapping-0001.key"
    key.rename(key.with_suffix(".away"))
    assert code_of(await register(house)) == "key_service_unavailable"
    assert await count(house, "customers.customer") == 0
    key.with_suffix(".away").rename(key)
    assert isinstance(await register(house), ApplicantView)


async def test_a_recorded_request_does_not_give_the_person_away(house: House) -> None:
    await registered(house)
    async with house.database.connection() as connection:
        row = await connection.fetchrow("SELECT request_hash, answer FROM platform.command")
    # The hash is taken of a keyed digest: nobody can try out identity numbers against it.
    guess = sha256(ID_NUMBER.encode()).digest()
    assert row["request_hash"] != guess[:16]
    assert set(orjson.loads(row["answer"])) == {"customer_id"}


# ------------------------------------------------------------------ application


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
    facts = leaf_facts(view.application_id, record_of(decision), by_person=None)
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


# ------------------------------------------------------------------ many at once


def applicants(number: int) -> list[NewApplicant]:
    return [
        NewApplicant(
            name=item.name,
            id_number=item.id_number,
            phone=item.phone,
            purpose=item.purpose,
            facts=item.facts,
        )
        for item in invent(number, seed=11, on=TODAY)
    ]


async def test_many_are_taken_on_in_sets_as_if_one_by_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrol, "PERSONS_AT_ONCE", 40)
    people = applicants(100)
    people[3] = NewApplicant(name="", id_number="", phone="", purpose="travel", facts={})
    people[70] = people[5]
    answers = await enrol.enrol(house, people, product_code=PRODUCT)
    assert code_of(answers[3]) == "name_invalid"
    assert code_of(answers[70]) == "identity_needs_check"
    kept = [answer for answer in answers if isinstance(answer, Application)]
    assert len(kept) == 98
    assert {item.status for item in kept} >= {Status.APPROVED, Status.DECLINED}
    for place in (0, 99):
        application = answers[place]
        assert isinstance(application, Application)
        async with house.database.connection() as connection:
            assert application == await decisions.read_application(
                connection,
                customer_id=application.customer_id,
                application_id=application.application_id,
            )
    async with house.database.connection() as connection:
        rows = await decisions.read_recorded(connection, page=200)
    assert len(rows) == 98
    assert all(replay(house.policies.origination.policy, record).is_same for _, _, record in rows)
    assert all(by_person is None for _, by_person, _ in rows)
    for table, rows_count in (
        ("customers.customer", 98),
        ("privacy.data_key", 196),
        ("privacy.blind_index", 196),
        ("evidence.leaf_staged", 98),
    ):
        assert await count(house, table) == rows_count
    # An interrupted run can simply be started again.
    again = await enrol.enrol(house, people, product_code=PRODUCT)
    assert {code_of(answer) for answer in again} == {"name_invalid", "identity_needs_check"}


async def test_many_offers_are_taken_each_with_its_own_answer(house: House) -> None:
    answers = await enrol.enrol(house, applicants(40), product_code=PRODUCT)
    offers = [item for item in answers if isinstance(item, Application) and item.is_open]
    wishes = [
        Acceptance(
            customer_id=item.customer_id,
            application_id=item.application_id,
            repayment_day=31 if number == 2 else 15,
            idempotency_key=f"o{number}",
        )
        for number, item in enumerate(offers)
    ]
    wishes.append(Acceptance(customer_id=1, application_id=1, repayment_day=1, idempotency_key="x"))
    unsigned = await accept_many.accept_offers(house, wishes)
    assert {code_of(answer) for answer in unsigned[:-1]} == {"contract_not_signed"}
    await sign_for_sandbox(house, [(wish.customer_id, wish.application_id) for wish in wishes])
    taken = await accept_many.accept_offers(house, wishes)
    assert code_of(taken[-1]) == "application_not_found"
    assert isinstance(taken[2], Refused)
    assert sum(isinstance(answer, Answer) for answer in taken) == len(offers) - 1
    async with house.database.connection() as connection:
        page = await decisions.read_applications(connection, page=100, status=Status.APPROVED)
    assert [item.application_id for item in page] == [offers[2].application_id]


async def test_sets_do_not_cost_statements_by_the_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    run = Query.arguments

    def noted(query: Query, values: Mapping[str, object]) -> tuple[object, ...]:
        # The date is asked for anew when a second has passed, however many people there are.
        if query.name != "business_date":
            statements.append(query.name)
        return run(query, values)

    monkeypatch.setattr(Query, "arguments", noted)
    people = applicants(60)
    await enrol.enrol(house, people[:10], product_code=PRODUCT)
    few = statements.copy()
    statements.clear()
    await enrol.enrol(house, people[10:], product_code=PRODUCT)
    assert statements == few
    assert len(few) == 18


# ------------------------------------------------------------------ decided again


async def test_every_decision_comes_out_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "PAGE_DECISIONS", 7)
    await enrol.enrol(house, applicants(30), product_code=PRODUCT)
    async with house.database.connection() as connection:
        assert await recheck_decisions(connection) == Recheck(examined=30, findings=())


@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        (
            "UPDATE decisioning.decision SET result = replace(result, '500000', '600000')",
            "decided again it differs in: candidates, limit_minor",
        ),
        (
            "UPDATE decisioning.decision SET inputs = replace(inputs, '500000', '990000')",
            "decided again it differs in: contributions, points",
        ),
        (
            "UPDATE decisioning.policy_version SET document = replace(document, '650', '651')",
            "is missing or altered",
        ),
        ("DELETE FROM decisioning.policy_version", "is missing or altered"),
        ("UPDATE decisioning.policy_version SET document = '{}'", "is missing or altered"),
    ],
)
async def test_a_decision_that_was_tampered_with_is_found(
    house: House, tampering: str, what: str
) -> None:
    view = await submitted(house)
    async with house.database.transaction() as connection:
        await connection.execute(tampering)
        found = await recheck_decisions(connection)
    [finding] = found.findings
    assert finding.application_id == view.application_id
    assert what in finding.what
