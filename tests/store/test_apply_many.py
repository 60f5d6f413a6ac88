"""Many applications at once, and every decision decided again."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.store.application_desk import (
    PRODUCT,
    applicants,
    code_of,
    count,
    open_counter,
    submitted,
)

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.replay import replay
from counterfoil.journeys.applying import accept_many, enrol
from counterfoil.journeys.applying.accept_many import Acceptance
from counterfoil.journeys.applying.enrol import NewApplicant
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.deciding import recheck
from counterfoil.journeys.deciding.recheck import Recheck, recheck_decisions
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.platform.queries import Query


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_counter(database_url, tmp_path) as opened:
        yield opened


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
        assert await recheck_decisions(connection, house.catalogue) == Recheck(
            examined=30, findings=()
        )


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
        found = await recheck_decisions(connection, house.catalogue)
    [finding] = found.findings
    assert finding.application_id == view.application_id
    assert what in finding.what
