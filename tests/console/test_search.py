"""Finding records and persons: posted, never in an address."""

import re
from itertools import pairwise

import httpx
import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_pages import first_record

from counterfoil.console.pages.search import number_range
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.store import read_records
from counterfoil.privacy.vault import Purpose


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """Somebody who finds persons, and knows records by their own numbers."""
    assert (await stranger.sign_in("operations")).status_code == 303
    return stranger


async def _find(browser: Browser, text: str) -> httpx.Response:
    page = await browser.get("/console/search")
    return await browser.submit(page, "/console/search", find=text)


async def _person(browser: Browser) -> tuple[int, str, str]:
    """Return a customer with identity and phone number in the clear."""
    house = browser.house
    async with house.database.connection() as connection:
        customer = await connection.fetchval("SELECT max(customer_id) FROM customers.customer")
        identity = await read_records(connection, [customer], Purpose.IDENTITY)
        contact = await read_records(connection, [customer], Purpose.CONTACT)
    clear = await house.vault.open([*identity, *contact], reading("person_export"))
    return customer, clear[0].fields["id_number"], clear[1].fields["phone"]


@pytest.mark.parametrize("path", ["/console/loans", "/console/lines", "/console/payments"])
async def test_a_number_opens_its_record(browser: Browser, path: str) -> None:
    href = first_record((await browser.get(path)).text)
    answer = await _find(browser, f"  {href.rpartition('/')[2].upper()} ")
    assert answer.status_code == 303
    assert answer.headers["location"] == href


async def test_the_beginning_of_a_number_lists_what_it_stands_for(browser: Browser) -> None:
    async with browser.house.database.connection() as connection:
        rows = await connection.fetch("SELECT loan_id FROM lending.loan")
    records = sorted(ids.to_text(ids.LOAN, row["loan_id"]) for row in rows)
    beginning = next(
        record[:length]
        for length in range(15, 6, -1)
        for record, after in pairwise(records)
        if record[:length] == after[:length]
    )
    expected = {record for record in records if record.startswith(beginning)}
    assert 1 < len(expected) < len(records)
    text = (await _find(browser, beginning)).text
    assert set(re.findall(r">(lo_\w+)</a>", text)) == expected
    assert faults(text) == []


async def test_a_person_is_found_by_identity_and_phone_number(stranger: Browser) -> None:
    await stranger.sign_in("operations")
    customer, id_number, phone = await _person(stranger)
    wanted = f"/console/customers/{ids.to_text(ids.CUSTOMER, customer)}"
    for text in (id_number, id_number.lower(), phone, phone.removeprefix("+86")):
        answer = await _find(stranger, text)
        assert answer.headers["location"] == wanted
        page = await stranger.get(wanted)
        assert id_number not in page.text
        assert phone.removeprefix("+86") not in page.text
        assert id_number[:3] + "*" in page.text


async def test_nothing_that_was_typed_stands_in_an_address(browser: Browser) -> None:
    _, id_number, _ = await _person(browser)
    answer = await _find(browser, id_number)
    assert id_number not in answer.headers["location"]


async def test_a_role_that_may_not_find_persons_is_told_so(stranger: Browser) -> None:
    await stranger.sign_in("administrator")
    _, id_number, _ = await _person(stranger)
    await stranger.submit(await stranger.get("/console/"), "/console/sign-out")
    await stranger.sign_in("auditor")
    answer = await _find(stranger, id_number)
    assert answer.status_code == 422
    assert "not for persons" in answer.text


@pytest.mark.parametrize(
    "text", ["", "wang", "lo_", "lo_0", "zz_0123456", "1", "lo_01!!", "l" * 80]
)
async def test_what_is_neither_is_said_and_nothing_found(browser: Browser, text: str) -> None:
    answer = await _find(browser, text)
    assert answer.status_code == 422
    assert faults(answer.text) == []


async def test_a_number_nobody_has_finds_nothing(browser: Browser) -> None:
    answer = await _find(browser, "lo_7zzzzzzzzzzzz")
    assert answer.status_code == 200
    assert "Nothing found" in answer.text


def test_a_beginning_is_the_range_of_all_numbers_that_begin_with_it() -> None:
    number = ids.from_text("lo", "lo_01hv4zq3k2f00")
    kind, low, high = number_range("lo_01hv4") or ("", 0, 0)
    assert kind == "lo"
    assert low <= number <= high
    assert ids.to_text("lo", low) == "lo_01hv400000000"
    assert ids.to_text("lo", high) == "lo_01hv4zzzzzzzz"
    assert number_range("lo_01hv4zq3k2f00") == ("lo", number, number)
    assert number_range("lo_zzzz") is None
