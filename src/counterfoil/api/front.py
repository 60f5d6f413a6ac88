"""The front of the site: what stands before every route and answers when nothing else can.

Invariant   Every answer has a request identifier; every failure is a problem document, also one
            of the framework, and the trace goes to the log alone.
Cost        A path that is known exactly goes to its write by one look into a table; everything
            else goes through the router.
"""

import os
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from counterfoil.api import refusals
from counterfoil.api.cutting import cut_to_reach
from counterfoil.api.desk import Desk, source_of
from counterfoil.api.problems import Reply
from counterfoil.api.writes import Came, ClientGoneError, Write, answer
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.telemetry import request_id
from counterfoil.platform.web.security import App, Message, Receive, Send

_JSON: Final = b"application/json"
_NOTHING: Final[Mapping[str, int]] = {}
#: Added to answers of the router that do not say otherwise themselves.
_DEFAULTS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
UNMATCHED: Final = "unmatched"


class Front:
    """ASGI application around the router."""

    def __init__(self, desk: Desk, writes: Mapping[str, Write], router: App) -> None:
        """Take the writes whose path is fixed, and the router for everything else."""
        self._desk = desk
        self._writes = writes
        self._router = router
        self._numbers = _numbers()
        self._seconds: dict[str, Any] = {}
        self._counts: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        started = time.perf_counter()
        number = self._numbers()
        request_id.set(number)
        method = scope["method"]
        write = self._writes.get(scope["path"]) if method == "POST" else None
        if write is None:
            await self._route(scope, receive, send, number, started)
            return
        headers = dict(scope["headers"])
        try:
            if scope["query_string"]:
                reply = self._desk.invalid([NO_QUERY], headers)
            else:
                came = Came(receive, headers, source_of(scope))
                reply = await answer(self._desk, write, came, _NOTHING)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 – the last line: whatever failed is answered
            reply = self._desk.problem(self._desk.failure(error), headers)
        reply.headers.append((b"x-request-id", number.encode()))
        await _say(reply, send)
        self._observe(method, write.path, reply.status, started)

    async def _route(
        self, scope: Message, receive: Receive, send: Send, number: str, started: float
    ) -> None:
        """Let the router answer; a HEAD is a GET of which the head is kept."""
        method = scope["method"]
        is_head = method == "HEAD"
        inner = {**scope, "method": "GET"} if is_head else scope
        status = 0
        head: Message | None = None

        async def send_on(message: Message) -> None:
            # The head waits for the body: what it shows is written down before anything is sent.
            nonlocal status, head
            if message["type"] == "http.response.start":
                head = {**message, "headers": _completed(message, number)}
                return
            if head is not None:
                if head["status"] == HTTPStatus.OK:
                    message = await self._cut(inner, head, message)
                    await self._note_read(inner, message.get("body", b""))
                status = head["status"]
                await send(head)
                head = None
            await send({**message, "body": b""} if is_head else message)

        try:
            unreadable = self._unreadable(scope)
            if unreadable is None:
                await self._router(inner, receive, send_on)
            else:
                await _say(unreadable, send_on)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 – the last line: whatever failed is answered
            reply = self._desk.problem(self._desk.failure(error), dict(scope["headers"]))
            if not status:
                await _say(reply, send_on)
        route = getattr(inner.get("route"), "path", UNMATCHED)
        self._observe(method, route, status, started)

    def _unreadable(self, scope: Message) -> Reply | None:
        """Return the answer to an address with a NUL, which no database takes for text."""
        if "\0" in scope["path"]:
            return self._desk.problem(refuse(refusals.ROUTE_NOT_FOUND), dict(scope["headers"]))
        if _NUL in scope["query_string"]:
            return self._desk.invalid([NUL_IN_QUERY], dict(scope["headers"]))
        return None

    async def _cut(self, scope: Message, head: Message, message: Message) -> Message:
        """Leave out of an answer in JSON what a program that holds attributes does not reach."""
        state = scope.get("state", {})
        reach, headers = state.get("reach"), dict(head["headers"])
        if reach is None or reach.is_everything or headers.get(b"content-type") != _JSON:
            return message
        assert not message.get("more_body"), "answers in JSON are sent in one piece"
        key, _ = state["reader"]
        holder = f"api:{key.client}"
        body = await cut_to_reach(
            self._desk.house, reach, state["wanted"], message["body"], holder=holder
        )
        if isinstance(body, Refused):
            await self._desk.note_refusal(key, body, scope["route"].name, source=source_of(scope))
            raise RefusedError(body)
        head["headers"] = [
            (name, b"%d" % len(body) if name == b"content-length" else value)
            for name, value in head["headers"]
        ]
        return {**message, "body": body}

    async def _note_read(self, scope: Message, body: bytes) -> None:
        """Write down who reads about whom; what the router's guard let in says who it is."""
        reader = scope.get("state", {}).get("reader")
        if reader is not None:
            key, act = reader
            operation = scope["route"].name
            await self._desk.note_read(key, act, operation, source=source_of(scope), body=body)

    def _observe(self, method: str, route: str, status: int, started: float) -> None:
        if not self._desk.is_open:
            return
        metrics: Metrics = self._desk.house.metrics
        seconds = self._seconds.get(route)
        if seconds is None:
            seconds = self._seconds[route] = metrics.http_seconds.labels(route)
        seconds.observe(time.perf_counter() - started)
        name = (method if method in _METHODS else "other", route, status)
        count = self._counts.get(name)
        if count is None:
            labels = (name[0], route, str(status))
            count = self._counts[name] = metrics.http_requests.labels(*labels)
        count.inc()


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: A write takes nothing from the address behind the question mark.
NO_QUERY: Final = {"type": "extra_forbidden", "loc": ("query",)}
_NUL: Final = b"%00"
NUL_IN_QUERY: Final = {"type": "string_pattern_mismatch", "loc": ("query",)}


async def _say(reply: Reply, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


def _completed(message: Message, number: str) -> list[tuple[bytes, bytes]]:
    headers = list(message.get("headers", ()))
    names = {name.lower() for name, _ in headers}
    headers += [pair for pair in _DEFAULTS if pair[0] not in names]
    if b"x-request-id" not in names:
        headers.append((b"x-request-id", number.encode()))
    return headers


def _numbers() -> Callable[[], str]:
    """Return a source of request identifiers: the process by chance, the request by count."""
    process = os.urandom(5).hex()
    count = 0

    def following() -> str:
        nonlocal count
        count += 1
        return f"rq-{process}-{count:x}"

    return following
