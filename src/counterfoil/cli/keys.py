"""`counterfoil keys`: API keys of the programs that use the HTTP API."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counterfoil.cli import output
from counterfoil.cli.connection import with_connection

if TYPE_CHECKING:
    from counterfoil.platform.access import ApiKey, Scope
    from counterfoil.platform.database import Connection

#: Days that a key lasts where nobody says otherwise and rights are guarded.
DAYS: Final = 90

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="API keys of client programs.", no_args_is_help=True)
    group.command()(create)
    group.command("list")(list_keys)
    group.command()(revoke)
    app.add_typer(group, name="keys")


def create(
    client: Annotated[str, typer.Argument(help="Name of the program that will use the key.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What the key may do, such as `lines:read`; repeat for several."),
    ] = None,
    every_scope: Annotated[
        bool, typer.Option("--every-scope", help="Give the key every scope there is.")
    ] = False,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            "--expires-days",
            min=1,
            max=3_650,
            help="Days until the key ends by itself; outside a sandbox 90 where none are given.",
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Code of the host app whose key it is; it opens routes of hosts alone."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it, once."""
    from counterfoil.kernel import ids
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.platform import access
    from counterfoil.platform.settings import Settings

    scopes = _scopes(scope or [], every_scope=every_scope)
    now, settings = SystemClock().now(), Settings()
    source = ids.IdSource(lambda: int(now.timestamp() * 1_000), settings.node)
    if days is None and settings.guards_staff:
        days = DAYS
    api_key_id = source.next()

    async def store(connection: "Connection") -> str:
        return await access.create_api_key(
            connection,
            api_key_id=api_key_id,
            client=client,
            scopes=scopes,
            now=now,
            expires_at=None if days is None else now + timedelta(days=days),
            host_id=None if host is None else await _host_id(connection, host),
        )

    secret = with_connection(store, told=f"client={client} scopes={','.join(sorted(scopes))}")
    if as_json:
        shape = {"api_key_id": ids.to_text(ids.API_KEY, api_key_id), "client": client}
        output.write_json({**shape, "scopes": sorted(scopes), "secret": secret})
    else:
        typer.echo(secret)
        typer.echo("This is shown once. Keep it like a password.", err=True)


async def _host_id(connection: "Connection", code: str) -> int:
    """Return a registered host, or end with the reason."""
    from counterfoil.hosts.store import host_of_code

    host_id = await host_of_code(connection, code)
    if host_id is None:
        raise output.fail(f"There is no host {code}.")
    return host_id


def _scopes(names: list[str], *, every_scope: bool) -> "list[Scope]":
    from counterfoil.platform.access import Scope

    if every_scope:
        return list(Scope)
    known = {scope.value: scope for scope in Scope}
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        reason = f"unknown: {', '.join(unknown)}" if unknown else "give at least one"
        raise typer.BadParameter(f"{reason}; there are {', '.join(known)}", param_hint="--scope")
    return [known[name] for name in names]


def list_keys(*, as_json: Json = False) -> None:
    """List keys, newest first."""
    from counterfoil.platform import access

    async def read(connection: "Connection") -> "list[ApiKey]":
        return await access.list_api_keys(connection)

    shapes = [_shape(key) for key in with_connection(read)]
    if as_json:
        output.write_json({"api_keys": shapes})
    else:
        columns = ("api_key_id", "client", "lookup", "scopes", "last_used_on", "revoked_at")
        rows = [[shape[column] for column in columns] for shape in shapes]
        output.write_table("API keys", columns, rows)


def _shape(key: "ApiKey") -> dict[str, object]:
    from counterfoil.kernel import ids

    return {
        "api_key_id": ids.to_text(ids.API_KEY, key.api_key_id),
        "client": key.client,
        "lookup": key.lookup,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_on": key.last_used_on,
    }


def revoke(
    api_key_id: Annotated[str, typer.Argument(help="The key's identifier, `ky_…`, from the list.")],
) -> None:
    """End a key; programs that use it are turned away within seconds."""
    from counterfoil.kernel import ids
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.platform import access

    try:
        number = ids.from_text(ids.API_KEY, api_key_id)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="API_KEY_ID") from wrong

    async def end(connection: "Connection") -> bool:
        return await access.revoke_api_key(connection, number, now=SystemClock().now())

    if not with_connection(end, told=api_key_id):
        raise output.fail(f"There is no live key {api_key_id}.")
    typer.echo(f"revoked {api_key_id}")
