"""From the books' order to the books' answer: the steps that carry payouts over rails.

Take        Outbox events become payments; the cursor moves in the same transaction.
Act         A page of payments is locked, each is given its act and its rail (`dispatch`), "about
            to do this" is written down and committed, then the rail is called (`calling`). Before
            a payment is first sent, the rail says whose the payee's account is (`payee`).
Record      Answers are kept as they come in, and what they make certain with them.
Settle      The books are told; the payment is finished after they have acknowledged it.
Invariant   A crash between any two steps leaves a row that says what to do next. Whatever was
            about to be sent is asked for, never sent anew; only a rail that carries out one order
            per reference is sent the same reference again, after it said that it has not seen it.
            No payment goes to a second rail once it was sent to one.
Fencing     An answer moves a payment only while its act is the last one; a worker that slept past
            its lease changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused
from counterfoil.payments import store, suspense_store
from counterfoil.payments.calling import Calls, Heard
from counterfoil.payments.dispatch import Dispatcher
from counterfoil.payments.hint import take_hint
from counterfoil.payments.order import SUBJECTS, InvalidOrderError, PayoutOrder, read_order
from counterfoil.payments.payee import PayeeNames, PayeeRule
from counterfoil.payments.port import Rail, RailLink
from counterfoil.payments.rail import (
    Act,
    CheckAnswer,
    Confirm,
    Doubt,
    Outcome,
    PayeeMatches,
    Payment,
    Ready,
    Release,
    Suspend,
    ask_again_at,
    check,
    check_again_at,
    judge,
    judge_payee,
)
from counterfoil.payments.routing import first_rail
from counterfoil.payments.settling import Books, Settler
from counterfoil.payments.statement import DigestOf
from counterfoil.payments.statement_taking import take_statement
from counterfoil.payments.store import Answered, RejectedOrder, Started

# house: allow database-reach – opens the transactions that its steps share; SQL is the store's
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.outbox import Consumer, Event

#: Name of the cursor; it outlives every worker.
CONSUMER: Final = "payouts"

#: Payments locked, written and called together.
PAGE_PAYMENTS: Final = 500

#: How often a relay that has nothing else to do looks for orders still hidden by a transaction
#: that runs, and how long it waits in between; together a second.
DRAIN_WAITS_MAX: Final = 200
DRAIN_WAIT: Final = timedelta(milliseconds=5)

#: A worker keeps its payments for the rail's own limit and this much for writing down the answer.
LEASE_MARGIN: Final = timedelta(seconds=20)

_log = structlog.get_logger(__name__)


class PayoutRelay:
    """Carries payouts over rails. Several may run at once, in one process or in many."""

    def __init__(
        self,
        database: Database,
        *,
        rails: Sequence[RailLink],
        books: Books,
        clock: Clock,
        business_date: Callable[[], Awaitable[date]],
        worker: str,
        names: PayeeNames | None = None,
        metrics: Metrics | None = None,
        payers: Callable[[str], Awaitable[DigestOf | None]] | None = None,
    ) -> None:
        """Take the parts; `worker` names this process in attempts and leases.

        Without `names` no payee is checked. `payers` gives what makes digests of the payers that
        a statement names; without it nobody's money is known for theirs.
        """
        self._database = database
        self._links = rails
        self._connected: dict[str, Rail] = {
            link.terms.code: link.rail for link in rails if link.rail is not None
        }
        self._payers = payers
        assert self._connected, "a relay without a rail carries nothing"
        self._clock = clock
        self._business_date = business_date
        self.worker = worker
        self._answer_within = max(r.contract.answer_within for r in self._connected.values())
        self._lease = self._answer_within + LEASE_MARGIN
        self._calls = Calls(rails, clock=clock, lease=self._lease, names=names, metrics=metrics)
        self._payees = PayeeRule(rails, names)
        self._dispatcher = Dispatcher(rails, self._calls, self._payees)
        self._settler = Settler(database, books, clock)
        self.consumer = Consumer(database, name=CONSUMER, kinds=list(SUBJECTS))

    @property
    def calls_count(self) -> int:
        """How many calls of rails are under way."""
        return self._calls.count

    @property
    def rails(self) -> Sequence[str]:
        """The codes of the rails that are reached."""
        return list(self._connected)

    # Take

    async def take_orders(self) -> int:
        """Turn the next page of outbox events into payments; return how many events passed."""
        return await self.consumer.take(self._take)

    async def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        now = self._clock.now()
        orders: list[tuple[PayoutOrder, str, str | None]] = []
        rejected: list[RejectedOrder] = []
        for event in events:
            try:
                order = read_order(event.payload, kind=event.kind)
            except InvalidOrderError as error:
                reason = str(error)
                rejected.append(
                    RejectedOrder(event.customer_id, event.event_id, event.subject_id, reason)
                )
            else:
                orders.append((order, *first_rail(order, [link.terms for link in self._links])))
        if orders:
            await store.add_payments(connection, orders, now=now)
        if rejected:
            _log.error("payout_orders_rejected", count=len(rejected))
            await store.add_rejected_orders(connection, rejected, now=now)

    # Act

    async def step(self, *, wait_ms: int = 0) -> int:
        """Start what is due, record and settle what was answered; return how much that was.

        Where nothing is due and calls are under way, wait up to `wait_ms` for an answer.
        """
        started = await self._start_due()
        if not self._calls.has_heard and self._calls.count:
            await self._calls.wait(timedelta(milliseconds=wait_ms))
        return started + await self._record_and_settle()

    async def drain(self) -> int:
        """Take orders and step until nothing is due now and no call is under way."""
        worked = waits = 0
        wait_ms = self._answer_within // timedelta(milliseconds=1)
        while True:
            taken = await self.take_orders()
            done = await self.step(wait_ms=wait_ms)
            worked += done
            if taken or done or self._calls.count:
                continue
            if waits == DRAIN_WAITS_MAX or not await self.consumer.waiting(bound=1):
                return worked
            waits += 1
            await asyncio.sleep(DRAIN_WAIT.total_seconds())

    async def _start_due(self) -> int:
        """Write down what is about to be done, commit, and start doing it."""
        page = min(PAGE_PAYMENTS, sum(self._calls.room().values()))
        if page == 0:
            return 0
        now, business_date = self._clock.now(), await self._business_date()
        async with self._database.transaction() as connection:
            due = await store.lock_due(
                connection,
                rails=self.rails,
                known_since=self._payees.known_since(now),
                now=now,
                page=page,
            )
            started = await self._dispatcher.dispatch(connection, due, now)
            if started:
                await store.record_acts(
                    connection,
                    started,
                    worker=self.worker,
                    now=now,
                    business_date=business_date,
                    leased_until=now + self._lease,
                )
        self._calls.start(started, business_date)
        await self._settler.settle([s.payment for s in started if s.act is Act.SETTLE])
        return len(started)

    # Record and settle

    async def _record_and_settle(self) -> int:
        """Write down all answers that have come in, then tell the books what is certain."""
        heard = self._calls.take_heard()
        if not heard:
            return 0
        now = self._clock.now()
        answered = [self._judged(one, now) for one in heard]
        async with self._database.transaction() as connection:
            moved = await store.record_answers(connection, answered, now=now)
            cases = [
                (one.started.key, one.verdict.cause)
                for one in answered
                if isinstance(one.verdict, Suspend)
                and (one.started.key in moved or one.started.act is Act.VERIFY)
            ]
            if cases:
                await suspense_store.open_cases(connection, cases, now=now)
        certain = [_certain(one) for one in answered if one.started.key in moved]
        await self._settler.settle([payment for payment in certain if payment is not None])
        return len(heard)

    def _judged(self, heard: Heard, now: datetime) -> Answered:
        """Return what an answer means and when something is to be done next."""
        started, answer = heard.started, heard.answer
        payment = started.payment
        if started.act is Act.CHECK or isinstance(answer, PayeeMatches):
            assert isinstance(answer, CheckAnswer), "a check of a payee says nothing of money"
            return self._judged_payee(started, answer, now)
        if started.act is Act.VERIFY:
            return Answered(started, answer, check(payment, answer), None)
        verdict = judge(payment.order, answer, act=started.act)
        match verdict:
            case Confirm() | Release():
                next_act_at: datetime | None = now + self._lease
            case Doubt():
                first_sent_at = payment.sent_at or started.started_at
                next_act_at = ask_again_at(now, asks=payment.asks, sent_at=first_sent_at)
            case _:
                next_act_at = None
        return Answered(started, answer, verdict, next_act_at)

    def _judged_payee(self, started: Started, answer: CheckAnswer, now: datetime) -> Answered:
        """Return what is known of a payee; a payment that was never sent is held meanwhile."""
        verdict = judge_payee(answer)
        at = now + self._lease
        if isinstance(verdict, Ready):
            at = now
        elif isinstance(verdict, Doubt):
            at = check_again_at(now, checks=started.act_no)
        return Answered(started, answer, verdict, at)

    # What comes from outside

    async def take_hint(self, reference: str) -> bool:
        """Ask sooner about a payment that a callback mentions; believe nothing it says."""
        return await take_hint(self._database, reference, now=self._clock.now())

    async def take_statement(
        self, business_date: date, *, rail: str | None = None
    ) -> int | Refused | None:
        """Fetch a day's statement and resolve what it can; return its number of lines.

        The statement is that of the rail named, or of the first one. None while the rail has none.
        Doubts that it shows otherwise than ordered, doubts of earlier days that it does not show,
        and returned payments go to two people.
        """
        code = rail or self.rails[0]
        text = await self._connected[code].statement(business_date)
        if text is None:
            return None
        return await take_statement(
            self._database,
            text,
            rail=code,
            business_date=business_date,
            now=self._clock.now(),
            digest_of=None if self._payers is None else await self._payers(text),
        )

    # Ending

    async def close(self) -> None:
        """Let the calls under way end and write down their answers."""
        while self._calls.count or self._calls.has_heard:
            await self._calls.wait(self._answer_within)
            await self._record_and_settle()


def _certain(one: Answered) -> Payment | None:
    """Return the payment with what its answer made certain, or None where it made nothing so."""
    payment = replace(one.started.payment, rail=one.started.rail)
    match one.verdict:
        case Confirm(value_date, rail_reference):
            return replace(
                payment,
                outcome=Outcome.SUCCEEDED,
                value_date=value_date,
                rail_reference=rail_reference,
            )
        case Release(code):
            return replace(payment, outcome=Outcome.FAILED, failure_code=code)
        case _:
            return None
