"""Signing: what was shown, read and confirmed, by whom, and with which code."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from tests.contract_templates import shipped

from counterfoil.contracts.contract import (
    Act,
    Contract,
    Part,
    Present,
    Showing,
    refuse_opening,
    refuse_order,
    refuse_signature,
    signed,
)
from counterfoil.contracts.one_time_code import (
    ATTEMPTS_MAX,
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.contracts.template import Authentication
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ON = date(2026, 3, 2)
TEMPLATE = shipped("credit-agreement").template
ZH, EN, SHEET = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
LEAST = 5
KEY = bytes(32)

CONTRACT = Contract(
    customer_id=7,
    contract_id=8,
    application_id=9,
    product_code="cash-line-open",
    product_version=1,
    lender_id="lender-one",
    template_code=TEMPLATE.code,
    template_version=TEMPLATE.version,
    currency="CNY",
    limit_minor=1_000_000,
    rate_daily_e8=35_000,
    state="prepared",
    prepared_on=ON,
    valid_until=ON + timedelta(days=30),
    sha256_zh=ZH,
    sha256_en=EN,
    cost_sheet_sha256=SHEET,
    prepared_at=NOW,
)
ACT = Act(Language.CHINESE, ZH, SHEET, Authentication.SUBSTANTIAL, "api:shop")
PRESENT = Present(TEMPLATE, offer_holds=True, on=ON, now=NOW)


def shown(seconds: int, language: str = "zh", *parts: Part) -> list[Showing]:
    at = NOW - timedelta(seconds=seconds)
    return [Showing(part.value, language, at) for part in parts or tuple(Part)]


def code_of(refused: Refused | None) -> str:
    return "ok" if refused is None else refused.code


@pytest.mark.parametrize(
    ("contract", "act", "showings", "present", "code"),
    [
        ({}, {}, shown(5), {}, "ok"),
        ({}, {}, shown(4), {}, "reading_too_short"),
        ({}, {}, shown(9, "en"), {}, "cost_sheet_not_shown"),
        ({}, {}, shown(9, "zh", Part.AGREEMENT), {}, "cost_sheet_not_shown"),
        ({}, {}, shown(9, "zh", Part.COST_SHEET), {}, "contract_not_shown"),
        ({}, {"document_sha256": EN}, shown(9), {}, "document_hash_mismatch"),
        ({}, {"language": Language.ENGLISH}, shown(9, "en"), {}, "document_hash_mismatch"),
        ({}, {"cost_sheet_sha256": ZH}, shown(9), {}, "cost_sheet_hash_mismatch"),
        ({}, {"authentication": Authentication.LOW}, shown(9), {}, "authentication_too_low"),
        ({"state": "signed"}, {}, shown(9), {}, "contract_already_signed"),
        ({"state": "superseded"}, {}, shown(9), {}, "contract_superseded"),
        ({"state": "declined"}, {}, shown(9), {}, "contract_superseded"),
        ({"template_version": 2}, {}, shown(9), {}, "contract_superseded"),
        ({}, {}, shown(9), {"template": None}, "contract_superseded"),
        ({}, {}, shown(9), {"offer_holds": False}, "contract_superseded"),
        ({}, {}, shown(9), {"on": CONTRACT.valid_until}, "ok"),
        ({}, {}, shown(9), {"on": CONTRACT.valid_until + timedelta(days=1)}, "contract_expired"),
    ],
)
def test_only_what_was_shown_and_still_holds_is_signed(
    contract: dict[str, object],
    act: dict[str, object],
    showings: list[Showing],
    present: dict[str, object],
    code: str,
) -> None:
    refused = refuse_signature(
        replace(CONTRACT, **contract),  # type: ignore[arg-type]
        ACT._replace(**act),  # type: ignore[arg-type]
        showings,
        PRESENT._replace(**present),  # type: ignore[arg-type]
        least_seconds=LEAST,
    )
    assert code_of(refused) == code


def test_the_wait_that_is_left_is_named() -> None:
    refused = refuse_signature(CONTRACT, ACT, shown(2), PRESENT, least_seconds=LEAST)
    assert refused is not None
    assert refused.detail["wait_seconds"] == 3


def test_the_sheet_is_shown_before_the_agreement() -> None:
    assert code_of(refuse_order(Part.AGREEMENT, Language.CHINESE, [])) == "cost_sheet_not_shown"
    assert refuse_order(Part.COST_SHEET, Language.CHINESE, []) is None
    seen = shown(0, "zh", Part.COST_SHEET)
    assert refuse_order(Part.AGREEMENT, Language.CHINESE, seen) is None
    assert code_of(refuse_order(Part.AGREEMENT, Language.ENGLISH, seen)) == "cost_sheet_not_shown"
    assert refuse_opening(CONTRACT, PRESENT) is None


def test_a_signature_leaves_evidence_without_names() -> None:
    done = signed(CONTRACT, ACT, shown(7), at=NOW, pdf_due=True)
    assert (done.state, done.signed_language, done.pdf_due) == ("signed", "zh", True)
    assert done.signed_sha256 == ZH
    assert done.evidence is not None
    assert orjson.loads(done.evidence) == {
        "authentication_level": "substantial",
        "channel": "api:shop",
        "confirmed_by": "one_time_code",
        "cost_sheet_sha256": SHEET.hex(),
        "document_sha256": ZH.hex(),
        "language": "zh",
        "reading_ms": {"agreement": 7_000, "cost_sheet": 7_000},
        "shown_at": {"agreement": 1772441993, "cost_sheet": 1772441993},
        "signed_at": 1772442000,
    }


def stored(code: str, **changes: object) -> StoredCode:
    mac = mac_of(KEY, 7, 8, ZH, code)
    return StoredCode(7, 8, mac, NOW, NOW + VALID_FOR, 1)._replace(**changes)  # type: ignore[arg-type]


def test_a_code_confirms_one_text_of_one_contract_only() -> None:
    entered = mac_of(KEY, 7, 8, ZH, "123456")
    assert refuse_code(stored("123456"), entered, NOW) is None
    for other in (
        mac_of(KEY, 7, 8, ZH, "123457"),
        mac_of(KEY, 7, 8, EN, "123456"),
        mac_of(KEY, 7, 9, ZH, "123456"),
        mac_of(KEY, 8, 8, ZH, "123456"),
        mac_of(bytes([1]) * 32, 7, 8, ZH, "123456"),
    ):
        assert code_of(refuse_code(stored("123456"), other, NOW)) == "one_time_code_wrong"


@pytest.mark.parametrize(
    ("changes", "late", "code"),
    [
        ({}, VALID_FOR, "ok"),
        ({}, VALID_FOR + timedelta(microseconds=1), "one_time_code_expired"),
        ({"used_at": NOW}, timedelta(), "one_time_code_expired"),
        ({"attempts": ATTEMPTS_MAX}, timedelta(), "ok"),
        ({"attempts": ATTEMPTS_MAX + 1}, timedelta(), "one_time_code_expired"),
    ],
)
def test_a_code_ends_by_time_use_and_attempts(
    changes: dict[str, object], late: timedelta, code: str
) -> None:
    entered = mac_of(KEY, 7, 8, ZH, "123456")
    assert code_of(refuse_code(stored("123456", **changes), entered, NOW + late)) == code


def test_without_a_code_nothing_is_confirmed_and_attempts_are_told() -> None:
    assert code_of(refuse_code(None, bytes(32), NOW)) == "one_time_code_expired"
    refused = refuse_code(stored("123456", attempts=2), bytes(32), NOW)
    assert refused is not None
    assert refused.detail["attempts_left"] == ATTEMPTS_MAX - 2


def test_codes_are_six_digits() -> None:
    assert all(len(code) == 6 and code.isdigit() for code in (new_code() for _ in range(200)))
