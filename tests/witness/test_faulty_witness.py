"""The witness that goes wrong on demand, in front of a real one."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.witness.conftest import Desk
from tests.witness.log import ORIGIN, Log, time_of

from counterfoil.evidence.formats.note import NoteRejectedError
from counterfoil.evidence.formats.witness_protocol import (
    SIZE_CONTENT_TYPE,
    monitoring_path,
    parse_size,
)
from counterfoil.simulator import faulty_witness
from counterfoil.simulator.faulty_witness import Fault, make_app
from counterfoil.witness import server


@pytest.fixture
async def front(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    behind = httpx.ASGITransport(server.make_app(desk.witness, desk.home))
    async with httpx.AsyncClient(transport=behind, base_url="http://behind") as upstream:
        before = httpx.ASGITransport(make_app(upstream), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=before, base_url="http://before") as client:
            yield client


async def switch(front: httpx.AsyncClient, fault: Fault, **more: int) -> None:
    answer = await front.put("/faults", json={"fault": fault, **more})
    assert answer.json()["fault"] == fault


async def test_without_a_fault_everything_passes(
    front: httpx.AsyncClient, desk: Desk, log: Log
) -> None:
    assert (await front.get("/faults")).json()["fault"] == "none"
    reply = await front.post("/add-checkpoint", content=log.request(0, 5))
    assert time_of(reply.content, log.note(5), desk.key.verifier) == desk.now
    reply = await front.post("/add-checkpoint", content=log.request(0, 6))
    assert (reply.status_code, reply.content) == (409, b"5\n")
    assert reply.headers["content-type"] == SIZE_CONTENT_TYPE
    held = await front.get("/" + monitoring_path(ORIGIN))
    assert held.content == desk.home.head(ORIGIN)


async def test_a_lying_one_names_a_size_that_the_log_never_had(
    front: httpx.AsyncClient, log: Log
) -> None:
    await switch(front, Fault.EXAGGERATES)
    reply = await front.post("/add-checkpoint", content=log.request(0, 5))
    assert reply.status_code == 409
    assert parse_size(reply.content) == faulty_witness.EXAGGERATION


async def test_a_spoilt_line_is_not_the_witnesss(
    front: httpx.AsyncClient, desk: Desk, log: Log
) -> None:
    await switch(front, Fault.SPOILS_SIGNATURES)
    reply = await front.post("/add-checkpoint", content=log.request(0, 5))
    assert reply.status_code == 200
    with pytest.raises(NoteRejectedError, match="signature_wrong"):
        time_of(reply.content, log.note(5), desk.key.verifier)


async def test_one_that_is_slow_failing_or_down(
    front: httpx.AsyncClient, desk: Desk, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    await switch(front, Fault.SLOW, delay_ms=1_500)
    assert (await front.post("/add-checkpoint", content=log.request(0, 5))).status_code == 200
    await switch(front, Fault.DOWN)
    assert (await front.get("/" + monitoring_path(ORIGIN))).status_code == 503
    await switch(front, Fault.FAILS)
    assert (await front.post("/add-checkpoint", content=log.request(5, 6))).status_code == 500
    assert waits == [1.5, faulty_witness.SILENCE_SECONDS]
    assert (desk.home.head(ORIGIN) or b"").split(b"\n")[1] == b"5"


async def test_faults_are_switched_from_this_machine_only(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url="http://behind") as upstream:
        afar = httpx.ASGITransport(make_app(upstream), client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=afar, base_url="http://before") as client:
            assert (await client.put("/faults", json={})).status_code == 403
            assert (await client.get("/faults")).status_code == 403
