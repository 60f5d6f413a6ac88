"""From a file to the cases of a validation: types, scales, outcomes, and which rows are judged.

Recipe      Where the model's recipe is given, it says which column is the outcome and what is bad
            in it, which rows are left out, which columns are protected, and by what fractions are
            multiplied. Otherwise columns are named as the features, and outcomes are 0 and 1.
Out of time With a first period, cases from it on are judged, and those before are the reference.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Type
from counterfoil.models.data_columns import MISSING_WORDS, UnfitDataError, as_words, read_frame
from counterfoil.models.recipe import Recipe
from counterfoil.models.validation_data import Cases, Layout, ValidationDataError, read_cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which columns and rows of a file are looked at; what is None the recipe says, or nobody."""

    recipe: Recipe | None = None
    target: str | None = None
    period: str | None = None
    #: First period that is judged.
    first: str | None = None
    segment: str | None = None
    groups: Sequence[str] = ()
    amount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a file gives to a validation."""

    cases: Cases
    #: The rows before the first period that is judged; None where all are.
    before: Cases | None
    #: The judged rows with their columns, for other models to be scored on.
    frame: pl.DataFrame
    layout: Layout
    data_sha256: str


def read_material(path: Path, artefact: Artefact, wish: Wish) -> Material:
    """Return the cases of a CSV or Parquet file; raises `ValidationDataError` where it has none."""
    try:
        frame = read_frame(path)
    except UnfitDataError as fault:
        raise ValidationDataError(str(fault)) from fault
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    layout = _layout(artefact, wish)
    if layout.target not in frame.columns:
        shown = ", ".join(frame.columns[:20])
        raise ValidationDataError(f"there is no outcome column {layout.target}; there are {shown}")
    frame = _with_outcomes(_without_exclusions(frame, wish.recipe), layout, wish.recipe)
    frame = _scaled(frame, artefact, wish.recipe)
    first = wish.first or (wish.recipe.slices.test_from if wish.recipe else None)
    before = None
    if first is not None and layout.period is not None and layout.period in frame.columns:
        is_judged = (frame.get_column(layout.period).cast(pl.String) >= first).fill_null(
            value=False
        )
        earlier, frame = frame.filter(~is_judged), frame.filter(is_judged)
        if frame.is_empty():
            raise ValidationDataError(f"column {layout.period} has no row from {first} on")
        before = None if earlier.is_empty() else read_cases(artefact, earlier, layout)
    cases = read_cases(artefact, frame, layout)
    _demand_both(cases, layout.target)
    return Material(
        cases=cases,
        before=before,
        frame=frame,
        layout=layout,
        data_sha256=digest,
    )


def _demand_both(cases: Cases, target: str) -> None:
    """Refuse cases that all turned out alike: nothing about a model can be read from them."""
    said = cases.judged.get_column("bad").unique().to_list()
    if len(said) == 1:
        word = "bad" if said[0] else "good"
        found = f"says {word} in all {cases.judged.height:,} scored rows; both are needed"
        raise ValidationDataError(f"column {target} {found}")


def cases_of_other(material: Material, other: Artefact) -> Cases:
    """Return the same rows as another model sees them."""
    return read_cases(other, _readable(material.frame, other), material.layout)


def read_reference(path: Path, artefact: Artefact, wish: Wish) -> Cases:
    """Return the cases of a reference file; outcomes are not needed there."""
    try:
        frame = read_frame(path)
    except UnfitDataError as fault:
        raise ValidationDataError(f"{path}: {fault}") from fault
    layout = _layout(artefact, wish)
    if layout.target not in frame.columns:
        frame = frame.with_columns(pl.lit(0).alias(layout.target))
    frame = _with_outcomes(_without_exclusions(frame, wish.recipe), layout, wish.recipe)
    bare = replace(layout, period=None, segment=None, groups=(), amount=None)
    return read_cases(artefact, _scaled(frame, artefact, wish.recipe), bare)


def _layout(artefact: Artefact, wish: Wish) -> Layout:
    data = wish.recipe.data if wish.recipe else None
    target = wish.target or (data.target_column if data else artefact.target.name)
    return Layout(
        target=target,
        period=wish.period or (data.period if data else None),
        segment=wish.segment,
        groups=tuple(wish.groups) or (data.protected if data else ()),
        amount=wish.amount,
    )


def _without_exclusions(frame: pl.DataFrame, recipe: Recipe | None) -> pl.DataFrame:
    for item in recipe.data.exclusions if recipe else ():
        if item.column in frame.columns:
            hit = as_words(frame[item.column]).is_in(list(item.equals)).fill_null(value=False)
            frame = frame.filter(~hit)
    return frame


def _with_outcomes(frame: pl.DataFrame, layout: Layout, recipe: Recipe | None) -> pl.DataFrame:
    """Return the file with outcomes as 0 and 1; others than the recipe's two words stay."""
    if recipe is None:
        return _empty_as_missing(frame, layout.target)
    words = as_words(frame.get_column(layout.target))
    named = {recipe.data.good: "0", recipe.data.bad: "1"}
    return frame.with_columns(words.replace(named).alias(layout.target))


def _scaled(frame: pl.DataFrame, artefact: Artefact, recipe: Recipe | None) -> pl.DataFrame:
    """Return features as the tables read them: fractions multiplied as in training."""
    frame = _readable(frame, artefact)
    scales = {feature.name: feature.scale for feature in recipe.features} if recipe else {}
    for name, scale in (_scales(artefact) | scales).items():
        if scale == 1 or name not in frame.columns:
            continue
        given = frame.get_column(name)
        number = given.cast(pl.Float64, strict=False)
        # What is no number becomes infinite, which the tables count as of another type.
        odd = given.is_not_null() & number.is_null()
        scaled = (number * scale).round()
        column = pl.select(pl.when(odd).then(float("inf")).otherwise(scaled)).to_series()
        frame = frame.with_columns(column.alias(name))
    return frame


def _scales(artefact: Artefact) -> dict[str, int]:
    """Return what the card says that fractions were multiplied by in training."""
    features = artefact.card.get("features")
    found: dict[str, int] = {}
    for name, said in (features if isinstance(features, dict) else {}).items():
        scale = said.get("scale") if isinstance(said, dict) else None
        found[name] = scale if isinstance(scale, int) else 1
    return found


def _readable(frame: pl.DataFrame, artefact: Artefact) -> pl.DataFrame:
    for item in artefact.characteristics:
        if item.feature in frame.columns:
            frame = _empty_as_missing(frame, item.feature, is_text=item.type is Type.TEXT)
    return frame


def _empty_as_missing(frame: pl.DataFrame, name: str, *, is_text: bool = False) -> pl.DataFrame:
    column = frame.get_column(name)
    if column.dtype in {pl.Categorical, pl.Enum}:
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        return frame.with_columns(column)
    words = column.str.strip_chars()
    missing = [""] if is_text else list(MISSING_WORDS)
    return frame.with_columns(words.set(words.is_in(missing), None).alias(name))
