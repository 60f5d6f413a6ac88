"""The reference bureau: no receipt, no report; each check of the protocol refuses by its code."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from tests.simulator.bureau_stage import CLIENT, OTHER_NAME, OTHER_NUMBER, Stage
from tests.unit.bureau.paper_log import (
    LENDER,
    NOW,
    ORGANISATION,
    PaperLog,
    consent_fields,
    question,
    subject,
)

from counterfoil.bureau.checking import No
from counterfoil.bureau.fields import FACTS
from counterfoil.bureau.jose import ALGORITHM
from counterfoil.bureau.membership import certificate_sha256
from counterfoil.bureau.question import (
    Answered,
    Declined,
    Fault,
    Question,
    Reading,
    Unfit,
)
from counterfoil.bureau.request import TYPE, read_claims, write_claims
from counterfoil.evidence.leaf import LeafType
from counterfoil.simulator.bureau.member import members_of
from counterfoil.simulator.card_clients import client_of
from counterfoil.simulator.recorded_history import recorded_facts


@pytest.fixture(scope="module")
def log() -> PaperLog:
    return PaperLog()


@pytest.fixture
def stage(tmp_path: Path, log: PaperLog) -> Iterator[Stage]:
    log.leaves.clear()
    made = Stage(tmp_path, log)
    yield made
    made.books.close()


async def test_a_question_with_its_proofs_is_answered_with_the_facts(stage: Stage) -> None:
    asked = question(stage.log)
    answer = await stage.ask(asked)
    assert isinstance(answer, Answered)
    port = stage.port
    assert port.check(answer.sealed, asked) is None
    reading = port.read(answer.sealed, asked.jti, FACTS)
    assert isinstance(reading, Reading)
    recorded = recorded_facts(client_of(CLIENT))
    assert reading.facts["delay_months_max"] == recorded["delay_months_max"]
    assert reading.facts["payment_share_ppm"] == recorded["payment_share_ppm"]
    [listed] = stage.books.inquiries_of_member(LENDER)
    assert (listed["jti"], listed["use_no"], listed["organisation"]) == (asked.jti, 1, ORGANISATION)
    assert listed["sealed_sha256"] == hashlib.sha256(answer.sealed).digest()
    assert listed["price_minor"] == 500


async def test_the_same_question_again_gets_the_same_bytes_and_is_billed_once(stage: Stage) -> None:
    asked = question(stage.log)
    first = await stage.ask(asked)
    stage.now += 3_000  # the receipts are too old for a new question by now
    second = await stage.ask(replace(asked, asked_at=stage.now))
    assert isinstance(first, Answered)
    assert second == first
    assert len(stage.books.inquiries_of_member(LENDER)) == 1


async def test_an_answer_opens_for_its_own_question_alone(stage: Stage) -> None:
    asked = question(stage.log)
    answer = await stage.ask(asked)
    assert isinstance(answer, Answered)
    unfit = stage.port.read(answer.sealed, "jti-other", FACTS)
    assert isinstance(unfit, Unfit)
    assert unfit.fault is Fault.MALFORMED


async def test_the_next_report_lists_the_inquiry(stage: Stage) -> None:
    await stage.ask(question(stage.log, number=1))
    answer = await stage.ask(question(stage.log, number=2))
    assert isinstance(answer, Answered)
    report = stage.port._report(answer.sealed, "jti-2")
    assert not isinstance(report, Unfit)
    listed = [(item.organisation, item.reason_code, item.date) for item in report.inquiries]
    assert listed == [(ORGANISATION, "02", "2026-01-03")]


# Each check by its code


def test_claims_are_read_as_they_were_written(stage: Stage) -> None:
    asked = question(stage.log)
    read = read_claims(write_claims(asked, inquirer=ORGANISATION, peer_sha256=stage.peer))
    assert read.subject == asked.subject
    assert (read.consent_receipt, read.intent_receipt) == (
        asked.consent_receipt,
        asked.intent_receipt,
    )
    assert (read.exp - read.iat, read.peer_sha256) == (300, stage.peer)


def swap_receipts(asked: Question) -> dict[str, Any]:
    return {"receipt": [asked.intent_receipt.decode(), asked.consent_receipt.decode()]}


def thumbprint(value: bytes) -> dict[str, str]:
    return {"x5t#S256": base64.urlsafe_b64encode(value).decode().rstrip("=")}


CLAIMS: list[tuple[No, Any]] = [
    (No.PEER_OTHER, lambda _: {"cnf": thumbprint(b"x" * 32)}),
    (No.ISSUER_OTHER, lambda _: {"iss": "platform.example"}),
    (No.AUDIENCE_OTHER, lambda _: {"aud": "other-bureau.example"}),
    (No.INQUIRER_OTHER, lambda _: {"inquirer": "X000PLATFORM01"}),
    (No.REQUEST_EXPIRED, lambda _: {"iat": NOW - 400, "exp": NOW - 100}),
    (No.REQUEST_EXPIRED, lambda _: {"iat": NOW + 100, "exp": NOW + 400}),
    (No.REQUEST_EXPIRED, lambda _: {"exp": NOW + 301}),
    (No.REQUEST_MALFORMED, lambda _: {"extra": 1}),
    (No.REQUEST_MALFORMED, lambda _: {"use_no": "1"}),
    (No.REQUEST_MALFORMED, lambda _: {"receipt": ["one"]}),
    (No.REQUEST_MALFORMED, lambda _: {"jti": ""}),
    (No.RECEIPT_REJECTED, lambda asked: {"receipt": ["", asked.intent_receipt.decode()]}),
    (No.RECEIPT_KIND, swap_receipts),
    (No.CONSENT_HASH, lambda _: {"consent_sha256": base64.b64encode(b"x" * 32).decode()}),
    (No.CONSENT_OTHER, lambda _: {"consent": "consent-00000000000009"}),
    (No.CONSENT_OTHER, lambda _: {"jti": "jti-9"}),
    (No.USE_OTHER, lambda _: {"use_no": 2}),
    (No.USE_OTHER, lambda _: {"use_no": 0}),
    (No.PURPOSE_OTHER, lambda _: {"purpose": "inquiry_review"}),
    (No.REASON_OTHER, lambda _: {"reason": "01"}),
]


@pytest.mark.parametrize(("no", "altered"), CLAIMS)
def test_a_claim_that_does_not_hold_is_refused_by_its_code(
    stage: Stage, no: No, altered: Any
) -> None:
    asked = question(stage.log)
    assert stage.refuse(asked, **altered(asked)) == no
    assert stage.books.inquiries_of_member(LENDER) == []


def test_another_persons_opening_is_refused(stage: Stage) -> None:
    asked = question(stage.log)
    opening = subject(name=OTHER_NAME, id_number=OTHER_NUMBER)
    assert stage.refuse(replace(asked, subject=opening)) == No.SUBJECT_OTHER


LEAVES: list[tuple[No, dict[str, Any]]] = [
    (No.RECIPIENT_OTHER, {"consent": {"recipient": "other-bureau.example"}}),
    (No.ISSUER_OTHER, {"consent": {"issuer": "other-lender.example"}}),
    (No.PURPOSE_OTHER, {"consent": {"purpose": {"code": "marketing"}}}),
    (No.RECEIPT_REJECTED, {"consent": {"use": 1}}),
    (No.OUTSIDE_WINDOW, {"consent": {"not_after": NOW - 1}}),
    (No.OUTSIDE_WINDOW, {"consent": {"not_before": NOW + 61}}),
    (No.OUTSIDE_WINDOW, {"intent": {"created": NOW + 61}}),
    (No.OUTSIDE_WINDOW, {"consent": {"not_after": "never"}}),
    (No.CONSENT_OTHER, {"intent": {"consent": "consent-00000000000009"}}),
    (No.CONSENT_HASH, {"intent": {"consent_sha256": "other"}}),
    (No.USE_OTHER, {"intent": {"use_no": 2}}),
    (No.PURPOSE_OTHER, {"intent": {"purpose": "inquiry_review"}}),
    (No.RECIPIENT_OTHER, {"intent": {"bureau": "other-bureau.example"}}),
    (No.OWN_WITNESS_MISSING, {"by": ("regulator", "auditor")}),
    (No.RECEIPT_REJECTED, {"by": ("bureau", "auditor")}),
    (No.RECEIPT_REJECTED, {"by": ()}),
    (No.INTENT_TOO_OLD, {"at": NOW - 86_401}),
]


@pytest.mark.parametrize(("no", "leaves"), LEAVES)
def test_a_leaf_that_does_not_hold_is_refused_by_its_code(
    stage: Stage, no: No, leaves: dict[str, Any]
) -> None:
    if no is No.INTENT_TOO_OLD:
        leaves = {**leaves, "consent": {"not_before": NOW - 100_000}}
    asked = replace(question(stage.log, **leaves), asked_at=NOW)
    assert stage.refuse(asked) == no


def test_a_purpose_that_the_member_has_not_is_refused(stage: Stage) -> None:
    asked = question(
        stage.log,
        consent={"purpose": {"code": "marketing"}},
        intent={"purpose": "marketing"},
    )
    assert stage.refuse(replace(asked, purpose="marketing")) == No.PURPOSE_NOT_ALLOWED


def test_an_intent_before_its_consent_is_refused(stage: Stage) -> None:
    log = stage.log
    fields = consent_fields(subject())
    asked = question(log)
    # The same two leaves the other way round.
    body = log.leaves[0][2]
    log.leaves[:] = [log.leaves[1]]
    index = log.add_body(LeafType.CONSENT_GIVEN, body)
    assert json.loads(body)["id"] == fields["id"]
    turned = replace(
        asked,
        consent_receipt=log.receipt(index, at=NOW),
        intent_receipt=log.receipt(0, at=NOW),
    )
    assert stage.refuse(turned) == No.ORDER_WRONG


def test_a_log_of_somebody_else_is_refused(stage: Stage) -> None:
    assert stage.refuse(question(PaperLog())) == No.RECEIPT_REJECTED


def test_every_byte_of_a_receipt_counts(stage: Stage) -> None:
    asked = question(stage.log, by=("regulator", "bureau"))
    receipt = bytearray(asked.intent_receipt)
    start = receipt.index(b"\n\n") + 2  # the proof
    for place in range(start + 30, len(receipt), 37):
        altered = bytearray(receipt)
        altered[place] ^= 1
        codes = {No.RECEIPT_REJECTED, No.REQUEST_MALFORMED, No.OWN_WITNESS_MISSING}
        text = altered.decode("utf-8", "replace")
        assert stage.refuse(asked, receipt=[asked.consent_receipt.decode(), text]) in codes


def test_a_withdrawn_consent_is_refused(stage: Stage) -> None:
    asked = question(stage.log)
    stage.books.add_withdrawn(LENDER, asked.consent)
    assert stage.refuse(asked) == No.CONSENT_WITHDRAWN


async def test_another_question_under_a_known_identifier_is_a_replay(stage: Stage) -> None:
    asked = question(stage.log)
    await stage.ask(asked)
    other = replace(asked, subject=subject(id_number=OTHER_NUMBER))
    assert await stage.ask(other) == Declined(No.REPLAYED)


async def test_a_second_inquiry_on_one_use_is_refused(stage: Stage) -> None:
    asked = question(stage.log)
    await stage.ask(asked)
    # The lender's own database should have refused this; here somebody got around it.
    again = question(stage.log, number=1, intent={"jti": "jti-7"})
    twin = replace(again, jti="jti-7")
    assert stage.refuse(twin) == No.USE_REPLAYED


def test_the_connection_of_another_member_is_refused(stage: Stage, tmp_path: Path) -> None:
    other = stage.enrol(tmp_path / "other", issuer="other-lender.example", organisation="X2")
    stage.desk.members = members_of(stage.home)
    token = stage.token(question(stage.log))
    reply = stage.desk.handle(token, certificate_sha256(other.certificate), now=NOW)
    assert (reply.status, reply.code) == (401, No.PEER_OTHER)


def test_a_request_signed_by_nobody_known_is_refused(stage: Stage) -> None:
    key = OKPKey.generate_key("Ed25519")
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": TYPE}
    token = jws.serialize_compact(header, b"{}", key, algorithms=[ALGORITHM])
    assert stage.desk.handle(token, stage.peer, now=NOW).code == No.MEMBER_UNKNOWN
    [known] = stage.desk.members
    header["kid"] = known
    forged = jws.serialize_compact(header, b"{}", key, algorithms=[ALGORITHM])
    assert stage.desk.handle(forged, stage.peer, now=NOW).code == No.SIGNATURE_WRONG
    for text in ("", "x", "a.b.c", "é", forged.replace(".", "")):
        assert stage.desk.handle(text, stage.peer, now=NOW).code == No.SIGNATURE_WRONG


def test_a_claim_that_stands_twice_is_refused(stage: Stage) -> None:
    asked = question(stage.log)
    claims = write_claims(asked, inquirer=ORGANISATION, peer_sha256=stage.peer)
    with pytest.raises(ValueError, match="claims"):
        read_claims(claims[:-1] + b',"use_no":1}')


# What goes wrong on demand
