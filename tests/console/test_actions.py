"""Actions: shown once more before they are final, done once, taken back where there is a way."""

import html
import re
from typing import Any

import pytest
from tests.console.accessibility import faults, parse
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.kernel import ids


async def _value(browser: Browser, query: str, *args: object) -> Any:
    async with browser.house.database.connection() as connection:
        return await connection.fetchval(query, *args)


async def _open_loan(browser: Browser) -> str:
    return first_record((await browser.get("/console/loans?status=open&sort=balance")).text)


def _number(href: str) -> int:
    return ids.from_text(ids.LOAN, href.rpartition("/")[2])


async def _preview(browser: Browser, href: str, action: str, **fields: str) -> Any:
    page = await browser.get(f"{href}/{action}")
    assert faults(page.text) == []
    return await browser.submit(page, f"{href}/{action}", **fields)


def _posted(preview: Any) -> set[tuple[str, str, str]]:
    """Return account, debit and credit of the entries that a preview promises."""
    table = parse(preview.text)[0].all("table")[-1]
    rows = []
    for row in table.all("tbody")[0].all("tr"):
        cells = row.all("td")
        rows.append((cells[0].all("a")[0].text, cells[1].text, cells[2].text))
    return set(rows)


async def test_a_repayment_books_exactly_what_its_preview_showed(browser: Browser) -> None:
    href = await _open_loan(browser)
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    before = await _value(browser, "SELECT max(journal_id) FROM ledger.journal")
    fields = {"amount": "１，０００．５０", "value_date": str(today), "mode": "next_instalment"}
    preview = await _preview(browser, href, "repay", **fields)
    assert preview.status_code == 200
    assert faults(preview.text) == []
    assert "Nothing is done yet" in preview.text
    assert await _value(browser, "SELECT max(journal_id) FROM ledger.journal") == before
    balance_after = re.findall(
        r"Principal outstanding</th>.*?change-to\">([^<]*)<", preview.text, re.DOTALL
    )
    done = await browser.submit(preview, f"{href}/repay")
    assert done.status_code == 303
    assert done.headers["location"] == f"{href}?done=repaid"
    async with browser.house.database.connection() as connection:
        postings = await connection.fetch(
            "SELECT account, debit_minor, credit_minor FROM ledger.posting "
            "WHERE journal_id > $1 AND loan_id = $2",
            before,
            _number(href),
        )
    assert _posted(preview) == {
        (str(row["account"]), _major(row["debit_minor"]), _major(row["credit_minor"]))
        for row in postings
    }
    page = await browser.get(done.headers["location"])
    assert "The repayment is booked" in page.text
    assert html.unescape(balance_after[0]) in page.text
    assert "equal to what is stored" in page.text
    assert faults(page.text) == []


def _major(minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d}" if minor else "—"


async def test_sending_a_repayment_twice_books_it_once(browser: Browser) -> None:
    href = await _open_loan(browser)
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    preview = await _preview(
        browser, href, "repay", amount="10", value_date=str(today), mode="next_instalment"
    )
    first = await browser.submit(preview, f"{href}/repay")
    second = await browser.submit(preview, f"{href}/repay")
    assert first.status_code == second.status_code == 303
    count = await _value(
        browser,
        "SELECT count(*) FROM lending.loan_transaction WHERE loan_id = $1 AND channel = 'counter'",
        _number(href),
    )
    assert count == 1


async def test_a_repayment_can_be_taken_back_and_all_is_as_before(browser: Browser) -> None:
    href = await _open_loan(browser)
    state = (
        "SELECT principal_minor || ' ' || interest_paid_minor FROM lending.loan WHERE loan_id = $1"
    )
    before = await _value(browser, state, _number(href))
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    preview = await _preview(
        browser, href, "repay", amount="200", value_date=str(today), mode="reduce_instalment"
    )
    await browser.submit(preview, f"{href}/repay")
    assert await _value(browser, state, _number(href)) != before
    page = await browser.get(href)
    link = re.findall(rf'href="({href}/reverse/rp_\w+)"', page.text)[0]
    form = await browser.get(link)
    assert faults(form.text) == []
    shown = await browser.submit(form, link, reason="returned by the bank")
    assert "The whole repayment of CNY 200.00 is taken back" in shown.text
    assert faults(shown.text) == []
    done = await browser.submit(shown, link)
    assert done.headers["location"] == f"{href}?done=reversed"
    assert await _value(browser, state, _number(href)) == before
    page = await browser.get(href)
    assert "taken back" in page.text
    assert f'href="{link}"' not in page.text


async def test_taking_back_twice_is_refused_with_a_word(browser: Browser) -> None:
    href = await _open_loan(browser)
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    preview = await _preview(
        browser, href, "repay", amount="5", value_date=str(today), mode="next_instalment"
    )
    await browser.submit(preview, f"{href}/repay")
    page = await browser.get(href)
    link = re.findall(rf'href="({href}/reverse/rp_\w+)"', page.text)[0]
    shown = [await browser.submit(await browser.get(link), link, reason="one") for _ in range(2)]
    assert (await browser.submit(shown[0], link)).status_code == 303
    refused = await browser.submit(shown[1], link)
    assert refused.status_code == 422
    assert "Please check" in refused.text
    assert faults(refused.text) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"amount": "", "value_date": "TODAY"}, "Please fill this in."),
        ({"amount": "abc", "value_date": "TODAY"}, "Write an amount such as"),
        ({"amount": "1.234", "value_date": "TODAY"}, "Write an amount such as"),
        ({"amount": "1", "value_date": "2020-01-01"}, "Between "),
        ({"amount": "1", "value_date": "2099-01-01"}, "Between "),
        ({"amount": "1", "value_date": "TODAY", "mode": "never"}, "Choose one of the list."),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_the_input_kept(
    browser: Browser, fields: dict[str, str], message: str
) -> None:
    href = await _open_loan(browser)
    today = str(await _value(browser, "SELECT business_date FROM platform.business_date"))
    given = {"mode": "next_instalment"} | {
        name: today if value == "TODAY" else value for name, value in fields.items()
    }
    answer = await _preview(browser, href, "repay", **given)
    assert answer.status_code == 422
    assert message in html.unescape(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{given["amount"]}"' in answer.text
    assert faults(answer.text) == []


async def test_the_quote_closes_the_loan_to_zero(browser: Browser) -> None:
    href = await _open_loan(browser)
    page = await browser.get(href)
    total = re.findall(r"Early repayment in full.*?<b>CNY ([\d,.]+)</b>", page.text, re.DOTALL)[0]
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    preview = await _preview(
        browser, href, "repay", amount=total, value_date=str(today), mode="next_instalment"
    )
    await browser.submit(preview, f"{href}/repay")
    status = await _value(browser, "SELECT status FROM lending.loan WHERE loan_id = $1",
                          _number(href))  # fmt: skip
    assert status == "closed"


async def test_a_quote_for_a_day_too_far_away_is_refused(browser: Browser) -> None:
    href = await _open_loan(browser)
    answer = await browser.get(f"{href}?on=2099-01-01")
    assert answer.status_code == 400
    assert faults(answer.text) == []


async def _line(browser: Browser) -> tuple[str, int]:
    text = (await browser.get("/console/lines?status=active&sort=used&order=desc")).text
    href = first_record(text)
    return href, ids.from_text(ids.LINE, href.rpartition("/")[2])


async def test_a_limit_is_lowered_with_preview_reason_and_history(browser: Browser) -> None:
    href, number = await _line(browser)
    soon = await _preview(browser, href, "limit", limit="600", reason="review of risk")
    assert "The lower limit works on" in soon.text
    planned = await browser.submit(soon, f"{href}/limit")
    assert planned.headers["location"] == f"{href}?done=limit_planned"
    preview = await _preview(browser, href, "limit", limit="500", reason="suspected_fraud")
    assert "change-from" in preview.text
    assert "it stays owed" in preview.text
    assert faults(preview.text) == []
    done = await browser.submit(preview, f"{href}/limit")
    assert done.headers["location"] == f"{href}?done=limit_changed"
    assert (
        await _value(
            browser, "SELECT limit_minor FROM lending.credit_line WHERE line_id = $1", number
        )
        == 50_000
    )
    page = await browser.get(href)
    assert "Limit lowered" in page.text
    assert "suspected_fraud · administrator" in page.text


async def test_more_is_offered_by_a_review_and_raises_nothing_by_itself(browser: Browser) -> None:
    href, number = await _line(browser)
    limit = "SELECT limit_minor FROM lending.credit_line WHERE line_id = $1"
    before = await _value(browser, limit, number)
    form = await browser.get(f"{href}/review")
    assert faults(form.text) == []
    done = await browser.submit(form, f"{href}/review", reason="asked for more")
    assert done.headers["location"].partition("?done=")[2] in {"line_offered", "line_reviewed"}
    kept = "SELECT count(*) FROM decisioning.line_review WHERE line_id = $1 AND cause = 'asked_for'"
    assert await _value(browser, kept, number) == 1
    act = "SELECT reason FROM platform.trail WHERE act = 'line_review_asked'"
    assert await _value(browser, act) == "asked for more"
    again = await browser.submit(form, f"{href}/review", reason="asked for more")
    assert again.status_code == 422
    assert await _value(browser, limit, number) == before


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_refusal_of_the_journey_is_shown_and_the_input_kept(
    browser: Browser, language: str
) -> None:
    href, _ = await _line(browser)
    more = await _preview(browser, href, "limit", limit="99999999", reason="too much")
    assert "The customer has agreed to" in html.unescape(more.text)
    preview = await _preview(browser, href, "limit", limit="1.23", reason="fraud")
    fields = {"accept-language": language}
    hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', preview.text))
    answer = await browser.post(f"{href}/limit", {**hidden, "step": "confirm"}, headers=fields)
    assert answer.status_code == 422
    assert 'value="1.23"' in answer.text
    words = {"en": "The product grants limits from", "zh-CN": "新额度不在产品允许的范围内"}
    assert words[language] in html.unescape(answer.text)


async def test_a_line_is_frozen_and_unfrozen(browser: Browser) -> None:
    href, number = await _line(browser)
    status = "SELECT status FROM lending.credit_line WHERE line_id = $1"
    preview = await _preview(browser, href, "freeze", until="", reason="asked by the customer")
    assert faults(preview.text) == []
    await browser.submit(preview, f"{href}/freeze")
    assert await _value(browser, status, number) == "frozen"
    page = await browser.get(href)
    assert "Nothing can be drawn: the line is frozen." in page.text
    assert f'href="{href}/freeze"' not in page.text
    assert faults(page.text) == []
    preview = await _preview(browser, href, "unfreeze", reason="lifted")
    await browser.submit(preview, f"{href}/unfreeze")
    assert await _value(browser, status, number) == "active"


async def test_a_freeze_in_the_past_is_refused_at_its_field(browser: Browser) -> None:
    href, _ = await _line(browser)
    answer = await _preview(browser, href, "freeze", until="2020-01-01", reason="x")
    assert answer.status_code == 422
    assert "Not before the business date" in answer.text


async def test_closing_the_day_moves_the_date_once_however_often_it_is_sent(
    browser: Browser,
) -> None:
    date_now = "SELECT business_date FROM platform.business_date"
    before = await _value(browser, date_now)
    page = await browser.get("/console/days")
    first = await browser.submit(page, "/console/days")
    assert first.headers["location"] == "/console/days?done=day_closed"
    second = await browser.submit(page, "/console/days")
    assert second.status_code == 422
    assert "closed meanwhile" in second.text
    after = await _value(browser, date_now)
    assert (after - before).days == 1
    page = await browser.get("/console/days")
    assert f"Close {after} and open" in page.text
    assert f'href="/console/days/{before}"' in page.text


async def test_a_role_without_the_right_sees_why_the_day_cannot_be_closed(
    stranger: Browser,
) -> None:
    await stranger.sign_in("auditor")
    page = await stranger.get("/console/days")
    assert 'disabled aria-describedby="why-not"' in page.text
    answer = await stranger.submit(page, "/console/days")
    assert answer.status_code == 403


async def test_a_settlement_is_quoted_at_the_desk_and_kept(browser: Browser) -> None:
    href = await _open_loan(browser)
    loan = await browser.get(href)
    assert f"{href}/settlement" in loan.text
    page = await browser.get(f"{href}/settlement")
    assert (page.status_code, faults(page.text)) == (200, [])
    late = await browser.submit(page, f"{href}/settlement", on="2999-01-01")
    assert late.status_code == 422
    today = await _value(browser, "SELECT business_date FROM platform.business_date")
    done, again = [
        await browser.submit(page, f"{href}/settlement", on=str(today)) for _ in range(2)
    ]
    assert (done.status_code, again.status_code) == (303, 303), done.text
    kept = await browser.get(done.headers["location"], language="zh-CN")
    assert (faults(kept.text), kept.text.count("sq_")) == ([], 1)
    quoted = await _value(
        browser,
        "SELECT amount_minor FROM lending.settlement_quote ORDER BY quote_id DESC LIMIT 1",
    )
    assert quoted > 0


async def test_what_nobody_could_deliver_is_sent_again(browser: Browser) -> None:
    async with browser.house.database.connection() as connection:
        customer, message = await connection.fetchrow(
            "INSERT INTO customers.message (customer_id, message_id, kind, cause, is_legal, fields,"
            " status, attempts, created_at, ended_at) SELECT min(c.customer_id), 77,"
            " 'debit_failed', 'x', false, $1, 'undeliverable', 3, now(), now()"
            " FROM customers.customer AS c"
            " RETURNING customer_id, message_id",
            '{"due_on": "2026-01-15", "amount_minor": 5, "currency": "CNY", "reason": "x"}',
        )
        case = browser.house.ids.next()
        await connection.execute(
            "INSERT INTO customers.contact_case (customer_id, case_id, opened_at, due_on, is_legal,"
            " status) VALUES ($1, $2, now(), '2026-01-15', true, 'open')",
            customer,
            case,
        )
        await connection.execute("UPDATE customers.message SET contact_case_id = $1", case)
    record = ids.to_text(ids.MESSAGE, message)
    number = ids.to_text(ids.CONTACT_CASE, case)
    of_case = f"/console/contact-cases/{ids.to_text(ids.CUSTOMER, customer)}/{number}"
    for language in ("en", "zh-CN"):
        for address, shows in (
            ("/console/messages", record),
            ("/console/contact-cases", number),
            (of_case, record),
        ):
            page = await browser.get(address, language=language)
            assert (faults(page.text), shows in page.text) == ([], True)
    path = f"/console/customers/{ids.to_text(ids.CUSTOMER, customer)}/messages/{record}"
    assert (await browser.sign_in("operations")).status_code == 303
    form = await browser.get(f"{of_case}/step")
    assert (form.status_code, faults(form.text)) == (200, []), form.text
    ended = "SELECT status FROM customers.contact_case WHERE case_id = $1"
    for step, code, now in (
        ("take", 303, "taken"),
        ("told", 422, "taken"),
        ("missed", 303, "open"),
    ):
        sent = await browser.submit(form, f"{of_case}/step", what=step, note="")
        assert (sent.status_code, await _value(browser, ended, case)) == (code, now)
    form = await browser.get(path)
    assert (form.status_code, faults(form.text)) == (200, []), form.text
    assert (await browser.submit(form, path)).status_code == 303
    status = "SELECT status FROM customers.message WHERE message_id = $1"
    assert await _value(browser, status, message) == "queued"
    assert await _value(browser, ended, case) == "sent_again"
    assert (await browser.get(path)).status_code == 404
