"""A change of an agreement at the portal: told on the first page, compared, signed or declined."""

from datetime import timedelta

from tests.console.accessibility import faults
from tests.console.conftest import hidden_fields
from tests.portal.conftest import Person, code_in

from counterfoil.contracts import store as contracts
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.journeys.contracting.contract_version import offer_new_version
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending import store
from counterfoil.lending.line import Line
from counterfoil.platform.batches import Answer


async def a_line(person: Person) -> Line:
    async with person.house.database.connection() as connection:
        lines = await store.read_lines_after(connection, customer_id=person.customer_id, page=10)
    return next(one for one in lines if one.status == "active")


async def noticed(person: Person, **changes: int) -> tuple[Line, str]:
    """Give notice of a change a year ahead; return the line and the new contract's number."""
    line, on = await a_line(person), await person.house.business_date()
    wish = VersionWish(
        customer_id=person.customer_id,
        line_id=line.line_id,
        effective_on=on + timedelta(days=40),
        author="desk",
        **changes,
    )
    answer = await offer_new_version(person.house, wish, idempotency_key=f"notice-{changes}")
    assert isinstance(answer, Answer), answer
    async with person.house.database.connection() as connection:
        [contract] = await contracts.read_versions(
            connection, (line.customer_id, line.line_id), page=1
        )
    return line, ids.to_text(ids.CONTRACT, contract.contract_id)


async def test_a_dearer_price_is_read_with_its_differences_and_signed(person: Person) -> None:
    line = await a_line(person)
    _, number = await noticed(person, rate_daily_e8=line.rate_daily_e8 + 1_000)
    path = f"/portal/changes/{number}"
    assert path in (await person.get("/portal/")).text
    listed = await person.get("/portal/changes")
    assert (listed.status_code, faults(listed.text)) == (200, [])
    assert path in listed.text
    for language, said in (
        ("en", "draw nothing new without signing"),
        ("zh-CN", "未签署不能新借款"),
    ):
        page = await person.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, [])
        assert said in page.text
        assert page.text.count("<ins>") >= 1
        assert page.text.count("<del>") >= 1
    page = await person.get(path)
    sheet = await person.submit(page, path, step="sheet")
    assert (sheet.status_code, faults(sheet.text)) == (200, [])
    text = await person.submit(sheet, path, step="text")
    assert (text.status_code, faults(text.text)) == (200, [])
    assert "repayment_day" not in text.text
    clock = person.house.clock
    assert isinstance(clock, TestClock)
    clock.advance(timedelta(seconds=30))
    fields = hidden_fields(text.text, path)
    wrong = await person.post(path, {**fields, "step": "sign", "code": "000000"})
    assert wrong.status_code == 422
    again = hidden_fields(wrong.text, path) | {"step": "sign", "code": code_in(text.text)}
    signed = await person.post(path, again)
    assert signed.headers["location"] == f"{path}?done=change_signed", signed.text
    done = await person.get(f"{path}?done=change_signed")
    assert "Begins later" in done.text
    assert "Decline" not in done.text
    # Until its day the line costs what it cost.
    assert (await a_line(person)).rate_daily_e8 == line.rate_daily_e8


async def test_a_change_is_declined_in_one_step_and_strangers_see_nothing(person: Person) -> None:
    line = await a_line(person)
    _, number = await noticed(person, limit_minor=line.limit_minor - 10_000)
    path = f"/portal/changes/{number}"
    page = await person.get(path)
    assert "goes on" in page.text
    assert 'href="/portal/settings"' in page.text
    declined = await person.submit(page, path, step="decline")
    assert declined.headers["location"] == f"{path}?done=change_declined"
    assert "Declined" in (await person.get(path)).text
    assert path not in (await person.get("/portal/")).text
    for other in (ids.to_text(ids.CONTRACT, 1), "ct_x", "x"):
        assert (await person.get(f"/portal/changes/{other}")).status_code == 404
    first = ids.to_text(ids.CONTRACT, line.contract_id or 0)
    assert (await person.get(f"/portal/changes/{first}")).status_code == 404
