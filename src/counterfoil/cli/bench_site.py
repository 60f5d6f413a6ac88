"""A site whose drawdowns are authenticated and validated and then nothing is done: yardstick P.

`python -m counterfoil.cli.bench_site --port N` runs it on the database of COUNTERFOIL_HOME.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import uvicorn
from fastapi import FastAPI

from counterfoil.api.desk import Desk
from counterfoil.api.front import Front
from counterfoil.api.problems import load_texts
from counterfoil.api.resources import drawdowns
from counterfoil.api.server import server_config
from counterfoil.api.shapes import Body
from counterfoil.api.writes import Call
from counterfoil.journeys.house import open_house
from counterfoil.platform import embedded
from counterfoil.platform.batches import Answer
from counterfoil.platform.process import settle_memory
from counterfoil.platform.settings import Settings

_ANSWER = Answer('{"status":"nothing was done"}', is_replay=False)


async def _nothing(_call: Call, _body: Body) -> Answer:
    return _ANSWER


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    settings = Settings()
    desk = Desk(load_texts())
    with embedded.address(settings) as address:

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            async with open_house(settings, address) as house:
                desk.open(house)
                yield
                desk.close()

        settle_memory()
        (draw,) = (write for write in drawdowns.WRITES if write.path == "/v1/drawdowns")
        app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
        front = Front(desk, {draw.path: replace(draw, carry=_nothing)}, app)
        uvicorn.Server(server_config(front, host=settings.host, port=port)).run()


if __name__ == "__main__":
    main()
