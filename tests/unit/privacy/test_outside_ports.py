"""Nothing personal leaves to an outside party without an approved assessment: every way out."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import counterfoil
from counterfoil.journeys.guarding.assessed import AssessedDebits, AssessedRail
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import NoAnswer, NotSeen
from counterfoil.privacy.assessment import Processing
from counterfoil.privacy.refusals import ASSESSMENT_NEEDED

DAY = date(2026, 3, 2)
SOURCE = Path(counterfoil.__file__).parent
#: Ways out that something of persons takes → where the assessment is asked for, and in which words.
GATED = {
    "bureau/http_bureau.py": ("journeys/inquiring/inquire.py", "house.assessed.refuse("),
    "capacity/http_statements.py": (
        "journeys/affording/fetch_statements.py",
        "house.assessed.refuse(*STATEMENTS)",
    ),
    "customers/http_messages.py": ("journeys/house.py", "AssessedCarrier(carrier, assessed)"),
    "payments/account_tokens.py": ("journeys/house.py", "AssessedTokens(tokens, assessed)"),
    "payments/http_rail.py": ("cli/site.py", "AssessedRail(called, house.assessed"),
    "payments/http_debits.py": ("cli/site.py", "AssessedDebits(bank, house.assessed"),
    "hosts/http_hooks.py": ("journeys/hosting/tell_hosts.py", "house.assessed.refuse(*about)"),
}
#: Ways out that nothing of persons takes, and why.
IMPERSONAL = {
    "platform/http_service.py": "what the adapters are made of",
    "payments/http_bank.py": "what rails and banks that collect have in common",
    "evidence/mirror.py": "reads a public log",
    "evidence/witness_client.py": "checkpoints: sizes and hashes",
    "journeys/proving/publish_log.py": "checkpoints for witnesses",
    "privacy/transit_key.py": "wrapped keys, which open nothing by themselves",
    "cli/log.py": "reads a public log",
}
_WAY_OUT = re.compile(
    r"httpx\.(?:Async)?Client\b|\(HttpService\)|\(HttpBank\)|HttpService\(|^import httpx|smtplib",
    re.MULTILINE,
)
_NOT_THE_HOUSE = ("simulator/",)


def ways_out() -> set[str]:
    return {
        place
        for path in SOURCE.rglob("*.py")
        if not (place := path.relative_to(SOURCE).as_posix()).startswith(_NOT_THE_HOUSE)
        and _WAY_OUT.search(path.read_text("utf-8"))
    }


def test_every_way_out_is_gated_or_carries_nothing_of_persons() -> None:
    assert ways_out() == {*GATED, *IMPERSONAL}


def test_every_gate_stands_where_it_is_said_to_stand() -> None:
    for way, (place, words) in GATED.items():
        assert words in (SOURCE / place).read_text("utf-8"), way


def test_nobody_makes_an_adapter_past_its_gate() -> None:
    """Rails, banks, carriers and makers of tokens are made at one place, which puts the gate on."""
    made = {
        name: {
            path.relative_to(SOURCE).as_posix()
            for path in SOURCE.rglob("*.py")
            if re.search(rf"(?<!class ){name}\(", path.read_text("utf-8"))
        }
        for name in ("HttpRail", "HttpDebits", "HttpCarrier", "HttpTokens", "HttpStatements")
    }
    assert made == {
        "HttpRail": {"cli/site.py"},
        "HttpDebits": {"cli/site.py"},
        "HttpCarrier": {"journeys/house.py"},
        "HttpTokens": {"journeys/house.py"},
        "HttpStatements": {"journeys/house.py"},
    }


class Assessments:
    """Says of everything that it was assessed, or that it was not."""

    def __init__(self, *, is_good: bool) -> None:
        self.is_good = is_good
        self.asked: list[tuple[Processing, str]] = []

    async def refuse(self, processing: Processing, subject: str) -> Refused | None:
        self.asked.append((processing, subject))
        if self.is_good:
            return None
        return refuse(ASSESSMENT_NEEDED, processing=processing.value, subject=subject)


class Counterpart:
    """A rail and a bank that collects, in one: keeps what it was asked."""

    contract = "agreed"

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def check_payee(self, _payee_ref: str, *, name: str) -> PayeeMatch:
        self.heard.append(name)
        return PayeeMatch.MATCHES

    async def pay_out(self, order: str, **_when: date) -> str:
        self.heard.append(order)
        return "paid"

    async def collect(self, order: str, **_when: date) -> str:
        self.heard.append(order)
        return "collected"

    async def ask(self, _reference: str) -> NotSeen:
        return NotSeen()

    async def statement(self, _business_date: date) -> None:
        return None


async def test_a_rail_is_told_names_and_accounts_once_that_was_assessed() -> None:
    other: Any = Counterpart()
    order: Any = "order"
    closed, open_ = Assessments(is_good=False), Assessments(is_good=True)
    held: Any = AssessedRail(other, closed, "fast")  # type: ignore[arg-type]
    let: Any = AssessedRail(other, open_, "fast")  # type: ignore[arg-type]
    assert await held.check_payee("acct-1", name="Wang") is PayeeMatch.NO_ANSWER
    assert await held.pay_out(order, requested_on=DAY) == NoAnswer("assessment_needed")
    assert other.heard == []
    assert set(closed.asked) == {(Processing.PROVIDING, "rail:fast")}
    # A number that tells nothing of anybody may be asked about, and the day's file be read.
    assert await held.ask("cf1") == NotSeen()
    assert await held.statement(DAY) is None
    assert held.contract == "agreed"
    assert await let.check_payee("acct-1", name="Wang") is PayeeMatch.MATCHES
    assert await let.pay_out(order, requested_on=DAY) == "paid"
    assert other.heard == ["Wang", "order"]


async def test_a_bank_is_told_whose_account_to_debit_once_that_was_assessed() -> None:
    other: Any = Counterpart()
    order: Any = "order"
    closed, open_ = Assessments(is_good=False), Assessments(is_good=True)
    held: Any = AssessedDebits(other, closed, "bank")  # type: ignore[arg-type]
    let: Any = AssessedDebits(other, open_, "bank")  # type: ignore[arg-type]
    assert await held.collect(order, requested_on=DAY) == NoAnswer("assessment_needed")
    assert await held.ask("cf1") == NotSeen()
    assert await held.statement(DAY) is None
    assert (held.contract, other.heard) == ("agreed", [])
    assert await let.collect(order, requested_on=DAY) == "collected"
