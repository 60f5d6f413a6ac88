"""A house that takes applications, and one person who applies in it step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from tests.store.applicants import CLEAN

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying import register as registering
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.applying.enrol import NewApplicant
from counterfoil.journeys.applying.register import ApplicantView
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings
from counterfoil.simulator.people import invent

TODAY = date(2026, 1, 5)
NAME, ID_NUMBER, PHONE = "王小明", "119900199003077876", "13800138000"
PRODUCT = "cash-line-open"


@asynccontextmanager
async def open_counter(url: str, home: Path) -> AsyncIterator[House]:
    """Open a house whose clock stands still on the morning of its first day."""
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    async with open_house(Settings(home=home), url, clock=clock, first_date=TODAY) as opened:
        yield opened


async def register(house: House, key: str = "r1", **changes: str) -> ApplicantView | Refused:
    particulars = {"name": NAME, "id_number": ID_NUMBER, "phone": PHONE} | changes
    return await registering.register_applicant(
        house,
        name=particulars["name"],
        id_number=particulars["id_number"],
        phone=particulars["phone"],
        idempotency_key=key,
    )


async def registered(house: House) -> int:
    applicant = await register(house)
    assert isinstance(applicant, ApplicantView), applicant
    return applicant.customer_id


async def submit(
    house: House,
    customer_id: int,
    key: str = "a1",
    *,
    requested_minor: int | None = None,
    purpose: str = "travel",
    product_code: str = PRODUCT,
    **facts: int | bool | str | None,
) -> ApplicationView | Refused:
    return await apply.submit_application(
        house,
        customer_id=customer_id,
        product_code=product_code,
        requested_minor=requested_minor,
        purpose=purpose,
        facts=CLEAN | facts,
        idempotency_key=key,
    )


async def submitted(house: House, **facts: int | bool | str | None) -> ApplicationView:
    view = await submit(house, await registered(house), **facts)  # type: ignore[arg-type]
    assert isinstance(view, ApplicationView), view
    return view


async def accept(
    house: House, view: ApplicationView, key: str = "o1", *, day: int = 15
) -> Answer | Refused:
    """Sign the agreement where there is an offer, then take it."""
    await sign_for_sandbox(house, [(view.customer_id, view.application_id)])
    return await apply.accept_offer(
        house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        repayment_day=day,
        idempotency_key=key,
    )


async def stored(house: House, view: ApplicationView) -> Application:
    async with house.database.connection() as connection:
        application = await decisions.read_application(
            connection, customer_id=view.customer_id, application_id=view.application_id
        )
    assert application is not None
    return application


async def count(house: House, table: str) -> int:
    async with house.database.connection() as connection:
        number: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return number


def code_of(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


def applicants(number: int) -> list[NewApplicant]:
    """Invent persons who apply at once."""
    return [
        NewApplicant(
            name=item.name,
            id_number=item.id_number,
            phone=item.phone,
            purpose=item.purpose,
            facts=item.facts,
        )
        for item in invent(number, seed=11, on=TODAY)
    ]
