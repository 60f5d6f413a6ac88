"""Purposes that end by themselves at the close of day, and go on when the customer returns."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.guarding.end_purposes import resume_purposes
from counterfoil.journeys.guarding.erase import apply_retention, read_privacy
from counterfoil.lending.commands import CloseLine


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def classes(branch: Branch, customer_id: int) -> dict[str, str]:
    found = await read_privacy(branch.house, customer_id)
    return {item.data_class: f"{item.ended_on} {item.state.value}" for item in found.standings}


async def close_line(branch: Branch, customer_id: int, line_id: int) -> None:
    command = CloseLine(customer_id=customer_id, line_id=line_id, reason="wish", author="clerk")
    await branch.get(command)


async def test_a_relationship_ends_on_the_day_its_last_business_ends(branch: Branch) -> None:
    await branch.get(an_opening(1, 1))
    await branch.get(an_opening(2, 2))
    await branch.lend(2, 2, 100_000)
    await close_line(branch, 1, 1)
    await close_day(branch.house)
    over = dict.fromkeys(
        ("identity", "transactions", "decision", "consent_evidence"), f"{FIRST_DATE} active"
    )
    assert await classes(branch, 1) == over
    assert await classes(branch, 2) == {}
    # Days on which nothing happens to the customer leave the first day as it is.
    await close_day(branch.house)
    assert await classes(branch, 1) == over
    assert await apply_retention(branch.house, on=await branch.on()) == len(over)


async def test_who_applies_again_lifts_the_restriction(branch: Branch) -> None:
    counter = Counter(branch.house)
    declined = await counter.apply(late_months_count=4)
    customer_id = declined.customer_id
    await close_day(branch.house)
    assert set(await classes(branch, customer_id)) >= {"identity", "decision"}
    await apply_retention(branch.house, on=await branch.on())
    assert (await classes(branch, customer_id))["identity"].endswith("restricted")
    assert await resume_purposes(branch.house) == 0
    await counter.apply(customer_id=customer_id)
    assert await resume_purposes(branch.house) > 0
    assert await classes(branch, customer_id) == {}
    await close_day(branch.house)
    assert await classes(branch, customer_id) == {}
