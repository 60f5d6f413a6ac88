"""`counterfoil policy snooze`: rules that are suppressed for single customers."""

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.decisioning.snooze import Snooze
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor

Customer = Annotated[str, typer.Argument(help="The customer's identifier, `cu_…`.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


def register(group: typer.Typer) -> None:
    """Add the commands to those about policies."""
    group.command()(snooze)
    group.command()(snoozes)
    group.command("end-snooze")(end)


def snooze(
    customer: Customer,
    rule: Annotated[str, typer.Argument(help="The rule's code.")],
    *,
    days: Annotated[int, typer.Option(min=1, max=366, help="For how long.")],
    name: As,
    reason: Reason,
    purpose: Annotated[
        str, typer.Option(help="Of the policy that the rule stands in.")
    ] = "origination",
    password_stdin: PasswordStdin = False,
) -> None:
    """Suppress a rule for one customer, or ask for it; the same call again after the approval."""
    from counterfoil.decisioning.snooze import SnoozeWish
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    wish = SnoozeWish(
        customer_id=_number(ids.CUSTOMER, customer),
        purpose=purpose,
        rule_code=rule,
        days=days,
        reason=reason,
    )

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.deciding.snooze_rule import snooze_rule

        outcome = await snooze_rule(house, actor, wish)
        if isinstance(outcome, Refused):
            return outcome
        if isinstance(outcome, Approval):
            asked = ids.to_text(ids.APPROVAL, outcome.approval_id)
            return f"Asked: {asked}. Somebody else has to approve it."
        return f"{rule} is suppressed until {outcome.expires_at.isoformat()}."

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


def snoozes(
    customer: Customer, *, name: As, password_stdin: PasswordStdin = False, as_json: Json = False
) -> None:
    """List what was suppressed for a customer, newest first."""
    from counterfoil.kernel import ids

    number = _number(ids.CUSTOMER, customer)

    async def read(house: "House", _actor: "Actor") -> "list[Snooze] | Refused":
        from counterfoil.journeys.deciding.snooze_rule import list_snoozes

        return await list_snoozes(house, number)

    columns = ("snooze_id", "purpose", "rule", "starts_at", "expires_at", "ended_at", "approved_by")
    rows = [
        (
            ids.to_text(ids.SNOOZE, item.snooze_id),
            item.purpose,
            item.rule_code,
            item.starts_at.isoformat(),
            item.expires_at.isoformat(),
            item.ended_at and item.ended_at.isoformat(),
            item.approved_by,
        )
        for item in as_operator(name, read, password_stdin=password_stdin)
    ]
    if as_json:
        output.write_json({"snoozes": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        output.write_table("Suppressed rules", columns, rows)


def end(
    customer: Customer,
    snooze_id: Annotated[str, typer.Argument(help="Its identifier, `sz_…`.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Let a suppressed rule act again before its time."""
    from counterfoil.kernel import ids

    customer_id = _number(ids.CUSTOMER, customer)
    number = _number(ids.SNOOZE, snooze_id)

    async def work(house: "House", actor: "Actor") -> "Snooze | Refused":
        from counterfoil.journeys.deciding.snooze_rule import end_snooze

        return await end_snooze(
            house, actor, customer_id=customer_id, snooze_id=number, reason=reason
        )

    ended = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{ended.rule_code} acts again.")


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
