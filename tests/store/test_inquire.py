"""Asking a bureau end to end: consent, intent, witnesses, proofs, answer, outcome, facts."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.bureau_desk import CLIENTS, LENDER, ORGANISATION, Desk, code, got, kept, open_desk
from tests.store.privacy_desk import OFFICER

from counterfoil.bureau import store
from counterfoil.bureau.fields import FACTS
from counterfoil.bureau.inquiry import State
from counterfoil.evidence.opening_store import open_by_key
from counterfoil.journeys.guarding.erase import lift_hold, set_hold
from counterfoil.journeys.inquiring.forget_reports import erase_expired_reports
from counterfoil.journeys.inquiring.inquire import (
    Wish,
    inquire,
    inquire_many,
)
from counterfoil.journeys.inquiring.inquiry_outcomes import (
    Obtained,
)
from counterfoil.journeys.inquiring.inquiry_reading import footprint_of, open_report
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.erasure_store import Hold
from counterfoil.privacy.grant_store import Grant, add_grants
from counterfoil.simulator.bureau.faults import Fault
from counterfoil.simulator.card_clients import client_of
from counterfoil.simulator.recorded_history import recorded_facts


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_an_inquiry_gives_the_facts_and_leaves_its_evidence(desk: Desk) -> None:
    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    answer = got(await desk.ask(consent))
    assert answer.facts["history_months"] == 6
    recorded = recorded_facts(client_of(CLIENTS[0]))
    assert answer.facts["late_months_count"] == recorded["late_months_count"]
    assert not answer.is_reuse
    [inquiry] = await desk.inquiries(customer_id)
    assert (inquiry.state, inquiry.use_no, inquiry.reason_code) == (State.ANSWERED, 1, "02")
    assert inquiry.sent_at is not None
    [listed] = desk.listed
    assert (listed["jti"], listed["reference"]) == (inquiry.jti, inquiry.bureau_reference)
    assert listed["sealed_sha256"] == inquiry.sealed_sha256
    assert listed["organisation"] == ORGANISATION
    # In one statement: a leaf may get its number at any moment.
    leaves = await desk.rows(
        "SELECT leaf_type FROM (SELECT leaf_type, 0 AS place, idx AS number, customer_id "
        "FROM evidence.leaf UNION ALL SELECT leaf_type, 1, seq, customer_id "
        "FROM evidence.leaf_staged) AS l WHERE customer_id = $1 ORDER BY place, number",
        customer_id,
    )
    assert [row["leaf_type"] for row in leaves] == [1, 3, 4, 5]


async def test_leaves_say_what_was_asked_and_what_came(desk: Desk) -> None:
    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    await desk.ask(consent)
    [inquiry] = await desk.inquiries(customer_id)
    assert inquiry.outcome_leaf_id is not None
    keys = [(customer_id, inquiry.intent_leaf_id), (customer_id, inquiry.outcome_leaf_id)]
    opened: Mapping[Any, Any] = {}
    async with asyncio.timeout(180):
        # The outcome's leaf gets its number a moment after the answer.
        while opened.keys() < set(keys):
            async with desk.house.database.transaction() as connection:
                opened = await open_by_key(connection, desk.house.vault, keys)
    intent, outcome = (orjson.loads(opened[key].body or b"") for key in keys)
    assert intent["consent"] == consent.record
    assert intent["consent_sha256"] == base64.b64encode(consent.sha256).decode()
    assert (intent["use_no"], intent["jti"]) == (1, inquiry.jti)
    assert outcome["reference"] == inquiry.bureau_reference
    assert inquiry.sealed_sha256 is not None
    assert outcome["sealed_sha256"] == base64.b64encode(inquiry.sealed_sha256).decode()
    assert all(opened[key].is_intact for key in keys)


# Reuse comes first


async def test_a_living_report_serves_again_and_is_counted(desk: Desk) -> None:
    customer_id = await desk.person()
    first = got(await desk.ask(await desk.consent(customer_id)))
    again = got(await desk.ask(await desk.consent(customer_id)))
    assert again.is_reuse
    assert again.report_id == first.report_id
    assert again.facts == first.facts
    assert len(desk.listed) == 1
    async with desk.house.database.connection() as connection:
        usage = await store.read_usage(connection)
        later = ids.floor_of(desk.house.clock.now() + timedelta(minutes=5))
        nothing = await store.read_usage(connection, first=later)
    assert (usage.inquiries, usage.reuses, usage.customers, usage.served) == (1, 1, 1, 2)
    assert (nothing.inquiries, nothing.reuses, nothing.customers, nothing.served) == (0, 0, 0, 0)


async def test_a_request_for_a_higher_limit_uses_the_report_of_the_application(desk: Desk) -> None:
    customer_id = await desk.person()
    await desk.ask(await desk.consent(customer_id))
    wish = Wish(customer_id=customer_id, occasion="limit_increase", consent_id=None)
    assert got(await inquire(desk.house, wish, wanted=FACTS)).is_reuse


async def test_a_report_of_a_limit_increase_does_not_serve_an_application(desk: Desk) -> None:
    customer_id = await desk.person()
    consent = await desk.consent(customer_id, code="inquiry-limit-increase")
    got(await desk.ask(consent, occasion="limit_increase"))
    wish = Wish(customer_id=customer_id, occasion="first_application", consent_id=None)
    assert code(await inquire(desk.house, wish, wanted=FACTS)) == "inquiry_consent_missing"


async def test_a_report_whose_consent_was_withdrawn_is_not_used_again(desk: Desk) -> None:
    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    await desk.ask(consent)
    await desk.consents.withdraw(consent)
    new = await desk.consent(customer_id)
    assert not got(await desk.ask(new)).is_reuse
    assert len(desk.listed) == 2


async def test_a_report_past_its_data_life_is_gone_and_only_its_row_stays(desk: Desk) -> None:
    customer_id = await desk.person()
    await desk.ask(await desk.consent(customer_id))
    assert await erase_expired_reports(desk.house) == 0
    desk.wall.ahead += 31 * 86_400
    wish = Wish(customer_id=customer_id, occasion="first_application", consent_id=None)
    assert code(await inquire(desk.house, wish, wanted=FACTS)) == "inquiry_consent_missing"
    assert await erase_expired_reports(desk.house) == 1
    assert await erase_expired_reports(desk.house) == 0
    [row] = await desk.rows("SELECT sealed, erased_at FROM bureau.report")
    assert row["sealed"] is None
    assert row["erased_at"] is not None
    erased = await desk.rows(
        "SELECT leaf_type FROM evidence.leaf_staged WHERE leaf_type = 6 "
        "UNION ALL SELECT leaf_type FROM evidence.leaf WHERE leaf_type = 6"
    )
    assert len(erased) == 1
    [line] = await find_trail(desk.house, Wanted(actor="schedule"))
    assert (line.act, line.subject, line.customer_ids) == ("erasure", "report", (customer_id,))
    # Copies of before cannot be opened either: the key is gone, and the next report has its own.
    assert await report_keys(desk) == []
    desk.wall.ahead = 0
    assert not got(await desk.ask(await desk.consent(customer_id))).is_reuse
    assert await report_keys(desk) == [customer_id]


async def test_a_legal_hold_keeps_what_a_bureau_sent_and_nobody_uses_it(desk: Desk) -> None:
    customer_id, other = await desk.person(), await desk.person(Fault.OTHER_PERSON)
    await desk.ask(await desk.consent(customer_id))
    await desk.ask(await desk.consent(other))
    assert await kept(desk, other) == ["another_person"]
    held = await set_hold(
        desk.house, OFFICER, customer_id=customer_id, reason="court file", ticket="C-9"
    )
    assert isinstance(held, Hold)
    desk.wall.ahead += 31 * 86_400
    # What was kept of a bad answer goes by the same rule; of another customer nothing is held back.
    assert await erase_expired_reports(desk.house) == 0
    left = "SELECT customer_id FROM bureau.answer_kept WHERE sealed IS NOT NULL"
    assert await desk.rows(left) == []
    assert await report_keys(desk) == [customer_id]
    assert await desk.rows("SELECT 1 FROM bureau.report WHERE sealed IS NOT NULL") != []
    wish = Wish(customer_id=customer_id, occasion="first_application", consent_id=None)
    assert code(await inquire(desk.house, wish, wanted=FACTS)) == "inquiry_consent_missing"
    [footprint] = await footprint_of(desk.house, customer_id, page=9)
    assert footprint.report is not None
    assert await lift_hold(
        desk.house, OFFICER, customer_id=customer_id, hold_id=held.hold_id, reason="closed"
    ) is None  # fmt: skip
    assert await erase_expired_reports(desk.house) == 1
    assert await report_keys(desk) == []


async def report_keys(desk: Desk) -> list[int]:
    query = "SELECT customer_id FROM privacy.data_key WHERE purpose = 'report' ORDER BY 1"
    return [row[0] for row in await desk.rows(query)]


# What can never inquire


@pytest.mark.parametrize("occasion", ["viewing", "trial", "drawing", "repaying"])
async def test_every_day_matters_never_inquire(desk: Desk, occasion: str) -> None:
    consent = await desk.consent(await desk.person())
    assert code(await desk.ask(consent, occasion=occasion)) == "occasion_never_inquires"
    assert await desk.inquiries(consent.customer_id) == []


async def test_an_occasion_that_is_off_or_unknown_is_refused(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    assert code(await desk.ask(consent, occasion="review")) == "occasion_switched_off"
    assert code(await desk.ask(consent, occasion="marketing")) == "occasion_unknown"
    assert (await desk.consents.stored(consent.customer_id, consent.consent_id)).state.uses == 0


async def test_many_share_one_wait_and_a_refusal_leaves_the_others_alone(desk: Desk) -> None:
    consents = [await desk.consent(await desk.person(fault)) for fault in (Fault.NONE,) * 3]
    desk.bureau.plan.upcoming.append(Fault.REFUSES)
    wishes = [
        Wish(customer_id=c.customer_id, occasion="first_application", consent_id=c.consent_id)
        for c in consents
    ]
    wishes.insert(1, replace(wishes[0], consent_id=4711, customer_id=wishes[1].customer_id))
    wishes.append(replace(wishes[0], occasion="viewing"))
    answers = await inquire_many(desk.house, wishes, wanted={"history_months"})
    kinds = [answer.code if isinstance(answer, Refused) else "facts" for answer in answers]
    assert sorted(kinds) == [
        "consent_not_found",
        "facts",
        "facts",
        "inquiry_declined",
        "occasion_never_inquires",
    ]
    assert kinds[1] == "consent_not_found"
    assert all(
        answer.facts == {"history_months": 6} for answer in answers if isinstance(answer, Obtained)
    )


async def test_a_person_opens_a_report_only_with_a_grant_and_for_its_purpose(desk: Desk) -> None:
    customer_id = await desk.person()
    first = got(await desk.ask(await desk.consent(customer_id)))
    asked: dict[str, Any] = {
        "customer_id": customer_id,
        "report_id": first.report_id,
        "purpose": "inquiry_origination",
        "wanted": {"history_months"},
        "by": "risk-1",
        "grant_id": 9,
    }

    async def opened(**changes: Any) -> Obtained | Refused:
        return await open_report(desk.house, **{**asked, **changes})

    now = desk.house.clock.now()
    grant = Grant(
        customer_id=customer_id,
        grant_id=9,
        granted_to="risk-1",
        role="risk_analyst",
        purpose="decide",
        data=("report",),
        ticket="T-1",
        reason="a second look",
        granted_at=now,
        expires_at=now + timedelta(hours=1),
        approval_id=None,
    )
    others = [
        replace(grant, grant_id=10, data=("contact",)),
        replace(grant, grant_id=11, expires_at=now + timedelta(microseconds=1)),
    ]
    async with desk.house.database.transaction() as connection:
        for one in (grant, *others):
            await add_grants(connection, [one])
    for no_grant in (1, 10, 11):
        assert code(await opened(grant_id=no_grant)) == "report_needs_grant"
    assert code(await opened(by="risk-2")) == "report_needs_grant"
    assert code(await opened(purpose="marketing")) == "report_purpose_other"
    assert code(await opened(report_id=1)) == "report_not_found"
    seen = got(await opened())
    assert seen.facts == {"history_months": 6}
    openings = await desk.rows("SELECT opened_by, grant_id FROM bureau.opening ORDER BY opening_id")
    assert [tuple(row) for row in openings] == [("policy", None), ("risk-1", 9)]


async def test_what_is_stored_is_sealed_and_bound_to_its_row(desk: Desk) -> None:
    first, second = [await desk.person(), await desk.person()]
    reports = [got(await desk.ask(await desk.consent(c))).report_id for c in (first, second)]
    [a, b] = await desk.rows("SELECT sealed FROM bureau.report ORDER BY report_id")
    for row in (a, b):
        assert b"PA01" not in row["sealed"]
    moved = await desk.rows(
        "UPDATE bureau.report SET sealed = $1 WHERE report_id = $2 RETURNING customer_id",
        a["sealed"],
        reports[1],
    )
    assert len(moved) == 1
    wish = Wish(customer_id=second, occasion="first_application", consent_id=None)
    before = desk.house.vault.rejections.total
    assert code(await inquire(desk.house, wish, wanted=FACTS)) == "ciphertext_rejected"
    assert desk.house.vault.rejections.total == before + 1, "several of them raise the alarm"


async def test_the_customer_sees_who_asked_why_and_when(desk: Desk) -> None:
    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    await desk.ask(consent)
    [seen] = await footprint_of(desk.house, customer_id, page=10)
    assert seen.is_hard
    assert (seen.inquiry.consent_id, seen.inquiry.purpose) == (
        consent.consent_id,
        "inquiry_origination",
    )
    assert seen.report is not None
    assert seen.report.sealed is None
    assert await footprint_of(desk.house, customer_id, page=10, before=1) == []


async def test_the_inquirer_is_the_lender_and_never_a_platform(desk: Desk) -> None:
    consent = await desk.consent(await desk.person())
    await desk.ask(consent)
    [listed] = desk.listed
    assert (listed["issuer"], listed["organisation"]) == (LENDER, ORGANISATION)
    assert orjson.loads(consent.body)["controller"] == LENDER
