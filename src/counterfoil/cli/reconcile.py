"""`counterfoil reconcile`: holds a day's payouts against the rail's statement and the ledger."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import in_house

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.journeys.paying.reconcile import DayReconciliation, OpenDifference
    from counterfoil.kernel.errors import Refused

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]

#: The rail of the simulated bank and of a bank over HTTP.
RAIL = "bank"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reconcile)


def reconcile(
    *,
    on: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="The business date whose payouts are compared."),
    ],
    rail: Annotated[str, typer.Option(help="The rail that carried them.")] = RAIL,
    statement: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The rail's statement of the day, where it was not taken yet.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare orders, the rail's statement and the ledger of a day; keep and age what differs.

    Ends with 1 while any difference is open. Changes nothing in the books.
    """
    from counterfoil.kernel.errors import Refused

    text = None if statement is None else statement.read_text(encoding="utf-8")
    found = in_house(lambda house: _reconciled(house, on.date(), rail=rail, text=text))
    if isinstance(found, Refused):
        raise output.fail(f"{found.message} {found.next_step}")
    if as_json:
        output.write_json(_document(found))
    else:
        _write(found)
    if found.open_differences:
        raise typer.Exit(output.EXIT_FAILED)


async def _reconciled(
    house: "House", on: date, *, rail: str, text: str | None
) -> "DayReconciliation | Refused":
    from counterfoil.journeys.paying.reconcile import reconcile_day, take_rail_statement
    from counterfoil.kernel.errors import Refused

    if text is not None:
        taken = await take_rail_statement(house, text, rail=rail, on=on)
        if isinstance(taken, Refused):
            return taken
    return await reconcile_day(house, rail=rail, on=on)


def _document(found: "DayReconciliation") -> dict[str, object]:
    return {
        **found.run._asdict(),
        "ages": dict(found.ages),
        "ages_by_rail": {rail: dict(counts) for rail, counts in found.ages_by_rail.items()},
        "open_differences": [_shape(one) for one in found.open_differences],
    }


def _shape(one: "OpenDifference") -> dict[str, object]:
    from counterfoil.kernel import ids

    found = one.difference
    customer = ids.to_text(ids.CUSTOMER, found.customer_id) if found.customer_id else None
    return {
        "reference": found.reference,
        "customer_id": customer,
        "cause": found.cause.value,
        "order_minor": found.order_minor,
        "statement_minor": found.statement_minor,
        "ledger_minor": found.ledger_minor,
        "rail": one.rail,
        "first_seen_on": one.first_seen_on,
        "age_days": one.age_days,
    }


def _write(found: "DayReconciliation") -> None:
    run = found.run
    typer.echo(
        f"{run.business_date} {run.rail}: {run.orders_count:,} orders, {run.lines_count:,} lines, "
        f"{run.bookings_count:,} bookings; {run.matched_count:,} agree on all sides"
    )
    if not found.open_differences:
        typer.echo("No difference is open.")
        return
    columns = ("reference", "cause", "ordered", "statement", "ledger", "first seen", "days")
    rows = [
        (
            one.difference.reference,
            one.difference.cause.replace("_", " "),
            one.difference.order_minor,
            one.difference.statement_minor,
            one.difference.ledger_minor,
            one.first_seen_on,
            one.age_days,
        )
        for one in found.open_differences
    ]
    output.write_table("Open differences, amounts in minor units", columns, rows)
    for rail, counts in found.ages_by_rail.items():
        aged = ", ".join(f"{label} days: {count}" for label, count in counts.items() if count)
        typer.echo(f"By age, {rail}: {aged}")
