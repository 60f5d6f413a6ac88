"""Data that a model must not learn from is refused, with column and reason."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.unit.models.recipes import outcomes, recipe_of, written

from counterfoil.models.data_columns import UnfitDataError
from counterfoil.models.recipe import Recipe
from counterfoil.models.training import train
from counterfoil.models.training_data import read_training_data

WOE = 'kind = "woe"'
PLAIN = 'name = "late"\nname = "use"'


def refused(frame: pl.DataFrame, recipe: Recipe, directory: Path, name: str = "data.csv") -> str:
    with pytest.raises(UnfitDataError) as failure:
        train(read_training_data(written(frame, directory, name), recipe), recipe, seed=1)
    return str(failure.value)


def with_late(values: list[object]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        filled = [*values, *[1] * (frame.height - len(values))]
        return frame.with_columns(late=pl.Series([None if v is None else str(v) for v in filled]))

    return change


def leaking(frame: pl.DataFrame, share: float) -> pl.Series:
    count = int(frame.height * share)
    bad = frame["bad"]
    return pl.concat([bad[:count] * 1_000, 1_000 - bad[count:] * 1_000]) + frame["number"] % 7


HOSTILE: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a constant": (
        lambda f: f.with_columns(late=pl.lit(3)),
        "late: is 3 in all rows, and tells nothing",
    ),
    "a constant text": (
        lambda f: f.with_columns(town=pl.lit("north")),
        "town: is 'north' in all rows, and tells nothing",
    ),
    "all missing": (
        lambda f: f.with_columns(late=pl.lit(None, pl.String)),
        "late: has no value in any row",
    ),
    "an identifier": (
        lambda f: f.with_columns(late=pl.col("number") * 17),
        "late: has another value in every row, as an identifier has",
    ),
    "an identifying text": (
        lambda f: f.with_columns(town=pl.format("T{}", "number")),
        "town: has another value in every row",
    ),
    "mixed types": (
        with_late([1, "two", 3, "four"]),
        "late: 2 values are not numbers; the first is 'two' in row 2",
    ),
    "infinities": (with_late([1, "inf"]), "late: 1 values are infinite; the first is 'inf'"),
    "fractions": (with_late([1, 0.5]), "late: 1 values have fractions (declare a scale)"),
    "beyond exact integers": (with_late([10**17]), "late: 1 values are beyond 2^53"),
    "beyond them by one": (with_late([2**53, 2**53 - 1]), "late: 1 values are beyond 2^53"),
    "integers beyond them": (
        lambda f: f.with_columns(late=pl.col("number").cast(pl.Int64) + 2**53 - 2),
        "values are beyond 2^53; the first is '9007199254740992'",
    ),
    "a wrong outcome": (
        lambda f: f.with_columns(bad=pl.when(pl.col("number") < 3).then(2).otherwise("bad")),
        "bad: is '1' where bad and '0' where good; found '2' (3)",
    ),
    "a missing outcome": (
        lambda f: f.with_columns(bad=pl.when(pl.col("number") > 2).then(pl.col("bad"))),
        "bad: 3 rows have no outcome",
    ),
    "good alone": (lambda f: f.filter(pl.col("bad") == 0), "bad: says good in all"),
    "bad alone": (lambda f: f.filter(pl.col("bad") == 1), "bad: says bad in all"),
    "three rows": (lambda f: f.sort("bad").tail(3).with_columns(bad=pl.Series([0, 1, 1])), "rows"),
    "few rows": (lambda f: f.head(150), "the file: has 150 rows to learn from; 200 are the least"),
    "few bad": (
        lambda f: pl.concat([f.filter(pl.col("bad") == 0), f.filter(pl.col("bad") == 1)[:30]]),
        "50 are the least",
    ),
    "no column": (lambda f: f.drop("late"), "late: is not a column of the file (a feature)"),
    "the outcome itself": (
        lambda f: f.with_columns(late=pl.col("bad")),
        "late: alone tells good from bad with an area of 1.000: it is the outcome",
    ),
    "a leak": (
        lambda f: f.with_columns(late=leaking(f, 0.94)),
        "known before the decision? say why: `no_leak`",
    ),
    "far above its peers": (
        lambda f: f.with_columns(late=leaking(f, 0.85)),
        "say why it is no leak: `no_leak`",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_data_is_refused_with_column_and_reason(what: str, tmp_path: Path) -> None:
    change, message = HOSTILE[what]
    recipe = recipe_of(PLAIN + '\nname = "town"; type = "text"', top=WOE)
    assert message in refused(change(outcomes()), recipe, tmp_path)


def test_a_leak_in_what_is_missing_is_seen(tmp_path: Path) -> None:
    frame = outcomes().with_columns(late=pl.when(pl.col("bad") == 0).then(pl.col("late")))
    message = refused(frame, recipe_of(PLAIN, top=WOE), tmp_path)
    assert "late: alone tells good from bad" in message


def test_a_strong_feature_may_stay_where_somebody_says_why(tmp_path: Path) -> None:
    frame = outcomes().with_columns(late=leaking(outcomes(), 0.94))
    recipe = recipe_of('name = "late"; no_leak = "known a month before"\nname = "use"', top=WOE)
    data = read_training_data(written(frame, tmp_path), recipe)
    assert train(data, recipe, seed=1, with_challenger=False).artefact.characteristics


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    frame = outcomes().with_columns(late=pl.lit("x"), use=pl.lit("y"), bad=pl.lit(7))
    lines = refused(frame, recipe_of(PLAIN, top=WOE), tmp_path).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["bad", "late", "use"]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "data.csv", "the file: is empty"),
        (b"late,use,bad\n", "data.csv", "the file: has a header and no rows"),
        (b"PAR1", "data.parquet", "the file: cannot be read"),
        (b"late,late,use,bad\n1,2,3,0\n", "data.csv", "late: stands in the header twice"),
        (b"late,use,bad\n1,2,3,4,5\n", "data.csv", "the file: line 2 has 5 of 3 cells"),
    ],
)
def test_what_is_no_table_is_refused(
    content: bytes, name: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnfitDataError) as failure:
        read_training_data(path, recipe_of(PLAIN))
    assert message in str(failure.value)


def test_a_parquet_column_of_another_type_is_refused(tmp_path: Path) -> None:
    frame = outcomes().with_columns(late=pl.lit(value=True))
    message = refused(frame, recipe_of(PLAIN), tmp_path, "data.parquet")
    assert "late: is of type Boolean, not a number" in message


def test_what_may_not_be_missing_is_refused_where_it_is(tmp_path: Path) -> None:
    frame = with_late([None, "NaN", "NA"])(outcomes())
    recipe = recipe_of('name = "late"; unknown = "refuse"\nname = "use"')
    assert "late: is not known in 3 rows, and may not be missing" in refused(
        frame, recipe, tmp_path
    )


def test_missing_words_are_missing_and_never_zero(tmp_path: Path) -> None:
    frame = with_late([None, "NaN", "NA", " 2 ", "2.0"])(outcomes())
    data = read_training_data(written(frame, tmp_path), recipe_of(PLAIN))
    assert data.features["late"].head(5).to_list() == [None, None, None, 2, 2]


def test_fractions_become_integers_of_the_declared_scale(tmp_path: Path) -> None:
    frame = outcomes().head(500).with_columns(share=pl.Series([0.125, -0.5, None] + [0.25] * 497))
    recipe = recipe_of('name = "share"; scale = 1_000_000')
    data = read_training_data(written(frame, tmp_path), recipe)
    assert data.features["share"].head(3).to_list() == [125_000, -500_000, None]


def test_exclusions_leave_rows_out_and_count_them(tmp_path: Path) -> None:
    rest = '[[data.exclude]]\ncolumn = "town"\nequals = ["hamlet"]\nreason = "too small"'
    frame = outcomes()
    data = read_training_data(written(frame, tmp_path), recipe_of(PLAIN, rest=rest))
    hamlets = frame.filter(pl.col("town") == "hamlet").height
    assert data.excluded == {"too small": hamlets}
    assert data.rows == frame.height - hamlets


def test_weights_that_weigh_nothing_are_refused(tmp_path: Path) -> None:
    frame = outcomes().with_columns(weight=pl.when(pl.col("number") > 1).then(1).otherwise(0))
    recipe = recipe_of(PLAIN, rest='[data]\nweight = "weight"')
    assert "weight: 2 rows have a weight that is not above zero" in refused(frame, recipe, tmp_path)


def test_periods_are_months(tmp_path: Path) -> None:
    frame = outcomes().with_columns(month=pl.when(pl.col("number") > 0).then(pl.lit("202603")))
    recipe = recipe_of(PLAIN, rest='[data]\nperiod = "month"')
    assert "month: 1 rows have no month (YYYY-MM)" in refused(frame, recipe, tmp_path)
    data = read_training_data(written(frame.tail(-1), tmp_path), recipe)
    assert data.period is not None
    assert data.period.unique().to_list() == ["2026-03"]


def test_test_periods_are_kept_out_of_training(tmp_path: Path) -> None:
    rest = '[data]\nperiod = "month"\n[slices]\ntest_from = "2026-05"'
    path, recipe = written(outcomes(), tmp_path), recipe_of(PLAIN, rest=rest)
    data = read_training_data(path, recipe)
    assert data.period is not None
    assert data.period.max() == "2026-04"
    assert data.rows + data.kept_for_test == read_training_data(path, recipe, with_test=True).rows
