"""What the tests of settings and auto-debit share: a registered person with a line, and words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from tests.store.applicants import PERSONS, Counter
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.customers.setting import Setting, SettingRequest
from counterfoil.journeys.paying.collect_debits import DebitBooks, present_due
from counterfoil.journeys.paying.mandates import DebitWish
from counterfoil.journeys.serving import change_setting
from counterfoil.journeys.serving.setting_effects import SettingWish
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.payments.debit_relay import DebitRelay
from counterfoil.simulator.bank.collecting import CollectingBank

LINE = 77
LIMIT_MINOR = 1_000_000
ACCOUNT = "account-token-own"


@dataclass
class SettingsDesk:
    """A branch with one customer, one line, and a bank that collects."""

    branch: Branch
    customer_id: int
    name: str
    bank: CollectingBank = field(default_factory=CollectingBank)
    asked: int = 0

    @property
    def clock(self) -> TestClock:
        clock = self.branch.house.clock
        assert isinstance(clock, TestClock)
        return clock

    async def ask(self, setting: Setting, **values: Any) -> tuple[dict[str, Any], str | None]:
        """Ask for a change; return what is shown of it, and the code."""
        asked = await self.try_to_ask(setting, **values)
        assert isinstance(asked, change_setting.Asked), asked
        return orjson.loads(asked.answer.text), asked.code

    async def try_to_ask(self, setting: Setting, **values: Any) -> change_setting.Asked | Refused:
        self.asked += 1
        wish = SettingWish(
            customer_id=self.customer_id,
            setting=setting,
            channel="portal",
            device="device-1",
            author="customer",
            **values,
        )
        return await change_setting.ask(
            self.branch.house, wish, idempotency_key=f"ask-{self.asked}"
        )

    async def confirm(self, shown: dict[str, Any], code: str | None) -> SettingRequest | Refused:
        return await change_setting.confirm(
            self.branch.house,
            customer_id=self.customer_id,
            request_id=ids.from_text(ids.SETTING_REQUEST, shown["id"]),
            effect_hash=bytes.fromhex(shown["effect_sha256"]),
            code=code,
        )

    async def change(self, setting: Setting, **values: Any) -> SettingRequest:
        """Ask for a change and confirm it."""
        shown, code = await self.ask(setting, **values)
        done = await self.confirm(shown, code)
        assert isinstance(done, SettingRequest), done
        return done

    async def switch_on(self) -> SettingRequest:
        """Switch auto-debit on."""
        return await self.change(Setting.AUTO_DEBIT, line_id=LINE, auto_debit=self.wish())

    def wish(self, **other: Any) -> DebitWish:
        values: dict[str, Any] = {
            "account_ref": ACCOUNT,
            "holder_name": self.name,
            "ends_on": None,
            "language": Language.CHINESE,
        }
        return DebitWish(**{**values, **other})

    def relay(self, *, worker: str = "worker-1", books: Any = None) -> DebitRelay:
        house = self.branch.house
        return DebitRelay(
            house.database,
            rail=self.bank,
            books=books or DebitBooks(house),
            clock=house.clock,
            business_date=house.business_date,
            worker=worker,
        )

    async def present(self) -> int:
        presented = await present_due(self.branch.house, rail=self.bank.name, after=0)
        return presented.made

    async def close_to(self, day: date, *, hour: int = 9) -> None:
        """Close days, and put the clock to an hour of the new one."""
        await self.branch.close_to(day)
        at = datetime(day.year, day.month, day.day, hour, tzinfo=self.clock.now().tzinfo)
        self.clock.advance(at - self.clock.now())

    def wait(self, **time: int) -> None:
        self.clock.advance(timedelta(**time))

    async def debits(self) -> list[tuple[Any, ...]]:
        """Return status and failure code of every debit, oldest first."""
        return await self.branch.rows(
            "SELECT status, failure_code FROM payments.debit ORDER BY debit_id"
        )

    async def collected_minor(self) -> int:
        """Return what the bank has collected, by its own statements."""
        days = [date(2026, 1, day) for day in range(5, 32)]
        texts = [await self.bank.statement(day) or "" for day in days]
        lines = [line for text in texts for line in text.splitlines() if ",paid," in line]
        return sum(int(line.split(",")[2]) for line in lines)

    async def credit_minor(self) -> int:
        return int(
            await self.branch.value(
                "SELECT credit_minor FROM lending.credit_line WHERE line_id = $1", LINE
            )
        )


@asynccontextmanager
async def open_desk(url: str, home: Path) -> AsyncIterator[SettingsDesk]:
    """Open a branch with a registered customer who has a line."""
    async with open_branch(url, home) as branch:
        customer_id = await Counter(branch.house, persons=1).register("person-1")
        await branch.get(an_opening(customer_id, LINE, limit_minor=LIMIT_MINOR))
        yield SettingsDesk(branch, customer_id, PERSONS[0].name)
