"""The line of an act stands in what the act commits first, or in nothing of it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asyncpg.transaction import Transaction
from tests.store.application_desk import open_counter, registered

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, carried_out, find_trail, taken
from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.lending.commands import FreezeLine, OpenLine
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer
from counterfoil.platform.in_hand import in_hand, is_change
from counterfoil.platform.trail import Entry, Wanted

CLERK = Actor(name="li.na", role="operations", source="console 10.0.0.7")
ACT = Act(name="submit", subject="/somewhere", reason="asked for")
NO = Refusal(code="no", kind=Kind.CONFLICT, message="No.", next_step="Ask again.")
WRITE = "INSERT INTO public.note (note_id) VALUES ($1)"


class DiedError(BaseException):
    """The process ended here."""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_counter(database_url, tmp_path) as opened:
        async with opened.database.connection() as connection:
            await connection.execute("CREATE TABLE public.note (note_id bigint PRIMARY KEY)")
        yield opened


async def lines(house: House) -> list[Entry]:
    return [one for one in await find_trail(house, Wanted(actor=CLERK.name)) if not one.is_command]


async def notes(house: House) -> int:
    async with house.database.connection() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM public.note")
    return count


async def write(house: House, number: int) -> None:
    async with house.database.transaction() as connection:
        await connection.execute(WRITE, number)


def dying(monkeypatch: pytest.MonkeyPatch, *, is_committed: bool) -> None:
    """Let the process end at the first commit of a change by the act: before it, or right after."""
    leave = Transaction.__aexit__

    async def aexit(self: Transaction, *raised: Any) -> None:
        act = in_hand()
        if act is None or raised[0] is not None:
            await leave(self, *raised)
            return
        monkeypatch.undo()
        if is_committed:
            await leave(self, *raised)
        else:
            await leave(self, DiedError, DiedError(), None)
        raise DiedError

    monkeypatch.setattr(Transaction, "__aexit__", aexit)


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("by_itself", [True, False])
async def test_a_crash_leaves_change_and_line_or_neither(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_committed: bool, by_itself: bool
) -> None:
    async def work() -> None:
        dying(monkeypatch, is_committed=is_committed)
        if by_itself:
            async with house.database.connection() as connection:
                await connection.execute(WRITE, 1)
        else:
            await write(house, 1)

    with pytest.raises(DiedError):
        await carried_out(house, CLERK, ACT, work)
    expected = int(is_committed)
    assert (await notes(house), len(await lines(house))) == (expected, expected)


async def test_a_long_look_of_an_act_sees_one_moment(house: House) -> None:
    async def work() -> str:
        how: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True}
        async with house.database.connection() as connection, connection.transaction(**how):
            return str(await connection.fetchval("SHOW transaction_isolation"))

    assert await carried_out(house, CLERK, ACT, work) == "repeatable read"


async def test_of_several_commits_the_first_that_changes_something_carries_it(house: House) -> None:
    seen: list[int] = []

    async def work() -> None:
        async with house.database.transaction() as connection:
            await connection.fetch("SELECT note_id FROM public.note FOR UPDATE")
        seen.append(len(await lines(house)))
        async with house.database.transaction() as connection:
            await connection.execute("DELETE FROM public.note WHERE note_id = 7")
        seen.append(len(await lines(house)))
        await write(house, 1)
        seen.append(len(await lines(house)))
        await write(house, 2)

    await carried_out(house, CLERK, ACT, work)
    [line] = await lines(house)
    assert seen == [0, 0, 1]
    assert (line.source, line.reason, line.outcome) == (CLERK.source, "asked for", "done")


async def test_what_was_undone_in_a_savepoint_is_no_change(house: House) -> None:
    async def work() -> None:
        async with house.database.transaction() as connection:
            with suppress(ZeroDivisionError):
                async with connection.transaction():
                    await connection.execute(WRITE, 1)
                    raise ZeroDivisionError
            assert await connection.fetchval("SELECT count(*) FROM public.note") == 0
        assert await lines(house) == []

    await carried_out(house, CLERK, ACT, work)
    assert len(await lines(house)) == 1


async def test_nothing_committed_or_refused_has_a_line_of_its_own(house: House) -> None:
    async def nothing() -> str:
        return "seen"

    async def refused() -> Refused:
        return refuse(NO)

    await carried_out(house, CLERK, ACT, nothing)
    await carried_out(house, CLERK, ACT, refused)
    assert [one.outcome for one in await lines(house)] == ["no", "done"]


@pytest.mark.parametrize("rides", [True, False])
async def test_the_line_of_a_person_rides_with_the_command(house: House, *, rides: bool) -> None:
    customer = await registered(house)
    line_id = house.ids.next()
    opened = OpenLine(
        customer_id=customer, line_id=line_id, application_id=line_id,
        product_code="cash-line-open", product_version=1, limit_minor=500_000, currency="CNY",
        rate_daily_e8=35_000, repayment_day=15,
    )  # fmt: skip
    await house.counter.submit(opened, idempotency_key="open")
    freeze = FreezeLine(
        customer_id=customer, line_id=line_id, until=None, reason="asked", author=CLERK.name
    )
    async with taken(house, CLERK, ACT, rides=rides) as one:
        assert isinstance(await house.counter.submit(freeze, idempotency_key="f"), Answer)
        # As after a crash: nobody has come back to the gate.
        found = await find_trail(house, Wanted(customer_id=customer))
        [command] = [entry for entry in found if entry.act == "freeze_line"]
        assert (command.actor, command.source) == (CLERK.name, CLERK.source)
        assert "status=frozen" in command.after
        assert len(await lines(house)) == int(rides)
        assert one.held.is_told
    await one.done()
    assert len(await lines(house)) == int(rides)


def test_only_what_writes_is_a_change() -> None:
    assert is_change("WITH a AS (UPDATE lending.loan SET x = 1) SELECT 1")
    assert is_change("INSERT INTO platform.operator\n(a) VALUES (1)")
    assert not is_change("INSERT INTO platform.trail (a) VALUES (1)")
    assert not is_change("SELECT 1 FROM lending.loan AS l FOR NO KEY UPDATE OF l")
