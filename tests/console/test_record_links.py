"""Records of one person on a customer's page, and in what a search finds."""

from datetime import UTC, datetime

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.console.words import customer_href
from counterfoil.customers.link_store import add_step
from counterfoil.customers.record_link import LinkStep, Step
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.approve import decide_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.link_records import find_people
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.approvals import Approval
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
    await browser.sign_in("operations")
    page = await browser.get("/console/search")
    answer = await browser.submit(page, "/console/search", find=number)
    assert answer.headers["location"].endswith(ids.to_text(ids.CUSTOMER, surviving))


async def _registered(house: House, id_number: str, phone: str) -> int:
    made = await register_applicant(
        house, name="王小芳", id_number=id_number, phone=phone, idempotency_key=phone
    )
    assert not isinstance(made, Refused), made
    return made.customer_id


async def _approve(house: House) -> None:
    """Let another person agree to what waits."""
    [waiting] = [
        one for one in await list_approvals(house, only_open=True) if one.kind == "record_link"
    ]
    other = Actor(name="comp.c", role="compliance", source="test")
    given = await decide_approval(
        house, other, waiting.approval_id, is_approved=True, reason="both files seen"
    )
    assert isinstance(given, Approval), given


async def test_a_record_is_merged_and_split_by_a_form_and_another_person(stranger: Browser) -> None:
    house = stranger.house
    numbers = ("11010119900307109X", "110101199003071110")
    one, other = [
        ids.to_text(ids.CUSTOMER, await _registered(house, number, f"1391111000{n}"))
        for n, number in enumerate(numbers)
    ]
    await stranger.sign_in("operations")
    path = f"/console/customers/{one}/merge"
    form = await stranger.get(path)
    assert faults(form.text) == []
    for wrong in (one, "cu_nobody", ""):
        told = await stranger.submit(form, path, customer=wrong, reason="same passport")
        assert told.status_code == 422, wrong
    assert "customer" in (await stranger.submit(form, path, customer=other, reason="")).text
    asked = await stranger.submit(form, path, customer=other, reason="same passport")
    assert asked.headers["location"].endswith("done=record_link_asked")
    await _approve(house)
    done = await stranger.submit(form, path, customer=other, reason="same passport")
    page = await stranger.get(done.headers["location"])
    assert "Done." in page.text
    assert f"/console/customers/{one}/split" in page.text
    path = f"/console/customers/{one}/split"
    form = await stranger.get(path, language="zh-CN")
    assert faults(form.text) == []
    await stranger.submit(form, path, reason="two persons after all")
    await _approve(house)
    done = await stranger.submit(form, path, reason="two persons after all")
    assert done.headers["location"].endswith("done=record_link_done")
    assert f"/{one}/merge" in (await stranger.get(f"/console/customers/{one}")).text


async def test_whoever_finds_no_persons_merges_none(stranger: Browser) -> None:
    await stranger.sign_in("finance")
    async with stranger.house.database.connection() as connection:
        one = await connection.fetchval("SELECT min(customer_id) FROM customers.customer")
    assert f"{customer_href(one)}/merge" not in (await stranger.get(customer_href(one))).text
    assert (await stranger.get(f"{customer_href(one)}/merge")).status_code == 403
