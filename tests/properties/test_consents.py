"""Whatever happens to consents in whatever order, the rows are the fold of their events.

A seeded walk on a real database: giving, using, confirming, withdrawing, closing days, and clocks
that step forward and back. After every step the state of each row is folded again from its events,
and no consent was ever used more often than was agreed.
"""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.consent_desk import Desk, open_desk

from counterfoil.consents import store
from counterfoil.consents.consent import UsedConsent
from counterfoil.consents.notice import SECONDS_PER_DAY
from counterfoil.consents.state import EventKind, Status, fold, period_of
from counterfoil.journeys.consenting import consent as journey
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer

STEPS = 40
NOTICES = ("inquiry-origination", "inquiry-review", "marketing")
FINAL = (Status.USED_UP, Status.EXPIRED, Status.WITHDRAWN)


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


class Walk:
    """One random history of two customers' consents."""

    def __init__(self, desk: Desk, seed: int, customers: list[int]) -> None:
        self.desk = desk
        self.chance = random.Random(seed)
        self.customers = customers
        self.known: list[tuple[int, int]] = []
        #: What had ended stays ended.
        self.ended: dict[tuple[int, int], Status] = {}

    async def step(self) -> None:
        choice = self.chance.choice(
            ["give", "use", "use", "use", "confirm", "withdraw", "close", "forward", "back"]
        )
        if choice == "give" or not self.known:
            customer = self.chance.choice(self.customers)
            consent = await self.desk.give(customer, self.chance.choice(NOTICES))
            self.known.append((customer, consent.consent_id))
        elif choice == "forward":
            self.desk.wall.seconds += self.chance.choice([1, 3_600, 29, 31, 91]) * (
                self.chance.choice([1, SECONDS_PER_DAY])
            )
        elif choice == "back":
            self.desk.wall.seconds -= self.chance.choice([1, 3_600, 2 * SECONDS_PER_DAY])
        elif choice == "close":
            await journey.expire_consents(self.desk.house)
        else:
            await self._change(choice, self.chance.choice(self.known))

    async def _change(self, choice: str, key: tuple[int, int]) -> None:
        desk = self.desk
        consent = await desk.stored(*key)
        if choice == "use":
            before = consent.state
            outcome = await desk.use(consent)
            if isinstance(outcome, UsedConsent):
                assert before.status is Status.GIVEN
                assert consent.not_before <= desk.wall.seconds <= consent.not_after
                assert outcome.use_no == before.uses + 1
        elif choice == "withdraw":
            assert isinstance(await desk.withdraw(consent), Answer)
        else:
            confirmed = await journey.reconfirm(
                desk.house,
                customer_id=consent.customer_id,
                consent_id=consent.consent_id,
                display=desk.display(consent.notice_code),
                authentication=desk.authentication(),
                channel="portal",
                idempotency_key=f"confirm-{self.chance.random()}",
            )
            assert isinstance(confirmed, Answer | Refused)

    async def check(self) -> None:
        async with self.desk.house.database.connection() as connection:
            for customer in self.customers:
                for consent in await store.read_consents(connection, customer):
                    key = (customer, consent.consent_id)
                    notice = self.desk.house.notices.version(consent.notice_code, 1)
                    assert notice is not None
                    events = await store.read_events(
                        connection, customer_id=customer, consent_id=consent.consent_id
                    )
                    state = fold(notice.scope, consent.not_before, events)
                    assert state == consent.state
                    assert self.ended.get(key, state.status) in {state.status, *FINAL[:2]}
                    if key in self.ended:
                        assert state.status in {self.ended[key], Status.WITHDRAWN}
                    if state.status in FINAL:
                        self.ended[key] = state.status
                    uses = [event for event in events if event.kind is EventKind.USED]
                    periods = [
                        period_of(notice.scope, consent.not_before, event.at) for event in uses
                    ]
                    assert all(periods.count(period) <= notice.scope.uses_max for period in periods)


@pytest.mark.parametrize("seed", range(6))
async def test_rows_are_the_fold_of_their_events(desk: Desk, seed: int) -> None:
    walk = Walk(desk, seed, [await desk.register(), await desk.register()])
    for _ in range(STEPS):
        await walk.step()
        await walk.check()
    assert walk.known
