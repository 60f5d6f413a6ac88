"""`counterfoil model`: from a file of outcomes to a model's file, and what such a file says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.models.artefact import Artefact

model = typer.Typer(help="Models: train, score, calibrate, validate and publish them.")

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A model's file.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(model, name="model")


def artefact_of(path: Path) -> "Artefact":
    """Return the model of a file, or end with place and reason."""
    from counterfoil.models.artefact import ModelFileError, read_artefact

    try:
        return read_artefact(path.read_bytes())
    except OSError as failure:
        raise output.fail(f"{path} cannot be read: {failure.strerror}") from failure
    except ModelFileError as fault:
        raise output.fail(f"{path}: {fault}") from fault


@model.command()
def show(file: ModelFile, *, as_json: Json = False) -> None:
    """Show a model: what it foresees, what it was made of, and its tables."""
    import json

    from counterfoil.models.artefact import document_of

    artefact = artefact_of(file)
    if as_json:
        print(json.dumps(document_of(artefact), ensure_ascii=False, indent=2))
        return
    target = artefact.target
    output.write_table(
        f"{artefact.code} {artefact.version}",
        ("what", "is"),
        [
            ("identity", artefact.sha256),
            ("kind", artefact.kind),
            ("foresees", f"{target.event} ({target.name}, {target.horizon_months} months)"),
            ("made of", f"{artefact.training.rows:,} rows, {artefact.training.bad_ppm:,} ppm bad"),
            ("seed", artefact.training.seed),
            ("calibration", f"{artefact.calibration.version}, {artefact.calibration.method}"),
        ],
    )
    output.write_table(
        f"Base {artefact.base:,}, in {artefact.unit}",
        ("feature", "direction", "from", "adds", "unknown", "reason"),
        [
            (
                item.feature,
                item.monotone,
                ["below", *item.edges] if item.edges else ["others", *item.categories],
                [f"{value:,}" for value in item.attainable()],
                item.unknown,
                item.reason,
            )
            for item in artefact.characteristics
        ],
    )
