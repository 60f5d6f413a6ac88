"""`counterfoil migrate` and `counterfoil db`: the database's schema and the embedded server."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.platform.migrate import Step

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(migrate)
    group = typer.Typer(help="The embedded database server.", no_args_is_help=True)
    group.command()(start)
    group.command()(stop)
    group.command()(status)
    group.command()(url)
    app.add_typer(group, name="db")


def migrate(
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be done, with locks; change nothing.")
    ] = False,
    phase: Annotated[
        str | None,
        typer.Option(help="Only `pre` (before the new code) or only `post` (after it)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the database's schema to this release."""
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.settings import Settings

    if phase not in {None, *migrate.Phase}:
        raise typer.BadParameter("is `pre` or `post`", param_hint="--phase")
    chosen = migrate.Phase(phase) if phase is not None else None
    with output.failures_as_messages(), embedded.address(Settings()) as address:
        if plan:
            _write_plan(asyncio.run(migrate.plan(address)), as_json=as_json)
        else:
            applied = asyncio.run(migrate.apply(address, phase=chosen))
            _write_applied(applied, as_json=as_json)


def _write_plan(steps: "tuple[Step, ...]", *, as_json: bool) -> None:
    if as_json:
        output.write_json({"pending": [_step_shape(step) for step in steps]})
    elif not steps:
        typer.echo("The schema is up to date.")
    else:
        rows = [
            (
                step.migration.name,
                "\n".join([f"{lock.mode} on {lock.table}" for lock in step.locks]) or "none",
                "\n".join([f"{lock.row_count:,}" for lock in step.locks]),
            )
            for step in steps
        ]
        output.write_table("Pending migrations", ("file", "locks", "rows, about"), rows)


def _step_shape(step: "Step") -> dict[str, object]:
    return {
        "name": step.migration.name,
        "phase": step.migration.phase.value,
        "transaction": step.migration.is_transactional,
        "locks": [
            {"table": lock.table, "mode": lock.mode, "row_count": lock.row_count}
            for lock in step.locks
        ],
    }


def _write_applied(names: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        output.write_json({"applied": list(names)})
    elif names:
        typer.echo("\n".join([f"applied {name}" for name in names]))
    else:
        typer.echo("The schema is up to date.")


def start() -> None:
    """Start the embedded server and leave it running."""
    from counterfoil.platform import embedded
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        typer.echo(embedded.start(Settings().home))


def stop() -> None:
    """Stop the embedded server, ending its connections."""
    from counterfoil.platform import embedded
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        stopped = embedded.stop(Settings().home)
    typer.echo("stopped" if stopped else "was not running")


def status(*, as_json: Json = False) -> None:
    """Tell whether the embedded server runs."""
    from counterfoil.platform import embedded
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        found = embedded.status(settings.home)
    if as_json:
        output.write_json(
            {
                "home": str(settings.home),
                "is_initialized": found.is_initialized,
                "is_running": found.is_running,
                "pid": found.pid,
                "url": found.url,
            }
        )
    elif found.is_running:
        typer.echo(f"running, process {found.pid}, {found.url}")
    else:
        typer.echo("not running" if found.is_initialized else "not there yet")


def url() -> None:
    """Print the embedded server's address, for psql and other tools."""
    from counterfoil.platform import embedded
    from counterfoil.platform.settings import Settings

    typer.echo(embedded.status(Settings().home).url)
