"""A profile and the quality of data: what a role and a purpose show, in both languages."""

import re

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record
from tests.store.test_feature_events import statement

from counterfoil.features.event import Draft
from counterfoil.features.registry_file import load_registry
from counterfoil.features.store import read_events
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_quality import run_checks
from counterfoil.journeys.knowing.tell_events import revise, take_one, tell
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


async def test_who_is_asked_about_payouts_sees_behaviour_alone_and_a_collector_nothing(
    stranger: Browser,
) -> None:
    await stranger.sign_in("operations")
    href = first_record((await stranger.get("/console/customers")).text)
    page = (await stranger.get(f"{href}/profile?purpose=payout")).text
    assert "Repaid in ninety days" in page
    assert "Monthly repayments" not in page
    other = await stranger.get(f"{href}/profile?purpose=credit_review")
    assert other.status_code == 403
    for role in ("collector", "administrator"):
        await stranger.sign_in(role)
        assert (await stranger.get(f"{href}/profile")).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_quality_of_data_is_shown(browser: Browser, language: str) -> None:
    await run_checks(browser.house)
    page = await browser.get("/console/data", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert "bureau_validity" in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_bad_record_is_followed_and_its_remedy_decided_by_another(
    stranger: Browser, language: str
) -> None:
    house, home = stranger.house, "/console/data/corrections"
    customer, record = await a_wrong_record(house)
    await stranger.sign_in("risk_analyst")
    assert (await stranger.get("/console/data", language=language)).text.count(home) == 1
    form = await stranger.get(f"{home}/find", language=language)
    assert faults(form.text) == []
    said = {"customer": customer, "record": record, "reason": "typing error"}
    wrong = await stranger.submit(form, f"{home}/find", **said | {"customer": "cu_nobody"})
    assert wrong.status_code == 422
    found = await stranger.submit(form, f"{home}/find", **said)
    assert found.headers["location"] == f"{home}?done=correction_found"
    page = await stranger.get(home, language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert record in page.text
    assert "counterfoil report lineage funnel" in page.text
    [href] = set(re.findall(rf"{home}/cu_\w+/fc_\w+", page.text))
    own = await stranger.submit(await stranger.get(href), href, end="taken", reason="seen")
    assert own.status_code == 422
    await stranger.sign_in("compliance")
    deciding = await stranger.get(href, language=language)
    assert faults(deciding.text) == []
    ended = await stranger.submit(deciding, href, end="left", reason="no harm done")
    assert ended.headers["location"] == f"{home}?done=remedy_ended"
    assert (await stranger.get(href)).status_code == 404
    assert (await stranger.get(f"{home}/cu_x/fc_x")).status_code == 404
    await stranger.sign_in("collector")
    assert (await stranger.get(f"{home}/find")).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_malformed_event_is_repaired_or_discarded(stranger: Browser, language: str) -> None:
    house, home = stranger.house, "/console/data"
    await stranger.sign_in("risk_analyst")
    href = first_record((await stranger.get("/console/lines")).text).partition("/lines/")[0]
    customer_id = ids.from_text(ids.CUSTOMER, href.rsplit("/", 1)[1])
    for number in (1, 2):
        draft = statement(
            customer_id,
            f"crm-{language}-{number}",
            facts={"debt_monthly_minor": -number, "name": "林小雨"},
        )
        assert await take_one(house, draft) == "quarantined"
    page = await stranger.get(home, language=language)
    assert faults(page.text) == []
    one, other = re.findall(rf'href="({home}/quarantine/[^"]+)"', page.text)[-2:]
    form = await stranger.get(one, language=language)
    assert faults(form.text) == []
    assert "林小雨" not in form.text
    assert 'value="-1"' in form.text
    said = {"end": "repaired", "reason": "typing error"}
    odd = await stranger.submit(form, one, **said, **{"member-debt_monthly_minor": "much"})
    assert odd.status_code == 422
    still = await stranger.submit(form, one, **said, **{"member-debt_monthly_minor": "-5"})
    assert still.status_code == 422
    made = await stranger.submit(form, one, **said, **{"member-debt_monthly_minor": "5"})
    assert made.headers["location"] == f"{home}?done=event_repaired"
    assert (await stranger.get(one)).status_code == 404
    gone = await stranger.submit(
        await stranger.get(other), other, end="discarded", reason="of somebody else"
    )
    assert gone.headers["location"] == f"{home}?done=event_discarded"
    async with house.database.connection() as connection:
        events = (await read_events(connection, [customer_id]))[customer_id]
    told = [event for event in events if event.source_record == f"crm-{language}-1"]
    assert [event.facts for event in told] == [{"debt_monthly_minor": 5}]
    await stranger.sign_in("collector")
    assert (await stranger.get(one)).status_code == 403


async def a_wrong_record(house: House) -> tuple[str, str]:
    """Say that somebody approved still studies; return who, and the record that said else."""
    async with house.database.transaction() as connection:
        [row] = await connection.fetch(
            "SELECT customer_id, application_id FROM decisioning.application"
            " WHERE outcome = 'approved' ORDER BY application_id LIMIT 1"
        )
        await tell(house, connection, [row["customer_id"]])
        events = (await read_events(connection, [row["customer_id"]]))[row["customer_id"]]
        own = ids.to_text(ids.APPLICATION, row["application_id"])
        [event] = [
            one for one in events if one.source_record.startswith(own) and "is_student" in one.facts
        ]
        said = {name: getattr(event, name) for name in Draft._fields if hasattr(event, name)}
        facts = {**event.facts, "is_student": True}
        await revise(house, connection, Draft(**said | {"facts": facts, "known_at": None}))
    return ids.to_text(ids.CUSTOMER, row["customer_id"]), event.source_record


def test_what_a_purpose_shows_is_a_category_of_the_registry() -> None:
    known = {*load_registry().categories, EVERY_FIELD}
    for purpose in load_matrix().purposes.values():
        assert set(purpose.profile) <= known, purpose.code
    # Whoever collects looks at no profile: what it is made of is kept for other purposes.
    without = {code for code, purpose in load_matrix().purposes.items() if not purpose.profile}
    assert without == {"collection"}
