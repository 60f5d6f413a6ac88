"""Checkpoints of folds: made by folds and closes, read while they hold, dropped by a change."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.store.branch import FIRST_DATE, Branch, an_opening, open_branch, reversal

from counterfoil.lending import checkpoint, checkpoint_store, fold
from counterfoil.lending.checkpoint import Checkpoint
from counterfoil.lending.commands import ReturnPayout
from counterfoil.lending.loan import Loan, Parts
from counterfoil.lending.terms import Terms

KEPT = (
    "SELECT value_date, booked_through, rows_from FROM lending.fold_checkpoint "
    "ORDER BY value_date, booked_through"
)


@pytest.fixture
async def branch(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Branch]:
    monkeypatch.setattr(checkpoint, "EVERY", 4)
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def base(branch: Branch, loan_id: int, before: date) -> Checkpoint | None:
    async with branch.house.database.connection() as connection:
        found = await checkpoint_store.read_bases(connection, {(1, loan_id): before})
    return found.get((1, loan_id))


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of entries that folds take in from here on."""
    kinds: list[str] = []

    def counted(loan: Loan, entry: fold.Input, terms: Terms) -> Parts:
        kinds.append(entry.kind)
        return fold.apply(loan, entry, terms)

    monkeypatch.setattr(checkpoint, "apply", counted)
    return kinds


async def test_a_loans_checkpoints_live_as_long_as_its_past(
    branch: Branch, folded: list[str]
) -> None:
    await branch.get(an_opening(1, 1, repayment_day=28))
    loan_id = await branch.lend(1, 1, 300_000, repayment_day=28)
    paid = 0
    for day in range(1, 12):
        await branch.close_to(FIRST_DATE + timedelta(days=day))
        paid = await branch.repay(1, 1, 1_000 + day)
    assert await branch.rows(KEPT) == []  # nothing fell due, and nothing was folded again
    await branch.close_to(FIRST_DATE + timedelta(days=45))
    # Disbursement and three payments, then every fourth payment.
    kept = [FIRST_DATE + timedelta(days=day) for day in (3, 7, 11)]
    assert await branch.rows(KEPT) == [
        (kept[0], 12, 5), (kept[1], 12, 9), (kept[2], 12, 13)
    ]  # fmt: skip

    # A late payment is folded from the checkpoint strictly before it, and drops those after that.
    folded.clear()
    await branch.repay(1, 1, 700, value_date=kept[1])
    assert len(folded) == 9  # payments 4 to 11, and the late one
    rows = await branch.rows(KEPT)
    assert rows[0][:2] == (kept[0], 12)
    assert {row[1] for row in rows[1:]} == {13}
    assert await branch.faults() == {}

    # What is taken back has its checkpoint found by the repayment's own date.
    folded.clear()
    await branch.get(reversal(1, 1, paid))
    assert 0 < len(folded) < 9
    assert await branch.faults() == {}

    await settled_stay(branch, loan_id, folded)
    await a_past_of_one_day(branch, loan_id)


async def settled_stay(branch: Branch, loan_id: int, folded: list[str]) -> None:
    """Instalments that were settled before the base stay as they are."""
    await branch.repay(1, 1, 120_000)
    for _ in range(5):
        await branch.close_to(await branch.on() + timedelta(days=1))
        await branch.repay(1, 1, 1_000)
    late = await branch.on() - timedelta(days=1)
    await branch.repay(1, 1, 500, value_date=late)
    folded.clear()
    await branch.repay(1, 1, 600, value_date=late)
    assert 0 < len(folded) < 9
    start = await base(branch, loan_id, late)
    assert start is not None
    settled = "SELECT count(*) FROM lending.instalment WHERE settled_on <= $1"
    assert await branch.value(settled, start.value_date) >= 1
    assert await branch.faults() == {}


async def a_past_of_one_day(branch: Branch, loan_id: int) -> None:
    """A payment in time leaves the past alone, and one of the checkpoint's day makes it void."""
    newest = (await branch.rows(KEPT))[-1][0]
    assert (found := await base(branch, loan_id, await branch.on())) is not None
    assert found.value_date == newest
    await branch.rows(
        "INSERT INTO lending.loan_transaction SELECT customer_id, transaction_id + 1, loan_id, "
        "line_id, sequence + 90, 'repayment', $1::date, book_date, posted_at, amount_minor, "
        "principal_minor, interest_minor, penalty_minor, excess_minor, mode, repayment_id, "
        "relates_to, channel, reason, idempotency_key, fee_minor, guarantee_minor, plan "
        "FROM lending.loan_transaction WHERE kind = 'repayment' ORDER BY sequence LIMIT 1",
        newest,
    )
    held = await base(branch, loan_id, await branch.on())
    assert held is None or held.value_date < newest


async def test_a_payout_that_came_back_leaves_no_checkpoint(branch: Branch) -> None:
    await branch.get(an_opening(1, 1))
    loan_id = await branch.lend(1, 1, 300_000)
    for day in range(1, 8):
        await branch.close_to(FIRST_DATE + timedelta(days=day))
        await branch.repay(1, 1, 1_000)
    await branch.repay(1, 1, 900, value_date=FIRST_DATE + timedelta(days=6))
    assert await branch.rows(KEPT)
    with pytest.raises(asyncpg.PostgresError, match="never changed"):
        await branch.rows("UPDATE lending.fold_checkpoint SET state = ''")
    await branch.get(
        ReturnPayout(
            customer_id=1,
            line_id=1,
            loan_id=loan_id,
            payment_id=loan_id,
            value_date=await branch.on(),
            rail_reference="rail-reference",
            reason="account_closed",
        )
    )
    assert await branch.rows(KEPT) == []
    assert await branch.faults() == {}
