"""The gate on a real database: hours, courses, attributes, cases; and who gives them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import typer
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    LI,
    OFFICER,
    SECOND,
    START,
    WANG,
    a_house,
    code_of,
    keep,
    rows,
    staff,
)

from counterfoil.cli import veil
from counterfoil.cli.acting import acting
from counterfoil.journeys import cases
from counterfoil.journeys.admitting import attributes
from counterfoil.journeys.admitting.attributes import AttributeWish
from counterfoil.journeys.admitting.fill_regions import RegionsFilled, fill_regions
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.entry import Ask, Entered, enter, within
from counterfoil.journeys.guarding.look_book import customers_in, customers_of, note_look
from counterfoil.journeys.guarding.rights import RightsWish, ask_right
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, check_trail, find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform import access
from counterfoil.platform.access import Role
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.holdings import (
    NOTHING,
    Attribute,
    AttributeGrant,
    CustomerCase,
    Matter,
    Reach,
    Training,
    Wanted,
    read_holding,
)
from counterfoil.platform.read_acts import Door, begin_reading
from counterfoil.platform.trail import Wanted as Searched
from counterfoil.privacy.rights import Right

COLLECTOR = staff("collector", "collector.a")
ANALYST = staff("risk_analyst", "analyst.a")
FINANCE = staff("finance", "finance.a")
MACHINE = Actor(name="cli:root", role="machine", source="cli root")
#: 16:00 of a Monday, where the lender is.
NOW = START
DAY = timedelta(days=1)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path, staff_safeguards=True) as opened:
        async with opened.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO customers.customer (customer_id, status, language, created_at)"
                " VALUES (1, 'active', 'zh', now()), (2, 'active', 'zh', now())"
            )
            for actor in (CLERK, OFFICER, SECOND, ADMIN, COLLECTOR, ANALYST, FINANCE):
                await access.set_operator(
                    connection,
                    operator_id=opened.ids.next(),
                    name=actor.name,
                    role=Role(actor.role),
                    password="correct horse battery",
                    now=START,
                )
        await keep(opened, WANG, LI)
        yield opened


async def at_gate(
    house: House, actor: Actor, act: str, *customers: int, now: datetime = NOW, purpose: str = ""
) -> Entered | Refused:
    async with house.database.connection() as connection:
        holding = await read_holding(connection, actor.name)
    ask = Ask(act=act, wanted=Wanted(customer_ids=customers), purpose=purpose)
    return await enter(house, actor, holding, ask, now=now)


async def give(
    house: House, holder: str, attribute: Attribute, value: str, *, days: int = 30
) -> AttributeGrant:
    wish = AttributeWish(
        holder=holder,
        attribute=attribute,
        value=value,
        until=NOW.date() + days * DAY,
        reason="needed",
    )
    asked = await attributes.give_attribute(house, OFFICER, wish, now=NOW)
    assert isinstance(asked, Approval), asked
    assert await attributes.give_attribute(house, OFFICER, wish, now=NOW) == asked
    given = await decide_approval(
        house, SECOND, asked.approval_id, is_approved=True, reason="looked at it"
    )
    assert isinstance(given, Approval), given
    grant = await attributes.give_attribute(house, OFFICER, wish, now=NOW)
    assert isinstance(grant, AttributeGrant), grant
    return grant


async def test_an_attribute_takes_two_people_and_its_end_never_widens(house: House) -> None:
    assert isinstance(await at_gate(house, ANALYST, "read", 1), Entered)
    grant = await give(house, ANALYST.name, Attribute.REGION, "11")
    assert (grant.granted_by, grant.approved_by) == (OFFICER.name, SECOND.name)
    assert isinstance(await at_gate(house, ANALYST, "read", 1), Entered)
    assert code_of(await at_gate(house, ANALYST, "read", 2)) == "out_of_reach"
    assert code_of(await at_gate(house, ANALYST, "read", 1, 2)) == "out_of_reach"
    refused = await attributes.end_attribute(house, CLERK, grant.grant_id, reason="x", now=NOW)
    assert code_of(refused) == "rights_not_allowed"
    later = NOW + timedelta(hours=1)
    ended = await attributes.end_attribute(
        house, OFFICER, grant.grant_id, reason="moved on", now=later
    )
    assert ended is None
    assert code_of(await at_gate(house, ANALYST, "read", 1, now=later)) == "attribute_missing"
    again = await attributes.end_attribute(house, OFFICER, grant.grant_id, reason="x", now=later)
    assert code_of(again) == "attribute_not_found"
    [before] = [e for e in await find_trail(house, Searched(act="attribute_ended")) if e.before]
    assert before.before == "region 11"


async def test_what_a_role_must_hold_is_asked_for_and_a_star_says_all(house: House) -> None:
    assert code_of(await at_gate(house, COLLECTOR, "read")) == "attribute_missing"
    await give(house, COLLECTOR.name, Attribute.PRODUCT, "*")
    assert isinstance(await at_gate(house, COLLECTOR, "read"), Entered)


async def test_hours_bind_in_the_lenders_zone(house: House) -> None:
    await give(house, OFFICER.name, Attribute.HOURS, "12345.0900-1700")
    monday_nine = datetime(2026, 1, 5, 1, tzinfo=UTC)
    inside = [NOW, monday_nine, monday_nine + timedelta(hours=8, microseconds=-1)]
    outside = [monday_nine - timedelta(microseconds=1), monday_nine + timedelta(hours=8)]
    for moment in inside:
        # The grant begins when it was given; what came before is not tried here.
        moved = moment + 7 * DAY
        assert isinstance(await at_gate(house, OFFICER, "read_trail", now=moved), Entered)
    for moment in [*outside, NOW - DAY]:
        refused = await at_gate(house, OFFICER, "read_trail", now=moment + 7 * DAY)
        assert code_of(refused) == "outside_hours"


async def test_a_purpose_that_is_not_held_is_refused(house: House) -> None:
    await give(house, OFFICER.name, Attribute.PURPOSE, "complaint")
    await cases.assign_case(
        house, ADMIN, operator=OFFICER.name, customer_id=1, reason="a letter", now=NOW
    )
    assert isinstance(await at_gate(house, OFFICER, "reveal", 1, purpose="complaint"), Entered)
    refused = await at_gate(house, OFFICER, "reveal", purpose="fraud")
    assert code_of(refused) == "attribute_missing"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (Attribute.PRODUCT, "no-such-product"),
        (Attribute.LENDER, "nobody"),
        (Attribute.REGION, "9"),
        (Attribute.REGION, "01"),
        (Attribute.HOURS, "18.0900-1700"),
        (Attribute.HOURS, "1.1700-0900"),
        (Attribute.HOURS, "always"),
    ],
)
async def test_a_value_that_says_nothing_is_refused(
    house: House, attribute: Attribute, value: str
) -> None:
    wish = AttributeWish(holder="x", attribute=attribute, value=value, until=NOW.date(), reason="r")
    refused = await attributes.give_attribute(house, OFFICER, wish, now=NOW)
    assert code_of(refused) == "attribute_invalid"
    longer = replace(wish, attribute=Attribute.REGION, value="11", until=date(2027, 6, 1))
    assert code_of(await attributes.give_attribute(house, OFFICER, longer, now=NOW)) == (
        "attribute_invalid"
    )
    assert code_of(await attributes.give_attribute(house, CLERK, wish, now=NOW)) == (
        "rights_not_allowed"
    )


async def test_an_act_that_the_matrix_does_not_declare_is_refused(house: House) -> None:
    assert code_of(await at_gate(house, ADMIN, "fly")) == "act_not_declared"


async def waiting_request(house: House, customer_id: int) -> int:
    wish = RightsWish(
        customer_id=customer_id, kind=Right.COPY, about="", said="", method="", by="api:shop"
    )
    asked = await ask_right(house, wish)
    assert not isinstance(asked, Refused)
    return asked.request_id


async def test_a_customer_is_reached_through_a_case_of_ones_own(house: House) -> None:
    assert code_of(await at_gate(house, CLERK, "read", 1)) == "case_needed"
    number = await waiting_request(house, 1)
    everywhere, elsewhere = Reach(cases_of=CLERK.name), Reach(regions=frozenset({"99"}))
    assert await cases.tasks_of(house, CLERK, everywhere, 1, now=NOW) == [("rights", number)]
    assert await cases.tasks_of(house, COLLECTOR, everywhere, 1, now=NOW) == []
    # Of a customer beyond one's lenders, products or regions nothing waits, and nothing is taken.
    assert await cases.tasks_of(house, CLERK, elsewhere, 1, now=NOW) == []
    taken = await cases.take_case(
        house, CLERK, customer_id=1, kind="rights", subject_id=number, reason="answer", now=NOW
    )
    assert isinstance(taken, CustomerCase)
    entered = await at_gate(house, CLERK, "read", 1)
    assert isinstance(entered, Entered)
    assert entered.case_id == taken.case_id
    assert code_of(await at_gate(house, CLERK, "read", 2)) == "case_needed"
    assert code_of(await at_gate(house, staff("operations", "clerk.b"), "read", 1)) == "case_needed"
    async with within(house, entered.reach, now=NOW) as connection:
        seen = await connection.fetch("SELECT customer_id FROM desk.customer")
    assert [row["customer_id"] for row in seen] == [1]
    assert code_of(await at_gate(house, CLERK, "read", 1, now=taken.ends_at)) == "case_needed"
    ended = await cases.end_case(
        house, CLERK, customer_id=1, case_id=taken.case_id, reason="done", now=NOW
    )
    assert ended is None
    assert code_of(await at_gate(house, CLERK, "read", 1)) == "case_needed"


async def test_customer_data_takes_an_open_case_of_everybody_but_those_who_look_over_the_book(
    house: House,
) -> None:
    """Masked for roles that work on customers; in clear for every role there is."""
    for actor in (ADMIN, CLERK, FINANCE):
        assert code_of(await at_gate(house, actor, "read", 1)) == "case_needed"
    for actor in (OFFICER, ANALYST, staff("auditor", "auditor.a")):
        assert isinstance(await at_gate(house, actor, "read", 1), Entered)
        assert code_of(await at_gate(house, actor, "reveal", 1)) == "case_needed"
    # What is about nobody in particular asks for none.
    for act in ("manage_staff", "read_ledger", "read_trail"):
        assert isinstance(await at_gate(house, ADMIN, act), Entered)
    given = await cases.assign_case(
        house, OFFICER, operator=ANALYST.name, customer_id=1, reason="a doubt", now=NOW
    )
    assert isinstance(given, CustomerCase)
    assert isinstance(await at_gate(house, ANALYST, "reveal", 1), Entered)
    assert code_of(await at_gate(house, ANALYST, "reveal", 2)) == "case_needed"
    assert code_of(await at_gate(house, ANALYST, "reveal", 1, now=given.ends_at)) == "case_needed"


async def test_what_a_colleague_works_on_nobody_else_takes(house: House) -> None:
    number = await waiting_request(house, 1)
    task = {"customer_id": 1, "kind": "rights", "subject_id": number, "reason": "r", "now": NOW}
    taken = await cases.take_case(house, CLERK, **task)  # type: ignore[arg-type]
    assert isinstance(taken, CustomerCase)
    other = staff("operations", "clerk.b")
    refused = await cases.take_case(house, other, **task)  # type: ignore[arg-type]
    assert code_of(refused) == "case_taken"
    assert isinstance(refused, Refused)
    assert refused.detail["person"] == CLERK.name
    # Whoever left works on nothing any more.
    async with house.database.transaction() as connection:
        await access.disable_operator(connection, CLERK.name, now=NOW)
    again = await cases.take_case(house, other, **task)  # type: ignore[arg-type]
    assert isinstance(again, CustomerCase)


async def test_the_region_of_earlier_customers_is_filled_in_and_unknown_is_nobodys(
    house: House,
) -> None:
    async with house.database.transaction() as connection:
        await connection.execute("DELETE FROM privacy.customer_region")
    await give(house, ANALYST.name, Attribute.REGION, "11")
    assert code_of(await at_gate(house, ANALYST, "read", 1)) == "out_of_reach"
    assert isinstance(await at_gate(house, OFFICER, "read", 1), Entered)
    done = await fill_regions(house, MACHINE)
    assert (done.filled, done.unknown) == (2, 0)
    assert await fill_regions(house, MACHINE) == RegionsFilled(filled=0, unknown=0)
    assert isinstance(await at_gate(house, ANALYST, "read", 1), Entered)
    assert code_of(await at_gate(house, ANALYST, "read", 2)) == "out_of_reach"
    [line] = await find_trail(house, Searched(act="regions_filled"))
    assert (line.actor, line.customer_ids, line.purpose) == (MACHINE.name, (1, 2), "security")


async def test_a_command_asks_for_whom_it_names_and_for_what_it_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_command(act: str = "read") -> Actor:
        password = "correct horse battery"
        return await acting(house, FINANCE.name, password, act=act, from_stdin=True)

    # The machine's clock stands where the house's does not; a case lasts beyond both.
    async with house.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE platform.operator SET created_at = now(), rights_since = now()"
        )
    words = ["counterfoil", "payments", "propose", ids.to_text(ids.CUSTOMER, 1), "--reason", "x"]
    monkeypatch.setattr(veil, "_TYPED", veil._Typed())
    monkeypatch.setattr("sys.argv", words)
    begin_reading(Door.COMMANDS, "payments propose")
    with pytest.raises(typer.Exit):
        await at_command()
    [line] = await find_trail(house, Searched(act="cli"))
    assert (line.outcome, line.customer_id, line.subject) == (
        "case_needed", 1, "counterfoil payments propose",
    )  # fmt: skip
    monkeypatch.setattr("sys.argv", words[:2])
    assert (await at_command()).name == FINANCE.name
    # What the role may not do at all, no command does either.
    with pytest.raises(typer.Exit):
        await at_command("review")
    [line, _] = await find_trail(house, Searched(act="cli"))
    assert line.outcome == "rights_not_allowed"
    used = await rows(house, "SELECT operator, permission FROM platform.right_use")
    assert [tuple(row) for row in used] == [(FINANCE.name, "read")]


def test_whom_a_command_shows_is_read_off_what_its_work_returned() -> None:
    text = ids.to_text(ids.CUSTOMER, 5)
    shown = customers_of(
        [
            {"customer_id": 3, "deep": [(1, {"said": f"of {text}."})]},
            Wanted(customer_ids=(8, 9), matters=(("ln", 77),)),
            Matter(customer_id=4, kind="ln", number=70),
            b"bytes", None, 12,
        ]
    )  # fmt: skip
    assert shown == (3, 4, 5, 8, 9)


async def test_a_case_is_not_made_up(house: House) -> None:
    take = {"customer_id": 1, "subject_id": 7, "reason": "curious", "now": NOW}
    refused = await cases.take_case(house, CLERK, kind="rights", **take)  # type: ignore[arg-type]
    assert code_of(refused) == "case_not_found"
    refused = await cases.take_case(house, CLERK, kind="overdue", **take)  # type: ignore[arg-type]
    assert code_of(refused) == "case_not_allowed"
    for actor, operator in ((OFFICER, OFFICER.name), (CLERK, COLLECTOR.name)):
        refused = await cases.assign_case(
            house, actor, operator=operator, customer_id=1, reason="x", now=NOW
        )
        assert code_of(refused) == "case_not_allowed"
    unknown = await cases.assign_case(
        house, OFFICER, operator="nobody", customer_id=1, reason="x", now=NOW
    )
    assert code_of(unknown) == "operator_not_found"
    given = await cases.assign_case(
        house, OFFICER, operator=CLERK.name, customer_id=2, reason="branch visit", now=NOW
    )
    assert isinstance(given, CustomerCase)
    assert isinstance(await at_gate(house, CLERK, "read", 2), Entered)
    assert await cases.open_cases(house, now=NOW) == [given]


async def test_an_emergency_needs_no_case_and_limits_hold_on(house: House) -> None:
    lent = replace(CLERK, lent="compliance")
    assert isinstance(await at_gate(house, lent, "read", 1), Entered)
    await give(house, CLERK.name, Attribute.REGION, "44")
    assert code_of(await at_gate(house, lent, "read", 1)) == "out_of_reach"


def passed(house: House, **changes: object) -> Training:
    values: dict[str, object] = {
        "training_id": house.ids.next(),
        "holder": OFFICER.name,
        "course_code": "personal_data",
        "course_version": 2,
        "role": "compliance",
        "passed_on": date(2026, 1, 5),
        "valid_until": date(2026, 3, 1),
        "recorded_by": ADMIN.name,
        "recorded_at": NOW,
    } | changes
    return Training(**values)  # type: ignore[arg-type]


async def test_an_act_asks_for_its_course_where_trainings_are_kept(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"training_required": True, "training_grace_days": 7}
    async with a_house(database_url, tmp_path, **settings) as house:
        async with house.database.transaction() as connection:
            await access.set_operator(
                connection,
                operator_id=house.ids.next(),
                name=OFFICER.name,
                role=Role.COMPLIANCE,
                password="correct horse battery",
                now=START,
            )
        assert isinstance(await at_gate(house, OFFICER, "read"), Entered)
        assert code_of(await at_gate(house, OFFICER, "reveal")) == "course_missing"
        for changes in (
            {"course_code": "cooking"},
            {"passed_on": date(2026, 1, 6)},
            {"role": "cook"},
        ):
            refused = await attributes.record_training(
                house, ADMIN, passed(house, **changes), now=NOW
            )
            assert code_of(refused) == "course_unknown"
        own = await attributes.record_training(house, OFFICER, passed(house), now=NOW)
        assert code_of(own) == "approval_by_another"
        assert isinstance(
            await attributes.record_training(house, ADMIN, passed(house), now=NOW), Training
        )
        assert isinstance(await at_gate(house, OFFICER, "reveal"), Entered)
        states = {}
        for day in (0, 30, 56, 63):
            lines = await attributes.review_trainings(house, now=NOW + day * DAY)
            states[day] = next(line.state for line in lines if line.course == "personal_data")
        assert states == {0: "valid", 30: "ends_soon", 56: "grace", 63: "missing"}
        assert isinstance(await at_gate(house, OFFICER, "reveal", now=NOW + 62 * DAY), Entered)
        late = await at_gate(house, OFFICER, "reveal", now=NOW + 63 * DAY)
        assert code_of(late) == "course_missing"
        # Of another role than the one it was taken for, it does not count.
        other = replace(OFFICER, role="operations")
        async with house.database.connection() as connection:
            holding = await read_holding(connection, OFFICER.name)
        asked = await enter(house, other, holding, Ask(act="reveal"), now=NOW)
        assert code_of(asked) == "course_missing"


async def test_whoever_did_not_come_through_the_gate_sees_nothing(house: House) -> None:
    async with house.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM desk.customer") == 0
    async with within(house, NOTHING, now=NOW) as connection:
        assert await connection.fetchval("SELECT count(*) FROM desk.customer") == 0
    async with house.database.connection() as connection:
        views = await connection.fetch(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'desk'"
        )
        for row in views:
            name = row["table_name"]
            assert await connection.fetchval(f"SELECT count(*) FROM desk.{name}") == 0, name


async def test_the_tables_take_no_single_person_and_no_change(house: House) -> None:
    await give(house, ADMIN.name, Attribute.REGION, "11")
    for statement in (
        "UPDATE platform.attribute_grant SET value = '*'",
        "DELETE FROM platform.training",
        "TRUNCATE platform.customer_case CASCADE",
    ):
        with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
            await rows(house, statement)
    with pytest.raises(asyncpg.CheckViolationError, match="attribute_by_two"):
        await rows(
            house,
            "INSERT INTO platform.attribute_grant SELECT 1, holder, attribute, value, reason,"
            " granted_by, granted_by, approval_id, starts_at, ends_at"
            " FROM platform.attribute_grant",
        )


async def test_a_page_is_one_line_of_the_trail_and_found_by_each_whom_it_showed(
    house: House,
) -> None:
    texts = [ids.to_text(ids.CUSTOMER, number) for number in (2, 1, 2)]
    shown = customers_in(f"<a href='/customers/{texts[0]}/lines/x'>{texts[1]}".encode(), b"")
    assert shown == (1, 2)
    act = Act(name="view", subject="/customers", purpose="read", ticket="cc_1")
    await note_look(house, CLERK, act, shown)
    for number in shown:
        [line] = await find_trail(house, Searched(customer_id=number, act="view"))
        assert (line.actor, line.customer_ids, line.purpose) == (CLERK.name, (1, 2), "read")
    assert await find_trail(house, Searched(customer_id=3, act="view")) == []
    assert (await check_trail(house)).broken == []
