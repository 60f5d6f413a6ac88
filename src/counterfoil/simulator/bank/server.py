"""The simulated bank over HTTP.

Payouts     `POST /payouts`, `GET /payouts/{reference}`, `GET /statements/{date}`.
Debits      `POST /debits` and what belongs to it; see `collecting_server`.
Payees      `POST /payee-checks` says whether an account is in a name.
Operators   From this machine only: `GET` and `PUT /faults`, `POST /date`, `GET /counts`, and
            `PUT /accounts/{payee}` for whose an account is, and `POST /receipts` for money that
            somebody sends to the lender, with what shall go wrong with it.
Callbacks   Sent to one address, once or twice or never, before or after the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Final

import httpx
import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from counterfoil.simulator.bank.bank import Bank, Callback, Handling, Manner, Order, Reply
from counterfoil.simulator.bank.collecting import CollectingBank
from counterfoil.simulator.bank.collecting_server import add_debit_routes
from counterfoil.simulator.bank.faults import Fault, FaultPlan
from counterfoil.simulator.bank.receipts import ReceiptFault
from counterfoil.simulator.bank.statement_file import write_statement

#: How long a silent bank keeps its caller waiting; callers give up sooner.
SILENCE_SECONDS: Final = 30

#: Longest wait for whoever takes callbacks.
CALLBACK_SECONDS_MAX: Final = 2

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})

_log = structlog.get_logger(__name__)


class OrderBody(BaseModel):
    """An order to pay, as it arrives."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=64)]
    amount_minor: Annotated[int, Field(strict=True, gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    payee: Annotated[str, Field(min_length=1, max_length=200)]
    requested_on: date


class ReceiptBody(BaseModel):
    """Money that somebody sends to the lender, and what they write on it."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=140)]
    amount_minor: Annotated[int, Field(strict=True, gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    received_on: date
    #: The lender's account that it goes to, and who sends it; this bank may say neither.
    account: Annotated[str, Field(max_length=64)] = ""
    payer_name: Annotated[str, Field(max_length=200)] = ""
    #: What goes wrong with it on the way to the lender's statements.
    fault: ReceiptFault = ReceiptFault.NONE


class PayeeBody(BaseModel):
    """An account, and the name in which it should be."""

    model_config = ConfigDict(extra="forbid")

    payee: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]


class HolderBody(BaseModel):
    """In whose name an account is; without one the bank cannot say."""

    model_config = ConfigDict(extra="forbid")

    holder: Annotated[str, Field(min_length=1, max_length=200)] | None


class FaultsBody(BaseModel):
    """The plan of what goes wrong."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    rates_bp: dict[Fault, int] = {}
    silent_asks_bp: int = 0
    upcoming: list[Fault] = []


class DateBody(BaseModel):
    """The bank's new date."""

    model_config = ConfigDict(extra="forbid")

    today: date


def make_app(
    bank: Bank, collecting: CollectingBank | None = None, *, callback_url: str | None = None
) -> FastAPI:
    """Return the bank as a web application; without one that collects it remembers no debits."""
    caller, debits = _Caller(callback_url), collecting or CollectingBank()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with caller:
            yield

    app = FastAPI(title="Simulated bank", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.post("/payee-checks")
    async def check_payee(body: PayeeBody) -> dict[str, str]:
        answers = {True: "matches", False: "differs", None: "not_known"}
        return {"result": answers[bank.holds(body.payee, body.name)]}

    @app.post("/payouts")
    async def order(body: OrderBody) -> Response:
        return await _respond(bank.order(Order(**dict(body))), body.reference, caller)

    @app.get("/payouts/{reference}")
    async def ask(reference: str) -> Response:
        return await _respond(bank.ask(reference), reference, caller)

    @app.get("/statements/{day}")
    async def statement(day: date) -> PlainTextResponse:
        return PlainTextResponse(write_statement(bank, day), media_type="text/csv")

    _add_operators_routes(app, bank, debits)
    add_debit_routes(
        app,
        debits,
        tell_later=caller.tell_later,
        keep_waiting=_keep_waiting,
        only_from_here=_only_from_here,
    )
    return app


def _add_operators_routes(app: FastAPI, bank: Bank, debits: CollectingBank) -> None:
    @app.get("/faults", dependencies=[Depends(_only_from_here)])
    async def faults() -> FaultsBody:
        plan = bank.plan
        return FaultsBody(
            seed=plan.seed,
            rates_bp=dict(plan.rates_bp),
            silent_asks_bp=plan.silent_asks_bp,
            upcoming=plan.upcoming,
        )

    @app.put("/faults", dependencies=[Depends(_only_from_here)])
    async def set_faults(body: FaultsBody) -> FaultsBody:
        try:
            bank.plan = FaultPlan(**dict(body))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return body

    @app.put("/accounts/{payee}", dependencies=[Depends(_only_from_here)])
    async def name_account(payee: str, body: HolderBody) -> HolderBody:
        bank.name_account(payee, body.holder)
        return body

    @app.post("/date", dependencies=[Depends(_only_from_here)])
    async def set_date(body: DateBody) -> DateBody:
        bank.move_to(body.today)
        debits.move_to(body.today)
        assert bank.today is not None
        return DateBody(today=bank.today)

    @app.post("/receipts", dependencies=[Depends(_only_from_here)])
    async def receive(body: ReceiptBody) -> dict[str, str]:
        receipt = bank.receive(
            body.reference,
            body.amount_minor,
            body.currency,
            on=body.received_on,
            account=body.account,
            payer_name=body.payer_name,
            fault=body.fault,
        )
        return {
            "rail_reference": receipt.rail_reference,
            "value_date": receipt.value_date.isoformat(),
        }

    @app.get("/counts", dependencies=[Depends(_only_from_here)])
    async def counts() -> dict[str, int]:
        return dict(bank.counts())


def _only_from_here(request: Request) -> None:
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(403, "operators' routes answer to this machine alone")


async def _respond(handling: Handling, reference: str, caller: "_Caller") -> Response:
    await caller.tell(handling.callbacks_before)
    caller.tell_later(handling.callbacks_after)
    match handling.manner:
        case Manner.ANSWER:
            assert handling.reply is not None
            return JSONResponse(_body(handling.reply))
        case Manner.SILENCE:
            return await _keep_waiting()
        case Manner.SERVER_ERROR:
            return Response(status_code=500)
        case Manner.CONFLICT:
            return JSONResponse({"reference": reference, "status": "conflict"}, 409)
        case Manner.NOT_SEEN:
            return JSONResponse({"reference": reference, "status": "not_seen"}, 404)


async def _keep_waiting() -> Response:
    """Say nothing for longer than anybody waits."""
    await asyncio.sleep(SILENCE_SECONDS)
    return Response(status_code=504)


def _body(reply: Reply) -> dict[str, object]:
    body: dict[str, object] = {"reference": reply.reference, "status": reply.status.value}
    if reply.code is not None:
        return body | {"code": reply.code}
    body |= {
        "amount_minor": reply.amount_minor,
        "currency": reply.currency,
        "value_date": reply.value_date.isoformat(),
        "rail_reference": reply.rail_reference,
    }
    if reply.returned_on is not None:
        body["returned_on"] = reply.returned_on.isoformat()
    return body


class _Caller:
    """Sends callbacks; whether they arrive is nobody's concern here."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> None:
        if self._url is not None:
            self._client = httpx.AsyncClient(timeout=CALLBACK_SECONDS_MAX)

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def tell(self, callbacks: Iterable[Callback]) -> None:
        """Send callbacks one after the other and wait for them."""
        if self._client is None or self._url is None:
            return
        for callback in callbacks:
            body = {"reference": callback.reference, "status": callback.status.value}
            try:
                await self._client.post(self._url, json=body)
            except httpx.HTTPError as error:
                _log.info("callback_not_taken", error=type(error).__name__)

    def tell_later(self, callbacks: tuple[Callback, ...]) -> None:
        """Send callbacks after the answer."""
        if callbacks and self._client is not None:
            task = asyncio.create_task(self.tell(callbacks))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
