"""A higher limit after months of real days: own behaviour as the books have it."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import orjson
import pytest
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.journeys.deciding.replay_decisions import Replayed, replay_decisions
from counterfoil.journeys.deciding.todays import Today
from counterfoil.journeys.lines import raise_agreeing, raise_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer

C1, L1 = 1001, 2001
CLEAN = {
    "delay_months_latest": 0,
    "late_months_count": 0,
    "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 2_000_000,
}


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def with_history(branch: Branch) -> None:
    """Lend in January, repay each instalment on its day."""
    await branch.get(an_opening(C1, L1, limit_minor=500_000))
    loan_id = await branch.lend(C1, L1, 300_000, tenor_months=3)
    for due in (date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15)):
        await branch.close_to(due)
        owed = await branch.value(
            "SELECT sum(principal_minor + interest_minor - principal_paid_minor"
            " - interest_paid_minor)::bigint FROM lending.instalment WHERE loan_id = $1",
            loan_id,
        )
        await branch.repay(C1, L1, owed)
    await branch.close_to(date(2026, 4, 6))


def wish(key: str = "more", **changes: object) -> RaiseWish:
    fields = {"requested_minor": 800_000, "facts": CLEAN, **changes}
    return RaiseWish(customer_id=C1, line_id=L1, idempotency_key=key, **fields)  # type: ignore[arg-type]


async def test_months_of_repayment_lead_to_a_higher_limit_and_the_books_hold(
    branch: Branch,
) -> None:
    await with_history(branch)
    house = branch.house
    [asked] = await raise_limit.request_many(house, [wish()])
    assert isinstance(asked, LimitRequest), asked
    assert (asked.status, asked.limit_minor) == (Status.APPROVED, 800_000)
    assert asked.features["own_instalments_paid"] == 3
    assert asked.features["own_loans_repaid"] == 1
    assert asked.features["own_months"] == 3
    assert asked.features["own_days_late_worst"] == 0
    [again] = await raise_limit.request_many(house, [wish()])
    assert again == asked
    assert await branch.value("SELECT limit_minor FROM lending.credit_line") == 500_000
    [raised] = await raise_agreeing.accept_many(
        house, [raise_agreeing.acceptance_for_sandbox(house, asked)]
    )
    assert isinstance(raised, Answer), raised
    assert orjson.loads(raised.text)["limit_minor"] == 800_000
    assert await branch.faults() == {}
    async with house.database.connection() as connection:
        replayed = await replay_decisions(
            connection,
            house.catalogue,
            today=Today(policy=house.policies.limit_increase.policy, at=house.clock.now()),
        )
    assert isinstance(replayed, Replayed), replayed
    assert (replayed.examined, replayed.reproduced, replayed.findings) == (1, 1, [])
    [soon] = await raise_limit.request_many(house, [wish("soon", requested_minor=1_000_000)])
    assert isinstance(soon, LimitRequest), soon
    assert (soon.status, soon.reasons) == (Status.DECLINED, ("RAISED_RECENTLY",))
    assert await branch.faults() == {}


async def test_nothing_is_raised_while_something_is_overdue(branch: Branch) -> None:
    await branch.get(an_opening(C1, L1, limit_minor=500_000))
    await branch.lend(C1, L1, 300_000, tenor_months=3)
    await branch.close_to(date(2026, 1, 18))
    [within_grace] = await raise_limit.request_many(branch.house, [wish("g")])
    assert isinstance(within_grace, LimitRequest), within_grace
    assert within_grace.reasons == ("RECORD_SHORT", "LINE_YOUNG")
    await branch.close_to(date(2026, 1, 19))
    [refused] = await raise_limit.request_many(branch.house, [wish("o")])
    assert isinstance(refused, Refused)
    # The close suspended the line on the fourth day: what blocks it is told first.
    assert refused.code == "line_suspended"
