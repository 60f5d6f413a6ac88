"""`counterfoil contract notice` and `notices`: a change told to all lines of a product."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.journeys.contracting.notice_all import Progress
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor


def notice(
    product: Annotated[str, typer.Argument(help="The product's code.")],
    *,
    on: Annotated[str, typer.Option(help="From which day it would hold for new drawings.")],
    name: As,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    of_version: Annotated[
        int | None, typer.Option(help="Only lines under this version; all if unset.")
    ] = None,
    product_version: Annotated[
        int | None, typer.Option(help="Offer the terms of this version; each line's own if unset.")
    ] = None,
    rate_daily_e8: Annotated[
        int | None, typer.Option(help="Offer this daily price, 1e-8; each line's own if unset.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask for notice to all lines of a product, or give it once approved: the same call again.

    It may be ended and called again at any time: no line is given notice twice.
    """
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    day = _day(on)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.contracting.notice_all import (
            ProductWish,
            carry_notices,
            notice_lines,
        )

        wish = ProductWish(
            product_code=product,
            of_version=of_version,
            effective_on=day,
            product_version=product_version,
            rate_daily_e8=rate_daily_e8,
            reason=reason,
        )
        outcome = await notice_lines(house, actor, wish)
        if isinstance(outcome, Approval):
            asked = ids.to_text(ids.APPROVAL, outcome.approval_id)
            return f"Asked: {asked}. Somebody else has to approve it."
        while not isinstance(outcome, Refused) and outcome.run.finished_at is None:
            await carry_notices(house)
            outcome = await notice_lines(house, actor, wish)
            assert not isinstance(outcome, Approval), "it was begun"
        return outcome if isinstance(outcome, Refused) else _told(outcome)

    typer.echo(as_operator(name, work, act="change_limit", password_stdin=password_stdin))


def notices(*, as_json: Json = False) -> None:
    """List notices to all lines of a product, with what became of the lines, newest first."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> "list[Progress]":
        from counterfoil.journeys.contracting.notice_all import list_notices

        return await list_notices(house)

    found = [
        {
            "id": ids.to_text(ids.AGREEMENT_NOTICE, one.run.run_id),
            "product": one.run.product_code,
            "of_version": one.run.of_version,
            "effective_on": one.run.effective_on.isoformat(),
            "product_version": one.run.product_version,
            "rate_daily_e8": one.run.rate_daily_e8,
            "lines_before": one.run.lines_before,
            "lines_after": one.run.lines_after,
            "noticed": one.noticed,
            "passed_over": one.passed_over,
            "asked_by": one.run.asked_by,
            "approved_by": one.run.approved_by,
        }
        for one in in_house(read)
    ]
    if as_json:
        output.write_json({"notices": found})
        return
    columns = ("id", "product", "effective_on", "lines_before", "lines_after", "noticed")
    rows = [
        (*(str(item[name]) for name in columns), _counted(one))
        for item in found
        if isinstance(one := item["passed_over"], dict)
    ]
    output.write_table("Notices to all lines of a product", (*columns, "passed_over"), rows)


def _told(done: "Progress") -> str:
    run = done.run
    over = _counted(done.passed_over)
    return (
        f"{run.lines_before} lines before, {run.lines_after} after; {done.noticed} given notice, "
        f"passed over: {over or 'none'}."
    )


def _counted(passed_over: dict[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in passed_over.items())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r} is not a date") from wrong
