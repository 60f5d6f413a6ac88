"""The pages of contracts: hashes and evidence, and nothing personal."""

import re

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.journeys.contracting.contract import read_texts
from counterfoil.kernel import ids


async def a_contract(browser: Browser) -> tuple[int, int]:
    async with browser.house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT customer_id, contract_id FROM contracts.contract"
            " WHERE state = 'signed' ORDER BY contract_id LIMIT 1"
        )
    return row["customer_id"], row["contract_id"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_contract_shows_how_it_was_signed_and_not_what_it_says(
    browser: Browser, language: str
) -> None:
    customer_id, contract_id = await a_contract(browser)
    of_customer = f"/console/customers/{ids.to_text(ids.CUSTOMER, customer_id)}/contracts"
    listed = await browser.get(of_customer, language=language)
    assert listed.status_code == 200
    assert faults(listed.text) == []
    path = f"{of_customer}/{ids.to_text(ids.CONTRACT, contract_id)}"
    assert path in listed.text
    await browser.sign_in("auditor")
    page = await browser.get(path, language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    found = await read_texts(browser.house, customer_id=customer_id, contract_id=contract_id)
    assert isinstance(found, tuple)
    contract, texts = found
    assert contract.sha256_zh.hex() in page.text
    assert contract.cost_sheet_sha256.hex() in page.text
    assert ("12 seconds" if language == "en" else "12 秒") in page.text
    person = re.search(r"借款人：(.+?)，身份证件号码 (\w{18})", texts.zh)
    assert person is not None
    for particular in person.groups():
        assert particular not in page.text


async def test_a_contract_of_another_customer_is_not_shown(browser: Browser) -> None:
    customer_id, contract_id = await a_contract(browser)
    stranger = ids.to_text(ids.CUSTOMER, customer_id + 1)
    contract = ids.to_text(ids.CONTRACT, contract_id)
    page = await browser.get(f"/console/customers/{stranger}/contracts/{contract}")
    assert page.status_code == 404
