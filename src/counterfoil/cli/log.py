"""`counterfoil log`: the evidence log from the command line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.evidence.monitor import Observation
    from counterfoil.evidence.publisher import Desk
    from counterfoil.platform.database import Connection, Database
    from counterfoil.platform.settings import Settings

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The evidence log: what was recorded, provably.", no_args_is_help=True)
    for command in (init, rotate, status, integrate, publish, export, check, monitor, mirror):
        group.command()(command)
    group.command()(refill)
    group.command()(clear)
    app.add_typer(group, name="log")


def init() -> None:
    """Begin the log: its name, its key, its policy. Does nothing where it has begun."""
    from counterfoil.evidence.signer import FileSigner
    from counterfoil.journeys.proving.publish_log import begin_log, key_directory_of
    from counterfoil.kernel.clock import SystemClock

    async def work(settings: "Settings", database: "Database") -> str:
        origin = await begin_log(settings, database, SystemClock())
        keys = FileSigner(key_directory_of(settings), origin).verifiers()
        return "\n".join(key.text for key in keys)

    typer.echo(_run(work))
    typer.echo("Give this key to every witness: `witness trust KEY`.", err=True)


def rotate() -> None:
    """Make the log's next key; both sign until the old secret is moved away."""
    from counterfoil.evidence import log_store
    from counterfoil.evidence.signer import create_key
    from counterfoil.journeys.proving.publish_log import key_directory_of, write_policy
    from counterfoil.kernel.clock import SystemClock

    async def work(settings: "Settings", database: "Database") -> str:
        async with database.connection() as connection:
            origin = await log_store.origin_of(connection)
        if origin is None:
            raise output.fail("The log has not begun: counterfoil log init.")
        key = create_key(key_directory_of(settings), origin)
        await write_policy(settings, database, SystemClock(), origin)
        return key.text

    typer.echo(_run(work))


def status(*, as_json: Json = False) -> None:
    """Show sizes, what waits, and alarms; asks nobody outside."""
    _show(_observed(asks_witnesses=False), as_json=as_json)


def monitor(
    *,
    every: Annotated[
        int | None, typer.Option(min=1, help="Seconds between two looks; once if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare what all witnesses show with the log; ends with 1 where something is wrong."""
    import time

    while True:
        seen = _observed(asks_witnesses=True)
        _show(seen, as_json=as_json)
        if every is None:
            break
        time.sleep(every)
    if seen.findings:
        raise typer.Exit(output.EXIT_FAILED)


def integrate() -> None:
    """Give staged leaves their numbers now, unless a running process does."""
    from counterfoil.evidence.integrator import Integrator
    from counterfoil.evidence.log_store import INTEGRATOR_LOCK
    from counterfoil.journeys.house import vault_of
    from counterfoil.kernel.clock import SystemClock

    async def work(settings: "Settings", database: "Database") -> int:
        async with (
            _leading(database, INTEGRATOR_LOCK) as connection,
            database.connection() as second,
        ):
            integrator = Integrator(vault_of(settings), SystemClock())
            return await integrator.drain([connection, second])

    typer.echo(f"{_run(work):,} leaves numbered")


def publish() -> None:
    """Sign, have witnessed and publish what is new, unless a running process does."""
    from counterfoil.evidence.log_store import PUBLISHER_LOCK
    from counterfoil.evidence.publisher import Publisher

    async def work(settings: "Settings", database: "Database") -> int:
        async with (
            _desk(settings, database) as desk,
            _leading(database, PUBLISHER_LOCK) as connection,
        ):
            publisher = Publisher(database, desk)
            try:
                return await publisher.step(connection, patience_ms=10_000)
            finally:
                await publisher.close()

    size = _run(work)
    typer.echo(f"size {size:,} is witnessed" if size else "nothing new is witnessed")


def export(
    directory: Annotated[Path, typer.Argument(help="An empty directory, or one that is not yet.")],
    *,
    size: Annotated[
        int | None, typer.Option(min=1, help="A size that was signed; the last witnessed one.")
    ] = None,
) -> None:
    """Write the log as files: head, tiles, policy, earlier heads, and proofs of some leaves."""
    from counterfoil.journeys.proving.keep_log import export_log

    async def work(settings: "Settings", database: "Database") -> int:
        async with database.connection() as connection:
            return await export_log(connection, settings, directory, size=size)

    typer.echo(f"size {_run(work):,} written to {directory}")


def check(*, as_json: Json = False) -> None:
    """Compute the whole log again, in the database and in its files; ends with 1 on a fault."""
    from counterfoil.journeys.proving.keep_log import check_log

    async def work(settings: "Settings", database: "Database") -> list[str]:
        async with database.connection() as connection:
            return await check_log(connection, settings)

    faults = _run(work)
    if as_json:
        output.write_json({"ok": not faults, "faults": faults})
    else:
        typer.echo("\n".join(faults) if faults else "the log holds together")
    if faults:
        raise typer.Exit(output.EXIT_FAILED)


Source = Annotated[
    str, typer.Option("--from", help="The log: an address such as https://lender.example/log, …")
]
To = Annotated[Path, typer.Option("--to", help="Directory of the mirror.")]


def mirror(
    *,
    source: Source,
    to: To,
    policy: Annotated[Path, typer.Option(help="Policy file by which heads are believed.")],
    key_file: Annotated[
        Path | None, typer.Option(help="File with an API key that may read entries.")
    ] = None,
) -> None:
    """Bring a mirror up to date; needs neither database nor settings of the lender."""
    import httpx

    from counterfoil.evidence.formats.policy import Policy
    from counterfoil.evidence.log_files import LogFiles
    from counterfoil.evidence.mirror import DirectorySource, HttpSource
    from counterfoil.evidence.mirror import mirror as bring

    async def work() -> str:
        believed = Policy.parse(policy.read_bytes())
        headers = {}
        if key_file is not None:
            headers["authorization"] = f"Bearer {key_file.read_text(encoding='ascii').strip()}"
        async with httpx.AsyncClient(headers=headers) as http:
            is_address = source.startswith(("http://", "https://"))
            files = HttpSource(http, source) if is_address else DirectorySource(Path(source))
            brought = await bring(files, LogFiles(to), believed)
        return f"size {brought.old_size:,} to {brought.size:,}"

    with _failures():
        typer.echo(asyncio.run(work()))


def refill(
    *,
    source: Annotated[Path, typer.Option("--from", help="Directory of a mirror.")],
) -> None:
    """Give a database that was restored from an older backup the leaves that a mirror has."""
    from counterfoil.evidence.formats.policy import Policy
    from counterfoil.evidence.log_files import POLICY, LogFiles
    from counterfoil.evidence.log_store import INTEGRATOR_LOCK, PUBLISHER_LOCK
    from counterfoil.evidence.refill import Refilled
    from counterfoil.evidence.refill import refill as give_back
    from counterfoil.journeys.house import vault_of
    from counterfoil.journeys.proving.publish_log import directory_of
    from counterfoil.kernel.clock import SystemClock

    async def work(settings: "Settings", database: "Database") -> Refilled:
        policy = Policy.parse(LogFiles(directory_of(settings)).read(POLICY) or b"")
        async with (
            _leading(database, INTEGRATOR_LOCK),
            _leading(database, PUBLISHER_LOCK) as connection,
        ):
            return await give_back(
                connection, LogFiles(source), policy, vault_of(settings), SystemClock()
            )

    done = _run(work)
    typer.echo(f"size {done.old_size:,} to {done.size:,}")
    typer.echo(f"{done.adopted:,} leaves kept their openings, {done.lost:,} openings are lost")
    typer.echo(f"{done.moved:,} leaves that were numbered anew come after them")


def clear(
    code: Annotated[str, typer.Argument(help="Code of the alarm.")],
    *,
    witness: Annotated[str, typer.Option(help="Name of the witness it is about.")] = "",
) -> None:
    """Mark an alarm as dealt with; the next start looks again."""
    from counterfoil.evidence import log_store
    from counterfoil.kernel.clock import SystemClock

    async def work(_settings: "Settings", database: "Database") -> None:
        async with database.connection() as connection:
            await log_store.clear_alarm(connection, code, witness, at=SystemClock().now())

    _run(work)


def _observed(*, asks_witnesses: bool) -> "Observation":
    from counterfoil.evidence.monitor import Observation, observe
    from counterfoil.kernel.clock import SystemClock

    async def work(settings: "Settings", database: "Database") -> Observation:
        async with AsyncExitStack() as stack:
            desk = None
            if asks_witnesses:
                desk = await stack.enter_async_context(_desk(settings, database))
            connection = await stack.enter_async_context(database.connection())
            return await observe(connection, desk, now=SystemClock().milliseconds() // 1_000)

    return _run(work)


def _show(seen: "Observation", *, as_json: bool) -> None:
    if as_json:
        output.write_json(seen.document())
        return
    rows = [
        ("leaves staged", f"{seen.staged:,}"),
        ("oldest has waited", "—" if seen.staged_seconds is None else f"{seen.staged_seconds} s"),
        ("leaves numbered", f"{seen.size:,}"),
        ("signed", f"{seen.signed_size:,}"),
        ("witnessed", f"{seen.witnessed_size:,}"),
        ("witnesses' clocks apart", f"{seen.clock_spread_seconds} s"),
        *((f"head of {w.name}", "—" if w.size is None else f"{w.size:,}") for w in seen.witnesses),
    ]
    output.write_table("Log", ("what", "value"), rows)
    for finding in seen.findings:
        typer.echo(" ".join(filter(None, finding)))


def _run(work: "Callable[[Settings, Database], Awaitable[T]]") -> T:
    """Run work on the installation's database, migrated if it is embedded."""
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.database import Database
    from counterfoil.platform.settings import Settings
    from counterfoil.platform.telemetry import configure_logging

    async def run(settings: Settings, address: str) -> T:
        if settings.is_embedded:
            await migrate.apply(address)
        # A large log takes as long as it takes.
        async with Database(address, connections_max=8, statement_timeout_ms=0) as database:
            return await work(settings, database)

    with _failures():
        settings = Settings()
        configure_logging(settings.log_level, settings.log_format)
        with embedded.address(settings) as address:
            return asyncio.run(run(settings, address))


@asynccontextmanager
async def _desk(settings: "Settings", database: "Database") -> "AsyncIterator[Desk]":
    from counterfoil.cli.site import with_own_witnesses
    from counterfoil.journeys.proving.publish_log import open_desk
    from counterfoil.kernel.clock import SystemClock

    async with open_desk(with_own_witnesses(settings), database, SystemClock()) as desk:
        yield desk


@asynccontextmanager
async def _leading(database: "Database", lock: int) -> "AsyncIterator[Connection]":
    """Give a session that holds a lock of the log."""
    from counterfoil.evidence import log_store

    async with database.dedicated({}) as connection:
        if not await log_store.try_lead(connection, lock):
            raise output.fail("A running process does this already; stop its jobs first.")
        yield connection


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what a person at the terminal can act on into one line and an exit code."""
    import httpx

    from counterfoil.evidence.formats.reasons import RejectedError
    from counterfoil.evidence.log_files import FilesDifferError
    from counterfoil.evidence.mirror import MirrorRejectedError
    from counterfoil.evidence.refill import RefillError

    try:
        with output.failures_as_messages():
            yield
    except (
        RejectedError,
        FilesDifferError,
        MirrorRejectedError,
        RefillError,
        httpx.HTTPError,
    ) as failure:
        raise output.fail(str(failure)) from failure
