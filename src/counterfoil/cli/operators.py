"""`counterfoil operators`: who may sign in to the console."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.connection import with_connection

if TYPE_CHECKING:
    from counterfoil.platform.database import Connection

#: Shorter ones are guessed.
PASSWORD_LENGTH_MIN = 12
Name = Annotated[str, typer.Argument(help="The operator's name, such as li.na.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Staff who may sign in to the console.", no_args_is_help=True)
    group.command("set")(set_operator)
    group.command()(disable)
    app.add_typer(group, name="operators")


def set_operator(
    name: Name,
    *,
    role: Annotated[str, typer.Option(help="What the operator is there for, such as operations.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add an operator, or give one a new role and password."""
    from counterfoil.kernel import ids
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.platform import access
    from counterfoil.platform.settings import Settings

    if role not in set(access.Role):
        raise typer.BadParameter(f"there are {', '.join(access.Role)}", param_hint="--role")
    if not re.fullmatch(access.OPERATOR_NAME, name):
        raise typer.BadParameter(
            "begins with a letter, then a-z, 0-9, dot, dash, underscore", param_hint="NAME"
        )
    password = _password(from_stdin=password_stdin)
    now = SystemClock().now()
    source = ids.IdSource(lambda: int(now.timestamp() * 1_000), Settings().node)

    async def store(connection: "Connection") -> None:
        await access.set_operator(
            connection,
            operator_id=source.next(),
            name=name,
            role=access.Role(role),
            password=password,
            now=now,
        )

    with_connection(store)
    typer.echo(f"{name} may sign in as {role}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = typer.get_text_stream("stdin").readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < PASSWORD_LENGTH_MIN:
        raise output.fail(f"A password has at least {PASSWORD_LENGTH_MIN} characters.")
    return password


def disable(name: Name) -> None:
    """Take an operator's right to sign in; open sessions end too."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.platform import access

    async def end(connection: "Connection") -> bool:
        return await access.disable_operator(connection, name, now=SystemClock().now())

    if not with_connection(end):
        raise output.fail(f"There is no operator {name} who may sign in.")
    typer.echo(f"{name} may no longer sign in")
