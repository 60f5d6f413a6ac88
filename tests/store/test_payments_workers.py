"""Workers on payments that die, sleep, or find books or rail away: nothing happens twice."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from tests.store.payments_desk import TODAY, Crash, Desk, by_hand, make_bank, make_desk, ready

from counterfoil.kernel.errors import Refused
from counterfoil.payments import suspense, suspense_store
from counterfoil.payments.order import PayoutOrder, reference_of
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import Answer, Cause, Contract, Declined, NoAnswer, Paid
from counterfoil.payments.relay import PayoutRelay
from counterfoil.payments.suspense import Proposal, Resolution
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault


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


async def take_all(relay: PayoutRelay) -> None:
    """Take every order; a transaction of a neighbouring test may hide them for a moment."""
    async with asyncio.timeout(180):
        while await relay.consumer.waiting():
            await relay.take_orders()


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
