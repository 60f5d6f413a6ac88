"""A copy outside: what it believes, and how it brings a restored log back."""

import shutil
from pathlib import Path

import pytest
from tests.store.log_desk import LogDesk, log_opened

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.tile_directory import TileDirectory
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.formats.verifying_log import verify_log
from counterfoil.evidence.log_files import LogFiles
from counterfoil.evidence.mirror import (
    DirectorySource,
    Mirrored,
    MirrorRejectedError,
    held_heads,
    mirror,
)
from counterfoil.evidence.refill import Refilled, RefillError, refill
from counterfoil.journeys.proving.receipts import read_receipt
from counterfoil.kernel.errors import Refused, RefusedError


async def mirrored(log: LogDesk, to: Path) -> Mirrored:
    return await mirror(DirectorySource(log.files), LogFiles(to), Policy.parse(log.policy))


async def refilled(log: LogDesk, mirror_at: Path) -> Refilled:
    async with log.house.database.dedicated({}) as connection:
        return await refill(
            connection,
            LogFiles(mirror_at),
            Policy.parse(log.policy),
            log.house.vault,
            log.house.wall,
        )


async def test_a_mirror_holds_what_the_verifier_of_whole_logs_accepts(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        copy = tmp_path / "mirror"
        policy = Policy.parse(log.policy)
        for count, found in ((3, (0, 3)), (300, (3, 303)), (0, (303, 303)), (800, (303, 1103))):
            await log.grow(count)
            assert await mirrored(log, copy) == found
            verdict = verify_log(TileDirectory(copy), policy)
            assert verdict.is_accepted, verdict.shape()
            assert verify_log(TileDirectory(log.files), policy).is_accepted
        assert [held.size for held in held_heads(LogFiles(copy), policy, above=0)] == [3, 303, 1103]


@pytest.mark.parametrize("what", ["entry", "shrunk", "head", "missing"])
async def test_a_mirror_keeps_what_it_holds_where_the_log_is_not_what_it_signed(
    database_url: str, tmp_path: Path, what: str
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        copy = tmp_path / "mirror"
        await log.grow(10)
        first = (log.files / "checkpoint").read_bytes()
        await mirrored(log, copy)
        await log.grow(300)
        second = (log.files / "checkpoint").read_bytes()
        bundle = log.files / "tile" / "entries" / "000"
        if what == "entry":
            bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
        elif what == "missing":
            bundle.unlink()
        elif what == "head":
            (log.files / "checkpoint").write_bytes(second.replace(b"\n310\n", b"\n309\n"))
        else:
            await mirrored(log, copy)
            (log.files / "checkpoint").write_bytes(first)
        before = (copy / "checkpoint").read_bytes()
        with pytest.raises(MirrorRejectedError):
            await mirrored(log, copy)
        assert (copy / "checkpoint").read_bytes() == before
        assert verify_log(TileDirectory(copy), Policy.parse(log.policy)).is_accepted


async def test_a_log_restored_from_a_backup_goes_on_after_it_was_refilled(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        policy, copy = Policy.parse(log.policy), tmp_path / "mirror"
        old = await log.stage(10)
        await log.integrate()
        await log.publish()
        waiting = await log.stage(4)  # staged when the backup was made, numbered later
        await log.backup(tmp_path / "backup")
        lost = await log.stage(300)
        await log.integrate()
        await log.publish()
        given_out = await read_receipt(log.house, 7, lost[0])
        await mirrored(log, copy)
        await log.restore(tmp_path / "backup")
        new = await log.stage(5)
        await log.integrate()  # before anybody notices, numbers are given a second time
        with pytest.raises(RefusedError):
            await log.publish()
        assert await refilled(log, copy) == Refilled(10, 314, 4, 300, 5)
        assert await log.alarms() == set()
        assert await log.publish() == 319
        assert await log.grow(1) == 320
        for leaf_id in (old[0], waiting[0], waiting[3], new[0], new[4]):
            receipt = await read_receipt(log.house, 7, leaf_id)
            assert isinstance(receipt, Receipt), receipt
            assert verify_receipt(bytes(receipt), policy).is_accepted
        assert isinstance(given_out, Receipt)
        assert verify_receipt(bytes(given_out), policy).is_accepted
        assert isinstance(await read_receipt(log.house, 7, lost[0]), Refused)
        assert (await mirrored(log, copy)).size == 320


async def test_a_mirror_of_another_history_refills_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        copy = tmp_path / "mirror"
        await log.grow(10)
        await mirrored(log, copy)
        with pytest.raises(RefillError):
            await refilled(log, copy)
        await log.backup(tmp_path / "backup")
        await log.grow(10)
        await mirrored(log, copy)
        bundle = copy / "tile" / "entries" / "000.p" / "20"
        data = bundle.read_bytes()
        bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        await log.restore(tmp_path / "backup")
        with pytest.raises(RefillError):
            await refilled(log, copy)
        async with log.house.database.connection() as connection:
            head = await log_store.last_head(connection)
        assert head is not None
        assert head.size == 10
        shutil.rmtree(copy)
