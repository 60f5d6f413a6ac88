"""Scenes as members of staff see them, and a stop that a person lifts."""

from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.lending import scene_store


async def test_scenes_are_shown_and_a_person_lifts_a_stop(
    browser: Browser, stranger: Browser
) -> None:
    house = browser.house
    stop = scene_store.Stop(
        stop_id=house.ids.next(), scene="travel", merchant_id=scene_store.WHOLE, is_stopped=True,
        loans_count=20, owed_minor=100, late_minor=10, by="counterfoil", reason="tolerance",
        at=house.clock.now(),
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await scene_store.add_stop(connection, stop)
    page = await browser.get("/console/scenes")
    assert page.status_code == 200
    assert faults(page.text) == []
    href = "/console/scenes/travel/all/lift"
    for words in ("Education and training", "enrolment_proof", "25.00 %", "Stopped", href):
        assert words in page.text
    assert "教育培训" in (await browser.get("/console/scenes", language="zh-CN")).text
    assert (await browser.get(href)).status_code == 403, "an administrator lifts no stops"
    await stranger.sign_in("compliance")
    form = await stranger.get(href)
    assert (await stranger.submit(form, href, reason="")).status_code == 422
    done = await stranger.submit(form, href, reason="the late loans were repaid")
    assert done.headers["location"] == "/console/scenes?done=scene_stop_lifted"
    assert href not in (await browser.get("/console/scenes")).text
    assert (await stranger.get(href)).status_code == 404
    assert (await stranger.get("/console/scenes/travel/mc_x/lift")).status_code == 404
