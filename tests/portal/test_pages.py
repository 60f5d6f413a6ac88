"""Every page of a customer: readable in both languages, of nobody else, and what is done there."""

import re

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import hidden_fields
from tests.portal.conftest import Person, code_in

from counterfoil.journeys.deciding.choose import chosen_by
from counterfoil.journeys.guarding.rights import requests_of
from counterfoil.kernel import ids

PATHS = ("/portal/me", "/portal/rights", "/portal/profile", "/portal/decisions",
         "/portal/contracts", "/portal/sign-ins", "/portal/settings", "/portal/apply")  # fmt: skip


def links(text: str, start: str) -> list[str]:
    """Return the addresses on a page that begin so."""
    return sorted(set(re.findall(rf'href="({re.escape(start)}[^"#?]*)"', text)))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_reads_well(person: Person, language: str) -> None:
    found = list(PATHS)
    for path, start in (
        ("/portal/", "/portal/limits/"),
        ("/portal/loans", "/portal/loans/lo_"),
        ("/portal/decisions", "/portal/applications/ap_"),
        ("/portal/contracts", "/portal/contracts/ct_"),
        ("/portal/record", "/portal/receipts/"),
    ):
        page = await person.get(path, language=language)
        some = [href for href in links(page.text, start) if not href.endswith((".pdf", "/file"))]
        assert some, f"{path} leads to nothing"
        found.append(some[0])
    for path in found:
        page = await person.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, []), path


async def test_papers_are_files_to_keep(person: Person) -> None:
    listed = (await person.get("/portal/contracts")).text
    [first, *_] = [href for href in links(listed, "/portal/contracts/ct_") if ".pdf" in href]
    paper = await person.get(first)
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")


async def test_wishes_are_kept_and_taken_back(person: Person) -> None:
    async def held() -> set[str]:
        async with person.house.database.connection() as connection:
            found = await chosen_by(connection, person.customer_id)
        return {choice.value for choice in found.since}

    page = await person.get("/portal/me")
    sent = hidden_fields(page.text, "/portal/me") | {"choice": "person_decides"}
    assert (await person.post("/portal/me", sent | {"is_on": "yes"})).status_code == 303
    assert await held() == {"person_decides"}
    assert (await person.post("/portal/me", sent | {"is_on": "no"})).status_code == 303
    assert await held() == set()


async def test_a_right_is_asked_for_and_taken_back(person: Person) -> None:
    page = await person.get("/portal/rights?about=income_monthly")
    asked = await person.submit(
        page, "/portal/rights", kind="correct", about="income_monthly", said="It is more."
    )
    assert asked.status_code == 303
    [request] = await requests_of(person.house, person.customer_id)
    assert (request.kind.value, request.is_identified) == ("correct", True)
    listed = await person.get("/portal/rights")
    record = ids.to_text(ids.RIGHTS_REQUEST, request.request_id)
    back = await person.submit(listed, "/portal/rights", withdraw=record)
    assert back.status_code == 303
    [request] = await requests_of(person.house, person.customer_id)
    assert request.state.value == "withdrawn"


async def test_a_setting_is_shown_confirmed_and_remembered(person: Person) -> None:
    page = await person.get("/portal/settings")
    forms = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
    [cap] = [form for form in forms if 'value="own_cap"' in form]
    sent = hidden_fields(cap, "/portal/settings") | {"cap": "3,000.00"}
    shown = await person.post("/portal/settings", sent)
    assert (shown.status_code, faults(shown.text)) == (200, [])
    assert "3,000.00" in shown.text
    fields = hidden_fields(shown.text, "/portal/settings")
    if "one-time-code" in shown.text:
        fields["code"] = code_in(shown.text)
    done = await person.post("/portal/settings", fields)
    assert done.headers["location"] == "/portal/settings?done=setting_changed"
    listed = await person.get(done.headers["location"])
    assert "none → CNY 3,000.00" in listed.text
    await _debit_switched_on(person, listed.text)


async def _debit_switched_on(person: Person, text: str) -> None:
    """Read the authority, confirm it by code, and find it in force."""
    forms = re.findall(r"<form.*?</form>", text, re.DOTALL)
    form = next(form for form in forms if 'name="debit"' in form)
    asked = hidden_fields(form, "/portal/settings") | {"account": "acct-my-own", "ends_on": ""}
    odd = await person.post("/portal/settings", asked | {"account": "not a token"})
    assert (odd.status_code, faults(odd.text)) == (422, [])
    shown = await person.post("/portal/settings", asked)
    assert (shown.status_code, faults(shown.text)) == (200, [])
    assert "On each due date the lender may collect from my own account acct-my-own" in shown.text
    sent = hidden_fields(shown.text, "/portal/settings")
    uncoded = await person.post("/portal/settings", sent)
    assert uncoded.status_code == 422
    done = await person.post("/portal/settings", sent | {"code": code_in(shown.text)})
    assert done.headers["location"] == "/portal/settings?done=setting_changed"
    listed = await person.get(done.headers["location"])
    assert "acct-my-own" in listed.text
    assert "Stop automatic debit" in listed.text


async def test_records_of_others_and_odd_addresses_are_not_found(person: Person) -> None:
    for path in ("/portal/decisions/ap_0000000000000", "/portal/contracts/nothing",
                 "/portal/limits/ln_0000000000001", "/portal/receipts/lf_0000000000001",
                 "/portal/nowhere", "/portal/draw/ln_1"):  # fmt: skip
        page = await person.get(path)
        assert (page.status_code, faults(page.text)) == (404, []), path
