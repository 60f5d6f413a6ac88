"""A real server on the loopback address, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from counterfoil.api.app import create_app
from counterfoil.api.server import server_config
from counterfoil.journeys.house import open_house
from counterfoil.kernel import ids
from counterfoil.lending.commands import OpenLine
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.platform.settings import Settings

FIRST_DAY = date(2026, 3, 2)


class Server:
    """A running server with a key and a borrower in its database."""

    def __init__(self, uvicorn_server: uvicorn.Server, port: int, prepared: dict[str, str]) -> None:
        self.uvicorn = uvicorn_server
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.prepared = prepared
        self.headers = {"Authorization": f"Bearer {prepared['secret']}"}

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=30)


async def _prepare(settings: Settings, url: str) -> dict[str, str]:
    async with open_house(settings, url, first_date=FIRST_DAY) as house:
        customer, line = house.ids.next(), house.ids.next()
        await house.counter.submit(
            OpenLine(
                customer_id=customer,
                line_id=line,
                application_id=line,
                product_code="cash-line-open",
                product_version=1,
                limit_minor=20_000_000,
                currency="CNY",
                rate_daily_e8=35_000,
                repayment_day=15,
                contract_id=line,
                agreement_sha256=bytes(32),
            ),
            idempotency_key="open",
        )
        async with house.database.transaction() as connection:
            secret = await create_api_key(
                connection,
                api_key_id=house.ids.next(),
                client="test",
                scopes=list(Scope),
                now=house.clock.now(),
            )
    return {
        "secret": secret,
        "customer_id": ids.to_text(ids.CUSTOMER, customer),
        "line_id": ids.to_text(ids.LINE, line),
    }


@contextmanager
def running(home: Path, url: str, **arguments: Any) -> Iterator[Server]:
    """Serve a database until the block ends."""
    settings = Settings(home=home, database_url=url)
    prepared = asyncio.run(_prepare(settings, url))
    config = server_config(create_app(settings, url, **arguments), host="127.0.0.1", port=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            threading.Event().wait(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Server(server, port, prepared)
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        assert not thread.is_alive(), "the server did not stop"
