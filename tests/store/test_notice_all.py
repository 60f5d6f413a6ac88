"""Notice of a change to all lines of a product: two people, in pages, once a line."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.store.applicants import Counter

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.contracting import notice_all
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.journeys.contracting.contract_version import give_notice, offer_new_version
from counterfoil.journeys.contracting.notice_all import (
    ProductWish,
    Progress,
    carry_notices,
    list_notices,
    notice_lines,
)
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import OpenLine
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings

ANALYST = Actor(name="ana", role="risk_analyst", source="cli")
COMPLIANCE = Actor(name="bo", role="compliance", source="console")
DAY = date(2026, 3, 2)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=date(2026, 1, 5)) as it:
        yield it


async def with_lines(house: House, count: int) -> list[tuple[int, int]]:
    """Open lines with signed agreements, and one more that never had one."""
    counter, keys = Counter(house), []
    for _ in range(count):
        view = await counter.apply()
        await counter.accept(view)
        keys.append((view.customer_id, view.application_id))
    bare = house.ids.next()
    opened = await house.counter.submit(
        OpenLine(
            customer_id=bare, line_id=bare, application_id=bare, product_code="cash-line-open",
            product_version=1, limit_minor=500_000, currency="CNY", rate_daily_e8=35_000,
            repayment_day=15,
        ),
        idempotency_key="bare",
    )  # fmt: skip
    assert isinstance(opened, Answer), opened
    return keys


async def begun(house: House, wish: ProductWish) -> Progress:
    asked = await notice_lines(house, ANALYST, wish)
    assert isinstance(asked, Approval), asked
    again = await notice_lines(house, ANALYST, wish)
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id, "it is asked for once"
    assert await carry_notices(house) == 0, "nothing is given before somebody else agrees"
    await decide_approval(house, COMPLIANCE, asked.approval_id, is_approved=True, reason="read")
    made = await notice_lines(house, ANALYST, wish)
    assert isinstance(made, Progress), made
    return made


async def dearest(house: House) -> int:
    async with house.database.connection() as connection:
        driver: Any = connection
        found: int = await driver.fetchval("SELECT max(rate_daily_e8) FROM lending.credit_line")
        return found


async def told(house: House) -> list[int]:
    """Return the customers who were told, as often as they were."""
    async with house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT customer_id FROM platform.outbox WHERE kind = 'agreement_version_noticed'"
            " ORDER BY customer_id"
        )
    return [row["customer_id"] for row in rows]


async def test_every_line_is_noticed_once_though_it_ends_in_the_middle(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await with_lines(house, 4)
    dearer_e8 = await dearest(house) + 1_000
    # One has the very same notice already.
    alone = VersionWish(
        customer_id=keys[0][0], line_id=keys[0][1], effective_on=DAY, rate_daily_e8=dearer_e8,
        author="ana",
    )  # fmt: skip
    answer = await offer_new_version(house, alone, idempotency_key="alone")
    assert isinstance(answer, Answer), answer
    wish = ProductWish(
        product_code="cash-line-open", effective_on=DAY, rate_daily_e8=dearer_e8, reason="dearer"
    )
    made = await begun(house, wish)
    assert (made.run.lines_before, made.noticed, made.passed_over) == (5, 0, {})
    assert (made.run.asked_by, made.run.approved_by) == ("ana", "bo")
    given: list[Any] = []

    async def crashing(*arguments: Any) -> Any:
        outcome = await give_notice(*arguments)
        given.append(outcome)
        if len(given) == 2:
            raise ConnectionError
        return outcome

    monkeypatch.setattr(notice_all, "give_notice", crashing)
    with pytest.raises(ConnectionError):
        await carry_notices(house, page=10)
    [half] = await list_notices(house)
    assert (half.noticed, half.passed_over) == (1, {"already_noticed": 1})
    assert half.run.finished_at is None
    # Two carry it on at once, and more often than needed.
    await asyncio.gather(*(carry_notices(house, page=2) for _ in range(2)))
    while await carry_notices(house, page=2):
        pass
    ended = await notice_lines(house, ANALYST, wish)
    assert isinstance(ended, Progress), ended
    assert (ended.run.lines_before, ended.run.lines_after, ended.noticed) == (5, 5, 3)
    assert ended.passed_over == {"already_noticed": 1, "agreement_not_signed": 1}
    assert await told(house) == sorted(customer for customer, _ in keys)
    # Asked for again it is what was carried out, and gives nothing twice.
    assert await carry_notices(house) == 0
    assert len(await list_notices(house)) == 1
    async with house.database.connection() as connection:
        bodies = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged WHERE position('notices_'::bytea IN body) > 0"
            " ORDER BY seq"
        )
        trail = await connection.fetch(
            "SELECT actor, outcome FROM platform.trail WHERE act = 'agreement_notice'"
        )
    assert [b"notices_begun" in bodies[0]["body"], b"notices_given" in bodies[1]["body"]] == [
        True, True,
    ]  # fmt: skip
    assert [(row["actor"], row["outcome"]) for row in trail] == [("ana", "done")]


async def test_one_version_alone_is_meant_and_nobody_begins_it_alone(house: House) -> None:
    wish = ProductWish(
        product_code="cash-line-open", of_version=9, effective_on=DAY, reason="a later version"
    )
    refused = await notice_lines(house, ANALYST, wish)
    assert isinstance(refused, Refused)
    assert refused.code == "notice_without_line"
    unreasoned = await notice_lines(house, ANALYST, replace(wish, reason=" "))
    assert isinstance(unreasoned, Refused)
    await with_lines(house, 0)
    support = Actor(name="su", role="support", source="cli")
    turned = await notice_lines(house, support, replace(wish, of_version=1))
    assert isinstance(turned, Refused)
    assert turned.code == "approval_not_allowed"
    made = await begun(house, replace(wish, of_version=1))
    assert made.run.lines_before == 1
    while await carry_notices(house):
        pass
    [done] = await list_notices(house)
    assert (done.noticed, done.passed_over) == (0, {"agreement_not_signed": 1})
