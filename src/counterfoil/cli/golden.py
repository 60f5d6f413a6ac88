"""`counterfoil golden`: loan cases with known figures, computed and compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.simulator.golden.case_file import Case
    from counterfoil.simulator.golden.runner import Outcome

#: Exit code where the file cannot be read as cases, or has no case of that name.
EXIT_UNREADABLE = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(golden)


def golden(
    file: Annotated[Path, typer.Argument(help="A JSON file with loan cases.")],
    *,
    only: Annotated[
        list[str] | None, typer.Option(help="Run only the case of this id; repeat for several.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")] = False,
) -> None:
    """Run loan cases with known figures: passed, failed or unsupported, each with the reason.

    Ends with 1 where a case failed, and with 2 where the file cannot be read.
    """
    from counterfoil.simulator.golden import runner
    from counterfoil.simulator.golden.case_file import UnreadableCaseFile, read_cases

    try:
        cases = read_cases(file)
    except UnreadableCaseFile as unreadable:
        raise _unreadable(str(unreadable)) from None
    outcomes = runner.run(_chosen(cases, only or []))
    summary = runner.summary(outcomes)
    if as_json:
        output.write_json(summary)
    else:
        _write_text(outcomes, summary)
    if summary["failed"]:
        raise typer.Exit(output.EXIT_FAILED)


def _chosen(cases: "Sequence[Case]", only: "Sequence[str]") -> "Sequence[Case]":
    """Return the cases asked for; a name that is not there ends the command."""
    if not only:
        return cases
    missing = sorted(set(only) - {case.id for case in cases})
    if missing:
        raise _unreadable(f"no case {', '.join(missing)} in the file")
    return [case for case in cases if case.id in only]


def _unreadable(message: str) -> typer.Exit:
    """Write why nothing was run and return the exit for it."""
    typer.echo(message, err=True)
    return typer.Exit(EXIT_UNREADABLE)


def _write_text(outcomes: "Sequence[Outcome]", summary: dict[str, object]) -> None:
    """Write a table of the cases and the counts."""
    rows = [(one.id, str(one.result), one.reason) for one in outcomes]
    output.write_table("Loan cases", ["case", "result", "reason"], rows)
    counts = [f"{summary[result]} {result}" for result in ("passed", "failed", "unsupported")]
    typer.echo(", ".join(counts))
