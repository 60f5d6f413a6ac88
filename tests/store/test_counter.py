"""The counter on a real database: twins, rivals, poison, lost connections, dates that move."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import (
    FIRST_DATE,
    Branch,
    a_draw,
    a_repayment,
    an_opening,
    confirmation,
    open_branch,
    reversal,
)

from counterfoil.journeys.books.close_day import close_day
from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.commands import Command, FreezeLine, UnfreezeLine
from counterfoil.lending.terms import Method
from counterfoil.platform.batches import Answer, Engine
from counterfoil.platform.database import Database

#: Lines on which two processes meet.
LINES = range(1, 21)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path, node=1) as opened:
        yield opened


@asynccontextmanager
async def two_branches(url: str, home: Path) -> AsyncIterator[tuple[Branch, Branch]]:
    """Two processes' worth of engines on one database."""
    async with open_branch(url, home, node=1) as one, open_branch(url, home, node=2) as two:
        yield one, two


def codes(outcomes: Iterable[Answer | Refused]) -> list[str]:
    return [o.code if isinstance(o, Refused) else "ok" for o in outcomes]


async def drawn_of(branch: Branch) -> dict[int, int]:
    """Return the loans of each line."""
    rows = await branch.rows("SELECT line_id, count(*) FROM lending.loan GROUP BY line_id")
    return dict(rows)


async def test_a_repeated_key_gets_the_first_answer_to_the_byte(branch: Branch) -> None:
    await branch.ask(an_opening(1, 1), key="open")
    command = a_draw(1, 1, 100_000, on=FIRST_DATE)
    first = await branch.ask(command, key="draw")
    assert isinstance(first, Answer)
    assert not first.is_replay
    await branch.ask(a_draw(1, 1, 200_000, on=FIRST_DATE), key="another")
    again = await asyncio.gather(*[branch.ask(command, key="draw") for _ in range(64)])
    assert again == [Answer(first.text, is_replay=True)] * 64
    assert await drawn_of(branch) == {1: 2}


async def test_numbers_typed_into_a_reason_are_hidden_before_it_is_kept(branch: Branch) -> None:
    """A reason is read by customers and hosts; a person's number in it would leave with it."""
    await branch.get(an_opening(1, 1))
    said = "caller 11010519491231002X, ring 138 0013 1234"
    freeze = FreezeLine(customer_id=1, line_id=1, until=None, reason=said, author="clerk")
    first = await branch.house.counter.submit(freeze, idempotency_key="freeze")
    again = await branch.house.counter.submit(freeze, idempotency_key="freeze")
    assert isinstance(first, Answer)
    assert again == Answer(first.text, is_replay=True)
    rows = await branch.rows("SELECT reason FROM lending.line_event WHERE kind <> 'opened'")
    assert [row[0] for row in rows] == ["caller ****, ring ****"]
    assert "1234" not in first.text
    # Two spellings of one word would make two bodies: only NFC is taken, and nothing half done.
    thawed = UnfreezeLine(customer_id=1, line_id=1, reason="cafe\u0301", author="clerk")
    refused = await branch.ask(thawed)
    assert isinstance(refused, Refused)
    assert refused.code == "text_not_normalised"
    assert len(await branch.rows("SELECT reason FROM lending.line_event")) == 2


async def test_a_key_speaks_for_one_request_and_one_customer(branch: Branch) -> None:
    for customer_id in (1, 2):
        await branch.ask(an_opening(customer_id, customer_id), key="open")
    command = a_draw(1, 1, 100_000, on=FIRST_DATE)
    await branch.ask(command, key="draw")
    other = await branch.ask(replace(command, amount_minor=100_100), key="draw")
    assert isinstance(other, Refused)
    assert other.code == "idempotency_key_reused"
    in_one_batch = await asyncio.gather(
        branch.ask(a_draw(2, 2, 100_000, on=FIRST_DATE), key="draw"),
        branch.ask(a_draw(2, 2, 200_000, on=FIRST_DATE), key="draw"),
        branch.ask(a_draw(2, 2, 100_000, on=FIRST_DATE), key="draw"),
    )
    assert codes(list(in_one_batch)) == ["ok", "idempotency_key_reused", "ok"]
    assert in_one_batch[0] == in_one_batch[2]._replace(is_replay=False)  # type: ignore[union-attr]
    assert await drawn_of(branch) == {1: 1, 2: 1}


async def test_a_refusal_is_not_recorded_and_the_key_may_be_tried_again(branch: Branch) -> None:
    await branch.ask(an_opening(1, 1, limit_minor=100_000))
    command = a_draw(1, 1, 100_000, on=FIRST_DATE)
    loan_id = await branch.lend(1, 1, 50_000)
    assert codes([await branch.ask(command, key="k")]) == ["insufficient_limit"]
    await branch.repay(1, 1, 50_000, loan_id=loan_id)
    assert codes([await branch.ask(command, key="k")]) == ["ok"]


async def test_refusals_in_a_batch_leave_their_neighbours_untouched(branch: Branch) -> None:
    for number in LINES:
        await branch.ask(an_opening(number, number, limit_minor=100_000))
    commands = [
        a_draw(number, number, 100_100 if number % 2 else 100_000, on=FIRST_DATE)
        for number in LINES
    ]
    outcomes = list(await asyncio.gather(*[branch.ask(c) for c in commands]))
    assert codes(outcomes) == ["insufficient_limit", "ok"] * (len(LINES) // 2)
    assert await branch.faults() == {}


async def test_draws_of_one_batch_are_accepted_in_order_as_far_as_the_limit_goes(
    branch: Branch,
) -> None:
    await branch.ask(an_opening(1, 1, limit_minor=100_000))
    amounts = [60_000, 50_000, 40_000, 10_000]
    outcomes = await asyncio.gather(
        *[branch.ask(a_draw(1, 1, amount, on=FIRST_DATE)) for amount in amounts]
    )
    assert codes(list(outcomes)) == ["ok", "insufficient_limit", "ok", "insufficient_limit"]
    assert await branch.value("SELECT held_minor FROM lending.credit_line") == 100_000


async def test_of_two_processes_one_gets_the_last_of_the_limit(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        for number in LINES:
            await one.ask(an_opening(number, number, limit_minor=100_000))
        asked = []
        for number in LINES:
            command = a_draw(number, number, 100_000, on=FIRST_DATE)
            asked.append(asyncio.gather(one.ask(command), two.ask(command)))
        for outcomes in await asyncio.gather(*asked):
            assert sorted(codes(outcomes)) == ["insufficient_limit", "ok"]
        assert await drawn_of(one) == dict.fromkeys(LINES, 1)
        held = await one.rows("SELECT held_minor, version FROM lending.credit_line")
        assert held == [(100_000, 2)] * len(LINES)
        assert await one.faults() == {}


async def test_twins_sent_to_two_processes_are_carried_out_once(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        opened = await asyncio.gather(
            *[b.ask(an_opening(n, n), key="open") for n in LINES for b in (one, two)]
        )
        assert codes(list(opened)) == ["ok"] * 2 * len(LINES)
        twins = []
        for number in LINES:
            command = a_draw(number, number, 1_500_000, on=FIRST_DATE)
            other = replace(command, amount_minor=100_000)
            for branch in (one, two):
                twins.append(branch.ask(command, key="draw"))
                twins.append(branch.ask(command, key="draw"))
            await asyncio.sleep(0)
            twins.append(two.ask(other, key="draw"))
        answers = await asyncio.gather(*twins)
        for start in range(0, len(answers), 5):
            same, other_answer = answers[start : start + 4], answers[start + 4]
            assert codes(same) == ["ok"] * 4
            assert len({answer.text for answer in same if isinstance(answer, Answer)}) == 1
            assert codes([other_answer]) == ["idempotency_key_reused"]
        assert await drawn_of(one) == dict.fromkeys(LINES, 1)
        assert await one.faults() == {}


class Rival:
    """A desk before whose loading somebody else is served."""

    def __init__(self, desk: Any, rival: Branch, command: Command) -> None:
        self._desk = desk
        self._rival: Branch | None = rival
        self._command = command

    async def load(self, connection: Any, commands: Any, on: date) -> Any:
        rival, self._rival = self._rival, None
        if rival is not None:
            assert codes([await rival.ask(self._command, key="draw")]) == ["ok"]
        return await self._desk.load(connection, commands, on)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)


@pytest.mark.parametrize("company", [0, 3])
async def test_a_twin_accepted_elsewhere_after_the_keys_were_looked_up_is_not_refused(
    database_url: str, tmp_path: Path, company: int
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        await one.ask(an_opening(1, 1, limit_minor=100_000))
        command = a_draw(1, 1, 100_000, on=FIRST_DATE)
        engine = one.house.counter.engine
        engine._desk = Rival(engine._desk, two, command)
        asked = [one.ask(command, key="draw")]
        asked += [one.ask(a_draw(1, 1, 100_000, on=FIRST_DATE)) for _ in range(company)]
        outcomes = await asyncio.gather(*asked)
        assert codes(outcomes) == ["ok"] + ["insufficient_limit"] * company
        assert isinstance(outcomes[0], Answer)
        assert outcomes[0].is_replay
        assert await drawn_of(one) == {1: 1}


class Collided:
    """A desk that is told of a rival's write each time, so that no batch ever fits."""

    def __init__(self, desk: Any, rival: Branch) -> None:
        self._desk = desk
        self._rival = rival
        self.loads = 0

    async def load(self, connection: Any, commands: Any, on: date) -> Any:
        state = await self._desk.load(connection, commands, on)
        self.loads += 1
        await self._rival.get(a_draw(1, 1, 10_000, on=FIRST_DATE))
        return state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)


async def test_state_read_before_a_rivals_write_is_never_written(
    database_url: str, tmp_path: Path
) -> None:
    """The version check: what somebody else changed after it was read is read again."""
    async with two_branches(database_url, tmp_path) as (one, two):
        await one.ask(an_opening(1, 1, limit_minor=1_000_000))
        engine = one.house.counter.engine
        desk = Collided(engine._desk, two)
        engine._desk = desk
        outcome = await one.ask(a_draw(1, 1, 100_000, on=FIRST_DATE))
        assert codes([outcome]) == ["try_later"]
        assert desk.loads == 3
        line = await one.rows("SELECT held_minor, version FROM lending.credit_line")
        assert line == [(30_000, 4)]
        assert await one.faults() == {}


async def test_a_command_that_breaks_is_answered_alone(branch: Branch) -> None:
    for number in LINES:
        await branch.ask(an_opening(number, number))
    good = [branch.ask(a_draw(n, n, 100_000, on=FIRST_DATE), key="d") for n in LINES]
    poison = [
        branch.ask(replace(an_opening(50, 50), product_version=99)),  # nobody knows the version
        branch.ask(a_draw(1, 1, 100_000, on=FIRST_DATE), key="nul \x00"),  # refused by the server
        branch.ask(a_draw(2, 2, 100_000, on=FIRST_DATE, purpose=7)),  # type: ignore[arg-type]
    ]
    async with asyncio.timeout(180):
        outcomes = await asyncio.gather(*good[:5], *poison, *good[5:], return_exceptions=True)
    broken = outcomes[5:8]
    assert isinstance(broken[0], UnknownProductError)
    assert all(isinstance(outcome, Exception) for outcome in broken)
    answered: Any = outcomes[:5] + outcomes[8:]
    assert codes(answered) == ["ok"] * len(LINES)
    assert await drawn_of(branch) == dict.fromkeys(LINES, 1)
    assert await branch.faults() == {}


async def test_a_lone_broken_command_does_not_stop_the_counter(branch: Branch) -> None:
    await branch.ask(an_opening(1, 1))
    for command in (
        a_draw(1, 1, 100_000, on=FIRST_DATE, purpose=7),  # type: ignore[arg-type]
        replace(an_opening(1, 2), product_version=99),
    ):
        with pytest.raises(Exception, match=r"purpose|invalid input|there is no product"):
            async with asyncio.timeout(180):
                await branch.ask(command)
        assert codes([await branch.ask(a_draw(1, 1, 10_000, on=FIRST_DATE))]) == ["ok"]


async def test_connections_that_break_lose_nothing_and_do_nothing_twice(
    database_url: str, tmp_path: Path
) -> None:
    async with open_branch(database_url, tmp_path, node=1) as branch:
        for number in LINES:
            await branch.ask(an_opening(number, number))
        done = asyncio.Event()

        async def break_connections() -> int:
            """End every connection but this one, as a restart would, over and over."""
            breaks = 0
            async with Database(database_url, connections_max=1) as other:
                while not done.is_set():
                    async with other.connection() as connection:
                        driver: Any = connection
                        breaks += await driver.fetchval(
                            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    await asyncio.sleep(0.4)
            return breaks

        breaker = asyncio.create_task(break_connections())
        async with asyncio.timeout(180):
            for round_number in range(15):
                key = f"draw-{round_number}"
                outcomes = await asyncio.gather(
                    *[branch.ask(a_draw(n, n, 10_000, on=FIRST_DATE), key=key) for n in LINES]
                )
                assert codes(list(outcomes)) == ["ok"] * len(LINES)
                await asyncio.sleep(0.01)
        done.set()
        assert await breaker > 0
        assert await drawn_of(branch) == dict.fromkeys(LINES, 15)
        assert await branch.faults() == {}


async def test_a_lone_command_waits_for_the_database_to_come_back(
    database_url: str, tmp_path: Path
) -> None:
    """The server's own farewell is no answer to a command."""
    async with open_branch(database_url, tmp_path, node=1) as branch:
        await branch.ask(an_opening(1, 1))
        # A lock on the line keeps the command's statement waiting while its connection is ended.
        async with Database(database_url, connections_max=2) as other:
            async with other.transaction() as connection:
                driver: Any = connection
                await driver.execute("LOCK TABLE lending.credit_line IN ACCESS EXCLUSIVE MODE")
                asked = asyncio.create_task(branch.ask(a_draw(1, 1, 10_000, on=FIRST_DATE)))
                async with other.connection() as watcher, asyncio.timeout(180):
                    seen: Any = watcher
                    while not await seen.fetchval(  # noqa: ASYNC110 - a lock tells nobody
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    ):
                        await asyncio.sleep(0.01)
            async with asyncio.timeout(180):
                assert codes([await asked]) == ["ok"]
        assert await drawn_of(branch) == {1: 1}


async def test_commands_book_on_one_date_while_the_date_moves(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        for number in LINES:
            await one.ask(an_opening(number, number))
            await one.lend(number, number, 500_000, method=Method.ANY_TIME)
        done = asyncio.Event()

        async def pay(number: int) -> int:
            paid = 0
            while not done.is_set():
                outcome = await two.ask(a_repayment(number, number, 100), key=f"pay-{paid}")
                assert codes([outcome]) == ["ok"]
                paid += 1
            return paid

        payers = [asyncio.create_task(pay(number)) for number in LINES]
        reports = await close_day(one.house, to=FIRST_DATE + timedelta(days=5))
        done.set()
        paid = sum(await asyncio.gather(*payers))
        assert [report.business_date.day for report in reports] == [5, 6, 7, 8, 9]
        assert await one.value("SELECT count(*) FROM lending.loan_transaction") == (
            paid + len(LINES)
        )
        apart = await one.rows(
            "SELECT t.transaction_id FROM lending.loan_transaction AS t"
            " JOIN ledger.journal AS j USING (customer_id, transaction_id)"
            " WHERE t.book_date <> j.book_date OR t.value_date > t.book_date"
        )
        assert apart == []
        # The sums of closed dates are final: nothing was booked into one after it was summed up.
        # A day's accrual is kept as it stands while the close runs, payments of the next included.
        assert (await one.faults()).keys() <= {"accrual_day"}
        dates = await one.rows(
            "SELECT DISTINCT book_date FROM lending.loan_transaction ORDER BY book_date"
        )
        assert len(dates) > 2


async def test_a_process_that_was_not_told_of_the_new_date_refuses_nothing_because_of_it(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        await one.ask(an_opening(1, 1))
        await one.lend(1, 1, 500_000, method=Method.ANY_TIME)
        assert await two.on() == FIRST_DATE
        tomorrow = FIRST_DATE + timedelta(days=1)
        await close_day(one.house)
        outcome = await two.ask(a_repayment(1, 1, 10_000, value_date=tomorrow))
        assert codes([outcome]) == ["ok"]
        row = await two.rows(
            "SELECT value_date, book_date FROM lending.loan_transaction WHERE kind = 'repayment'"
        )
        assert row == [(tomorrow, tomorrow)]
        # A quote that was agreed to yesterday is refused, although this process slept through it.
        assert codes([await two.ask(a_draw(1, 1, 10_000, on=FIRST_DATE))]) == ["quote_expired"]


async def test_a_payment_over_several_loans_is_booked_by_a_process_that_slept_through_the_close(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        await one.ask(an_opening(1, 1))
        for _ in range(2):
            await one.lend(1, 1, 500_000, method=Method.LEVEL_PRINCIPAL)
        assert await two.on() == FIRST_DATE
        # The loans have been taken further than the date that the second process knows.
        await close_day(one.house, to=FIRST_DATE + timedelta(days=40))
        assert codes([await two.ask(a_repayment(1, 1, 400_000))]) == ["ok"]
        paid = await two.rows(
            "SELECT book_date FROM lending.loan_transaction WHERE kind = 'repayment'"
        )
        assert paid == [(FIRST_DATE + timedelta(days=40),)] * 2
        assert (await one.faults()).keys() <= {"accrual_day"}


async def test_readers_hear_of_the_new_date_within_moments(
    database_url: str, tmp_path: Path
) -> None:
    async with two_branches(database_url, tmp_path) as (one, two):
        assert await two.on() == FIRST_DATE
        await close_day(one.house)
        async with asyncio.timeout(180):
            while await two.on() == FIRST_DATE:  # noqa: ASYNC110 - time is what passes
                await asyncio.sleep(0.05)


class Counted:
    """A database whose connections count their statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements = 0

    @asynccontextmanager
    async def dedicated(self, settings: Any) -> AsyncIterator[Any]:
        async with self._database.dedicated(settings) as connection:
            yield CountedConnection(connection, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


class CountedConnection:
    def __init__(self, connection: Any, counter: Counted) -> None:
        self._connection = connection
        self._counter = counter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name in {"fetch", "fetchrow", "fetchval", "execute"}:
            self._counter.statements += 1
        return found


async def statements_of(branch: Branch, commands: list[Command]) -> int:
    """Return how many statements a batch of these commands takes."""
    engine: Engine = branch.house.counter.engine
    counter = engine._database
    assert isinstance(counter, Counted)
    before, batches = counter.statements, sum(engine.batch_sizes.values())
    assert set(codes(list(await asyncio.gather(*[branch.ask(c) for c in commands])))) == {"ok"}
    assert sum(engine.batch_sizes.values()) == batches + 1
    return counter.statements - before


async def test_a_batch_takes_the_same_statements_however_many_commands_it_has(
    database_url: str, tmp_path: Path
) -> None:
    async with open_branch(database_url, tmp_path, shards=1) as branch:
        engine: Any = branch.house.counter.engine
        engine._database = Counted(engine._database)
        await branch.house.business_date()
        numbers = range(1, 101)
        openings = [an_opening(number, number) for number in numbers]
        assert await statements_of(branch, [*openings]) == 3  # keys, lines, everything written
        assert await statements_of(branch, [an_opening(200, 200)]) == 2  # a lone key is not sought
        draws: list[Command] = [a_draw(n, n, 100_000, on=FIRST_DATE) for n in numbers]
        assert await statements_of(branch, draws) == 3
        loans = await branch.rows("SELECT customer_id, line_id, loan_id FROM lending.loan")
        arrivals: list[Command] = [confirmation(*loan, on=FIRST_DATE) for loan in loans]
        few = await statements_of(branch, arrivals[:2])
        assert await statements_of(branch, arrivals[2:]) == few <= 4
        payments: list[Command] = [a_repayment(n, n, 5_000) for n in numbers]
        few = await statements_of(branch, payments[:2])
        assert await statements_of(branch, payments[2:]) == few <= 4
        repaid = await branch.rows(
            "SELECT customer_id, line_id, repayment_id FROM lending.loan_transaction"
            " WHERE kind = 'repayment'"
        )
        reversals: list[Command] = [reversal(*row) for row in repaid]
        few = await statements_of(branch, reversals[:2])
        assert await statements_of(branch, reversals[2:]) == few <= 9
        assert await branch.faults() == {}
