"""`counterfoil prices`: what law allows at most, and other prices for single lines."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.lending.repricing import LinePrice
    from counterfoil.platform.access_matrix import Actor

group = typer.Typer(no_args_is_help=True, help="Prices and what law allows.")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(group, name="prices")


@group.command()
def rules(
    *,
    on: Annotated[str | None, typer.Option(help="The date; today if unset.")] = None,
    as_json: Json = False,
) -> None:
    """Show the rule pack in force on a date, and whether the holidays of its year are known."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.rules.shelf import pack_on, working_days

    day = SystemClock().now().date() if on is None else _date(on)
    pack = pack_on(day)
    found = [
        {
            "rule": item.rule_id,
            "mark": item.mark,
            "name": item.name,
            "licences": list(item.licences),
            "from": item.from_date.isoformat(),
            "to": item.to_date and item.to_date.isoformat(),
            "value": item.value,
            "text_en": item.text_en,
            "text_zh": item.text_zh,
            "instrument_en": item.instrument_en,
            "instrument_zh": item.instrument_zh,
            "article_printable": item.article_printable,
            "source": item.source,
            "adopted_en": item.adopted_en,
            "adopted_zh": item.adopted_zh,
        }
        for item in pack.rules_on(day)
    ]
    is_known = working_days().is_known(day, day)
    if as_json:
        output.write_json({"pack": pack.reference, "holidays_known": is_known, "rules": found})
        return
    columns = ("rule", "mark", "name", "licences", "from", "value", "text_en")
    rows = [tuple(item[name] for name in columns) for item in found]
    output.write_table(f"{pack.reference} on {day}", columns, rows)
    if not is_known:
        typer.echo(f"The public holidays of {day.year} are not known: weekends alone are free.")


@group.command("line")
def reprice(
    customer: Annotated[str, typer.Argument(help="The customer's identifier, `cu_…`.")],
    line: Annotated[str, typer.Argument(help="The line's identifier, `ln_…`.")],
    *,
    rate: Annotated[str, typer.Option(help="The daily price, such as '0.03 %'.")],
    begins: Annotated[str, typer.Option("--from", help="The first day of the price.")],
    name: As,
    reason: Annotated[str, typer.Option(help="Why; the customer is told the price.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Announce another price for a line's new drawdowns; loans keep theirs."""
    from counterfoil.kernel import ids
    from counterfoil.lending.product_values import FaultError, percent_e8

    try:
        numbers = ids.from_text(ids.CUSTOMER, customer), ids.from_text(ids.LINE, line)
        rate_daily_e8 = percent_e8(rate)
    except (ids.InvalidIdError, FaultError) as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
    day = _date(begins)

    async def work(house: "House", actor: "Actor") -> "LinePrice | Refused":
        from counterfoil.journeys.borrowing.reprice import PriceWish, reprice_line

        wish = PriceWish(
            customer_id=numbers[0],
            line_id=numbers[1],
            rate_daily_e8=rate_daily_e8,
            effective_on=day,
            reason=reason,
        )
        return await reprice_line(house, actor, wish)

    price = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{line} costs {rate} a day from {price.effective_on} on for new drawdowns.")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r} is not a date") from wrong
