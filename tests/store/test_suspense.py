"""Suspended payments, resolved by two people; statements and differences."""

from datetime import date, timedelta

import asyncpg
import pytest
from tests.store.payments_desk import TODAY, Desk, by_hand, make_bank, make_desk, ready

from counterfoil.kernel.errors import Refused
from counterfoil.payments import reconciliation_store, suspense, suspense_store
from counterfoil.payments.order import reference_of
from counterfoil.payments.reconciliation import Difference, DifferenceCause
from counterfoil.payments.relay import PayoutRelay
from counterfoil.payments.suspense import Proposal, Resolution
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault


async def suspended(database: Database) -> tuple[Desk, PayoutRelay, CaseKey]:
    desk, _ = make_desk(database, Fault.WRONG_AMOUNT_BOOKED)
    relay = await ready(desk)
    await desk.order(7)
    for _ in range(2):
        await relay.drain()
        desk.clock.advance(timedelta(seconds=5))
    return desk, relay, CaseKey(customer_id=70, payment_id=7, case_no=1)


FAILED = Proposal(resolution=Resolution.FAILED, value_date=None, note="recalled by the bank")


async def test_two_people_resolve_a_case_and_the_books_hear_of_it(database: Database) -> None:
    desk, relay, key = await suspended(database)
    async with database.connection() as connection:
        rows = await suspense_store.open_suspense(connection)
    assert [(row["payment_id"], row["cause"]) for row in rows] == [(7, "wrong_amount")]
    assert await by_hand(desk, suspense.propose, key, FAILED, person="ann") is None
    same = await by_hand(desk, suspense.approve, key, person="ann")
    assert isinstance(same, Refused)
    assert same.code == "suspense_same_person"
    assert not isinstance(await by_hand(desk, suspense.approve, key, person="bob"), Refused)
    await relay.drain()
    assert await desk.status(7) == "failed"
    assert desk.books.failed_loans == [7]
    again = await by_hand(desk, suspense.approve, key, person="eve")
    assert isinstance(again, Refused)
    assert again.code == "suspense_not_open"


async def test_nothing_is_approved_that_nobody_proposed(database: Database) -> None:
    desk, _, key = await suspended(database)
    refused = await by_hand(desk, suspense.approve, key, person="bob")
    assert isinstance(refused, Refused)
    assert refused.code == "suspense_not_proposed"


async def test_a_success_needs_its_value_date(database: Database) -> None:
    desk, _, key = await suspended(database)
    proposal = Proposal(resolution=Resolution.SUCCEEDED, value_date=None, note="seen")
    refused = await by_hand(desk, suspense.propose, key, proposal, person="ann")
    assert isinstance(refused, Refused)
    assert refused.code == "suspense_value_date_missing"


async def test_the_database_refuses_one_person_in_both_places(database: Database) -> None:
    desk, _, key = await suspended(database)
    await by_hand(desk, suspense.propose, key, FAILED, person="ann")
    with pytest.raises(asyncpg.CheckViolationError, match="suspense_same_person"):
        await desk.value(
            "UPDATE payments.suspense SET second_person = 'ann', approved_at = now() RETURNING 1"
        )


# Statement and reconciliation


async def test_a_statement_is_taken_once_and_a_changed_one_is_refused(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await relay.take_statement(TODAY) == 1
    assert await relay.take_statement(TODAY) == 1
    bank.entries[reference_of(7)].amount_minor += 1
    changed = await relay.take_statement(TODAY)
    assert isinstance(changed, Refused)
    assert changed.code == "statement_changed"
    assert await desk.value("SELECT count(*) FROM payments.statement_line") == 1


async def test_a_statement_that_was_cut_off_is_refused_as_a_whole(database: Database) -> None:
    class CuttingRail(DirectRail):
        async def statement(self, business_date: date) -> str | None:
            text = await super().statement(business_date)
            assert text is not None
            return text[: len(text) // 2]

    desk = Desk(database, CuttingRail(make_bank()))
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    refused = await relay.take_statement(TODAY)
    assert isinstance(refused, Refused)
    assert refused.code == "statement_invalid"
    assert await desk.value("SELECT count(*) FROM payments.statement") == 0


async def test_differences_keep_the_day_they_were_first_seen_and_are_cleared(
    database: Database,
) -> None:
    missing = Difference(
        customer_id=70,
        reference=reference_of(7),
        cause=DifferenceCause.MISSING_IN_LEDGER,
        order_minor=120_000,
    )
    days = [TODAY + timedelta(days=number) for number in range(3)]
    async with database.transaction() as connection:
        for day in days[:2]:
            await reconciliation_store.record_differences(
                connection, [missing], rail="bank", day=day, compared=[missing.reference]
            )
        (row,) = await reconciliation_store.open_differences(connection)
        assert (row["first_seen_on"], row["last_seen_on"]) == (days[0], days[1])
        await reconciliation_store.record_differences(
            connection, [], rail="bank", day=days[2], compared=["pm_other"]
        )
        assert len(await reconciliation_store.open_differences(connection)) == 1
        await reconciliation_store.record_differences(
            connection, [], rail="bank", day=days[2], compared=[missing.reference]
        )
        assert await reconciliation_store.open_differences(connection) == []
