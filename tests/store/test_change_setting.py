"""What customers set: shown before, confirmed, carried out once, kept with its history."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.branch import FIRST_DATE
from tests.store.settings_desk import LINE, SettingsDesk, open_desk

from counterfoil.customers import message_store, setting_store
from counterfoil.customers.message_port import SandboxCarrier
from counterfoil.customers.setting import Channel, Setting, SettingRequest, StatementForm
from counterfoil.journeys.serving import change_setting
from counterfoil.journeys.serving.deliver_messages import send_due
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending import store as lending

_LAST = 2**63 - 1


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[SettingsDesk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def history(desk: SettingsDesk) -> list[tuple[str, Any, Any, bool]]:
    async with desk.branch.house.database.connection() as connection:
        found = await setting_store.read_changes(
            connection, desk.customer_id, before=_LAST, page=100
        )
    return [(one.setting.value, one.before, one.after, one.second_factor) for one in found]


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


async def test_the_repayment_day_of_running_loans_moves_as_it_was_shown(
    desk: SettingsDesk,
) -> None:
    loan_id = await desk.branch.lend(desk.customer_id, LINE, 300_000)
    shown, code = await desk.ask(Setting.REPAYMENT_DAY, line_id=LINE, repayment_day=20)
    [move] = shown["effect"]["loans"]
    assert (move["present"]["next_due_date"], move["proposed"]["next_due_date"]) == (
        "2026-01-15",
        "2026-01-20",
    )
    assert move["proposed"]["interest_minor"] > move["present"]["interest_minor"]
    assert shown["needs_code"]
    wrong = "000000" if code != "000000" else "111111"
    assert refusal(await desk.confirm(shown, wrong)) == "one_time_code_wrong"
    done = await desk.confirm(shown, code)
    assert isinstance(done, SettingRequest)
    async with desk.branch.house.database.connection() as connection:
        loan = await lending.read_loan(connection, desk.customer_id, loan_id)
    assert loan is not None
    assert loan.next_due_date == date(2026, 1, 20)
    assert await history(desk) == [
        ("repayment_day", {"repayment_day": 15}, {"repayment_day": 20}, True)
    ]
    await desk.close_to(date(2026, 2, 1))
    # A payment of before the move is folded in: the days stay as they were agreed to.
    await desk.branch.repay(desk.customer_id, LINE, 10_000, value_date=FIRST_DATE)
    rows = await desk.branch.rows("SELECT due_date FROM lending.instalment ORDER BY instalment_no")
    assert rows == [(date(2026, 1, 20),)]
    assert await desk.branch.faults() == {}


async def test_what_was_shown_and_is_no_longer_so_is_not_carried_out(desk: SettingsDesk) -> None:
    await desk.branch.lend(desk.customer_id, LINE, 300_000)
    shown, code = await desk.ask(Setting.REPAYMENT_DAY, line_id=LINE, repayment_day=20)
    await desk.branch.repay(desk.customer_id, LINE, 50_000)
    assert refusal(await desk.confirm(shown, code)) == "effect_changed"
    assert await history(desk) == []
    again = await desk.confirm(shown, code)
    assert refusal(again) == "setting_change_ended"


async def test_two_changes_at_once_give_one_each(desk: SettingsDesk) -> None:
    """One change confirmed twice is one; of two for one setting one is refused."""
    shown, _ = await desk.ask(Setting.OWN_CAP, line_id=LINE, cap_minor=500_000)
    other, _ = await desk.ask(Setting.OWN_CAP, line_id=LINE, cap_minor=400_000)
    outcomes = await asyncio.gather(
        desk.confirm(shown, None), desk.confirm(shown, None), desk.confirm(other, None)
    )
    codes = sorted(one.code if isinstance(one, Refused) else "done" for one in outcomes)
    assert len(await history(desk)) == 1
    assert set(codes) == {"done", "setting_changed_meanwhile"}


async def test_a_lower_cap_works_at_once_and_a_higher_one_after_a_whole_day(
    desk: SettingsDesk,
) -> None:
    shown, code = await desk.ask(Setting.OWN_CAP, line_id=LINE, cap_minor=300_000)
    assert (shown["needs_code"], code) == (False, None)
    await desk.confirm(shown, None)
    shown, code = await desk.ask(Setting.OWN_CAP, line_id=LINE, cap_minor=600_000)
    assert shown["needs_code"]
    assert shown["effect"]["works_on"] == (FIRST_DATE + timedelta(days=2)).isoformat()
    assert refusal(await desk.confirm(shown, None)) == "setting_code_missing"
    await desk.confirm(shown, code)
    too_high = await desk.try_to_ask(Setting.OWN_CAP, line_id=LINE, cap_minor=1_000_001)
    assert refusal(too_high) == "cap_out_of_range"


async def test_closing_needs_nothing_owed_or_says_what_settles(desk: SettingsDesk) -> None:
    await desk.branch.lend(desk.customer_id, LINE, 300_000)
    refused = await desk.try_to_ask(Setting.CLOSE_LINE, line_id=LINE)
    assert refusal(refused) == "line_settlement_needed"
    assert isinstance(refused, Refused)
    assert refused.detail["amount_minor"] == 300_000
    await desk.branch.repay(desk.customer_id, LINE, 300_000)
    await desk.change(Setting.CLOSE_LINE, line_id=LINE)
    async with desk.branch.house.database.connection() as connection:
        line = await lending.read_line(connection, desk.customer_id, LINE)
    assert line is not None
    assert line.status == "closed"


async def test_channels_language_and_statements_are_bound_to_what_arrives(
    desk: SettingsDesk,
) -> None:
    refused = await desk.try_to_ask(Setting.CHANNELS, channels=(Channel.APP,))
    assert refusal(refused) == "channel_for_notices_missing"
    refused = await desk.try_to_ask(Setting.STATEMENT_FORM, statement_form=StatementForm.EMAIL)
    assert refusal(refused) == "statement_form_without_channel"
    await desk.change(Setting.CHANNELS, channels=(Channel.APP, Channel.SMS))
    await desk.change(Setting.LANGUAGE, language=Language.ENGLISH)
    assert [one[0] for one in await history(desk)] == ["language", "channels"]
    refused = await desk.try_to_ask(Setting.LANGUAGE, language=Language.ENGLISH)
    assert refusal(refused) == "setting_unchanged"


async def test_a_change_is_told_by_the_channel_that_works(
    desk: SettingsDesk, tmp_path: Path
) -> None:
    await desk.change(Setting.CHANNELS, channels=(Channel.APP, Channel.SMS))
    carrier = desk.branch.house.messages
    assert isinstance(carrier, SandboxCarrier)
    carrier.down = {Channel.APP}
    assert await send_due(desk.branch.house) == 1
    [line] = (tmp_path / "simulator" / "messages.jsonl").read_text().splitlines()
    sent = orjson.loads(line)
    assert sent["channel"] == "sms"
    assert desk.name in sent["body"]
    kept = await desk.branch.rows("SELECT fields, cause FROM customers.message")
    assert desk.name not in repr(kept)
    assert sent["address"] not in repr(kept)
    async with desk.branch.house.database.connection() as connection:
        [row] = await message_store.read_messages(
            connection, desk.customer_id, before=_LAST, page=10
        )
    assert (row["status"], row["sent_by"]) == ("sent", "sms")
    assert await send_due(desk.branch.house) == 0


async def test_a_message_that_nobody_delivers_is_tried_again_and_then_left(
    desk: SettingsDesk,
) -> None:
    await desk.change(Setting.LANGUAGE, language=Language.ENGLISH)
    carrier = desk.branch.house.messages
    assert isinstance(carrier, SandboxCarrier)
    carrier.down = set(Channel)
    for _ in range(3):
        assert await send_due(desk.branch.house) == 1
        desk.wait(minutes=31)
    assert await send_due(desk.branch.house) == 0
    assert await desk.branch.rows("SELECT status, attempts FROM customers.message") == [
        ("undeliverable", 3)
    ]


async def test_a_confirmed_change_of_a_dead_process_is_carried_on_once(
    desk: SettingsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, _ = await desk.ask(Setting.OWN_CAP, line_id=LINE, cap_minor=500_000)

    async def die(*_: object) -> None:
        raise ConnectionError("killed between the confirmation and the line")

    with monkeypatch.context() as patched:
        patched.setattr(change_setting, "carry_line", die)
        with pytest.raises(ConnectionError):
            await desk.confirm(shown, None)
    assert await history(desk) == []
    desk.wait(minutes=1)
    assert await change_setting.resume(desk.branch.house) == 1
    assert await change_setting.resume(desk.branch.house) == 0
    assert len(await history(desk)) == 1
