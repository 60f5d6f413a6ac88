"""`counterfoil serve`: the API, the console and, unless it is switched off, the background jobs."""

import asyncio
from typing import Annotated

import typer

from counterfoil.cli import output


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


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
    import uvicorn

    from counterfoil.api.app import create_app
    from counterfoil.api.server import server_config
    from counterfoil.console.app import create_console
    from counterfoil.platform import embedded, migrate, telemetry
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(settings.log_level, settings.log_format)
        with embedded.address(settings) as address:
            if settings.is_embedded:
                asyncio.run(migrate.apply(address))
            site = create_app(settings, address, sites={"/console": create_console})
            address_host = settings.host if host is None else host
            address_port = settings.port if port is None else port
            config = server_config(site, host=address_host, port=address_port)
            uvicorn.Server(config).run()
