"""Documents are made from what two people have published, and the database holds it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.contract_templates import later
from tests.store.applicants import Counter

from counterfoil.contracts import store as contracts
from counterfoil.contracts import template_store as store
from counterfoil.contracts.refusals import (
    TEMPLATE_GATE_CLOSED,
    TEMPLATE_NOT_FOUND,
    TEMPLATE_NOT_PUBLISHED,
    TEMPLATE_NOT_REQUESTED,
    TEMPLATE_OUTDATED,
    TEMPLATE_PUBLISHED,
    TEMPLATE_RETIRED,
)
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.contracting import publish_template as journey
from counterfoil.journeys.contracting.template_gate import TemplateWish
from counterfoil.journeys.contracting.templates import shipped_templates
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import APPROVAL_MISSING, Approval
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail import DONE, Wanted
from counterfoil.simulator.releasing import publish_templates

ANALYST = Actor(name="ana", role="risk_analyst", source="test")
COMPLIANCE = Actor(name="bo", role="compliance", source="test")
SAID = ("You may close the line at any time.", "You may close the line on any day.")
WHY = "clause 9 in plainer words"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    first = date(2026, 1, 5)
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=first
    ) as it:
        yield it


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


async def asked(house: House, wish: TemplateWish) -> Approval:
    found = await journey.request_template(house, ANALYST, wish, reason=WHY)
    assert isinstance(found, Approval), found
    return found


async def carried(house: House, wish: TemplateWish) -> Any:
    number = (await asked(house, wish)).approval_id
    done = await decide_approval(house, COMPLIANCE, number, is_approved=True, reason="read it")
    assert not isinstance(done, Refused), done
    return await journey.publish_template(house, ANALYST, wish, reason=WHY)


async def template_of_the_next(house: House, counter: Counter) -> str:
    """Return from what the agreement of a new customer is made."""
    view = await counter.apply()
    await counter.accept(view)
    async with house.database.connection() as connection:
        [made] = await contracts.read_contracts_of(connection, view.customer_id)
    return f"{made.template_code}/{made.template_version}"


async def test_a_version_is_put_forward_approved_by_another_published_and_retired(
    house: House,
) -> None:
    counter = Counter(house)
    assert await template_of_the_next(house, counter) == "credit-agreement/1"
    second = later("credit-agreement", SAID, begins="2026-01-05")
    wish = TemplateWish(proposal=second)
    alone = await journey.publish_template(house, ANALYST, wish, reason=WHY)
    assert code(alone) == TEMPLATE_NOT_REQUESTED.code
    approval = await asked(house, wish)
    report = await journey.report_of(house, approval)
    assert report is not None
    assert {row["heading"] for row in report["texts"]} == {"9. Changes, objections, leaving"}
    [(was, now)] = [(row["before"], row["after"]) for row in report["texts"]]
    assert SAID[0] in was[0]
    assert SAID[1] in now[0]
    assert [(row["before"], row["after"]) for row in report["products"]] == [
        ("credit-agreement/1", "credit-agreement/2")
    ] * 2
    # One agreement runs, and goes on under what its customer signed.
    assert [row["agreements"] for row in report["agreements"]] == [1]
    alone = await journey.publish_template(house, ANALYST, wish, reason=WHY)
    assert code(alone) == APPROVAL_MISSING.code
    own = await decide_approval(
        house, ANALYST, approval.approval_id, is_approved=True, reason="mine"
    )
    assert isinstance(own, Refused)
    assert await template_of_the_next(house, counter) == "credit-agreement/1"
    await decide_approval(house, COMPLIANCE, approval.approval_id, is_approved=True, reason="read")
    made = await journey.publish_template(house, ANALYST, wish, reason=WHY)
    assert isinstance(made, store.TemplatePublication), made
    assert (made.author, made.approver, made.sha256) == ("ana", "bo", second.sha256)
    assert await template_of_the_next(house, counter) == "credit-agreement/2"
    again = await journey.request_template(house, ANALYST, wish, reason=WHY)
    assert code(again) == TEMPLATE_PUBLISHED.code
    other = TemplateWish(proposal=later("credit-agreement", (SAID[0], "You may leave.")))
    refused = await journey.request_template(house, ANALYST, other, reason=WHY)
    assert code(refused) == TEMPLATE_GATE_CLOSED.code

    # The way back: the version ends, and the one before it holds again.
    ending = replace(wish, retired_on=date(2026, 1, 5))
    ended = await carried(house, ending)
    assert (ended.retired_on, ended.retirement_approver) == (date(2026, 1, 5), "bo")
    assert await template_of_the_next(house, counter) == "credit-agreement/1"
    twice = await journey.request_template(house, ANALYST, ending, reason=WHY)
    assert code(twice) == TEMPLATE_RETIRED.code
    # As another process comes to know it.
    elsewhere = shipped_templates()
    async with house.database.connection() as connection:
        await elsewhere.follow(connection)
        leaves = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged"
            " WHERE position('template_sha256'::bytea IN body) > 0 ORDER BY seq"
        )
    assert not elsewhere.in_force.template("credit-agreement", 2).holds_on(date(2026, 1, 5))
    assert len(leaves) == 2
    assert all(second.sha256.encode() in row["body"] for row in leaves)
    for act in ("template_publication", "template_retirement"):
        tried = await find_trail(house, Wanted(act=act), page=9)
        assert [one.subject for one in tried if one.outcome == DONE] == ["credit-agreement/2"]


async def test_what_was_compared_with_something_else_is_put_forward_again(house: House) -> None:
    second = TemplateWish(proposal=later("credit-agreement", SAID, begins="2026-01-05"))
    third = TemplateWish(proposal=later("credit-agreement", SAID, begins="2026-01-05", version=3))
    number = (await asked(house, second)).approval_id
    await decide_approval(house, COMPLIANCE, number, is_approved=True, reason="read")
    assert isinstance(await carried(house, third), store.TemplatePublication)
    late = await journey.publish_template(house, ANALYST, second, reason=WHY)
    assert code(late) == TEMPLATE_OUTDATED.code


@pytest.mark.parametrize(
    ("template", "changes", "told"),
    [
        ("loan-note", [("any_time = {", "anytime = {")], "no word for method"),
        ("scene-note", [("{if has_course}", "{if is_scene}")], "no value for course_from"),
        ("loan-note", [('"cash-line-open", ', '"cash-line-lost", ')], "is no product on"),
        ("loan-note", [('lender_id = "lender-one"', 'lender_id = "two"')], "has the lender of rec"),
        ("loan-note", [("notice_days", "retired_on = 2026-01-05\nnotice_days")], "has ended"),
        ("loan-note", [('kind = "loan_note"', 'kind = "loan_note"'), ("version = 2", "version = 1"),
                       ("SHA-256", "SHA256")], "was published with other content"),
    ],
)  # fmt: skip
async def test_what_could_not_be_made_or_held_is_refused_before_anybody_approves(
    house: House, template: str, changes: list[tuple[str, str]], told: str
) -> None:
    wish = TemplateWish(proposal=later(template, *changes))
    refused = await journey.request_template(house, ANALYST, wish, reason=WHY)
    assert code(refused) == TEMPLATE_GATE_CLOSED.code
    assert isinstance(refused, Refused)
    assert told in refused.message
    never = replace(wish, retired_on=date(2026, 2, 1))
    unknown = await journey.request_template(house, ANALYST, never, reason=WHY)
    assert code(unknown) == TEMPLATE_NOT_PUBLISHED.code


async def test_nothing_is_made_before_a_publication_and_the_database_refuses_it_too(
    house: House,
) -> None:
    counter = Counter(house)
    view = await counter.apply()
    await counter.accept(view)
    async with house.database.transaction() as connection:
        [made] = await contracts.read_contracts_of(connection, view.customer_id)
        forged = replace(
            made, contract_id=made.contract_id + 1, template_version=9, state="prepared",
            signed_at=None, signed_language=None, evidence=None, pdf_due=False,
        )  # fmt: skip
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with connection.transaction():
                await contracts.add_contracts(connection, [forged])
        for table in ("version", "gate", "publication", "retirement"):
            with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
                async with connection.transaction():
                    await connection.execute(f"DELETE FROM contracts.template_{table}")
        # A house in which nobody has published anything.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM contracts.template_publication")
    house.templates._state = (-1, 0)
    async with house.database.connection() as connection:
        await house.templates.follow(connection)
    with pytest.raises(AssertionError, match=TEMPLATE_NOT_FOUND.code):
        await template_of_the_next(house, counter)
    # What was signed can be read again, since the version ships.
    assert house.shelf.template("credit-agreement", 1).ref == "credit-agreement/1"
    assert house.shelf.published() == ()
    # The demonstration's staff publish what ships, through the gate.
    await publish_templates(house)
    held = {one.ref for one in house.shelf.published()}
    assert held == {one.template.ref for one in house.templates.shipped}
    assert await template_of_the_next(house, counter) == "credit-agreement/1"
