"""`counterfoil model stress`: what a scenario would do to losses and grades."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import PasswordStdin, as_operator
from counterfoil.cli.model import Json, ModelFile, artefact_of, model

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.models.monitoring_store import Stress
    from counterfoil.platform.access_matrix import Actor


def register(app: typer.Typer) -> None:
    """Add the command to those about models."""
    assert app.registered_groups, "the group of models stands before"
    model.command()(stress)


def stress(
    file: ModelFile,
    *,
    data: Annotated[Path, typer.Option(help="Cases with amounts: CSV or Parquet.")],
    scenario: Annotated[Path, typer.Option(help="The scenario (TOML).")],
    amount: Annotated[str, typer.Option(help="Column of amounts, minor units.")],
    limit: Annotated[
        str | None,
        typer.Option(help="Column of limits: tells provisions, limits and liquidity as well."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Keep the result in the registry, as this operator.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is kept.")] = "stress test",
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Tell expected losses and grades before and in a scenario; keep them where asked."""
    document = _document(file, data, scenario, (amount, limit))
    if by is not None:
        _keep(document, by, reason, password_stdin=password_stdin)
    if as_json:
        output.write_json(document)
        return
    before, after = document["before"], document["after"]
    names = {
        "pd_mean_ppm": "mean probability, ppm",
        "loss_ppm": "loss given default, ppm",
        "expected_loss_minor": "expected loss, minor",
        "amount_minor": "amount, minor",
    }
    rows = [(said, f"{before[name]:,}", f"{after[name]:,}") for name, said in names.items()]
    output.write_table(document["scenario"]["title"], ("figure", "before", "after"), rows)
    moves = [
        (move["from"], move["to"], f"{move['cases']:,}", f"{move['amount_minor']:,}")
        for move in document["moves"]
        if move["from"] != move["to"]
    ]
    output.write_table("Moves", ("grade", "becomes", "cases", "amount, minor"), moves)
    for name, figures in (document["effects"] or {}).items():
        said = [
            (key, value if isinstance(value, str) else f"{value:,}")
            for key, value in (figures or {}).items()
        ]
        output.write_table(name.capitalize(), ("figure", "is"), said)


def _document(
    file: Path, data: Path, scenario: Path, columns: tuple[str, str | None]
) -> dict[str, Any]:
    import hashlib

    from counterfoil.models.data_columns import UnfitDataError, read_frame
    from counterfoil.models.stress import ScenarioError, read_scenario
    from counterfoil.models.stress import stress as run

    try:
        found = read_scenario(scenario.read_bytes())
        digest = hashlib.sha256(data.read_bytes()).hexdigest()
        frame = read_frame(data)
        amount, limit = columns
        return run(artefact_of(file), frame, found, amount=amount, limit=limit, data_sha256=digest)
    except OSError as failure:
        raise output.fail(f"{failure.filename} cannot be read: {failure.strerror}") from failure
    except (ScenarioError, UnfitDataError) as fault:
        raise output.fail(str(fault)) from fault


def _keep(document: dict[str, Any], by: str, reason: str, *, password_stdin: bool) -> None:
    from counterfoil.journeys.deciding.monitor_models import keep_stress

    async def work(house: "House", actor: "Actor") -> "Stress | Refused":
        return await keep_stress(house, actor, document, reason=reason)

    as_operator(by, work, password_stdin=password_stdin)
