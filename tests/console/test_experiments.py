"""Pages of experiments: what is tried, by whom it was approved, what came of it."""

from datetime import timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.store.applicants import CLEAN
from tests.store.experiment_desk import budget, started, text, variant

from counterfoil.journeys.applying.enrol import NewApplicant, enrol
from counterfoil.journeys.deciding.shadow import Shadows
from counterfoil.kernel.clock import TestClock
from counterfoil.simulator.people import invent


@pytest.fixture
async def running(browser: Browser) -> Browser:
    """Somebody who has signed in while three experiments run."""
    house, on = browser.house, await browser.house.business_date()
    days = {"first_date": on.isoformat(), "last_date": (on + timedelta(days=60)).isoformat()}
    in_force = house.policies.origination.policy
    arms = [("champion", in_force.hash, 500_000), ("lower", variant().hash, 500_000)]
    groups = '[[groups]]\nfeature = "age_years"\nedges = [30]\n'
    await started(house, text(**days, arms=arms, tables=groups), variant())
    await started(house, text("shadow", **days))
    await started(house, text("control", **days, tables=budget()))
    persons = invent(12, seed=99, on=on)
    new = [
        NewApplicant(
            name=person.name,
            id_number=person.id_number,
            phone=person.phone,
            purpose="travel",
            facts=CLEAN | {"delay_months_latest": 3 * (number % 2)},
        )
        for number, person in enumerate(persons)
    ]
    await enrol(house, new, product_code="cash-line-open")
    assert isinstance(house.clock, TestClock)
    house.clock.advance(timedelta(minutes=5))
    await Shadows(house).step()
    return browser


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_experiments_are_listed_with_losses_by_version(
    running: Browser, language: str
) -> None:
    page = await running.get("/console/experiments", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    for code in ("a-challenger", "a-shadow", "a-control"):
        assert f"/console/experiments/{code}" in page.text
    assert running.house.policies.origination.policy.version in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("a-challenger", ["champion", "lower", "age_years", "bo"]),
        ("a-shadow", ["R01"]),
        ("a-control", ["control"]),
    ],
)
async def test_an_experiment_shows_what_came_of_it(
    running: Browser, language: str, code: str, held: list[str]
) -> None:
    page = await running.get(f"/console/experiments/{code}", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    for word in held:
        assert word in page.text


async def test_an_experiment_that_is_not_there_says_what_to_do(browser: Browser) -> None:
    page = await browser.get("/console/experiments/nothing")
    assert page.status_code == 404
    assert "Search finds a record" in page.text
