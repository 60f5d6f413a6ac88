"""Reconciling a day: a sound day agrees, and each planted difference is found, aged and cleared."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.journeys.paying.reconcile import (
    DayReconciliation,
    reconcile_day,
    take_rail_statement,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import ReturnCredit
from counterfoil.payments.order import reference_of
from counterfoil.payments.port import alone
from counterfoil.payments.relay import PayoutRelay
from counterfoil.simulator.bank.bank import Bank, Order
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.statement_file import write_statement

C1, L1 = 11, 21
RAIL = "bank"
NEXT = FIRST_DATE + timedelta(days=1)
Found = dict[str, set[str]]


@dataclass
class Money:
    """A branch whose payouts go over a bank that does what it is told."""

    branch: Branch
    bank: Bank
    relay: PayoutRelay

    async def lend(self, amount_minor: int = 100_000) -> int:
        loan_id = await self.branch.draw(C1, L1, amount_minor)
        await self.relay.drain()
        return loan_id

    async def reconcile(self, on: date = FIRST_DATE) -> DayReconciliation:
        """Take the day's statement and reconcile the day."""
        taken = await take_rail_statement(
            self.branch.house, write_statement(self.bank, on), rail=RAIL, on=on
        )
        assert not isinstance(taken, Refused), taken
        await self.relay.drain()
        return await self.again(on)

    async def again(self, on: date = FIRST_DATE) -> DayReconciliation:
        found = await reconcile_day(self.branch.house, rail=RAIL, on=on)
        assert isinstance(found, DayReconciliation), found
        return found

    async def corrupt(self, *statements: str) -> None:
        """Change what nothing in the program would ever change."""
        async with self.branch.house.database.transaction() as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                touched = await connection.execute(statement)
                assert not touched.endswith(" 0"), statement

    async def next_day(self) -> date:
        await self.branch.close_to(await self.branch.on() + timedelta(days=1))
        return await self.branch.on()


@pytest.fixture
async def money(database_url: str, tmp_path: Path) -> AsyncIterator[Money]:
    async with open_branch(database_url, tmp_path) as branch:
        yield await open_money(branch)


async def open_money(branch: Branch) -> Money:
    """Open a line and a way for its payouts."""
    await branch.get(an_opening(C1, L1))
    house, bank = branch.house, Bank()
    relay = PayoutRelay(
        house.database,
        rails=alone(DirectRail(bank, name=RAIL)),
        books=PayoutBooks(house),
        clock=house.clock,
        business_date=house.business_date,
        worker="worker-1",
    )
    await relay.consumer.register()
    return Money(branch, bank, relay)


def causes(found: DayReconciliation) -> Found:
    grouped: Found = {}
    for one in found.open_differences:
        grouped.setdefault(one.difference.reference, set()).add(one.difference.cause.value)
    return grouped


async def test_a_sound_day_agrees_on_all_three_sides(money: Money) -> None:
    for amount in (100_000, 50_000, 70_000):
        await money.lend(amount)
    found = await money.reconcile()
    run = found.run
    assert (run.orders_count, run.lines_count, run.bookings_count) == (3, 3, 3)
    assert (run.matched_count, run.matched_minor) == (3, 220_000)
    assert found.open_differences == ()
    assert set(found.ages.values()) == {0}


async def test_returned_credit_is_an_order_like_any_other(money: Money) -> None:
    await money.lend(100_000)
    await money.branch.repay(C1, L1, 103_000)
    await money.branch.get(
        ReturnCredit(
            customer_id=C1, line_id=L1, amount_minor=3_000, currency="CNY", payee_ref="acct"
        )
    )
    await money.relay.drain()
    run = (await money.reconcile()).run
    assert (run.matched_count, run.matched_minor) == (2, 103_000)


async def test_without_the_statement_nothing_is_compared(money: Money) -> None:
    await money.lend()
    refused = await reconcile_day(money.branch.house, rail=RAIL, on=FIRST_DATE)
    assert isinstance(refused, Refused)
    assert refused.code == "statement_missing"
    assert await money.branch.value("SELECT count(*) FROM payments.reconciliation") == 0


async def test_a_payout_missing_on_the_statement_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt("DELETE FROM payments.statement_line")
    assert causes(await money.again()) == {reference_of(loan_id): {"missing_on_statement"}}


async def test_money_that_nobody_ordered_is_found_and_stays_in_question(money: Money) -> None:
    money.bank.order(
        Order(
            reference="pm_stranger",
            amount_minor=500,
            currency="CNY",
            payee="acct",
            requested_on=FIRST_DATE,
        )
    )
    found = await money.reconcile()
    assert causes(found) == {"pm_stranger": {"unknown_on_statement"}}
    assert found.open_differences[0].difference.customer_id == 0
    later = await money.reconcile(await money.next_day())
    assert causes(later) == {"pm_stranger": {"unknown_on_statement"}}
    assert later.open_differences[0].age_days == 1


async def test_a_line_that_stands_twice_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt(
        "INSERT INTO payments.statement_line SELECT rail, statement_date, line_no + 1, reference,"
        " payment_id, kind, amount_minor, currency, value_date, rail_reference"
        " FROM payments.statement_line"
    )
    assert causes(await money.again()) == {reference_of(loan_id): {"twice_on_statement"}}


async def test_another_amount_on_the_statement_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt("UPDATE payments.statement_line SET amount_minor = amount_minor + 1")
    found = await money.again()
    assert causes(found) == {reference_of(loan_id): {"statement_amount_differs"}}
    [one] = found.open_differences
    assert (one.difference.order_minor, one.difference.statement_minor) == (100_000, 100_001)
    assert one.difference.ledger_minor == 100_000


async def test_money_paid_for_a_payment_that_failed_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt(
        "UPDATE payments.payment SET status = 'failed', outcome = 'failed', value_date = NULL,"
        " failure_code = 'x'"
    )
    assert causes(await money.again()) == {
        reference_of(loan_id): {"paid_though_failed", "ledger_without_order"}
    }


async def test_money_paid_for_a_payment_still_open_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt(
        "UPDATE payments.payment SET status = 'unknown', outcome = NULL, value_date = NULL"
    )
    assert causes(await money.again()) == {
        reference_of(loan_id): {"paid_though_open", "ledger_without_order"}
    }


async def test_a_payout_that_came_back_later_is_found_on_that_day(money: Money) -> None:
    loan_id = await money.lend()
    assert causes(await money.reconcile()) == {}
    on = await money.next_day()
    await money.corrupt(
        f"INSERT INTO payments.statement VALUES ('bank', '{on}', repeat('0', 64), 1, now())",
        "INSERT INTO payments.statement_line SELECT rail, '2026-01-06', 1, reference, payment_id,"
        " 'returned', amount_minor, currency, '2026-01-06', rail_reference"
        " FROM payments.statement_line",
    )
    assert causes(await money.again(on)) == {reference_of(loan_id): {"returned_by_rail"}}


async def test_a_payout_missing_in_the_ledger_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt("DELETE FROM ledger.journal WHERE kind = 'disbursement'")
    assert causes(await money.again()) == {reference_of(loan_id): {"missing_in_ledger"}}


async def test_a_booking_without_an_order_is_found_and_cleared_once_it_is_taken_back(
    money: Money,
) -> None:
    await money.lend()
    copy = (
        "INSERT INTO ledger.journal SELECT customer_id, journal_id + {step}, lender_id, currency,"
        " product_code, book_date, posted_at, kind, 77, transaction_id, accounts, {amounts}"
        " FROM ledger.journal WHERE kind = 'disbursement' AND loan_id <> 77"
    )
    await money.corrupt(copy.format(step=1, amounts="amounts"))
    found = await money.reconcile()
    assert causes(found) == {reference_of(77): {"ledger_without_order"}}
    back = "ARRAY(SELECT -a FROM unnest(amounts) WITH ORDINALITY AS u (a, n) ORDER BY n)"
    await money.corrupt(copy.format(step=2, amounts=back))
    assert causes(await money.again()) == {}


async def test_another_amount_in_the_ledger_is_found(money: Money) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt(
        "UPDATE ledger.journal SET amounts = ARRAY[100001, -100001, 100000, -100000]::bigint[]"
        " WHERE kind = 'disbursement'"
    )
    assert causes(await money.again()) == {reference_of(loan_id): {"ledger_amount_differs"}}


async def test_a_difference_keeps_its_first_day_ages_and_is_cleared_when_it_is_gone(
    money: Money,
) -> None:
    loan_id = await money.lend()
    await money.reconcile()
    await money.corrupt("DELETE FROM payments.statement_line")
    [first] = (await money.again()).open_differences
    assert (first.first_seen_on, first.age_days) == (FIRST_DATE, 0)
    found = await money.reconcile(await money.next_day())
    [later] = found.open_differences
    assert (later.first_seen_on, later.age_days) == (FIRST_DATE, 1)
    assert found.ages["up to 1"] == 1
    # The bank states on the third day what it owed on the first.
    on = await money.next_day()
    await money.corrupt(
        f"INSERT INTO payments.statement VALUES ('bank', '{on}', repeat('0', 64), 1, now())",
        "INSERT INTO payments.statement_line VALUES ('bank', '2026-01-07', 1,"
        f" '{reference_of(loan_id)}', {loan_id}, 'paid', 100000, 'CNY', '2026-01-05', 'B1')",
    )
    assert (await money.again(on)).open_differences == ()
    assert await money.branch.rows(
        "SELECT first_seen_on, last_seen_on, cleared_on FROM payments.difference"
    ) == [(FIRST_DATE, NEXT, on)]


async def test_a_day_done_again_finds_the_same_and_is_one_run(money: Money) -> None:
    await money.lend()
    first = await money.reconcile()
    again = await money.again()
    assert again.run == first.run
    assert await money.branch.value("SELECT count(*) FROM payments.reconciliation") == 1


async def test_a_payment_booked_after_the_cut_off_is_matched_on_both_days(money: Money) -> None:
    loan_id = await money.branch.draw(C1, L1, 100_000)
    house = money.branch.house
    # The bank has paid on the first day; the books hear of it on the second.
    money.bank.order(
        Order(
            reference=reference_of(loan_id),
            amount_minor=100_000,
            currency="CNY",
            payee="account-token",
            requested_on=FIRST_DATE,
        )
    )
    on = await money.next_day()
    await money.relay.drain()
    assert await money.branch.rows(
        "SELECT p.value_date, j.book_date FROM payments.payment AS p JOIN ledger.journal AS j"
        " ON j.loan_id = p.payment_id AND j.kind = 'disbursement'"
    ) == [(FIRST_DATE, on)]
    assert causes(await money.reconcile()) == {}
    assert causes(await money.reconcile(on)) == {}
    assert ids.to_text(ids.LOAN, loan_id)
    assert await house.business_date() == on


async def test_another_rail_is_not_looked_at(money: Money) -> None:
    await money.lend()
    await money.reconcile()
    await money.corrupt(
        "UPDATE payments.payment SET rail = 'other'",
        "UPDATE payments.statement_line SET rail = 'other'",
    )
    run = (await money.again()).run
    assert (run.orders_count, run.lines_count, run.bookings_count) == (0, 0, 0)
