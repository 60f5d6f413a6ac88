"""`counterfoil payments received` and `place`: money that came in, and where people say it goes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.payments.received import Received
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

_PAGE = 1_000
_COLUMNS = ("line", "number", "kind", "names", "amount", "left", "value_date", "status", "cause")


def register(group: typer.Typer) -> None:
    """Add the commands to those of payments."""
    group.command()(received)
    group.command()(place)


def received(
    *,
    status: Annotated[
        str | None, typer.Option(help="`taken`, `booked`, `suspended` or `sent_back` only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")] = False,
) -> None:
    """List money that came in over rails, the newest day first."""
    from counterfoil.payments.received import ReceivedStatus

    if status is not None and status not in set(ReceivedStatus):
        raise output.fail(f"A status is one of {', '.join(ReceivedStatus)}.")
    wanted = None if status is None else ReceivedStatus(status)

    async def read(house: "House") -> list[Any]:
        from counterfoil.journeys.paying.received import received_of_days

        return await received_of_days(house, status=wanted, page=_PAGE)

    rows = [_row(one) for one in in_house(read)]
    if as_json:
        output.write_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    elif rows:
        output.write_table("Money received, amounts in minor units", _COLUMNS, rows)
    else:
        typer.echo("No money came in.")


def place(
    rail: Annotated[str, typer.Argument(help="The rail whose statement shows the money.")],
    statement_date: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="Its date.")],
    line_no: Annotated[int, typer.Argument(min=1, help="The line on it.")],
    *,
    reference: Annotated[
        str | None,
        typer.Option(help="Where it belongs: RF…, pu_… or a code; left out, it was sent back."),
    ] = None,
    ending: Annotated[
        str | None,
        typer.Option(help="`claim` or `loss` for a recall, `pays_claim` for money of a claim."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded with the act.")],
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Say where money that came in belongs; two people, the second one approves."""
    from counterfoil.kernel import ids
    from counterfoil.payments.received import Ending, ReceivedKey
    from counterfoil.platform.approvals import Approval

    if ending is not None and ending not in set(Ending):
        raise output.fail(f"An ending is one of {', '.join(Ending)}.")
    way = None if ending is None else Ending(ending)
    key = ReceivedKey(rail, statement_date.date(), line_no)

    async def work(house: "House", actor: "Actor") -> "Received | Approval | Refused":
        from counterfoil.journeys.paying import received as journey

        placing = journey.Placing(key=key, reference=reference, reason=reason, ending=way)
        return await journey.place(house, actor, placing)

    done: Any = as_operator(name, work, password_stdin=password_stdin)
    if isinstance(done, Approval):
        number = ids.to_text(ids.APPROVAL, done.approval_id)
        typer.echo(f"{number} waits for a second person; repeat this command after the approval.")
    else:
        typer.echo(f"The money is {done.status.value}.")


def _row(one: "Received") -> tuple[object, ...]:
    return (
        str(one.key),
        one.rail_reference,
        one.kind.value,
        one.names,
        one.amount_minor,
        one.left_minor,
        one.value_date.isoformat(),
        one.status.value,
        None if one.cause is None else one.cause.value,
    )
