"""Journals in PostgreSQL: balanced, append-only, and summed up by date."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.journeys.books.close_day import close_day
from counterfoil.ledger import store
from counterfoil.ledger.chart import CHART
from counterfoil.ledger.posting import Postings
from counterfoil.lending.terms import Method
from counterfoil.platform.database import Database

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
BOOK = ("lender-one", "cash-line-open", "CNY")


async def post(database: Database, *postings: tuple[list[int], list[int]], on: date) -> None:
    journals = [
        (number, BOOK, "accrual", Postings(accounts, amounts))
        for number, (accounts, amounts) in enumerate(postings, start=on.toordinal() * 100)
    ]
    async with database.connection() as connection:
        await store.add_house_journals(connection, journals, book_date=on, posted_at=NOW)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("accounts", "amounts", "constraint"),
    [
        ([1002, 1301], [100, -99], "journal_sums_to_zero"),
        ([1002, 1301], [100, 100], "journal_sums_to_zero"),
        ([1002, 1301, 1132], [100, -101, 0], "journal_"),
        ([1002, 1301, 1132], [100, -100, 0], "journal_no_empty_posting"),
        ([1002, 1301, 1132], [100, -100], "journal_account_per_amount"),
        ([1002], [0], "journal_"),
        ([], [], "journal_postings_bounded"),
        (list(range(9)), [8, *[-1] * 8], "journal_postings_bounded"),
    ],
)
async def test_a_journal_that_does_not_balance_is_refused(
    database: Database, accounts: list[int], amounts: list[int], constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await post(database, (accounts, amounts), on=FIRST_DATE)
    assert str(refused.value.constraint_name).startswith(constraint)


async def test_one_unbalanced_journal_takes_its_whole_statement_back(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await post(database, ([1002, 1301], [5, -5]), ([1002, 1301], [5, -4]), on=FIRST_DATE)
    async with database.connection() as connection:
        assert await store.totals(connection) == (0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.journal SET amounts = ARRAY[1, -1]",
        "UPDATE ledger.journal SET book_date = book_date + 1",
        "DELETE FROM ledger.journal",
        "DELETE FROM ledger.journal WHERE journal_id = 0",
    ],
)
async def test_a_posted_journal_is_never_changed_or_removed(
    database: Database, change: str
) -> None:
    await post(database, ([1002, 1301], [5, -5]), on=FIRST_DATE)
    async with database.connection() as connection:
        driver: Any = connection
        with pytest.raises(asyncpg.RaiseError, match="never changed or removed"):
            await driver.execute(change)
        assert await store.totals(connection) == (1, 5, 5)


async def test_a_journal_is_posted_once(database: Database) -> None:
    await post(database, ([1002, 1301], [5, -5]), on=FIRST_DATE)
    with pytest.raises(asyncpg.UniqueViolationError):
        await post(database, ([1002, 1301], [6, -6]), on=FIRST_DATE)


async def test_the_trial_balance_is_the_same_before_and_after_dates_are_summed_up(
    database: Database,
) -> None:
    first, second = FIRST_DATE, FIRST_DATE + timedelta(days=1)
    await post(database, ([1002, 1301], [-700, 700]), ([1002, 1132], [30, -30]), on=first)
    await post(database, ([1002, 1301], [200, -200]), on=second)
    expected = {
        # account: debits, credits by the end of the second date
        1002: (230, 700),
        1132: (0, 30),
        1301: (700, 200),
    }
    async with database.connection() as connection:
        for summed in (None, first, second):
            if summed is not None:
                await store.sum_up_day(connection, summed)
            rows = await store.trial_balance(connection, second)
            assert {r.account: (r.debit_minor, r.credit_minor) for r in rows} == expected
            early = {r.account: r for r in await store.trial_balance(connection, first)}
            assert (early[1002].debit_minor, early[1002].credit_minor) == (30, 700)
            assert await store.trial_balance(connection, first - timedelta(days=1)) == []
            receivable = await store.receivable_balances(connection)
            assert receivable == {(BOOK, 1132): -30}
        assert await store.totals(connection) == (3, 930, 930)


async def test_a_date_is_summed_up_once(database: Database) -> None:
    await post(database, ([1002, 1301], [5, -5]), on=FIRST_DATE)
    async with database.connection() as connection:
        await store.sum_up_day(connection, FIRST_DATE)
        with pytest.raises(asyncpg.UniqueViolationError):
            await store.sum_up_day(connection, FIRST_DATE)


async def test_every_movement_of_a_loan_can_be_read_as_journals(branch: Branch) -> None:
    """Hold, disbursement, payment and its reversal of 1,000.00, ten days at 0.40."""
    await branch.get(an_opening(1, 1))
    loan_id = await branch.lend(1, 1, 100_000, method=Method.ANY_TIME)
    await close_day(branch.house, to=FIRST_DATE + timedelta(days=10))
    await branch.repay(1, 1, 10_400)
    async with branch.house.database.connection() as connection:
        journals = await store.journals_of_loan(connection, 1, loan_id)
        told = [(j.kind, j.accounts, j.amounts) for j in journals]
        assert told == [
            ("hold", [9101, 9102], [100_000, -100_000]),
            ("disbursement", [1301, 1002, 9102, 9101], [100_000, -100_000, 100_000, -100_000]),
            ("repayment", [1002, 1301, 1132], [10_400, -10_000, -400]),
        ]
        assert await store.journal(connection, 1, journals[2].journal_id) == journals[2]
        assert await store.journal(connection, 2, journals[2].journal_id) is None
        span = (FIRST_DATE, FIRST_DATE + timedelta(days=20))
        of_bank = await store.journals_of_account(connection, 1002, span, page=1)
        assert of_bank == [journals[1]]
        after = (of_bank[0].journal_id, 1)
        assert await store.journals_of_account(connection, 1002, span, after=after, page=9) == [
            journals[2]
        ]
        assert {account for j in journals for account in j.accounts} <= CHART.keys()


async def test_the_view_of_postings_says_debit_and_credit(database: Database) -> None:
    await post(database, ([1002, 1132, 1301], [10, -3, -7]), on=FIRST_DATE)
    async with database.connection() as connection:
        driver: Any = connection
        rows = await driver.fetch(
            "SELECT position, account, debit_minor, credit_minor FROM ledger.posting"
            " ORDER BY position"
        )
    assert [tuple(row) for row in rows] == [(1, 1002, 10, 0), (2, 1132, 0, 3), (3, 1301, 0, 7)]
