"""Records of one person on a customer's page, and in what a search finds."""

from datetime import UTC, datetime

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.console.words import customer_href
from counterfoil.customers.link_store import add_step
from counterfoil.customers.record_link import LinkStep, Step
from counterfoil.journeys.knowing.link_records import find_people
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.store import read_records
from counterfoil.privacy.vault import Purpose


async def merged(browser: Browser) -> tuple[int, int]:
    """Merge two customers; that two people stand behind it is another test's."""
    house = browser.house
    async with house.database.transaction() as connection:
        rows = await connection.fetch("SELECT customer_id FROM customers.customer LIMIT 2")
        given, surviving = (row["customer_id"] for row in rows)
        step_id = house.ids.next()
        step = LinkStep(
            customer_id=given,
            step_id=step_id,
            link_id=step_id,
            surviving_id=surviving,
            step=Step.MERGED,
            approval_id=1,
            done_by="ana",
            done_at=datetime(2026, 1, 5, tzinfo=UTC),
        )
        await add_step(connection, step)
    return given, surviving


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_both_pages_tell_of_the_merge(browser: Browser, language: str) -> None:
    given, surviving = await merged(browser)
    for one, other in ((given, surviving), (surviving, given)):
        page = await browser.get(customer_href(one), language=language)
        assert page.status_code == 200
        assert faults(page.text) == []
        assert customer_href(other) in page.text
        assert {"en": "Merged", "zh-CN": "已合并"}[language] in page.text


async def test_the_number_of_the_old_record_opens_the_one_that_goes_on(browser: Browser) -> None:
    given, surviving = await merged(browser)
    house = browser.house
    async with house.database.connection() as connection:
        records = await read_records(connection, [given], Purpose.IDENTITY)
    [clear] = await house.vault.open(records, reading("person_export"))
    number = clear.fields["id_number"]
    assert await find_people(house, IndexKind.ID_NUMBER, number) == [surviving]
    page = await browser.get("/console/search")
    answer = await browser.submit(page, "/console/search", find=number)
    assert answer.headers["location"].endswith(ids.to_text(ids.CUSTOMER, surviving))
