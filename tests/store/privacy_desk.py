"""A house with a few persons in its vault, and the staff that the tests of privacy act as."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counterfoil.journeys.approve import ask_approval, decide_approval
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, Value
from counterfoil.platform.settings import Settings
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.person_store import PersonRecord

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WANG = PersonRecord(
    customer_id=1, name="王小明", id_number="11010519491231002X", phone="+8613800131234"
)
LI = PersonRecord(
    customer_id=2, name="李雷", id_number="440524198001010013", phone="+8613900131234"
)


def staff(role: str, name: str | None = None) -> Actor:
    return Actor(name=name or f"{role}.one", role=role, source="test 127.0.0.1")


OFFICER = staff("compliance", "officer.a")
SECOND = staff("compliance", "officer.b")
ADMIN = staff("administrator", "admin.a")
CLERK = staff("operations", "clerk.a")


@asynccontextmanager
async def a_house(url: str, home: Path, **settings: Any) -> AsyncIterator[House]:
    made = Settings(home=home, database_connections=4, **settings)
    async with open_house(made, url, clock=TestClock(START)) as house:
        yield house


async def keep(house: House, *people: PersonRecord) -> None:
    sealed = await persons.seal_persons(house.vault, people)
    async with house.database.transaction() as connection:
        await persons.store_persons(connection, sealed, at=house.clock.now())


async def approve(
    house: House,
    kind: str,
    payload: dict[str, Value],
    *,
    by: Actor = OFFICER,
    second: Actor = SECOND,
) -> Approval:
    """Ask for and give an approval."""
    asked = await ask_approval(house, by, kind, payload, summary="for a test", reason="needed")
    assert isinstance(asked, Approval), asked
    given = await decide_approval(
        house, second, asked.approval_id, is_approved=True, reason="looked at it"
    )
    assert isinstance(given, Approval), given
    return given


async def rows(house: House, query: str, *values: object) -> list[Any]:
    async with house.database.connection() as connection:
        found: list[Any] = await connection.fetch(query, *values)
        return found


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code
