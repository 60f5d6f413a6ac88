"""A second jurisdiction: another format, another transport, the same journey."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.store.bureau_desk import BUREAU, LENDER, Desk, open_desk

from counterfoil.bureau.inquiry import State
from counterfoil.bureau.occasion import Occasion
from counterfoil.bureau.question import (
    Answer,
    Answered,
    Declined,
    Fault,
    NoAnswer,
    Question,
    Reading,
    Unfit,
)
from counterfoil.journeys.inquiring.inquire import resolve_open
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained
from counterfoil.kernel.errors import Refused

#: Permissible purposes of the other country, by our occasions; it takes no other question.
PURPOSES = {"first_application": "credit_transaction"}


@dataclass
class Terminal:
    """Another country's bureau: fixed-width records over a line, scores and lines of trade.

    No JWS, no certificate, no HPKE: a session that was opened by password, as such bureaus have.
    """

    files: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)
    is_away: bool = False

    def send(self, record: str) -> str:
        if self.is_away:
            return ""
        reference, subject, purpose = (
            record[:32].strip(),
            record[32:50].strip(),
            record[50:].strip(),
        )
        if purpose != "credit_transaction":
            return f"{reference:<32}NO permissible_purpose"
        lines = self.files.get(subject, [])
        trades = "".join(f"TR{kind:<4}{limit:>9}{balance:>9}" for kind, limit, balance in lines)
        return f"{reference:<32}OK{subject:<18}{trades}"


@dataclass
class ElsewhereBureau:
    """The adapter: our questions become records, records become facts."""

    terminal: Terminal
    bureau: str = BUREAU
    issuer: str = LENDER
    witness: str | None = None
    calls_at_once: int = 1

    def reason_code(self, occasion: Occasion) -> str | None:
        return PURPOSES.get(occasion.code)

    async def tell_withdrawn(self, records: Sequence[str]) -> bool:
        return not records

    async def ask(self, question: Question) -> Answer:
        record = f"{question.jti:<32}{question.subject.id_number:<18}{question.reason_code}"
        reply = self.terminal.send(record)
        if not reply:
            return NoAnswer("line down")
        if reply[32:34] == "NO":
            return Declined(reply[35:])
        # The other side numbers nothing: the digest of its reply is the reference.
        return Answered(hashlib.sha256(reply.encode()).hexdigest()[:16], reply.encode())

    def check(self, sealed: bytes, question: Question) -> Unfit | None:
        subject = sealed[34:52].decode().strip()
        if subject != question.subject.id_number:
            return Unfit(Fault.ANOTHER_PERSON, "subject differs")
        return None

    def read(self, sealed: bytes, jti: str, wanted: Collection[str]) -> Reading | Unfit:
        text = sealed.decode()
        if text[:32].strip() != jti:
            return Unfit(Fault.MALFORMED, "another reference")
        trades = [text[i : i + 24] for i in range(52, len(text), 24)]
        facts = {
            "credit_elsewhere_minor": sum(int(trade[6:15]) * 100 for trade in trades),
            "balance_elsewhere_minor": sum(int(trade[15:24]) * 100 for trade in trades),
        }
        known = {name: value for name, value in facts.items() if name in wanted}
        marks = frozenset({"thin_file"} if not trades else set[str]())
        return Reading(facts=known, marks=marks)


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_the_journey_runs_with_another_countrys_bureau(desk: Desk) -> None:
    terminal = Terminal()
    desk.house = replace(desk.house, bureau=ElsewhereBureau(terminal))
    customer_id = await desk.person()
    consent = await desk.consent(customer_id)
    [number] = desk.bureau.plan.by_person
    terminal.files[number] = [("CARD", 5_000, 1_200), ("AUTO", 20_000, 8_000)]
    terminal.is_away = True
    refused = await desk.ask(consent)
    assert isinstance(refused, Refused)
    assert refused.code == "inquiry_open"
    terminal.is_away = False
    resolved = await resolve_open(desk.house, asked_before=desk.wall.seconds)
    assert resolved.answered == 1
    answer = await desk.ask(consent)
    assert isinstance(answer, Obtained)
    assert answer.is_reuse
    assert answer.facts == {
        "credit_elsewhere_minor": 2_500_000,
        "balance_elsewhere_minor": 920_000,
    }
    [inquiry] = await desk.inquiries(customer_id)
    assert (inquiry.state, inquiry.reason_code) == (State.ANSWERED, "credit_transaction")


async def test_a_question_that_the_other_bureau_does_not_take_is_not_asked(desk: Desk) -> None:
    desk.house = replace(desk.house, bureau=ElsewhereBureau(Terminal()))
    consent = await desk.consent(await desk.person(), code="inquiry-limit-increase")
    refused = await desk.ask(consent, occasion="limit_increase")
    assert isinstance(refused, Refused)
    assert refused.code == "occasion_unknown"
    assert await desk.inquiries(consent.customer_id) == []
