"""`counterfoil audit`: holds what the house did against what others have of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import in_house

if TYPE_CHECKING:
    from counterfoil.bureau.listing import BureauList
    from counterfoil.journeys.inquiring.audit_inquiries import Finding, InquiryAudit

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="Hold what the house did against what others have of it.")
    audit.callback()(_audit)
    audit.command()(inquiries)
    app.add_typer(audit, name="audit")


def _audit() -> None:
    """Keep the group a group while it has one command."""


def inquiries(
    *,
    bureau_list: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The bureau's own list of our inquiries."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every credit inquiry: consent, purpose, one use, intent before result, nothing hidden.

    The whole log is computed again first, so that no leaf can have been exchanged.

    Ends with 1 while there is any exception. Changes nothing.
    """
    from counterfoil.bureau.listing import ListInvalidError, read_list
    from counterfoil.journeys.inquiring.audit_inquiries import audit_inquiries

    listed: BureauList | None = None
    if bureau_list is not None:
        try:
            listed = read_list(bureau_list.read_text(encoding="utf-8"))
        except (ListInvalidError, UnicodeDecodeError) as error:
            raise output.fail(f"{bureau_list} is not a bureau's list: {error}") from error
    found = in_house(lambda house: audit_inquiries(house, listed))
    if as_json:
        output.write_json(_document(found))
    else:
        _write(found)
    if not found.is_sound:
        raise typer.Exit(output.EXIT_FAILED)


def _document(found: "InquiryAudit") -> dict[str, object]:
    usage = found.usage
    return {
        "examined": found.examined,
        "listed": found.listed,
        "open": usage.open_inquiries,
        "reuses": usage.reuses,
        "customers": usage.customers,
        "findings": [_shape(one) for one in found.findings],
        "log_faults": list(found.log_faults),
    }


def _shape(one: "Finding") -> dict[str, object]:
    from counterfoil.kernel import ids

    customer = None if one.customer_id is None else ids.to_text(ids.CUSTOMER, one.customer_id)
    inquiry = None if one.inquiry_id is None else ids.to_text(ids.INQUIRY, one.inquiry_id)
    return {
        "cause": one.cause.value,
        "jti": one.jti,
        "customer_id": customer,
        "inquiry_id": inquiry,
        "detail": one.detail,
    }


def _write(found: "InquiryAudit") -> None:
    usage = found.usage
    against = "" if found.listed is None else f", {found.listed:,} on the bureau's list"
    typer.echo(
        f"{found.examined:,} inquiries about {usage.customers:,} customers{against}; "
        f"{usage.open_inquiries:,} open, {usage.reuses:,} times a report served again"
    )
    if found.is_sound:
        typer.echo("Every inquiry has its consent, its purpose, its one use and its evidence.")
        return
    for fault in found.log_faults:
        typer.echo(f"The log: {fault}")
    if not found.findings:
        return
    shapes = [_shape(one) for one in found.findings]
    rows = [
        (
            shape["cause"],
            shape["inquiry_id"] or shape["jti"] or None,
            shape["customer_id"],
            shape["detail"],
        )
        for shape in shapes
    ]
    output.write_table("Exceptions", ("cause", "inquiry", "customer", "detail"), rows)
