"""A crash between a line and its measure loses no notice, and repeats nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch

from counterfoil.decisioning import choice_store
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.signal import SignalKind
from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.lines import (
    adjust_limit,
    lift_measure,
    line_measures,
    line_reviewing,
    line_signals,
)
from counterfoil.journeys.lines.line_measures import MeasureWish
from counterfoil.journeys.lines.settle_measures import settle_measures
from counterfoil.journeys.lines.take_measure import take_as_asked
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer

OF: dict[str, Any] = {"customer_id": 1, "line_id": 1, "author": "li-wei"}


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        await opened.get(an_opening(1, 1, limit_minor=500_000))
        yield opened


async def measures(branch: Branch) -> list[LineMeasure]:
    """Return the measures, oldest first."""
    async with branch.house.database.connection() as connection:
        found = await case_store.measures_of_line(connection, customer_id=1, line_id=1)
    return found[::-1]


async def notices(branch: Branch) -> list[str]:
    rows = await branch.rows("SELECT text_en FROM decisioning.line_notice ORDER BY notice_id")
    return [row[0] for row in rows]


async def line_status(branch: Branch) -> str:
    found: str = await branch.value("SELECT status FROM lending.credit_line")
    return found


async def settle(branch: Branch) -> int:
    return await settle_measures(branch.house, on=await branch.on())


async def crashing(*_: object, **__: object) -> None:
    raise ConnectionResetError


async def cut_short(
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    act: Callable[[], Awaitable[object]],
) -> None:
    """Do something and crash where it calls a function."""
    with monkeypatch.context() as patch:
        patch.setattr(place, name, crashing)
        with pytest.raises(ConnectionResetError):
            await act()


async def test_a_freeze_that_a_crash_cut_short_is_told_done_and_answered_once(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = branch.house

    async def freeze(key: str = "f1", until: date | None = None) -> Answer | Refused:
        how = {**OF, "until": until, "reason": "suspected fraud", "idempotency_key": key}
        return await adjust_limit.freeze(house, **how)

    async def unfreeze(key: str = "u1") -> Answer | Refused:
        return await adjust_limit.unfreeze(house, **OF, reason="cleared", idempotency_key=key)

    # Nothing is announced that the line refuses.
    past = await freeze("f0", FIRST_DATE - timedelta(days=1))
    assert isinstance(past, Refused)
    assert await measures(branch) == []
    # Between notice and line: told already, and found again.
    await cut_short(monkeypatch, house.counter, "submit", freeze)
    assert (await line_status(branch), len(await notices(branch))) == ("active", 1)
    assert await settle(branch) == 1
    assert await line_status(branch) == "frozen"
    # Between line and measure.
    await cut_short(monkeypatch, adjust_limit, "end_gone", unfreeze)
    assert await line_status(branch) == "active"
    [held] = await measures(branch)
    assert held.status is Status.IN_FORCE
    assert [*await branch.faults()] == ["line_measures"]
    assert await settle(branch) == 1
    [ended] = await measures(branch)
    assert (ended.status, ended.ended_by, ended.end_reason) == (Status.ENDED, "li-wei", "cleared")
    # The key that was never answered finds its own measure, not another one.
    first = await freeze()
    assert isinstance(first, Answer)
    assert await freeze() == first._replace(is_replay=True)
    assert (await line_status(branch), len(await measures(branch))) == ("active", 1)
    # A key of an unfreeze that comes again leaves what was frozen since.
    assert isinstance(await freeze("f2"), Answer)
    again = await unfreeze()
    assert isinstance(again, Answer)
    assert again.is_replay
    assert [item.status for item in await measures(branch)] == [Status.ENDED, Status.IN_FORCE]
    assert await settle(branch) == 0
    assert len(await notices(branch)) == 3
    assert await branch.faults() == {}
    # On another day the same request is still the same one.
    await branch.close_to(FIRST_DATE + timedelta(days=1))
    assert await freeze() == first._replace(is_replay=True)
    other = await freeze("f1", FIRST_DATE + timedelta(days=9))
    assert isinstance(other, Refused)
    assert other.code == "idempotency_key_reused"


async def test_a_measure_a_lifting_and_a_signal_that_were_cut_short_are_found_again(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = branch.house

    async def take(key: str, days: int) -> Answer | Refused:
        ends_on = FIRST_DATE + timedelta(days=days)
        wish = MeasureWish(
            **OF, kind=Kind.FREEZE, reason="PERSON_DECIDES", ends_on=ends_on
        )  # fmt: skip
        return await take_as_asked(house, wish, key)

    async def lift(number: int) -> LineMeasure | Refused:
        held = (await measures(branch))[number]
        return await lift_measure.lift_measure(
            house, customer_id=1, measure_id=held.measure_id,
            by="wang-min", reason="mine, not theirs", is_wrong=number == 1,
        )  # fmt: skip

    await cut_short(monkeypatch, line_measures, "bring_to_line", lambda: take("m1", 3))
    assert isinstance(await take("m1", 3), Answer)
    assert isinstance(await take("m2", 9), Answer)
    assert [item.status for item in await measures(branch)] == [Status.IN_FORCE] * 2
    # The longer of two freezes is taken back; the shorter one goes on.
    await cut_short(monkeypatch, lift_measure, "_note_lifted", lambda: lift(1))
    assert (await measures(branch))[1].status is Status.IN_FORCE
    assert await settle(branch) == 1
    undone = (await measures(branch))[1]
    assert (undone.status, undone.ended_by, undone.end_reason) == (
        Status.UNDONE, "wang-min", "mine, not theirs",
    )  # fmt: skip
    until = await branch.value("SELECT frozen_until FROM lending.credit_line")
    assert until == FIRST_DATE + timedelta(days=3)
    await cut_short(monkeypatch, house.counter, "submit", lambda: lift(0))
    assert await settle(branch) == 1
    assert await line_status(branch) == "active"
    assert (await measures(branch))[0].status is Status.LIFTED
    assert await lift(0) == (await measures(branch))[0]
    assert len(await notices(branch)) == 4
    assert await settle(branch) == 0

    async def signal() -> object:
        told = line_signals.Told(
            customer_id=1, line_id=1, kind=SignalKind.FRAUD_SIGNAL,
            source="branch", reference="s1", by="li-wei",
        )  # fmt: skip
        return await line_signals.note_signal(house, told)

    async with house.database.transaction() as connection:
        await choice_store.add_choice(
            connection, customer_id=1, choice_id=1, choice=Choice.PERSON_DECIDES, is_on=True,
            at=house.clock.now(), channel="portal",
        )  # fmt: skip
    await cut_short(monkeypatch, line_signals, "review_line", signal)
    assert await line_status(branch) == "active"
    assert await line_reviewing.review_brought_forward(house) == 1
    assert await line_status(branch) == "frozen"
    assert await line_reviewing.review_brought_forward(house) == 0
    # Who wants no decision by machine alone has a person look at what was stopped.
    assert await branch.value("SELECT proposals FROM decisioning.line_review_case") == ["look"]
    # Closing is told before it is done, and a line with money on it is not closed.
    await branch.get(an_opening(2, 2, limit_minor=500_000))
    await branch.lend(2, 2, 50_000)
    refused = await adjust_limit.close(
        house, **OF | {"customer_id": 2, "line_id": 2}, reason="tidy", idempotency_key="c"
    )
    assert isinstance(refused, Refused)
    assert refused.code == "line_not_empty"
    assert await branch.value("SELECT count(*) FROM decisioning.line_measure") == 3
    assert await branch.faults() == {}
