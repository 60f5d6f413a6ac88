"""What customers do of themselves stands in the trail: signing in, looking, being turned away."""

import pytest
from tests.console.conftest import ORIGIN
from tests.portal.conftest import Person, code_in

from counterfoil.journeys.serving import portal_session as journey
from counterfoil.journeys.trail import find_trail
from counterfoil.platform.trail import Entry, Wanted
from counterfoil.platform.web import throttle
from counterfoil.portal.app import PAGES

NOBODY = "13912345678"


async def told(person: Person, *, customer_id: int | None = None) -> list[Entry]:
    """Return the lines of the portal, the oldest first."""
    found = await find_trail(person.house, Wanted(customer_id=customer_id))
    return [line for line in reversed(found) if line.source.startswith("portal")]


def short(lines: list[Entry]) -> list[tuple[str, str, str, str]]:
    return [(line.actor, line.act, line.subject, line.outcome) for line in lines]


async def test_a_sign_in_and_each_look_have_one_line(person: Person) -> None:
    for path in ("/", "/", "/contracts", "/loans/lo_0000000000000", "/consents", "/"):
        await person.get(f"/portal{path}")
    lines = await told(person, customer_id=person.customer_id)
    assert short(lines) == [
        ("visitor", "portal_code", "", "done"),
        ("customer", "portal_sign_in", "", "done"),
        ("customer", "view", "/", "done"),
        ("customer", "view", "/contracts", "done"),
        ("customer", "view", "/consents", "done"),
    ]
    looks = [line for line in lines if line.act == "view"]
    assert {line.source for line in looks} == {"portal 127.0.0.1"}
    assert all(line.customer_ids == (person.customer_id,) and line.purpose for line in looks)
    again = await person.sign_in(person.number)
    assert again.status_code == 303
    await person.get("/portal/contracts")
    assert short(await told(person, customer_id=person.customer_id))[-1][1:3] == (
        "view",
        "/contracts",
    )


async def test_every_page_that_asks_for_a_session_is_looked_at_under_a_line(person: Person) -> None:
    """Walks the pages: none shows a customer anything without a line, whoever adds one."""
    shown = set[str]()
    for page in PAGES:
        if not page.is_open and "{" not in page.path:
            answer = await person.get(f"/portal{page.path}")
            assert answer.status_code < 500, page.path
            shown |= {page.path} if answer.status_code == 200 else set()
    assert len(shown) > 12
    lines = await told(person, customer_id=person.customer_id)
    assert shown <= {line.subject for line in lines if line.act == "view"}


async def test_who_is_turned_away_has_a_line(stranger: Person, person: Person) -> None:
    number, customer_id = person.number, person.customer_id
    stranger.client.cookies.clear()
    before = len(await told(stranger))
    asked = await stranger.ask_code(number)
    wrong = f"{(int(code_in(asked.text)) + 1) % 10**6:06d}"
    assert (await stranger.submit(asked, "/portal/sign-in", code=wrong)).status_code == 422
    assert (await stranger.ask_code(NOBODY)).status_code == 200
    assert (await stranger.ask_code("12")).status_code == 422
    link = await journey.open_session(stranger.house, customer_id, scope="consents")
    page = await stranger.get(f"/portal/enter/{link}")
    await stranger.submit(page, f"/portal/enter/{link}")
    await stranger.get("/portal/")
    foreign = {"origin": "https://other.example", "sec-fetch-site": "cross-site"}
    away = await stranger.post("/portal/sign-out", {}, headers=foreign)
    assert away.status_code == 403
    lines = (await told(stranger))[before:]
    assert short(lines) == [
        ("visitor", "portal_code", "", "done"),
        ("visitor", "portal_sign_in", "", "one_time_code_wrong"),
        ("visitor", "portal_code", "", "customer_not_found"),
        ("visitor", "portal_code", "", "sign_in_number_invalid"),
        ("customer", "portal_link", "consents", "done"),
        ("customer", "portal", "/", "only_one_act"),
        ("stranger", "portal", "/sign-out", "foreign_post"),
    ]
    assert [line.customer_id for line in lines] == [
        *(customer_id, customer_id, None, None, customer_id, customer_id, None)
    ]


async def test_whoever_tries_too_often_is_told_and_bounded(
    stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PAUSE_FIRST", throttle.PAUSE_MAX)
    for _ in range(7):
        asked = await stranger.get("/portal/sign-in")
        await stranger.submit(asked, "/portal/sign-in", number="12")
    lines = await told(stranger)
    assert short(lines)[-1] == ("visitor", "portal_code", "", "sign_in_too_many")
    foreign = {"origin": f"{ORIGIN}.evil.example", "sec-fetch-site": "cross-site"}
    for _ in range(70):
        await stranger.post("/portal/sign-out", {}, headers=foreign)
    await stranger.house.refusals.close()
    counted = [line for line in await told(stranger) if line.actor == "stranger"]
    assert len([line for line in counted if line.act == "portal"]) == 60
    assert ("foreign_post", "portal /sign-out", "count=10") in [
        (line.outcome, line.subject, line.after) for line in counted
    ]
