"""Training: tables that are the booster, points that add up, directions, same bytes again."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from tests.unit.models.recipes import outcomes, recipe_of, written

from counterfoil.models import boosted, unrolling
from counterfoil.models.artefact import Artefact, read_artefact, write_artefact
from counterfoil.models.artefact_parts import Kind, Method, Monotone
from counterfoil.models.bulk_reasons import reasons_frame
from counterfoil.models.bulk_score import score_frame
from counterfoil.models.column import columns_of
from counterfoil.models.fitted import NothingLearnedError
from counterfoil.models.recipe import Recipe
from counterfoil.models.training import Trained, train
from counterfoil.models.training_data import TrainingData, read_training_data
from counterfoil.models.unrolling import UnequalTablesError

FEATURES = """
name = "late"; monotone = "up"
name = "use"; monotone = "u_shape"; unique = true
name = "town"; type = "text"
name = "student"; type = "boolean"
name = "code"; monotone = "up"; special = [-9]
"""
FAST = "[boosted]\nrounds_max = 60\npatience = 20\nlearning_rate_ppm = 200_000"


def recipe(kind: str, *, rest: str = FAST, top: str = "") -> Recipe:
    return recipe_of(FEATURES, top=f'kind = "{kind}"\n{top}', rest=rest)


def gappy() -> pl.DataFrame:
    """Return outcomes of which some features are not known."""
    gap = pl.col("number") % 11 == 0
    return outcomes(3_000).with_columns(
        pl.when(~gap).then(pl.col(name)).alias(name) for name in ("late", "town", "student")
    )


def data_of(frame: pl.DataFrame, how: Recipe, directory: Path) -> TrainingData:
    return read_training_data(written(frame, directory), how)


def trained(frame: pl.DataFrame, how: Recipe, directory: Path, seed: int = 1) -> Trained:
    return train(data_of(frame, how, directory), how, seed=seed, with_challenger=False)


def table(model: Artefact, feature: str) -> dict[str, object]:
    [item] = [item for item in model.characteristics if item.feature == feature]
    return dataclasses.asdict(item)


@pytest.mark.parametrize("kind", ["boosted", "woe"])
def test_the_same_data_recipe_and_seed_give_the_same_bytes(kind: str, tmp_path: Path) -> None:
    frame, how = gappy(), recipe(kind)
    first, again, other = (trained(frame, how, tmp_path, seed).artefact for seed in (1, 1, 2))
    assert write_artefact(first) == write_artefact(again)
    assert first.sha256 != other.sha256


@pytest.mark.parametrize("kind", ["boosted", "woe"])
def test_tables_keep_the_declared_directions(kind: str, tmp_path: Path) -> None:
    model = trained(gappy(), recipe(kind), tmp_path).artefact
    assert model.broken_directions() == ()
    assert table(model, "late")["monotone"] is Monotone.UP
    assert table(model, "use")["monotone"] is Monotone.U_SHAPE


def test_a_booster_and_its_tables_say_the_same_on_every_row(tmp_path: Path) -> None:
    found = trained(gappy(), recipe("boosted"), tmp_path)
    error = found.figures["table_error_e18"]
    assert isinstance(error, int)
    assert 0 < error <= 10**6


def test_a_table_that_is_not_the_booster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off_by_one(booster: lightgbm.Booster, count: int) -> list[np.ndarray]:
        return [edges + 1 for edges in honest(booster, count)]

    honest = unrolling._edges
    monkeypatch.setattr(unrolling, "_edges", off_by_one)
    with pytest.raises(UnequalTablesError, match="tables differ from the booster"):
        trained(gappy(), recipe("boosted"), tmp_path)


def test_values_around_zero_keep_their_own_cells(tmp_path: Path) -> None:
    """The booster prints its threshold at zero as -1.00000002e-35 and reads that as zero."""
    frame = outcomes(3_000).with_columns(
        late=pl.col("number") % 3 - 1,
        bad=((pl.col("number") % 3 == 0) & (pl.col("number") % 2 == 0)).cast(pl.Int64),
    )
    how = recipe_of('name = "late"; no_leak = "made so"', rest=FAST)
    model = trained(frame, how, tmp_path).artefact
    assert table(model, "late")["edges"] == (0,)


def test_that_a_value_is_missing_is_no_edge_of_the_others(tmp_path: Path) -> None:
    """The booster parts missing values from all others at a threshold of 1.8e308."""
    gap = pl.col("number") % 3 == 0
    frame = outcomes(3_000).with_columns(
        late=pl.when(~gap).then(pl.col("number") % 5),
        bad=(gap & (pl.col("number") % 2 == 0)).cast(pl.Int64),
    )
    how = recipe_of('name = "late"; no_leak = "made so"', rest=FAST)
    [item] = trained(frame, how, tmp_path).artefact.characteristics
    assert item.unknown is not None
    assert item.unknown > max(item.values)


def test_a_feature_that_was_never_missing_leaves_the_score_unknown(tmp_path: Path) -> None:
    found = trained(outcomes(), recipe("boosted"), tmp_path)
    assert table(found.artefact, "late")["unknown"] is None
    assert any("in every row known" in note for note in found.notes)


def test_missing_values_have_an_amount_of_their_own_where_there_were_some(tmp_path: Path) -> None:
    model = trained(gappy(), recipe("woe"), tmp_path).artefact
    assert table(model, "late")["unknown"] is not None


@pytest.mark.parametrize(("unknown", "amount"), [("neutral", 0), ("refuse", None)])
def test_the_declared_treatment_of_missing_values_holds(
    unknown: str, amount: int | None, tmp_path: Path
) -> None:
    how = recipe_of(f'name = "late"; unknown = "{unknown}"', top='kind = "woe"')
    assert table(trained(outcomes(), how, tmp_path).artefact, "late")["unknown"] == amount


@pytest.mark.parametrize("kind", ["boosted", "woe"])
def test_a_whole_file_is_scored_as_case_by_case(kind: str, tmp_path: Path) -> None:
    how = recipe(kind)
    data = data_of(gappy(), how, tmp_path)
    model = train(data, how, seed=1, with_challenger=False).artefact
    model = read_artefact(write_artefact(model))
    scores = score_frame(model, data.features)
    reasons = reasons_frame(model, scores).rows()
    for number, case in enumerate(data.features.head(300).iter_rows(named=True)):
        one = model.score(case)
        assert one.total == scores.total[number]
        assert one.pd_ppm == scores.pd_ppm[number]
        assert one.reasons() == tuple(code for code in reasons[number] if code)


def test_special_codes_are_not_pooled_with_others(tmp_path: Path) -> None:
    bad = pl.when(pl.col("code") == -9).then(pl.col("number") % 2).otherwise(pl.col("bad"))
    frame = gappy().with_columns(bad=bad)
    for kind in ("woe", "boosted"):
        model = trained(frame, recipe(kind), tmp_path).artefact
        [item] = [item for item in model.characteristics if item.feature == "code"]
        assert item.amount(-9) != item.amount(-10)
        assert item.amount(-10) == item.amount(-8)


def test_a_card_without_evidence_is_refused(tmp_path: Path) -> None:
    frame = outcomes().with_columns(late=pl.col("number") % 2, bad=pl.col("number") // 2 % 2)
    how = recipe_of('name = "late"', top='kind = "woe"', rest="[slices]\ncalibration_ppm = 0")
    with pytest.raises(NothingLearnedError):
        trained(frame, how, tmp_path)


def test_a_feature_that_repeats_another_is_left_out_by_its_sign(tmp_path: Path) -> None:
    frame = outcomes(3_000).with_columns(
        again=pl.col("late") * 10 + (pl.col("number") % 5) * (pl.col("bad") == 0)
    )
    how = recipe_of('name = "late"\nname = "again"; no_leak = "made so"', top='kind = "woe"')
    found = trained(frame, how, tmp_path)
    left = found.artefact.card["left_out"]
    assert isinstance(left, dict)
    assert {item.feature for item in found.artefact.characteristics} | set(left) == {
        "late",
        "again",
    }


def test_points_add_up_to_the_odds_they_stand_for(tmp_path: Path) -> None:
    """600 points stand for 50 good cases for each bad one, and 20 points double that."""
    how = recipe("woe", top='calibration = "none"')
    model = trained(gappy(), how, tmp_path).artefact
    assert model.calibration.method is Method.NONE
    for points, odds in ((520, 50 / 16), (500, 50 / 32), (480, 50 / 64)):
        assert model.calibration.pd_of(points) == pytest.approx(1e6 / (1 + odds), rel=0.02)


def test_the_latest_months_calibrate(tmp_path: Path) -> None:
    how = recipe("woe", rest='[data]\nperiod = "month"')
    model = trained(gappy(), how, tmp_path).artefact
    assert model.training.period == {"from": "2026-01", "to": "2026-06"}
    figures = model.card["figures"]
    assert isinstance(figures, dict)
    # A sixth of the rows is a month; 20 % are wanted, so two months.
    assert figures["auc_rows"] == 1_000


def test_the_challenger_gives_a_figure_and_no_tables(tmp_path: Path) -> None:
    how = recipe("woe")
    with_it = train(data_of(gappy(), how, tmp_path), how, seed=1)
    without = trained(gappy(), how, tmp_path)
    assert isinstance(with_it.figures["challenger_auc_ppm"], int)
    assert with_it.artefact.characteristics == without.artefact.characteristics


def test_a_tree_that_reads_two_columns_is_no_table(tmp_path: Path) -> None:
    how = recipe("boosted")
    data = data_of(gappy(), how, tmp_path)
    columns = columns_of(data.features, how.features)
    matrix = np.column_stack([column.values.astype(float) for column in columns])
    booster = boosted.boost(
        matrix,
        boosted.Outcomes(bad=data.bad.to_numpy(), weight=np.ones(data.rows)),
        {**boosted.parameters_of(how.boosting, 1), "num_leaves": 8},
        5,
    )
    with pytest.raises(AssertionError, match="a tree reads more than one column"):
        unrolling._edges(booster, len(columns))


def test_deciding_needs_neither_numpy_nor_lightgbm() -> None:
    program = (
        "import sys; sys.modules['numpy'] = None; sys.modules['lightgbm'] = None\n"
        "from counterfoil.models.artefact import read_artefact\n"
        "from counterfoil.models.recipe import read_recipe\n"
        "import counterfoil.models.bulk_file, counterfoil.cli.model\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    kinds = [trained(gappy(), recipe(kind), tmp_path).artefact.kind for kind in ("boosted", "woe")]
    assert kinds == [Kind.BOOSTED_SCORECARD, Kind.WOE_SCORECARD]
