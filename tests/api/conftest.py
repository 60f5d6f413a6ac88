"""What the tests of the API share: an open house on a real database, keys, and a borrower."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr
from tests.reading_watch import alone

from counterfoil.api.app import serving, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.front import Front
from counterfoil.api.problems import load_texts
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending.commands import ConfirmPayout, OpenLine
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings

FIRST_DAY = date(2026, 3, 2)
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
#: 10,000.00 CNY at 0.035 % a day.
LIMIT_MINOR = 1_000_000
RATE_DAILY_E8 = 35_000
_keys = count(1)

Json = dict[str, Any]


def new_key() -> str:
    return f"key-{next(_keys)}"


@dataclass
class Borrower:
    """A customer with an open line."""

    customer: int
    line: int
    customer_id: str = field(init=False)
    line_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.customer_id = ids.to_text(ids.CUSTOMER, self.customer)
        self.line_id = ids.to_text(ids.LINE, self.line)


@dataclass
class Site:
    """The API as a client sees it, and the house behind it."""

    house: House
    app: Front
    desk: Desk
    client: httpx.AsyncClient

    async def secret(self, *scopes: Scope, client: str = "shop") -> str:
        """Make a key that works at once, not only when the ring looks again."""
        assert self.desk._keys is not None
        self.desk._keys._loaded_at = float("-inf")
        async with self.house.database.transaction() as connection:
            return await create_api_key(
                connection,
                api_key_id=self.house.ids.next(),
                client=client,
                scopes=scopes,
                now=self.house.clock.now(),
            )

    async def borrower(self, *, limit_minor: int = LIMIT_MINOR) -> Borrower:
        customer, line = self.house.ids.next(), self.house.ids.next()
        opened = await self.house.counter.submit(
            OpenLine(
                customer_id=customer,
                line_id=line,
                application_id=line,
                product_code="cash-line-open",
                product_version=1,
                limit_minor=limit_minor,
                currency="CNY",
                rate_daily_e8=RATE_DAILY_E8,
                repayment_day=15,
                contract_id=line,
                agreement_sha256=bytes(32),
            ),
            idempotency_key="open",
        )
        assert isinstance(opened, Answer)
        return Borrower(customer, line)

    async def post(
        self,
        path: str,
        body: object,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"Idempotency-Key": key or new_key(), "Content-Type": "application/json"}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post(path, content=content, headers={**sent, **(headers or {})})

    async def get(self, path: str, **parameters: str | list[str]) -> httpx.Response:
        return await self.client.get(path, params=parameters)

    def wish(self, borrower: Borrower, **changes: object) -> Json:
        """Return a drawdown without its quote."""
        return {
            "customer_id": borrower.customer_id,
            "line_id": borrower.line_id,
            "amount_minor": 100_000,
            "currency": "CNY",
            "tenor_months": 6,
            "method": "level_instalment",
            "purpose": "daily_consumption",
            **changes,
        }

    async def drawdown(self, borrower: Borrower, **changes: object) -> Json:
        """Return the body of a drawdown with its quote."""
        wish = self.wish(borrower, **changes)
        quoted = await self.post("/v1/quotes", wish)
        assert quoted.status_code == 200, quoted.text
        return {**wish, "payee_ref": "acct-1", "quote_token": quoted.json()["quote_token"]}

    async def draw(self, borrower: Borrower, **changes: object) -> Json:
        body = await self.drawdown(borrower, **changes)
        answered = await self.post("/v1/drawdowns", body)
        assert answered.status_code == 201, answered.text
        drawn: Json = answered.json()
        return drawn

    async def open_loan(self, borrower: Borrower, **changes: object) -> Json:
        """Draw, and let the rail confirm on the business date."""
        drawn = await self.draw(borrower, **changes)
        loan_id = ids.from_text(ids.LOAN, drawn["id"])
        await self.house.counter.submit(
            ConfirmPayout(
                customer_id=borrower.customer,
                line_id=borrower.line,
                loan_id=loan_id,
                payment_id=loan_id,
                value_date=await self.house.business_date(),
                rail_reference="rail-1",
            ),
            idempotency_key=f"confirm-{loan_id}",
        )
        return drawn

    async def books(self) -> Json:
        """Return what the books and the book of loans add up to: refused, it does not change."""
        async with self.house.database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM ledger.journal) AS journals,"
                " (SELECT count(*) FROM lending.loan) AS loans,"
                " (SELECT count(*) FROM lending.loan_transaction) AS transactions,"
                " (SELECT count(*) FROM platform.command) AS commands,"
                " (SELECT count(*) FROM platform.outbox) AS events,"
                " (SELECT sum(version) FROM lending.credit_line) AS versions,"
                " (SELECT sum(held_minor + principal_minor) FROM lending.credit_line) AS used"
            )
        return dict(row)


def settings_of(home: Path, url: str, **changes: Any) -> Settings:
    return Settings(home=home, database_url=SecretStr(url), **changes)


MakeSite = Callable[..., Any]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(
        settings_of(tmp_path, database_url),
        database_url,
        clock=TestClock(START),
        first_date=FIRST_DAY,
    ) as opened:
        yield opened


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    desk = Desk(load_texts())
    app = site_of(desk)
    async with serving(desk, house):
        transport = httpx.ASGITransport(alone(app), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            made = Site(house, app, desk, client)
            secret = await made.secret(*Scope)
            client.headers["authorization"] = f"Bearer {secret}"
            yield made
