"""Both languages of the portal are complete: nothing is missing, left over, or filled otherwise."""

import re
import string
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.bureau.inquiry import State as InquiryState
from counterfoil.consents.state import EventKind
from counterfoil.consents.state import Status as ConsentStatus
from counterfoil.contracts.change import Change
from counterfoil.contracts.contract import State as ContractState
from counterfoil.customers.call_back import About, Slot
from counterfoil.customers.lesson_store import Lesson
from counterfoil.customers.setting import Channel, Setting, StatementForm
from counterfoil.decisioning.application import Status as ApplicationStatus
from counterfoil.decisioning.line_review.appeal import AppealStatus
from counterfoil.decisioning.line_review.measure import Kind as MeasureKind
from counterfoil.decisioning.line_review.measure import Status as MeasureStatus
from counterfoil.decisioning.wishes import Choice
from counterfoil.evidence.leaf import LeafType
from counterfoil.hosts.link import LinkState
from counterfoil.journeys.contracting.agreement_changes import Standing, Way
from counterfoil.kernel import ids
from counterfoil.kernel.language import Language
from counterfoil.lending.settlement import SettlementState
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.platform.web.i18n import load_catalogues
from counterfoil.portal.frame import THEMES
from counterfoil.portal.pages.draw import PURPOSES
from counterfoil.privacy.rights import Right, RightsState

SOURCE = Path(__file__).parents[2] / "src" / "counterfoil"
CATALOGUES = load_catalogues(
    [
        resources.files("counterfoil.platform.web").joinpath("locale"),
        resources.files("counterfoil.portal").joinpath("locale"),
    ]
)

#: Families of codes that can be stored or shown: every code has its word.
FAMILIES = {
    "transfer": [f"hint_{kind}" for kind in (ids.LINE, ids.LOAN)],
    "application_status": [one.value for one in ApplicationStatus],
    "application_text": ["asked", *(one.value for one in ApplicationStatus)],
    "appeal_status": [one.value for one in AppealStatus],
    "call_about": [one.value for one in About],
    "call_slot": [one.value for one in Slot],
    "change_standing": [one.value for one in Standing],
    "change_value": [one.value for one in Change],
    "change_way": [one.value for one in Way],
    "choice": [one.value for one in Choice],
    "choice_text": [one.value for one in Choice],
    "consent_event": [one.value for one in EventKind],
    "consent_status": [one.value for one in ConsentStatus],
    "contract_status": [one.value for one in ContractState],
    "household_state": ["ended", "together", "waiting"],
    "loan_order": ["as_named", "legal"],
    "host_link": [one.value for one in LinkState],
    "inquiry_status": [one.value for one in InquiryState],
    "instalment": ["planned", "due", "settled", "late"],
    "language_short": ["en", "zh-CN"],
    "language_title": ["en", "zh-CN"],
    "lesson": [one.value for one in Lesson],
    "starter": [f"lesson_{one.value}" for one in Lesson],
    "leaf_status": ["witnessed", "pending"],
    "leaf_type": [one.name.lower() for one in LeafType],
    "line_blocked": ["frozen", "suspended", "closed", "expired"],
    "loan_status": ["open", "pending", "closed", "cancelled"],
    "purchase_state": ["waiting", "paid", "over"],
    "me_link": [
        *("calls", "consents", "record"),
        "account",
        "addresses",
        "apply",
        "decisions",
        "contracts",
        "hosts",
        "household",
        "messages",
        "profile",
        "rights",
        "settings",
        "sign_ins",
        "statements",
    ],
    "me_note": [
        *("calls", "consents", "record"),
        "account",
        "addresses",
        "apply",
        "decisions",
        "contracts",
        "hosts",
        "household",
        "messages",
        "profile",
        "rights",
        "settings",
        "sign_ins",
        "statements",
    ],
    "measure_kind": [one.value for one in MeasureKind],
    "measure_status": [one.value for one in MeasureStatus],
    "method": [one.value for one in Method],
    "message_status": ["queued", "sent", "delivered", "undeliverable", "withdrawn"],
    "settlement": [one.value for one in SettlementState],
    "address_hint": ["email", "letter"],
    "address_of": ["email", "letter"],
    "address_sent": ["email", "letter"],
    "nav": ["home", "loans", "consents", "record", "me", "calls"],
    "part": ["principal", "interest", "penalty", "fee", "excess"],
    "payout": ["created", "held", "sent", "unknown", "succeeded", "failed"],
    "prepayment": [one.value for one in Prepayment],
    "purpose": list(PURPOSES),
    "right": [one.value for one in Right],
    "rights_state": [one.value for one in RightsState],
    "setting": [one.value for one in Setting],
    "notice_channel": [one.value for one in Channel],
    "statement_form": [one.value for one in StatementForm],
    "language": [one.value for one in Language],
    "closed_line": ["yes", "no"],
    "theme": list(THEMES),
}
#: Families that fall back to the code where a newer release knows one more.
OPEN = {"act", "channel", "environment", "inquiry_purpose", "transaction", "unit", "refusal",
        "hosted", "error", "done"}  # fmt: skip


def _files() -> list[Path]:
    roots = [SOURCE / "portal", SOURCE / "platform" / "web"]
    return [path for root in roots for end in ("html", "py") for path in root.rglob(f"*.{end}")]


def _quoted() -> set[str]:
    """Return every dotted key that stands in a template or a module."""
    found = set[str]()
    for path in _files():
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""["']([a-z_]+\.[a-z0-9_.]+)["']""", text))
    return found


def _called() -> set[str]:
    """Return the keys that are asked for by name."""
    found = set[str]()
    for path in _files():
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""\bt\(\s*["']([a-z0-9_.]+)["']""", text))
    return found


def _forms(keys: set[str]) -> set[str]:
    return {key.removesuffix(".one").removesuffix(".other") for key in keys}


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_no_message_is_missing(language: str) -> None:
    there = set(CATALOGUES[language].messages)
    wanted = _called() | {f"{family}.{code}" for family in FAMILIES for code in FAMILIES[family]}
    assert wanted - there - _forms(there) == set()


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_no_message_is_left_over(language: str) -> None:
    used = _quoted() | {f"{family}.{code}" for family in FAMILIES for code in FAMILIES[family]}
    shared = set(
        load_catalogues([resources.files("counterfoil.platform.web").joinpath("locale")])[
            language
        ].messages
    )
    own = set(CATALOGUES[language].messages) - shared
    left = {key for key in own if not ({key} | _forms({key})) & used}
    assert {key for key in left if key.partition(".")[0] not in OPEN} == set()


def test_both_languages_have_the_same_messages_and_the_same_places() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = CATALOGUES["en"].messages, CATALOGUES["zh-CN"].messages
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert places(text) == places(chinese[key]), key


def test_chinese_text_has_chinese_punctuation_and_stands_in_the_catalogue_alone() -> None:
    for key, text in CATALOGUES["zh-CN"].messages.items():
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]", text), key
        assert not re.search(r"[\u4e00-\u9fff]\.(?:\s|$)", text), key
    for path in (SOURCE / "portal").rglob("*.*"):
        if path.suffix in (".py", ".html"):
            assert not re.search(r"[\u4e00-\u9fff]", path.read_text(encoding="utf-8")), path
