"""`counterfoil report`: figures about the book for people who answer for it."""

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import in_house
from counterfoil.cli.connection import with_connection

if TYPE_CHECKING:
    from counterfoil.decisioning.inclusion import Fate, KindCount, SegmentCount
    from counterfoil.decisioning.policy import Policy
    from counterfoil.decisioning.policy_parts import Segment
    from counterfoil.journeys.house import House
    from counterfoil.platform.database import Connection

    SegmentRow = tuple[Policy, Segment, SegmentCount]

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
#: What the report cannot say.
_COMPLAINTS = (
    "Complaints are not kept yet, so they are not known by kind or segment: this is no zero."
)
#: Numbers of accounts are shorter.
_ACCOUNT_DIGITS_MAX = 9
First = Annotated[
    datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of receipt, UTC.")
]
Last = Annotated[
    datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of receipt, UTC.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Reports about the book.", no_args_is_help=True)
    group.callback()(_reports)
    group.command()(inclusion)
    group.command()(lineage)
    app.add_typer(group, name="report")


def _reports() -> None:
    """Keep the group a group while it has one command."""


def inclusion(*, first: First, last: Last, as_json: Json = False) -> None:
    """Tell how kinds of customers and segments fare: approval, price, limit, default, cure."""
    from counterfoil.decisioning.inclusion import KINDS
    from counterfoil.journeys.applying.inclusion import starter_path

    if first > last:
        raise typer.BadParameter("the last day comes before the first", param_hint="--to")

    async def work(connection: "Connection") -> "tuple[list[KindCount], list[SegmentRow]]":
        from counterfoil.journeys.applying.inclusion import read_inclusion, read_segments

        span = {"first_date": first.date(), "last_date": last.date()}
        return await read_inclusion(connection, **span), await read_segments(connection, **span)

    found, segments = with_connection(work)
    starter = starter_path(segments)
    if as_json:
        output.write_json(
            {
                "first_date": first.date(),
                "last_date": last.date(),
                "kinds": [_document(item) for item in found],
                "segments": [_segment_document(*row) for row in segments],
                "starter_path": {**starter._asdict(), "graduated_ppm": starter.graduated_ppm},
                # Kept nowhere yet: unknown, which is not none.
                "complaints": None,
                "complaints_note": _COMPLAINTS,
            }
        )
        return
    columns = (
        *("kind", "applied", "not known", "approved", "of decided", "median limit"),
        *("median rate e8/day", "default", "of observed", "cured", "of late"),
        *("graduated", "of lines", "reviews"),
    )
    rows = [
        (
            *(KINDS[item.code].en, item.applied, item.not_known),
            *(_percent(item.approved_ppm), item.decided, item.limit_median_minor),
            *(item.rate_median_daily_e8, _percent(item.defaulted_ppm), item.observed),
            *(_percent(item.cured_ppm), item.late),
            *(_percent(item.graduated_ppm), item.lines, item.reviews),
        )
        for item in found
    ]
    output.write_table("Inclusion", columns, rows)
    _write_segments(segments)
    rate = _percent(starter.graduated_ppm) or "no rate yet"
    typer.echo(
        f"Starter path: {starter.lines:,} lines, {starter.seasoned:,} open for long enough,"
        f" {starter.graduated:,} grown beyond the first limit ({rate})."
    )
    typer.echo(_COMPLAINTS)


def lineage(
    report: Annotated[str, typer.Argument(help="`funnel`, `inclusion`, or a ledger account.")],
    *,
    first: First,
    last: Last,
    as_json: Json = False,
) -> None:
    """Follow a report, or what was posted to an account, back to its rows and to what made it."""
    if first > last:
        raise typer.BadParameter("the last day comes before the first", param_hint="--to")

    async def work(house: "House") -> dict[str, Any]:
        from counterfoil.journeys.knowing.report_lineage import (
            Report,
            lineage_of_balance,
            lineage_of_report,
        )

        span = {"first_date": first.date(), "last_date": last.date()}
        if report.isascii() and report.isdigit() and len(report) <= _ACCOUNT_DIGITS_MAX:
            return await lineage_of_balance(house, int(report), **span)
        if report not in set(Report):
            raise typer.BadParameter("is funnel, inclusion or a ledger account")
        return await lineage_of_report(house, Report(report), **span)

    found = in_house(work)
    if as_json:
        output.write_json(found)
        return
    rows = found["rows"]
    typer.echo(f"{rows['count']} rows, digest {rows['sha256']}, program {found['program']}")
    for query in found["queries"]:
        typer.echo(f"  {query['name']} {query['sha256'][:12]} reads {', '.join(query['reads'])}")
    for key in rows["shown"]:
        typer.echo(f"  {key}")


def _document(item: "Fate") -> dict[str, Any]:
    return {
        **dataclasses.asdict(item),
        "approved_ppm": item.approved_ppm,
        "defaulted_ppm": item.defaulted_ppm,
        "cured_ppm": item.cured_ppm,
        "graduated_ppm": item.graduated_ppm,
    }


def _write_segments(segments: "list[SegmentRow]") -> None:
    columns = (
        *("policy", "segment", "applied", "approved", "of decided", "median limit"),
        *("median rate e8/day", "default", "of observed", "cured", "of late"),
        *("graduated", "of seasoned"),
    )
    rows = [
        (
            *(f"{policy.code} {policy.version}", segment.name_en, item.applied),
            *(_percent(item.approved_ppm), item.decided, item.limit_median_minor),
            *(item.rate_median_daily_e8, _percent(item.defaulted_ppm), item.observed),
            *(_percent(item.cured_ppm), item.late, _percent(item.graduated_ppm), item.seasoned),
        )
        for policy, segment, item in segments
    ]
    output.write_table("Segments of the policies that decided", columns, rows)


def _segment_document(policy: "Policy", segment: "Segment", item: "SegmentCount") -> dict[str, Any]:
    return {
        "policy": f"{policy.code} {policy.version}",
        "name_en": segment.name_en,
        "name_zh": segment.name_zh,
        "protections": [one.value for one in segment.protections],
        **_document(item),
    }


def _percent(ppm: int | None) -> str | None:
    """Return a share with one digit after the point, rounded down."""
    return None if ppm is None else f"{ppm // 10_000}.{ppm // 1_000 % 10} %"
