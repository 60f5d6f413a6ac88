"""`counterfoil serve`: API, console, portal and, unless it is switched off, the background jobs."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.platform.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)
    app.command()(worker)


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; otherwise COUNTERFOIL_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on; otherwise COUNTERFOIL_PORT."),
    ] = None,
) -> None:
    """Serve until interrupted. The embedded database is started and migrated first."""
    from counterfoil.cli.site import serve_site
    from counterfoil.platform import embedded, migrate, telemetry
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(settings.log_level, settings.log_format)
        _check_files(settings)
        with embedded.address(settings) as address:
            if settings.is_embedded:
                asyncio.run(migrate.apply(address))
            given = {"host": host, "port": port}
            changed = {name: value for name, value in given.items() if value is not None}
            chosen = settings.model_copy(update=changed)
            site = f"http://{chosen.host}:{chosen.port}"
            typer.echo(f"Console {site}/console, portal {site}/portal, API {site}/v1", err=True)
            serve_site(chosen, address)


def worker() -> None:
    """Run the background jobs until interrupted; any number of processes may do so."""
    from counterfoil.cli.site import serve_jobs
    from counterfoil.platform import embedded, telemetry
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(settings.log_level, settings.log_format)
        _check_files(settings)
        with embedded.address(settings) as address:
            asyncio.run(serve_jobs(settings, address))


def _check_files(settings: "Settings") -> None:
    """End with every fault of products and rails before anything is started."""
    from counterfoil.lending.catalogue import CatalogueError, load_catalogue
    from counterfoil.payments.rail_file import InvalidRailsError, check_lenders, load_rails

    try:
        catalogue = load_catalogue(settings.products)
        rails = load_rails(settings.rails)
        if settings.rails is not None:
            check_lenders(rails, {terms.lender_id for terms in catalogue.all()})
    except (CatalogueError, InvalidRailsError) as refused:
        raise output.fail(str(refused)) from refused
