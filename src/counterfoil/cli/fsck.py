"""`counterfoil fsck`: derives everything again that is derived, and says where the books differ."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.own_catalogue import own_catalogue

if TYPE_CHECKING:
    from counterfoil.journeys.books.check_books import BookCheck
    from counterfoil.platform.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]

#: Exceptions of one check that the table shows; `--json` has more.
SHOWN_MAX = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fsck)


def fsck(*, as_json: Json = False) -> None:
    """Check the books: re-fold every loan, re-post every movement, re-hash every leaf.

    Ends with 1 where anything differs. Reads only; the house goes on working meanwhile.
    """
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        with embedded.address(settings) as address:
            if settings.is_embedded:
                asyncio.run(migrate.apply(address))
            found = asyncio.run(_check(settings, address, shows_progress=not as_json))
    if as_json:
        output.write_json(found.document())
    else:
        write_check(found)
    if not found.ok:
        raise typer.Exit(output.EXIT_FAILED)


async def _check(settings: "Settings", address: str, *, shows_progress: bool) -> "BookCheck":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from counterfoil.journeys.books.check_books import check_books
    from counterfoil.journeys.house import vault_of
    from counterfoil.platform.database import Database

    # A book of millions is summed up in one statement: it takes as long as it takes.
    database = Database(address, connections_max=1, statement_timeout_ms=0)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("checking the books"),
        TextColumn("{task.completed:,} lines"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not shows_progress,
    )
    async with database:
        with progress:
            task = progress.add_task("", total=None)
            return await check_books(
                database,
                own_catalogue(),
                vault=vault_of(settings),
                tell=lambda count: progress.advance(task, count),
            )


def write_check(found: "BookCheck") -> None:
    """Write what was found as a table, with the first exceptions of each check."""
    rows = [
        (
            name.replace("_", " "),
            f"{result.examined:,}",
            "ok" if result.ok else f"{result.exceptions_count:,} exceptions",
        )
        for name, result in found.checks.items()
    ]
    output.write_table("Books", ("check", "examined", "result"), rows)
    for name, result in found.checks.items():
        for exception in result.exceptions[:SHOWN_MAX]:
            typer.echo(f"{name}: {exception['subject']} {exception['what']}")
