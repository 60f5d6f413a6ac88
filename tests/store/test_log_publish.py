"""Publishing: the order of steps, witnesses that are slow, down, lying or ahead, and restarts."""

import asyncio
import shutil
import time
from pathlib import Path

import asyncpg
import pytest
from tests.store.log_desk import ORIGIN, LogDesk, log_opened

from counterfoil.evidence.auditing import Audit
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.cosignature import cosign
from counterfoil.evidence.formats.note import Note, parse_note
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.log_files import LogFiles
from counterfoil.evidence.receipts import root_at
from counterfoil.evidence.signer import create_key
from counterfoil.journeys.proving.publish_log import Integrating, Publishing
from counterfoil.journeys.proving.receipts import read_receipt
from counterfoil.kernel.errors import RefusedError
from counterfoil.worker.loop import Job, run


async def test_heads_are_published_with_every_line_that_came_in_time(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        assert [await log.grow(n) for n in (1, 2, 300)] == [1, 3, 303]
        note = parse_note((log.files / "checkpoint").read_bytes())
        accepted = Policy.parse(log.policy).check(note)
        assert accepted.times.keys() == {"regulator", "bureau", "auditor"}
        assert Checkpoint.parse(note.text).size == log.served() == 303
        assert log.house.leaves.witnessed.size == 303


async def test_an_idle_log_signs_nothing_new(database_url: str, tmp_path: Path) -> None:
    async with log_opened(database_url, tmp_path) as log:
        assert await log.publish() == 0
        await log.grow(5)
        assert [await log.publish() for _ in range(3)] == [0, 0, 0]
        assert len(await log.rows("SELECT FROM evidence.note")) == 1


async def test_roots_that_were_not_signed_go_and_signed_ones_stay(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        for count in (2, 2):
            await log.stage(count)
            await log.integrate()
        assert await log.publish() == 7
        sizes = "SELECT size FROM evidence.checkpoint ORDER BY size"
        assert [row[0] for row in await log.rows(sizes)] == [3, 7]
        await log.stage(1)
        await log.integrate()
        # Of what was signed nothing goes, nor the newest root, whoever says that it thins.
        for size in (3, 7, 8):
            async with log.house.database.transaction() as connection:
                await connection.execute("SET LOCAL counterfoil.thinning = 'on'")
                with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
                    await connection.execute(
                        "DELETE FROM evidence.checkpoint WHERE size = $1", size
                    )
        assert await log.publish() == 8
        async with log.house.database.connection() as connection:
            assert [fault async for fault in Audit(connection).faults()] == []


async def test_without_a_quorum_nothing_is_shown_and_nothing_more_is_signed(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        async with log.publisher() as (publisher, connection):
            await publisher.step(connection)
            log.witnesses["regulator"].is_down = True
            for count in (4, 5):
                await log.stage(count)
                await log.integrate()
                assert await publisher.step(connection, patience_ms=100) == 0
            assert log.served() == 3
            assert [r[0] for r in await log.rows("SELECT size FROM evidence.note ORDER BY 1")] == [
                3,
                7,
            ]
            log.witnesses["regulator"].is_down = False
            assert await publisher.step(connection) == 7
            assert await publisher.step(connection) == 12
        assert log.served() == 12


async def test_one_witness_down_and_one_slow_do_not_delay_a_quorum(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        log.witnesses["auditor"].is_down = True
        assert await log.grow(1) == 4
        log.witnesses["auditor"].is_down = False
        async with log.publisher() as (publisher, connection):
            await publisher.step(connection)
            log.witnesses["auditor"].waits_for = awake = asyncio.Event()
            await log.stage(1)
            await log.integrate()
            assert await publisher.step(connection) == 5
            lines = "SELECT count(*) FROM evidence.cosignature WHERE size = 5"
            assert (await log.rows(lines))[0][0] == 2
            awake.set()
            async with asyncio.timeout(180):
                while (await log.rows(lines))[0][0] < 3:  # noqa: ASYNC110 – no event
                    await asyncio.sleep(0.02)


async def test_a_witness_that_lies_about_its_size_is_left_aside(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        log.witnesses["auditor"].claims = 1_000_000
        assert await log.grow(1) == 4
        assert await log.alarms() == {("witness_faulty", "auditor")}
        log.witnesses["auditor"].claims = None
        assert await log.grow(1) == 5
        assert await log.alarms() == set()


async def test_a_witness_behind_is_asked_again_from_its_own_size(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        async with log.publisher() as (publisher, connection):
            await publisher.step(connection)
            log.witnesses["bureau"].is_down = True
            for _ in range(3):
                await log.stage(100)
                await log.integrate()
                await publisher.step(connection)
            log.witnesses["bureau"].is_down = False
            for client in publisher._desk.witnesses:  # what a process may remember wrongly
                client.cosigned_size = 1
            await log.stage(1)
            await log.integrate()
            assert await publisher.step(connection) == 304
        found = await log.rows("SELECT witness FROM evidence.cosignature WHERE size = 304")
        assert {row[0] for row in found} == {"regulator", "bureau", "auditor"}


async def test_a_log_restored_from_an_older_backup_refuses_to_sign(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(10)
        await log.backup(tmp_path / "backup")
        await log.grow(10)
        await log.restore(tmp_path / "backup")
        await log.stage(1)
        await log.integrate()
        for _ in range(2):
            with pytest.raises(RefusedError) as refused:
                await log.publish()
            assert refused.value.refused.code == "log_stopped"
            assert "witness_ahead" in refused.value.refused.message
        assert [r[0] for r in await log.rows("SELECT size FROM evidence.note")] == [10]


async def test_a_restored_log_that_grew_past_its_witnesses_is_a_fork_and_refuses_to_sign(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(10)
        await log.backup(tmp_path / "backup")
        await log.grow(5)
        await log.restore(tmp_path / "backup")
        for witness in log.witnesses.values():
            witness.is_down = True
        await log.stage(20)
        await log.integrate()
        # While no quorum answers, nothing is signed, so no second head of a size comes about.
        assert await log.publish() == 0
        assert [r[0] for r in await log.rows("SELECT size FROM evidence.note")] == [10]
        for witness in log.witnesses.values():
            witness.is_down = False
        with pytest.raises(RefusedError):
            await log.publish()


async def test_a_bit_that_flipped_between_leaf_and_file_stops_the_log_before_it_signs(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(10)
        written = LogFiles.write

        def flipped(files: LogFiles, named: dict[str, bytes]) -> None:
            written(
                files,
                {
                    name: data[:-1] + bytes([data[-1] ^ 1]) if "entries" in name else data
                    for name, data in named.items()
                },
            )

        monkeypatch.setattr(LogFiles, "write", flipped)
        with pytest.raises(RefusedError):
            await log.grow(5)
        assert await log.alarms() == {("root_differs", "")}
        assert [r[0] for r in await log.rows("SELECT size FROM evidence.note")] == [10]
        assert log.served() == 10


async def test_files_that_were_tampered_with_stop_the_log_at_the_next_start(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(300)
        tile = log.files / "tile" / "0" / "001.p" / "44"
        tile.write_bytes(tile.read_bytes()[:-1] + b"x")
        with pytest.raises(RefusedError):
            await log.publish()
        assert await log.alarms() == {("root_differs", "")}


async def head_of(log: LogDesk, size: int) -> bytes:
    """Return a head of a size as the bureau would have cosigned it, had it been published."""
    async with log.desk() as desk, log.house.database.connection() as connection:
        checkpoint = Checkpoint(ORIGIN, size, await root_at(connection, size))
        lines = await desk.signer.sign(checkpoint)
        own = cosign(checkpoint.text, log.witnesses["bureau"].key, int(time.time()))
    return bytes(Note(checkpoint.text, (*lines, own)))


async def test_a_tile_that_was_tampered_with_goes_to_no_witness(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(300)
        tile = log.files / "tile" / "0" / "000"
        tile.write_bytes(b"x" + tile.read_bytes()[1:])
        for client in log.witnesses.values():
            client.requests = 0
        log.witnesses["bureau"].home.store_head(ORIGIN, await head_of(log, 200))
        with pytest.raises(RefusedError):
            await log.grow(300)
        assert await log.alarms() == {("root_differs", "")}


async def test_a_lost_directory_is_written_anew_from_the_database(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(700)
        before = {p: p.read_bytes() for p in sorted(log.files.rglob("*")) if p.is_file()}
        shutil.rmtree(log.files)
        assert await log.grow(1) == 701
        for path, data in before.items():
            if path.name != "checkpoint" and ".p" not in str(path):
                assert path.read_bytes() == data


async def test_a_note_is_sent_again_after_a_crash_and_never_signed_anew(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(3)
        for witness in log.witnesses.values():
            witness.is_down = True
        await log.stage(4)
        await log.integrate()
        async with log.publisher() as (publisher, connection):
            publisher._is_checked = True  # they were seen at an earlier start
            assert await publisher.step(connection, patience_ms=50) == 0
        [[signed]] = await log.rows("SELECT note FROM evidence.note WHERE size = 7")
        await log.stage(4)
        await log.integrate()
        for witness in log.witnesses.values():
            witness.is_down = False
        assert await log.publish() == 7
        [[shown]] = await log.rows("SELECT note FROM evidence.witnessed WHERE size = 7")
        assert shown.startswith(signed)
        assert await log.publish() == 11


async def test_two_integrators_and_two_publishers_do_not_get_in_each_others_way(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log, log.desk() as one, log.desk() as two:
        stop = asyncio.Event()
        jobs = []
        for desk in (one, two):
            integrating, publishing = Integrating(log.house), Publishing(log.house, desk)
            jobs += [
                Job(name="log_integrate", step=integrating.step, close=integrating.close),
                Job(name="log_publish", step=publishing.step, close=publishing.close),
            ]
        task = asyncio.create_task(run(jobs, stop))
        async with asyncio.timeout(180):
            for _ in range(20):
                await log.stage(50)
                await asyncio.sleep(0.02)
            while log.house.leaves.witnessed.size < 1_000:  # noqa: ASYNC110 – no event
                await asyncio.sleep(0.02)
        stop.set()
        await task
        assert (await log.rows("SELECT max(idx) FROM evidence.leaf"))[0][0] == 999
        assert await log.alarms() == set()
        assert (
            Checkpoint.parse(parse_note((log.files / "checkpoint").read_bytes()).text).origin
            == ORIGIN
        )


async def test_during_a_rotation_both_keys_sign_and_afterwards_the_new_one_alone(
    database_url: str, tmp_path: Path
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        await log.grow(1)
        [first] = await log.stage(1)
        keys = tmp_path / "keys"
        second = create_key(keys, ORIGIN)
        for witness in log.witnesses.values():
            witness.home.trust(ORIGIN, second.text)
        assert (await log.integrate(), await log.publish()) == (1, 2)
        old_policy = Policy.parse(log.policy)
        assert [entry.key.key_id for entry in old_policy.logs][1] == second.key_id
        note = parse_note((log.files / "checkpoint").read_bytes())
        assert sum(line.name == ORIGIN for line in note.signatures) == 2
        kept = await read_receipt(log.house, 7, first)
        (keys / "log-0001.key").rename(tmp_path / "old.key")
        # The policy without the old key has a leaf of its own.
        assert await log.grow(1) == 4
        note = parse_note((log.files / "checkpoint").read_bytes())
        assert [line.key_id for line in note.signatures if line.name == ORIGIN] == [second.key_id]
        assert isinstance(kept, Receipt)
        assert verify_receipt(bytes(kept), Policy.parse(log.policy)).is_accepted
