"""What all tests share: one embedded PostgreSQL per run, and a database of its own per test.

The server is one for all workers of the run and lives in a temporary home. The first worker that
needs it migrates a template; each test that asks for a database gets a clone of it, dropped
afterwards. It does not wait for the disk: tests of durability start a server of their own.
"""

import asyncio
import fcntl
import gc
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg
import httpx._transports.default as httpx_transports
import hypothesis
import pytest
from httpx import create_ssl_context
from tests.contract_templates import publish_shipped
from tests.house_rules.sources import ALLOWANCE, product
from tests.leaf_bodies import checked_commitment
from tests.reading_watch import Watch, keep_views, watching

from counterfoil.evidence import staging
from counterfoil.platform import embedded, migrate
from counterfoil.platform.database import Database
from counterfoil.platform.read_acts import reading_now

#: Quick and forgetful: a test's data outlives nothing.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "max_connections": "200",
}
MEMORY_BYTES_MIN = 2 * 1024**3
TEMPLATE = "counterfoil_template"
#: In memory half the time of writing each page to the log.
COPIED = "STRATEGY FILE_COPY"
#: Folders whose tests take seconds, the slowest first; within one the order is drawn by lot.
TURNS = ("crash", "browser", "docs", "simulator", "cli", "witness", "store", "console", "portal")
HOME_VARIABLE = "COUNTERFOIL_TEST_HOME"
_clone_numbers = itertools.count(1)


# Derandomised: a run on one machine repeats on another; how long an example takes is not asserted.
hypothesis.settings.register_profile("default", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("small", hypothesis.settings(max_examples=25), deadline=None)
hypothesis.settings.load_profile("default")


@pytest.fixture(autouse=True, scope="session")
def _bodies_are_as_specified() -> Iterator[None]:
    """Hold every leaf that a journey stages in any test against the specification."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "commitment", checked_commitment)
        yield


@pytest.fixture(autouse=True, scope="session")
def _authorities_are_read_once() -> Iterator[None]:
    """Share what the machine trusts: each client of a house would read its hundred certificates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx_transports, "create_ssl_context", cache(create_ssl_context))
        yield


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)  # before pytest makes up its own mind where files of tests lie
def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        for name in [name for name in os.environ if name.startswith("COUNTERFOIL_")]:
            del os.environ[name]  # the installation of whoever runs the tests is not tested
        _sweep()
        home = tempfile.mkdtemp(prefix="counterfoil-tests-", dir=_memory())
        os.environ[HOME_VARIABLE] = home
        # What is flushed there need not wait for a disk.
        config.option.basetemp = config.option.basetemp or f"{home}/files"


def _sweep() -> None:
    """Remove what killed runs left in memory more than a day ago."""
    for left in Path(_memory() or tempfile.gettempdir()).glob("counterfoil-tests-*"):
        if left.stat().st_mtime < time.time() - 24 * 3_600:
            embedded.stop(left)
            shutil.rmtree(left)


def _memory() -> str | None:
    """Return a directory in memory with room for the run: a clone there takes 20 ms, not 400."""
    shared = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the directory
    has_room = shared.is_dir() and shutil.disk_usage(shared).free > MEMORY_BYTES_MIN
    return str(shared) if has_room and os.access(shared, os.W_OK) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long and shares much: no worker works on alone in the end."""
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every search for garbage, and search less."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return TURNS.index(folder) if folder in TURNS else len(TURNS)


def pytest_report_header() -> list[str]:
    """List the escapes from the house rules, so that each run shows them."""
    return [f"house: {found}" for found in _escapes()]


def _escapes() -> list[str]:
    return [
        f"{source.path}: {match['rule']} – {match['why']}"
        for source in product()
        for match in ALLOWANCE.finditer(source.text)
    ]


def pytest_unconfigure(config: pytest.Config) -> None:
    home = os.environ.get(HOME_VARIABLE)
    if home is not None and not _is_worker(config):
        embedded.stop(Path(home))
        shutil.rmtree(home)


def _at(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return url.replace(f"/{embedded.DATABASE_NAME}?", f"/{name}?")


async def _administer(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(_at(url, "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _make_template(url: str) -> None:
    # Tests tamper with books past their triggers, which the product's role may not.
    superuser = url.replace(f"{embedded.SERVICE_ROLE}@", f"{embedded.DATABASE_NAME}@")
    tamper = "GRANT SET ON PARAMETER session_replication_role TO " + embedded.SERVICE_ROLE
    await _administer(superuser, tamper)
    await _administer(url, f"CREATE DATABASE {TEMPLATE}")
    await migrate.apply(_at(url, TEMPLATE))
    await publish_shipped(_at(url, TEMPLATE))
    await keep_views(_at(url, TEMPLATE), Path(os.environ[HOME_VARIABLE]))


@pytest.fixture(scope="session")
def _watch() -> Iterator[Watch]:
    watch = Watch(Path(os.environ[HOME_VARIABLE]))
    with watching(watch):
        yield watch


@pytest.fixture(autouse=True)
def reads_keep_to_their_purposes(_watch: Watch) -> Iterator[None]:
    """Fail a test on whose way something was read for a purpose that the way does not declare."""
    _watch.wrong.clear()
    # A command that an earlier test ran in this process is over.
    reading_now.set(None)
    yield
    assert not _watch.wrong, "\n".join(sorted(_watch.wrong))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The run's server, its template ready."""
    home = Path(os.environ[HOME_VARIABLE])
    with embedded.running(home, configuration=FORGETFUL) as url:
        with (home / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            mark = home / "template.ready"
            if not mark.exists():
                asyncio.run(_make_template(url))
                mark.touch()
        yield url


@pytest.fixture
async def empty_database_url(server_url: str) -> AsyncIterator[str]:
    """A new database without any migration."""
    name = f"empty_{os.getpid()}_{next(_clone_numbers)}"
    await _administer(server_url, f"CREATE DATABASE {name}")
    yield _at(server_url, name)
    await _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A migrated database that nobody else uses."""
    async with _clone(server_url) as url:
        yield url


@pytest.fixture
async def other_database_url(server_url: str) -> AsyncIterator[str]:
    """A second one, for tests that hold two against each other."""
    async with _clone(server_url) as url:
        yield url


@asynccontextmanager
async def _clone(server_url: str) -> AsyncIterator[str]:
    name = f"clone_{os.getpid()}_{next(_clone_numbers)}"
    await _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} {COPIED}")
    yield _at(server_url, name)
    await _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a migrated database that nobody else uses."""
    async with Database(database_url, connections_max=8) as opened:
        yield opened
