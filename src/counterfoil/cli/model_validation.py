"""`counterfoil model validate|compare`: how good a model is on data, as a page and as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from counterfoil.cli import output
from counterfoil.cli.model import Json, ModelFile, artefact_of, model

if TYPE_CHECKING:
    from counterfoil.models.artefact import Artefact
    from counterfoil.models.question import Question, Resample
    from counterfoil.models.recipe import Recipe
    from counterfoil.models.thresholds import Thresholds
    from counterfoil.models.validation_file import Material, Wish

#: Resamples behind an interval.
RESAMPLES = 200
_PPM = 1_000_000
_PERCENT_PPM = 10_000

Data = Annotated[Path, typer.Option("--data", help="Cases with outcomes: CSV or Parquet.")]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="The model's recipe: outcome, exclusions, scales.")
]
Target = Annotated[str | None, typer.Option(help="Column of the outcome: 1 bad, 0 good.")]
Period = Annotated[str | None, typer.Option(help="Column of the month, such as 2026-01.")]
First = Annotated[
    str | None,
    typer.Option("--from", help="First period that is judged; earlier ones are the reference."),
]
Segment = Annotated[str | None, typer.Option(help="Column by which figures are told apart.")]
Group = Annotated[
    list[str] | None,
    typer.Option(help="Column of groups to be treated alike, such as sex; may be repeated."),
]
Amount = Annotated[str | None, typer.Option(help="Column of amounts, minor units.")]
Champion = Annotated[Path | None, typer.Option(help="The present model, for the swap set.")]
ReferenceFile = Annotated[
    Path | None, typer.Option("--reference", help="What the model was made for: training data.")
]
Approval = Annotated[
    int, typer.Option(min=1, max=99, help="Share accepted where models or groups are compared, %.")
]
ThresholdFile = Annotated[
    Path | None, typer.Option("--thresholds", help="Thresholds of your own instead of these.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the resampling.")]
Language = Annotated[Literal["en", "zh-CN"], typer.Option(help="Language of the page.")]


def register(app: typer.Typer) -> None:
    """Add the commands to those about models."""
    assert app.registered_groups, "the group of models stands before"
    model.command()(validate)
    model.command()(compare)


def validate(
    file: ModelFile,
    *,
    data: Data,
    recipe: RecipeFile = None,
    target: Target = None,
    period: Period = None,
    first: First = None,
    segment: Segment = None,
    group: Group = None,
    amount: Amount = None,
    champion: Champion = None,
    reference: ReferenceFile = None,
    approval_percent: Approval = 70,
    thresholds: ThresholdFile = None,
    seed: Seed = 7,
    out: Annotated[Path | None, typer.Option(help="Write the page here (HTML).")] = None,
    language: Language = "en",
    document_out: Annotated[
        Path | None, typer.Option("--json-out", help="Write the document here (JSON).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Validate a model on data: rank order, calibration, stability, fairness, swap set.

    Ends with 1 where a figure is red: then the model may not be approved as it is.
    """
    from counterfoil.models.validation import validate as judge
    from counterfoil.models.validation_data import ValidationDataError

    artefact = artefact_of(file)
    wish = _wish(recipe, target, period, first, segment, group, amount)
    try:
        material = _material(data, artefact, wish)
        question = _question(material, artefact, wish, champion, reference)
        document = judge(material.cases, _with(question, approval_percent, thresholds, seed))
    except ValidationDataError as fault:
        raise output.fail(f"{data}: {fault}") from fault
    _write_files(artefact, document, out=out, language=language, document_out=document_out)
    if as_json:
        output.write_json(document)
    else:
        _show(document, out)
    if not document["may_be_approved"]:
        raise typer.Exit(output.EXIT_FAILED)


def compare(
    file: ModelFile,
    other: Annotated[Path, typer.Argument(metavar="CHAMPION", help="The model beside it.")],
    *,
    data: Data,
    recipe: RecipeFile = None,
    target: Target = None,
    amount: Amount = None,
    approval_percent: Approval = 70,
    as_json: Json = False,
) -> None:
    """Compare two models on the same cases: rank order, swap set, and what it earns."""
    from counterfoil.models.swap import swap_block
    from counterfoil.models.validation_data import ValidationDataError

    artefact = artefact_of(file)
    wish = _wish(recipe, target, None, None, None, None, amount)
    try:
        material = _material(data, artefact, wish)
        question = _question(material, artefact, wish, other, None)
        question = _with(question, approval_percent, None, 0)
        assert question.champion is not None, "it was just scored"
        block = swap_block(material.cases, question.champion, question)
    except ValidationDataError as fault:
        raise output.fail(f"{data}: {fault}") from fault
    if as_json:
        output.write_json(block)
        return
    _show_swap(f"{artefact.code} {artefact.version}", block)


def _wish(
    recipe: Path | None,
    target: str | None,
    period: str | None,
    first: str | None,
    segment: str | None,
    group: list[str] | None,
    amount: str | None,
) -> "Wish":
    from counterfoil.models.validation_file import Wish

    return Wish(
        recipe=None if recipe is None else _recipe(recipe),
        target=target,
        period=period,
        first=first,
        segment=segment,
        groups=tuple(group or ()),
        amount=amount,
    )


def _recipe(path: Path) -> "Recipe":
    from counterfoil.models.recipe import RecipeError, read_recipe

    try:
        return read_recipe(path.read_bytes())
    except OSError as failure:
        raise output.fail(f"{path} cannot be read: {failure.strerror}") from failure
    except RecipeError as fault:
        raise output.fail(f"{path}: {fault}") from fault


def _material(data: Path, artefact: "Artefact", wish: "Wish") -> "Material":
    from counterfoil.models.validation_file import read_material

    try:
        return read_material(data, artefact, wish)
    except OSError as failure:
        raise output.fail(f"{data} cannot be read: {failure.strerror}") from failure


def _question(
    material: "Material",
    artefact: "Artefact",
    wish: "Wish",
    champion: Path | None,
    reference: Path | None,
) -> "Question":
    from counterfoil.models.question import Question
    from counterfoil.models.thresholds import load_thresholds
    from counterfoil.models.validation_file import cases_of_other, read_reference

    before = material.before
    return Question(
        data_sha256=material.data_sha256,
        thresholds=load_thresholds(),
        champion=None if champion is None else cases_of_other(material, artefact_of(champion)),
        reference=before if reference is None else read_reference(reference, artefact, wish),
    )


def _with(
    question: "Question", approval_percent: int, thresholds: Path | None, seed: int
) -> "Question":
    from dataclasses import replace

    limits = question.thresholds if thresholds is None else _thresholds(thresholds)
    return replace(
        question,
        approval_ppm=approval_percent * _PERCENT_PPM,
        thresholds=limits,
        resample=_resample(seed),
    )


def _thresholds(path: Path) -> "Thresholds":
    import tomllib

    from counterfoil.models.thresholds import load_thresholds, parse_thresholds

    try:
        own = parse_thresholds(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as failure:
        raise output.fail(f"{path}: {failure}") from failure
    standard = load_thresholds()
    if unknown := sorted(set(own) - set(standard)):
        raise output.fail(f"{path}: there are no thresholds called {', '.join(unknown)}")
    return {name: {**table, **own.get(name, {})} for name, table in standard.items()}


def _resample(seed: int) -> "Resample | None":
    """Return what makes intervals; None, with a word on it, without the training extra."""
    try:
        from counterfoil.models.bootstrap import intervals
    except ImportError:
        typer.echo("Without numpy there are no intervals: install the training extra.", err=True)
        return None
    return lambda cells: intervals(cells, seed=seed, times=RESAMPLES)


def _write_files(
    artefact: "Artefact",
    document: dict[str, Any],
    *,
    out: Path | None,
    language: str,
    document_out: Path | None,
) -> None:
    from counterfoil.models.report_html import render

    try:
        if out is not None:
            out.write_text(render(artefact, document, language=language), encoding="utf-8")
        if document_out is not None:
            import rfc8785

            document_out.write_bytes(rfc8785.dumps(document))
    except OSError as failure:
        raise output.fail(f"{failure.filename} cannot be written: {failure.strerror}") from failure


def _show(document: dict[str, Any], out: Path | None) -> None:
    rank, fit = document["rank_order"], document["calibration"]
    whole = fit["whole"] or {}
    figures = [
        ("cases, bad", f"{rank['cases']:,}, {rank['bad']:,}"),
        ("AUC", _decimal(rank["auc_ppm"])),
        ("KS", _decimal(rank["ks_ppm"])),
        ("Gini", _decimal(rank["gini_ppm"])),
        ("Brier", _decimal(fit["brier_ppm"])),
        ("predicted / actual", _decimal(whole.get("ratio_ppm"))),
        ("PSI of the score", _decimal(document["stability"]["score_psi_ppm"])),
    ]
    named = document["model"]
    output.write_table(f"{named['code']} {named['version']}", ("figure", "is"), figures)
    alarms = [
        (item["level"], item["code"], item["subject"], _decimal(item["figure_ppm"]))
        for item in document["alarms"]
    ]
    if alarms:
        output.write_table("Alarms", ("level", "what", "where", "figure"), alarms)
    if document["action"]["swap"] is not None:
        _show_swap(f"{named['code']} {named['version']}", document["action"]["swap"])
    may = "may" if document["may_be_approved"] else "may not"
    typer.echo(f"{document['verdict']}: the model {may} be approved.")
    if out is not None:
        typer.echo(f"The page is in {out}.")


def _show_swap(name: str, block: dict[str, Any]) -> None:
    champion = block["champion"]
    names = {
        "both": "both accept",
        "only_new": f"only {name}",
        "only_old": f"only {champion['code']} {champion['version']} (champion)",
        "none": "neither",
    }
    rows = [
        (said, f"{cell['cases']:,}", f"{cell['bad']:,}", _percent(cell["bad_ppm"]))
        for key, said in names.items()
        for cell in [block["sets"][key]]
    ]
    title = f"AUC {_decimal(block['auc_ppm'])} against {_decimal(champion['auc_ppm'])}"
    output.write_table(title, ("accepted by", "cases", "bad", "bad rate"), rows)
    profit = block["profit"]
    if profit["has_amounts"]:
        typer.echo(
            f"Earns {profit['new_minor']:,} against {profit['old_minor']:,} minor units, at"
            f" {_percent(profit['margin_ppm'])} of good amounts less"
            f" {_percent(profit['loss_ppm'])} of bad ones."
        )


def _decimal(ppm: int | None) -> str:
    return "—" if ppm is None else f"{ppm / _PPM:.4f}"


def _percent(ppm: int | None) -> str:
    return "—" if ppm is None else f"{ppm / _PERCENT_PPM:.1f}%"
