"""`counterfoil operators`: who may sign in, which rights they still need, and what they hold."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import operators_access, output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.cli.connection import with_connection

if TYPE_CHECKING:
    from counterfoil.journeys.admitting.staff_rights import RightLine
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.database import Connection
    from counterfoil.platform.staff import Emergency

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Reason = Annotated[str, typer.Option(help="Why; recorded in the trail.")]
#: Shorter ones are guessed.
PASSWORD_LENGTH_MIN = 12
Name = Annotated[str, typer.Argument(help="The operator's name, such as li.na.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Staff who may sign in to the console.", no_args_is_help=True)
    group.command("set")(set_operator)
    group.command()(disable)
    group.command()(review)
    group.command()(confirm)
    group.command("reset-factor")(reset_factor)
    group.command()(emergencies)
    operators_access.add_to(group)
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

    with_connection(store, told=f"operator={name} role={role}")
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

    if not with_connection(end, told=f"operator={name} disabled"):
        raise output.fail(f"There is no operator {name} who may sign in.")
    typer.echo(f"{name} may no longer sign in")


def review(*, as_json: Json = False) -> None:
    """List every right with its last use; what nobody uses or confirms is suspended."""

    async def read(house: "House") -> "list[RightLine]":
        from counterfoil.journeys.admitting.staff_rights import review_rights
        from counterfoil.kernel.clock import SystemClock

        return await review_rights(house, now=SystemClock().now())

    lines = in_house(read)
    shapes = [{name: getattr(line, name) for name in line.__slots__} for line in lines]
    if as_json:
        output.write_json({"rights": shapes})
    else:
        columns = ("operator", "role", "permission", "state", "last_used_on", "confirmed_by")
        output.write_table("Rights of staff", columns, [[s[c] for c in columns] for s in shapes])


def confirm(
    operator: Name,
    *,
    permission: Annotated[
        list[str] | None,
        typer.Option(help="What is still needed; repeat for several; all of the role without."),
    ] = None,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Confirm that a colleague still needs rights; nobody confirms their own."""

    async def work(house: "House", actor: "Actor") -> "int | Refused":
        from counterfoil.journeys.admitting.staff_rights import confirm_rights
        from counterfoil.kernel.clock import SystemClock

        now = SystemClock().now()
        return await confirm_rights(
            house, actor, operator, permission or [], reason=reason, now=now
        )

    number = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{number} rights of {operator} confirmed")


def reset_factor(
    operator: Name, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Take away the second factor of a colleague who has lost app and codes."""

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.admitting.second_factor import remove_factor
        from counterfoil.kernel.clock import SystemClock

        return await remove_factor(house, actor, operator, reason=reason, now=SystemClock().now())

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{operator} sets up a new second factor at the next sign-in")


def emergencies(
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only those nobody reviewed.")] = False,
    as_json: Json = False,
) -> None:
    """List emergency access, newest first; reviews are made in the console."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> "list[Emergency]":
        from counterfoil.journeys.admitting.staff_rights import list_emergencies

        return await list_emergencies(house, only_open=only_open)

    shapes = [
        {name: getattr(item, name) for name in item.__slots__}
        | {"emergency_id": ids.to_text(ids.EMERGENCY, item.emergency_id)}
        for item in in_house(read)
    ]
    if as_json:
        output.write_json({"emergencies": shapes})
    else:
        columns = ("emergency_id", "operator", "lent_role", "started_at", "ends_at", "finding")
        output.write_table("Emergency access", columns, [[s[c] for c in columns] for s in shapes])
