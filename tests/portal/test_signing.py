"""An offer at the portal: why it was made, a person to look, cost sheet, agreement, code, line."""

from datetime import timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import hidden_fields
from tests.portal.conftest import Person, code_in
from tests.store.applicants import PERSONS, Counter

from counterfoil.journeys.contracting.contract import contracts_of
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending import store


@pytest.fixture
async def offered(stranger: Person) -> tuple[Person, str]:
    """A customer with an approved offer, signed in, and the application's number."""
    view = await Counter(stranger.house).apply()
    stranger.customer_id, stranger.number = view.customer_id, PERSONS[0].id_number
    assert (await stranger.sign_in(stranger.number)).status_code == 303
    return stranger, ids.to_text(ids.APPLICATION, view.application_id)


async def test_an_offer_is_read_signed_and_opens_the_line(offered: tuple[Person, str]) -> None:
    person, application = offered
    path = f"/portal/contracts/sign/{application}"
    decision = await person.get(f"/portal/decisions/{application}")
    assert f'href="{path}"' in decision.text
    begin = await person.get(path)
    assert (begin.status_code, faults(begin.text)) == (200, [])
    sheet = await person.submit(begin, path, step="sheet")
    assert (sheet.status_code, faults(sheet.text)) == (200, [])
    assert "All-in yearly cost" in sheet.text
    agreement = await person.submit(sheet, path, step="text")
    assert (agreement.status_code, faults(agreement.text)) == (200, [])
    sent = hidden_fields(agreement.text, path) | {
        "step": "sign", "code": code_in(agreement.text), "repayment_day": "10",
    }  # fmt: skip
    early = await person.post(path, sent)
    assert early.status_code == 422
    clock = person.house.clock
    assert isinstance(clock, TestClock)
    clock.advance(timedelta(seconds=30))
    signed = await person.post(path, hidden_fields(early.text, path) | sent)
    assert signed.status_code == 303, signed.text
    assert signed.headers["location"] == "/portal/?done=line_opened"
    [contract] = await contracts_of(person.house, customer_id=person.customer_id)
    assert contract.signed_at is not None
    async with person.house.database.connection() as connection:
        [line] = await store.read_lines_after(connection, customer_id=person.customer_id, page=10)
    assert (line.status, line.repayment_day) == ("active", 10)
    assert "You can draw" in (await person.get("/portal/")).text


async def test_one_act_brings_a_person_to_look(offered: tuple[Person, str]) -> None:
    person, application = offered
    path = f"/portal/decisions/{application}"
    page = await person.get(path)
    asked = await person.submit(page, path, said="My salary rose.")
    assert asked.headers["location"] == f"{path}?done=review_asked"
    again = await person.get(path)
    assert "A person looks at it" in again.text
    assert "Ask a person to look" not in again.text
    # A request may be taken back, and made again.
    back = await person.submit(again, f"{path}/review")
    assert back.headers["location"] == f"{path}?done=review_withdrawn"
    page = await person.get(path)
    assert "A person looks at it" not in page.text
    asked = await person.submit(page, path, said="It rose all the same.")
    assert asked.headers["location"] == f"{path}?done=review_asked"
    assert "A person looks at it" in (await person.get(path)).text
