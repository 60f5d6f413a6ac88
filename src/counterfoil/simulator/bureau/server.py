"""The reference bureau over HTTP with mutual TLS 1.3.

Members     `POST /v1/inquiries`: a signed request; 200 with the sealed report, or a `code`.
            `POST /v1/inquiries/batch`: up to 16 of them, a line each; a JSON list of answers.
            `POST /v1/withdrawals`: the consents that a member says were withdrawn.
Operators   In a sandbox, over the same mutual TLS: `GET` and `PUT /faults`, `POST /date`,
            `GET /counts`.
Peer        The certificate of the connection, not of the request, says who is there: the server
            keeps its thumbprint beside the connection and holds the request's `cnf` against it.
"""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from counterfoil.bureau.http_bureau import BATCH_PATH, PATH, QUESTIONS_AT_ONCE, WITHDRAWALS_PATH
from counterfoil.bureau.jose import REQUEST_BYTES_MAX
from counterfoil.bureau.membership import AUTHORITY
from counterfoil.simulator.bureau.bureau import Bureau, Reply
from counterfoil.simulator.bureau.faults import Fault, FaultPlan
from counterfoil.simulator.bureau.member import CERTIFICATE, CERTIFICATE_KEY

#: How long a lost answer keeps its caller waiting; callers give up sooner.
LOST_S: Final = 30
_PEER: Final = "peer_sha256"
_LENGTH_REQUIRED: Final = 411
_TOO_LARGE: Final = 413

#: The present instant in POSIX seconds.
Now = Callable[[], int]


class FaultsBody(BaseModel):
    """The plan of what goes wrong."""

    model_config = ConfigDict(extra="forbid")

    by_person: dict[str, Fault] = {}
    upcoming: list[Fault] = []
    slow_s: Annotated[int, Field(ge=0, le=60)] = 3


class DateBody(BaseModel):
    """The calendar of the bureau's reports."""

    model_config = ConfigDict(extra="forbid")

    today: date


class WithdrawalsBody(BaseModel):
    """Consents that were withdrawn, by the identifier of their records."""

    model_config = ConfigDict(extra="forbid")

    consents: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=10_000)
    ]


def make_app(bureau: Bureau, *, now: Now, is_sandbox: bool) -> FastAPI:
    """Return the bureau as a web application."""
    app = FastAPI(title="Reference bureau", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post(PATH)
    async def inquire(request: Request) -> Response:
        text = await _text(request, REQUEST_BYTES_MAX)
        return await _send(bureau.handle(text, _peer(request), now=now()))

    @app.post(BATCH_PATH)
    async def inquire_many(request: Request) -> Response:
        text = await _text(request, REQUEST_BYTES_MAX * QUESTIONS_AT_ONCE)
        replies = _handle_many(bureau, text, _peer(request), now=now())
        await asyncio.sleep(max((reply.after_s for reply in replies), default=0))
        return Response(_batch(replies), media_type="application/json")

    @app.post(WITHDRAWALS_PATH)
    async def withdraw(request: Request, body: WithdrawalsBody) -> Response:
        if not bureau.note_withdrawn(_peer(request), body.consents):
            raise HTTPException(403, "no member's certificate")
        return Response(status_code=204)

    if is_sandbox:
        _add_operators_routes(app, bureau)
    return app


def _add_operators_routes(app: FastAPI, bureau: Bureau) -> None:
    @app.get("/faults")
    async def faults() -> FaultsBody:
        plan = bureau.plan
        return FaultsBody(
            by_person=dict(plan.by_person), upcoming=plan.upcoming, slow_s=plan.slow_s
        )

    @app.put("/faults")
    async def set_faults(body: FaultsBody) -> FaultsBody:
        bureau.plan = FaultPlan(
            by_person=dict(body.by_person), upcoming=list(body.upcoming), slow_s=body.slow_s
        )
        return body

    @app.post("/date")
    async def set_date(body: DateBody) -> DateBody:
        bureau.today = body.today
        return body

    @app.get("/counts")
    async def counts() -> dict[str, int]:
        return {
            "answered": bureau.books.next_inquiry_no() - 1,
            "refused": bureau.books.refusals_count(),
        }


def _peer(request: Request) -> bytes:
    peer: bytes = request.scope["state"][_PEER]
    return peer


async def _text(request: Request, bytes_max: int) -> str:
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(_LENGTH_REQUIRED)
    if int(length) > bytes_max:
        raise HTTPException(_TOO_LARGE)
    return (await request.body()).decode("ascii", "replace")


async def _send(reply: Reply) -> Response:
    if reply.after_s:
        await asyncio.sleep(reply.after_s)
    if reply.is_lost:
        await asyncio.sleep(LOST_S)
        return Response(status_code=504)
    return Response(_body(reply), status_code=reply.status, media_type="application/json")


def _handle_many(bureau: Bureau, text: str, peer_sha256: bytes, *, now: int) -> list[Reply]:
    """Answer requests line by line; all of it is durable before any of it is sent."""
    tokens = text.split("\n")
    if len(tokens) > QUESTIONS_AT_ONCE:
        raise HTTPException(_TOO_LARGE)
    with bureau.books.together():
        return [bureau.handle(token, peer_sha256, now=now) for token in tokens]


def _batch(replies: list[Reply]) -> bytes:
    """Return the answers of a batch; one that gets lost on the way is not among them."""
    arriving = [reply for reply in replies if not reply.is_lost]
    return orjson.dumps([{**_fields(reply), "status": reply.status} for reply in arriving])


def _body(reply: Reply) -> bytes:
    return orjson.dumps(_fields(reply))


def _fields(reply: Reply) -> dict[str, object]:
    body: dict[str, object] = {"jti": reply.jti}
    if reply.reference:
        body["reference"] = reply.reference
    if reply.code:
        body["code"] = reply.code
    if reply.sealed is not None:
        body["sealed"] = base64.b64encode(reply.sealed).decode()
    return body


class _PeerProtocol(HttpToolsProtocol):
    """Knows whose certificate the connection has; every request of it carries the thumbprint."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True)
        assert certificate, "a connection without a certificate does not come this far"
        self.app_state = {**self.app_state, _PEER: hashlib.sha256(certificate).digest()}


def server_of(app: FastAPI, home: Path, *, host: str, port: int) -> uvicorn.Server:
    """Return the server of an application with the certificates of a bureau's directory."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        http=_PeerProtocol,
        timeout_graceful_shutdown=1,
        ssl_certfile=home / CERTIFICATE,
        ssl_keyfile=home / CERTIFICATE_KEY,
        ssl_ca_certs=str(home / AUTHORITY),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return uvicorn.Server(config)
