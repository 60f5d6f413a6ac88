"""Quoting on a real database: nothing is written, and what was quoted is what is drawn and paid."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.quote import payoff_quote, quote
from counterfoil.journeys.borrowing.repay import repay
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.lending.commands import ConfirmPayout, OpenLine
from counterfoil.lending.quote import PayoffQuote, Quote
from counterfoil.lending.terms import Method
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings

ON = date(2026, 3, 1)
CUSTOMER = 71
LINE = 72


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(home=tmp_path, database_connections=2)
    clock = TestClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    async with open_house(settings, database_url, clock=clock, first_date=ON) as opened:
        line = OpenLine(
            customer_id=CUSTOMER,
            line_id=LINE,
            application_id=73,
            product_code="cash-line-open",
            product_version=1,
            limit_minor=2_000_000,
            currency="CNY",
            rate_daily_e8=35_000,
            repayment_day=15,
            contract_id=74,
            agreement_sha256=bytes(32),
        )
        assert not isinstance(await opened.counter.submit(line, idempotency_key="open"), Refused)
        yield opened


async def asked(
    house: House, *, line_id: int = LINE, amount_minor: int = 1_200_000, tenor_months: int = 12
) -> object:
    return await quote(
        house,
        customer_id=CUSTOMER,
        line_id=line_id,
        amount_minor=amount_minor,
        currency="CNY",
        tenor_months=tenor_months,
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
    )


async def drawn(house: House, *, tenor_months: int = 12) -> int:
    """Draw what was quoted, have the money arrive, and return the loan."""
    quoted = await asked(house, tenor_months=tenor_months)
    assert isinstance(quoted, Quote)
    answer = await draw(
        house,
        customer_id=CUSTOMER,
        line_id=LINE,
        amount_minor=1_200_000,
        currency="CNY",
        tenor_months=tenor_months,
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
        payee_ref="account-token",
        quote_token=quoted.token,
        idempotency_key="draw",
    )
    assert not isinstance(answer, Refused), answer
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    arrived = ConfirmPayout(
        customer_id=CUSTOMER,
        line_id=LINE,
        loan_id=loan_id,
        payment_id=74,
        value_date=ON,
        rail_reference="r1",
    )
    assert not isinstance(await house.counter.submit(arrived, idempotency_key="paid"), Refused)
    return loan_id


async def counted(database: Database) -> int:
    async with database.connection() as connection:
        count = await connection.fetchval(
            "SELECT (SELECT count(*) FROM platform.command) + (SELECT count(*) FROM "
            "platform.outbox) + (SELECT count(*) FROM lending.loan) + "
            "(SELECT count(*) FROM ledger.journal)"
        )
    assert isinstance(count, int)
    return count


async def test_a_quote_writes_nothing(house: House) -> None:
    before = await counted(house.database)
    quoted = await asked(house)
    assert isinstance(quoted, Quote)
    assert quoted.sheet.cost_minor == 77_796
    assert quoted.valid_on == ON
    assert await counted(house.database) == before


async def granted(house: House, rates: dict[int, int]) -> None:
    """Keep the decision behind the line, with prices by tenor."""
    result = {
        "rate_daily_e8": max(rates.values()),
        "tenors_months": list(rates),
        "rates_daily_e8": list(rates.values()),
    }
    async with house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO decisioning.policy_version (policy_hash, code, version, document,"
            " first_used_at) VALUES (repeat('ab', 32), 'base', '1', '{}', now())"
        )
        await connection.execute(
            "INSERT INTO decisioning.application (customer_id, application_id, product_code,"
            " product_version, currency, purpose, status, received_at) VALUES ($1, 73,"
            " 'cash-line-open', 1, 'CNY', 'travel', 'gathering', now())",
            CUSTOMER,
        )
        await connection.execute(
            "INSERT INTO decisioning.decision (customer_id, application_id, decision_no,"
            " decided_by, outcome, policy_hash, inputs, result, decided_at) VALUES ($1, 73, 1,"
            " 'policy', 'approved', repeat('ab', 32), '{}', $2, now())",
            CUSTOMER,
            orjson.dumps(result).decode(),
        )


async def test_a_drawdown_costs_what_the_decision_granted_for_its_tenor(house: House) -> None:
    await granted(house, {3: 30_000, 12: 35_000})
    assert (await asked(house)).sheet.rate_daily_e8 == 35_000  # type: ignore[attr-defined]
    short = await asked(house, tenor_months=3)
    assert isinstance(short, Quote)
    assert short.sheet.rate_daily_e8 == 30_000
    loan_id = await drawn(house, tenor_months=3)
    async with house.database.connection() as connection:
        loan = await lending.read_loan(connection, CUSTOMER, loan_id)
        line = await lending.read_line(connection, CUSTOMER, LINE)
    assert loan is not None
    assert line is not None
    assert (loan.rate_daily_e8, line.rate_daily_e8) == (30_000, 35_000)
    assert loan.penalty_daily_e8 < 30_000


async def test_no_tenor_costs_more_than_the_line(house: House) -> None:
    await granted(house, {3: 36_000, 12: 40_000})
    for tenor_months in (3, 12):
        found = await asked(house, tenor_months=tenor_months)
        assert isinstance(found, Quote)
        assert found.sheet.rate_daily_e8 == 35_000


async def test_a_quote_for_nobodys_line_is_refused(house: House) -> None:
    refused = await asked(house, line_id=1)
    assert isinstance(refused, Refused)
    assert refused.code == "line_not_found"


async def test_the_loan_that_is_drawn_carries_the_hash_of_the_sheet_that_was_shown(
    house: House,
) -> None:
    quoted = await asked(house)
    assert isinstance(quoted, Quote)
    loan_id = await drawn(house)
    async with house.database.connection() as connection:
        stored = await connection.fetchval(
            "SELECT cost_sheet_hash FROM lending.loan WHERE loan_id = $1", loan_id
        )
    assert stored == quoted.sheet.sheet_hash


async def test_paying_what_was_quoted_closes_the_loan(house: House) -> None:
    loan_id = await drawn(house)
    payoff = await payoff_quote(house, customer_id=CUSTOMER, loan_id=loan_id)
    assert isinstance(payoff, PayoffQuote)
    assert (payoff.on, payoff.amount_minor) == (ON, 1_200_000)
    later = await payoff_quote(house, customer_id=CUSTOMER, loan_id=loan_id, on=date(2026, 3, 11))
    assert isinstance(later, PayoffQuote)
    assert later.amount_minor == 1_204_200
    answer = await repay(
        house,
        customer_id=CUSTOMER,
        line_id=LINE,
        loan_id=loan_id,
        amount_minor=payoff.amount_minor,
        currency="CNY",
        value_date=None,
        channel="transfer",
        idempotency_key="repay",
    )
    assert not isinstance(answer, Refused), answer
    closed = await payoff_quote(house, customer_id=CUSTOMER, loan_id=loan_id)
    assert isinstance(closed, Refused)
    assert closed.code == "loan_closed"


async def test_a_payoff_is_quoted_for_days_to_come_only(house: House) -> None:
    loan_id = await drawn(house)
    past = await payoff_quote(house, customer_id=CUSTOMER, loan_id=loan_id, on=date(2026, 2, 28))
    assert isinstance(past, Refused)
    assert past.code == "payoff_date_past"
    nobodys = await payoff_quote(house, customer_id=CUSTOMER, loan_id=1)
    assert isinstance(nobodys, Refused)
    assert nobodys.code == "loan_not_found"
