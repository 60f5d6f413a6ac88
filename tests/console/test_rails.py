"""Rails on a page: one is closed by a person, all only by two; a case is proposed and approved."""

from tests.console.accessibility import faults
from tests.console.conftest import Browser

from counterfoil.journeys.paying import payment_cases
from counterfoil.kernel import ids
from counterfoil.payments import suspense_store
from counterfoil.payments.rail import Cause

RAILS = "/console/rails"
CASES = "/console/payment-cases"


async def test_a_rail_is_closed_and_opened_and_all_wait_for_a_second_person(
    stranger: Browser,
) -> None:
    await stranger.sign_in("operations")
    form = await stranger.get(f"{RAILS}/clearing")
    assert faults(form.text) == []
    nothing = await stranger.submit(form, f"{RAILS}/clearing", to="close", reason="")
    assert nothing.status_code == 422
    done = await stranger.submit(form, f"{RAILS}/clearing", to="close", reason="works")
    assert done.headers["location"].endswith("?done=rail_switched")
    page = await stranger.get(RAILS)
    assert "Closed by hand" in page.text
    assert "operations: works" in page.text
    again = await stranger.submit(form, f"{RAILS}/clearing", to="close", reason="works")
    assert again.status_code == 422
    await stranger.submit(form, f"{RAILS}/clearing", to="open", reason="over")
    form = await stranger.get(f"{RAILS}/all")
    asked = await stranger.submit(form, f"{RAILS}/all", to="close", reason="incident")
    assert asked.headers["location"].endswith("?done=rail_asked")
    assert "All rails are closed" not in (await stranger.get(RAILS)).text


async def test_one_person_proposes_and_another_approves(stranger: Browser) -> None:
    house = stranger.house
    async with house.database.transaction() as connection:
        row = await connection.fetchrow(
            "SELECT customer_id, payment_id FROM payments.payment"
            " WHERE status = 'succeeded' ORDER BY payment_id LIMIT 1"
        )
        assert row is not None
        key = (row["customer_id"], row["payment_id"])
        await suspense_store.open_cases(
            connection, [(key, Cause.CONTRADICTION)], now=house.clock.now()
        )
    (case,) = [one for one in await payment_cases.open_cases(house) if one["payment_id"] == key[1]]
    path = f"{CASES}/{ids.to_text(ids.PAYMENT, key[1])}/{case['case_no']}"
    await stranger.sign_in("operations")
    form = await stranger.get(path)
    assert faults(form.text) == []
    given = {"resolution": "noted", "value_date": "", "returned": "", "note": "line 7"}
    wrong = await stranger.submit(form, path, **given | {"note": ""})
    assert wrong.status_code == 422
    done = await stranger.submit(form, path, **given)
    assert done.headers["location"].endswith("?done=case_proposed")
    assert "operations: Noted" in (await stranger.get(CASES)).text
    await stranger.client.post("/console/sign-out")
    stranger.client.cookies.clear()
    await stranger.sign_in("finance")
    second = await stranger.get(path)
    assert "line 7" in second.text
    done = await stranger.submit(second, path, reason="seen the line")
    assert done.headers["location"].endswith("?done=case_approved")
    assert not [one for one in await payment_cases.open_cases(house) if one["payment_id"] == key[1]]
