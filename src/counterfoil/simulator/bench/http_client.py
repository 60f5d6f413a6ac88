"""A small HTTP/1.1 client for load: keep-alive connections, prepared requests, no parsing twice.

It measures the server, so it must cost little itself; whatever it does not understand (chunked
answers, anything but a length) ends the run with an error instead of a wrong figure.
"""

import asyncio
from collections import deque
from typing import Any, Final

#: Longest wait for one answer.
ANSWER_SECONDS_MAX: Final = 30
_LENGTH: Final = b"content-length: "
_END: Final = b"\r\n\r\n"


class HttpConnection(asyncio.Protocol):
    """One connection; requests are answered in their order."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._transport: Any = None
        self._buffer = b""
        self._waiting: deque[asyncio.Future[tuple[int, bytes]]] = deque()

    # house: allow dead-code – the event loop calls it
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def request(self, raw: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Send a prepared request; the future gives status and body."""
        assert self._transport is not None
        future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._transport.write(raw)
        return future

    # house: allow dead-code – the event loop calls it
    def data_received(self, data: bytes) -> None:
        """Take answers apart by their length."""
        buffer = self._buffer + data if self._buffer else data
        while True:
            end = buffer.find(_END)
            if end < 0:
                break
            head = buffer[:end]
            at = head.find(_LENGTH)
            if at < 0:
                self.connection_lost(ValueError(f"an answer without a length: {head[:200]!r}"))
                return
            stop = head.find(b"\r\n", at)
            length = int(head[at + len(_LENGTH) : stop if stop >= 0 else None])
            total = end + len(_END) + length
            if len(buffer) < total:
                break
            body = buffer[end + len(_END) : total]
            self._waiting.popleft().set_result((int(head[9:12]), body))
            buffer = buffer[total:]
        self._buffer = buffer

    def connection_lost(self, error: Exception | None) -> None:
        """Let nobody wait for ever."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(error or ConnectionError("the server hung up"))
        self._waiting.clear()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def connect(host: str, port: int, count: int) -> list[HttpConnection]:
    """Open connections."""
    loop = asyncio.get_running_loop()
    opened = []
    for _ in range(count):
        _, connection = await loop.create_connection(HttpConnection, host, port)
        opened.append(connection)
    return opened


def post(path: str, *, host: str, secret: str, key: str, body: bytes) -> bytes:
    """Return a prepared POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
