"""The stage of a benchmark: a server of its own, lines to draw on, and a house on top."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from counterfoil.journeys.house import House, open_house
from counterfoil.platform import embedded, migrate
from counterfoil.platform.database import Database
from counterfoil.platform.process import settle_memory
from counterfoil.platform.queries import Queries
from counterfoil.platform.settings import LogFormat, LogLevel, Settings
from counterfoil.platform.telemetry import configure_logging

QUERIES = Queries.load("counterfoil.simulator.bench", "workload.sql")

#: The business date on which the workload begins.
START: Final = date(2026, 1, 1)
PRODUCT: Final = "cash-line-open"
LIMIT_MINOR: Final = 2_000_000_000
RATE_DAILY_E8: Final = 35_000
AMOUNT_MINOR: Final = 100_000
#: Note that the workload's quotes name; its lines bear their own number as agreement.
NOTE_REF: Final = "loan-note/1/zh"
#: A server that has run for a while writes its log into files that it has; a new one makes and
#: fills each of them first, and whoever commits just then waits for 20 to 50 ms.
_LOG_MEGABYTES: Final = 2_048
_LONG_AFTER: Final = timedelta(days=300)
#: As the workload file names it.
_YARDSTICK_DATABASE: Final = "yardsticks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a benchmark runs."""

    home: Path
    #: Address of the database under test.
    url: str
    #: Address of the yardsticks' database on the same server.
    yardstick_url: str


@contextmanager
def raised(directory: Path | None = None) -> Iterator[Stage]:
    """Give a new server with production's settings; it is gone afterwards.

    What is logged meanwhile goes to standard error, beside the figures.
    """
    configure_logging(LogLevel.WARNING, LogFormat.CONSOLE)
    home = Path(tempfile.mkdtemp(prefix="counterfoil-bench-", dir=directory))
    try:
        with embedded.running(home) as url:
            asyncio.run(_make_databases(url))
            yield Stage(home=home, url=url, yardstick_url=_other(url, _YARDSTICK_DATABASE))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _make_databases(url: str) -> None:
    async with Database(url) as database, database.connection() as connection:
        await QUERIES.add_database.execute(connection)
        await QUERIES.fill_log.execute(connection, megabytes=_LOG_MEGABYTES)
        await QUERIES.checkpoint.execute(connection)
    await migrate.apply(url)


def _other(url: str, name: str) -> str:
    return url.replace(f"/{embedded.DATABASE_NAME}?", f"/{name}?")


def settings_of(stage: Stage, *, shards: int, port: int = 0) -> Settings:
    """Return the settings of a process on this stage."""
    return Settings(
        home=stage.home,
        engine_shards=shards,
        log_level=LogLevel.WARNING,
        port=port,
        worker=False,
        _env_file=None,
    )


@asynccontextmanager
async def opened(stage: Stage, *, shards: int, first_date: date = START) -> AsyncIterator[House]:
    """Give a house on the stage."""
    settings = settings_of(stage, shards=shards)
    settle_memory()
    async with open_house(settings, stage.url, first_date=first_date) as house:
        yield house


async def add_lines(house: House, count: int) -> None:
    """Add lines; customer and line number n are the same."""
    terms = house.catalogue.current(PRODUCT, START)
    async with house.database.connection() as connection:
        await QUERIES.add_lines.execute(
            connection,
            product_code=terms.code,
            product_version=terms.version,
            lender_id=terms.lender_id,
            currency=terms.currency,
            limit_minor=LIMIT_MINOR,
            rate_daily_e8=RATE_DAILY_E8,
            opened_on=START,
            valid_to=date(2029, 1, 1),
            count=count,
        )


async def add_open_loans(
    house: House, *, customers: int, loans: int = 1, several_to: int = 0
) -> None:
    """Add an open loan to each of the first customers, and several to the very first of them.

    Loan k of customer n is number n * 1000 + k.
    """
    now = datetime.now(UTC)  # house: allow clock – a benchmark is an entry point
    async with house.database.connection() as connection:
        await QUERIES.add_open_loans.execute(
            connection,
            amount_minor=AMOUNT_MINOR,
            instalment_minor=8_860,
            loans=loans,
            several_to=several_to,
            first_due_from=date(2026, 2, 1),
            customers=customers,
        )
        await QUERIES.add_disbursements.execute(connection, posted_at=now)
        await QUERIES.add_disbursement_journals.execute(
            connection, posted_at=now, book_date=await house.business_date()
        )
        await QUERIES.take_up_lines.execute(connection)


async def plan_reviews(house: House, *, share: int, on: date) -> None:
    """Let every `share`-th line be reviewed on a day, and the others long after it.

    The lines of a real book were opened on many days; those of the workload, all on one, would all
    be reviewed on one.
    """
    async with house.database.connection() as connection:
        await QUERIES.plan_reviews.execute(
            connection, share=share, first_on=on, others_on=on + _LONG_AFTER
        )


async def settle_down(database: Database) -> None:
    """Bring statistics up to date and start a checkpoint, as a running system would have."""
    async with database.connection() as connection:
        await QUERIES.analyze.execute(connection)
        await QUERIES.checkpoint.execute(connection)


async def verdict(house: House) -> dict[str, Any]:
    """Return whether the books hold together after a run."""
    async with house.database.connection() as connection:
        row: Any = await QUERIES.verdict.fetchrow(connection)
    found = dict(row)
    found["ok"] = (
        found["ledger_difference_minor"] == 0
        and found["lines_off"] == 0
        and found["commands"] == found["leaves"] == found["versions"]
    )
    return found


async def durability(house: House) -> dict[str, str]:
    """Return the settings that decide whether an acknowledged command survives."""
    async with house.database.connection() as connection:
        rows = await QUERIES.durability.fetch(connection)
    return {row["name"]: row["setting"] for row in rows}


async def bytes_written(house: House) -> tuple[int, int]:
    """Return bytes of the tables, and of the write-ahead log so far."""
    async with house.database.connection() as connection:
        tables = await QUERIES.sizes.fetchval(connection)
        log = await QUERIES.wal_position.fetchval(connection)
    return int(tables), int(log)
