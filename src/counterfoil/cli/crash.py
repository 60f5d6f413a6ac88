"""`counterfoil crash`: kills the product at work, as often as wanted, and looks what is left."""

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import output

Cycles = Annotated[int, typer.Option(min=1, help="How often to kill.")]
Seed = Annotated[int, typer.Option(help="Seed of work, faults and moments.")]
At = Annotated[
    Path | None, typer.Option("--at", help="Directory for the server's files.", exists=True)
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("crash")(crash)


def crash(*, cycles: Cycles = 20, seed: Seed = 1, at: At = None, as_json: Json = False) -> None:
    """Kill processes at work with SIGKILL and hold the books against what was acknowledged.

    Runs on a server of its own, with durability on. Ends with exit code 1 and the finding where
    an acknowledged command is lost, anything is done twice, or the books are wrong.
    """
    import asyncio

    from counterfoil.simulator.crash.cycles import Finding, Run, raised

    def tell(text: str) -> None:
        typer.secho(text, err=True, fg=typer.colors.BRIGHT_BLACK)

    with output.failures_as_messages(), raised(at) as home:
        try:
            report = asyncio.run(Run(home, seed=seed, cycles=cycles, tell=tell).run())
        except Finding as finding:
            raise output.fail(f"seed {seed}: {finding}") from finding
    document = report.document()
    if as_json:
        output.write_json(document)
    else:
        output.write_table("Kill cycles", ("figure", "value"), list(document.items()))
