"""The embedded server: survives whoever used it, and keeps what was committed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from counterfoil.platform import embedded, migrate
from counterfoil.platform.embedded import EmbeddedDatabaseError
from counterfoil.platform.settings import Settings

pytestmark = pytest.mark.durable

#: Holds the server, tells its process, and waits to be ended.
USER = """
import sys
from pathlib import Path
from counterfoil.platform import embedded
with embedded.running(Path(sys.argv[1])):
    print(embedded.status(Path(sys.argv[1])).pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose path is short enough for the socket to lie in it."""
    home = tmp_path_factory.mktemp("home")
    yield home
    embedded.stop(home)


def another_user(home: Path) -> subprocess.Popen[str]:
    """Start a process that uses the server; return once it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == embedded.status(home).pid
    return process


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_is_durable_private_and_speaks_unicode(home: Path) -> None:
    with embedded.running(home) as url:
        assert await value(url, "SHOW fsync") == "on"
        assert await value(url, "SHOW synchronous_commit") == "on"
        assert await value(url, "SHOW full_page_writes") == "on"
        assert await value(url, "SHOW listen_addresses") == ""
        assert await value(url, "SHOW server_encoding") == "UTF8"
        assert await value(url, "SELECT '存根' > 'Z' AND 'Z' < 'a' AND upper('é') = 'É'") is True
        socket = home / "postgres" / "socket"
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not embedded.status(home).is_running


async def test_the_last_one_out_stops_it_and_nobody_before(home: Path) -> None:
    other = another_user(home)
    with embedded.running(home):
        pid = embedded.status(home).pid
    assert embedded.status(home).pid == pid
    leave(other)
    assert not embedded.status(home).is_running


async def test_a_killed_user_does_not_stop_it_and_the_next_one_finds_it(home: Path) -> None:
    other = another_user(home)
    pid = embedded.status(home).pid
    other.kill()
    other.communicate()
    with embedded.running(home) as url:
        assert embedded.status(home).pid == pid
        assert await value(url, "SELECT 1") == 1
    assert not embedded.status(home).is_running


async def test_what_was_committed_survives_a_killed_server(home: Path) -> None:
    url = embedded.start(home)
    await value(url, "CREATE TABLE public.kept AS SELECT 42 AS figure")
    pid = embedded.status(home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with embedded.running(home) as again:
        assert await value(again, "SELECT figure FROM public.kept") == 42
        assert embedded.status(home).pid != pid


def test_a_lock_file_that_names_a_stranger_does_not_keep_it_from_starting(home: Path) -> None:
    embedded.start(home)
    embedded.stop(home)
    stale = home / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n5432\n\n\n\n")
    assert not embedded.status(home).is_running
    with embedded.running(home):
        assert embedded.status(home).is_running


def test_a_started_one_goes_on_until_it_is_stopped(home: Path) -> None:
    embedded.start(home)
    with embedded.running(home):
        pass
    assert embedded.status(home).is_running
    assert embedded.stop(home)
    assert not embedded.stop(home)


def test_a_start_that_was_cut_short_begins_again(home: Path) -> None:
    unfinished = home / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with embedded.running(home):
        assert not unfinished.exists()


def test_several_at_once_start_one_server(home: Path) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USER, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    pids = {user.stdout.readline() for user in users if user.stdout is not None}
    assert len(pids) == 1
    for user in users:
        leave(user)
    assert not embedded.status(home).is_running


def test_a_home_with_a_long_path_still_has_a_short_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with embedded.running(home) as url:
        assert len(url) < 120
    assert not embedded._socket_directory(home / "postgres").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories the server may not pass")
async def test_as_root_it_reaches_past_a_closed_directory_and_leaves_it_closed(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded.running(closed / "home") as url:
        assert await value(url, "SELECT 1") == 1
        pid = embedded.status(closed / "home").pid
        assert pid is not None
        assert psutil.Process(pid).uids().effective != 0
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with (
        pytest.raises(EmbeddedDatabaseError, match="shared_buffers"),
        embedded.running(home, configuration={"shared_buffers": "none"}),
    ):
        pass


def test_tools_are_found_and_others_are_not() -> None:
    assert embedded.binary("pgbench").is_file()
    with pytest.raises(EmbeddedDatabaseError, match="no tool named psqlx"):
        embedded.binary("psqlx")


def test_an_address_that_is_set_is_taken_and_nothing_is_started(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://db/x", _env_file=None)
    with embedded.address(settings) as url:
        assert url == "postgresql://db/x"
    assert list(tmp_path.iterdir()) == []


def test_the_status_of_an_empty_home_touches_nothing(tmp_path: Path) -> None:
    found = embedded.status(tmp_path)
    assert not found.is_initialized
    assert not found.is_running
    assert list(tmp_path.iterdir()) == []
    assert not embedded.stop(tmp_path)


async def test_a_fast_shutdown_that_hangs_is_followed_by_an_immediate_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS_MAX", 1)
    url = embedded.start(home)
    await value(url, "CREATE TABLE public.kept AS SELECT 42 AS figure")
    stuck = await asyncpg.connect(url)
    try:
        # A backend that answers no signal but the last one: a fast shutdown waits for it.
        os.kill(await stuck.fetchval("SELECT pg_backend_pid()"), signal.SIGSTOP)
        assert embedded.stop(home)
    finally:
        stuck.terminate()
    assert not embedded.status(home).is_running
    with embedded.running(home) as again:
        assert await value(again, "SELECT figure FROM public.kept") == 42


def test_a_server_that_ends_while_it_is_being_stopped_has_been_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(home)
    modes: list[str] = []
    shut_down = embedded._Server._shut_down

    def late(self: embedded._Server, mode: str, seconds_max: int) -> None:
        modes.append(mode)
        shut_down(self, mode, seconds_max)
        raise EmbeddedDatabaseError("the answer came too late")

    monkeypatch.setattr(embedded._Server, "_shut_down", late)
    assert embedded.stop(home)
    assert modes == ["fast"]


def test_a_server_that_nothing_stops_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(home)

    def hang(_self: embedded._Server, mode: str, _seconds_max: int) -> None:
        raise EmbeddedDatabaseError(f"{mode} hangs")

    with monkeypatch.context() as patch:
        patch.setattr(embedded._Server, "_shut_down", hang)
        with pytest.raises(EmbeddedDatabaseError, match="immediate hangs"):
            embedded.stop(home)


def as_superuser(url: str) -> str:
    return url.replace(f"{embedded.SERVICE_ROLE}@", f"{embedded.DATABASE_NAME}@")


LEFT_TO_SUPERUSER = """
SELECT array_agg(c.oid::regclass::text) FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relowner = 'counterfoil'::regrole AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema'
"""


async def test_the_product_is_no_superuser_and_takes_over_what_was_made_before(home: Path) -> None:
    url = embedded.start(home)
    # As an earlier release left it: everything made by the superuser, and no other role in use.
    await value(as_superuser(url), "ALTER DATABASE counterfoil OWNER TO counterfoil")
    await migrate.apply(as_superuser(url))
    assert await value(as_superuser(url), LEFT_TO_SUPERUSER) is not None
    (home / "postgres" / "service-role").unlink()
    for is_running in (True, False):
        if not is_running:
            embedded.stop(home)
        with embedded.running(home) as again:
            assert again == url
            assert await value(url, "SELECT current_setting('is_superuser')") == "off"
            assert await value(url, LEFT_TO_SUPERUSER) is None
            assert await migrate.apply(url) == ()
            await value(url, "UPDATE platform.api_key SET last_used_on = last_used_on")
            await value(url, "CHECKPOINT")
            for forbidden in (
                "SET session_replication_role = replica",
                "ALTER SYSTEM SET fsync = off",
                "COPY (SELECT 1) TO '/tmp/counterfoil-taken'",
                "CREATE ROLE other SUPERUSER",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await value(url, forbidden)
    embedded.stop(home)
