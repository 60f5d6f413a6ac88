"""The queue of what persons ask about their own data, and how staff answer."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.journeys.guarding import rights
from counterfoil.journeys.guarding.rights import RightsWish
from counterfoil.kernel import ids
from counterfoil.privacy.rights import Right, RightsRequest


async def asked(browser: Browser) -> tuple[RightsRequest, str]:
    """Ask in the name of a customer; return the request and its address."""
    listed = await browser.get("/console/applications?status=declined")
    customer = first_record(listed.text).split("/")[3]
    wish = RightsWish(
        customer_id=ids.from_text(ids.CUSTOMER, customer),
        kind=Right.OBJECT,
        about="",
        said="<b>no machines</b>",
        method="",
        by="api:shop",
    )
    found = await rights.ask_right(browser.house, wish)
    assert isinstance(found, RightsRequest), found
    return found, (
        f"/console/person-rights/{customer}/{ids.to_text(ids.RIGHTS_REQUEST, found.request_id)}"
    )


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_person_identifies_and_answers(stranger: Browser, language: str) -> None:
    await stranger.sign_in("compliance")
    empty = await stranger.get("/console/person-rights", language=language)
    assert faults(empty.text) == []
    found, href = await asked(stranger)
    queue = await stranger.get("/console/person-rights", language=language)
    assert faults(queue.text) == []
    assert href in queue.text
    form = await stranger.get(href, language=language)
    assert faults(form.text) == []
    assert "&lt;b&gt;no machines" in form.text
    early = await stranger.submit(form, href, step_taken="answer", reason="as asked")
    assert early.status_code == 422
    form = await stranger.get(href)
    done = await stranger.submit(form, href, step_taken="identify", reason="identity card seen")
    assert done.headers["location"].endswith("?done=person_right")
    form = await stranger.get(href)
    await stranger.submit(form, href, step_taken="answer", reason="as asked")
    after = await rights.read_request(
        stranger.house, customer_id=found.customer_id, request_id=found.request_id
    )
    assert isinstance(after, RightsRequest)
    assert after.state == "answered"


async def test_who_may_not_answer_does_not_see_the_queue(stranger: Browser) -> None:
    await stranger.sign_in("collector")
    assert (await stranger.get("/console/person-rights")).status_code == 403
