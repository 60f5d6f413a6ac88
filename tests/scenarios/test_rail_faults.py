"""Thousands of payouts over a bank that goes wrong in every way: none doubled, none lost.

After the run each payout is held against the bank's own books, the truth that the product never
sees directly. Everything depends on the seed; a failing one is a scenario of its own.
"""

from collections import Counter
from datetime import timedelta

import pytest
from tests.store.payments_desk import TODAY, Desk

from counterfoil.payments import reconciliation_store
from counterfoil.payments.order import payment_id_of, reference_of
from counterfoil.payments.reconciliation import DifferenceCause, LedgerSide, reconcile
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank, Callback, Entry, PayoutStatus
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan

PAYOUTS = 2_000
AMOUNT_MINOR = 120_000
TOMORROW = TODAY + timedelta(days=1)

#: Every kind at 4 %, together 52 % of all payouts.
RATES_BP: dict[Fault, int] = {fault: 400 for fault in Fault if fault is not Fault.NONE}

#: What only people can resolve, by what went wrong at the bank.
FOR_PEOPLE = {
    Fault.WRONG_AMOUNT_BOOKED: "wrong_amount",
    Fault.LATE_REVERSAL: "late_reversal",
}


async def lead(seed: int, database: Database, *, idempotent: bool) -> tuple[Desk, Bank]:
    """Order payouts, let two workers carry them through a bad day, and take two statements."""
    bank = Bank(plan=FaultPlan(seed=seed, rates_bp=RATES_BP, silent_asks_bp=2_000))
    relays: list[PayoutRelay] = []

    async def hear(callback: Callback) -> None:
        await relays[0].take_hint(callback.reference)

    rail = DirectRail(bank, is_reference_idempotent=idempotent, on_callback=hear)
    desk = Desk(database, rail)
    relays += [desk.relay("worker-1"), desk.relay("worker-2")]
    await relays[0].consumer.register()
    for first in range(1, PAYOUTS, 500):
        await desk.order(*range(first, first + 500), amount_minor=AMOUNT_MINOR)
        for relay in relays:
            await relay.drain()
        desk.clock.advance(timedelta(seconds=30))
    for _ in range(30):
        for relay in relays:
            await relay.drain()
        desk.clock.advance(timedelta(minutes=7))
    await relays[0].take_statement(TODAY)
    await relays[0].drain()
    desk.clock.advance(timedelta(days=1))
    desk.today = TOMORROW
    await relays[0].drain()
    await relays[0].take_statement(TOMORROW)
    await relays[0].drain()
    raised = "SELECT count(*) FROM payments.payment_answer WHERE detail LIKE 'adapter raised%'"
    assert await desk.value(raised) == 0, "a defect of the adapter hides behind a doubt"
    return desk, bank


@pytest.mark.parametrize("seed", [1, 20_260_301])
async def test_every_payout_happens_once_or_lies_before_two_people(
    database: Database, seed: int
) -> None:
    desk, bank = await lead(seed, database, idempotent=True)
    causes = await desk.causes()
    confirmed, failed = set(desk.books.confirmed_loans), set(desk.books.failed_loans)
    entries = {loan: bank.entries[reference_of(loan)] for loan in range(1, PAYOUTS + 1)}

    assert len(bank.entries) == PAYOUTS, "no reference but ours, and each of ours once"
    assert desk.books.calls == len(confirmed) + len(failed), "the books were told once each"
    assert not confirmed & failed
    assert set(Fault) == {entry.fault for entry in entries.values()} | {
        # An order that was lost or late is booked by its repetition, which nothing befalls.
        Fault.TIMEOUT_BEFORE_ACCEPT,
        Fault.ANSWERS_LATE,
    }
    for loan, entry in entries.items():
        check(loan, entry, confirmed, failed, causes)
    assert (
        await desk.value(
            "SELECT count(*) FROM payments.payment"
            " WHERE status NOT IN ('succeeded', 'failed') AND suspended_at IS NULL"
        )
        == 0
    ), "by the next day nothing is in doubt that people do not know of"


def check(
    loan: int, entry: Entry, confirmed: set[int], failed: set[int], causes: dict[int, str]
) -> None:
    """Hold one payout against the bank's books."""
    cause = causes.get(loan)
    if entry.fault is Fault.STATEMENT_MISMATCH:
        # Some stand there with another amount, which is a difference, and some not at all.
        assert cause in {None, "contradiction"}
    else:
        assert cause == FOR_PEOPLE.get(entry.fault), (loan, entry.fault)
    if entry.fault is Fault.WRONG_AMOUNT_BOOKED:
        assert loan not in confirmed | failed
    elif entry.status is PayoutStatus.FAILED:
        assert loan in failed
    else:
        assert loan in confirmed
        assert entry.amount_minor == AMOUNT_MINOR


async def test_reconciliation_finds_exactly_what_went_wrong(database: Database) -> None:
    desk, bank = await lead(7, database, idempotent=True)
    ledger = [LedgerSide(loan * 10, loan, AMOUNT_MINOR) for loan in desk.books.confirmed_loans]
    async with database.connection() as connection:
        orders, lines = await reconciliation_store.sides_of_day(connection, rail="bank", day=TODAY)
    of_today = {order.payment_id for order in orders}
    found = reconcile(orders, lines, [side for side in ledger if side.payment_id in of_today])

    by_fault: dict[Fault, Counter[DifferenceCause]] = {}
    for difference in found.differences:
        fault = bank.entries[difference.reference].fault
        by_fault.setdefault(fault, Counter())[difference.cause] += 1
    assert set(by_fault) == {Fault.STATEMENT_MISMATCH, Fault.WRONG_AMOUNT_BOOKED}
    assert set(by_fault[Fault.STATEMENT_MISMATCH]) == {
        DifferenceCause.MISSING_ON_STATEMENT,
        DifferenceCause.STATEMENT_AMOUNT_DIFFERS,
    }
    wrong = sum(entry.fault is Fault.WRONG_AMOUNT_BOOKED for entry in bank.entries.values())
    assert by_fault[Fault.WRONG_AMOUNT_BOOKED] == {
        DifferenceCause.STATEMENT_AMOUNT_DIFFERS: wrong,
        DifferenceCause.PAID_THOUGH_OPEN: wrong,
    }
    named = {payment_id_of(difference.reference) for difference in found.differences}
    agreeing = [loan for loan in desk.books.confirmed_loans if loan not in named]
    assert found.matched_count == len(agreeing)
    assert found.matched_minor == AMOUNT_MINOR * len(agreeing)

    async with database.connection() as connection:
        orders, lines = await reconciliation_store.sides_of_day(
            connection, rail="bank", day=TOMORROW
        )
    returned = reconcile(orders, lines, [side for side in ledger if side.payment_id in named])
    reversed_count = sum(entry.fault is Fault.LATE_REVERSAL for entry in bank.entries.values())
    causes = Counter(difference.cause for difference in returned.differences)
    assert causes[DifferenceCause.RETURNED_BY_RAIL] == reversed_count


async def test_a_rail_that_repeats_is_never_sent_a_reference_twice(database: Database) -> None:
    desk, bank = await lead(3, database, idempotent=False)
    assert await desk.value("SELECT max(sends) FROM payments.payment") == 1
    causes = await desk.causes()
    confirmed, failed = set(desk.books.confirmed_loans), set(desk.books.failed_loans)
    for loan in range(1, PAYOUTS + 1):
        entry = bank.entries.get(reference_of(loan))
        if entry is None:
            assert causes[loan] == "not_on_statement"
            assert loan not in confirmed | failed
        else:
            check(loan, entry, confirmed, failed, causes)
