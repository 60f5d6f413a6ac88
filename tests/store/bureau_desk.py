"""A house that is a member of the reference bureau, its log running, time that a test can move."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulator.in_process import InProcess
from tests.store import consent_desk, log_desk
from tests.store.applicants import PERSONS

from counterfoil.bureau import store
from counterfoil.bureau.fields import FACTS
from counterfoil.bureau.http_bureau import HttpBureau
from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.jose import KeyFileSigner
from counterfoil.bureau.membership import certificate_sha256
from counterfoil.consents.consent import Consent
from counterfoil.evidence.staging import Leaves
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquire import Wish, inquire
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained
from counterfoil.journeys.proving.publish_log import Integrating, Publishing
from counterfoil.kernel.errors import Refused
from counterfoil.simulator.bureau.books import Books, KnownPerson
from counterfoil.simulator.bureau.bureau import Bureau
from counterfoil.simulator.bureau.faults import Fault
from counterfoil.simulator.bureau.member import enrol, make_home, members_of

LENDER, BUREAU, ORGANISATION = "lender.example", "bureau.example", "X000EXAMPLE001"
OCCASION = "first_application"
#: Rows of the data set behind the persons of the tests.
CLIENTS = (26, 27, 28, 29, 30, 31)


class ShiftedClock:
    """The real clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0

    @property
    def seconds(self) -> int:
        return int(time.time()) + self.ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def milliseconds(self) -> int:
        return self.seconds * 1_000


@dataclass
class Desk:
    """Words for what is asked of a bureau."""

    house: House
    consents: consent_desk.Desk
    bureau: Bureau
    wall: ShiftedClock
    log: log_desk.LogDesk
    #: While it is clear nothing is numbered, signed or witnessed.
    log_runs: asyncio.Event
    #: Held by the log while it is at work.
    log_works: asyncio.Lock
    #: The way to the bureau.
    way: InProcess

    async def person(self, fault: Fault = Fault.NONE) -> int:
        """Register the next person, whom the bureau knows."""
        number = self.consents.persons
        customer_id = await self.consents.register()
        person = PERSONS[number]
        self.bureau.books.add_people(
            [
                KnownPerson(
                    id_number=person.id_number, name=person.name, client_number=CLIENTS[number]
                )
            ]
        )
        self.bureau.plan.by_person[person.id_number] = fault
        return customer_id

    async def consent(self, customer_id: int, **changes: Any) -> Consent:
        return await self.consents.give(customer_id, **changes)

    async def ask(
        self, consent: Consent, *, occasion: str = OCCASION, **changes: Any
    ) -> Obtained | Refused:
        wish = Wish(
            customer_id=consent.customer_id, occasion=occasion, consent_id=consent.consent_id
        )
        return await inquire(self.house, replace(wish, **changes), wanted=FACTS)

    async def inquiries(self, customer_id: int) -> list[Inquiry]:
        async with self.house.database.connection() as connection:
            return await store.inquiries_of_customer(connection, customer_id, page=100)

    async def until_intent(self, customer_id: int) -> Inquiry:
        """Wait until an intent is written."""
        while True:
            found = await self.inquiries(customer_id)
            if found:
                return found[0]
            await asyncio.sleep(0.01)

    async def halt_log(self) -> None:
        """Let the log come to rest: what a test alters next is nobody's business any more."""
        self.log_runs.clear()
        async with self.log_works:
            pass

    async def rows(self, query: str, *args: object) -> list[Any]:
        async with self.house.database.connection() as connection:
            return await connection.fetch(query, *args)

    async def run(self, *statements: str) -> None:
        async with self.house.database.transaction() as connection:
            for statement in statements:
                await connection.execute(statement)

    @property
    def listed(self) -> Sequence[dict[str, Any]]:
        """What the bureau has on its own list."""
        return self.bureau.books.inquiries_of_member(LENDER)


@asynccontextmanager
async def open_desk(url: str, home: Path) -> AsyncIterator[Desk]:
    async with log_desk.log_opened(url, home) as log:
        wall = ShiftedClock()
        house = replace(log.house, leaves=Leaves(wall))
        bureau, port, way = reference_bureau(home, log.policy, wall)
        house = replace(house, bureau=port)
        runs = asyncio.Event()
        runs.set()
        works = asyncio.Lock()
        keeper = asyncio.create_task(_keep(house, log, runs, works))
        consents: Any = consent_desk.Desk(house, wall)  # type: ignore[arg-type]
        try:
            yield Desk(house, consents, bureau, wall, log, runs, works, way)
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            bureau.books.close()


def reference_bureau(
    home: Path, policy: str, wall: ShiftedClock
) -> tuple[Bureau, HttpBureau, InProcess]:
    directory, now = home / "bureau", datetime.now(UTC)
    make_home(directory, bureau=BUREAU, now=now)
    membership = enrol(
        directory,
        home / "membership",
        issuer=LENDER,
        organisation=ORGANISATION,
        url="https://localhost",
        policy=policy,
        own_witness="bureau",
        now=now,
    )
    bureau = Bureau(bureau=BUREAU, books=Books(":memory:"), members=members_of(directory))
    transport = InProcess(
        bureau, certificate_sha256(membership.certificate), now=lambda: wall.seconds
    )
    signer = KeyFileSigner(membership.signing_key)
    return bureau, HttpBureau(membership, signer, transport=transport), transport


async def _keep(
    house: House, log: log_desk.LogDesk, runs: asyncio.Event, works: asyncio.Lock
) -> None:
    """Run the log as the background jobs do."""
    integrating = Integrating(house)
    async with log.desk() as desk:
        publishing = Publishing(house, desk)
        try:
            while True:
                await runs.wait()
                async with works:
                    await integrating.step()
                    await publishing.step()
                await asyncio.sleep(0.01)
        finally:
            await publishing.close()
            await integrating.close()


def got(answer: Obtained | Refused) -> Obtained:
    """Return what an inquiry got, which it did."""
    assert isinstance(answer, Obtained), answer
    return answer


def code(answer: Obtained | Refused) -> str:
    """Return by which code an inquiry was refused."""
    assert isinstance(answer, Refused), answer
    return answer.code


async def state(desk: Desk, customer_id: int) -> tuple[State, str | None]:
    """Return where a customer's latest inquiry stands, and how it ended."""
    inquiry, *_ = await desk.inquiries(customer_id)
    return inquiry.state, inquiry.outcome_code


async def kept(desk: Desk, customer_id: int) -> list[str]:
    """Return what was wrong with the answers that were kept aside."""
    rows = await desk.rows(
        "SELECT fault FROM bureau.answer_kept WHERE customer_id = $1 ORDER BY answer_id",
        customer_id,
    )
    return [row["fault"] for row in rows]
