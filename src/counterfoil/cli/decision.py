"""`counterfoil decision`: recorded decisions, decided again and explained."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator
from counterfoil.cli.connection import with_connection
from counterfoil.cli.own_catalogue import own_catalogue
from counterfoil.cli.policy_source import Json, policy_of

if TYPE_CHECKING:
    from counterfoil.decisioning.policy import Policy
    from counterfoil.journeys.deciding.replay_decisions import Replayed
    from counterfoil.journeys.house import House
    from counterfoil.journeys.lines.replay_reviews import ReviewsReplayed
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.database import Connection

#: How the number of a review of a line begins.
_OF_REVIEW = "lv_"
#: Findings that the table shows; `--json` has more.
SHOWN_MAX = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Recorded decisions: decide again, explain.", no_args_is_help=True)
    group.command()(replay)
    group.command()(explain)
    app.add_typer(group, name="decision")


def replay(
    application: Annotated[
        str | None,
        typer.Argument(help="Number of an application, ap_…, or of a review of a line, lv_…"),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Decide all of them again.")] = False,
    against: Annotated[
        str | None,
        typer.Option(
            help="Another policy: tell which part of it changes what, or today's rule pack, "
            "registry or data."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide recorded decisions again: the same to the byte, or the name of what changed.

    Ends with 1 where a decision does not come out again by its own policy and inputs.
    """
    if every == (application is not None):
        raise typer.BadParameter("give an application or --all", param_hint="APPLICATION")
    if application is not None and application.startswith(_OF_REVIEW):
        if against is not None:
            raise typer.BadParameter("reviews of lines are not compared", param_hint="--against")
        _replay_review(application, as_json=as_json)
        return
    number = None if application is None else _number(application)
    today = None if against is None else policy_of(against)
    found = _replayed(number, today, shows_progress=not as_json)
    reviews = _reviews_replayed(None) if every else None
    if as_json:
        added = {} if reviews is None else {"line_reviews": _review_document(reviews)}
        output.write_json(_document(found) | added)
    else:
        _write(found, today)
        if reviews is not None:
            _write_reviews(reviews)
    if found.causes or (reviews is not None and reviews.findings):
        raise typer.Exit(output.EXIT_FAILED)


def _replay_review(review: str, *, as_json: bool) -> None:
    found = _reviews_replayed(_review_number(review))
    if as_json:
        output.write_json({"line_reviews": _review_document(found)})
    else:
        _write_reviews(found)
    if found.findings:
        raise typer.Exit(output.EXIT_FAILED)


def _reviews_replayed(review_id: int | None) -> "ReviewsReplayed":
    from counterfoil.journeys.lines.replay_reviews import replay_reviews
    from counterfoil.kernel.errors import Refused

    catalogue = own_catalogue()

    async def work(connection: "Connection") -> "ReviewsReplayed | Refused":
        return await replay_reviews(connection, catalogue, review_id=review_id)

    found = with_connection(work)
    if isinstance(found, Refused):
        raise output.fail(f"{found.message} {found.next_step}")
    return found


def _review_document(found: "ReviewsReplayed") -> dict[str, Any]:
    from counterfoil.kernel import ids

    return {
        "examined": found.examined,
        "reproduced": found.reproduced,
        "findings": [
            {
                "line_review_id": ids.to_text(ids.LINE_REVIEW, one.review_id),
                "cause": one.cause,
                "differences": one.differences,
            }
            for one in found.findings
        ],
    }


def _write_reviews(found: "ReviewsReplayed") -> None:
    typer.echo(
        f"{found.examined:,} reviews of lines made again; {found.reproduced:,} came out the same."
    )
    for one in _review_document(found)["findings"][:SHOWN_MAX]:
        typer.echo(f"{one['line_review_id']}: {one['cause']}, {', '.join(one['differences'])}")


def _review_number(text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(ids.LINE_REVIEW, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="APPLICATION") from wrong


def _number(text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(ids.APPLICATION, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="APPLICATION") from wrong


def _replayed(number: int | None, today: "Policy | None", *, shows_progress: bool) -> "Replayed":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from counterfoil.journeys.deciding.replay_decisions import count_decisions, replay_decisions
    from counterfoil.journeys.deciding.todays import Today
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.errors import Refused

    catalogue = own_catalogue()
    progress = Progress(
        TextColumn("deciding again"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not shows_progress,
    )

    async def work(connection: "Connection") -> "Replayed | Refused":
        with progress:
            total = await count_decisions(connection) if number is None else None
            task = progress.add_task("", total=total)
            return await replay_decisions(
                connection,
                catalogue,
                application_id=number,
                today=None if today is None else Today(policy=today, at=SystemClock().now()),
                tell=lambda count: progress.advance(task, count),
            )

    found = with_connection(work)
    if isinstance(found, Refused):
        raise output.fail(f"{found.message} {found.next_step}")
    return found


def _document(found: "Replayed") -> dict[str, Any]:
    from counterfoil.kernel import ids

    return {
        "examined": found.examined,
        "reproduced": found.reproduced,
        "compared": found.compared,
        "causes": dict(found.causes),
        "changes": dict(found.changes),
        "findings": [
            {
                "application_id": ids.to_text(ids.APPLICATION, finding.key[1]),
                "decision_no": finding.key[2],
                "cause": finding.cause,
                "changed_by": finding.changed_by,
                "differences": finding.differences,
            }
            for finding in found.findings
        ],
    }


def _write(found: "Replayed", today: "Policy | None") -> None:
    document = _document(found)
    typer.echo(
        f"{found.examined:,} decisions decided again; {found.reproduced:,} came out the same."
    )
    if today is not None:
        typer.echo(
            f"{found.compared:,} of them are decisions on {today.purpose}, as by {today.code} "
            f"{today.version}: compared."
        )
    for part, count in sorted(found.changes.items()):
        typer.echo(f"{count:,} would change by today's {part}.")
    shown = document["findings"][:SHOWN_MAX]
    rows = [
        (
            one["application_id"],
            one["cause"] or " and ".join(one["changed_by"]),
            ", ".join(one["differences"]),
        )
        for one in shown
    ]
    if rows:
        output.write_table("What differs", ("application", "changed", "differs in"), rows)


def explain(
    application: Annotated[
        str, typer.Argument(help="Number of an application, ap_…, or of a review of a line, lv_…")
    ],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Tell everything that is recorded of a decision: rules, values read, points, bounds, texts."""
    from counterfoil.journeys.deciding.replay_decisions import explain_decision
    from counterfoil.journeys.lines.replay_reviews import explain_review

    is_review = application.startswith(_OF_REVIEW)
    number = _review_number(application) if is_review else _number(application)

    async def work(house: "House", _actor: "Actor") -> "dict[str, Any] | Refused":
        async with house.database.connection() as connection:
            if is_review:
                return await explain_review(connection, number)
            return await explain_decision(connection, number)

    told = as_operator(name, work, password_stdin=password_stdin)
    if as_json:
        output.write_json(told)
    else:
        _tell(application, told)


def _tell(application: str, told: dict[str, Any]) -> None:
    rows = [
        (rule["rule"], rule["verdict"], rule["then"], rule["when"], _values(rule["read"]))
        for rule in told["rules"]
    ]
    title = f"{application}: {told['outcome']}, {told['policy_version']}"
    output.write_table(title, ("rule", "verdict", "then", "when", "read"), rows)
    under = told["decided_under"]
    typer.echo(f"rule pack {_value(under['rule_pack'])}")
    typer.echo(f"feature registry {_value(under['feature_registry'])}")
    if "points" not in told:
        typer.echo(f"{told['outcome']}, limit {told['to_minor']}, on {told['effective_on']}")
        for language, texts in told["customer_is_told"].items():
            typer.echo(f"{language}: {'; '.join(texts)}")
        return
    points = [
        (one["feature"], _value(one["bin"]), one["holds"] or "", _value(one["points"]))
        for one in told["score_parts"]
    ]
    columns = ("feature", "bin", "holds", "points")
    output.write_table(f"{told['points']} points", columns, points)
    bounds = [(name, f"{minor:,}") for name, minor in told["candidates"]]
    output.write_table(f"Limit bound by {told['binding']}", ("bound", "minor"), bounds)
    for language, texts in told["customer_is_told"].items():
        typer.echo(f"{language}: {'; '.join(texts)}")


def _values(read: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in read.items())


def _value(value: object) -> str:
    return "unknown" if value is None else str(value)
