"""Acting as a member of staff at the command line: name, password and code, as in the console."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from counterfoil.cli import output, veil

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter, Reach

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
    act: str = "read",
    about: "Callable[[House], Awaitable[str]] | None" = None,
    password_stdin: bool = False,
) -> T:
    """Run work in the house as an operator; a refusal ends the command with its words.

    `act` is what the access matrix calls it. Whatever the command names by its number, customers
    and what is theirs, has to lie in the operator's reach, and so has what stands in the text that
    `about` gives. Whom it names or shows stands in the trail.
    """
    from counterfoil.kernel.errors import Refused

    password = _password(from_stdin=password_stdin)

    async def run(house: "House") -> "T | Refused":
        said = "" if about is None else await about(house)
        actor, _ = await _sign_in(
            house, name, password, act=act, said=said, from_stdin=password_stdin
        )
        return await _carry_out(house, actor, partial(work, house, actor))

    outcome = _run_in_house(run)
    if isinstance(outcome, Refused):
        raise output.fail(output.words_of(outcome))
    return outcome


def queue_for(
    name: str,
    find: "Callable[[House], Awaitable[Iterable[T]]]",
    matters_of: "Callable[[T], Collection[Matter]]",
    *,
    act: str = "read",
    password_stdin: bool = False,
) -> list[T]:
    """Return what waits for people, as far as an operator may take it up, as in the console.

    `matters_of` gives what an item is about: whose it is, of what kind and its number; one about
    nobody is shown to all. Whom it shows stands in the trail.
    """
    password = _password(from_stdin=password_stdin)

    async def run(house: "House") -> list[T]:
        from counterfoil.journeys.entry import in_queue
        from counterfoil.kernel.clock import SystemClock

        actor, reach = await _sign_in(
            house, name, password, act=act, said="", from_stdin=password_stdin
        )
        waiting = [(frozenset(matters_of(item)), item) for item in await find(house)]
        matters = frozenset(chain.from_iterable(of for of, _ in waiting))
        seen = await in_queue(house, reach, matters, now=SystemClock().now())
        shown = [(of, item) for of, item in waiting if of <= seen]
        await _note_shown(house, actor, shown)
        return [item for _, item in shown]

    return _run_in_house(run)


def in_house(work: "Callable[[House], Awaitable[T]]") -> T:
    """Run work in the installation's house, migrated if its database is embedded.

    Nobody signs in for it: whoever has the machine's account has the database too. It shows no
    customer and is given none, but for checks that name what is wrong: of those, the trail says
    whom under the name of the account.
    """

    async def run(house: "House") -> T:
        refused = veil.refuse_aliases()
        if refused is not None:
            raise output.fail(output.words_of(refused))
        await _refuse_shown(house, None)
        return await _carry_out(
            house, machine_account(), partial(work, house), look=partial(_refuse_shown, house)
        )

    return _run_in_house(run)


async def _carry_out(
    house: "House",
    actor: "Actor",
    work: "Callable[[], Awaitable[T]]",
    *,
    look: "Callable[[object], Awaitable[None]] | None" = None,
) -> T:
    """Carry out a command: what it commits first carries its line of the trail.

    What it shows has a line as well, and so has a refusal; `look` sees it before anybody does.
    """
    from counterfoil.journeys.trail import Act, taken
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.holdings import wanted_in

    named = wanted_in(_named())
    act = Act(name="command", customer_ids=named.customer_ids, subject=command_words())
    async with taken(house, actor, act, about=named) as one:
        outcome = await work()
    if isinstance(outcome, Refused):
        await one.refused(outcome)
    else:
        if look is not None:
            await look(outcome)
        await _note_shown(house, actor, outcome)
    return outcome


def machine_account() -> "Actor":
    """Return who acts where nobody signs in: the account of the machine."""
    from counterfoil.platform.access_matrix import Actor

    account = getpass.getuser()
    return Actor(name=f"cli:{account}", role="machine", source=f"cli {account}")


async def _note_shown(house: "House", actor: "Actor", outcome: object) -> None:
    """Write to the trail, before anything is printed, whom a command and its outcome name."""
    from counterfoil.journeys.guarding.look_book import customers_of, note_look
    from counterfoil.journeys.trail import CONCERNED_MAX, Act

    shown = customers_of([outcome, *_named()])
    for start in range(0, len(shown), CONCERNED_MAX):
        some = shown[start : start + CONCERNED_MAX]
        await note_look(house, actor, Act(name="read", subject=command_words()), some)


def command_words() -> str:
    """Return the words by which the command at hand was called, without what it was given."""
    return f"counterfoil {_way()}"


def _way() -> str:
    """Return under which name the command at hand says for what it reads; empty where none is."""
    from counterfoil.platform.read_acts import reading_now

    act = reading_now.get()
    return "" if act is None else act.name


def _named() -> list[str]:
    """Return the identifiers that the command at hand was given."""
    from counterfoil.kernel import ids

    return ids.texts_in(" ".join(veil.arguments()))


def _run_in_house(work: "Callable[[House], Awaitable[T]]") -> T:
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


async def _refuse_shown(house: "House", outcome: object) -> None:
    """End a command that names or shows customers where nobody signed in; write that down."""
    from counterfoil.journeys.guarding.look_book import customers_of
    from counterfoil.journeys.trail import CONCERNED_MAX, Act, note_refusal
    from counterfoil.kernel.errors import refuse
    from counterfoil.platform.read_acts import names_findings
    from counterfoil.platform.staff import OPERATOR_NEEDED

    shown = customers_of([outcome, *_named()])
    if not shown or names_findings():
        return
    act = Act(name="cli", customer_ids=shown[:CONCERNED_MAX], subject=command_words())
    refused = await note_refusal(house, machine_account(), act, refuse(OPERATOR_NEEDED))
    raise output.fail(f"{refused.message} {refused.next_step} ({refused.code})")


async def acting(
    house: "House", name: str, password: str, *, act: str = "read", from_stdin: bool
) -> "Actor":
    """Return the operator whose name, password and code these are, with the rights of now."""
    actor, _ = await _sign_in(house, name, password, act=act, said="", from_stdin=from_stdin)
    return actor


async def _sign_in(
    house: "House", name: str, password: str, *, act: str, said: str, from_stdin: bool
) -> "tuple[Actor, Reach]":
    """Return the operator whose name, password and code these are, and how far the act reaches."""
    from counterfoil.journeys.admitting.second_factor import is_code, is_factor_required
    from counterfoil.journeys.admitting.staff_rights import note_right_use, standing_of
    from counterfoil.journeys.entry import Ask, Entered, enter
    from counterfoil.journeys.trail import Act, note_refusal
    from counterfoil.kernel import ids
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.errors import Refused, refuse
    from counterfoil.platform.access import verify_operator
    from counterfoil.platform.access_matrix import Actor, load_matrix
    from counterfoil.platform.holdings import read_holding, wanted_in
    from counterfoil.platform.read_acts import Door
    from counterfoil.platform.staff import RIGHTS_NOT_ALLOWED

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
    wanted = wanted_in([*_named(), *ids.texts_in(said)])
    refused = veil.check(house, actor)
    entered: Entered | Refused = refused or refuse(RIGHTS_NOT_ALLOWED)
    if refused is None and act in load_matrix().rights_for(actor).permissions:
        ask = Ask(act=act, wanted=wanted, way=(Door.COMMANDS, _way()))
        entered = await enter(house, actor, holding, ask, now=now)
    if isinstance(entered, Refused):
        refusal = Act(name="cli", customer_ids=wanted.customer_ids, subject=command_words())
        await note_refusal(house, actor, refusal, entered)
        raise output.fail(output.words_of(entered))
    if act in load_matrix().rights_of(role).permissions:
        async with house.database.transaction() as connection:
            await note_right_use(connection, operator.name, act, on=now.date())
    return actor, entered.reach


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
