"""Fees of rails: booked once as the lender's cost, and held against what the statement asks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import FIRST_DATE, open_branch
from tests.store.test_reconcile import RAIL, Money, causes, open_money

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.paying.rail_fees import book_fees
from counterfoil.journeys.paying.reconcile import reconcile_closed_days, take_rail_statement
from counterfoil.kernel.errors import Refused
from counterfoil.payments.order import reference_of
from counterfoil.payments.rail_terms import Fee
from counterfoil.simulator.bank.statement_file import statement_text


@pytest.fixture
async def money(database_url: str, tmp_path: Path) -> AsyncIterator[Money]:
    async with open_branch(database_url, tmp_path) as branch:
        money = await open_money(branch)
        house = branch.house
        dear = [replace(terms, fee=Fee(fixed_minor=25)) for terms in house.rails]
        branch.house = replace(house, rails=dear)
        yield money


async def statement_with_fees(money: Money, *, fee_minor: int) -> None:
    """Take the day's statement with a fee behind every payment."""
    lines: list[tuple[Any, ...]] = []
    for number, (entry, _, amount) in enumerate(money.bank.statement_lines(FIRST_DATE)):
        mark = (entry.currency, FIRST_DATE)
        lines.append((entry.reference, "paid", amount, *mark, entry.rail_reference))
        lines.append((entry.reference, "fee", fee_minor, *mark, f"fee-{number}"))
    house, text = money.branch.house, statement_text(lines)
    taken = await take_rail_statement(house, text, rail=RAIL, on=FIRST_DATE)
    assert not isinstance(taken, Refused), taken


async def test_a_fee_is_booked_once_as_a_cost_and_agrees_with_the_statement(money: Money) -> None:
    await money.lend(100_000)
    await money.lend(50_000)
    house = money.branch.house
    assert await book_fees(house) == 2
    assert await book_fees(house) == 0
    cost = "SELECT sum(amount_minor) FROM ledger.posting WHERE account = 6421"
    assert await money.branch.value(cost) == 50
    await statement_with_fees(money, fee_minor=25)
    assert causes(await money.again()) == {}
    await money.next_day()
    report = await check_books(house.database, house.catalogue)
    assert {name: one.exceptions for name, one in report.checks.items() if not one.ok} == {}


async def test_a_fee_that_was_not_agreed_is_a_difference_of_its_rail(money: Money) -> None:
    loan_id = await money.lend(100_000)
    await book_fees(money.branch.house)
    await statement_with_fees(money, fee_minor=26)
    found = await money.again()
    assert causes(found) == {reference_of(loan_id): {"fee_differs"}}
    assert found.ages_by_rail[RAIL]["up to 1"] == 1


async def test_closed_days_are_fetched_and_reconciled_by_themselves(money: Money) -> None:
    await money.lend(100_000)
    house, relay = money.branch.house, money.relay
    assert await reconcile_closed_days(house, relay) == 1, "the day before the first is over"
    await money.next_day()
    await money.next_day()
    assert await reconcile_closed_days(house, relay) == 2
    assert await reconcile_closed_days(house, relay) == 0
    count = "SELECT count(*) FROM payments.reconciliation WHERE differences_count = 0"
    assert await money.branch.value(count) == 3
