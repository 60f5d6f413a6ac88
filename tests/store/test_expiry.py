"""The close of day ends what was offered, or waits, too long."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.branch import FIRST_DATE, Branch, open_branch

from counterfoil.decisioning.application import Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.expire import expire_applications
from counterfoil.journeys.books import close_day
from counterfoil.kernel.errors import Refused

#: The policy's offers are valid for 30 days; the close of the last of them ends them.
LAST_DAY = FIRST_DATE + timedelta(days=30)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def offers_steps(branch: Branch) -> dict[date, int]:
    rows = await branch.rows(
        "SELECT business_date, touched FROM lending.close_step"
        " WHERE step = 'offers' AND finished_at IS NOT NULL"
    )
    return dict(rows)


async def test_an_offer_is_there_on_its_last_day_and_gone_on_the_next(branch: Branch) -> None:
    counter = Counter(branch.house)
    view = await counter.apply()
    taken = await counter.apply()
    await counter.accept(taken)
    assert view.valid_until == LAST_DAY
    await branch.close_to(LAST_DAY)
    assert (await counter.stored(view)).status is Status.APPROVED
    [report] = await branch.close_to(LAST_DAY + timedelta(days=1))
    assert report.applications_expired == 1
    assert (await offers_steps(branch))[LAST_DAY] == 1
    ended = await counter.stored(view)
    assert (ended.status, ended.ended_at) == (Status.EXPIRED, branch.house.clock.now())
    assert (await counter.stored(taken)).status is Status.ACCEPTED
    assert await branch.rows(
        "SELECT customer_id, subject_id FROM platform.outbox WHERE kind = 'application_expired'"
    ) == [(view.customer_id, view.application_id)]
    assert await branch.faults() == {}


async def test_whoever_let_an_offer_expire_may_apply_again(branch: Branch) -> None:
    counter = Counter(branch.house)
    view = await counter.apply()
    await branch.close_to(LAST_DAY + timedelta(days=1))
    again = await counter.apply(customer_id=view.customer_id)
    assert again.status == "approved"


async def test_a_referral_that_nobody_decides_expires_too(branch: Branch) -> None:
    counter = Counter(branch.house)
    view = await counter.apply(is_student=True)
    assert view.status == "referred"
    await branch.close_to(LAST_DAY + timedelta(days=1))
    assert (await counter.stored(view)).status is Status.EXPIRED
    late = await apply.decide_referred(
        branch.house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        by="li-wei",
        outcome=Outcome.APPROVED,
        reason="known to the branch",
    )
    assert isinstance(late, Refused)
    assert late.code == "application_not_open"


async def test_a_referral_approved_late_is_valid_from_then(branch: Branch) -> None:
    counter = Counter(branch.house)
    view = await counter.apply(is_student=True)
    await branch.close_to(LAST_DAY)
    decided = await apply.decide_referred(
        branch.house,
        customer_id=view.customer_id,
        application_id=view.application_id,
        by="li-wei",
        outcome=Outcome.APPROVED,
        reason="known to the branch",
    )
    assert not isinstance(decided, Refused)
    await branch.close_to(LAST_DAY + timedelta(days=1))
    assert (await counter.stored(view)).status is Status.APPROVED


@pytest.mark.parametrize("status", ["received", "gathering", "referred"])
async def test_what_waits_without_an_offer_expires_after_the_days_of_its_product(
    branch: Branch, status: str
) -> None:
    counter = Counter(branch.house)
    view = await counter.apply()
    await branch.rows(
        "UPDATE decisioning.application SET status = $1, valid_until = NULL RETURNING 1", status
    )
    # It came in on the first day, and waits for thirty whole ones.
    await branch.close_to(LAST_DAY)
    assert (await counter.stored(view)).status == status
    await branch.close_to(LAST_DAY + timedelta(days=1))
    assert (await counter.stored(view)).status is Status.EXPIRED


async def test_a_close_cut_short_amid_the_offers_ends_and_counts_each_once(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(branch.house)
    views = [await counter.apply() for _ in range(3)]
    await branch.close_to(LAST_DAY)
    monkeypatch.setattr("counterfoil.decisioning.store.EXPIRED_AT_ONCE_MAX", 1)
    calls = 0

    async def breaks(*arguments: object, **named: object) -> int:
        nonlocal calls
        calls += 1
        ended = await expire_applications(*arguments, **named)  # type: ignore[arg-type]
        if calls == 2:
            raise ConnectionError("killed before the second page was committed")
        return ended

    with monkeypatch.context() as broken:
        broken.setattr("counterfoil.journeys.books.close_day.expire_applications", breaks)
        with pytest.raises(ConnectionError):
            await close_day.close_day(branch.house)
    statuses = [(await counter.stored(view)).status for view in views]
    assert sorted(statuses) == ["approved", "approved", "expired"]
    [report] = await close_day.close_day(branch.house)
    assert report.applications_expired == 3
    assert (await offers_steps(branch))[LAST_DAY] == 3
    assert (
        await branch.value(
            "SELECT count(*) FROM platform.outbox WHERE kind = 'application_expired'"
        )
        == 3
    )
