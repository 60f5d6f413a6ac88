"""The server as it runs: event loop, sockets, large bodies, and an orderly end."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.api.serving import Server, running

from counterfoil.api.server import HEAD_BYTES_MAX, Protocol


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, database_url) as started:
        yield started


def test_it_runs_on_the_fast_loop_and_answers_without_delay(server: Server) -> None:
    with server.client() as client:
        assert client.get("/readyz").json()["status"] == "ready"
        (connection,) = server.uvicorn.server_state.connections
        assert isinstance(connection, Protocol)
        assert type(connection.loop).__module__.startswith("uvloop")
        transport: Any = connection.transport
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    for sent, status, code in (
        (b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "request_malformed"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", 400, "request_malformed"),
        (
            b"GET /livez HTTP/1.1\r\nA: " + b"a" * HEAD_BYTES_MAX + b"\r\n\r\n",
            431,
            "head_too_large",
        ),
        (b"GET /" + b"a" * 4_000_000, 431, "head_too_large"),
        (b"GET /livez HTTP/1.1\r\n" + b"A: a\r\n" * 40_000, 431, "head_too_large"),
    ):
        said = raw_answer(server, sent)
        problem = json.loads(said.read())
        assert (said.status, problem["code"], problem["status"]) == (status, code, status)
        assert problem["next_step"]
        assert said.headers["content-type"] == "application/problem+json"
    kept = b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (HEAD_BYTES_MAX - 1_000) + b"\r\n\r\n"
    assert raw_answer(server, kept + kept).status == 200


def raw_answer(server: Server, sent: bytes) -> http.client.HTTPResponse:
    """Return the answer to bytes as they are, which no client would send."""
    with server.client() as client:
        port = client.base_url.port or 80
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer


def wish(server: Server) -> dict[str, Any]:
    return {
        "customer_id": server.prepared["customer_id"],
        "line_id": server.prepared["line_id"],
        "amount_minor": 100_000,
        "currency": "CNY",
        "tenor_months": 6,
        "method": "level_instalment",
        "purpose": "daily_consumption",
    }


def test_a_drawdown_over_a_socket_and_a_body_that_is_too_large(server: Server) -> None:
    with server.client() as client:
        quoted = client.post("/v1/quotes", json=wish(server)).json()
        body = {**wish(server), "payee_ref": "acct-1", "quote_token": quoted["quote_token"]}
        headers = {"Idempotency-Key": "one"}
        assert client.post("/v1/drawdowns", json=body, headers=headers).status_code == 201
        refused = client.post(
            "/v1/drawdowns",
            content=b" " * 10_485_760,
            headers={**headers, "Content-Type": "application/json"},
        )
        assert refused.status_code == 413
        assert refused.json()["code"] == "body_too_large"
        # The connection goes on: what was sent beyond the answer is passed over.
        assert client.get("/livez").status_code == 200
        # One that ends with the request is not reset before the client has read why.
        ends = http.client.HTTPConnection("127.0.0.1", client.base_url.port or 80)
        given = {"Authorization": client.headers["authorization"], "Connection": "close"}
        given |= {"Content-Type": "application/json", **headers}
        ends.request("POST", "/v1/drawdowns", b" " * 10_485_760, given)
        assert (answer := ends.getresponse()).status == 413
        assert json.loads(answer.read())["code"] == "body_too_large"


@contextmanager
def commits_held(url: str) -> Iterator[threading.Event]:
    """Keep every command from committing until the event is set."""
    held, release = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(7205759403792793)")
            held.set()
            await asyncio.to_thread(release.wait, 30)
        await connection.close()

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    assert held.wait(30)
    try:
        yield release
    finally:
        release.set()
        thread.join()


def test_at_shutdown_what_is_under_way_is_answered(database_url: str, tmp_path: Path) -> None:
    ended = threading.Event()
    answers: list[httpx.Response] = []

    async def background(_house: object, stop: asyncio.Event) -> None:
        await stop.wait()
        ended.set()

    with running(tmp_path, database_url, background=background) as server:
        with server.client() as client:
            quoted = client.post("/v1/quotes", json=wish(server)).json()
        body = {**wish(server), "payee_ref": "acct-1", "quote_token": quoted["quote_token"]}

        def draw(number: int) -> None:
            with server.client() as client:
                headers = {"Idempotency-Key": f"key-{number}"}
                answers.append(client.post("/v1/drawdowns", json=body, headers=headers))

        threads = [threading.Thread(target=draw, args=(number,)) for number in range(8)]
        with commits_held(database_url) as release:
            for thread in threads:
                thread.start()
            while len(server.uvicorn.server_state.tasks) < len(threads):
                threading.Event().wait(0.01)
            server.uvicorn.should_exit = True
            assert answers == []
            release.set()
            for thread in threads:
                thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert ended.is_set()
