"""`counterfoil export`: data that leaves de-identified, where a sample came from, and the log."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.cli.log import export as export_log

if TYPE_CHECKING:
    from counterfoil.journeys.guarding.export_data import Exported, ExportRequest, Trace
    from counterfoil.journeys.guarding.trace_number import NumberTrace
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval
    from counterfoil.privacy.export_store import Export

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
DataSet = Annotated[str, typer.Argument(help="applications, lines, loans or consents.")]
Recipient = Annotated[
    str, typer.Option("--to", help="Who gets it; the same name for the same recipient each time.")
]
Purpose = Annotated[str, typer.Option("--for", help="What the recipient needs it for.")]
Assessment = Annotated[str, typer.Option(help="Reference of the impact assessment.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Records from this day on.")
]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Records before this day.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="What leaves the house: de-identified data, and the log.", no_args_is_help=True
    )
    group.command()(ask)
    group.command()(data)
    group.command()(trace)
    group.command("trace-number")(trace_number)
    group.command("list")(list_exports)
    group.command("log")(export_log)
    app.add_typer(group, name="export")


def ask(
    dataset: DataSet,
    *,
    to: Recipient,
    purpose: Purpose,
    assessment: Assessment,
    since: Since = None,
    until: Until = None,
    name: As,
    reason: Annotated[str, typer.Option(help="Why, for whoever approves it.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask a second person to approve an export."""
    from counterfoil.kernel import ids

    request = _request(dataset, to, purpose, assessment, since, until)

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.approve import ask_approval
        from counterfoil.journeys.guarding.export_data import APPROVAL, export_payload

        summary = f"Export {dataset} to {to} for {purpose}, under {assessment}."
        payload = export_payload(request)
        return await ask_approval(house, actor, APPROVAL, payload, summary=summary, reason=reason)

    approval = as_operator(name, work, act="export", password_stdin=password_stdin)
    typer.echo(ids.to_text(ids.APPROVAL, approval.approval_id))
    typer.echo("Somebody else decides: counterfoil approvals approve", err=True)


def data(
    dataset: DataSet,
    *,
    to: Recipient,
    purpose: Purpose,
    assessment: Assessment,
    file: Annotated[Path, typer.Option(help="CSV file to write; it may not exist yet.")],
    since: Since = None,
    until: Until = None,
    group_min: Annotated[
        int, typer.Option(min=0, help="Least persons in a group, where more than the setting.")
    ] = 0,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out rows of smaller groups.")
    ] = False,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Write an approved export to a file; it is recorded before it is written."""
    from dataclasses import replace

    if file.exists():
        raise typer.BadParameter("the file exists already", param_hint="--file")
    request = replace(
        _request(dataset, to, purpose, assessment, since, until),
        group_min=group_min,
        leaves_out=leave_out,
    )

    async def work(house: "House", actor: "Actor") -> "Exported | Refused":
        from counterfoil.journeys.guarding.export_data import export_data

        return await export_data(house, actor, request)

    done = as_operator(name, work, act="export", password_stdin=password_stdin)
    try:
        with file.open("xb") as opened:
            opened.write(done.content)
    except OSError as failure:
        raise output.fail(f"It is recorded, but the file is not written: {failure}") from failure
    shape = _shape(done.export) | {"groups": done.risk.groups}
    if as_json:
        output.write_json(shape)
        return
    typer.echo(
        f"{shape['export_id']}: {done.export.row_count:,} rows of {done.export.person_count:,} "
        f"persons in {done.risk.groups:,} groups, the smallest of {done.export.smallest_group}; "
        f"{done.export.left_out_count:,} rows left out, {done.export.texts_hidden:,} texts with "
        f"numbers hidden"
    )


def trace(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The sample, as CSV.")],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Say for whom and by whom a sample was exported; ends with 1 where nothing says so."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise typer.BadParameter("the sample is not text in UTF-8", param_hint="FILE") from wrong

    async def work(house: "House", actor: "Actor") -> "Trace | Refused":
        from counterfoil.journeys.guarding.export_data import trace_sample

        return await trace_sample(house, actor, text)

    found = as_operator(name, work, act="export", password_stdin=password_stdin)
    exports: list[dict[str, Any]] = [
        _shape(export)
        | {
            "cells": match.cells,
            "matched": match.matched,
            "chance_log10": round(match.chance_log10),
        }
        for export, match in found.exports
    ]
    if as_json:
        output.write_json(
            {"rows": found.rows, "recipients": dict(found.recipients), "exports": exports}
        )
    else:
        for recipient, number in found.recipients.items():
            typer.echo(f"{number:,} pseudonyms were made for {recipient}")
        for item in exports:
            typer.echo(
                f"{item['export_id']} to {item['recipient']}, exported by {item['exported_by']} on "
                f"{item['exported_at']:%Y-%m-%d}: {item['matched']:,} of {item['cells']:,} amounts "
                f"carry its mark; by chance once in 10^{-item['chance_log10']}"
            )
    if not found.exports and not found.recipients:
        raise output.fail("Nothing in the sample says where it came from.")


def trace_number(
    number: Annotated[str, typer.Argument(help="A record number of somebody's list, `lox_…`.")],
    *,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; recorded in the trail.")],
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Say whose list a leaked record number is from, and which customer it stands for."""
    from counterfoil.kernel import ids

    async def work(house: "House", actor: "Actor") -> "NumberTrace | Refused":
        from counterfoil.journeys.guarding.trace_number import trace_number

        return await trace_number(house, actor, number, reason=reason)

    found = as_operator(name, work, act="export", password_stdin=password_stdin)
    owner = found.customer_id
    customer = None if owner is None else ids.to_text(ids.CUSTOMER, owner)
    if as_json:
        shape = {"recipient": found.recipient, "record": found.record, "customer_id": customer}
        output.write_json(shape | {"shown_to": dict(found.shown_to)})
        return
    typer.echo(f"{number} is {found.record} in the list of {found.recipient}")
    typer.echo(f"Customer: {customer or 'not found any more'}")
    for person, pages in sorted(found.shown_to.items()):
        typer.echo(f"Shown to {person} on {pages:,} pages")


def list_exports(*, as_json: Json = False) -> None:
    """List what has left, newest first."""

    async def read(house: "House") -> "list[Export]":
        from counterfoil.journeys.guarding.export_data import list_exports

        return await list_exports(house)

    shapes = [_shape(export) for export in in_house(read)]
    if as_json:
        output.write_json({"exports": shapes})
    else:
        columns = (
            "export_id", "dataset", "recipient", "exported_by", "approved_by", "row_count",
            "smallest_group", "exported_at",
        )  # fmt: skip
        output.write_table("Exports", columns, [[s[c] for c in columns] for s in shapes])


def _request(
    dataset: str,
    to: str,
    purpose: str,
    assessment: str,
    since: datetime | None,
    until: datetime | None,
) -> "ExportRequest":
    from counterfoil.journeys.guarding.export_data import ExportRequest

    return ExportRequest(
        dataset=dataset,
        recipient=to,
        purpose=purpose,
        assessment=assessment,
        since=None if since is None else since.date(),
        until=None if until is None else until.date(),
    )


def _shape(export: "Export") -> dict[str, object]:
    from counterfoil.kernel import ids

    shape = {name: getattr(export, name) for name in export.__slots__}
    return shape | {
        "export_id": ids.to_text(ids.DATA_EXPORT, export.export_id),
        "approval_id": ids.to_text(ids.APPROVAL, export.approval_id),
        "sha256": export.sha256.hex(),
    }
