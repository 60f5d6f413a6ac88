"""`counterfoil promotions`: publish lower prices for a time, look at what they cost, end them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.lending.promotion_store import Standing
    from counterfoil.platform.access_matrix import Actor

Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]

group = typer.Typer(no_args_is_help=True, help="Lower prices for a time, up to a budget.")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(group, name="promotions")


@group.command()
def publish(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The promotion as TOML.")
    ],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask for a promotion, or publish it once somebody else has approved: the same call again."""
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    text = file.read_text(encoding="utf-8")

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.borrowing.promotions import publish_promotion

        outcome = await publish_promotion(house, actor, text, reason=reason)
        if isinstance(outcome, Refused):
            return outcome
        if isinstance(outcome, Approval):
            asked = ids.to_text(ids.APPROVAL, outcome.approval_id)
            return f"Asked: {asked}. Somebody else has to approve it."
        promotion = outcome.promotion
        return f"{promotion.code} holds from {promotion.begins_on} to {promotion.ends_on}."

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


@group.command("stop")
def end(
    code: Annotated[str, typer.Argument(help="The promotion's code.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """End a promotion before its day; loans that were drawn under it keep their price."""

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.borrowing.promotions import stop_promotion

        refused = await stop_promotion(house, actor, code, reason=reason)
        return f"{code} has ended." if refused is None else refused

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


@group.command("list")
def show(*, as_json: Json = False) -> None:
    """List promotions with budget, what is left, and what they cost whom, newest first."""
    from counterfoil.journeys.borrowing.promotions import cost_by_funder

    async def read(house: "House") -> "list[Standing]":
        from counterfoil.journeys.borrowing.promotions import list_promotions

        return await list_promotions(house)

    standings = in_house(read)
    funders = [item._asdict() for item in cost_by_funder(standings)]
    found = [
        {
            "code": item.code,
            "from": item.begins_on.isoformat(),
            "to": item.ends_on.isoformat(),
            "stopped_at": item.stopped_at and item.stopped_at.isoformat(),
            "currency": item.currency,
            "budget_minor": item.budget_minor,
            "left_minor": item.left_minor,
            "held_minor": item.held_minor,
            "cost_minor": item.used_minor,
            "uses_most": item.uses_most,
            "uses": item.used_uses,
            "uses_left": item.left_uses,
            "funder": item.funder,
            "author": item.author,
            "approver": item.approver,
        }
        for item in standings
    ]
    if as_json:
        output.write_json({"promotions": found, "by_funder": funders})
        return
    columns = ("code", "from", "to", "cost_minor", "left_minor", "uses", "uses_left", "funder")
    rows = [tuple(str(item[name]) for name in columns) for item in found]
    output.write_table("Promotions", columns, rows)
    if funders:
        parties = ("funder", "currency", "promotions", "uses", "cost_minor", "held_minor")
        rows = [tuple(str(item[name]) for name in parties) for item in funders]
        output.write_table("Cost by who pays", parties, rows)
