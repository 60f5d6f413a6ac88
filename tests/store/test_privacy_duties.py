"""Impact assessments before sensitive processing, and incidents told of in time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.store.applicants import Counter
from tests.store.assessing import FINDINGS, assessed
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    OFFICER,
    SECOND,
    START,
    a_house,
    code_of,
    rows,
    staff,
)
from tests.unit.decisioning.cases import asked
from tests.unit.decisioning.policies import base_document

from counterfoil.customers.message_port import Carried, Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.decisioning.document import policy_of
from counterfoil.journeys.deciding.publish_policy import request_publication, run_gate
from counterfoil.journeys.guarding import incidents
from counterfoil.journeys.guarding.assess import (
    NewAssessment,
    assess,
    conclude_assessment,
    missing_assessments,
    require_assessment,
    require_living,
)
from counterfoil.journeys.guarding.assessed import ACCOUNT_TOKENS, MESSAGES, STATEMENTS
from counterfoil.journeys.guarding.unused_fields import find_unused
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.profile import own_profile, staff_profile
from counterfoil.kernel.errors import Refused
from counterfoil.privacy.assessment import Assessment, AssessmentAct, Processing
from counterfoil.privacy.incident import Cause, Facts, Incident, IncidentAct, notice_draft

FACTS = Facts(
    kinds=("identity", "report"),
    cause=Cause.WRONG_RECIPIENT,
    persons=3,
    harm_zh="可能收到骚扰电话",
    harm_en="calls by strangers",
    advice_zh="请勿相信陌生来电",
    advice_en="do not trust such calls",
    contact="privacy@lender.example",
)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path) as opened:
        yield opened


async def required(house: House, digest: bytes, subject: str, on: date) -> str:
    async with house.database.connection() as connection:
        refused = await require_assessment(connection, Processing.SENSITIVE, subject, digest, on=on)
    return refused.code if refused else ""


async def test_processing_rests_on_an_assessment_that_somebody_else_approved(house: House) -> None:
    new = NewAssessment(
        processing=Processing.SENSITIVE,
        subject="bureau",
        findings=FINDINGS,
        review_on=date(2030, 1, 1),
    )
    made = await assess(house, OFFICER, new)
    assert isinstance(made, Assessment)
    assert made.keep_until == date(2033, 1, 1)
    again = await assess(house, OFFICER, new)
    assert isinstance(again, Assessment)
    assert again.assessment_id == made.assessment_id
    approve: dict[str, Any] = {"assessment_id": made.assessment_id, "step": AssessmentAct.APPROVED}
    own = await conclude_assessment(house, OFFICER, reason="mine", **approve)
    assert code_of(own) == "assessment_by_another"
    other = await conclude_assessment(house, ADMIN, reason="fine", **approve)
    assert code_of(other) == "assessment_role_not_allowed"
    assert await required(house, made.sha256, "bureau", date(2026, 1, 5)) == "assessment_missing"
    assert await assessed(house, "bureau", by=OFFICER, approver=SECOND) == made.sha256
    assert await required(house, made.sha256, "bureau", date(2026, 1, 5)) == ""
    assert await required(house, made.sha256, "other", date(2026, 1, 5)) == "assessment_missing"
    assert await required(house, made.sha256, "bureau", date(2030, 1, 2)) == "assessment_missing"
    assert await rows(house, "SELECT 1 FROM evidence.leaf_staged WHERE leaf_type = 14")
    bare = await assess(house, OFFICER, replace(new, findings=replace(FINDINGS, risks=())))
    assert code_of(bare) == "assessment_incomplete"
    end: dict[str, Any] = {"assessment_id": made.assessment_id, "step": AssessmentAct.ENDED}
    await conclude_assessment(house, SECOND, reason="switched off", **end)
    assert await required(house, made.sha256, "bureau", date(2026, 1, 5)) == "assessment_missing"


async def test_what_goes_on_without_an_assessment_is_named(house: House) -> None:
    missing = await missing_assessments(house)
    assert (Processing.PROVIDING, "bureau.example") in missing
    await assessed(
        house, "bureau.example", by=CLERK, approver=OFFICER, processing=Processing.PROVIDING
    )
    assert (Processing.PROVIDING, "bureau.example") not in await missing_assessments(house)


async def step(house: House, incident: Incident, act: IncidentAct, text: str = "done") -> object:
    return await incidents.do_incident_step(
        house,
        OFFICER,
        incident_id=incident.incident_id,
        step=act,
        text=text,
        evidence_sha256=sha256(b"log").digest(),
    )


async def test_an_incident_is_contained_told_of_and_closed(house: House) -> None:
    noticed = START - timedelta(hours=2)
    incident = await incidents.record_incident(house, OFFICER, FACTS, noticed_at=noticed)
    assert isinstance(incident, Incident)
    assert incident.authority_by == noticed + timedelta(hours=72)
    assert not incident.is_late(START)
    assert incident.is_late(START + timedelta(hours=71))
    early = await step(house, incident, IncidentAct.CLOSED)
    assert code_of(early) == "incident_not_done"
    assert code_of(await step(house, incident, IncidentAct.FOUND, " ")) == "reveal_reason_missing"
    done = await step(house, incident, IncidentAct.CONTAINED, "recalled; 13800131234 was called")
    assert isinstance(done, Incident)
    draft = notice_draft(done)
    for said in ("身份信息", "征信报告原文", "错误的接收人", "可能收到骚扰电话", "请勿相信", "3"):
        assert said in draft["zh"]
    for said in ("identity data", "wrong recipient", "calls by strangers", "recalled", "privacy@"):
        assert said in draft["en"]
    assert "13800131234" not in draft["en"]
    await step(house, incident, IncidentAct.AUTHORITY_TOLD)
    assert code_of(await step(house, incident, IncidentAct.CLOSED)) == "incident_not_done"
    await step(house, incident, IncidentAct.NO_NOTICE, "recalled unread")
    closed = await step(house, incident, IncidentAct.CLOSED)
    assert isinstance(closed, Incident)
    assert not closed.is_open
    assert not closed.is_late(START + timedelta(days=30))
    assert code_of(await step(house, incident, IncidentAct.FOUND)) == "incident_closed"


async def test_an_incident_with_a_gap_is_refused(house: House) -> None:
    gap = replace(FACTS, advice_en=" ")
    assert code_of(await incidents.record_incident(house, OFFICER, gap, noticed_at=START)) == (
        "incident_facts_incomplete"
    )
    unknown = replace(FACTS, kinds=("shoes",))
    refused = await incidents.record_incident(house, OFFICER, unknown, noticed_at=START)
    assert code_of(refused) == "incident_facts_incomplete"
    barred = await incidents.record_incident(house, ADMIN, FACTS, noticed_at=START)
    assert code_of(barred) == "incident_role_not_allowed"


async def test_what_nobody_reads_is_listed_until_somebody_does(house: House) -> None:
    view = await Counter(house).apply(debt_monthly_minor=5)
    # The customer's own look tells the events; it is no use of them by the house.
    assert not isinstance(await own_profile(house, view.customer_id), Refused)
    unused = {item.name for item in await find_unused(house)}
    # Told by the application, and read by no rule of the policy in force.
    assert unused
    assert not {"history_months", "is_student"} & unused
    looked = await staff_profile(
        house, CLERK, view.customer_id, purpose="complaint", lender_id="lender-one"
    )
    assert not isinstance(looked, Refused)
    assert await find_unused(house) == []


async def test_what_decides_by_machine_needs_an_assessment_that_lives(
    database_url: str, tmp_path: Path
) -> None:
    """A sandbox brings its own for what comes with the program; nobody else has one by itself."""
    subject = "base"
    for environment, expected in (("sandbox", None), ("production", "assessment_needed")):
        async with a_house(database_url, tmp_path, environment=environment) as house:
            assert await living(house, subject) == expected
            assert await living(house, "of-our-own") == "assessment_needed"
    async with a_house(database_url, tmp_path, environment="production") as house:
        await assessed(
            house,
            subject,
            by=OFFICER,
            approver=SECOND,
            processing=Processing.AUTOMATED_DECISION,
        )
        assert await living(house, subject) is None
        policy = policy_of(base_document() | {"version": "2026-02", "code": "of-our-own"})
        async with house.database.connection() as connection:
            report = await run_gate(
                connection, policy, asked(), replayed=0, generated=900, at=house.clock.now()
            )
        refused = await request_publication(house, staff("risk_analyst"), report, reason="new")
        assert code_of(refused) == "assessment_needed"


async def test_nothing_goes_to_services_of_others_before_that_was_assessed(
    database_url: str, tmp_path: Path
) -> None:
    parcel = Parcel(
        reference="ms_1",
        channel=Channel.SMS,
        address="+8613800131234",
        name="王",
        subject="",
        body="x",
    )
    async with (
        a_house(
            database_url, tmp_path, environment="production", message_url="http://127.0.0.1:9",
            account_token_url="http://127.0.0.1:9", statement_source_url="http://127.0.0.1:9",
        ) as house,
    ):  # fmt: skip
        missing = await missing_assessments(house)
        for wanted in (MESSAGES, ACCOUNT_TOKENS, STATEMENTS):
            assert wanted in missing
            assert code_of(await house.assessed.refuse(*wanted)) == "assessment_needed"
        carried = await house.messages.send(parcel)
        assert carried == Carried(Outcome.FAILED, "assessment_needed")
        await assessed(
            house, MESSAGES[1], by=OFFICER, approver=SECOND, processing=Processing.ENTRUSTING
        )
        assert await house.assessed.refuse(*MESSAGES) is None
        # Asked now, and away: not the assessment but the network says no.
        assert (await house.messages.send(parcel)).detail != "assessment_needed"
        assert MESSAGES not in await missing_assessments(house)
        assert house.account_tokens is not None
        assert await house.account_tokens.token_of("6222020200001111") is None


async def living(house: House, subject: str) -> str | None:
    async with house.database.connection() as connection:
        refused = await require_living(house, connection, Processing.AUTOMATED_DECISION, subject)
    return refused.code if refused else None
