# ruff: noqa: ARG002 - the doubles have the parameters of what they stand for
"""The engine over a desk of its own: what waits becomes a batch, and who waits is answered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import pytest

from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.platform import batches, waiting
from counterfoil.platform.batches import (
    Answer,
    BusinessDateMovedError,
    Decided,
    Engine,
    KeyTakenError,
    StateChangedError,
)
from counterfoil.platform.waiting import Waiting

TODAY = date(2026, 1, 5)
NO = Refusal(code="no", kind=Kind.CONFLICT, message="No.", next_step="Stop.")


class Memory:
    """As much of a database as the engine sees: a date, and answers under keys."""

    def __init__(self) -> None:
        self.today = TODAY
        self.answers: dict[tuple[int, str], tuple[bytes, str]] = {}
        self.failures: list[Exception] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        if self.failures:
            raise self.failures.pop(0)
        yield self

    @asynccontextmanager
    async def dedicated(self, settings: Any) -> AsyncIterator[Any]:
        async with self.connection() as connection:
            yield connection

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        assert "business_date" in sql
        return self.today

    async def fetch(self, sql: str, keys: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
        return [
            {
                "customer_id": key[0],
                "idempotency_key": key[1],
                "request_hash": self.answers[key][0],
                "answer": self.answers[key][1],
            }
            for key in dict.fromkeys(map(tuple, keys))
            if key in self.answers
        ]


class Desk:
    """Accepts words, refuses `no`, breaks on `poison`; writing may fail as told."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.batches: list[list[str]] = []
        self.failures: list[Exception] = []
        self.dates: list[date] = []

    async def load(self, connection: Any, commands: Sequence[str], on: date) -> None:
        await asyncio.sleep(0)

    def decide(self, state: Any, waiting: Waiting, on: date) -> Decided | Refused:
        if waiting.command == "poison":
            raise ZeroDivisionError("poison")
        if waiting.command == "no":
            return refuse(NO)
        return Decided(waiting, f"{waiting.command} on {on}", None)

    async def write(
        self, connection: Any, state: Any, decided: Sequence[Decided], on: date
    ) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append([done.waiting.command for done in decided])
        self.dates.append(on)
        for done in decided:
            key = (done.waiting.customer_id, done.waiting.idempotency_key)
            self.memory.answers[key] = (done.waiting.request_hash, done.answer)

    def kind(self, command: str) -> str:
        return command


@pytest.fixture
def desk() -> Desk:
    return Desk(Memory())


async def ask(desk: Desk, *commands: str, keys: Sequence[str] | None = None) -> list[Any]:
    """Hand commands in at once; return answers' texts, refusals' codes and exceptions."""
    async with Engine(desk.memory, desk, shards=1) as engine:  # type: ignore[arg-type]
        futures = [
            engine.submit(
                1,
                command,
                idempotency_key=keys[number] if keys else str(number),
                request_hash=command.encode(),
            )
            for number, command in enumerate(commands)
        ]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
    return [
        o.code if isinstance(o, Refused) else o.text if isinstance(o, Answer) else type(o)
        for o in outcomes
    ]


async def test_what_waits_is_one_batch(desk: Desk) -> None:
    assert await ask(desk, "a", "no", "b") == ["a on 2026-01-05", "no", "b on 2026-01-05"]
    assert desk.batches == [["a", "b"]]


async def test_a_batch_has_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BATCH_COMMANDS_MAX", 2)
    await ask(desk, "a", "b", "c")
    assert desk.batches == [["a", "b"], ["c"]]


async def test_more_than_can_wait_are_told_to_try_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITING_MAX", 2)
    assert (await ask(desk, "a", "b", "c"))[2] == "try_later"


async def test_one_customer_cannot_send_the_others_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who floods is told to try later; others are taken in, in order, and so is who comes again."""
    monkeypatch.setattr(waiting, "WAITING_OF_CUSTOMER_MAX", 2)
    async with Engine(desk.memory, desk, shards=1) as engine:  # type: ignore[arg-type]

        def put(customer_id: int, command: str) -> "asyncio.Future[Answer | Refused]":
            return engine.submit(
                customer_id, command, idempotency_key=command, request_hash=command.encode()
            )

        asked = [put(1, "a"), put(1, "b"), put(1, "c"), put(2, "d")]
        outcomes = await asyncio.gather(*asked)
        assert [getattr(outcome, "code", "taken") for outcome in outcomes] == [
            *("taken", "taken", "try_later", "taken")
        ]
        again = await put(1, "c")
    assert isinstance(again, Answer)
    assert desk.batches == [["a", "b", "d"], ["c"]]


async def test_a_key_that_comes_twice_is_carried_out_once(desk: Desk) -> None:
    told = await ask(desk, "a", "a", "b", keys=["k", "k", "k"])
    assert told == ["a on 2026-01-05", "a on 2026-01-05", "idempotency_key_reused"]
    assert desk.batches == [["a"]]
    assert await ask(desk, "a", "c", keys=["k", "k"]) == [told[0], "idempotency_key_reused"]
    assert desk.batches == [["a"]]


async def test_a_collision_is_decided_again(desk: Desk) -> None:
    desk.failures = [StateChangedError(), StateChangedError()]
    assert await ask(desk, "a", "b") == ["a on 2026-01-05", "b on 2026-01-05"]
    assert desk.batches == [["a", "b"]]


async def test_a_batch_that_keeps_colliding_goes_one_by_one(desk: Desk) -> None:
    desk.failures = [StateChangedError()] * 3
    assert await ask(desk, "a", "b") == ["a on 2026-01-05", "b on 2026-01-05"]
    assert desk.batches == [["a"], ["b"]]


async def test_one_that_keeps_colliding_alone_is_told_to_try_later(desk: Desk) -> None:
    desk.failures = [StateChangedError()] * 6
    assert await ask(desk, "a", "b") == ["try_later", "b on 2026-01-05"]


async def test_a_date_that_moved_is_read_again(desk: Desk) -> None:
    class Overtaken(Desk):
        async def write(self, *arguments: Any) -> None:
            if self.memory.today == TODAY:
                self.memory.today = date(2026, 1, 6)
                raise BusinessDateMovedError
            await super().write(*arguments)

    overtaken = Overtaken(desk.memory)
    assert await ask(overtaken, "a", "b") == ["a on 2026-01-06", "b on 2026-01-06"]
    assert overtaken.dates == [date(2026, 1, 6)]


async def test_a_refusal_under_an_old_date_is_decided_again(desk: Desk) -> None:
    async with Engine(desk.memory, desk, shards=1) as engine:  # type: ignore[arg-type]
        assert await engine.business_date() == TODAY
        desk.memory.today = date(2026, 1, 6)
        refused = await engine.submit(1, "no", idempotency_key="n", request_hash=b"")
        assert isinstance(refused, Refused)
        assert await engine.business_date() == desk.memory.today


async def test_a_key_taken_elsewhere_is_answered_from_the_record(desk: Desk) -> None:
    desk.failures = [KeyTakenError()]
    desk.memory.answers[1, "k"] = (b"a", "what the other said")
    assert await ask(desk, "a", keys=["k"]) == ["what the other said"]
    assert desk.batches == []


async def test_poison_is_answered_alone(desk: Desk) -> None:
    told = await ask(desk, "a", "poison", "b")
    assert told == ["a on 2026-01-05", ZeroDivisionError, "b on 2026-01-05"]
    assert desk.batches == [["a"], ["b"]]


LOST = [
    ConnectionResetError(),
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.InterfaceError("closed"),
    asyncpg.AdminShutdownError("restarting"),
    asyncpg.CrashShutdownError("crashed"),
    asyncpg.CannotConnectNowError("starting"),
    asyncpg.TooManyConnectionsError("full"),
]


@pytest.mark.parametrize("lost", LOST, ids=lambda error: type(error).__name__)
async def test_a_connection_lost_in_the_middle_is_no_answer(desk: Desk, lost: Exception) -> None:
    desk.failures = [lost]
    assert await ask(desk, "a") == ["a on 2026-01-05"]


@pytest.mark.parametrize("lost", LOST, ids=lambda error: type(error).__name__)
async def test_a_connection_that_cannot_be_had_yet_is_waited_for(
    desk: Desk, lost: Exception
) -> None:
    desk.memory.failures = [lost, lost]
    assert await ask(desk, "a") == ["a on 2026-01-05"]


async def test_what_was_committed_before_the_connection_broke_is_not_done_again(
    desk: Desk,
) -> None:
    class Broken(Desk):
        async def write(self, *arguments: Any) -> None:
            await super().write(*arguments)
            if len(self.batches) == 1:
                raise ConnectionResetError

    broken = Broken(desk.memory)
    assert await ask(broken, "a", "b") == ["a on 2026-01-05", "b on 2026-01-05"]
    assert broken.batches == [["a", "b"]]


async def test_a_value_the_driver_cannot_send_is_poison_and_not_a_lost_database(
    desk: Desk,
) -> None:
    desk.failures = [asyncpg.DataError("not an integer"), asyncpg.DataError("not an integer")]
    assert await ask(desk, "a", "b") == [asyncpg.DataError, "b on 2026-01-05"]


async def test_a_statement_that_takes_too_long_is_an_answer(desk: Desk) -> None:
    desk.failures = [asyncpg.QueryCanceledError("statement timeout")]
    assert await ask(desk, "a") == [asyncpg.QueryCanceledError]


async def test_a_database_that_stays_away_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "RECONNECT_SECONDS_MAX", 0)
    desk.memory.failures = [ConnectionRefusedError()]
    assert await ask(desk, "a", "b") == ["outcome_unknown"] * 2


async def test_an_engine_that_stops_answers_what_waits_and_takes_no_more(desk: Desk) -> None:
    async with Engine(desk.memory, desk, shards=1) as engine:  # type: ignore[arg-type]
        waiting = engine.submit(1, "a", idempotency_key="a", request_hash=b"")
    assert waiting.done()
    late = await engine.submit(1, "b", idempotency_key="b", request_hash=b"")
    assert isinstance(late, Refused)
    assert late.code == "stopping"


async def test_a_caller_who_left_does_not_disturb_the_others(desk: Desk) -> None:
    async with Engine(desk.memory, desk, shards=1) as engine:  # type: ignore[arg-type]
        gone = engine.submit(1, "a", idempotency_key="a", request_hash=b"")
        other = engine.submit(1, "b", idempotency_key="b", request_hash=b"")
        gone.cancel()
        answer = await other
    assert isinstance(answer, Answer)
    assert desk.batches == [["a", "b"]]
