"""Drawdowns of a period count together for the identity checks that an amount needs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import Counter

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.borrowing import draw as drawing
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.drawn_together import end_hold, hold_drawdown
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.paying.payout_account import register_account
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import drawn_store as store
from counterfoil.lending.commands import Draw, FailPayout, OpenLine
from counterfoil.lending.drawn_store import DrawHold
from counterfoil.lending.quote import Quote
from counterfoil.lending.terms import Method
from counterfoil.platform.batches import KEY_REUSED, OUTCOME_UNKNOWN, Answer
from counterfoil.platform.settings import Settings

ABOVE = 200_000
FIRST_DAY = date(2026, 1, 5)
NEEDS_MORE = "identity_checks_for_total"
WISH: dict[str, Any] = {
    "amount_minor": 150_000, "currency": "CNY", "tenor_months": 6, "payee_ref": "acct-1",
    "method": Method.LEVEL_INSTALMENT, "purpose": "daily_consumption", "cost_sheet_hash": bytes(32),
}  # fmt: skip


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    settings = Settings(home=tmp_path, identity_required=True)
    async with open_house(settings, database_url, clock=clock, first_date=FIRST_DAY) as opened:
        yield adding_up(opened, 1)


def adding_up(house: House, days: int) -> House:
    """Return the house with drawdowns added up over some days."""
    policy = replace(
        house.identity_policy, drawing_above_minor={"CNY": ABOVE}, drawing_within_days=days
    )
    return replace(house, identity_policy=policy)


async def borrower(house: House, *, lines: int) -> tuple[int, list[int]]:
    """Register somebody with an account and some lines, and no check at all."""
    customer_id = await Counter(house).register("one")
    lax = replace(house, settings=house.settings.model_copy(update={"identity_required": False}))
    account = await register_account(
        lax, customer_id=customer_id, payee_ref="acct-1", by="t", idempotency_key="account"
    )
    assert isinstance(account, Answer), account
    opened = [house.ids.next() for _ in range(lines)]
    for line_id in opened:
        answer = await house.counter.submit(
            OpenLine(
                customer_id=customer_id, line_id=line_id, application_id=line_id,
                product_code="cash-line-open", product_version=1, limit_minor=1_000_000,
                currency="CNY", rate_daily_e8=35_000, repayment_day=15, contract_id=line_id,
                agreement_sha256=bytes(32),
            ),
            idempotency_key=f"open-{line_id}",
        )  # fmt: skip
        assert isinstance(answer, Answer), answer
    return customer_id, opened


async def wish(house: House, line: tuple[int, int], amount_minor: int) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "customer_id": line[0], "line_id": line[1], "amount_minor": amount_minor,
        "currency": "CNY", "tenor_months": 6, "method": Method.LEVEL_INSTALMENT,
        "purpose": "daily_consumption",
    }  # fmt: skip
    quoted = await quote(house, **asked)
    assert isinstance(quoted, Quote), quoted
    return asked | {"payee_ref": "acct-1", "quote_token": quoted.token}


async def drawn(house: House, line: tuple[int, int], amount_minor: int, key: str) -> str:
    asked = await wish(house, line, amount_minor)
    return said(await draw(house, **asked, idempotency_key=key))


def said(answer: Answer | Refused) -> str:
    return answer.code if isinstance(answer, Refused) else "drawn"


async def holds(house: House) -> int:
    async with house.database.connection() as connection:
        driver: Any = connection
        found: int = await driver.fetchval("SELECT count(*) FROM lending.draw_hold")
        return found


async def test_two_drawdowns_below_the_amount_need_its_checks_together(house: House) -> None:
    customer_id, [one, other] = await borrower(house, lines=2)
    first = await wish(house, (customer_id, one), 150_000)
    assert said(await draw(house, **first, idempotency_key="a")) == "drawn"
    asked = await wish(house, (customer_id, other), 100_000)
    refused = await draw(house, **asked, idempotency_key="b")
    assert isinstance(refused, Refused)
    assert refused.code == NEEDS_MORE
    assert "bank_card missing" in refused.message
    assert "50000" in refused.next_step
    assert said(await draw(house, **first, idempotency_key="a")) == "drawn", "a repetition"
    # What is refused later on counts no more.
    assert await drawn(house, (customer_id, other), 50_000, "a") == "idempotency_key_reused"
    assert await drawn(house, (customer_id, other), 50_000, "c") == "drawn", "up to the amount"
    assert await drawn(house, (customer_id, one), 50_000, "d") == NEEDS_MORE
    assert await holds(house) == 0
    # The next day begins anew, unless the document names more days.
    await close_day(house, to=date(2026, 1, 6))
    assert await drawn(adding_up(house, 2), (customer_id, one), 50_000, "e") == NEEDS_MORE
    assert await drawn(house, (customer_id, one), 50_000, "e") == "drawn"


async def test_of_two_drawdowns_at_once_one_passes_and_a_failed_payout_was_none(
    house: House,
) -> None:
    customer_id, lines = await borrower(house, lines=2)
    # While one is added up another one waits, and then counts the first.
    command = Draw(**WISH, customer_id=customer_id, line_id=lines[0])
    on = await house.business_date()
    first = DrawHold(
        customer_id=customer_id, hold_id=house.ids.next(), key="first", amount_minor=150_000,
        currency="CNY", asked_on=on, since=on, customer_ids=(customer_id,),
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await store.hold_drawing(connection, customer_id)
        second = asyncio.create_task(hold_drawdown(house, command, key="second"))
        done, _ = await asyncio.wait({second}, timeout=0.3)
        assert not done
        await store.add_hold(connection, first)
    refused = await second
    assert isinstance(refused, Refused)
    assert refused.code == NEEDS_MORE
    await end_hold(house, first, refuse(KEY_REUSED))
    await currencies_count_together(house, first, command)
    asked = [await wish(house, (customer_id, line_id), 150_000) for line_id in lines]
    answers = await asyncio.gather(
        *(draw(house, **one, idempotency_key=f"at-once-{n}") for n, one in enumerate(asked))
    )
    assert sorted(map(said, answers)) == ["drawn", NEEDS_MORE]
    [won] = [n for n, answer in enumerate(answers) if said(answer) == "drawn"]
    loan_id = _loan_of(answers[won])
    failed = await house.counter.submit(
        FailPayout(
            customer_id=customer_id, line_id=lines[won], loan_id=loan_id, payment_id=loan_id,
            reason="account_closed",
        ),
        idempotency_key="fail",
    )  # fmt: skip
    assert isinstance(failed, Answer), failed
    again = await draw(house, **asked[1 - won], idempotency_key="again")
    assert said(again) == "drawn"


async def currencies_count_together(house: House, first: DrawHold, command: Draw) -> None:
    """Half of the amount of another currency leaves half of one's own, an unknown one nothing."""
    both = replace(house.identity_policy, drawing_above_minor={"CNY": ABOVE, "HKD": 80_000})
    house = replace(house, identity_policy=both)
    for currency, left_minor in (("HKD", "100000 minor"), ("USD", "most 0 minor")):
        hold = replace(first, amount_minor=40_000, currency=currency)
        async with house.database.transaction() as connection:
            await store.add_hold(connection, hold)
        refused = await hold_drawdown(house, command, key="third")
        assert isinstance(refused, Refused)
        assert refused.code == NEEDS_MORE
        assert f"40000 {currency}" in refused.message
        assert left_minor in refused.next_step
        await end_hold(house, hold, refuse(KEY_REUSED))


def _loan_of(answer: Answer | Refused) -> int:
    assert isinstance(answer, Answer)
    return ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])


async def test_what_nobody_knows_the_outcome_of_goes_on_counting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id, [line_id] = await borrower(house, lines=1)
    first = await wish(house, (customer_id, line_id), 150_000)
    carried = drawing._draw_promoted

    async def crashed(*_: Any) -> Answer | Refused:
        raise ConnectionError

    async def unknown(*_: Any) -> Answer | Refused:
        return refuse(OUTCOME_UNKNOWN)

    monkeypatch.setattr(drawing, "_draw_promoted", crashed)
    with pytest.raises(ConnectionError):
        await draw(house, **first, idempotency_key="a")
    monkeypatch.setattr(drawing, "_draw_promoted", unknown)
    assert said(await draw(house, **first, idempotency_key="a")) == "outcome_unknown"
    monkeypatch.setattr(drawing, "_draw_promoted", carried)
    assert await drawn(house, (customer_id, line_id), 60_000, "b") == NEEDS_MORE
    # The same request counts once, and afterwards by its loan.
    assert said(await draw(house, **first, idempotency_key="a")) == "drawn"
    assert await drawn(house, (customer_id, line_id), 60_000, "b") == NEEDS_MORE
    assert await drawn(house, (customer_id, line_id), 50_000, "c") == "drawn"
    await close_day(house, to=date(2026, 1, 6))
    assert await drawn(house, (customer_id, line_id), 150_000, "d") == "drawn"
    assert await holds(house) == 0
