"""A witness that goes wrong on demand: stands before a real one and spoils what passes through.

Run it with `python -m counterfoil.simulator.faulty_witness --upstream URL --port N`. It knows
nothing of how a witness works inside, so it can stand before a foreign one as well; the witness
itself has no switch for faults.
Operators   From this machine only: `GET` and `PUT /faults`.
"""

import argparse
import asyncio
from enum import StrEnum
from typing import Annotated, Final

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

#: How long a witness that is down keeps its caller waiting; callers give up sooner.
SILENCE_SECONDS: Final = 30
#: Longest wait for the witness behind.
UPSTREAM_SECONDS_MAX: Final = 10
#: By how much a lying witness exaggerates the size that it holds.
EXAGGERATION: Final = 1_000

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
#: Where in a line of 108 base64 characters the signature, not the key id or the time, stands.
_SPOILT_PLACE: Final = 40


class Fault(StrEnum):
    """What is wrong with the witness."""

    NONE = "none"
    #: Says nothing.
    DOWN = "down"
    #: Answers as it should, late.
    SLOW = "slow"
    #: Says that it holds a larger tree than it does.
    EXAGGERATES = "exaggerates"
    #: Signs something, but not this checkpoint.
    SPOILS_SIGNATURES = "spoils_signatures"
    #: Refuses everything with a server error.
    FAILS = "fails"


class Faults(BaseModel):
    """What is wrong, from now on."""

    model_config = ConfigDict(extra="forbid")

    fault: Fault = Fault.NONE
    #: How late a slow one answers.
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 3_000


def make_app(upstream: httpx.AsyncClient) -> FastAPI:
    """Return a witness whose answers come from the one behind, spoilt as it is told."""
    app = FastAPI(title="Faulty witness", docs_url=None, redoc_url=None, openapi_url=None)
    present = Faults()

    @app.get("/faults")
    async def read(request: Request) -> Faults:
        _only_from_here(request)
        return present

    @app.put("/faults")
    async def change(request: Request, faults: Faults) -> Faults:
        nonlocal present
        _only_from_here(request)
        present = faults
        return present

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        return await _spoilt(present, upstream, request)

    @app.get("/{digest}/checkpoint")
    async def checkpoint(request: Request, digest: str) -> Response:  # noqa: ARG001 - of the path
        return await _spoilt(present, upstream, request)

    return app


async def _spoilt(faults: Faults, upstream: httpx.AsyncClient, request: Request) -> Response:
    if faults.fault is Fault.DOWN:
        await asyncio.sleep(SILENCE_SECONDS)
        return Response(status_code=503)
    if faults.fault is Fault.FAILS:
        return Response(status_code=500)
    if faults.fault is Fault.SLOW:
        await asyncio.sleep(faults.delay_ms / 1_000)
    answer = await upstream.request(
        request.method, request.url.path, content=await request.body(), headers=_type_of(request)
    )
    status, content, kind = answer.status_code, answer.content, answer.headers["content-type"]
    if request.method == "POST" and faults.fault is Fault.EXAGGERATES:
        old = int((await request.body()).split(b"\n", 1)[0].removeprefix(b"old "))
        status, content, kind = 409, f"{old + EXAGGERATION}\n".encode(), "text/x.tlog.size"
    if request.method == "POST" and faults.fault is Fault.SPOILS_SIGNATURES:
        content = b"".join(map(_spoil, content.splitlines(keepends=True)))
    return Response(content, status_code=status, headers={"content-type": kind})


def _type_of(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type")
    return {} if kind is None else {"content-type": kind}


def _spoil(line: bytes) -> bytes:
    """Return a signature line with one character of its signature changed; others as they are."""
    start, _, encoded = line.rpartition(b" ")
    if not start.startswith("\N{EM DASH}".encode()) or len(encoded) <= _SPOILT_PLACE:
        return line
    changed = b"A" if encoded[_SPOILT_PLACE : _SPOILT_PLACE + 1] != b"A" else b"B"
    return start + b" " + encoded[:_SPOILT_PLACE] + changed + encoded[_SPOILT_PLACE + 1 :]


def _only_from_here(request: Request) -> None:
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(status_code=403)


def main() -> None:
    """Read the options and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m counterfoil.simulator.faulty_witness")
    parser.add_argument("--upstream", required=True, help="address of the witness behind")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7_100)
    options = parser.parse_args()
    upstream = httpx.AsyncClient(base_url=options.upstream, timeout=UPSTREAM_SECONDS_MAX)
    uvicorn.run(
        make_app(upstream),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
