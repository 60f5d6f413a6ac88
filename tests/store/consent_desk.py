"""Consents for tests: persons who registered, a clock that can be set, and decisions to keep."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from tests.store.applicants import PERSONS

from counterfoil.consents import store
from counterfoil.consents.consent import Consent, UsedConsent
from counterfoil.consents.giving import Choice, Wish, day_of
from counterfoil.consents.notice import Level
from counterfoil.consents.record import Authentication, Display
from counterfoil.evidence.staging import Leaves
from counterfoil.journeys.applying import register
from counterfoil.journeys.applying.register import ApplicantView
from counterfoil.journeys.consenting import consent as journey
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings

ORIGINATION = "inquiry-origination"
PURPOSE = "inquiry_origination"
BUREAU = "bureau.example"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
_numbers = itertools.count(1)


class WallClock:
    """A real clock as it may be: it can be set forward and back."""

    def __init__(self, start: datetime) -> None:
        self.seconds = int(start.timestamp())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def milliseconds(self) -> int:
        return self.seconds * 1_000


@dataclass
class Desk:
    """Gives consents for one person after the other."""

    house: House
    wall: WallClock
    persons: int = 0

    async def register(self) -> int:
        person = PERSONS[self.persons]
        self.persons += 1
        answered = await register.register_applicant(
            self.house,
            name=person.name,
            id_number=person.id_number,
            phone=person.phone,
            idempotency_key=f"register-{self.persons}",
        )
        assert isinstance(answered, ApplicantView), answered
        return answered.customer_id

    def wish(self, customer_id: int, code: str = ORIGINATION, **changes: Any) -> Wish:
        """Return a decision that can be kept."""
        display = self.display(code, **changes.pop("display", {}))
        notice = self.house.notices.current(code, day_of(self.wall.seconds))
        assert notice is not None
        wish = Wish(
            customer_id=customer_id,
            notice_code=code,
            notice_version=notice.version,
            choice=Choice.GIVEN,
            is_preselected=False,
            display=display,
            authentication=self.authentication(),
        )
        return replace(wish, **changes)

    def display(self, code: str, **changes: Any) -> Display:
        language = changes.get("language", "zh")
        notice = self.house.notices.current(code, day_of(self.wall.seconds))
        assert notice is not None
        text = notice.texts.get(language, notice.texts["zh"])
        shown = Display(
            language=language,
            text_sha256=text.sha256,
            screen_sha256=sha256(f"screen {next(_numbers)}".encode()).digest(),
            dwell_ms=8_000,
        )
        return replace(shown, **changes)

    def authentication(self, **changes: Any) -> Authentication:
        proof = Authentication(
            method="one_time_code",
            level=Level.SUBSTANTIAL,
            at=self.wall.seconds - 60,
            evidence_sha256=bytes(32),
        )
        return replace(proof, **changes)

    async def ask(self, wish: Wish, *, key: str | None = None) -> Answer | Refused:
        return await journey.give(self.house, wish, idempotency_key=key or f"give-{next(_numbers)}")

    async def give(self, customer_id: int, code: str = ORIGINATION, **changes: Any) -> Consent:
        """Give a consent that has to be kept."""
        outcome = await self.ask(self.wish(customer_id, code, **changes))
        assert isinstance(outcome, Answer), outcome
        number = ids.from_text(ids.CONSENT, orjson.loads(outcome.text)["consent_id"])
        return await self.stored(customer_id, number)

    async def stored(self, customer_id: int, consent_id: int) -> Consent:
        async with self.house.database.connection() as connection:
            found = await store.read_consent(
                connection, customer_id=customer_id, consent_id=consent_id
            )
        assert found is not None
        return found

    async def use(self, consent: Consent, **changes: Any) -> UsedConsent | Refused:
        """Use a consent in a transaction of its own."""
        wanted = {
            "customer_id": consent.customer_id,
            "consent_id": consent.consent_id,
            "purpose": consent.purpose,
            "recipient": consent.recipient,
            "by": "test",
            **changes,
        }
        async with self.house.database.transaction() as connection:
            return await journey.use_consent(self.house, connection, **wanted)

    async def withdraw(self, consent: Consent, *, key: str | None = None) -> Answer | Refused:
        return await journey.withdraw(
            self.house,
            customer_id=consent.customer_id,
            consent_id=consent.consent_id,
            channel="portal",
            idempotency_key=key or f"withdraw-{next(_numbers)}",
        )


@asynccontextmanager
async def open_desk(url: str, home: Path) -> AsyncIterator[Desk]:
    """Open a house with a desk; evidence is dated by a clock that the test sets."""
    wall = WallClock(START)
    async with open_house(
        Settings(home=home), url, clock=TestClock(START), first_date=date(2026, 3, 2)
    ) as house:
        yield Desk(replace(house, leaves=Leaves(wall)), wall)


async def rows(desk: Desk, query: str, *values: object) -> list[Any]:
    async with desk.house.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *values)]


async def events(desk: Desk, consent_id: int) -> list[str]:
    found = await rows(
        desk,
        "SELECT kind FROM consents.consent_event WHERE consent_id = $1 ORDER BY event_no",
        consent_id,
    )
    return [row["kind"] for row in found]


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code
