"""`counterfoil bureau`: the reference bureau, for sandboxes and for bureaus that want an example.

Needs neither the lender's database nor its settings: everything is in the directory given as
`--home`, and a member gets a directory of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.simulator.bureau.books import Books
    from counterfoil.simulator.bureau.bureau import Bureau

Home = Annotated[Path, typer.Option(help="Directory of the bureau: authority, members, books.")]
Member = Annotated[str, typer.Option(help="Legal identifier of the lender.")]
#: The bureau that the notices which come along name.
BUREAU = "bureau.example"
LENDER = "lender.example"
ORGANISATION = "X000EXAMPLE001"
PORT = 7_101


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="The reference credit bureau; run by others than the lender.",
        no_args_is_help=True,
    )
    for command in (init, enrol, people, serve, export, own_report):
        group.command()(command)
    app.add_typer(group, name="bureau")


def init(
    *,
    home: Home,
    bureau: Annotated[str, typer.Option(help="Legal identifier of the bureau.")] = BUREAU,
) -> None:
    """Make the bureau's own authority and its server's certificate."""
    from counterfoil.simulator.bureau.member import make_home

    with _failures():
        make_home(home, bureau=bureau, now=datetime.now(UTC))
    typer.echo(f"{bureau} in {home}")


def enrol(
    *,
    home: Home,
    member_home: Annotated[
        Path, typer.Option(help="Directory of the lender's membership; its keys are made there.")
    ],
    policy: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="Policy of the lender's evidence log."),
    ],
    member: Member = LENDER,
    organisation: Annotated[
        str, typer.Option(help="Organisation code of the lender, as reports name who asked.")
    ] = ORGANISATION,
    url: Annotated[
        str, typer.Option(help="Where the lender reaches the bureau.")
    ] = f"https://127.0.0.1:{PORT}",
    witness: Annotated[
        str | None,
        typer.Option(help="What the policy calls the bureau's own witness; none asks for less."),
    ] = "bureau",
) -> None:
    """Exchange keys, certificate and policy with a lender, both sides at once."""
    from counterfoil.evidence.formats.policy import Policy
    from counterfoil.evidence.formats.reasons import RejectedError
    from counterfoil.simulator.bureau import member as members

    with _failures():
        text = policy.read_text(encoding="utf-8")
        try:
            parsed = Policy.parse(text)
        except RejectedError as error:
            raise output.fail(f"{policy} is not a policy: {error}") from error
        if witness is not None and witness not in parsed.witnesses:
            raise output.fail(f"The policy names no witness {witness}.")
        membership = members.enrol(
            home,
            member_home,
            issuer=member,
            organisation=organisation,
            url=url,
            policy=text,
            own_witness=witness,
            now=datetime.now(UTC),
        )
    typer.echo(f"{member} ({organisation}) is a member. The lender sets:")
    typer.echo(f"COUNTERFOIL_BUREAU_MEMBERSHIP={membership.directory}")


def people(
    *,
    home: Home,
    count: Annotated[int, typer.Option(min=1, max=30_000, help="How many persons.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Seed of the persons; the lender's world has one.")] = 0,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Date on which they are as old as recorded."),
    ] = None,
) -> None:
    """Take in the invented persons of a seed, with the recorded clients behind them."""
    from counterfoil.simulator.bureau.populating import known_people

    with _failures():
        day = (on or datetime.now(UTC)).date()
        books = _books(home)
        books.add_people(known_people(count, seed=seed, on=day))
        books.close()
    typer.echo(f"{count:,} persons of seed {seed}")


def serve(
    *,
    home: Home,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = PORT,
    today: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Calendar of the reports; today without it."),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option(help="Whether faults, the calendar and counts can be reached.")
    ] = False,
) -> None:
    """Answer inquiries over mutual TLS until interrupted."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.simulator.bureau.server import make_app, server_of

    clock = SystemClock()
    with _failures():
        desk = _desk(home)
        desk.today = None if today is None else today.date()
        app = make_app(desk, now=lambda: clock.milliseconds() // 1_000, is_sandbox=sandbox)
        typer.echo(f"{desk.bureau} on https://{host}:{port}, {len(desk.members)} members")
        server_of(app, home, host=host, port=port).run()
        desk.books.close()


def export(
    *,
    home: Home,
    member: Member = LENDER,
    to: Annotated[Path | None, typer.Option(help="File to write; standard output without.")] = None,
) -> None:
    """Write the bureau's own list of a member's inquiries, with what each was billed at."""
    from counterfoil.bureau.listing import write_list
    from counterfoil.simulator.bureau.member import bureau_of
    from counterfoil.simulator.bureau.populating import list_of

    with _failures():
        books = _books(home)
        now = int(datetime.now(UTC).timestamp())
        text = write_list(list_of(books, bureau_of(home), member, through=now))
        books.close()
        if to is None:
            typer.echo(text, nl=False)
        else:
            to.write_text(text, encoding="utf-8")


def own_report(
    *,
    home: Home,
    id_number: Annotated[str, typer.Option(help="The person's identity number.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
) -> None:
    """Give a person the report about oneself; two in a calendar year are free."""
    with _failures():
        desk = _desk(home)
        own = desk.own_report(id_number, name, now=int(datetime.now(UTC).timestamp()))
        desk.books.close()
    if own is None:
        raise output.fail("Name and number are nobody's.")
    price = "free" if own.is_free else "at the price of the list"
    typer.secho(f"Report {own.number_of_year} of the year, {price}", err=True)
    typer.echo(own.report.decode())


def _books(home: Path) -> "Books":
    from counterfoil.simulator.bureau.books import Books
    from counterfoil.simulator.bureau.member import BOOKS, bureau_of

    bureau_of(home)
    return Books(home / BOOKS)


def _desk(home: Path) -> "Bureau":
    from counterfoil.simulator.bureau.bureau import Bureau
    from counterfoil.simulator.bureau.member import bureau_of, members_of

    return Bureau(bureau=bureau_of(home), books=_books(home), members=members_of(home))


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what a person can act on into one line."""
    import sqlite3

    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise output.fail(
            f"{error}; was the bureau made with `counterfoil bureau init`?"
        ) from error
