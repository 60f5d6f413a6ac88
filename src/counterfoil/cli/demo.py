"""`counterfoil demo`: a lender's months in a minute, and then its pages to look at."""

import asyncio
import os
import secrets
import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from counterfoil.platform.settings import Settings
    from counterfoil.simulator.demo import DemoReport, DemoSize
    from counterfoil.simulator.world import Tell

#: More applicants than were recorded start over with the first.
APPLICANTS_MAX = 1_000_000
DAYS_MAX = 720
#: Name of the operator and of the client that the demonstration makes.
NAME = "demo"
_PASSWORD_BYTES = 12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    *,
    applicants: Annotated[
        int, typer.Option(min=1, max=APPLICANTS_MAX, help="How many people apply for a line.")
    ] = 2_000,
    days: Annotated[
        int, typer.Option(min=1, max=DAYS_MAX, help="How many business days pass.")
    ] = 180,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 7,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="End when the days are over.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Give up what was added to an earlier demonstration."),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Also write the figures to this file; - is standard output."),
    ] = None,
) -> None:
    """Let recorded card clients apply, draw and repay, check the books, then serve the pages.

    Works on the installation's database where that is empty or holds an earlier demonstration,
    and on no other.
    """
    from rich.console import Console

    from counterfoil.cli.site import serve_site
    from counterfoil.platform import embedded, telemetry
    from counterfoil.platform.settings import LogLevel, Settings
    from counterfoil.simulator.demo import DemoSize

    size = DemoSize(applicants=applicants, days=days, seed=seed)
    if json_file is not None and not json_file.parent.is_dir():
        raise output.fail(f"{json_file.parent}: there is no such directory for the figures")
    # Where the figures go to standard output, everything else goes beside it.
    console = Console(stderr=str(json_file) == "-")
    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(LogLevel.ERROR, settings.log_format)
        with embedded.address(settings) as address:
            console.print("Preparing the database")
            _prepare(address, size, replaces=replace)
            report, seconds = _live(settings, address, size, console)
            if json_file is not None:
                _write_figures({**report.figures, "seconds": seconds}, json_file)
            _show(report, seconds, console)
            secrets_made = asyncio.run(_let_in(settings, address))
            _show_ways_in(settings, secrets_made, report, console, is_served=not no_serve)
            _show_proof(settings, report, console)
            if not no_serve:
                telemetry.configure_logging(settings.log_level, settings.log_format)
                serve_site(settings, address)
    if not report.is_sound:
        raise typer.Exit(output.EXIT_FAILED)


def _prepare(address: str, size: "DemoSize", *, replaces: bool) -> None:
    """Make the database ready for a demonstration, or end with the reason why it is none for it."""
    from counterfoil.platform import migrate
    from counterfoil.simulator.demo import DemoRefusedError, prepare

    asyncio.run(migrate.apply(address))
    try:
        asyncio.run(prepare(address, size, replaces=replaces))
    except DemoRefusedError as refused:
        raise output.fail(str(refused)) from refused


def _live(
    settings: "Settings", address: str, size: "DemoSize", console: "Console"
) -> "tuple[DemoReport, float]":
    """Live through the days with a bar for each kind of progress; return what came of it."""
    import time

    import uvloop
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from counterfoil.platform.process import settle_memory
    from counterfoil.simulator.demo import run

    settle_memory()
    progress = Progress(
        TextColumn("{task.description:<13}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    bars = {
        "applications": progress.add_task("Applications", total=size.applicants),
        "days": progress.add_task("Business days", total=size.days),
        "lines": progress.add_task("Books checked", total=None),
    }

    def tell(what: str, count: int) -> None:
        progress.advance(bars[what], count)

    told: Tell = tell
    started = time.monotonic()
    # A demonstration that dies begins anew: it need not wait for the disk at every commit.
    hasty = f"{address}{'&' if '?' in address else '?'}synchronous_commit=off"
    with progress, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run(settings, hasty, size, told))
        progress.update(bars["lines"], total=report.lines_count)
    return report, round(time.monotonic() - started, 3)


def _write_figures(figures: dict[str, object], to: Path) -> None:
    import orjson

    text = orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if str(to) == "-":
        sys.stdout.write(text.decode())
        sys.stdout.flush()
    else:
        to.write_bytes(text)


# ------------------------------------------------------------------------------- what is shown


def _show(report: "DemoReport", seconds: float, console: "Console") -> None:
    from rich.table import Table

    table = Table(
        title=f"What happened until {report.figures['business_date']}",
        title_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, value in report.rows():
        table.add_row(name, value)
    console.print(table)
    _show_policies(report, console)
    sound = (
        "The books are sound" if report.is_sound else "The books are NOT sound: counterfoil fsck"
    )
    console.print(f"{sound}. Seed {report.size.seed}, {seconds:.1f} seconds.")
    console.print(report.attribution, style="dim", soft_wrap=True)


def _show_policies(report: "DemoReport", console: "Console") -> None:
    """Show what a better policy is worth on clients whom its model never saw."""
    from rich.table import Table

    from counterfoil.simulator import held_out

    figures = report.judged
    table = Table(title=f"{figures['clients']:,} clients held out", title_justify="left")
    table.add_column("")
    for name in ("points card", "trained model"):
        table.add_column(name, justify="right")
    for row in held_out.rows(figures):
        table.add_row(*row)
    console.print(table)
    console.print(held_out.conclusion(figures), highlight=False, soft_wrap=True)


async def _let_in(settings: "Settings", address: str) -> tuple[str, str]:
    """Make an operator and an API key; return the password and the key, which nobody stores."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.ids import IdSource
    from counterfoil.platform import access
    from counterfoil.platform.database import Database

    clock = SystemClock()
    now = clock.now()
    source = IdSource(lambda: int(now.timestamp() * 1_000), settings.node)
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    database = Database(address, connections_max=1)
    async with database, database.transaction() as connection:
        for key in await access.list_api_keys(connection):
            if key.client == NAME and key.revoked_at is None:
                await access.revoke_api_key(connection, key.api_key_id, now=now)
        await access.set_operator(
            connection,
            operator_id=source.next(),
            name=NAME,
            role=access.Role.ADMINISTRATOR,
            password=password,
            now=now,
        )
        key_text = await access.create_api_key(
            connection, api_key_id=source.next(), client=NAME, scopes=list(access.Scope), now=now
        )
    return password, key_text


def _show_ways_in(
    settings: "Settings",
    made: tuple[str, str],
    report: "DemoReport",
    console: "Console",
    *,
    is_served: bool,
) -> None:
    password, key_text = made
    program = _program()
    address = f"http://{settings.host}:{settings.port}"
    lines = [
        f"Console   {address}/console   sign in as {NAME} with {password}",
        *_portal_lines(report, address),
        f"API       {address}/v1        documents at {address}/docs",
        f"API key   {key_text}",
        "          Password and key are shown this once; each demonstration makes new ones.",
        "",
        f"curl -H 'Authorization: Bearer {key_text}' '{address}/v1/lines?limit=3'",
        "",
        f"{program} fsck                     check the books again",
        f"{program} ledger trial-balance     what the general ledger holds",
    ]
    if not is_served:
        lines.append(f"{program} serve                    serve console, portal and API")
    _print_lines(lines, console)


def _program() -> str:
    """Return how the program is called from here: as it was, where no path leads to it."""
    called = Path(sys.argv[0])
    if called.name != "counterfoil" or which("counterfoil") is not None:
        return "counterfoil"
    return os.path.relpath(called)


def _portal_lines(report: "DemoReport", address: str) -> list[str]:
    """Say where customers sign in, and as whom to try it."""
    line = f"Portal    {address}/portal    "
    if report.customer is None:
        return [f"{line}where customers sign in"]
    name, phone = report.customer
    return [
        f"{line}sign in with the phone {phone} of {name}, who is invented;",
        "          the code stands on the page, since a sandbox rings no phone.",
    ]


def _show_proof(settings: "Settings", report: "DemoReport", console: "Console") -> None:
    """Say how a customer checks a receipt without us, and how to see one refused."""
    if report.receipt is None:
        return
    receipt = os.path.relpath(report.receipt)
    log = os.path.relpath(settings.home / "log")
    program = _program()
    verify, by = f"{program} verify", f"--policy {log}/policy"
    forge = f'sed \'s/"use_no":1/"use_no":2/\' {receipt} > forged'
    lines = [
        "",
        "A customer's half: the receipt of an inquiry, checked offline; then one byte changed.",
        f"{verify} receipt {receipt} {by}",
        f"{forge} && {verify} receipt forged {by}",
        f"{verify} log {log} {by}",
        f"{program} audit inquiries          every inquiry: consent, purpose, one use, evidence",
    ]
    _print_lines(lines, console)


def _print_lines(lines: list[str], console: "Console") -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
