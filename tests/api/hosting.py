"""Hosts on a site of tests: registered by two people; a customer's browser; a host's server."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.api.conftest import Json, Site
from tests.reading_watch import alone

from counterfoil.hosts.host import Host, HostTerms
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.hosting import hosts
from counterfoil.journeys.hosting.hosts import HostWish
from counterfoil.kernel import ids
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.portal.app import create_portal
from counterfoil.simulator.host.host import HostApp
from counterfoil.simulator.host.server import make_app

ANALYST = Actor(name="ana", role="risk_analyst", source="console")
OFFICER = Actor(name="cora", role="compliance", source="console")
ORIGIN = "http://127.0.0.1:9"
PERSON = {"name": "张三", "id_number": "11010519491231002X", "phone": "13800138000"}
ADULT = {"name": "李四", "id_number": "110105199003071239", "phone": "13800138001"}
BROWSER = "http://127.0.0.1"


@dataclass
class Guest:
    """A host with its key, on the site."""

    site: Site
    host: Host
    headers: dict[str, str]
    origin: str

    @property
    def host_id(self) -> int:
        return self.host.host_id

    async def post(self, path: str, body: Json, *, key: str | None = None) -> httpx.Response:
        return await self.site.post(path, body, key=key, headers=self.headers)

    async def get(self, path: str, **parameters: str) -> httpx.Response:
        return await self.site.client.get(path, params=parameters, headers=self.headers)

    async def link(self, customer: str, person: Json) -> httpx.Response:
        body = {"customer": customer, "language": "zh", **person}
        return await self.post("/v1/host/links", body)

    async def ask(self, customer: str, act: str, **asked: Any) -> Json:
        """Ask for a page, and return it with its address."""
        back = f"{self.origin}/back?from=lender"
        body = {"customer": customer, "act": act, "return_url": back, **asked}
        answer = await self.post("/v1/hosted-pages", body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    async def state(self, page: Json) -> str:
        answer = await self.get(f"/v1/hosted-pages/{page['id']}", customer=page["customer"])
        return str(answer.json()["state"])


def terms(code: str, **changes: Any) -> HostTerms:
    given: Json = {
        "code": code,
        "name": f"Example {code}",
        "contract_from": date(2026, 1, 1),
        "contract_until": date(2027, 12, 31),
        "products": ("cash-line-open",),
        "purposes": ("linking", "origination", "servicing", "repayment", "invitation"),
        "drawdown_purposes": ("daily_consumption",),
        "origins": (ORIGIN,),
        "webhook_url": None,
        **changes,
    }
    return HostTerms(**given)


async def register(site: Site, wish: HostWish) -> Host:
    house = site.house
    asked = await hosts.register_host(house, ANALYST, wish)
    assert isinstance(asked, Approval), asked
    await decide_approval(house, OFFICER, asked.approval_id, is_approved=True, reason="checked")
    made = await hosts.register_host(house, ANALYST, wish)
    assert isinstance(made, Host), made
    return made


async def guest(site: Site, code: str, *scopes: Scope, **changes: Any) -> Guest:
    host = await register(site, HostWish(terms=terms(code, **changes), reason="contract"))
    assert site.desk._keys is not None
    site.desk._keys._loaded_at = float("-inf")
    async with site.house.database.transaction() as connection:
        secret = await create_api_key(
            connection,
            api_key_id=site.house.ids.next(),
            client=code,
            scopes=scopes or (Scope.HOST_READ, Scope.HOST_WRITE),
            now=site.house.clock.now(),
            host_id=host.host_id,
        )
    headers = {"authorization": f"Bearer {secret}"}
    return Guest(site, host, headers, host.terms.origins[0])


@dataclass
class Browser:
    """The customer's browser: follows links, fills forms, keeps cookies."""

    site: Site
    client: httpx.AsyncClient

    async def open(self, page: Json) -> httpx.Response:
        """Go through the door of a hosted page and return the page of its act."""
        door = await self.client.get(page["url"])
        assert door.status_code == 200, door.text
        asked = await self.submit(door, page["url"], step="send")
        entered = await self.submit(asked, page["url"], code=code_in(asked.text))
        assert entered.status_code == 303, entered.text
        act = await self.client.get(entered.headers["location"])
        assert act.status_code == 200, act.text
        return act

    async def choose(self, act: httpx.Response, page: Json, **fields: str) -> httpx.Response:
        """Press a button of an act's page, after having read for a minute."""
        await self.read(page)
        return await self.submit(act, f"/portal/hosted/{page['id']}", **fields)

    async def submit(self, shown: httpx.Response, action: str, **fields: str) -> httpx.Response:
        form = re.search(
            rf'<form method="post" action="{re.escape(action)}".*?</form>', shown.text, re.DOTALL
        )
        assert form, f"no form posts to {action}: {shown.text[:2000]}"
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
        given = {"origin": BROWSER, "sec-fetch-site": "same-origin"}
        data = {name: unescape(value) for name, value in hidden} | fields
        return await self.client.post(action, data=data, headers=given)

    async def read(self, page: Json) -> None:
        """Let what is shown have been on the screen for a minute."""
        number = ids.from_text(ids.HOSTED_PAGE, page["id"])
        async with self.site.house.database.transaction() as connection:
            text = await connection.fetchval(
                "SELECT shown FROM hosts.page WHERE page_id = $1", number
            )
            shown = orjson.loads(text)
            at = datetime.fromisoformat(shown["at"]) - timedelta(minutes=1)
            shown["at"] = at.isoformat()
            await connection.execute(
                "UPDATE hosts.page SET shown = $2 WHERE page_id = $1",
                number,
                orjson.dumps(shown).decode(),
            )


@asynccontextmanager
async def browsing(site: Site) -> AsyncIterator[Browser]:
    app = Starlette(routes=[Mount("/portal", app=create_portal(site.house))])
    transport = httpx.ASGITransport(app=alone(app))
    async with httpx.AsyncClient(transport=transport, base_url=BROWSER) as client:
        yield Browser(site, client)


def code_in(text: str) -> str:
    """Return the code that a sandbox shows on a page."""
    found = re.search(r'<strong class="code">(\d{6})<', text)
    assert found, "the page shows no code"
    return found[1]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def hosting(app: HostApp, port: int, *, slow_seconds: float = 30) -> AsyncIterator[None]:
    """Run a simulated host over real HTTP."""
    made = make_app(app, slow_seconds=slow_seconds)
    config = uvicorn.Config(made, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 – the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
