"""Campaigns in the console: proposed by one, approved by another, started, ended, and counted."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.journeys.approve import decide_approval
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import Actor

PATH = "/console/hosts/campaigns"
OFFICER = Actor(name="cora", role="compliance", source="console")


async def test_two_people_start_a_campaign_and_one_ends_it(stranger: Browser) -> None:
    house = stranger.house
    await stranger.sign_in("risk_analyst")
    empty = await stranger.get(PATH)
    assert (empty.status_code, faults(empty.text)) == (200, [])
    form = await stranger.get(f"{PATH}/new")
    assert faults(form.text) == []
    until = await house.business_date() + timedelta(days=30)
    fields = {
        "code": "spring",
        "product": "cash-line-invited",
        "host": "own",
        "rule": "own_months >= 0",
        "quota": "10",
        "until": until.isoformat(),
        "title_zh": "邀请您申请",
        "text_zh": "您按时还款，欢迎申请。",
        "title_en": "You are invited",
        "text_en": "You repay on time. You may apply.",
        "reason": "regulars",
    }
    wrong = await stranger.submit(form, f"{PATH}/new", **fields | {"quota": "0"})
    assert wrong.status_code == 422
    asked = await stranger.submit(form, f"{PATH}/new", **fields)
    assert asked.status_code == 303, asked.text
    waiting = await stranger.get(asked.headers["location"])
    assert faults(waiting.text) == []
    assert "Waits for a second person" in waiting.text
    [approval] = parse_qs(urlsplit(asked.headers["location"]).query)["asked"]
    number = ids.from_text(ids.APPROVAL, approval)
    await decide_approval(house, OFFICER, number, is_approved=True, reason="read")
    started = await stranger.submit(waiting, f"{PATH}/new", **fields)
    assert started.headers["location"] == f"{PATH}?done=campaign_started"
    listed = await stranger.get(started.headers["location"])
    assert "The campaign is started." in listed.text
    assert faults(listed.text) == []
    assert "no consent to offers" in listed.text
    [record] = re.findall(r"cm_\w+", listed.text)
    path = f"{PATH}/{record}/end"
    ending = await stranger.get(path)
    assert (ending.status_code, faults(ending.text)) == (200, [])
    over = await stranger.submit(ending, path, reason="wrong rule")
    assert over.headers["location"] == f"{PATH}?done=campaign_ended"
