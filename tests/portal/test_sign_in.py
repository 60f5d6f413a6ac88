"""Signing in: nobody learns who is a customer, codes are bounded, sessions end, links open once."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.console.accessibility import faults
from tests.portal.conftest import Person, borrower_of, code_in
from tests.store.consent_desk import WallClock

from counterfoil.customers.portal_access import ACT_LIFE, IDLE_MAX, LINK_LIFE, SESSION_LIFE
from counterfoil.journeys.house import House
from counterfoil.journeys.serving import portal_session as journey
from counterfoil.kernel.errors import Refused

NOBODY = "13912345678"
VISITOR = b"v" * 32


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_sign_in_reads_well(stranger: Person, language: str) -> None:
    page = await stranger.get("/portal/sign-in", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])


async def test_a_customer_signs_in_sees_the_limit_and_signs_out(person: Person) -> None:
    page = await person.get("/portal/")
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "You can draw" in page.text
    out = await person.submit(page, "/portal/sign-out")
    assert out.headers["location"] == "/portal/sign-in"
    assert (await person.get("/portal/")).status_code == 401


async def test_a_number_that_nobody_has_is_answered_the_same(stranger: Person) -> None:
    _, number = await borrower_of(stranger.house)
    known, unknown = await stranger.ask_code(number), await stranger.ask_code(NOBODY)

    def plain(text: str, typed: str) -> str:
        text = re.sub(r'value="[^"]{40,}"', "", text.replace(typed, "N"))
        return re.sub(r">\d{6}<|portal-[0-9a-f]+", "", text)

    assert known.status_code == unknown.status_code == 200
    assert plain(known.text, number) == plain(unknown.text, NOBODY)
    refused = await stranger.submit(unknown, "/portal/sign-in", code=code_in(unknown.text))
    assert refused.status_code == 422
    for _ in range(4):
        assert (await stranger.ask_code(NOBODY)).status_code == 200
    assert (await stranger.ask_code(NOBODY)).status_code == 422


async def test_a_code_works_once_for_the_browser_that_asked_and_not_after_five_tries(
    house: House,
) -> None:
    customer_id, number = await borrower_of(house)
    code = await journey.ask_code(house, number, visitor=VISITOR)
    assert isinstance(code, str)
    other = await journey.sign_in(house, number, code, visitor=b"w" * 32)
    assert isinstance(other, Refused)
    opened = await journey.sign_in(house, number, code, visitor=VISITOR)
    assert isinstance(opened, journey.Opened)
    assert opened.session.customer_id == customer_id
    again = await journey.sign_in(house, number, code, visitor=VISITOR)
    assert isinstance(again, Refused)
    second = await journey.ask_code(house, number, visitor=VISITOR)
    assert isinstance(second, str)
    wrong = f"{(int(second) + 1) % 10**6:06d}"
    for _ in range(5):
        assert isinstance(await journey.sign_in(house, number, wrong, visitor=VISITOR), Refused)
    assert isinstance(await journey.sign_in(house, number, second, visitor=VISITOR), Refused)


async def test_sessions_end_idle_and_after_their_time(house: House) -> None:
    clock = WallClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    house = replace(house, wall=clock)
    _, number = await borrower_of(house)
    code = await journey.ask_code(house, number, visitor=VISITOR)
    opened = await journey.sign_in(house, number, str(code), visitor=VISITOR)
    assert isinstance(opened, journey.Opened)
    ends = clock.now() + SESSION_LIFE
    while clock.now() + IDLE_MAX < ends:
        clock.seconds += int(IDLE_MAX.total_seconds()) - 1
        assert await journey.find_session(house, opened.token) is not None
    clock.seconds = int(ends.timestamp())
    assert await journey.find_session(house, opened.token) is None


async def test_an_idle_session_is_over(house: House) -> None:
    clock = WallClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    house = replace(house, wall=clock)
    _, number = await borrower_of(house)
    code = await journey.ask_code(house, number, visitor=VISITOR)
    opened = await journey.sign_in(house, number, str(code), visitor=VISITOR)
    assert isinstance(opened, journey.Opened)
    clock.seconds += int(IDLE_MAX.total_seconds())
    assert await journey.find_session(house, opened.token) is None


async def test_a_link_opens_one_session_for_one_act(stranger: Person) -> None:
    customer_id, _ = await borrower_of(stranger.house)
    link = await journey.open_session(
        stranger.house, customer_id, scope="consents", return_to="https://host.example/done"
    )
    page = await stranger.get(f"/portal/enter/{link}")
    assert (page.status_code, faults(page.text)) == (200, [])
    entered = await stranger.submit(page, f"/portal/enter/{link}")
    assert entered.headers["location"] == "/portal/consents"
    shown = await stranger.get("/portal/consents")
    assert shown.status_code == 200
    assert 'href="https://host.example/done"' in shown.text
    assert (await stranger.get("/portal/")).status_code == 403
    assert (await stranger.get(f"/portal/enter/{link}")).status_code == 410


async def test_links_and_their_sessions_end(house: House) -> None:
    clock = WallClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    house = replace(house, wall=clock)
    customer_id, _ = await borrower_of(house)
    late = await journey.open_session(house, customer_id, scope="consents")
    clock.seconds += int(LINK_LIFE.total_seconds())
    assert isinstance(await journey.open_link(house, late), Refused)
    link = await journey.open_session(house, customer_id, scope="consents")
    opened = await journey.open_link(house, link)
    assert isinstance(opened, journey.Opened)
    assert opened.session.ends_at == clock.now() + ACT_LIFE
    await journey.end_session(house, opened.session)
    assert await journey.find_session(house, opened.token) is None


async def test_posts_from_elsewhere_or_without_the_token_do_nothing(person: Person) -> None:
    page = await person.get("/portal/sign-ins")
    foreign = await person.post("/portal/sign-ins", {}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    stale = await person.post("/portal/sign-ins", {"csrf_token": "x"})
    assert (stale.status_code, "location" in stale.headers) == (200, False)
    done = await person.submit(page, "/portal/sign-ins")
    assert done.status_code == 303


async def test_what_was_entered_survives_the_end_of_the_session(person: Person) -> None:
    page = await person.get("/portal/sign-ins")
    person.client.cookies.clear()
    asked = await person.submit(page, "/portal/sign-ins", note="kept words")
    assert asked.status_code == 401
    assert 'name="kept.note" value="kept words"' in asked.text
