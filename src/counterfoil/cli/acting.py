"""Acting as a member of staff at the command line: name, password and code, as in the console."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor

T = TypeVar("T")

As = Annotated[str, typer.Option("--as", help="Your name as an operator; the password is asked.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from standard input, and a code from the line behind it.",
    ),
]


def as_operator(
    name: str,
    work: "Callable[[House, Actor], Awaitable[T | Refused]]",
    *,
    password_stdin: bool = False,
) -> T:
    """Run work in the house as an operator; a refusal ends the command with its words."""
    from counterfoil.kernel.errors import Refused

    password = _password(from_stdin=password_stdin)

    async def run(house: "House") -> "T | Refused":
        actor = await acting(house, name, password, from_stdin=password_stdin)
        return await work(house, actor)

    outcome = in_house(run)
    if isinstance(outcome, Refused):
        raise output.fail(f"{outcome.message} {outcome.next_step} ({outcome.code})")
    return outcome


def in_house(work: "Callable[[House], Awaitable[T]]") -> T:
    """Run work in the installation's house, migrated if its database is embedded."""
    from counterfoil.journeys.house import open_house
    from counterfoil.platform import embedded, migrate, telemetry
    from counterfoil.platform.settings import LogLevel, Settings

    async def run(address: str) -> T:
        if settings.is_embedded:
            await migrate.apply(address)
        async with open_house(settings, address) as house:
            return await work(house)

    with output.failures_as_messages():
        settings = Settings()
        # Beside what the command writes, not in it: a program may read that.
        telemetry.configure_logging(LogLevel.WARNING, settings.log_format)
        with embedded.address(settings) as address:
            return asyncio.run(run(address))


async def acting(house: "House", name: str, password: str, *, from_stdin: bool) -> "Actor":
    """Return the operator whose name, password and code these are, with the rights of now."""
    from counterfoil.journeys.entry import Ask, enter
    from counterfoil.journeys.second_factor import is_code, is_factor_required
    from counterfoil.journeys.staff_rights import standing_of
    from counterfoil.journeys.trail import Act, note_refusal
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access import verify_operator
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import read_holding

    now = SystemClock().now()
    async with house.database.connection() as connection:
        operator = await verify_operator(connection, name, password)
        if operator is None:
            raise output.fail("Name and password do not belong together.")
        role = operator.role.value
        standing = await standing_of(house, connection, operator.name, role, now=now)
        holding = await read_holding(connection, operator.name)
    if operator.has_factor:
        if not await is_code(house, operator, _code(from_stdin=from_stdin), now=now):
            raise output.fail("The code does not match, or was used before.")
    elif is_factor_required(house, operator):
        raise output.fail("Set up a second factor in the console first.")
    actor = Actor(
        name=operator.name,
        role=role,
        # The account of the machine, so that the trail tells from where it came.
        source=f"cli {getpass.getuser()}",
        lent=standing.lent_role,
        suspended=standing.suspended,
    )
    # What a command is about its journey checks; whether anything may be done now is asked here.
    entered = await enter(house, actor, holding, Ask(act="read"), now=now)
    if isinstance(entered, Refused):
        await note_refusal(house, actor, Act(name="cli"), entered)
        raise output.fail(f"{entered.message} {entered.next_step} ({entered.code})")
    return actor


def _code(*, from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().strip()
    given: str = typer.prompt("Code")
    return given


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\n")
    given: str = typer.prompt("Password", hide_input=True)
    return given
