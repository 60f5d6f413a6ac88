"""A customer of the seeded lender at the portal, asked in process over the whole application."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.console.conftest import ORIGIN, console_home, hidden_fields, house, seeded_server
from tests.reading_watch import alone

from counterfoil.journeys.house import House
from counterfoil.lending import store
from counterfoil.platform.access_matrix import reading
from counterfoil.portal.app import create_portal
from counterfoil.privacy.person_store import read_identity

__all__ = ["console_home", "house", "seeded_server"]


@dataclass(slots=True)
class Person:
    """Somebody with a phone: follows links, fills forms, keeps the cookies."""

    client: httpx.AsyncClient
    house: House
    #: The customer whose pages these are, and the identity number to sign in with.
    customer_id: int = 0
    number: str = ""

    async def get(self, path: str, *, language: str = "en") -> httpx.Response:
        return await self.client.get(path, headers={"accept-language": language})

    async def post(
        self, path: str, fields: dict[str, str], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        given = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "accept-language": "en"}
        return await self.client.post(path, data=fields, headers=given | (headers or {}))

    async def submit(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the form of a page that posts to `action`, with its hidden fields."""
        return await self.post(action, {**hidden_fields(page.text, action), **fields})

    async def ask_code(self, number: str) -> httpx.Response:
        page = await self.get("/portal/sign-in")
        return await self.submit(page, "/portal/sign-in", number=number)

    async def sign_in(self, number: str) -> httpx.Response:
        asked = await self.ask_code(number)
        return await self.submit(asked, "/portal/sign-in", code=code_in(asked.text))


def code_in(text: str) -> str:
    """Return the code that the sandbox shows on a page."""
    found = re.search(r'<strong class="code">(\d{6})<', text)
    assert found, "the page shows no code"
    return found[1]


async def borrower_of(house: House) -> tuple[int, str]:
    """Return a customer with a running loan and a line to draw on, and the identity number."""
    async with house.database.connection() as connection:
        lines = await store.read_lines_after(connection, status="active", page=100)
        loans = await store.read_loans_after(connection, status="open", page=200)
        owing = {loan.line_id for loan in loans}
        found = max(
            (one for one in lines if one.line_id in owing and one.product_code == "cash-line-open"),
            key=lambda one: one.limit_minor - one.principal_minor,
        )
        person = await read_identity(
            connection, house.vault, found.customer_id, reading("person_export")
        )
    assert person is not None
    return found.customer_id, person["id_number"]


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Person]:
    """Somebody who has not signed in."""
    site = Starlette(routes=[Mount("/portal", app=create_portal(house))])
    transport = httpx.ASGITransport(app=alone(site))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Person(client, house)


@pytest.fixture
async def person(stranger: Person) -> Person:
    """A customer who has signed in."""
    stranger.customer_id, stranger.number = await borrower_of(stranger.house)
    assert (await stranger.sign_in(stranger.number)).status_code == 303
    return stranger
