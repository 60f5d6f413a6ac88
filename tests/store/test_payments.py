"""Payments on a real PostgreSQL: the relay step by step, constraints, leases, crashes."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from tests.store.payments_desk import TODAY, Crash, Desk, emit, payload

from counterfoil.kernel.errors import Refused
from counterfoil.payments import reconciliation_store, store, suspense, suspense_store
from counterfoil.payments.order import PayoutOrder, reference_of
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import (
    ASK_FOR,
    SENDS_MAX,
    VERIFICATIONS_MAX,
    Answer,
    Cause,
    Contract,
    Declined,
    NoAnswer,
    Paid,
)
from counterfoil.payments.reconciliation import Difference, DifferenceCause
from counterfoil.payments.relay import PayoutRelay
from counterfoil.payments.suspense import Proposal, Resolution
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan


def make_bank(*upcoming: Fault, **plan: Any) -> Bank:
    return Bank(plan=FaultPlan(upcoming=list(upcoming), **plan))


def make_desk(database: Database, *upcoming: Fault) -> tuple[Desk, Bank]:
    bank = make_bank(*upcoming)
    return Desk(database, DirectRail(bank)), bank


@dataclass
class DyingRail:
    """A rail in whose call the process dies: before or after the bank has heard."""

    inner: DirectRail
    dies: list[str] = field(default_factory=list)

    @property
    def contract(self) -> Contract:
        return self.inner.contract

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        return await self.inner.check_payee(payee_ref, name=name)

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        when = self.dies.pop(0) if self.dies else "never"
        if when == "before":
            raise Crash
        answer = await self.inner.pay_out(order, requested_on=requested_on)
        if when == "after":
            raise Crash
        return answer

    async def ask(self, reference: str) -> Answer:
        return await self.inner.ask(reference)

    async def statement(self, business_date: date) -> str | None:
        return await self.inner.statement(business_date)


@dataclass
class DeadRail:
    """A rail that is down."""

    inner: DirectRail
    is_down: bool = True
    sends: int = 0

    @property
    def contract(self) -> Contract:
        return self.inner.contract

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        return await self.inner.check_payee(payee_ref, name=name)

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        self.sends += 1
        if self.is_down:
            return NoAnswer("ConnectError")
        return await self.inner.pay_out(order, requested_on=requested_on)

    async def ask(self, reference: str) -> Answer:
        return NoAnswer("ConnectError") if self.is_down else await self.inner.ask(reference)

    async def statement(self, business_date: date) -> str | None:
        return None if self.is_down else await self.inner.statement(business_date)


async def ready(desk: Desk, worker: str = "worker-1") -> PayoutRelay:
    relay = desk.relay(worker)
    await relay.consumer.register()
    return relay


async def by_hand(desk: Desk, act: Any, *arguments: Any, person: str) -> Any:
    """Do one person's act of a case, in a transaction of its own."""
    async with desk.database.transaction() as connection:
        return await act(connection, *arguments, person=person, now=desk.clock.now())


async def take_all(relay: PayoutRelay) -> None:
    """Take every order; a transaction of a neighbouring test may hide them for a moment."""
    async with asyncio.timeout(30):
        while await relay.consumer.waiting():
            await relay.take_orders()


# The way of one payout


async def test_an_order_is_paid_once_and_the_books_are_told(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert bank.entries[reference_of(7)].amount_minor == 120_000
    assert desk.books.confirmed == {
        "payout:7:confirmed": {
            "customer_id": 70,
            "line_id": 71,
            "loan_id": 7,
            "payment_id": 7,
            "value_date": TODAY,
            "rail_reference": bank.entries[reference_of(7)].rail_reference,
            "idempotency_key": "payout:7:confirmed",
        }
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
    assert desk.books.failed["payout:7:failed"]["failure_code"] == "payee_account_closed"
    assert desk.books.confirmed == {}


async def test_an_order_the_rail_does_not_carry_is_never_sent(database: Database) -> None:
    desk, bank = make_desk(database)
    relay = await ready(desk)
    await desk.order(7, amount_minor=desk.rail.contract.amount_minor_max + 1)
    await desk.order(8, amount_minor=desk.rail.contract.amount_minor_max)
    await relay.drain()
    assert await desk.status(7) == "failed"
    assert desk.books.failed["payout:7:failed"]["failure_code"] == "rail_amount_above_maximum"
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


# Unknown


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


# Crashes and leases


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_dies_in_the_call_leaves_a_payment_that_is_asked_for(
    database: Database, when: str
) -> None:
    bank = make_bank()
    rail = DyingRail(DirectRail(bank), [when])
    desk = Desk(database, rail)
    dying = await ready(desk)
    await desk.order(7)
    await take_all(dying)
    await dying.step()
    call = next(iter(dying._calls._under_way))
    with pytest.raises(Crash):
        await call
    assert await desk.status(7) == "sent"

    heir = desk.relay("worker-2")
    assert await heir.drain() == 0, "the lease of the dead worker has not ended"
    desk.clock.advance(timedelta(seconds=60))
    for _ in range(3):
        await heir.drain()
        desk.clock.advance(timedelta(seconds=5))
    assert await desk.status(7) == "succeeded"
    assert list(bank.entries) == [reference_of(7)]
    assert desk.books.confirmed_loans == [7]
    acts = await desk.value("SELECT array_agg(act ORDER BY act_no) FROM payments.payment_attempt")
    assert acts == (["send", "ask", "send"] if when == "before" else ["send", "ask"])


async def test_a_lost_acknowledgement_of_the_books_is_asked_for_again(database: Database) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    desk.books.lose_answers = 1
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "sent"
    assert await desk.value("SELECT outcome FROM payments.payment") == "succeeded"
    desk.clock.advance(timedelta(seconds=60))
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert desk.books.calls == 2
    assert desk.books.confirmed_loans == [7]


async def test_books_that_are_busy_are_told_again_without_people(database: Database) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    desk.books.busy_next = 1
    await desk.order(7)
    await relay.drain()
    assert await desk.status(7) == "sent"
    assert await desk.causes() == {}
    desk.clock.advance(timedelta(seconds=60))
    await relay.drain()
    assert await desk.status(7) == "succeeded"


async def test_a_worker_that_slept_past_its_lease_changes_nothing(database: Database) -> None:
    gate = asyncio.Event()

    class SlowRail(DirectRail):
        async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
            answer = await super().pay_out(order, requested_on=requested_on)
            await gate.wait()
            assert isinstance(answer, Paid)
            return Paid(answer.amount_minor, answer.currency, answer.value_date, "late word")

    bank = make_bank()
    sleeper = Desk(database, SlowRail(bank))
    slow = await ready(sleeper)
    await sleeper.order(7)
    await take_all(slow)
    await slow.step()
    await asyncio.sleep(0)

    quick_desk = Desk(database, DirectRail(bank), sleeper.books, sleeper.clock)
    sleeper.clock.advance(timedelta(seconds=60))
    await quick_desk.relay("worker-2").drain()
    assert await quick_desk.status(7) == "succeeded"
    gate.set()
    await slow.close()
    assert await quick_desk.value("SELECT rail_reference FROM payments.payment") != "late word"
    assert sleeper.books.calls == 1
    assert await quick_desk.value("SELECT count(*) FROM payments.payment_answer") == 2


class SleepingRail(DirectRail):
    """Carries the order out, and its answer stays away until the gate opens."""

    def __init__(self, bank: Bank, answer: Answer) -> None:
        super().__init__(bank)
        self.gate = asyncio.Event()
        self._answer = answer

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        await super().pay_out(order, requested_on=requested_on)
        await self.gate.wait()
        return self._answer


async def test_an_answer_to_an_act_that_is_not_the_last_one_is_kept_and_not_applied(
    database: Database,
) -> None:
    bank = make_bank(Fault.TIMEOUT_AFTER_ACCEPT, silent_asks_bp=10_000)
    rail = SleepingRail(bank, Declined("too late"))
    desk = Desk(database, rail)
    slow = await ready(desk)
    await desk.order(7)
    await take_all(slow)
    await slow.step()
    await asyncio.sleep(0)
    desk.clock.advance(timedelta(seconds=60))
    await Desk(database, DirectRail(bank), desk.books, desk.clock).relay("worker-2").drain()
    assert await desk.status(7) == "unknown"
    rail.gate.set()
    await slow.close()
    assert await desk.value("SELECT outcome FROM payments.payment") is None
    assert desk.books.calls == 0
    answers = "SELECT array_agg(answer ORDER BY act_no) FROM payments.payment_answer"
    assert await desk.value(answers) == ["declined", "no_answer"]


async def test_an_answer_that_comes_after_people_were_asked_waits_for_them(
    database: Database,
) -> None:
    bank = make_bank()
    rail = SleepingRail(bank, Paid(120_000, "CNY", TODAY, "late word"))
    desk = Desk(database, rail)
    slow = await ready(desk)
    await desk.order(7)
    await take_all(slow)
    await slow.step()
    await asyncio.sleep(0)
    async with database.transaction() as connection:
        case = ((70, 7), Cause.NOT_ON_STATEMENT)
        await suspense_store.open_cases(connection, [case], now=desk.clock.now())
    rail.gate.set()
    await slow.close()
    assert await desk.value("SELECT outcome FROM payments.payment") is None
    assert desk.books.calls == 0
    assert await desk.causes() == {7: "not_on_statement"}


async def test_two_workers_share_the_work_and_nothing_happens_twice(database: Database) -> None:
    desk, bank = make_desk(database)
    relays = [await ready(desk, f"worker-{number}") for number in (1, 2, 3)]
    await desk.order(*range(1, 400))
    await asyncio.gather(*(relay.drain() for relay in relays))
    await relays[0].drain()
    assert await desk.statuses() == {"succeeded": 399}
    assert len(bank.entries) == 399
    assert desk.books.calls == 399


async def test_a_refusal_of_the_books_goes_to_people_and_is_repeated_by_them(
    database: Database,
) -> None:
    desk, _ = make_desk(database)
    relay = await ready(desk)
    desk.books.refuse_next = 1
    await desk.order(7)
    await relay.drain()
    assert await desk.causes() == {7: "books_refused"}
    key = CaseKey(customer_id=70, payment_id=7, case_no=1)
    wrong = Proposal(resolution=Resolution.FAILED, value_date=None, note="?")
    refused = await by_hand(desk, suspense.propose, key, wrong, person="ann")
    assert refused is not None
    assert refused.code == "suspense_resolution_unfit"
    right = Proposal(resolution=Resolution.SUCCEEDED, value_date=TODAY, note="line was locked")
    assert await by_hand(desk, suspense.propose, key, right, person="ann") is None
    assert not isinstance(await by_hand(desk, suspense.approve, key, person="bob"), Refused)
    await relay.drain()
    assert await desk.status(7) == "succeeded"
    assert await desk.causes() == {}


async def test_a_rail_that_is_down_queues_payments_unsent(database: Database) -> None:
    bank = make_bank()
    rail = DeadRail(DirectRail(bank))
    desk = Desk(database, rail)
    relay = await ready(desk)
    await desk.order(*range(1, 31))
    await relay.drain()
    assert rail.sends == 30
    await desk.order(*range(31, 131))
    await relay.drain()
    assert (await desk.statuses())["held"] == 100
    desk.clock.advance(timedelta(seconds=6))
    await relay.drain()
    assert 30 < rail.sends <= 30 + 2, "only probes go out"
    rail.is_down = False
    for _ in range(30):
        await relay.drain()
        desk.clock.advance(timedelta(seconds=10))
    assert await desk.statuses() == {"succeeded": 130}
    assert len(bank.entries) == 130


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


# Suspense


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
