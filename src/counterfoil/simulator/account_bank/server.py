"""The simulated bank of accounts over HTTP.

Lenders     `GET /consents/{consent}/statements` with the bearer token, if the bank wants one.
Customers   `PUT /consents/{consent}`: let the lender read an account; `DELETE` takes it back.
Operators   `GET /counts`; `PUT /manner` with `{"manner": "up|down|slow|malformed|…"}`.
"""

import asyncio
import base64
from datetime import date
from typing import Annotated, Final, Literal

import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from counterfoil.simulator.account_bank.account_bank import Account, AccountBank, Manner

#: Longer than callers wait.
SLOW_SECONDS: Final = 30.0


class AccountBody(BaseModel):
    """The account that its holder lets the lender read."""

    model_config = ConfigDict(extra="forbid")

    holder: Annotated[str, Field(min_length=1, max_length=80)]
    number: Annotated[str, Field(min_length=1, max_length=40)]
    form: Literal["csv", "camt.053"] = "csv"
    first_month: date
    months: Annotated[int, Field(ge=1, le=36)] = 6
    income_minor: Annotated[int, Field(ge=0)] = 1_000_000
    repaid_minor: Annotated[int, Field(ge=0)] = 200_000


class MannerBody(BaseModel):
    """How the bank is to behave from now on."""

    model_config = ConfigDict(extra="forbid")

    manner: Manner


def make_app(bank: AccountBank, *, slow_seconds: float = SLOW_SECONDS) -> FastAPI:
    """Return the bank as a web application."""
    app = FastAPI(title="Bank of accounts", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/consents/{consent}/statements")
    async def statements(request: Request, consent: str) -> Response:
        bank.asked += 1
        if bank.token and request.headers.get("authorization") != f"Bearer {bank.token}":
            return Response(status_code=401)
        return await _answer(bank, consent, slow_seconds)

    @app.put("/consents/{consent}")
    async def permit(consent: str, body: AccountBody) -> Response:
        bank.permitted[consent] = Account(**body.model_dump())
        return Response(status_code=204)

    @app.delete("/consents/{consent}")
    async def take_back(consent: str) -> Response:
        bank.permitted.pop(consent, None)
        return Response(status_code=204)

    @app.put("/manner")
    async def change(body: MannerBody) -> MannerBody:
        bank.manner = body.manner
        return body

    @app.get("/counts")
    async def counts() -> dict[str, int]:
        return {"asked": bank.asked, "permitted": len(bank.permitted)}

    return app


async def _answer(bank: AccountBank, consent: str, slow_seconds: float) -> Response:
    """Answer in the manner of the moment."""
    match bank.manner:
        case Manner.DOWN:
            return Response(status_code=503)
        case Manner.ELSEWHERE:
            return Response(status_code=307, headers={"location": "http://127.0.0.1:9/elsewhere"})
        case Manner.MALFORMED:
            return Response(b'{"statements": [{"form": "csv"', media_type="application/json")
        case Manner.SLOW:
            await asyncio.sleep(slow_seconds)
        case _:
            pass
    account = bank.permitted.get(consent)
    if account is None:
        return Response(status_code=403)
    reference, content = bank.statement(account)
    file = {
        "reference": reference,
        "form": account.form,
        "currency": "CNY",
        "content": base64.b64encode(content).decode(),
    }
    body = orjson.dumps({"consent": consent, "statements": [file]})
    return Response(body, media_type="application/json")
