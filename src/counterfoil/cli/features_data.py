"""`counterfoil features`: what is known of customers – values, origins, quality, history."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.journeys.knowing.facts import Facts
    from counterfoil.journeys.knowing.feature_lineage import Affected, Lineage
    from counterfoil.journeys.knowing.feature_quality import SourceQuality
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor

_PPM_PER_PERCENT = 10_000

Customer = Annotated[str, typer.Argument(help="Number of a customer, such as cu_…")]
Purpose = Annotated[str | None, typer.Option(help="Only as a policy of this purpose may read.")]


def value(
    customer: Customer,
    names: Annotated[list[str] | None, typer.Argument(help="Features; all by default.")] = None,
    *,
    purpose: Purpose = None,
    line: Annotated[str | None, typer.Option(help="A line, for features of a line.")] = None,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Tell features of a customer as known now, with source, day and quality; it is recorded."""
    from counterfoil.kernel import ids

    customer_id = _number(ids.CUSTOMER, customer)
    line_id = None if line is None else _number(ids.LINE, line)

    async def work(house: "House", _actor: "Actor") -> "Facts":
        from counterfoil.journeys.knowing.facts import facts_for

        wanted = names or list(house.registry.features)
        if unknown := [one for one in wanted if one not in house.registry.features]:
            raise output.fail(f"There is no feature {unknown[0]} in the registry.")
        async with house.database.transaction() as connection:
            return await facts_for(
                house, connection, customer_id, wanted, purpose=purpose, line_id=line_id
            )

    facts = as_operator(name, work, password_stdin=password_stdin)
    shapes = [
        {
            "name": feature,
            "value": one.value,
            "quality": one.quality.value,
            "source": None if one.last is None else one.last.source,
            "record": None if one.last is None else one.last.source_record,
            "on": None if one.found.as_of is None else one.found.as_of.isoformat(),
        }
        for feature, one in facts.readings.items()
    ]
    if as_json:
        output.write_json({"as_of": facts.as_of.on.isoformat(), "features": shapes})
    else:
        columns = ("name", "value", "quality", "source", "record", "on")
        rows = [[one[column] for column in columns] for one in shapes]
        output.write_table(f"{customer} on {facts.as_of.on}", columns, rows)


def quality(
    *,
    run: Annotated[bool, typer.Option("--run", help="Run the checks first.")] = False,
    as_json: Json = False,
) -> None:
    """Tell the quality of every source: score, effect, and what each check found.

    Ends with 1 where a check has stopped something.
    """

    async def work(house: "House") -> "list[SourceQuality]":
        from counterfoil.journeys.knowing.feature_quality import quality_of_sources, run_checks

        if run:
            await run_checks(house)
        async with house.database.connection() as connection:
            return await quality_of_sources(house, connection)

    found = in_house(work)
    if as_json:
        output.write_json({"sources": [_quality_document(one) for one in found]})
    else:
        rows = [
            (
                *(one.source, one.owner, _percent(one.score_ppm), one.effect, len(one.checks)),
                *(f"{one.records_count:,}", f"{one.spent_minor / 100:,.2f}"),
            )
            for one in found
        ]
        columns = ("source", "owner", "score", "effect", "checks", "records", "cost, CNY")
        output.write_table("Quality of sources", columns, rows)
        checks = [
            (check.code, check.cases, check.wrong, check.effect)
            for one in found
            for check in one.checks
        ]
        output.write_table("Checks", ("check", "cases", "wrong", "effect"), checks)
    if any(one.effect == "stop" for one in found):
        raise typer.Exit(output.EXIT_FAILED)


def trace(
    customer: Customer,
    *,
    subject: Annotated[
        str | None, typer.Option(help="A decision: where everything it read came from.")
    ] = None,
    record: Annotated[
        str | None, typer.Option(help="A source's record: every decision that it has reached.")
    ] = None,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Follow a decision back to its sources, or a record forward to every decision it touched."""
    from counterfoil.kernel import ids

    if (subject is None) == (record is None):
        raise typer.BadParameter("give --subject or --record", param_hint="--subject")
    customer_id = _number(ids.CUSTOMER, customer)
    act = partial(as_operator, name, password_stdin=password_stdin)
    if subject is not None:
        prefix = subject.partition("_")[0]
        _trace_back(act, customer_id, _number(prefix, subject), as_json=as_json)
    else:
        _trace_forward(act, customer_id, str(record), as_json=as_json)


def export(
    out: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    names: Annotated[list[str], typer.Argument(help="Features.")],
    *,
    days: Annotated[str, typer.Option(help="Days, such as 2026-01-31,2026-02-28.")],
    purpose: Purpose = None,
    lender: Annotated[
        str | None, typer.Option(help="The lender of record, where there are several.")
    ] = None,
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Write features of a lender's customers as known at the end of each day; it is recorded."""

    async def work(house: "House", actor: "Actor") -> int:
        import polars as pl

        from counterfoil.journeys.knowing.feature_history import values_by_day
        from counterfoil.journeys.knowing.profile_lenders import lenders_of
        from counterfoil.journeys.trail import Act, note

        lenders = sorted(lenders_of(house))
        if lender not in lenders and (lender is not None or len(lenders) > 1):
            raise output.fail(f"Name the lender with --lender: {', '.join(lenders)}.")
        lender_id = lender or lenders[0]

        if unknown := [one for one in names if one not in house.registry.features]:
            raise output.fail(f"There is no feature {unknown[0]} in the registry.")
        subject = f"{lender_id} {days} {' '.join(names)}"
        async with house.database.transaction() as connection:
            await note(house, connection, actor, Act(name="feature_history", subject=subject))
        pages = [
            page
            async for page in values_by_day(
                house, names, wanted, purpose=purpose, lender_id=lender_id
            )
        ]
        if not pages:
            return 0
        frame = pl.concat(pages)
        frame.write_parquet(out)
        return frame.height

    try:
        wanted = [date.fromisoformat(day) for day in days.split(",")]
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--days") from wrong
    rows = as_operator(name, work, act="export", password_stdin=password_stdin)
    typer.echo(f"{rows:,} rows written to {out}." if rows else "Nothing is known yet.")


def _trace_back(
    act: Callable[..., "Lineage"], customer_id: int, subject_id: int, *, as_json: bool
) -> None:
    async def work(house: "House", _actor: "Actor") -> "Lineage | Refused":
        from counterfoil.journeys.knowing.feature_lineage import lineage_of

        async with house.database.transaction() as connection:
            return await lineage_of(house, connection, customer_id, subject_id)

    found = act(work)
    rows = [
        {
            "name": one.name,
            "value": one.value,
            "source": one.source,
            "legal_basis": one.legal_basis,
            "records": [event.source_record for event in one.events],
        }
        for one in found.origins
    ]
    if as_json:
        document = {"policy": found.policy_version, "registry_sha256": found.registry_sha256}
        output.write_json({**document, "origins": rows})
    else:
        columns = ("name", "value", "source", "legal_basis", "records")
        table = [[one[column] for column in columns] for one in rows]
        output.write_table(f"Read by {found.policy_version}", columns, table)


def _trace_forward(
    act: Callable[..., "list[Affected]"], customer_id: int, record: str, *, as_json: bool
) -> None:
    async def work(house: "House", _actor: "Actor") -> "list[Affected]":
        from counterfoil.journeys.knowing.feature_lineage import affected_by

        async with house.database.transaction() as connection:
            return await affected_by(house, connection, customer_id, record)

    from counterfoil.journeys.deciding.decision_events import record_of_decision

    rows: list[dict[str, Any]] = [
        {
            "subject": record_of_decision(one.decision),
            "decided_at": one.decision.decided_at.isoformat(),
            "outcome": one.decision.outcome,
            "outcome_now": one.outcome,
            "changed": {name: list(pair) for name, pair in one.changed.items()},
        }
        for one in act(work)
    ]
    if as_json:
        output.write_json({"record": record, "decisions": rows})
    else:
        columns = ("subject", "decided_at", "outcome", "outcome_now", "changed")
        output.write_table(f"Reached by {record}", columns, [list(one.values()) for one in rows])


def _quality_document(one: "SourceQuality") -> dict[str, Any]:
    return {
        "source": one.source,
        "owner": one.owner,
        "cost_minor": one.cost_minor,
        "records_count": one.records_count,
        "spent_minor": one.spent_minor,
        "history": [{"on": on.isoformat(), "score_ppm": score} for on, score in one.history],
        "score_ppm": one.score_ppm,
        "effect": one.effect.value,
        "checks": [
            {
                "code": check.code,
                "cases": check.cases,
                "wrong": check.wrong,
                "effect": check.effect.value,
                "measured_at": check.measured_at.isoformat(),
            }
            for check in one.checks
        ],
    }


def _percent(share_ppm: int | None) -> str | None:
    if share_ppm is None:
        return None
    return f"{share_ppm // _PPM_PER_PERCENT}.{share_ppm % _PPM_PER_PERCENT // 100:02d} %"


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
