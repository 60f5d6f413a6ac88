"""A service over HTTP: what it may answer is bounded, and nothing of it is ever raised."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from counterfoil.platform.http_service import HttpService, Reply, Silence

MOST = 1_000


async def call(
    answer: httpx.Response | type[Exception], token_file: Path | None = None
) -> tuple[Reply | Silence, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("broken")

    async with HttpService(
        "http://service",
        answer_seconds=1,
        answer_bytes_max=MOST,
        token_file=token_file,
        transport=httpx.MockTransport(respond),
    ) as service:
        return await service.call("PUT", "/things/1", {"a": 1}), seen


async def test_an_answer_as_long_as_allowed_is_read_and_a_longer_one_is_not() -> None:
    assert (await call(httpx.Response(200, content=b"x" * MOST)))[0] == Reply(200, b"x" * MOST)
    assert (await call(httpx.Response(200, content=b"x" * (MOST + 1))))[0] == Reply(200, None)


async def test_an_answer_without_end_is_left_where_it_passes_the_bound() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100
            yield b"x" * 100

    assert (await call(httpx.Response(200, content=endless())))[0] == Reply(200, None)
    assert read <= 2 * MOST


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = httpx.Response(307, headers={"location": "http://elsewhere/"})
    said, seen = await call(moved)
    assert isinstance(said, Reply)
    assert (said.status, len(seen)) == (307, 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ReadTimeout, Silence("ReadTimeout", is_timeout=True)),
        (httpx.ConnectError, Silence("ConnectError", is_timeout=False)),
        (OSError, Silence("OSError", is_timeout=False)),
    ],
)
async def test_what_the_network_does_is_told_and_not_raised(
    error: type[Exception], said: Silence
) -> None:
    assert (await call(error))[0] == said


async def test_the_token_is_read_for_each_call_and_one_that_cannot_be_read_sends_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    _, [asked] = await call(httpx.Response(200), file)
    assert asked.headers["authorization"] == "Bearer first"
    file.write_bytes(b"\xff\xfe")
    said, seen = await call(httpx.Response(200), file)
    assert (said, seen) == (Silence("UnicodeDecodeError", is_timeout=False), [])
    file.unlink()
    said, seen = await call(httpx.Response(200), file)
    assert (said, seen) == (Silence("FileNotFoundError", is_timeout=False), [])


async def test_a_signed_text_goes_out_as_it_stands_and_only_the_status_comes_back() -> None:
    seen: list[httpx.Request] = []

    read: list[int] = []

    async def unread() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204 if request.url.path == "/in" else 302, content=unread())

    async with HttpService(
        "", answer_seconds=1, answer_bytes_max=0, transport=httpx.MockTransport(respond)
    ) as service:
        taken = await service.post_text("https://host/in", {"webhook-id": "1"}, '{"a":  1}')
        moved = await service.post_text("https://host/away", {}, "")
        nowhere = await service.post_text("https://host:x/in", {}, "")
    assert taken == Reply(204, None)
    assert (Reply(204, None).is_success, Reply(302, None).is_success) == (True, False)
    assert moved == Reply(302, None), "nobody is followed"
    assert isinstance(nowhere, Silence)
    assert not read
    assert (seen[0].content, seen[0].headers["webhook-id"]) == (b'{"a":  1}', "1")
