"""A branch for tests: a house on a database of its own, and short words for what is asked of it."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.close_day import DayReport, close_day
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import (
    Agreement,
    Command,
    ConfirmPayout,
    Draw,
    FailPayout,
    OpenLine,
    Repay,
    ReverseRepayment,
)
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings

FIRST_DATE = date(2026, 1, 5)
PRODUCT = "cash-line-open"
CURRENCY = "CNY"
RATE_DAILY_E8 = 40_000
REPAYMENT_DAY = 15
#: Hash of an agreement that nobody reads here, and the note that drawdowns name.
AGREEMENT = bytes(32)
NOTE_REF = "loan-note/1/zh"


def an_opening(
    customer_id: int,
    line_id: int,
    *,
    limit_minor: int = 2_000_000,
    rate_daily_e8: int = RATE_DAILY_E8,
    repayment_day: int = REPAYMENT_DAY,
) -> OpenLine:
    return OpenLine(
        customer_id=customer_id,
        line_id=line_id,
        application_id=line_id,
        product_code=PRODUCT,
        product_version=1,
        limit_minor=limit_minor,
        currency=CURRENCY,
        rate_daily_e8=rate_daily_e8,
        repayment_day=repayment_day,
        contract_id=line_id,
        agreement_sha256=AGREEMENT,
    )


def a_draw(
    customer_id: int,
    line_id: int,
    amount_minor: int,
    *,
    on: date,
    tenor_months: int = 3,
    method: Method = Method.LEVEL_PRINCIPAL,
    rate_daily_e8: int = RATE_DAILY_E8,
    repayment_day: int = REPAYMENT_DAY,
    currency: str = CURRENCY,
    purpose: str = "travel",
) -> Draw:
    return Draw(
        customer_id=customer_id,
        line_id=line_id,
        amount_minor=amount_minor,
        currency=currency,
        tenor_months=tenor_months,
        method=method,
        purpose=purpose,
        payee_ref="account-token",
        cost_sheet_hash=bytes(32),
        agreement=Agreement(rate_daily_e8, repayment_day, 1, on, line_id, NOTE_REF, bytes(32)),
    )


def a_repayment(
    customer_id: int,
    line_id: int,
    amount_minor: int,
    *,
    loan_id: int | None = None,
    value_date: date | None = None,
    mode: Prepayment = Prepayment.NEXT_INSTALMENT,
    currency: str = CURRENCY,
) -> Repay:
    return Repay(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        value_date=value_date,
        mode=mode,
        channel="bank",
    )


class Branch:
    """A house with its counter open."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._keys = itertools.count(1)

    async def ask(self, command: Command, *, key: str | None = None) -> Answer | Refused:
        """Hand a command in under a key of its own."""
        own = key or f"key-{self.house.settings.node}-{next(self._keys)}"
        return await self.house.counter.submit(command, idempotency_key=own)

    async def get(self, command: Command, *, key: str | None = None) -> dict[str, Any]:
        """Hand in a command that has to be accepted; return its answer."""
        outcome = await self.ask(command, key=key)
        assert isinstance(outcome, Answer), outcome
        answer: dict[str, Any] = orjson.loads(outcome.text)
        return answer

    async def on(self) -> date:
        return await self.house.business_date()

    async def draw(self, customer_id: int, line_id: int, amount_minor: int, **terms: Any) -> int:
        """Draw; return the loan, which is pending."""
        command = a_draw(customer_id, line_id, amount_minor, on=await self.on(), **terms)
        return ids.from_text(ids.LOAN, (await self.get(command))["id"])

    async def confirm(self, customer_id: int, line_id: int, loan_id: int) -> None:
        await self.get(confirmation(customer_id, line_id, loan_id, on=await self.on()))

    async def lend(self, customer_id: int, line_id: int, amount_minor: int, **terms: Any) -> int:
        """Draw and have the money arrive on the same day; return the loan."""
        loan_id = await self.draw(customer_id, line_id, amount_minor, **terms)
        await self.confirm(customer_id, line_id, loan_id)
        return loan_id

    async def repay(self, customer_id: int, line_id: int, amount_minor: int, **how: Any) -> int:
        """Pay; return the repayment."""
        answer = await self.get(a_repayment(customer_id, line_id, amount_minor, **how))
        return ids.from_text(ids.REPAYMENT, answer["id"])

    async def close_to(self, day: date) -> list[DayReport]:
        """Close days until the business date is that day."""
        if await self.on() == day:
            return []
        return await close_day(self.house, to=day)

    async def faults(self) -> dict[str, object]:
        """Return what checking the books finds; payouts aside, which tests confirm themselves."""
        report = await check_books(self.house.database, self.house.catalogue)
        return {
            name: result.exceptions
            for name, result in report.checks.items()
            if not result.ok and name != "payouts"
        }

    async def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query that a test puts together."""
        async with self.house.database.connection() as connection:
            driver: Any = connection
            return [tuple(row) for row in await driver.fetch(query, *arguments)]

    async def value(self, query: str, *arguments: object) -> Any:
        return (await self.rows(query, *arguments))[0][0]


def confirmation(customer_id: int, line_id: int, loan_id: int, *, on: date) -> ConfirmPayout:
    return ConfirmPayout(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        payment_id=loan_id,
        value_date=on,
        rail_reference="rail-reference",
    )


def failure(customer_id: int, line_id: int, loan_id: int) -> FailPayout:
    return FailPayout(
        customer_id=customer_id,
        line_id=line_id,
        loan_id=loan_id,
        payment_id=loan_id,
        reason="account_closed",
    )


def reversal(customer_id: int, line_id: int, repayment_id: int) -> ReverseRepayment:
    return ReverseRepayment(
        customer_id=customer_id, line_id=line_id, repayment_id=repayment_id, reason="bounced"
    )


def settings_for(home: Path, *, node: int = 0, shards: int = 2) -> Settings:
    return Settings(home=home, node=node, engine_shards=shards)


@asynccontextmanager
async def open_branch(
    url: str, home: Path, *, first_date: date = FIRST_DATE, node: int = 0, shards: int = 2
) -> AsyncIterator[Branch]:
    """Open a house whose clock stands still, on a migrated database."""
    clock = TestClock(datetime(first_date.year, first_date.month, first_date.day, 9, tzinfo=UTC))
    settings = settings_for(home, node=node, shards=shards)
    async with open_house(settings, url, clock=clock, first_date=first_date) as house:
        yield Branch(house)
