"""Changes of a line's agreement at the desk: noticed after a preview, listed, taken back."""

from datetime import timedelta

from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.journeys.contracting.agreement_changes import (
    AgreementChange,
    Standing,
    read_changes,
)
from counterfoil.kernel import ids


async def test_a_notice_is_previewed_given_listed_and_taken_back(stranger: Browser) -> None:
    await stranger.sign_in("risk_analyst")
    browser = stranger
    listed = await browser.get("/console/lines?status=active")
    line = first_record(listed.text)
    assert f"{line}/agreement" in (await browser.get(line)).text
    empty = await browser.get(f"{line}/changes")
    assert (empty.status_code, faults(empty.text)) == (200, [])
    day = await browser.house.business_date() + timedelta(days=40)
    path = f"{line}/agreement"
    form = await browser.get(path, language="zh-CN")
    assert (form.status_code, faults(form.text)) == (200, [])
    given = {"effective_on": day.isoformat(), "product_version": "", "rate": "0.055", "limit": ""}
    for wrong in ({"rate": "x"}, {"product_version": "1.5"}, {"limit": "-1"}, {"effective_on": ""}):
        refused = await browser.submit(form, path, step="preview", **(given | wrong))
        assert refused.status_code == 422, wrong
    preview = await browser.submit(form, path, step="preview", **given)
    assert (preview.status_code, faults(preview.text)) == (200, [])
    assert "nothing new is drawn without a signature" in preview.text
    done = await browser.submit(preview, path, step="confirm", **given)
    assert done.headers["location"] == f"{line}/changes?done=change_noticed", done.text
    [change] = await changes(browser, line)
    assert (change.standing, change.is_binding, change.to_rate_daily_e8) == (
        Standing.OPEN, True, 55_000,
    )  # fmt: skip
    page = await browser.get(f"{line}/changes?done=change_noticed", language="zh-CN")
    assert (page.status_code, faults(page.text)) == (200, [])
    back = f"{line}/changes/{change.record}/withdrawal"
    assert back in page.text
    shown = await browser.get(back)
    taken = await browser.submit(shown, back, step="confirm")
    assert taken.headers["location"] == f"{line}/changes?done=change_withdrawn", taken.text
    [change] = await changes(browser, line)
    assert change.standing is Standing.WITHDRAWN


async def test_who_may_not_change_limits_gives_no_notice(stranger: Browser) -> None:
    await stranger.sign_in("auditor")
    line = first_record((await stranger.get("/console/lines?status=active")).text)
    assert (await stranger.get(f"{line}/changes")).status_code == 200
    assert (await stranger.get(f"{line}/agreement")).status_code == 403
    assert (await stranger.get(f"{line}/changes/ct_x/withdrawal")).status_code == 403


async def changes(browser: Browser, line: str) -> list[AgreementChange]:
    customer, _, record = line.split("/")[3:]
    found = await read_changes(
        browser.house,
        customer_id=ids.from_text(ids.CUSTOMER, customer),
        line_id=ids.from_text(ids.LINE, record),
    )
    assert isinstance(found, list), found
    return found
