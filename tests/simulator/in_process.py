"""The reference bureau in the same process: no network, the same answers."""

from types import TracebackType

import httpx

from counterfoil.bureau.http_bureau import BATCH_PATH, WITHDRAWALS_PATH
from counterfoil.simulator.bureau import server
from counterfoil.simulator.bureau.bureau import Bureau


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to a bureau in the same process; everything but the TLS is as it is."""

    def __init__(self, bureau: Bureau, peer_sha256: bytes, *, now: server.Now) -> None:
        self._bureau = bureau
        self._peer_sha256 = peer_sha256
        self._now = now
        #: Whether it answers nothing but inquiries.
        self.is_down = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # A lost answer is a time-out at once.
        text = (await request.aread()).decode()
        headers = {"content-type": "application/json"}
        if request.url.path == BATCH_PATH:
            replies = server._handle_many(self._bureau, text, self._peer_sha256, now=self._now())
            return httpx.Response(200, content=server._batch(replies), headers=headers)
        if request.url.path == WITHDRAWALS_PATH:
            if self.is_down:
                return httpx.Response(503)
            body = server.WithdrawalsBody.model_validate_json(text)
            is_member = self._bureau.note_withdrawn(self._peer_sha256, body.consents)
            return httpx.Response(204 if is_member else 403)
        reply = self._bureau.handle(text, self._peer_sha256, now=self._now())
        if reply.is_lost:
            raise httpx.ReadTimeout("the answer got lost", request=request)
        return httpx.Response(reply.status, content=server._body(reply), headers=headers)

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Leave the bureau as it is: it is not ours to close."""
