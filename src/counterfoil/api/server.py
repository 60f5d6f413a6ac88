"""How the server runs: the fast event loop and parser, and no log line a request.

Bounds      Of request line and headers `HEAD_BYTES_MAX` are kept. More, and what is no HTTP at all,
            is answered here, where the parser is, by a problem document like any other.
Cost        On plain asyncio, accepted connections of several workers go without TCP_NODELAY and
            an answer waits some 40 ms; uvloop sets it. A test holds both.
"""

import os
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from counterfoil.api import refusals
from counterfoil.api.problems import document, load_texts, reply
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.telemetry import logger

_LOG: Final = logger("counterfoil.api")
#: Longest that requests under way may take at shutdown before they are cut.
SHUTDOWN_SECONDS_MAX: Final = 30
#: Request line and headers together, as they are sent.
HEAD_BYTES_MAX: Final = 65_536
#: How long a refused client may go on sending; cut at once it could not read why.
LINGER_SECONDS: Final = 1


class _HeadTooLargeError(Exception):
    """A request's line and headers are longer than is read."""


class Protocol(HttpToolsProtocol):
    """One connection; what the parser refuses is said in the words of the API."""

    #: Bytes that came since the last request was complete, while the next one's head is awaited.
    _head_bytes = 0
    _is_in_head = True
    _is_refused = False

    def data_received(self, data: bytes) -> None:
        """Feed the parser, no further than a head may be long."""
        if self._is_refused:
            return
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > HEAD_BYTES_MAX:
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        """Hand the request on, unless its head came in one piece that is too long."""
        if self._head_bytes > HEAD_BYTES_MAX:
            sent = sum(len(name) + len(value) for name, value in self.headers)
            if sent + len(self.url) > HEAD_BYTES_MAX:
                raise _HeadTooLargeError
        self._is_in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Await the next request's head."""
        self._is_in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that no route has seen, and end the connection."""
        if self._is_refused:
            return
        self._is_refused = True
        _LOG.info("request_not_read", parser=msg)
        is_long = self._is_in_head and self._head_bytes > HEAD_BYTES_MAX
        refused = (
            refuse(refusals.HEAD_TOO_LARGE, limit_bytes=HEAD_BYTES_MAX)
            if is_long
            else refuse(refusals.REQUEST_MALFORMED)
        )
        self.transport.write(_said(refused))
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _said(refused: Refused) -> bytes:
    """Return the whole answer; nobody knows yet in which language it is wanted."""
    request_id = f"rq-{os.urandom(5).hex()}-0"
    problem = document(refused, texts=load_texts(), language="en", request_id=request_id)
    said = reply(problem, refused.kind, "en")
    status = HTTPStatus(said.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    headers = [*said.headers, (b"x-request-id", request_id.encode()), (b"connection", b"close")]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", said.body])


def server_config(app: Any, *, host: str, port: int) -> uvicorn.Config:
    """Return the configuration of one server process."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
    )
