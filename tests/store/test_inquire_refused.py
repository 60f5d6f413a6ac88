"""Inquiries that are not made, not answered, or answered with what does not fit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from tests.store.applicants import PERSONS
from tests.store.bureau_desk import (
    Desk,
    code,
    got,
    kept,
    open_desk,
    state,
)

from counterfoil.bureau import store
from counterfoil.bureau.fields import FACTS
from counterfoil.bureau.inquiry import State
from counterfoil.consents.consent import Consent
from counterfoil.journeys.inquiring import inquire as inquire_journey
from counterfoil.journeys.inquiring.inquire import (
    Wish,
    inquire,
    resolve_open,
)
from counterfoil.journeys.inquiring.inquiry_outcomes import (
    Obtained,
)
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import PostgresError
from counterfoil.privacy.data_keys import keys_of_each
from counterfoil.privacy.refusals import KEY_SERVICE_UNAVAILABLE
from counterfoil.privacy.vault import Purpose
from counterfoil.simulator.bureau.bureau import Bureau, Reply
from counterfoil.simulator.bureau.faults import Fault


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_without_a_bureau_nobody_is_asked(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    desk.house = replace(desk.house, bureau=None)
    assert code(await desk.ask(consent)) == "bureau_not_joined"


# A consent that does not hold


async def test_no_consent_no_inquiry(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    assert code(await desk.ask(consent, consent_id=None)) == "inquiry_consent_missing"
    assert code(await desk.ask(consent, consent_id=4711)) == "consent_not_found"
    assert desk.listed == []


async def test_another_persons_consent_is_refused(desk: Desk) -> None:
    theirs = await desk.consent(await desk.person())
    customer_id = await desk.person()
    wish = replace(theirs, customer_id=customer_id)
    assert code(await desk.ask(wish)) == "consent_of_another_person"


async def test_a_consent_for_another_purpose_is_refused(desk: Desk) -> None:
    consent = await desk.consent(await desk.person(), code="inquiry-limit-increase")
    assert code(await desk.ask(consent)) == "consent_for_another_purpose"


async def test_an_expired_consent_is_refused(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    desk.wall.ahead += 31 * 86_400
    assert code(await desk.ask(consent)) == "consent_expired"


async def test_a_withdrawn_consent_is_refused(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    await desk.consents.withdraw(consent)
    assert code(await desk.ask(consent)) == "consent_withdrawn"


async def test_of_two_workers_at_once_one_is_refused(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    answers = await asyncio.gather(desk.ask(consent), desk.ask(consent))
    assert sorted(type(answer).__name__ for answer in answers) == ["Obtained", "Refused"]
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert refused.code == "consent_used_up"
    assert len(desk.listed) == 1


async def test_the_database_refuses_a_second_inquiry_on_one_use(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    await desk.ask(consent)
    [inquiry] = await desk.inquiries(consent.customer_id)
    twin = replace(inquiry, inquiry_id=desk.house.ids.next(), jti="other", state=State.INTENT)
    with pytest.raises(PostgresError, match="inquiry_consent_used"):
        async with desk.house.database.transaction() as connection:
            await store.add_inquiries(connection, [twin])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bureau.inquiry SET purpose = 'other'",
        "UPDATE bureau.inquiry SET state = 'declined', outcome_code = 'x'",
        "DELETE FROM bureau.inquiry",
        "UPDATE bureau.opening SET opened_by = 'nobody'",
        "DELETE FROM bureau.opening",
        "TRUNCATE bureau.opening",
    ],
)
async def test_what_was_asked_and_opened_cannot_be_rewritten(desk: Desk, statement: str) -> None:
    await desk.ask(await desk.consent(await desk.person()))
    with pytest.raises(PostgresError, match=r"keeps what was asked|only added to"):
        await desk.run(statement)


async def between(desk: Desk, consent: Consent) -> "asyncio.Task[Obtained | Refused]":
    """Stop between intent and question: the log stands still."""
    desk.log_runs.clear()
    asking = asyncio.create_task(desk.ask(consent))
    await desk.until_intent(consent.customer_id)
    return asking


async def test_a_consent_withdrawn_before_the_question_leaves_stops_it(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    asking = await between(desk, consent)
    await desk.consents.withdraw(consent)
    desk.log_runs.set()
    assert code(await asking) == "inquiry_consent_stopped"
    assert await state(desk, consent.customer_id) == (State.STOPPED, "consent_withdrawn")
    assert desk.listed == []


async def test_a_consent_that_runs_out_before_the_question_leaves_stops_it(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    asking = await between(desk, consent)
    desk.wall.ahead += 31 * 86_400
    desk.log_runs.set()
    assert code(await asking) == "inquiry_consent_stopped"
    assert await state(desk, consent.customer_id) == (State.STOPPED, "consent_expired")


# Answers that decide nothing


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault.MALFORMED, "malformed"),
        (Fault.UNREADABLE, "malformed"),
        (Fault.OTHER_PERSON, "another_person"),
    ],
)
async def test_an_answer_that_does_not_fit_is_kept_and_decides_nothing(
    desk: Desk, fault: Fault, found: str
) -> None:
    await desk.person()
    consent = await desk.consent(await desk.person(fault))
    answer = await desk.ask(consent)
    assert code(answer) == "answer_rejected"
    assert isinstance(answer, Refused)
    assert answer.detail == {"reason": found}
    assert await state(desk, consent.customer_id) == (State.REJECTED, found)
    assert await kept(desk, consent.customer_id) == [found]
    assert await desk.rows("SELECT 1 FROM bureau.report") == []


async def test_nobody_is_asked_about_a_person_whose_data_was_erased(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    asking = await between(desk, consent)
    await desk.run("DELETE FROM privacy.data_key WHERE purpose = 'subject'")
    desk.log_runs.set()
    assert code(await asking) == "inquiry_subject_gone"
    assert await state(desk, consent.customer_id) == (State.STOPPED, "inquiry_subject_gone")
    assert desk.listed == []


@pytest.mark.parametrize("purpose", ["subject", "identity", "report", "evidence"])
async def test_a_damaged_key_leaves_its_customers_inquiry_open_and_the_others_go_on(
    desk: Desk, purpose: str
) -> None:
    consents = [await desk.consent(await desk.person(Fault.DOWN)) for _ in range(3)]
    for consent in consents:
        assert code(await desk.ask(consent)) == "inquiry_open"
    theirs = f"WHERE purpose = '{purpose}' AND customer_id = {consents[1].customer_id}"
    if purpose == "report":
        async with desk.house.database.transaction() as connection:
            customers = [consent.customer_id for consent in consents]
            await keys_of_each(
                connection, desk.house.vault, customers, Purpose.REPORT, reading("bureau_report")
            )
    await desk.run(f"UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00' {theirs}")
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert (resolved.looked_at, resolved.answered, resolved.still_open) == (3, 2, 1)
    assert await state(desk, consents[1].customer_id) == (State.INTENT, None)
    await desk.run(
        "UPDATE privacy.data_key "
        f"SET wrapped_key = substr(wrapped_key, 1, length(wrapped_key) - 1) {theirs}"
    )
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert (resolved.looked_at, resolved.answered, resolved.still_open) == (1, 1, 0)


async def test_a_refusal_of_the_bureau_ends_the_inquiry(desk: Desk) -> None:
    consent = await desk.consent(await desk.person(Fault.REFUSES))
    assert code(await desk.ask(consent)) == "inquiry_declined"
    assert await state(desk, consent.customer_id) == (State.DECLINED, "service_refused")


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.ANSWER_LOST, Fault.LATE])
async def test_an_intent_without_outcome_is_open_and_resolved_by_asking_again(
    desk: Desk, fault: Fault
) -> None:
    consent = await desk.consent(await desk.person(fault))
    assert code(await desk.ask(consent)) == "inquiry_open"
    assert await state(desk, consent.customer_id) == (State.INTENT, None)
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert (resolved.looked_at, resolved.answered, resolved.still_open) == (1, 1, 0)
    assert await state(desk, consent.customer_id) == (State.ANSWERED, None)
    assert len(desk.listed) == 1
    # Whoever needed it finds the report as a living one.
    wish = Wish(customer_id=consent.customer_id, occasion="first_application", consent_id=None)
    assert got(await inquire(desk.house, wish, wanted=FACTS)).is_reuse


async def test_an_answer_after_its_time_is_kept_and_decides_nothing(desk: Desk) -> None:
    consent = await desk.consent(await desk.person(Fault.ANSWER_LOST))
    assert code(await desk.ask(consent)) == "inquiry_open"
    desk.wall.ahead += 86_401
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert (resolved.answered, resolved.ended) == (0, 1)
    assert await state(desk, consent.customer_id) == (State.REJECTED, "late")
    assert await kept(desk, consent.customer_id) == ["late"]


async def test_an_open_inquiry_whose_consent_was_withdrawn_is_not_asked_again(desk: Desk) -> None:
    consent = await desk.consent(await desk.person(Fault.DOWN))
    await desk.ask(consent)
    await desk.consents.withdraw(consent)
    await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert await state(desk, consent.customer_id) == (State.STOPPED, "consent_withdrawn")
    assert desk.listed == []


async def test_two_workers_that_resolve_at_once_take_the_answer_once(desk: Desk) -> None:
    consent = await desk.consent(await desk.person(Fault.ANSWER_LOST))
    await desk.ask(consent)
    now = desk.wall.seconds
    await asyncio.gather(*(resolve_open(desk.house, asked_before=now) for _ in range(2)))
    assert await state(desk, consent.customer_id) == (State.ANSWERED, None)
    assert len(await desk.rows("SELECT 1 FROM bureau.report")) == 1
    assert await kept(desk, consent.customer_id) == []


async def test_a_second_answer_is_kept_and_the_first_one_stands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent = await desk.consent(await desk.person(Fault.ANSWER_LOST))
    await desk.ask(consent)
    # Asked again by two at once, the bureau answers them differently.
    number = PERSONS[desk.consents.persons - 1].id_number
    answers = [Fault.NONE, Fault.DUPLICATE]
    handle = Bureau.handle

    def handled(bureau: Bureau, token: str, peer_sha256: bytes, *, now: int) -> Reply:
        bureau.plan.by_person[number] = answers.pop(0)
        return handle(bureau, token, peer_sha256, now=now)

    monkeypatch.setattr(Bureau, "handle", handled)
    now = desk.wall.seconds
    await asyncio.gather(*(resolve_open(desk.house, asked_before=now) for _ in range(2)))
    assert await state(desk, consent.customer_id) in {
        (State.ANSWERED, None),
        (State.REJECTED, "malformed"),
    }
    assert "duplicate" in await kept(desk, consent.customer_id)
    assert len(await desk.rows("SELECT 1 FROM bureau.report")) <= 1


async def test_without_witnesses_nothing_is_sent_and_nothing_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.journeys.inquiring.inquiry_proofs.WAIT_TURN_MS", 50)
    consent = await desk.consent(await desk.person())
    for witness in desk.log.witnesses.values():
        witness.is_down = True
    assert code(await desk.ask(consent)) == "inquiry_not_published"
    [inquiry] = await desk.inquiries(consent.customer_id)
    assert inquiry.sent_at is None
    assert desk.listed == []
    for witness in desk.log.witnesses.values():
        witness.is_down = False
    monkeypatch.setattr("counterfoil.journeys.inquiring.inquiry_proofs.WAIT_TURN_MS", 5_000)
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert resolved.answered == 1


async def test_a_key_service_that_goes_away_before_the_question_leaves_it_open(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_given: object, **_more: object) -> NoReturn:
        raise RefusedError(refuse(KEY_SERVICE_UNAVAILABLE))

    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    with monkeypatch.context() as away:
        away.setattr(inquire_journey, "questions_of", unavailable)
        assert code(await desk.ask(consent)) == "key_service_unavailable"
    resolved = await resolve_open(desk.house, asked_before=desk.house.leaves.now() + 1)
    assert (resolved.looked_at, resolved.answered) == (1, 1)


async def test_the_bureaus_own_witness_has_to_have_seen_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.journeys.inquiring.inquiry_proofs.WAIT_TURN_MS", 200)
    consent = await desk.consent(await desk.person())
    desk.log.witnesses["bureau"].is_down = True
    assert code(await desk.ask(consent)) == "inquiry_not_published"


# Many at once, openings, the customer's own view
