"""From the books' order to the books' answer: the steps that carry payouts over a rail.

Take        Outbox events become payments; the cursor moves in the same transaction.
Act         A page of payments is locked, "about to do this" is written down and committed, then
            the rail is called: send, ask, or check.
Record      Answers are kept as they come in, and what they make certain with them.
Settle      The books are told; the payment is finished after they have acknowledged it.
Invariant   A crash between any two steps leaves a row that says what to do next. Whatever was
            about to be sent is asked for, never sent anew; only a rail that carries out one order
            per reference is sent the same reference again, after it said that it has not seen it.
Fencing     An answer moves a payment only while its act is the last one; a worker that slept past
            its lease changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol, assert_never

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Kind, Refused
from counterfoil.payments import store, suspense_store
from counterfoil.payments.health import RailHealth
from counterfoil.payments.order import (
    SUBJECTS,
    InvalidOrderError,
    PayoutOrder,
    Subject,
    payment_id_of,
    read_order,
)
from counterfoil.payments.port import Rail
from counterfoil.payments.rail import (
    VERIFICATIONS_MAX,
    Act,
    Answer,
    Cause,
    Confirm,
    Doubt,
    NoAnswer,
    Outcome,
    Payment,
    Release,
    Suspend,
    ask_again_at,
    check,
    choose_act,
    judge,
    status_after_act,
)
from counterfoil.payments.statement_taking import take_statement
from counterfoil.payments.store import Answered, RejectedOrder, Started

# house: allow database-reach – opens the transactions that its steps share; SQL is the store's
from counterfoil.platform.database import Connection, Database
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


class Books(Protocol):
    """The commands by which a rail's outcome reaches what is paid out, two a subject.

    Each returns once the command is durable: its answer, or a refusal as a value. The same key
    always gives the same answer, so both may be repeated for ever.
    """

    async def confirm(
        self,
        *,
        customer_id: int,
        line_id: int,
        loan_id: int,
        payment_id: int,
        value_date: date,
        rail_reference: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Start the loan on the day the payee had the money."""
        ...

    async def fail(
        self,
        *,
        customer_id: int,
        line_id: int,
        loan_id: int,
        payment_id: int,
        failure_code: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Release the hold of a loan that was never paid out."""
        ...

    async def confirm_return(
        self,
        *,
        customer_id: int,
        line_id: int,
        return_id: int,
        payment_id: int,
        value_date: date,
        rail_reference: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Take note that the customer has the credit back."""
        ...

    async def fail_return(
        self,
        *,
        customer_id: int,
        line_id: int,
        return_id: int,
        payment_id: int,
        failure_code: str,
        idempotency_key: str,
    ) -> object | Refused:
        """Keep credit as before that was never paid out."""
        ...


class PayoutRelay:
    """Carries payouts over one rail. Several may run at once, in one process or in many."""

    def __init__(
        self,
        database: Database,
        *,
        rail: Rail,
        books: Books,
        clock: Clock,
        business_date: Callable[[], Awaitable[date]],
        worker: str,
    ) -> None:
        """Take the parts; `worker` names this process in attempts and leases."""
        self._database = database
        self._rail = rail
        self._contract = rail.contract
        self._books = books
        self._clock = clock
        self._business_date = business_date
        self.worker = worker
        self._lease = self._contract.answer_within + LEASE_MARGIN
        self._health = RailHealth()
        self._calls: set[asyncio.Task[None]] = set()
        self._answers: list[tuple[Started, Answer]] = []
        self._bell = asyncio.Event()
        self.consumer = Consumer(database, name=CONSUMER, kinds=list(SUBJECTS))

    @property
    def calls_count(self) -> int:
        """How many calls of the rail are under way."""
        return len(self._calls)

    # Take

    async def take_orders(self) -> int:
        """Turn the next page of outbox events into payments; return how many events passed."""
        return await self.consumer.take(self._take)

    async def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        now = self._clock.now()
        orders: list[tuple[PayoutOrder, str | None]] = []
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
                orders.append((order, self._contract.refuses(order)))
        if orders:
            await store.add_payments(connection, orders, rail=self._contract.name, now=now)
        if rejected:
            _log.error("payout_orders_rejected", count=len(rejected))
            await store.add_rejected_orders(connection, rejected, now=now)

    # Act

    async def step(self, *, wait_ms: int = 0) -> int:
        """Start what is due, record and settle what was answered; return how much that was.

        Where nothing is due and calls are under way, wait up to `wait_ms` for an answer.
        """
        started = await self._start_due()
        if not self._answers and self._calls:
            await self._wait_for_answer(timedelta(milliseconds=wait_ms))
        return started + await self._record_and_settle()

    async def drain(self) -> int:
        """Take orders and step until nothing is due now and no call is under way."""
        worked = waits = 0
        wait_ms = self._contract.answer_within // timedelta(milliseconds=1)
        while True:
            taken = await self.take_orders()
            done = await self.step(wait_ms=wait_ms)
            worked += done
            if taken or done or self._calls:
                continue
            if waits == DRAIN_WAITS_MAX or not await self.consumer.waiting(bound=1):
                return worked
            waits += 1
            await asyncio.sleep(DRAIN_WAIT.total_seconds())

    async def _start_due(self) -> int:
        """Write down what is about to be done, commit, and start doing it."""
        room = min(PAGE_PAYMENTS, self._contract.calls_at_once - len(self._calls))
        if room <= 0:
            return 0
        now, business_date = self._clock.now(), await self._business_date()
        async with self._database.transaction() as connection:
            due = await store.lock_due(connection, rail=self._contract.name, now=now, page=room)
            started, put_off = self._choose(due, now)
            if put_off:
                resume_at = self._health.paused_until
                assert resume_at is not None
                later = max(resume_at, now + timedelta(seconds=1))
                await store.postpone(connection, put_off, next_act_at=later)
            if started:
                await store.record_acts(
                    connection,
                    started,
                    worker=self.worker,
                    now=now,
                    business_date=business_date,
                    leased_until=now + self._lease,
                )
        self._start_calls(started, business_date)
        await self._settle([s.payment for s in started if s.act is Act.SETTLE])
        return len(started)

    def _choose(self, due: Sequence[Payment], now: datetime) -> tuple[list[Started], list[Payment]]:
        """Return what is done with each payment, and the ones a rail that is down keeps waiting."""
        acts = [choose_act(payment, self._contract) for payment in due]
        allowed = self._health.sends_allowed(now, wanted=acts.count(Act.SEND))
        started: list[Started] = []
        put_off: list[Payment] = []
        for payment, act in zip(due, acts, strict=True):
            if act is Act.SEND:
                if allowed == 0:
                    put_off.append(payment)
                    continue
                allowed -= 1
            status = status_after_act(payment.status, act)
            started.append(Started(payment, act, payment.act_no + 1, status, now))
        return started, put_off

    def _start_calls(self, started: Sequence[Started], business_date: date) -> None:
        for one in started:
            if one.act is Act.SETTLE:
                continue
            task = asyncio.create_task(self._call(one, business_date))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _call(self, started: Started, business_date: date) -> None:
        """Call the rail and keep its answer for the next step."""
        order = started.payment.order
        answer: Answer
        try:
            if self._clock.now() >= started.started_at + self._lease:
                # Somebody else may be asking already what became of this payment.
                answer = NoAnswer("lease_over_before_the_call")
            elif started.act is Act.SEND:
                answer = await self._rail.pay_out(order, requested_on=business_date)
            else:
                answer = await self._rail.ask(order.reference)
        except Exception as error:  # noqa: BLE001 – doubt is what can be made of it
            # An adapter should not raise. Where it does, the payment is in doubt like any other.
            _log.error("rail_adapter_raised", reference=order.reference, error=repr(error))
            answer = NoAnswer(f"adapter raised {type(error).__name__}")
        self._answers.append((started, answer))
        self._bell.set()

    async def _wait_for_answer(self, limit: timedelta) -> None:
        self._bell.clear()
        if self._answers or not limit:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._bell.wait()
        except TimeoutError:
            return

    # Record and settle

    async def _record_and_settle(self) -> int:
        """Write down all answers that have come in, then tell the books what is certain."""
        answers, self._answers = self._answers, []
        if not answers:
            return 0
        now = self._clock.now()
        self._take_pulse(answers, now)
        answered = [self._judged(started, answer, now) for started, answer in answers]
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
        await self._settle([payment for payment in certain if payment is not None])
        return len(answers)

    def _take_pulse(self, answers: Sequence[tuple[Started, Answer]], now: datetime) -> None:
        was_down = self._health.paused_until is not None
        for _, answer in answers:
            if isinstance(answer, NoAnswer):
                self._health = self._health.after_silence(now)
            else:
                self._health = self._health.after_answer()
        is_down = self._health.paused_until is not None
        if is_down != was_down:
            _log.warning("rail_down" if is_down else "rail_back", rail=self._contract.name)

    def _judged(self, started: Started, answer: Answer, now: datetime) -> Answered:
        """Return what an answer means and when something is to be done next."""
        payment = started.payment
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

    async def _settle(self, payments: Sequence[Payment]) -> None:
        """Tell the books the outcome of payments; finish those they have acknowledged."""
        if not payments:
            return
        answers = await asyncio.gather(
            *(self._tell_books(payment) for payment in payments), return_exceptions=True
        )
        told: list[store.PaymentKey] = []
        refused: list[tuple[store.PaymentKey, Cause]] = []
        for payment, answer in zip(payments, answers, strict=True):
            key = (payment.order.customer_id, payment.order.payment_id)
            if isinstance(answer, BaseException) or _is_passing(answer):
                # The lease ends and the command is repeated under the same key.
                _log.error("books_unreachable", payment=payment.order.reference, error=repr(answer))
            elif isinstance(answer, Refused):
                _log.error("books_refused", payment=payment.order.reference, code=answer.code)
                refused.append((key, Cause.BOOKS_REFUSED))
            else:
                told.append(key)
        async with self._database.transaction() as connection:
            now = self._clock.now()
            if told:
                await store.finish(connection, told, now=now)
            if refused:
                await suspense_store.open_cases(connection, refused, now=now)

    async def _tell_books(self, payment: Payment) -> object | Refused:
        if payment.outcome is Outcome.SUCCEEDED:
            return await self._confirm(payment)
        order, code = payment.order, payment.failure_code
        assert code is not None
        who = {"customer_id": order.customer_id, "line_id": order.line_id}
        key = f"payout:{order.payment_id}:failed"
        match order.subject:
            case Subject.DRAWDOWN:
                assert order.loan_id is not None
                return await self._books.fail(
                    **who,
                    loan_id=order.loan_id,
                    payment_id=order.payment_id,
                    failure_code=code,
                    idempotency_key=key,
                )
            case Subject.CREDIT_RETURN:
                return await self._books.fail_return(
                    **who,
                    return_id=order.payment_id,
                    payment_id=order.payment_id,
                    failure_code=code,
                    idempotency_key=key,
                )
            case _:
                assert_never(order.subject)

    async def _confirm(self, payment: Payment) -> object | Refused:
        order, value_date, rail_reference = (
            payment.order,
            payment.value_date,
            payment.rail_reference,
        )
        assert value_date is not None
        assert rail_reference is not None
        who = {"customer_id": order.customer_id, "line_id": order.line_id}
        key = f"payout:{order.payment_id}:confirmed"
        match order.subject:
            case Subject.DRAWDOWN:
                assert order.loan_id is not None
                return await self._books.confirm(
                    **who,
                    loan_id=order.loan_id,
                    payment_id=order.payment_id,
                    value_date=value_date,
                    rail_reference=rail_reference,
                    idempotency_key=key,
                )
            case Subject.CREDIT_RETURN:
                return await self._books.confirm_return(
                    **who,
                    return_id=order.payment_id,
                    payment_id=order.payment_id,
                    value_date=value_date,
                    rail_reference=rail_reference,
                    idempotency_key=key,
                )
            case _:
                assert_never(order.subject)

    # What comes from outside

    # house: allow dead-code – for a rail with callbacks; the one rail there is answers when asked
    async def take_hint(self, reference: str) -> bool:
        """Ask sooner about a payment that a callback mentions; believe nothing it says."""
        payment_id = payment_id_of(reference)
        if payment_id is None:
            return False
        async with self._database.connection() as connection:
            return await store.hint(
                connection,
                payment_id=payment_id,
                now=self._clock.now(),
                hints_max=VERIFICATIONS_MAX,
            )

    async def take_statement(self, business_date: date) -> int | Refused | None:
        """Fetch a day's statement and resolve what it can; return its number of lines.

        None while the rail has none. Doubts that it shows otherwise than ordered, doubts of
        earlier days that it does not show, and returned payments go to two people.
        """
        text = await self._rail.statement(business_date)
        if text is None:
            return None
        return await take_statement(
            self._database,
            text,
            rail=self._contract.name,
            business_date=business_date,
            now=self._clock.now(),
        )

    # Ending

    async def close(self) -> None:
        """Let the calls under way end and write down their answers."""
        while self._calls or self._answers:
            await self._wait_for_answer(self._contract.answer_within)
            await self._record_and_settle()


def _is_passing(answer: object) -> bool:
    """Return whether the books refused for a reason that time removes."""
    passing = {Kind.BUSY, Kind.IN_FLIGHT, Kind.UNAVAILABLE}
    return isinstance(answer, Refused) and answer.kind in passing


def _certain(one: Answered) -> Payment | None:
    """Return the payment with what its answer made certain, or None where it made nothing so."""
    match one.verdict:
        case Confirm(value_date, rail_reference):
            return replace(
                one.started.payment,
                outcome=Outcome.SUCCEEDED,
                value_date=value_date,
                rail_reference=rail_reference,
            )
        case Release(code):
            return replace(one.started.payment, outcome=Outcome.FAILED, failure_code=code)
        case _:
            return None
