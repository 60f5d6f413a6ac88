"""`counterfoil backtest`: a policy over a file of cases, and what it would have changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.policy_source import (
    PRODUCT,
    Json,
    On,
    PolicyFile,
    Product,
    policy_of,
    question,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from counterfoil.decisioning.backtest import Backtest, Summary

_PPM_ONE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backtest)


Data = Annotated[Path, typer.Option(help="Cases: a Parquet or a CSV file.", dir_okay=False)]
Out = Annotated[Path, typer.Option(help="Decisions: a Parquet file.", dir_okay=False)]
Compare = Annotated[
    str | None, typer.Option(help="Another policy, to tell what would change against it.")
]
Keep = Annotated[list[str] | None, typer.Option(help="Column to carry along; repeat for several.")]
OutcomeColumn = Annotated[
    str | None, typer.Option(help="Column that is 1 where a case turned out bad, else 0.")
]
LossShare = Annotated[
    int, typer.Option(min=0, max=1_000_000, help="Share of a bad case's limit that is lost.")
]
ShowsRules = Annotated[
    bool, typer.Option("--rules", help="Write a column for each rule beside the masks.")
]
Tripped = Annotated[
    list[str] | None, typer.Option(help="Rule whose declines go to people, or *; repeatable.")
]
Stopped = Annotated[
    list[str] | None, typer.Option(help="Segment whose approvals go to people; repeatable.")
]


def backtest(
    policy: PolicyFile,
    *,
    data: Data,
    out: Out,
    compare: Compare = None,
    keep: Keep = None,
    outcome: OutcomeColumn = None,
    loss_ppm: LossShare = 1_000_000,
    rules: ShowsRules = False,
    tripped: Tripped = None,
    stopped: Stopped = None,
    product: Product = PRODUCT,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Decide every case of a file, in bounded memory, and tell coverage and changes.

    The columns are the features that the policy declares, and `requested_minor` where cases ask
    for amounts; `guards_tripped`, `guards_snoozed` and `guards_stopped` name what held single
    cases back. Ends with 1, naming column and type, where they do not fit.
    """
    import os

    from counterfoil.decisioning.batch_memory import bound_memory

    # Before Polars is first imported.
    bound_memory(os.environ)
    from counterfoil.decisioning import backtest as batch
    from counterfoil.decisioning.batch_frame import UnfitDataError
    from counterfoil.decisioning.policy_parts import Guards

    found = policy_of(policy)
    wanted = batch.Backtest(
        policy=found,
        source=data,
        target=out,
        asked=question(product, on, found.currency),
        other=None if compare is None else policy_of(compare),
        keep=keep or [],
        outcome=outcome,
        shows_rules=rules,
        guards=Guards(tripped=frozenset(tripped or ()), stopped=frozenset(stopped or ())),
    )
    if data.resolve() == out.resolve():
        raise typer.BadParameter("would overwrite the cases", param_hint="--out")
    try:
        summary = _run(wanted, shows_progress=not as_json)
    except UnfitDataError as unfit:
        raise output.fail(f"{data}: {unfit}") from unfit
    for side in summary.became.values():
        side["loss_minor"] = side["bad_limit_minor"] * loss_ppm // _PPM_ONE
    if as_json:
        output.write_json(summary.document())
    else:
        _write(found.version, summary)
        _write_became(summary)


def _run(wanted: "Backtest", *, shows_progress: bool) -> "Summary":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from counterfoil.decisioning import backtest as batch

    policies = [wanted.policy] if wanted.other is None else [wanted.policy, wanted.other]
    frame = batch.scan(policies, wanted.source)
    if not shows_progress:
        return batch.run(wanted, frame)
    progress = Progress(
        TextColumn("deciding"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        task = progress.add_task("", total=batch.count_rows(frame))
        return batch.run(wanted, frame, tell=lambda rows: progress.advance(task, rows))


def _write(version: str, summary: "Summary") -> None:
    parts = [f"{count:,} {outcome}" for outcome, count in summary.outcomes.items()]
    typer.echo(f"{version}: {summary.rows:,} cases, {', '.join(parts)}")
    output.write_table(
        "Rules",
        ("rule", "true", "false", "unknown", "not judged"),
        [
            (code, *(f"{counts[name]:,}" for name in ("true", "false", "unknown", "not_judged")))
            for code, counts in summary.coverage.items()
        ],
    )
    if summary.rejected:
        rows = [(name, f"{count:,}") for name, count in summary.rejected.items()]
        output.write_table("Values outside their declaration", ("feature", "cases"), rows)
    if summary.swaps:
        _write_swaps(summary)


def _write_became(summary: "Summary") -> None:
    """Tell what became of the cases, this version beside the other one."""
    if not summary.became:
        return
    names = {
        "approved": "approved",
        "bad": "turned out bad",
        "not_known": "not known how",
        "limit_minor": "limits, minor units",
        "bad_limit_minor": "limits of bad cases",
        "loss_minor": "lost",
    }
    sides = list(summary.became.values())
    rows = [(told, *(f"{side[name]:,}" for side in sides)) for name, told in names.items()]
    rows.append(("lost of a million", *(f"{_per_million(side):,}" for side in sides)))
    columns = ("of the approved", "this version", "the other one")[: len(sides) + 1]
    output.write_table("What became of them", columns, rows)


def _per_million(side: "Mapping[str, int]") -> int:
    """Return the loss of a million minor units of limits."""
    return side["loss_minor"] * _PPM_ONE // max(side["limit_minor"], 1)


def _write_swaps(summary: "Summary") -> None:
    names = ("cases", "limit_minor_before", "limit_minor_after")
    rows = [
        (*pair.split(">"), *(f"{sums[name]:,}" for name in names))
        for pair, sums in summary.swaps.items()
    ]
    columns = ("before", "after", "cases", "limits before", "limits after")
    output.write_table("What changes against the other version", columns, rows)
    moves = [(name.replace("_", " "), f"{count:,}") for name, count in summary.moves.items()]
    output.write_table("Where both offer a line", ("what", "cases"), moves)
