"""Templates of contracts and notices to whole products at the desk: both take two people."""

from datetime import timedelta

from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.contracts.template import files_of
from counterfoil.journeys.approve import decide_approval, list_approvals
from counterfoil.journeys.contracting.notice_all import carry_notices
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor

TEMPLATES = "/console/contract-templates"
NOTICES = "/console/agreement-notices"
BO = Actor(name="bo", role="compliance", source="test")
WAS = "You may close the line at any time."
NOW = "You may close the line on any day."


async def agreed(browser: Browser) -> str:
    """Have somebody else approve what was asked for last; return what they read before."""
    [asked] = await list_approvals(browser.house, only_open=True, page=1)
    href = f"/console/approvals/{ids.to_text(ids.APPROVAL, asked.approval_id)}"
    page = await browser.get(href)
    assert (page.status_code, faults(page.text)) == (200, [])
    number = asked.approval_id
    done = await decide_approval(browser.house, BO, number, is_approved=True, reason="read it")
    assert not isinstance(done, Refused), done
    return page.text


async def test_a_version_is_written_compared_approved_published_and_ended(
    stranger: Browser,
) -> None:
    browser = stranger
    await browser.sign_in("risk_analyst")
    listed = await browser.get(TEMPLATES, language="zh-CN")
    assert (listed.status_code, faults(listed.text)) == (200, [])
    shown = await browser.get(f"{TEMPLATES}/credit-agreement/1")
    assert (shown.status_code, faults(shown.text)) == (200, [])
    assert WAS in shown.text
    for lost in ("credit-agreement/9", "nothing/1", "credit-agreement/x"):
        assert (await browser.get(f"{TEMPLATES}/{lost}")).status_code == 404
    path = f"{TEMPLATES}/new"
    form = await browser.get(f"{path}?of=credit-agreement/1")
    assert (form.status_code, faults(form.text)) == (200, [])
    assert "version = 2" in form.text
    # As the form holds them: the texts of the first version under the next number.
    first = next(one for one in browser.house.templates.shipped if one.template.ref in shown.text)
    files = {name: text.decode() for name, text in files_of(first.document).items()}
    day = (await browser.house.business_date()).isoformat()
    head = files["template.toml"].replace("version = 1", "version = 2")
    written = {
        "head": head.replace("effective_from = 2025-10-01", f"effective_from = {day}"),
        "text_zh": files["zh.md"],
        "text_en": files["en.md"].replace(WAS, NOW).replace("\n", "\r\n"),
        "reason": "plainer words",
    }
    for wrong in ({"head": "[meta"}, {"text_en": "# x"}, {"reason": ""}):
        refused = await browser.submit(form, path, step="preview", **(written | wrong))
        assert refused.status_code == 422, wrong
        assert faults(refused.text) == []
    preview = await browser.submit(form, path, step="preview", **written)
    assert (preview.status_code, faults(preview.text)) == (200, [])
    for told in (WAS, NOW, "credit-agreement/2", "Signed agreements that keep their text"):
        assert told in preview.text
    asked = await browser.submit(preview, path, step="confirm", **written)
    assert asked.headers["location"] == f"{TEMPLATES}?done=template_asked", asked.text
    assert "Not published" in (await browser.get(TEMPLATES)).text
    read = await agreed(browser)
    assert WAS in read
    assert NOW in read
    act = f"{TEMPLATES}/credit-agreement/2/publish"
    page = await browser.submit(await browser.get(act), act, step="preview", reason="approved")
    made = await browser.submit(page, act, step="confirm", reason="approved")
    assert made.headers["location"] == f"{TEMPLATES}?done=template_published", made.text
    assert browser.house.shelf.template("credit-agreement", 2) in browser.house.shelf.published()
    ending = f"{TEMPLATES}/credit-agreement/2/retire"
    given = {"retired_on": day, "reason": "the ombudsman's name was wrong"}
    for word in ("template_asked", "template_ended"):
        page = await browser.submit(await browser.get(ending), ending, step="preview", **given)
        assert (page.status_code, faults(page.text)) == (200, [])
        ended = await browser.submit(page, ending, step="confirm", **given)
        assert ended.headers["location"] == f"{TEMPLATES}?done={word}", ended.text
        if word == "template_asked":
            await agreed(browser)
    last = await browser.get(f"{TEMPLATES}/credit-agreement/2", language="zh-CN")
    assert (last.status_code, faults(last.text)) == (200, [])


async def test_a_notice_to_a_product_is_previewed_approved_and_followed_to_its_end(
    stranger: Browser,
) -> None:
    browser = stranger
    await browser.sign_in("risk_analyst")
    empty = await browser.get(NOTICES, language="zh-CN")
    assert (empty.status_code, faults(empty.text)) == (200, [])
    path, day = f"{NOTICES}/new", await browser.house.business_date() + timedelta(days=40)
    form = await browser.get(path)
    assert (form.status_code, faults(form.text)) == (200, [])
    wanted = {
        "product": "cash-line-open", "effective_on": day.isoformat(), "of_version": "",
        "product_version": "", "rate": "0.055", "reason": "funding has become dearer",
    }  # fmt: skip
    for wrong in ({"product": "x"}, {"of_version": "1e3"}, {"rate": "much"}, {"reason": ""},
                  {"product_version": "9" * 19}, {"effective_on": ""}):  # fmt: skip
        refused = await browser.submit(form, path, step="preview", **(wanted | wrong))
        assert refused.status_code == 422, wrong
    preview = await browser.submit(form, path, step="preview", **wanted)
    assert (preview.status_code, faults(preview.text)) == (200, [])
    for told in ("0.055%", "All-in cost a year", "would be noticed", "3. Interest and all-in cost"):
        assert told in preview.text, told
    asked = await browser.submit(preview, path, step="confirm", **wanted)
    assert asked.headers["location"] == f"{NOTICES}?done=notice_asked", asked.text
    assert "3. Interest and all-in cost" in await agreed(browser)
    begun = await browser.submit(preview, path, step="confirm", **wanted)
    assert begun.headers["location"] == f"{NOTICES}?done=notice_begun", begun.text
    under_way = await browser.get(NOTICES)
    assert "Under way" in under_way.text
    while await carry_notices(browser.house):
        pass
    ended = await browser.get(NOTICES)
    assert (ended.status_code, faults(ended.text)) == (200, [])
    record = ended.text.partition(f'href="{NOTICES}/an_')[2].partition('"')[0]
    for language in ("en", "zh-CN"):
        page = await browser.get(f"{NOTICES}/an_{record}", language=language)
        assert (page.status_code, faults(page.text)) == (200, [])
    assert "Finished" in (await browser.get(f"{NOTICES}/an_{record}")).text
    assert (await browser.get(f"{NOTICES}/an_0")).status_code == 404


async def test_who_may_not_ask_reads_and_does_not_act(stranger: Browser) -> None:
    await stranger.sign_in("auditor")
    for path in (TEMPLATES, f"{TEMPLATES}/loan-note/1", NOTICES):
        assert (await stranger.get(path)).status_code == 200
    for path in (f"{TEMPLATES}/new", f"{TEMPLATES}/loan-note/1/retire", f"{NOTICES}/new"):
        assert (await stranger.get(path)).status_code == 403
