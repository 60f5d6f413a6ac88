"""`counterfoil settings` and `counterfoil debits`: what customers set, and auto-debits."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, queue_for

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.journeys.paying.settle_debit import Settlement
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Customer = Annotated[str, typer.Argument(help="The customer, `cu_…`.")]

_HISTORY_MAX = 200
_NEWEST = 2**63 - 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("settings")(show)
    group = typer.Typer(help="Auto-debits before people.", no_args_is_help=True)
    group.command()(waiting)
    group.command()(settle)
    app.add_typer(group, name="debits")


def show(
    customer: Customer,
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Show what a customer has set, with what is allowed and its history; it is recorded."""
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused

    number = _number(ids.CUSTOMER, customer)

    async def read(house: "House", _actor: "Actor") -> "dict[str, Any] | Refused":
        from counterfoil.journeys.serving.read_settings import read_history, read_settings

        found = await read_settings(house, customer_id=number, reading=None)
        if isinstance(found, Refused):
            return found
        done = await read_history(house, customer_id=number, before=_NEWEST, page=_HISTORY_MAX)
        return found | {
            "history": [
                {
                    "change": ids.to_text(ids.SETTING_REQUEST, one.request_id),
                    "setting": one.setting.value,
                    "before": one.before,
                    "after": one.after,
                    "channel": one.channel,
                    "device": one.device or "",
                    "second_factor": one.second_factor,
                    "at": one.changed_at.isoformat(),
                }
                for one in done
            ]
        }

    found = as_operator(name, read, password_stdin=password_stdin)
    if as_json:
        output.write_json(found)
        return
    person = ("language", "channels", "statement_form")
    output.write_table("Settings", ("setting", "value"), [(n, str(found[n])) for n in person])
    lines = ("line_id", "status", "repayment_day", "own_cap_minor", "next_cap_on", "auto_debit")
    rows = [[_cell(line[name]) for name in lines] for line in found["lines"]]
    output.write_table("Lines", lines, rows)
    columns = ("change", "setting", "before", "after", "channel", "second_factor", "at")
    history = [[str(one[name]) for name in columns] for one in found["history"]]
    output.write_table("Changes", columns, history)


def _cell(value: Any) -> str:
    """Return what stands in a cell: a mandate by its identifier, nothing for what is not set."""
    return str(value["id"] if isinstance(value, dict) else value if value is not None else "")


def waiting(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List the debits that lie before people, oldest first."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> "list[Any]":
        from counterfoil.journeys.paying.settle_debit import debits_before_people

        return list(await debits_before_people(house))

    def matters(row: Any) -> "list[Matter]":
        from counterfoil.platform.holdings import Matter

        return [Matter(row["customer_id"], ids.CUSTOMER, row["customer_id"])]

    shapes = [
        {
            "debit": ids.to_text(ids.PAYMENT, row["debit_id"]),
            "customer": ids.to_text(ids.CUSTOMER, row["customer_id"]),
            "amount_minor": row["amount_minor"],
            "currency": row["currency"],
            "cause": row["cause"],
            "since": row["suspended_at"].isoformat(),
        }
        for row in queue_for(name, read, matters, password_stdin=password_stdin)
    ]
    if as_json:
        output.write_json({"debits": shapes})
    else:
        columns = ("debit", "customer", "amount_minor", "currency", "cause", "since")
        output.write_table(
            "Debits before people",
            columns,
            [[str(one[name]) for name in columns] for one in shapes],
        )


def settle(
    customer: Customer,
    debit: Annotated[str, typer.Argument(help="The debit, `pm_…`, from the list.")],
    *,
    outcome: Annotated[str, typer.Option(help="`succeeded` or `failed`.")],
    value_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="From when the money counts, if it came."),
    ] = None,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; recorded in the trail.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Say what became of a debit, or ask for it; the same call again after the approval."""
    settlement = _settlement(customer, debit, outcome, value_date)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.paying.settle_debit import settle_debit
        from counterfoil.kernel import ids
        from counterfoil.kernel.errors import Refused

        done = await settle_debit(house, actor, settlement, reason=reason)
        if isinstance(done, Refused):
            return done
        if done is None:
            return f"{debit} is settled as {outcome}."
        asked = ids.to_text(ids.APPROVAL, done.approval_id)
        return f"Asked: {asked}. Somebody else has to approve it."

    typer.echo(as_operator(name, work, password_stdin=password_stdin))


def _settlement(
    customer: str, debit: str, outcome: str, value_date: datetime | None
) -> "Settlement":
    from counterfoil.journeys.paying.settle_debit import Settlement
    from counterfoil.kernel import ids
    from counterfoil.payments.rail import Outcome

    if outcome not in tuple(Outcome):
        raise typer.BadParameter("The outcome is `succeeded` or `failed`.")
    return Settlement(
        customer_id=_number(ids.CUSTOMER, customer),
        debit_id=_number(ids.PAYMENT, debit),
        outcome=Outcome(outcome),
        value_date=None if value_date is None else value_date.date(),
    )


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
