"""The book against the ceilings: losses by the band that was measured when a loan was asked for."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.capacity.bands import BANDINGS
from counterfoil.capacity.ceiling import shipped_ceilings
from counterfoil.capacity.exposure import MEASURES
from counterfoil.journeys.affording.portfolio import portfolio

YESTERDAY = FIRST_DATE - timedelta(days=1)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def measured(
    branch: Branch, customer_id: int, run_id: int, lenders: int | None, *, on: date, hit: str = ""
) -> None:
    """Keep a run of the guard in which so many lenders were counted."""
    figures: dict[str, Any] = {name: {"value": None} for name in MEASURES}
    figures["active_lenders"] = {"value": lenders}
    sha256 = "0" * 64
    await branch.rows(
        "INSERT INTO capacity.ceilings VALUES ($1, 'test', '', now())"
        " ON CONFLICT DO NOTHING RETURNING 1",
        sha256,
    )
    await branch.rows(
        "INSERT INTO capacity.guard_run (customer_id, run_id, occasion, as_of, ran_at, outcome,"
        " cap_by, hits, ceilings, inputs, result)"
        " VALUES ($1, $2, 'review', $3, now(), 'refer', '', $4, $5, '', $6) RETURNING 1",
        *(customer_id, run_id, on, [hit] if hit else [], sha256),
        orjson.dumps({"measures": figures}).decode(),
    )


async def test_losses_stand_by_band_and_month_and_what_is_not_known_apart(branch: Branch) -> None:
    assert all(banding.measure in MEASURES for banding in BANDINGS)
    for customer_id in range(1, 5):
        await branch.get(an_opening(customer_id, customer_id))
    await measured(branch, 1, 1, 1, on=YESTERDAY)
    await measured(branch, 2, 2, 6, on=YESTERDAY, hit="lenders")
    await measured(branch, 3, 3, None, on=YESTERDAY)
    for customer_id in range(1, 5):
        await branch.lend(customer_id, customer_id, customer_id * 100_000)
    # What is measured later says nothing of what was lent before.
    await measured(branch, 1, 4, 9, on=FIRST_DATE + timedelta(days=1), hit="!lenders")
    for customer_id, days in ((2, 90), (3, 89)):
        await branch.rows(
            "UPDATE lending.loan SET oldest_due_date = $1 WHERE customer_id = $2 RETURNING 1",
            *(FIRST_DATE - timedelta(days=days), customer_id),
        )
    found = await portfolio(branch.house)
    lenders: dict[str, Any] = found["bands"][0]
    assert (lenders["measure"], lenders["unit"]) == ("active_lenders", "count")
    shown = [
        (band["is_known"], band["at_least"], band["below"], band["lent_minor"], band["lost_minor"])
        for band in lenders["bands"]
    ]
    assert shown == [
        (True, 1, 2, 100_000, 0),
        (True, 4, 7, 200_000, 200_000),
        (False, None, None, 700_000, 0),
    ]
    [month] = lenders["bands"][1]["months"]
    assert month == {
        "month": FIRST_DATE.replace(day=1).isoformat(),
        "loans": 1,
        "lent_minor": 200_000,
        "owed_minor": 200_000,
        "lost_minor": 200_000,
        "lost_ppm": 1_000_000,
    }
    # A figure that nobody measured puts everybody into the band of what is not known.
    [unknown] = found["bands"][3]["bands"]
    assert (unknown["is_known"], unknown["loans"], unknown["lost_ppm"]) == (False, 4, 200_000)
    # The latest run counts for who is above now, each month's runs for the trend.
    assert found["above"] == [
        {"ceiling": "lenders", "end": "hard", "customers": 1, "share_ppm": 333_333},
        {"ceiling": "lenders", "end": "soft", "customers": 1, "share_ppm": 333_333},
    ]
    [january] = found["trend"]
    assert (january["customers"], january["above"]) == (3, 2)
    assert [(one["end"], one["share_ppm"]) for one in january["ceilings"]] == [
        ("hard", 333_333),
        ("soft", 333_333),
    ]
    [late] = [item for item in found["losses"] if item["outcome"] == "refer"]
    assert (late["owed_minor"], late["late_minor"]) == (600_000, 200_000)


def test_bands_lie_where_ceilings_send_a_case_to_a_person_or_refuse_it() -> None:
    edges = {banding.measure: set(banding.edges) for banding in BANDINGS}
    for ceiling in shipped_ceilings().ceilings:
        if ceiling.measure in {"active_lenders", "dsr"}:
            assert {ceiling.soft, ceiling.hard} <= edges[ceiling.measure]
