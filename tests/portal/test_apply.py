"""Applying at the portal: product, form, consents one by one, the answer, what comes after."""

import re
from datetime import UTC, datetime

import httpx
import pytest
from tests.console.accessibility import faults
from tests.portal.conftest import Person
from tests.store.applicants import PERSONS, Counter
from tests.store.consent_desk import WallClock

from counterfoil.customers.lesson_store import lessons_read
from counterfoil.decisioning import store
from counterfoil.decisioning.application import Application, Status
from counterfoil.journeys.applying.starter_path import StarterPath
from counterfoil.journeys.consenting.consent import consents_of
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.lending.line import Line

APPLY = "/portal/apply/cash-line-open"
FACTS = {"fact_is_student": "no", "fact_income_monthly_minor": "12,000.00"}


@pytest.fixture
async def applicant(stranger: Person) -> Person:
    """Somebody who is registered and has never applied, signed in."""
    stranger.customer_id = await Counter(stranger.house).register("register-apply")
    stranger.number = PERSONS[-1].id_number
    assert (await stranger.sign_in(stranger.number)).status_code == 303
    return stranger


@pytest.fixture
def wall(house: House) -> WallClock:
    """The real clock of the house, set forward by hand; reading times are measured by it."""
    clock = WallClock(datetime.now(UTC))
    object.__setattr__(house, "wall", clock)
    return clock


async def applications_of(person: Person) -> list[Application]:
    async with person.house.database.connection() as connection:
        return await store.read_applications_of(connection, person.customer_id)


async def agree(person: Person, wall: WallClock, code: str) -> httpx.Response:
    path = f"{APPLY}/consents/{code}"
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "checked" not in page.text
    early = await person.submit(page, path, choice="agree")
    assert "That was quick" in early.text
    wall.seconds += 8
    answer = await person.submit(early, path, choice="agree")
    assert answer.status_code == 303, answer.text
    return answer


async def test_a_form_is_kept_however_far_it_is_filled_in(applicant: Person) -> None:
    products = await applicant.get("/portal/apply")
    assert (products.status_code, faults(products.text)) == (200, [])
    assert "are reported, paid on time or not" in products.text
    assert "Example at the dearest price" in products.text
    assert "cash-line-invited" not in products.text
    page = await applicant.get(APPLY)
    wrong = await applicant.submit(page, APPLY, **FACTS, amount="a lot", step="next")
    assert (wrong.status_code, faults(wrong.text)) == (422, [])
    later = await applicant.submit(
        wrong, APPLY, **FACTS, amount="", purpose="travel", fact_lenders_count="2", step="later"
    )
    assert later.headers["location"] == "/portal/apply?done=draft_kept"
    kept = (await applicant.get(APPLY)).text
    assert 'value="12000.00"' in kept
    assert '<option value="travel" selected>' in kept
    assert await applications_of(applicant) == []


async def test_consents_are_asked_one_by_one_and_then_it_is_sent_once(
    applicant: Person, wall: WallClock
) -> None:
    page = await applicant.get(APPLY)
    await applicant.submit(page, APPLY, **FACTS, amount="8000", purpose="travel", step="next")
    review = await applicant.get(f"{APPLY}/review")
    assert (review.status_code, faults(review.text)) == (200, [])
    assert "Send the application" not in review.text
    assert (await applicant.get(f"{APPLY}/consents/biometric")).status_code == 404
    answers = [await agree(applicant, wall, "reporting")]
    if "consents/inquiry-origination" in review.text:
        answers.append(await agree(applicant, wall, "inquiry-origination"))
    assert {one.headers["location"] for one in answers} == {f"{APPLY}/review?done=given"}
    given, _ = await consents_of(applicant.house, applicant.customer_id)
    assert len(given) == len(answers)
    ready = await applicant.get(f"{APPLY}/review")
    assert ">Read and decide<" in ready.text
    sent = await applicant.submit(ready, f"{APPLY}/review")
    again = await applicant.submit(ready, f"{APPLY}/review")
    assert sent.headers["location"] == again.headers["location"]
    [made] = await applications_of(applicant)
    assert (made.channel, made.requested_minor, made.purpose) == ("portal", 800_000, "travel")
    state = await applicant.get(sent.headers["location"])
    assert (state.status_code, faults(state.text)) == (200, [])
    assert (await applicant.get(sent.headers["location"], language="zh-CN")).status_code == 200


async def test_what_was_said_before_is_confirmed_and_an_offer_is_taken_back(
    stranger: Person,
) -> None:
    view = await Counter(stranger.house).apply(income_monthly_minor=1_500_000)
    stranger.customer_id = view.customer_id
    await stranger.sign_in(PERSONS[0].id_number)
    path = f"/portal/applications/{ids.to_text(ids.APPLICATION, view.application_id)}"
    offer = await stranger.get(path)
    assert (offer.status_code, faults(offer.text)) == (200, [])
    assert "All-in yearly cost" in offer.text
    assert "Read and sign" in offer.text
    taken_back = await stranger.submit(offer, path, act="withdraw")
    assert taken_back.status_code == 303
    assert [one.status for one in await applications_of(stranger)] == [Status.WITHDRAWN]
    form = await stranger.get(APPLY)
    assert 'value="15000.00"' in form.text
    assert "Going on confirms it" in form.text


# ------------------------------------------------------------------- plain pages and being called


async def test_plain_pages_ask_one_question_at_a_time_and_end_at_the_same_review(
    applicant: Person,
) -> None:
    home = await applicant.get("/portal/")
    # Nobody young is asked; whoever wishes finds the choice at the foot of every page.
    assert "Would plainer pages help?" not in home.text
    chosen = await applicant.submit(home, "/portal/plain", is_plain="yes")
    assert chosen.status_code == 303
    home = await applicant.get("/portal/")
    assert 'class="portal plain-pages"' in home.text
    assert "Call me</a>" in home.text
    assert ">Consents</a>" not in home.text
    sent = await applicant.get(APPLY)
    assert sent.headers["location"] == f"{APPLY}/steps"
    answers = [
        {"amount": "8000"},
        {"purpose": "travel"},
        *({name: value} for name, value in FACTS.items()),
    ]
    place = f"{APPLY}/steps?n=0"
    for number, answer in enumerate(answers):
        page = await applicant.get(place)
        assert (page.status_code, faults(page.text)) == (200, [])
        assert f"question {number + 1} of " in page.text
        sent = await applicant.submit(page, place, **answer)
        assert sent.status_code == 303, sent.text
        place = sent.headers["location"]
    while "/steps" in place:
        page = await applicant.get(place)
        place = (await applicant.submit(page, place)).headers["location"]
    assert place == f"{APPLY}/review"
    review = await applicant.get(place)
    assert "8,000.00" in review.text
    assert "12,000.00" in review.text
    whole = await applicant.get(f"{APPLY}?all=1")
    assert 'value="8000.00"' in whole.text
    wrong = await applicant.submit(
        await applicant.get(f"{APPLY}/steps?n=0"), f"{APPLY}/steps?n=0", amount="much"
    )
    assert wrong.status_code == 422
    back = await applicant.submit(home, "/portal/plain", is_plain="no")
    assert back.status_code == 303
    assert "plain-pages" not in (await applicant.get("/portal/")).text


async def test_an_older_customer_is_offered_plain_pages_and_a_call(
    applicant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.journeys.applying.protections.ELDERLY_YEARS_MIN", 18)
    home = await applicant.get("/portal/")
    assert faults(home.text) == []
    assert "Would plainer pages help?" in home.text
    assert "We call you back and explain everything" in home.text
    page = await applicant.get("/portal/calls?about=contract")
    assert faults(page.text) == []
    assert '<option value="contract" selected' in page.text
    asked = await applicant.submit(
        page, "/portal/calls", act="ask", about="contract", slot="morning", said=""
    )
    assert asked.headers["location"] == "/portal/calls?done=call_asked"
    waiting = await applicant.get("/portal/calls")
    assert "We call you by" in waiting.text
    assert "(in the morning), about: a contract." in waiting.text
    taken_back = await applicant.submit(waiting, "/portal/calls", act="withdraw")
    assert taken_back.status_code == 303
    assert "We call you by" not in (await applicant.get("/portal/calls")).text
    # Whoever has chosen, either way, is not asked again.
    await applicant.submit(home, "/portal/plain", is_plain="no")
    assert "Would plainer pages help?" not in (await applicant.get("/portal/")).text


async def test_the_starter_path_shows_how_far_one_has_come_and_keeps_what_was_read(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await person.get("/portal/")
    found = re.search(r'href="/portal/limits/(ln_[0-9a-z]+)"', home.text)
    assert found
    assert (await person.get(f"/portal/starter/{found[1]}")).status_code == 200
    others = ids.to_text(ids.LINE, 1)
    assert (await person.get(f"/portal/starter/{others}")).status_code == 404

    async def aside(_: House, __: Line) -> None:
        return None

    read = "counterfoil.portal.pages.starter.read_starter_path"
    with monkeypatch.context() as patched:
        patched.setattr(read, aside)
        assert (await person.get(f"/portal/starter/{found[1]}")).status_code == 404

    async def begun(house: House, line: Line) -> StarterPath:
        async with house.database.connection() as connection:
            known = await lessons_read(connection, line.customer_id)
        return StarterPath(
            first_minor=500_000, limit_minor=line.limit_minor, lessons_read=known, streak=3
        )

    monkeypatch.setattr(read, begun)
    path = f"/portal/starter/{found[1]}"
    for language, shown in (("en", "Lessons read: 0 of 3."), ("zh-CN", "已阅读 0 / 3 课")):
        page = await person.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, [])
        assert shown in page.text
    page = await person.get(path)
    assert re.search(r"Your first limit: [^.]*5,000\.00", page.text)
    assert re.search(r"1,000\.00[^.]* paid 30 days late costs", page.text)
    kept = await person.submit(page, path, lesson="lateness")
    assert kept.status_code == 303
    assert "Lessons read: 1 of 3." in (await person.get(path)).text
