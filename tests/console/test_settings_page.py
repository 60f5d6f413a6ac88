"""The page of what a customer has set: bounds, debits, history; and of nobody else."""

import orjson
import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.customers.setting import Channel, Setting
from counterfoil.journeys.serving import change_setting
from counterfoil.journeys.serving.setting_effects import SettingWish
from counterfoil.kernel import ids


async def a_customer(browser: Browser) -> int:
    async with browser.house.database.connection() as connection:
        number: int = await connection.fetchval(
            "SELECT min(c.customer_id) FROM customers.customer AS c"
            " JOIN lending.credit_line AS l USING (customer_id)"
        )
    return number


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_page_shows_what_is_set_and_how_it_came(browser: Browser, language: str) -> None:
    customer_id = await a_customer(browser)
    channels = (Channel.SMS, Channel.APP) if language == "en" else (Channel.APP, Channel.SMS)
    wish = SettingWish(
        customer_id=customer_id,
        setting=Setting.CHANNELS,
        channel="portal",
        device="device-1",
        author="customer",
        channels=channels,
    )
    house = browser.house
    asked = await change_setting.ask(house, wish, idempotency_key=f"console-{language}")
    assert isinstance(asked, change_setting.Asked), asked
    shown = orjson.loads(asked.answer.text)
    await change_setting.confirm(
        house,
        customer_id=customer_id,
        request_id=ids.from_text(ids.SETTING_REQUEST, shown["id"]),
        effect_hash=bytes.fromhex(shown["effect_sha256"]),
        code=None,
    )
    path = f"/console/customers/{ids.to_text(ids.CUSTOMER, customer_id)}/settings"
    page = await browser.get(path, language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert shown["id"] in page.text
    assert ("App" if language == "en" else "应用") in page.text
    stranger = ids.to_text(ids.CUSTOMER, 1)
    missing = await browser.get(f"/console/customers/{stranger}/settings")
    assert missing.status_code == 404
