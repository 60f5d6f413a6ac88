"""`counterfoil model`: from a file of outcomes to a model's file, and what such a file says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.models.artefact import Artefact
    from counterfoil.models.data_columns import UnfitDataError
    from counterfoil.models.recipe import Recipe
    from counterfoil.models.training import Trained

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


def recipe_of(path: Path, kind: str | None) -> "Recipe":
    """Return a recipe, of another kind if one is named, or end with place and reason."""
    from dataclasses import replace

    from counterfoil.models.recipe import KINDS, RecipeError, read_recipe

    try:
        recipe = read_recipe(path.read_bytes())
    except OSError as failure:
        raise output.fail(f"{path} cannot be read: {failure.strerror}") from failure
    except RecipeError as fault:
        raise output.fail(f"{path}: {fault}") from fault
    if kind is None:
        return recipe
    if kind not in KINDS:
        raise typer.BadParameter(f"is {kind!r}; there are {', '.join(KINDS)}", param_hint="--kind")
    return replace(recipe, kind=KINDS[kind])


def _need_training() -> None:
    import os
    from importlib.util import find_spec

    # Before numpy is first imported. One thread: sums in one order give the same bits everywhere.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

    absent = [name for name in ("numpy", "lightgbm") if find_spec(name) is None]
    if absent:
        raise output.fail(
            f"Training needs {' and '.join(absent)}, which the service does without. Install it"
            " with `make training` where the program stands, or by `pip install lightgbm` into"
            " the environment that it runs in."
        )


def _unfit(path: Path, unfit: "UnfitDataError") -> typer.Exit:
    return output.fail("\n".join(f"{path}: {line}" for line in str(unfit).splitlines()))


def _write_file(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as failure:
        raise output.fail(f"{path} cannot be written: {failure.strerror}") from failure


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


@model.command()
def example(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if absent.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Write outcomes, a recipe and cases to start from: 30,000 recorded card clients."""
    from counterfoil.simulator.model_example import write_example

    try:
        directory.mkdir(parents=True, exist_ok=True)
        rows = write_example(directory)
    except OSError as failure:
        raise output.fail(f"{directory} cannot be written: {failure.strerror}") from failure
    if as_json:
        output.write_json(rows)
        return
    output.write_table(
        f"{directory}", ("file", "rows"), [(name, f"{count:,}") for name, count in rows.items()]
    )
    typer.echo("With them recipe.toml, what is learned, and policy.toml, which decides by it.")
    typer.echo(
        "Default of Credit Card Clients, I-Cheng Yeh, UCI Machine Learning Repository (2009),"
        " doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged."
    )


@model.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="What to learn, as TOML.")],
    *,
    data: Annotated[Path, typer.Option(help="Outcomes: a CSV or a Parquet file.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="The model's file.", dir_okay=False)],
    kind: Annotated[
        str | None, typer.Option(help="boosted or woe; by default what the recipe says.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the slices.", min=0)] = 1,
    challenger: Annotated[
        bool,
        typer.Option(
            "--challenger/--no-challenger",
            help="Measure what unconstrained boosting would reach; it never decides.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Train a model: integer tables, learned from outcomes by a recipe.

    The same data, recipe and seed give the same file. Ends with 1, naming column and reason, where
    nothing should be learned from the data.
    """
    _need_training()
    from counterfoil.models.artefact import write_artefact

    found = recipe_of(recipe, kind)
    if out.resolve() in {data.resolve(), recipe.resolve()}:
        raise typer.BadParameter("would overwrite what it is made of", param_hint="--out")
    trained = _learn(data, found, seed=seed, challenger=challenger, is_shown=not as_json)
    _write_file(out, write_artefact(trained.artefact))
    if as_json:
        output.write_json(_trained_shape(trained))
    else:
        _write_trained(trained, out)


def _learn(
    data: Path, recipe: "Recipe", *, seed: int, challenger: bool, is_shown: bool
) -> "Trained":
    """Return what was learned of a file, or end with the reason why nothing should be."""
    from counterfoil.cli.model_progress import steps
    from counterfoil.models.data_columns import UnfitDataError
    from counterfoil.models.fitted import NothingLearnedError
    from counterfoil.models.logistic import NotConvergedError
    from counterfoil.models.training import train as learn
    from counterfoil.models.training_data import read_training_data

    try:
        rows = read_training_data(data, recipe)
        with steps(is_shown=is_shown) as tell:
            return learn(rows, recipe, seed=seed, with_challenger=challenger, tell=tell)
    except UnfitDataError as unfit:
        raise _unfit(data, unfit) from unfit
    except (NothingLearnedError, NotConvergedError) as failure:
        raise output.fail(f"{data}: {failure}") from failure


def _trained_shape(trained: "Trained") -> dict[str, object]:
    artefact = trained.artefact
    return {
        "code": artefact.code,
        "version": artefact.version,
        "kind": str(artefact.kind),
        "sha256": artefact.sha256,
        "rows": artefact.training.rows,
        "bad_ppm": artefact.training.bad_ppm,
        "figures": trained.figures,
        "notes": list(trained.notes),
    }


def _write_trained(trained: "Trained", out: Path) -> None:
    artefact, figures = trained.artefact, trained.figures
    rows = [("rows", f"{artefact.training.rows:,}"), ("bad, ppm", f"{artefact.training.bad_ppm:,}")]
    names = {
        "learned_auc_ppm": "AUC where it learned",
        "auc_ppm": "AUC on held-out rows",
        "challenger_auc_ppm": "AUC of unconstrained boosting there",
        "auc_ppm_lost_to_rounding": "AUC lost to whole points",
    }
    rows += [(name, _share(figures[key])) for key, name in names.items() if key in figures]
    rows.append(("features", str(len(artefact.characteristics))))
    output.write_table(f"{artefact.code} {artefact.version} → {out}", ("what", "is"), rows)
    # Not in the table, which a narrow terminal would break: policies name it.
    typer.echo(f"identity {artefact.sha256}")
    for note in trained.notes:
        typer.echo(f"- {note}")


def _share(ppm: object) -> str:
    assert isinstance(ppm, int)
    return f"{ppm / 1_000_000:.4f}"


@model.command()
def score(
    file: ModelFile,
    *,
    data: Annotated[Path, typer.Option(help="Cases: a CSV or a Parquet file.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Scores: a Parquet or a CSV file.", dir_okay=False)],
    keep: Annotated[
        list[str] | None, typer.Option(help="Column to carry along; repeat for several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score every case of a file: score, probability in ppm, grade, reasons.

    Needs the model's file alone. Values of another type count as not known, and are counted.
    """
    from counterfoil.models.bulk_file import score_file
    from counterfoil.models.data_columns import UnfitDataError

    artefact = artefact_of(file)
    if out.resolve() in {data.resolve(), file.resolve()}:
        raise typer.BadParameter("would overwrite what is read", param_hint="--out")
    try:
        summary = score_file(artefact, data, out, keep or [])
    except UnfitDataError as unfit:
        raise _unfit(data, unfit) from unfit
    except OSError as failure:
        raise output.fail(f"{out} cannot be written: {failure.strerror}") from failure
    if as_json:
        output.write_json(summary)
        return
    counts = summary["bands"]
    assert isinstance(counts, dict)
    output.write_table(
        f"{summary['rows']:,} cases, {summary['unscored']:,} without a score",
        ("grade", "cases"),
        [(band, f"{count:,}") for band, count in counts.items()],
    )
    for key, what in (
        ("faults", ""),
        ("absent", "is no column: not known in any case"),
        ("outside", "values beyond what training has seen"),
    ):
        found = summary[key]
        if isinstance(found, dict):
            for name, value in found.items():
                typer.echo(f"- {name}: {f'{value:,} ' if isinstance(value, int) else value}{what}")
        elif isinstance(found, list):
            for name in found:
                typer.echo(f"- {name}: {what}")


@model.command()
def calibrate(
    file: ModelFile,
    *,
    data: Annotated[Path, typer.Option(help="Matured outcomes: CSV or Parquet.", dir_okay=False)],
    recipe: Annotated[
        Path, typer.Option(help="The recipe: where outcomes stand, what is left out.")
    ],
    out: Annotated[Path, typer.Option(help="The recalibrated model's file.", dir_okay=False)],
    version: Annotated[str, typer.Option(help="Name of the new calibration.")],
    month: Annotated[
        str | None, typer.Option(help="Use the outcomes of this month (YYYY-MM) alone.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fit the curve again instead of shifting it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring probabilities to matured outcomes: the tables and ranks stay, the curve is shifted.

    The result is a file of its own with a calibration version of its own.
    """
    _need_training()
    from counterfoil.models.artefact import write_artefact
    from counterfoil.models.data_columns import UnfitDataError
    from counterfoil.models.recalibrating import recalibrate
    from counterfoil.models.training_data import read_training_data

    artefact, found = artefact_of(file), recipe_of(recipe, None)
    if version == artefact.calibration.version:
        raise typer.BadParameter("is the version in force", param_hint="--version")
    try:
        rows = read_training_data(data, found, with_test=True)
        moved = recalibrate(artefact, rows, version=version, month=month, is_fitted_again=again)
    except UnfitDataError as unfit:
        raise _unfit(data, unfit) from unfit
    _write_file(out, write_artefact(moved.artefact))
    figures = {
        "calibration": version,
        "rows": moved.rows,
        "actual_ppm": moved.actual_ppm,
        "predicted_before_ppm": moved.before_ppm,
        "predicted_after_ppm": moved.after_ppm,
        "sha256": moved.artefact.sha256,
    }
    if as_json:
        output.write_json(figures)
    else:
        output.write_table(
            f"{artefact.code} → {out}",
            ("what", "is"),
            list(figures.items()),
        )
