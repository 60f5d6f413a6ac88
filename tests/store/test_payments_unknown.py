"""Payments whose outcome nobody knows yet: asked for, hinted at, shown by a statement."""

from datetime import date, timedelta

from tests.store.payments_desk import TODAY, Desk, make_bank, make_desk, ready

from counterfoil.payments import store
from counterfoil.payments.order import PayoutOrder, reference_of
from counterfoil.payments.rail import ASK_FOR, SENDS_MAX, VERIFICATIONS_MAX, Answer, NoAnswer
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault


async def test_a_lost_answer_is_asked_for_and_not_sent_again(database: Database) -> None:
    desk, _ = make_desk(database, Fault.TIMEOUT_AFTER_ACCEPT)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "unknown"
    assert desk.books.calls == 0
    desk.clock.advance(timedelta(seconds=2))
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    async with database.connection() as connection:
        rows = await store.attempts(connection, customer_id=70, payment_id=7)
    assert [(row["act"], row["answer"]) for row in rows] == [("send", "no_answer"), ("ask", "paid")]
    assert {row["reference"] for row in rows} == {reference_of(7)}


async def test_what_the_bank_has_not_seen_is_sent_again_under_the_same_reference(
    database: Database,
) -> None:
    desk, bank = make_desk(database, Fault.TIMEOUT_BEFORE_ACCEPT)
    relay = await ready(desk)
    await desk.order(7)
    for _ in range(3):
        await relay.drain()
        desk.clock.advance(timedelta(seconds=5))
    assert await desk.status(7) == "succeeded"
    assert list(bank.entries) == [reference_of(7)]
    assert await desk.value("SELECT sends FROM payments.payment") == 2


async def test_a_rail_without_idempotent_references_is_never_sent_to_twice(
    database: Database,
) -> None:
    bank = make_bank(Fault.TIMEOUT_BEFORE_ACCEPT)
    desk = Desk(database, DirectRail(bank, is_reference_idempotent=False))
    relay = await ready(desk)
    await desk.order(7)
    for _ in range(12):
        await relay.drain()
        desk.clock.advance(timedelta(minutes=5))
    assert await desk.value("SELECT sends FROM payments.payment") == 1
    assert await desk.status(7) == "unknown"
    await relay.take_statement(TODAY)
    assert await desk.causes() == {}
    await relay.take_statement(TODAY + timedelta(days=1))
    assert await desk.causes() == {7: "not_on_statement"}


async def test_sends_under_one_reference_are_bounded(database: Database) -> None:
    class DeafRail(DirectRail):
        """Takes nothing and has seen nothing."""

        async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
            del order, requested_on
            return NoAnswer("ReadTimeout")

    desk = Desk(database, DeafRail(make_bank()))
    relay = await ready(desk)
    await desk.order(7)
    for _ in range(40):
        await relay.drain()
        desk.clock.advance(timedelta(minutes=5))
    assert await desk.value("SELECT sends FROM payments.payment") == SENDS_MAX


async def test_asking_ends_and_the_statement_takes_over(database: Database) -> None:
    desk, bank = make_desk(database, Fault.TIMEOUT_AFTER_ACCEPT)
    relay = await ready(desk)
    bank.plan.silent_asks_bp = 10_000
    await desk.order(7)
    for _ in range(int(ASK_FOR / timedelta(minutes=10)) + 10):
        await relay.drain()
        desk.clock.advance(timedelta(minutes=10))
    assert await desk.value("SELECT next_act_at FROM payments.payment") is None
    assert await desk.status(7) == "unknown"
    assert await relay.take_statement(TODAY) == 1
    await relay.drain()
    assert await desk.status(7) == "succeeded"


async def test_a_garbled_amount_is_asked_about_before_it_is_believed(database: Database) -> None:
    desk, _ = make_desk(database, Fault.WRONG_AMOUNT_ANSWERED)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "unknown"
    desk.clock.advance(timedelta(seconds=2))
    await relay.drain()
    assert await desk.status(7) == "succeeded"


async def test_a_wrong_amount_in_the_bank_s_books_is_never_confirmed(database: Database) -> None:
    desk, _ = make_desk(database, Fault.WRONG_AMOUNT_BOOKED)
    relay = await ready(desk)
    await desk.order(7)
    for _ in range(5):
        await relay.drain()
        desk.clock.advance(timedelta(minutes=10))
    await relay.take_statement(TODAY)
    await relay.drain()
    assert await desk.status(7) == "unknown"
    assert await desk.causes() == {7: "wrong_amount"}
    assert desk.books.calls == 0


async def test_another_order_under_our_reference_goes_to_people(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    other = PayoutOrder(
        customer_id=1,
        payment_id=7,
        line_id=1,
        loan_id=7,
        amount_minor=5,
        currency="CNY",
        payee_ref="pa_x",
        lender_id="lender-1",
        business_date=TODAY,
    )
    await DirectRail(bank).pay_out(other, requested_on=TODAY)
    await relay.drain()
    assert await desk.causes() == {7: "reference_conflict"}


# Hints


async def test_a_hint_brings_the_question_forward_and_is_not_believed(database: Database) -> None:
    desk, bank = make_desk(database, Fault.TIMEOUT_AFTER_ACCEPT)
    relay = await ready(desk)
    bank.plan.silent_asks_bp = 10_000
    await desk.order(7)
    for _ in range(7):
        await relay.drain()
        desk.clock.advance(timedelta(seconds=20))
    bank.plan.silent_asks_bp = 0
    before = desk.clock.now()
    await relay.drain()
    assert await desk.status(7) == "unknown"
    assert await relay.take_hint(reference_of(7))
    await relay.drain()
    assert desk.clock.now() == before
    assert await desk.status(7) == "succeeded"


async def test_hints_about_finished_payments_change_nothing_twice(database: Database) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    taken = [await relay.take_hint(reference_of(7)) for _ in range(15)]
    assert taken.count(True) == VERIFICATIONS_MAX
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert desk.books.calls == 1
    assert await desk.causes() == {}
    assert not await relay.take_hint("pm_0000000000000")
    assert not await relay.take_hint("nonsense")


async def test_a_hint_uncovers_a_reversal_for_two_people(database: Database) -> None:
    desk, bank = make_desk(database, Fault.LATE_REVERSAL)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    bank.move_to(TODAY + timedelta(days=1))
    assert await relay.take_hint(reference_of(7))
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert await desk.causes() == {7: "late_reversal"}
