"""A profile and the quality of data: what a role and a purpose show, in both languages."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.features.registry_file import load_registry
from counterfoil.journeys.feature_quality import run_checks
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import EVERY_FIELD, load_matrix
from counterfoil.platform.trail import Wanted


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_staff_see_of_a_profile_what_their_purpose_shows(
    stranger: Browser, language: str
) -> None:
    await stranger.sign_in("risk_analyst")
    href = first_record((await stranger.get("/console/lines")).text).partition("/lines/")[0]
    page = await stranger.get(f"{href}/profile", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert ("Longest delay in twelve months" if language == "en" else "逾期天数") in page.text
    assert ("Grade of the last decision" if language == "en" else "最近一次评级") in page.text
    customer_id = ids.from_text(ids.CUSTOMER, href.rsplit("/", 1)[1])
    found = await find_trail(stranger.house, Wanted(customer_id=customer_id))
    line = next(line for line in found if line.act == "profile")
    assert (line.act, line.purpose, line.actor) == ("profile", "credit_review", "risk_analyst")


async def test_a_collector_sees_behaviour_alone_and_the_administrator_nothing(
    stranger: Browser,
) -> None:
    await stranger.sign_in("collector")
    href = first_record((await stranger.get("/console/customers")).text)
    page = (await stranger.get(f"{href}/profile")).text
    assert "Repaid in ninety days" in page
    assert "Monthly repayments" not in page
    other = await stranger.get(f"{href}/profile?purpose=credit_review")
    assert other.status_code == 403
    await stranger.sign_in("administrator")
    assert (await stranger.get(f"{href}/profile")).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_quality_of_data_is_shown(browser: Browser, language: str) -> None:
    await run_checks(browser.house)
    page = await browser.get("/console/data", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert "bureau_validity" in page.text


def test_what_a_purpose_shows_is_a_category_of_the_registry() -> None:
    known = {*load_registry().categories, EVERY_FIELD}
    for purpose in load_matrix().purposes.values():
        assert set(purpose.profile) <= known, purpose.code
        assert purpose.profile, purpose.code
