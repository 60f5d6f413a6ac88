"""`counterfoil close-day`: ends business days, one after the other."""

import asyncio
from contextlib import nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.journeys.books.close_day import DayReport, Progress
    from counterfoil.platform.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("close-day")(close_day)


def close_day(
    *,
    to: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Close every day before this one; without it, the present day alone.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Close the business day; one that was cut short goes on where it stopped."""
    from counterfoil.platform import embedded, migrate, telemetry
    from counterfoil.platform.settings import Settings

    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(settings.log_level, settings.log_format)
        with embedded.address(settings) as address:
            if settings.is_embedded:
                asyncio.run(migrate.apply(address))
            day = None if to is None else to.date()
            reports = asyncio.run(_close(settings, address, to=day, shows_progress=not as_json))
    if as_json:
        output.write_json({"days": [_shape(report) for report in reports]})
    else:
        columns = ("business date", "lines touched", "loans covered", "interest", "penalty")
        output.write_table("Closed days", columns, [_row(report) for report in reports])


async def _close(
    settings: "Settings", address: str, *, to: date | None, shows_progress: bool
) -> "list[DayReport]":
    from rich.console import Console

    from counterfoil.journeys.books.close_day import close_day
    from counterfoil.journeys.house import open_house

    console = Console(stderr=True)
    status = console.status("closing") if shows_progress else nullcontext()
    async with open_house(settings, address) as house:
        present = await house.business_date()
        if to is not None and to < present:
            raise output.fail(f"The business date is {present}; it never moves back to {to}.")
        with status as shown:

            def tell(day: date, step: str, count: int) -> None:
                if shown is not None:
                    shown.update(f"{day} {step} {count:,}")

            progress: Progress = tell
            return list(await close_day(house, to=to, progress=progress))


def _shape(report: "DayReport") -> dict[str, object]:
    return {
        "business_date": report.business_date,
        "lines_touched": report.lines_touched,
        "loans_covered": report.loans_covered,
        "interest_minor": report.interest_minor,
        "penalty_minor": report.penalty_minor,
    }


def _row(report: "DayReport") -> tuple[object, ...]:
    return (
        report.business_date,
        f"{report.lines_touched:,}",
        f"{report.loans_covered:,}",
        f"{report.interest_minor:,}",
        f"{report.penalty_minor:,}",
    )
