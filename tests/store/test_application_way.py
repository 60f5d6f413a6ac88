"""What customers choose, supply and save on the way, and what is looked at before an offer."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import Counter
from tests.store.application_desk import PRODUCT, TODAY, code_of, open_counter
from tests.store.branch import an_opening
from tests.unit.decisioning.policies import document_of, rule

from counterfoil.customers.lesson_store import Lesson
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.draft_store import Draft
from counterfoil.decisioning.policy_parts import Protection
from counterfoil.decisioning.review import About
from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.applying import apply, draft, recheck_offer, supply
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.applying.expire import expire_applications
from counterfoil.journeys.applying.protections import protections_of
from counterfoil.journeys.applying.starter_path import note_lesson, read_starter_path
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.deciding import choose
from counterfoil.journeys.deciding.explain_decision import Explained, explain_decision
from counterfoil.journeys.deciding.policies import ORIGINATION, InForce
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.serving.tell_customers import notices_consumer, take_notices
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import RaiseLimit
from counterfoil.lending.line import Line
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_counter(database_url, tmp_path) as opened:
        yield opened


def asks_for_income(house: House) -> None:
    """Put a version in force that asks for an income where it does not know one."""
    document = document_of("base-2026-04")
    document["rules"].append(
        rule("A01", "income_monthly_minor > 0", "flag", on_unknown="ask", reason="INC_UNVER")
    )
    policy = policy_of(document | {"version": "test-asks"})
    house.policies.put_in_force(ORIGINATION, InForce(compiled=compile_python(policy)))


async def supplied(house: House, view: ApplicationView, **facts: Any) -> Application | Refused:
    return await supply.supply_facts(
        house, customer_id=view.customer_id, application_id=view.application_id, facts=facts
    )


async def accept(house: House, view: ApplicationView, key: str = "take") -> Answer | Refused:
    return await apply.accept_offer(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        repayment_day=15,
        idempotency_key=f"{key}-{view.application_id}",
    )


async def chosen(house: House, customer_id: int, choice: Choice, *, is_on: bool = True) -> None:
    done = await choose.choose(
        house, customer_id=customer_id, choice=choice, is_on=is_on, channel="api:shop"
    )
    assert not isinstance(done, Refused)


async def test_an_application_waits_for_what_it_asks_and_is_decided_again(house: House) -> None:
    asks_for_income(house)
    desk = Counter(house)
    view = await desk.apply()
    assert (view.status, view.asks) == ("referred", ("income_monthly_minor",))
    assert view.person_by == date(2026, 1, 12)
    assert (await desk.stored(view)).is_waiting
    assert code_of(await supplied(house, view, lenders_count=1)) == "fact_not_asked"
    assert code_of(await supplied(house, view, income_monthly_minor=None)) == "facts_missing"
    wrong = await supplied(house, view, income_monthly_minor=-1)
    assert code_of(wrong) == "fact_out_of_range"
    decided = await supplied(house, view, income_monthly_minor=2_000_000)
    assert isinstance(decided, Application)
    assert (decided.status, decided.asks, decided.decided_by) == ("approved", (), "policy")
    async with house.database.connection() as connection:
        first, second = await decisions.read_decisions_of(
            connection, customer_id=view.customer_id, application_id=view.application_id
        )
        assert (await recheck_decisions(connection, house.catalogue)).findings == ()
    assert (first.outcome, second.outcome) == (Outcome.REFERRED, Outcome.APPROVED)
    known = orjson.loads(second.stored.inputs)["features"]
    assert (known["income_monthly_minor"], known["utilisation_ppm"]) == (2_000_000, 500_000)
    again = await supplied(house, view, income_monthly_minor=1)
    assert code_of(again) == "application_not_waiting"
    await desk.accept(view)


async def test_what_is_never_supplied_expires_with_a_word(house: House) -> None:
    asks_for_income(house)
    desk = Counter(house)
    consumer = notices_consumer(house)
    await consumer.register()
    view = await desk.apply()
    async with house.database.transaction() as connection:
        assert await expire_applications(house, connection, on=TODAY + timedelta(days=30)) == 0
        assert await expire_applications(house, connection, on=TODAY + timedelta(days=31)) == 1
        told = await connection.fetch(
            "SELECT kind FROM platform.outbox WHERE customer_id = $1", view.customer_id
        )
    assert [row["kind"] for row in told] == ["application_expired"]
    assert (await desk.stored(view)).status == "expired"
    while await consumer.waiting():
        await take_notices(house, consumer)
    async with house.database.connection() as connection:
        messages = await connection.fetch("SELECT kind, fields FROM customers.message")
    [message] = messages
    assert message["kind"] == "application_expired"
    assert ids.to_text(ids.APPLICATION, view.application_id) in message["fields"]


async def test_whoever_wishes_a_person_gets_one_and_loses_nothing(house: House) -> None:
    desk = Counter(house)
    plain = await desk.apply()
    once = await desk.apply(person_decides=True)
    assert (once.status, once.limit_minor, once.person_by) == (
        "referred",
        plain.limit_minor,
        date(2026, 1, 12),
    )
    customer_id = once.customer_id
    await apply.withdraw_application(
        house, customer_id=customer_id, application_id=once.application_id
    )
    await chosen(house, customer_id, Choice.PERSON_DECIDES)
    always = await desk.apply(customer_id=customer_id)
    assert always.status == "referred"
    ended = await apply.decide_referred(
        house,
        customer_id=customer_id,
        application_id=always.application_id,
        by="li-wei",
        outcome=Outcome.APPROVED,
        reason="all in order",
    )
    assert isinstance(ended, Application)
    assert ended.limit_minor == plain.limit_minor
    await desk.accept(always)
    await chosen(house, customer_id, Choice.PERSON_DECIDES, is_on=False)
    back = await desk.apply(customer_id=customer_id, product_code="cash-line-invited")
    assert back.status != "referred"
    async with house.database.connection() as connection:
        assert (await recheck_decisions(connection, house.catalogue)).findings == ()


async def test_a_standard_offer_is_the_same_for_everybody_who_chose_it(house: House) -> None:
    desk = Counter(house)
    offers = set()
    found: ApplicationView | None = None
    cases: tuple[dict[str, Any], ...] = ({}, {"utilisation_ppm": 5_000})
    for facts in cases:
        view = await desk.apply(person_decides=True)
        await apply.withdraw_application(
            house, customer_id=view.customer_id, application_id=view.application_id
        )
        await chosen(house, view.customer_id, Choice.STANDARD_OFFER)
        found = await desk.apply(customer_id=view.customer_id, **facts)
        offers.add((found.status, found.limit_minor, found.rate_daily_e8, found.reasons))
    assert offers == {("approved", 300_000, 43_000, ("STANDARD_OFFERED",))}
    assert found is not None
    told = await explain_decision(
        house,
        about=About.APPLICATION,
        customer_id=found.customer_id,
        subject_id=found.application_id,
    )
    assert isinstance(told, Explained)
    assert told.told.price is not None
    assert told.told.price.text.en.startswith("This is the standard price")
    assert told.can_ask_review


async def test_a_form_outlives_a_restart_and_knows_what_was_said(
    house: House, database_url: str, tmp_path: Path
) -> None:
    desk = Counter(house)
    view = await desk.apply(income_monthly_minor=900_000, is_student=True)
    await apply.withdraw_application(
        house, customer_id=view.customer_id, application_id=view.application_id
    )
    key: dict[str, Any] = {"customer_id": view.customer_id, "product_code": PRODUCT}
    half = Draft(purpose="travel", facts={"is_student": False})
    saved = await draft.save_draft(house, half, **key)
    assert isinstance(saved, draft.Form)
    bad = Draft(facts={"history_months": 3})
    assert code_of(await draft.save_draft(house, bad, **key)) == "fact_not_declared"
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=house.clock) as restarted:
        form = await draft.read_form(restarted, **key)
    assert isinstance(form, draft.Form)
    assert (form.draft.purpose, form.draft.facts) == ("travel", {"is_student": False})
    # Known and not contradicted by the draft; what nobody said stays open.
    assert {name: item.value for name, item in form.known.items()} == {
        "income_monthly_minor": 900_000
    }
    assert form.open == ("debt_monthly_minor", "lenders_count", "is_rural", "is_micro_owner")
    await desk.apply(customer_id=view.customer_id)
    after = await draft.read_form(house, **key)
    assert isinstance(after, draft.Form)
    assert after.draft.saved_at is None


async def test_an_offer_waits_while_something_stands_against_it(house: House) -> None:
    desk = Counter(house)
    view = await desk.apply()
    [signed] = await sign_for_sandbox(house, [(view.customer_id, view.application_id)])
    assert not isinstance(signed, Refused)
    other = house.ids.next()
    await house.counter.submit(an_opening(view.customer_id, other), idempotency_key="other")
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE lending.credit_line SET status = 'frozen' WHERE customer_id = $1",
            view.customer_id,
        )
    assert code_of(await accept(house, view)) == "offer_while_blocked"
    assert (await desk.stored(view)).status == "approved"
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE lending.credit_line SET status = 'active' WHERE customer_id = $1",
            view.customer_id,
        )
    assert isinstance(await accept(house, view), Answer)


async def test_an_offer_whose_ground_has_moved_is_decided_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Counter(house)
    view = await desk.apply()
    [signed] = await sign_for_sandbox(house, [(view.customer_id, view.application_id)])
    assert not isinstance(signed, Refused)

    async def too_old(*_: object) -> int:
        return 71

    monkeypatch.setattr(recheck_offer, "_age", too_old)
    refused = await accept(house, view)
    assert code_of(refused) == "offer_changed"
    assert isinstance(refused, Refused)
    assert refused.detail["changed"] == "age"
    after = await desk.stored(view)
    assert (after.status, after.reasons, after.decided_by) == (
        "declined",
        ("ELIG_PRODUCT",),
        "policy",
    )
    async with house.database.connection() as connection:
        assert (await recheck_decisions(connection, house.catalogue)).findings == ()

    async def a_year_older(*_: object) -> int:
        return 40

    monkeypatch.setattr(recheck_offer, "_age", a_year_older)
    other = await desk.apply()
    await desk.accept(other)
    assert (await desk.stored(other)).status == "accepted"


async def test_a_first_line_begins_small_and_its_path_is_told_until_it_has_grown(
    house: House,
) -> None:
    desk = Counter(house)
    view = await desk.apply(income_monthly_minor=5_000_000, debt_monthly_minor=0)
    async with house.database.connection() as connection:
        [taken] = await decisions.read_decisions_of(
            connection, customer_id=view.customer_id, application_id=view.application_id
        )
    record = orjson.loads(taken.stored.inputs)["features"]
    # The house itself knows that there was no line, and that this one lends cash.
    assert (record["own_lines_count"], record["is_scene_line"]) == (0, False)
    assert record["is_rural"] is None
    assert orjson.loads(taken.stored.result)["segment"] == "first_time"
    assert view.limit_minor == 500_000
    await desk.accept(view)
    line = await the_line(house, view)
    path = await read_starter_path(house, line)
    assert path is not None
    assert (path.first_minor, path.streak, path.lessons_read) == (500_000, 0, frozenset())
    assert not path.has_graduated
    for _ in range(2):
        await note_lesson(house, view.customer_id, Lesson.LATENESS)
    agreed = RaiseLimit(
        customer_id=line.customer_id, line_id=line.line_id, limit_minor=800_000,
        reason="limit_request", author="customer",
    )  # fmt: skip
    raised = await house.counter.submit(agreed, idempotency_key="grow")
    assert isinstance(raised, Answer), raised
    after = await read_starter_path(house, await the_line(house, view))
    assert after is not None
    assert after.has_graduated
    assert after.lessons_read == {Lesson.LATENESS}
    assert Protection.STARTER_PATH in await protections_of(house, view.customer_id)


async def the_line(house: House, view: ApplicationView) -> Line:
    async with house.database.connection() as connection:
        line = await read_line(connection, view.customer_id, view.application_id)
    assert line is not None
    return line
