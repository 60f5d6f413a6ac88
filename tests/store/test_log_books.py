"""Checking the books where leaves have their numbers and are sealed."""

from pathlib import Path

import pytest
from tests.store.branch import Branch, an_opening
from tests.store.log_desk import LogDesk, log_opened

from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt, has_null
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.evidence.staging import NOTHING_WITNESSED, body_of_answer
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.proving.receipts import list_receipts, read_receipt


async def found(log: LogDesk, *, opened: bool = True) -> dict[str, list[dict[str, str]]]:
    house = log.house
    report = await check_books(
        house.database, house.catalogue, vault=house.vault if opened else None
    )
    # Nothing is paid out here: the tests confirm payouts themselves.
    return {
        name: result.exceptions
        for name, result in report.checks.items()
        if not result.ok and name != "payouts"
    }


async def lend(log: LogDesk) -> None:
    branch = Branch(log.house)
    await branch.get(an_opening(7, 1))
    for amount in (10_000, 20_000, 30_000):
        await branch.lend(7, 1, amount)


TAMPERINGS = [
    ("UPDATE evidence.leaf SET commitment = sha256('x') WHERE idx = 2", {"leaves", "log"}),
    ("UPDATE evidence.leaf SET command_key = 'x' WHERE idx = 2", {"leaves"}),
    ("DELETE FROM evidence.leaf WHERE idx = 3", {"leaves", "log"}),
    ("UPDATE evidence.checkpoint SET root = sha256('x')", {"log"}),
    ("UPDATE evidence.note SET note = replace(note, E'\\n7\\n', E'\\n8\\n')", {"log"}),
    (
        "UPDATE evidence.leaf SET sealed = (SELECT sealed FROM evidence.leaf WHERE idx = 2)",
        {"leaves"},
    ),
    ("UPDATE ledger.journal SET product_code = 'x' WHERE kind = 'disbursement'", {"leaves"}),
    ("DELETE FROM ledger.journal WHERE kind = 'hold'", {"leaves"}),
    ("UPDATE platform.command SET answer = replace(answer, '10000', '10001')", {"leaves"}),
]


async def test_books_hold_together_after_leaves_got_their_numbers(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await lend(log)
        assert await log.integrate() == 7
        await log.publish()
        await lend_more(log)
        for opened in (True, False):
            assert await found(log, opened=opened) == {}
        policy = Policy.parse(log.policy)
        listed = await list_receipts(log.house, 7, before=2**63 - 1, page=100)
        assert [item.is_witnessed for item in listed] == [False] + [True] * 7
        for item in listed[1:]:
            receipt = await read_receipt(log.house, 7, item.leaf.leaf_id)
            assert isinstance(receipt, Receipt), receipt
            assert verify_receipt(bytes(receipt), policy).is_accepted
        await log.integrate()
        await log.publish()
        last = await read_receipt(log.house, 7, listed[0].leaf.leaf_id)
        assert isinstance(last, Receipt)
        assert last.after.size == 7


async def lend_more(log: LogDesk) -> None:
    await Branch(log.house).get(an_opening(8, 2), key="later")
    await Branch(log.house).ask(an_opening(7, 3), key="later")


@pytest.mark.parametrize(("statement", "checks"), TAMPERINGS)
async def test_what_somebody_changed_is_found(
    database_url: str, tmp_path: Path, statement: str, checks: set[str]
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await lend(log)
        await log.integrate()
        await log.publish()
        await log.tamper(statement)
        faults = await found(log)
        assert {name.removeprefix("evidence_") for name in faults} >= checks


async def test_a_leaf_of_the_first_version_opens_and_verifies_beside_those_of_today(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await lend(log)
        await as_in_the_first_version(log)
        await log.integrate()
        await log.publish()
        assert await found(log) == {}
        versions = set()
        for item in await list_receipts(log.house, 7, before=2**63 - 1, page=100):
            receipt = await read_receipt(log.house, 7, item.leaf.leaf_id)
            assert isinstance(receipt, Receipt), receipt
            assert verify_receipt(bytes(receipt), Policy.parse(log.policy)).is_accepted
            versions.add(receipt.fields["v"])
            assert has_null(receipt.fields) is (receipt.fields["v"] == 1)
        assert versions == {1, 2}
        # An answer that was altered is told of either.
        await log.tamper("UPDATE platform.command SET answer = replace(answer, '10000', '10001')")
        assert (await found(log)).keys() == {"evidence_leaves"}


async def as_in_the_first_version(log: LogDesk) -> None:
    """Give the first drawdown the leaf that it would have had before bodies had their terms."""
    [leaf] = await log.rows(
        "SELECT s.leaf_id, s.salt, s.created, c.answer FROM evidence.leaf_staged AS s "
        "JOIN platform.command AS c ON c.idempotency_key = s.command_key "
        "WHERE c.kind = 'draw' ORDER BY s.seq LIMIT 1"
    )
    body = body_of_answer(
        "draw",
        leaf["answer"],
        command="",
        kept=b"",
        created=leaf["created"],
        witnessed=NOTHING_WITNESSED,
    )
    assert body is not None
    made = commitment(LeafType.MONEY_MOVEMENT, leaf["salt"], body)
    await log.rows(
        "UPDATE evidence.leaf_staged SET body = NULL, commitment = $2 WHERE leaf_id = $1",
        leaf["leaf_id"],
        made,
    )


async def test_a_leaf_whose_key_was_destroyed_stays_in_the_log_and_is_paired(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await lend(log)
        await log.integrate()
        await log.rows("DELETE FROM privacy.data_key WHERE purpose = 'evidence'")
        assert await found(log) == {}
