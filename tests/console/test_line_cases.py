"""What reviews of lines leave to people, as the pages of the console show and decide it."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.decisioning.line_review.case import ReviewCase
from counterfoil.decisioning.line_review.signal import SignalKind
from counterfoil.journeys.lines.line_review_desk import waiting_cases
from counterfoil.journeys.lines.line_signals import Told, note_signal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused


async def a_case(browser: Browser) -> tuple[ReviewCase, str]:
    """Let somebody tell that a customer died; return the case and its address."""
    listed = await browser.get("/console/lines?status=active")
    customer, _, line = first_record(listed.text).split("/")[3:]
    told = Told(
        customer_id=ids.from_text(ids.CUSTOMER, customer),
        line_id=ids.from_text(ids.LINE, line),
        kind=SignalKind.DEATH,
        source="registry",
        reference="<b>7",
        by="api",
    )
    assert not isinstance(await note_signal(browser.house, told), Refused)
    [case] = await waiting_cases(browser.house)
    record = ids.to_text(ids.LINE_REVIEW_CASE, case.case_id)
    return case, f"/console/line-cases/{customer}/{record}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_queue_and_a_case_show_what_the_machine_saw(
    browser: Browser, language: str
) -> None:
    empty = await browser.get("/console/line-cases", language=language)
    assert faults(empty.text) == []
    _, address = await a_case(browser)
    queue = await browser.get("/console/line-cases", language=language)
    assert faults(queue.text) == []
    assert address in queue.text
    case = await browser.get(address, language=language)
    assert case.status_code == 200
    assert faults(case.text) == []
    for name in ("closing_grounds_open", "own_rollovers_6"):
        assert f"<code>{name}</code>" in case.text
    assert "C02" in case.text


async def test_a_case_is_decided_once_with_a_reason(stranger: Browser) -> None:
    await stranger.sign_in("compliance")
    browser = stranger
    _, address = await a_case(browser)
    action = f"{address}/decision"
    form = await browser.get(action)
    unfit = await browser.submit(form, action, ruling="lower", limit="", reason="x")
    assert unfit.status_code != 303
    done = await browser.submit(form, action, ruling="keep", reason="the heirs pay")
    assert done.status_code == 303
    assert await waiting_cases(browser.house) == []
    shown = await browser.get(address)
    assert "the heirs pay" in shown.text
