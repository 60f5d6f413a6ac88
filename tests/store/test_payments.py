"""Payments on a real PostgreSQL: the way of one payout, and what the database itself refuses."""

from datetime import date

import asyncpg
import pytest
from tests.store.payments_desk import TODAY, Desk, emit, make_bank, make_desk, payload, ready

from counterfoil.lending.commands import ConfirmPayout
from counterfoil.payments.order import PayoutOrder, reference_of
from counterfoil.payments.rail import Answer
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault


async def test_an_order_is_paid_once_and_the_books_are_told(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert bank.entries[reference_of(7)].amount_minor == 120_000
    assert desk.books.confirmed == {
        "payout:7:confirmed": ConfirmPayout(
            customer_id=70,
            line_id=71,
            loan_id=7,
            payment_id=7,
            value_date=TODAY,
            rail_reference=bank.entries[reference_of(7)].rail_reference,
        )
    }
    assert await relay.drain() == 0


async def test_the_same_event_twice_is_one_payment(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7, 7)
    await relay.drain()
    await desk.order(7)
    await relay.drain()
    assert len(bank.entries) == 1
    assert desk.books.confirmed_loans == [7]


async def test_a_definite_refusal_releases_the_hold(database: Database) -> None:
    desk, _ = make_desk(database, Fault.REFUSES)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "failed"
    assert desk.books.failed["payout:7:failed"].reason == "payee_account_closed"
    assert desk.books.confirmed == {}


async def test_an_order_the_rail_does_not_carry_is_never_sent(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7, amount_minor=desk.rail.contract.amount_minor_max + 1)
    await desk.order(8, amount_minor=desk.rail.contract.amount_minor_max)
    await relay.drain()
    assert await desk.status(7) == "failed"
    assert desk.books.failed["payout:7:failed"].reason == "rail_amount_above_maximum"
    assert list(bank.entries) == [reference_of(8)]


async def test_an_event_that_is_no_order_stops_nobody(database: Database) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    async with database.transaction() as connection:
        await emit(connection, 6, payload(6, amount_minor=0))
        await emit(connection, 5, "not json")
        await emit(connection, 4, payload(4), kind="something_else")
    await desk.order(7)
    await relay.drain()
    assert await desk.statuses() == {"succeeded": 1}
    assert await desk.value("SELECT count(*) FROM payments.rejected_order") == 2


async def test_the_attempt_is_committed_before_the_rail_is_called(database: Database) -> None:
    seen: list[tuple[str, str, int]] = []

    class LookingRail(DirectRail):
        async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
            async with database.connection() as connection:
                row = await connection.fetchrow(
                    "SELECT p.status, t.reference, t.act_no FROM payments.payment AS p"
                    " JOIN payments.payment_attempt AS t USING (customer_id, payment_id)"
                    " WHERE payment_id = $1",
                    order.payment_id,
                )
            seen.append((row["status"], row["reference"], row["act_no"]))
            return await super().pay_out(order, requested_on=requested_on)

    desk = Desk(database, LookingRail(make_bank()))
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert seen == [("sent", reference_of(7), 1)]


# What the database itself refuses


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("amount_minor = amount_minor + 1", "payment_order_fixed"),
        ("payee_ref = 'pa_other'", "payment_order_fixed"),
        ("status = 'unknown'", "payment_step_known"),
        ("outcome = 'failed', failure_code = 'x'", "payment_outcome_fixed"),
        ("finished_at = NULL", "payment_finished_as_the_rail_said"),
    ],
)
async def test_a_finished_payment_cannot_be_bent(
    database: Database, change: str, constraint: str
) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await desk.value(f"UPDATE payments.payment SET {change} RETURNING 1")
    assert caught.value.constraint_name == constraint


@pytest.mark.parametrize("table", ["payment_attempt", "payment_answer", "statement_line"])
async def test_what_was_asked_and_said_stays(database: Database, table: str) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    await relay.take_statement(TODAY)
    assert await desk.value(f"SELECT count(*) FROM payments.{table}") == 1
    with pytest.raises(asyncpg.RaiseError):
        await desk.value(f"DELETE FROM payments.{table} RETURNING 1")


async def test_one_loan_has_one_payout(database: Database) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    with pytest.raises(asyncpg.CheckViolationError, match="payment_out_has_a_subject"):
        await desk.value(
            "INSERT INTO payments.payment (customer_id, payment_id, direction, line_id, loan_id,"
            " lender_id, amount_minor, currency, payee_ref, rail, business_date, status,"
            " created_at) SELECT customer_id, 8, direction, line_id, loan_id, lender_id,"
            " amount_minor, currency, payee_ref, rail, business_date, 'held', created_at"
            " FROM payments.payment RETURNING 1"
        )
