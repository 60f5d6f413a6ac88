"""What the specification says that the body of each type of leaf commits to, and who holds it so.

Every leaf that a journey stages in any test is held against this; see `conftest.py`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unicodedata import is_normalized

from counterfoil.evidence import staging
from counterfoil.evidence.leaf import LeafType, commitment

HASH = re.compile(r"[0-9a-f]{64}|[A-Za-z0-9+/]{43}=")
MONEY = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d")
#: Types that this installation writes; the others wait for what they are about.
WRITTEN = {*LeafType} - {LeafType.PADDING, LeafType.BUREAU_REPORT, LeafType.CONTACT}

Body = dict[str, Any]


def check_body(kind: LeafType, text: bytes) -> None:
    """Hold one body against the specification."""
    body: Body = json.loads(text, parse_float=_no_fraction)
    for name, value in walked(body):
        assert value is not None, f"{name} is null"
        assert not name.endswith("_minor"), f"{name} counts minor units"
        if isinstance(value, str):
            assert is_normalized("NFC", value), f"{name} is not in NFC"
            assert INSTANT.match(value) is None, f"{name} is an instant as text: {value}"
    # The record of a consent has a schema version of its own, and no null from the beginning.
    assert body["v"] == (1 if kind is LeafType.CONSENT_GIVEN and "given_at" not in body else 2)
    assert type(body["created"]) is int
    assert body["prev_checkpoint"].keys() == {"root", "size"}
    SAYS[kind](body)


def walked(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value of a body with its name."""
    yield name, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield from walked(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from walked(member, name)


def consent(body: Body) -> None:
    texts(body, "id", "issuer", "controller", "recipient", "jurisdiction", "legal_basis")
    texts(body, "withdraw_uri")
    texts(body["subject_auth"], "method", "level")
    hashes(body, "subject_ref")
    hashes(body["subject_auth"], "evidence")
    hashes(body["notice"], "sha256", "screen")
    texts(body["notice"], "language")
    texts(body["purpose"], "code", "text")
    integers(body, "not_before", "not_after", "data_life")
    integers(body["notice"], "version")
    assert body["use"]["kind"] in {"ONE_TIME", "PERIODIC"}


def withdrawal(body: Body) -> None:
    texts(body, "consent", "channel")
    integers(body, "withdrawn_at")


def intent(body: Body) -> None:
    texts(body, "consent", "bureau", "purpose", "jti")
    hashes(body, "consent_sha256")
    integers(body, "use_no")


def outcome(body: Body) -> None:
    assert {"sealed_sha256", "reference", "outcome", "jti"} <= body.keys()
    if body["sealed_sha256"]:
        hashes(body, "sealed_sha256")


def opened(body: Body) -> None:
    texts(body, "who", "purpose")
    assert ("grant" in body) <= ("ticket" in body), "a grant has a ticket"


def erased(body: Body) -> None:
    texts(body, "rule", "data_class" if "data_class" in body else "data")


def change(body: Body) -> None:
    texts(body, "old", "new")


def decision(body: Body) -> None:
    said = body["decision"]
    versions = said["versions"]
    hashes(said, "input_hash", "policy_hash")
    hashes(versions, "policy")
    texts(said, "outcome", "policy_version", "currency")
    integers(versions, "product")
    assert isinstance(said["reasons"], list)
    if "line_review_id" not in said:
        texts(said, "application_id" if "application_id" in said else "limit_request_id")
        hashes(versions, "model", "features")
        money(said, "limit")
        assert said["outcome"] != "approved" or said["reasons"], "each offer says what bound it"
    if said["outcome"] == "approved" and "application_id" in said:
        integers(said, "rate_daily_e8")


def contract(body: Body) -> None:
    match body.get("event", body.get("kind")):
        case "signed" | "issued" as event:
            hashes(body, "contract_sha256", "cost_sheet_sha256")
            integers(body, "product_version")
            assert body["customer_signature"], "the customer's act is the evidence"
            if event == "issued":
                hashes(body, "certificate_sha256", "pdf_sha256")
        case "limit_amended":
            hashes(body, "contract_sha256")
            integers(body, "product_version")
            money(body, "from", "limit")
            assert body["customer_signature"], "the customer's act is the evidence"
        case "cost_sheet":
            hashes(body, "sheet_sha256")
        case "statement":
            hashes(body, "statement_sha256")
        case "price_announced":
            integers(body, "rate_daily_e8")
        case _:
            for text_hash in body["document_sha256"].values():
                assert HASH.fullmatch(text_hash)
            integers(body, "product_version")


def limit(body: Body) -> None:
    command(body)
    money(body["answer"], "limit", "agreed_limit")
    changes = body["booked"]["changes"]
    for item in changes:
        texts(item, "kind", "reason")
        if item["kind"] in {"limit_raised", "limit_lowered", "limit_restored"}:
            money(item, "before", "after")
    # An opened line stands on the agreement; every other change tells its reason.
    assert changes
    assert (
        changes[0]["kind"] != "limit_raised"
        or "agreement_sha256" in body["answer"]
        or ("application_id" in body["answer"])
    )


def movement(body: Body) -> None:
    command(body)
    answer, booked = body["answer"], body["booked"]
    money(answer, "amount")
    days = (answer.get(name) for name in ("value_date", "start_date", "requested_on"))
    day = next((day for day in days if day), booked.get("value_date", ""))
    assert DAY.fullmatch(day), "the day of value"
    loans = [item["loan_id"] for item in answer.get("allocations", ())] + booked.get("loans", [])
    is_of_credit = "payee_ref" in answer or "returning" in answer
    assert answer["id"].startswith("lo_") or loans or is_of_credit, "the loan"


def command(body: Body) -> None:
    booked = body["booked"]
    texts(booked, "command", "kind", "currency")
    integers(booked, "journals")
    hashes(booked, "journals_sha256")


def publication(body: Body) -> None:
    named = (
        "policy_hash",
        "model_sha256",
        "registry_sha256",
        "definition_sha256",
        "assessment_sha256",
        "sha256",
        "template_sha256",
    )
    assert any(HASH.fullmatch(str(body.get(name))) for name in named), "the hash"
    if str(body["act"]).startswith("experiment_"):
        texts(body, "by")
        assert body["act"] != "experiment_started" or {"approver", "author"} <= body.keys()
        return
    texts(body, "approver", "author")
    if body["act"] != "assessment":
        assert body.get("gate_passed") is True or body.get("verdict"), "the result of the gate"


def approval(body: Body) -> None:
    if "request_sha256" in body:
        hashes(body, "request_sha256", "reason_sha256")
        texts(body, "requester", "approver", "kind")
        return
    # What is done under an approval names it; what one person may do names that person.
    texts(body, "act")
    assert any(body.get(name) for name in ("approval", "who", "by", "requester")), body


SAYS: dict[LeafType, Callable[[Body], None]] = {
    LeafType.CONSENT_GIVEN: consent,
    LeafType.CONSENT_WITHDRAWN: withdrawal,
    LeafType.INQUIRY_INTENT: intent,
    LeafType.INQUIRY_OUTCOME: outcome,
    LeafType.OPENED: opened,
    LeafType.ERASED: erased,
    LeafType.KEY_CHANGE: change,
    LeafType.DECISION: decision,
    LeafType.CONTRACT: contract,
    LeafType.LIMIT_CHANGE: limit,
    LeafType.MONEY_MOVEMENT: movement,
    LeafType.PUBLICATION: publication,
    LeafType.APPROVAL: approval,
}


def texts(body: Body, *names: str) -> None:
    for name in names:
        assert isinstance(body.get(name), str), f"{name} in {body}"
        assert body[name], f"{name} in {body}"


def hashes(body: Body, *names: str) -> None:
    for name in names:
        assert HASH.fullmatch(str(body.get(name))), f"{name} in {body}"


def integers(body: Body, *names: str) -> None:
    for name in names:
        assert type(body.get(name)) is int, f"{name} in {body}"


def money(body: Body, *names: str) -> None:
    for name in names:
        assert MONEY.fullmatch(str(body.get(name))), f"{name} in {body}"


def _no_fraction(text: str) -> None:
    raise AssertionError(f"{text} is no integer")


def checked_commitment(kind: LeafType, salt: bytes, body: bytes) -> bytes:
    """Commit to a body; one that a journey stages is held against the specification first."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == staging.__file__ and frame.f_back is not None:
        frame = frame.f_back
    if "/counterfoil/journeys/" in frame.f_code.co_filename:
        check_body(kind, body)
    return commitment(kind, salt, body)
