"""`counterfoil customers`: records of one person, merged and split by two people."""

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator

if TYPE_CHECKING:
    from counterfoil.customers.record_link import LinkStep
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

Given = Annotated[str, typer.Argument(help="The record that gives way, `cu_…`.")]
Reason = Annotated[str, typer.Option(help="Why; recorded in the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Records of one person: merge, split.", no_args_is_help=True)
    group.command()(merge)
    group.command()(split)
    group.command()(links)
    app.add_typer(group, name="customers")


def merge(
    customer: Given,
    into: Annotated[str, typer.Argument(help="The record that goes on, `cu_…`.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Make two records one person, or ask for it; the same call again after the approval."""
    given, surviving = _number(customer), _number(into)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.knowing.link_records import merge_records

        outcome = await merge_records(
            house, actor, customer_id=given, surviving_id=surviving, reason=reason
        )
        return _told(outcome, f"{customer} is now {into}.")

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


def split(
    customer: Given, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Undo a merge, or ask for it; the same call again after the approval."""
    given = _number(customer)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.knowing.link_records import split_records

        outcome = await split_records(house, actor, customer_id=given, reason=reason)
        return _told(outcome, f"{customer} stands alone again.")

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


def links(
    customer: Annotated[str, typer.Argument(help="A record on either side, `cu_…`.")],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what happened to the links of a record, newest first; it is recorded."""
    from counterfoil.kernel import ids

    number = _number(customer)

    async def read(house: "House", _actor: "Actor") -> "list[LinkStep] | Refused":
        from counterfoil.journeys.knowing.link_records import links_of

        return await links_of(house, number)

    found = as_operator(name, read, password_stdin=password_stdin)
    columns = ("link", "step", "customer", "surviving", "approval", "by", "at")
    rows = [
        (
            ids.to_text(ids.RECORD_LINK, step.link_id),
            step.step.value,
            ids.to_text(ids.CUSTOMER, step.customer_id),
            ids.to_text(ids.CUSTOMER, step.surviving_id),
            ids.to_text(ids.APPROVAL, step.approval_id),
            step.done_by,
            step.done_at.isoformat(),
        )
        for step in found
    ]
    if as_json:
        output.write_json({"links": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        output.write_table("Links", columns, rows)


def _told(outcome: "LinkStep | Approval | Refused", done: str) -> "str | Refused":
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    if isinstance(outcome, Refused):
        return outcome
    if isinstance(outcome, Approval):
        asked = ids.to_text(ids.APPROVAL, outcome.approval_id)
        return f"Asked: {asked}. Somebody else has to approve it."
    return done


def _number(text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(ids.CUSTOMER, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
