"""Consents at the portal: all of them in plain words, withdrawn with one press, confirmed again."""

from datetime import UTC, datetime
from html import escape

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import hidden_fields
from tests.portal.conftest import Person
from tests.store.consent_desk import Desk, WallClock

from counterfoil.consents.giving import Choice
from counterfoil.consents.state import Status
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer


@pytest.fixture
def desk(house: House) -> Desk:
    """A counter at which the customer decides; its time is the machine's."""
    wall = WallClock(datetime.now(UTC))
    return Desk(house, wall)


def path_of(consent_id: int) -> str:
    return f"/portal/consents/{ids.to_text(ids.CONSENT, consent_id)}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_consents_read_well(person: Person, desk: Desk, language: str) -> None:
    consent = await desk.give(person.customer_id)
    refused = desk.wish(person.customer_id, "marketing", choice=Choice.REFUSED)
    assert isinstance(await desk.ask(refused), Answer)
    for path in ("/portal/consents", path_of(consent.consent_id)):
        page = await person.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, [])


@pytest.mark.parametrize("is_used_up", [False, True])
async def test_one_press_withdraws_and_the_page_said_what_stops_before(
    person: Person, desk: Desk, *, is_used_up: bool
) -> None:
    consent = await desk.give(person.customer_id)
    if is_used_up:
        # What was obtained under it is kept on: taking it back ends that.
        assert not isinstance(await desk.use(consent), Refused)
        assert (await desk.stored(person.customer_id, consent.consent_id)).status is Status.USED_UP
    path = path_of(consent.consent_id)
    page = await person.get(path)
    notice = desk.house.notices.version(consent.notice_code, consent.notice_version)
    assert notice is not None
    for part in ("stops", "keeps"):
        assert escape(notice.texts["en"].parts[part]) in page.text
    done = await person.submit(page, path, act="withdraw")
    assert done.headers["location"] == f"{path}?done=consent_withdrawn"
    assert "holds from this moment" in (await person.get(done.headers["location"])).text
    stored = await desk.stored(person.customer_id, consent.consent_id)
    assert stored.status is Status.WITHDRAWN
    listed = (await person.get("/portal/consents")).text
    assert listed.index("Ended") < listed.index(path)


async def test_a_confirmation_is_measured_here(person: Person, desk: Desk, house: House) -> None:
    consent = await desk.give(person.customer_id)
    path = path_of(consent.consent_id)
    page = await person.get(path, language="zh-CN")
    forms = page.text.split(f'action="{path}"')
    fields = hidden_fields(f'<form action="{path}"{forms[-1]}', path)
    early = await person.post(path, fields | {"act": "confirm"}, headers={"accept-language": "zh"})
    assert early.status_code == 422
    later = WallClock(datetime.now(UTC))
    later.seconds += 60
    object.__setattr__(house, "wall", later)
    confirmed = await person.post(
        path, fields | {"act": "confirm"}, headers={"accept-language": "zh"}
    )
    assert confirmed.headers["location"] == f"{path}?done=consent_confirmed"


async def test_nobody_sees_the_consents_of_another(person: Person, desk: Desk) -> None:
    other = await desk.register()
    consent = await desk.give(other)
    assert (await person.get(path_of(consent.consent_id))).status_code == 404
    page = await person.get("/portal/consents")
    token = hidden_fields(page.text, "/portal/sign-out")["csrf_token"]
    sent = {"csrf_token": token, "idempotency_key": "k", "act": "withdraw"}
    assert (await person.post(path_of(consent.consent_id), sent)).status_code == 404
    stored = await desk.stored(other, consent.consent_id)
    assert stored.status is Status.GIVEN
