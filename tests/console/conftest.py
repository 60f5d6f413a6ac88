"""A seeded lender for the console: made once per run, cloned for each test.

The pages are asked in process, over the whole application with its policy and its checks.
"""

import asyncio
import fcntl
import itertools
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.conftest import COPIED, HOME_VARIABLE, TEMPLATE, _administer, _at
from tests.reading_watch import alone

from counterfoil.console.app import create_console
from counterfoil.journeys.guarding.show_persons import aliases_for
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.platform import access
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.settings import Settings
from counterfoil.privacy.alias import Aliases, aliases_in
from counterfoil.simulator.world import FIRST_DATE, OPENS_AT, World

SEEDED = "counterfoil_console_seed"
PASSWORD = "correct horse battery"
ORIGIN = "https://console.test"
APPLICANTS = 24
DAYS = 62
#: A number that a customer's record has for everybody.
OWN_NUMBER = re.compile(rf"(?<![0-9a-z])(?:{'|'.join(ids.OF_CUSTOMERS)})_[0-7][0-9a-z]{{12}}\b")
#: And the same number as payers write it, when nothing stands between its letters.
REFERENCE = re.compile(r"RF[0-9]{2}[LD][0-9A-Z]{13}")
_numbers = itertools.count(1)


@dataclass(slots=True)
class Browser:
    """A signed-in reader: follows links, fills forms, keeps the cookies.

    Tests speak of records by their own numbers, whoever reads: for a role that knows them by
    aliases these are put in on the way out and read on the way back, and no page gives another.
    """

    client: httpx.AsyncClient
    house: House
    aliases: Aliases | None = None

    async def get(self, path: str, *, language: str = "en") -> httpx.Response:
        headers = {"accept-language": language}
        return self._read(await self.client.get(self._told(path), headers=headers))

    async def post(
        self, path: str, fields: dict[str, str], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        given = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "accept-language": "en"}
        sent = {name: self._told(value) for name, value in fields.items()}
        answer = await self.client.post(
            self._told(path), data=sent, headers=given | (headers or {})
        )
        return self._read(answer)

    async def submit(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the form of a page that posts to `action`, with its hidden fields."""
        return await self.post(action, {**hidden_fields(page.text, action), **fields})

    async def sign_in(self, name: str) -> httpx.Response:
        page = await self.get("/console/sign-in")
        answer = await self.submit(page, "/console/sign-in", operator=name, password=PASSWORD)
        self.aliases = aliases_for(self.house, Actor(name=name, role=name, source="test"))
        return answer

    def _told(self, text: str) -> str:
        return text if self.aliases is None else self.aliases.give_out(text)

    def _read(self, answer: httpx.Response) -> httpx.Response:
        if self.aliases is None:
            return answer
        for name, text in {"": answer.content.decode(), **answer.headers}.items():
            assert OWN_NUMBER.findall(text) == [], f"{name} of {answer.url} gives own numbers"
            plain = re.sub(r"[\s./-]+", "", text.upper())
            assert REFERENCE.findall(plain) == [], f"{name} of {answer.url} gives a reference"
        answer._content = self._with_own_numbers(answer.content.decode()).encode()
        if "location" in answer.headers:
            answer.headers["location"] = self._with_own_numbers(answer.headers["location"])
        return answer

    def _with_own_numbers(self, text: str) -> str:
        assert self.aliases is not None
        for alias in set(aliases_in(text)):
            read = self.aliases.read(alias)
            text = text if read is None else text.replace(alias, ids.to_text(*read))
        return text


def hidden_fields(text: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the first form of a page that posts to `action`."""
    forms = re.findall(r"<form\b[^>]*>.*?</form>", text, re.DOTALL)
    wanted = [form for form in forms if f'action="{action}"' in form.partition(">")[0]]
    assert wanted, f"no form posts to {action}"
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', wanted[0])
    return dict(inputs)


async def _seed(url: str, home: Path) -> None:
    clock = TestClock(datetime.combine(FIRST_DATE, OPENS_AT))
    settings = Settings(home=home)
    async with open_house(settings, url, clock=clock, first_date=FIRST_DATE) as house:
        async with house.database.transaction() as connection:
            for role in access.Role:
                await access.set_operator(
                    connection,
                    operator_id=house.ids.next(),
                    name=role.value,
                    role=role,
                    password=PASSWORD,
                    now=clock.now(),
                )
        world = World(house, clock, applicants=APPLICANTS, days=DAYS, seed=2)
        await world.run(lambda _what, _count: None)


@pytest.fixture(scope="session")
def console_home() -> Path:
    return Path(os.environ[HOME_VARIABLE]) / "console"


@pytest.fixture(scope="session")
def seeded_server(server_url: str, console_home: Path) -> str:
    """The run's server with the seeded database on it."""
    console_home.mkdir(exist_ok=True)
    with (console_home / "seed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = console_home / "seed.ready"
        if not mark.exists():
            made = f"CREATE DATABASE {SEEDED} TEMPLATE {TEMPLATE}"
            asyncio.run(_administer(server_url, made))
            asyncio.run(_seed(_at(server_url, SEEDED), console_home))
            mark.touch()
    return server_url


@pytest.fixture
async def house(seeded_server: str, console_home: Path) -> AsyncIterator[House]:
    """The seeded lender on a database that nobody else uses."""
    name = f"console_{os.getpid()}_{next(_numbers)}"
    await _administer(seeded_server, f"CREATE DATABASE {name} TEMPLATE {SEEDED} {COPIED}")
    clock = TestClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    settings = Settings(home=console_home, database_connections=4)
    async with open_house(settings, _at(seeded_server, name), clock=clock) as opened:
        yield opened
    await _administer(seeded_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    """Somebody who has not signed in."""
    site = Starlette(routes=[Mount("/console", app=create_console(house, wall=house.clock))])
    transport = httpx.ASGITransport(app=alone(site))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Browser(client, house)


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """An administrator who has signed in."""
    assert (await stranger.sign_in("administrator")).status_code == 303
    return stranger
