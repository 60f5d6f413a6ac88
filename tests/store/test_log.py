"""From a staged leaf to a receipt that a stranger verifies."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import asyncpg
import pytest
from tests.store.log_desk import LogDesk, log_opened

from counterfoil.evidence import log_store
from counterfoil.evidence.auditing import Audit
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.opening_store import (
    Opened,
    forget_openings,
    open_by_key,
    openings_left,
)
from counterfoil.evidence.sealing import open_leaves, place_of
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.proving.receipts import read_opening, read_receipt, read_receipts
from counterfoil.kernel.errors import Refused
from counterfoil.privacy.envelope import place
from counterfoil.privacy.store import DESTRUCTION_LOCK

#: What an erasure of evidence leaves behind.
ERASED = """
INSERT INTO privacy.erasure (customer_id, erasure_id, data_class, rule, keys_destroyed, gone_by,
                             approval_id, erased_by, erased_at, leaf_id)
VALUES (7, 1, 'consent_evidence', 'schedule', 1, '2027-01-01', 1, 'officer', now(), 1)
"""


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
async def test_a_staged_leaf_becomes_a_receipt_that_is_verified_offline(
    database_url: str, tmp_path: Path, count: int
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        leaves = await log.stage(count)
        assert await log.integrate(batch=300) == count
        assert await log.publish() == count
        policy = Policy.parse(log.policy)
        for leaf_id in (leaves[0], leaves[-1], leaves[count // 2]):
            receipt = await read_receipt(log.house, 7, leaf_id)
            assert isinstance(receipt, Receipt), receipt
            verdict = verify_receipt(bytes(receipt), policy)
            assert verdict.is_accepted, verdict.shape()


async def test_a_sealed_opening_opens_at_its_own_leaf_and_customer_alone(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        [first, second] = await log.stage(2)
        await log.stage(1, customer_id=8)
        await log.integrate()
        async with log.house.database.connection() as connection:
            kept = await log_store.leaves_of_customer(connection, 7, [first, second])
            sealed = {leaf.leaf_id: leaf.sealed or b"" for leaf in kept}
            opened = await open_leaves(connection, log.house.vault, 7, sealed)
            assert opened is not None
            assert opened.keys() == {first, second}
            for customer_id, moved in ((7, {first: sealed[second]}), (8, {first: sealed[first]})):
                rejected = log.house.vault.rejections.total
                assert not await open_leaves(connection, log.house.vault, customer_id, moved)
                assert log.house.vault.rejections.total == rejected + 1


def test_the_quick_context_of_an_opening_is_the_context_of_its_column() -> None:
    assert place_of(7, 9) == place("evidence.leaf", "sealed", 9, 7, "evidence")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence.leaf SET idx = idx",
        "DELETE FROM evidence.leaf",
        "TRUNCATE evidence.tile",
        "DELETE FROM evidence.checkpoint",
        "UPDATE evidence.note SET note = note",
        "DELETE FROM evidence.cosignature",
        "DELETE FROM evidence.witnessed",
        "UPDATE evidence.log SET origin = origin",
        "SET LOCAL counterfoil.refilling = 'on'; DELETE FROM evidence.note",
        "SET LOCAL counterfoil.refilling = 'on'; UPDATE evidence.leaf SET idx = idx",
    ],
)
async def test_the_database_takes_nothing_back(
    database_url: str, tmp_path: Path, statement: str
) -> None:
    async with log_opened(database_url, tmp_path) as log, log.house.database.transaction() as c:
        with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
            await c.execute(statement)


async def test_what_opens_leaves_goes_with_the_key_and_proofs_of_before_still_verify(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        house = log.house
        [first] = await log.stage(1)
        [of_another] = await log.stage(1, customer_id=8)
        await log.integrate()
        await log.publish()
        receipt = await read_receipt(house, 7, first)
        assert isinstance(receipt, Receipt), receipt
        async with house.database.transaction() as connection:
            await connection.execute("DELETE FROM privacy.data_key WHERE customer_id = 7")
            assert await forget_openings(connection, 7) == 1
        # Whoever was handed the receipt can verify it for ever; nobody can make it again.
        assert verify_receipt(bytes(receipt), Policy.parse(log.policy)).is_accepted
        lost = await read_receipt(house, 7, first)
        assert isinstance(lost, Refused)
        assert lost.code == "opening_lost"
        assert isinstance(await read_receipt(house, 8, of_another), Receipt)
        async with house.database.transaction() as connection:
            assert [fault async for fault in Audit(connection).faults()] == []
            # Only what opens a leaf may go, and only where the transaction says so.
            for change in ("sealed = sealed", "sealed = NULL, commitment = sealed"):
                update = f"UPDATE evidence.leaf SET {change} WHERE customer_id = 8"
                await connection.execute("SAVEPOINT before")
                await connection.execute("SET LOCAL counterfoil.erasing = 'on'")
                with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
                    await connection.execute(update)
                await connection.execute("ROLLBACK TO before")


async def test_why_a_leaf_cannot_be_opened_is_told_apart(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log:
        house = log.house
        [damaged, altered, lost, whole] = await log.stage(4)
        await log.stage(1, customer_id=8)
        await log.integrate()
        await log.publish()
        cut = "UPDATE evidence.leaf SET sealed = substr(sealed, 1, 30) WHERE leaf_id = {}"
        await log.tamper(cut.format(damaged))
        await log.tamper(
            f"UPDATE evidence.leaf SET commitment = sha256('x') WHERE leaf_id = {altered}"
        )
        await log.tamper(f"UPDATE evidence.leaf SET sealed = NULL WHERE leaf_id = {lost}")
        codes = {
            damaged: "opening_damaged",
            altered: "opening_damaged",
            lost: "opening_lost",
            whole: None,
        }
        assert await _codes(log, codes) == codes
        faults = await check_books(house.database, house.catalogue, vault=house.vault)
        told = {one["what"] for one in faults.checks["evidence_leaves"].exceptions}
        assert f"leaf {damaged} is damaged: what is sealed of it does not open" in told
        await log.tamper(ERASED)
        assert await _codes(log, codes) == codes | {lost: "opening_erased"}
        keys = house.settings.home / "keys"
        keys.rename(keys.with_name("keys-away"))
        assert set((await _codes(log, codes)).values()) == {"key_service_unavailable"}
        opening = await read_opening(house, 7, whole)
        assert isinstance(opening, Refused)
        assert opening.code == "key_service_unavailable"
        keys.with_name("keys-away").rename(keys)
        # A key that is damaged itself opens nothing, and is no service that is away.
        await log.rows(
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00'::bytea "
            "WHERE customer_id = 7"
        )
        assert set((await _codes(log, codes)).values()) == {"opening_damaged"}
        # It is its customer's trouble alone: the check goes on, and names each of their leaves.
        faults = await check_books(house.database, house.catalogue, vault=house.vault)
        told = {one["what"] for one in faults.checks["evidence_leaves"].exceptions}
        assert told >= {
            f"leaf {one} is damaged: what is sealed of it does not open"
            for one in (damaged, altered, whole)
        }


async def test_leaves_under_a_damaged_key_wait_and_let_others_pass(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(1)
        key = "UPDATE privacy.data_key SET wrapped_key = {} WHERE customer_id = 7"
        await log.rows(key.format("wrapped_key || '\\x00'::bytea"))
        waiting = await log.stage(5)
        others = await log.stage(3, customer_id=8)
        assert await log.integrate(batch=2) == 3
        async with log.house.database.dedicated({}) as one, log.house.database.dedicated({}) as two:
            more = await log.stage(3, customer_id=9)
            integrator = Integrator(log.house.vault, log.house.wall, batch_leaves=2)
            assert await integrator.drain([one, two]) == 3
        await log.publish()
        for customer_id, leaf_ids in ((8, others), (9, more)):
            found = await read_receipts(log.house, customer_id, leaf_ids)
            assert all(isinstance(receipt, Receipt) for receipt in found.values())
        await log.rows(key.format("substr(wrapped_key, 1, length(wrapped_key) - 1)"))
        assert await log.integrate(batch=2) == 5
        await log.publish()
        found = await read_receipts(log.house, 7, waiting)
        assert all(isinstance(receipt, Receipt) for receipt in found.values())
        async with log.house.database.connection() as connection:
            assert [fault async for fault in Audit(connection).faults()] == []


async def _codes(log: LogDesk, leaf_ids: Iterable[int]) -> dict[int, str | None]:
    found = await read_receipts(log.house, 7, [*leaf_ids])
    return {
        leaf_id: one.code if isinstance(one, Refused) else None for leaf_id, one in found.items()
    }


async def test_a_leaf_that_waits_while_its_customer_is_erased_is_numbered_without_an_opening(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        house = log.house
        [waiting] = await log.stage(1)
        [of_another] = await log.stage(1, customer_id=8)
        async with house.database.transaction() as connection:
            assert await forget_openings(connection, 7) == 1
        opened = await _staged(log, (7, waiting), (8, of_another))
        assert [(leaf.is_erased, leaf.is_intact) for leaf in opened] == [
            (True, False),
            (False, True),
        ]
        [after] = await log.stage(1)
        assert await log.integrate() == 3
        await log.publish()
        lost = await read_receipt(house, 7, waiting)
        assert isinstance(lost, Refused)
        assert lost.code == "opening_lost"
        for customer_id, leaf_id in ((8, of_another), (7, after)):
            assert isinstance(await read_receipt(house, customer_id, leaf_id), Receipt)
        async with house.database.connection() as connection:
            assert [fault async for fault in Audit(connection).faults()] == []


async def test_the_integrator_holds_keys_before_it_reads_its_queue(
    database_url: str, tmp_path: Path
) -> None:
    """Else it could seal under a new key what an erasure destroyed a moment before."""
    async with log_opened(database_url, tmp_path) as log:
        [waiting] = await log.stage(1)
        async with log.house.database.transaction() as erasing:
            await erasing.execute("SELECT pg_advisory_xact_lock($1)", DESTRUCTION_LOCK)
            numbering = asyncio.create_task(log.integrate())
            await asyncio.sleep(0.1)
            assert not numbering.done()
            await forget_openings(erasing, 7)
        assert await numbering == 1
        assert isinstance(await read_receipt(log.house, 7, waiting), Refused)
        assert await log.rows("SELECT sealed FROM evidence.leaf WHERE sealed IS NOT NULL") == []


async def _staged(log: LogDesk, *keys: tuple[int, int]) -> list[Opened]:
    async with log.house.database.connection() as connection:
        found = await open_by_key(connection, log.house.vault, keys)
    return [found[key] for key in keys]


async def test_the_check_finds_openings_that_outlived_an_erasure(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log, log.house.database.transaction() as c:
        # What a database restored from before the erasure has: an old opening, an erasure since.
        rows = [(0, 1, 100), (1, 2, 10_000)]
        for idx, leaf_id, created in rows:
            await c.execute(
                "INSERT INTO evidence.leaf (idx, customer_id, leaf_id, leaf_type, subject_id, "
                "commitment, created, checkpoint_size, sealed) "
                "VALUES ($1, 7, $2, 6, 1, $3, $4, 0, $3)",
                idx,
                leaf_id,
                bytes(32),
                created,
            )
        assert await openings_left(c, {7: 2}) == {7: 1}
        assert await openings_left(c, {7: 1}) == {}
        await forget_openings(c, 7)
        assert await openings_left(c, {7: 2}) == {}
