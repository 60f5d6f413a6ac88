"""Carries debits to the bank and their outcomes to the books.

The way of a debit: what is about to be done is written down and committed; the bank is called; what
it said is written down; what is certain is told to the books, and only then is the debit finished.
Invariant   One reference a debit for ever. A worker that dies leaves a debit of which the bank is
            asked, never one that is ordered anew. The books hear an outcome under one key however
            often they are told.
Amount      Read again before the first send: what was paid meanwhile is not collected.
Bounce      What the bank took back whole, by its statement or its answer, the books are told as a
            payment that bounced. What they refuse, and a part taken back, is for people.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, Protocol

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.payments import debit_store, refusals, store
from counterfoil.payments.debit import (
    CALLS,
    MANDATE_ENDED,
    NOTHING_DUE,
    Debit,
    DebitAct,
    DebitOrder,
    DebitStatus,
    choose_act,
    judge_debit,
    judge_finished,
    next_act_at,
    status_after_act,
)
from counterfoil.payments.debit_port import DebitRail
from counterfoil.payments.rail import Answer, Cause, Confirm, NoAnswer, Outcome, Release
from counterfoil.payments.statement import InvalidStatementError, read_statement

# house: allow database-reach – opens the transactions that its steps share; SQL is the store's
from counterfoil.platform.database import Connection, Database

#: Debits looked at in one step.
PAGE: Final = 100
#: An answer that has not come by then counts as lost.
LEASE_CALLS: Final = 3

_log = structlog.get_logger(__name__)


class DebitBooks(Protocol):
    """What the relay asks of the books, and tells them."""

    async def due_minor(self, order: DebitOrder) -> int | None:
        """Return what may be collected now, at most; None where the mandate has ended."""
        ...

    async def collected(self, order: DebitOrder, *, value_date: date) -> object | Refused:
        """Book money that came in; told again it answers the same."""
        ...

    async def bounced(self, order: DebitOrder) -> object | Refused:
        """Book that the money went back; told again it answers the same."""
        ...

    async def note(self, connection: Connection, debit: Debit) -> None:
        """Tell others of an outcome or a bounce, in the transaction that writes it down."""
        ...


class DebitRelay:
    """Steps through debits whose time has come; any number of processes may."""

    def __init__(
        self,
        database: Database,
        *,
        rail: DebitRail,
        books: DebitBooks,
        clock: Clock,
        business_date: Callable[[], Awaitable[date]],
        worker: str,
    ) -> None:
        """Take the way to the bank, the books, and this worker's name."""
        self._database = database
        self._rail = rail
        self._books = books
        self._clock = clock
        self._business_date = business_date
        self._worker = worker

    @property
    def rail_name(self) -> str:
        """Return the name of the rail under which debits are kept."""
        return self._rail.contract.name

    async def step(self) -> int:
        """Do what is due now; return how many debits that concerned."""
        started = await self._start_due()
        calls = [one for one in started if one[1] in CALLS]
        answers = await asyncio.gather(*(self._call(debit, act) for debit, act in calls))
        certain = [debit for debit, act in started if act is DebitAct.SETTLE]
        for (debit, act), answer in zip(calls, answers, strict=True):
            if act is DebitAct.VERIFY:
                await self._record_check(debit, answer)
            elif (known := await self._record(debit, act, answer)) is not None:
                certain.append(known)
        for debit in certain:
            await self._settle(debit)
        for debit, act in started:
            if act is DebitAct.UNDO:
                await self._undo(debit)
        return len(started)

    async def take_statement(self, business_date: date) -> int | Refused | None:
        """Fetch a day's statement and resolve what it can; None while the bank has none."""
        text = await self._rail.statement(business_date)
        if text is None:
            return None
        return await take_debit_statement(
            self._database,
            text,
            rail=self.rail_name,
            business_date=business_date,
            clock=self._clock,
        )

    async def _start_due(self) -> list[tuple[Debit, DebitAct]]:
        now, on = self._clock.now(), await self._business_date()
        lease = self._rail.contract.answer_within * LEASE_CALLS + timedelta(seconds=1)
        started: list[tuple[Debit, DebitAct]] = []
        async with self._database.transaction() as connection:
            due = await debit_store.lock_due(connection, rail=self.rail_name, now=now, page=PAGE)
            for found in due:
                act = choose_act(found, self._rail.contract)
                debit: Debit | None = found
                if found.status is DebitStatus.CREATED and act is DebitAct.SEND:
                    debit = await self._as_due_now(connection, found)
                if debit is None:
                    continue
                debit = replace(debit, order=replace(debit.order, business_date=on))
                await debit_store.record_act(
                    connection,
                    debit,
                    act,
                    status=status_after_act(debit.status, act),
                    worker=self._worker,
                    now=now,
                    leased_until=now + lease,
                )
                started.append((replace(debit, sent_at=debit.sent_at or now), act))
        return started

    async def _as_due_now(self, connection: Connection, debit: Debit) -> Debit | None:
        """Return a debit with what is due now, None where it is given up."""
        amount = await self._books.due_minor(debit.order)
        if amount:
            return replace(debit, order=replace(debit.order, amount_minor=amount))
        code = MANDATE_ENDED if amount is None else NOTHING_DUE
        await debit_store.give_up(connection, debit, failure_code=code, now=self._clock.now())
        return None

    async def _call(self, debit: Debit, act: DebitAct) -> Answer:
        order = debit.order
        try:
            if act is DebitAct.SEND:
                return await self._rail.collect(order, requested_on=order.business_date)
            return await self._rail.ask(order.reference)
        except Exception as error:  # noqa: BLE001 – doubt is what can be made of it
            _log.error("debit_adapter_raised", reference=order.reference, error=repr(error))
            return NoAnswer(f"adapter raised {type(error).__name__}")

    async def _record(self, debit: Debit, act: DebitAct, answer: Answer) -> Debit | None:
        """Write down an answer; return the debit with what is certain, None where nothing is."""
        now = self._clock.now()
        verdict = judge_debit(debit.order, answer, act=act)
        async with self._database.transaction() as connection:
            moved = await debit_store.record_answer(
                connection,
                debit,
                answer,
                verdict,
                next_act_at=next_act_at(debit, verdict, now=now),
                now=now,
            )
        if not moved:
            return None
        match verdict:
            case Confirm(value_date, rail_reference):
                return replace(
                    debit,
                    outcome=Outcome.SUCCEEDED,
                    value_date=value_date,
                    rail_reference=rail_reference,
                )
            case Release(code):
                return replace(debit, outcome=Outcome.FAILED, failure_code=code)
            case _:
                return None

    async def _record_check(self, debit: Debit, answer: Answer) -> None:
        """Write down what the bank says of a finished debit; the next step tells the books."""
        verdict, now = judge_finished(debit, answer), self._clock.now()
        async with self._database.transaction() as connection:
            await debit_store.record_check(connection, debit, answer, verdict, now=now)

    async def _undo(self, debit: Debit) -> None:
        """Tell the books that the money went back, then write down that they know."""
        answer = await self._books.bounced(debit.order)
        if isinstance(answer, Refused):
            await self._unbooked(debit, answer)
            return
        async with self._database.transaction() as connection:
            if await debit_store.bounce_booked(connection, debit, now=self._clock.now()):
                await self._books.note(connection, debit)

    async def _settle(self, debit: Debit) -> None:
        """Tell the books what is certain, then finish the debit; what passes is done again."""
        order = debit.order
        if debit.outcome is Outcome.SUCCEEDED:
            assert debit.value_date is not None
            answer = await self._books.collected(order, value_date=debit.value_date)
            if isinstance(answer, Refused):
                await self._unbooked(debit, answer)
                return
        async with self._database.transaction() as connection:
            if await debit_store.finish(connection, debit, now=self._clock.now()):
                await self._books.note(connection, debit)

    async def _unbooked(self, debit: Debit, refused: Refused) -> None:
        reference = debit.order.reference
        if refused.kind in {Kind.BUSY, Kind.IN_FLIGHT, Kind.UNAVAILABLE}:
            _log.warning("debit_books_busy", reference=reference, code=refused.code)
            return
        _log.error("debit_books_refused", reference=reference, code=refused.code)
        async with self._database.transaction() as connection:
            await debit_store.suspend(
                connection,
                debit.order.customer_id,
                debit.order.debit_id,
                Cause.BOOKS_REFUSED,
                now=self._clock.now(),
            )


async def take_debit_statement(
    database: Database, text: str, *, rail: str, business_date: date, clock: Clock
) -> int | Refused:
    """Keep a day's statement of debits and resolve what it can; return its number of lines."""
    try:
        statement = read_statement(text, business_date=business_date)
    except InvalidStatementError as error:
        return refuse(refusals.STATEMENT_INVALID, reason=str(error))
    now = clock.now()
    async with database.transaction() as connection:
        earlier = await store.add_statement(connection, statement, rail=rail, now=now)
        if earlier not in {None, statement.sha256}:
            day = business_date.isoformat()
            return refuse(refusals.STATEMENT_CHANGED, statement_date=day)
        for take in (debit_store.resolve_by_statement, debit_store.bounce_by_statement):
            await take(connection, rail=rail, statement_date=business_date, now=now)
        doubtful = await debit_store.doubtful_by_statement(
            connection, rail=rail, statement_date=business_date
        )
        for customer_id, debit_id, cause in doubtful:
            await debit_store.suspend(connection, customer_id, debit_id, cause, now=now)
    return len(statement.lines)
