"""`counterfoil features`: corrections – what a bad record touched, and what people make of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, queue_for
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.features.correction import Correction
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter

Customer = Annotated[str, typer.Argument(help="Number of a customer, such as cu_…")]
Reason = Annotated[str, typer.Option(help="Why; recorded.")]


def correct(
    customer: Customer,
    record: Annotated[str, typer.Argument(help="The source's record that was wrong.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Find the decisions that a bad record touched, and propose a remedy for each."""
    number = _number("cu", customer)

    async def work(house: "House", actor: "Actor") -> "list[Correction] | Refused":
        from counterfoil.journeys.knowing.correct_record import correct_record

        return await correct_record(
            house, actor, customer_id=number, source_record=record, reason=reason
        )

    _show(as_operator(name, work, act="review", password_stdin=password_stdin), as_json=as_json)


def corrections(
    *,
    name: As,
    customer: Annotated[str | None, typer.Option(help="Only of this customer.")] = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """List proposals that wait for a person."""
    number = None if customer is None else _number("cu", customer)

    async def work(house: "House") -> "list[Correction]":
        from counterfoil.journeys.knowing.correct_record import corrections_waiting

        return await corrections_waiting(house, customer_id=number)

    found = queue_for(name, work, _matters, act="review", password_stdin=password_stdin)
    _show(found, as_json=as_json)


def remedy(
    customer: Customer,
    correction: Annotated[str, typer.Argument(help="Number of a proposal, such as fc_…")],
    *,
    take: Annotated[bool, typer.Option("--take/--leave", help="Take it up, or leave it.")],
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Decide on a proposal that somebody else has found."""
    number, correction_id = _number("cu", customer), _number("fc", correction)

    async def work(house: "House", actor: "Actor") -> "Correction | Refused":
        from counterfoil.journeys.knowing.correct_record import end_correction

        return await end_correction(
            house,
            actor,
            customer_id=number,
            correction_id=correction_id,
            is_taken=take,
            reason=reason,
        )

    _show([as_operator(name, work, act="review", password_stdin=password_stdin)], as_json=as_json)


def _matters(item: "Correction") -> "list[Matter]":
    """Return whom a proposal is about: it is a matter of the person."""
    from counterfoil.kernel import ids
    from counterfoil.platform.holdings import Matter

    return [Matter(item.customer_id, ids.CUSTOMER, item.customer_id)]


def _show(found: "list[Correction]", *, as_json: bool) -> None:
    rows = [_row(item) for item in found]
    if as_json:
        output.write_json({"corrections": rows})
        return
    columns = ("correction", "customer", "record", "was", "is_now", "changed", "remedy")
    output.write_table(
        "Corrections", columns, [[row[column] for column in columns] for row in rows]
    )


def _row(item: "Correction") -> dict[str, Any]:
    from counterfoil.journeys.knowing.correct_record import correction_document

    told = correction_document(item)
    names = {"id": "correction", "customer_id": "customer", "source_record": "record"}
    return {names.get(name, name): value for name, value in told.items()}


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
