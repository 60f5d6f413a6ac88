"""A report is followed back to its rows, and a balance is what its journals add up to."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.journeys.knowing.report_lineage import (
    Report,
    lineage_of_balance,
    lineage_of_report,
)
from counterfoil.kernel import ids
from counterfoil.ledger.store import QUERIES

NEXT_YEAR = FIRST_DATE + timedelta(days=365)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def test_a_report_names_its_rows_and_what_made_it(branch: Branch) -> None:
    counter = Counter(branch.house)
    views = [await counter.apply(), await counter.apply(is_student=True)]
    span = {"first_date": FIRST_DATE, "last_date": FIRST_DATE}
    found = await lineage_of_report(branch.house, Report.INCLUSION, **span)
    assert found["rows"]["count"] == 2
    named = {key.split("/")[0] for key in found["rows"]["shown"]}
    assert named == {ids.to_text(ids.APPLICATION, view.application_id) for view in views}
    policy = branch.house.policies.origination.policy.hash
    assert all(key.endswith(f"/1 {policy}") for key in found["rows"]["shown"])
    query = found["queries"][0]
    assert (query["name"], len(query["sha256"])) == ("inclusion", 64)
    assert "decisioning.application" in query["reads"]
    # The same rows and the same transformation, once more and in another report.
    other = await lineage_of_report(branch.house, Report.FUNNEL, **span)
    assert other["rows"]["sha256"] == found["rows"]["sha256"]
    assert other["queries"] != found["queries"]
    await counter.apply()
    more = await lineage_of_report(branch.house, Report.INCLUSION, **span)
    assert (more["rows"]["count"], more["queries"]) == (3, found["queries"])
    assert more["rows"]["sha256"] != found["rows"]["sha256"]


async def test_journals_add_up_to_every_balance(branch: Branch) -> None:
    customer_id, line_id = 7, branch.house.ids.next()
    await branch.get(an_opening(customer_id, line_id))
    await branch.lend(customer_id, line_id, 120_000)
    async with branch.house.database.connection() as connection:
        balances = await QUERIES.trial_balance.fetch(connection, on_date=NEXT_YEAR)
    assert balances
    for row in balances:
        found = await lineage_of_balance(
            branch.house, row["account"], first_date=FIRST_DATE, last_date=NEXT_YEAR
        )
        assert (found["debit_minor"], found["credit_minor"]) == (
            row["debit_minor"],
            row["credit_minor"],
        )
        assert found["rows"]["count"] == len(found["rows"]["shown"]) > 0
