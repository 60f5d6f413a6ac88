"""Serves console and portal of the seeded lender for the browser tests and for pictures.

python serve_console.py SERVER_URL HOME PORT
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.conftest import _administer, _at
from tests.console.conftest import SEEDED
from tests.portal.conftest import borrower_of

from counterfoil.console.app import create_console
from counterfoil.journeys.house import open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.platform.settings import Settings
from counterfoil.portal.app import create_portal

#: File in the home with the number by which a customer signs in.
BORROWER = "borrower"


async def main(server_url: str, home: Path, port: int) -> None:
    name = f"browser_{os.getpid()}"
    await _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {SEEDED}")
    clock = TestClock(datetime(2026, 6, 1, 2, 0, tzinfo=UTC))
    settings = Settings(home=home, database_connections=4, cost_sheet_reading_seconds=1)
    async with open_house(settings, _at(server_url, name), clock=clock) as house:
        _, number = await borrower_of(house)
        (home / BORROWER).write_text(number)
        site = Starlette(
            routes=[
                Mount("/console", app=create_console(house, wall=clock)),
                Mount("/portal", app=create_portal(house)),
            ]
        )
        config = uvicorn.Config(site, host="127.0.0.1", port=port, log_level="warning")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
