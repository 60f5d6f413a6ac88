"""The simulated bank's interface for debits, over HTTP.

Debits      `POST /debits`, `GET /debits/{reference}`, `GET /debit-statements/{date}`.
Operators   From this machine only: `GET` and `PUT /debit-faults`.
Callbacks   To the same address as those about payouts, and no more to be believed.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Final, assert_never

from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
    Returned,
)
from counterfoil.simulator.bank.bank import Callback
from counterfoil.simulator.bank.collecting import BankDebit, CollectingBank, DebitFault
from counterfoil.simulator.bank.faults import SCALE_BP

#: What the bank says in place of silence.
_SERVER_ERROR: Final = "status 500"

TellLater = Callable[[tuple[Callback, ...]], None]
KeepWaiting = Callable[[], Awaitable[Response]]
Guard = Callable[..., None]


class DebitBody(BaseModel):
    """An order to collect, as it arrives."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=64)]
    mandate: Annotated[str, Field(min_length=1, max_length=64)]
    amount_minor: Annotated[int, Field(strict=True, gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    account: Annotated[str, Field(min_length=1, max_length=200)]
    requested_on: date


class DebitFaultsBody(BaseModel):
    """What goes wrong with debits."""

    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    rates_bp: dict[DebitFault, Annotated[int, Field(ge=0, le=SCALE_BP)]] = {}
    upcoming: list[DebitFault] = []


def add_debit_routes(
    app: FastAPI,
    bank: CollectingBank,
    *,
    tell_later: TellLater,
    keep_waiting: KeepWaiting,
    only_from_here: Guard,
) -> None:
    """Serve a bank's debits; the server says how it calls back, how it is silent and who may."""

    @app.post("/debits")
    async def collect(body: DebitBody) -> Response:
        heard = bank.hear(BankDebit(**dict(body)))
        tell_later(heard.callbacks)
        return await _respond(heard.answer, body.reference, keep_waiting)

    @app.get("/debits/{reference}")
    async def ask(reference: str) -> Response:
        return await _respond(await bank.ask(reference), reference, keep_waiting)

    @app.get("/debit-statements/{day}")
    async def statement(day: date) -> PlainTextResponse:
        return PlainTextResponse(await bank.statement(day), media_type="text/csv")

    @app.get("/debit-faults", dependencies=[Depends(only_from_here)])
    async def faults() -> DebitFaultsBody:
        return DebitFaultsBody(seed=bank.seed, rates_bp=bank.rates_bp, upcoming=bank.upcoming)

    @app.put("/debit-faults", dependencies=[Depends(only_from_here)])
    async def set_faults(body: DebitFaultsBody) -> DebitFaultsBody:
        if sum(body.rates_bp.values()) > SCALE_BP:
            raise HTTPException(422, "rates are basis points that sum to at most 10,000")
        bank.seed, bank.rates_bp, bank.upcoming = body.seed, body.rates_bp, body.upcoming
        return body


async def _respond(answer: Answer, reference: str, keep_waiting: KeepWaiting) -> Response:
    about: dict[str, object] = {"reference": reference}
    match answer:
        case Paid() | Returned():
            is_paid = isinstance(answer, Paid)
            day = answer.value_date if isinstance(answer, Paid) else answer.returned_on
            about |= {
                "status": "succeeded" if is_paid else "returned",
                "amount_minor": answer.amount_minor,
                "currency": answer.currency,
                "value_date" if is_paid else "returned_on": day.isoformat(),
                "rail_reference": answer.rail_reference,
            }
            return JSONResponse(about)
        case Declined():
            return JSONResponse(about | {"status": "failed", "code": answer.code})
        case Pending():
            return JSONResponse(about | {"status": "pending"})
        case Conflict():
            return JSONResponse(about | {"status": "conflict"}, 409)
        case NotSeen():
            return JSONResponse(about | {"status": "not_seen"}, 404)
        case NoAnswer(reason):
            return Response(status_code=500) if reason == _SERVER_ERROR else await keep_waiting()
        case _:
            assert_never(answer)
