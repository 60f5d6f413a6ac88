"""A validation says what the data says: figures by hand, and every alarm can ring and be silent."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.models.models import document, file_of

from counterfoil.models.artefact import Artefact, read_artefact
from counterfoil.models.bootstrap import intervals
from counterfoil.models.metrics import PPM, Cell, rank_order
from counterfoil.models.question import Question
from counterfoil.models.thresholds import load_thresholds
from counterfoil.models.validation import digest, validate
from counterfoil.models.validation_data import Layout, ValidationDataError, read_cases
from counterfoil.models.validation_file import Wish, read_material

LAYOUT = Layout(
    target="bad", period="month", segment="region", groups=("sex",), amount="amount_minor"
)


def model(**changes: Any) -> Artefact:
    content = document()
    content["characteristics"][1]["unknown"] = 0
    content["calibration"] = {
        "version": "1",
        "method": "none",
        "edges": [-1_200_000, -700_000],
        "pd_ppm": [100_000, 200_000, 500_000],
    }
    return read_artefact(file_of(content | changes))


@cache
def data(rows: int = 6_000, *, bad_times: float = 1.0, seed: int = 1) -> pl.DataFrame:
    """Cases whose outcomes are as the model says, times a factor."""
    chance, artefact = random.Random(seed), model()
    found = []
    for number in range(rows):
        case = {
            "delay_months": chance.choice([0, 0, 0, 1, 2, None]),
            "region": chance.choice(["north", "south"]),
            "is_student": chance.random() < 0.2,
        }
        score = artefact.score(case)
        assert score.pd_ppm is not None
        found.append(
            case
            | {
                "bad": int(chance.random() * PPM < score.pd_ppm * bad_times),
                "month": f"2026-{1 + number * 4 // rows:02d}",
                "sex": chance.choice(["female", "male"]),
                "amount_minor": 100_000,
            }
        )
    return pl.DataFrame(found)


def look(frame: pl.DataFrame, artefact: Artefact | None = None, **more: Any) -> dict[str, Any]:
    cases = read_cases(artefact or model(), frame, LAYOUT)
    question = Question(data_sha256="ab" * 32, thresholds=load_thresholds(), **more)
    return validate(cases, question)


def rung(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(alarm["level"], alarm["code"], alarm["subject"]) for alarm in found["alarms"]}


def test_a_model_that_is_right_rings_no_alarm() -> None:
    found = look(data(12_000))
    assert rung(found) == set()
    assert (found["verdict"], found["may_be_approved"]) == ("green", True)
    whole = found["calibration"]["whole"]
    assert abs(whole["ratio_ppm"] - PPM) < 60_000
    assert found["data"]["reference"] == "first_period"
    assert [row["name"] for row in found["rank_order"]["by_period"]] == [
        f"2026-0{month}" for month in range(1, 5)
    ]
    # No case is in two regions or in none.
    assert sum(row["cases"] for row in found["rank_order"]["by_segment"]) == 12_000


def test_the_same_question_has_the_same_answer() -> None:
    assert digest(look(data())) == digest(look(data()))
    assert digest(look(data())) != digest(look(data(seed=2)))


def test_too_few_outcomes_for_two_months_are_red() -> None:
    found = look(data(12_000, bad_times=0.7))
    assert ("red", "calibration", "") in rung(found)
    assert ("amber", "calibration_month", "2026-01") in rung(found)
    assert ("red", "calibration_month", "2026-02") in rung(found)
    assert not found["may_be_approved"]


def test_a_shift_of_cases_is_seen_in_score_and_feature() -> None:
    frame = data(8_000)
    late = pl.when(pl.col("month") >= "2026-03").then(2).otherwise(pl.col("delay_months"))
    found = look(frame.with_columns(late.cast(pl.Int64).alias("delay_months")))
    assert {("red", "score_psi", ""), ("red", "feature_csi", "delay_months")} <= rung(found)
    assert not any(subject == "is_student" for _, _, subject in rung(found))


def test_a_reference_file_takes_the_place_of_the_first_period() -> None:
    reference = read_cases(model(), data(seed=3), Layout(target="bad"))
    shifted = data().with_columns(delay_months=pl.lit(2))
    found = look(shifted, reference=reference)
    assert found["stability"]["reference"] == "given"
    assert ("red", "feature_csi", "delay_months") in rung(found)
    assert look(shifted)["stability"]["score_psi_ppm"] < 10_000


def test_a_broken_direction_may_not_be_approved() -> None:
    content = document()
    content["characteristics"][0]["values"] = [-300_000, 900_000, 200_000]
    content["characteristics"][1]["unknown"] = 0
    broken = read_artefact(file_of(content))
    found = look(data(), broken)
    assert ("red", "monotone", "delay_months") in rung(found)
    assert not found["may_be_approved"]
    [row] = [row for row in found["monotone"] if not row["holds"]]
    assert row["broken_at"] == 2


def test_values_that_the_tables_do_not_know_ring() -> None:
    frame = data().with_columns(region=pl.lit("moon"))
    assert ("red", "unseen_share", "region") in rung(look(frame))
    text = data().with_columns(delay_months=pl.lit("late"))
    assert ("red", "rejected_share", "delay_months") in rung(look(text))
    half = pl.when(pl.col("month") > "2026-01").then(None).otherwise(pl.col("is_student"))
    found = look(data().with_columns(is_student=half))
    assert ("red", "missing_rise", "is_student") in rung(found)


def test_a_group_that_is_accepted_too_seldom_is_red() -> None:
    late = pl.when(pl.col("sex") == "male").then(2).otherwise(0)
    found = look(data().with_columns(delay_months=late))
    assert ("red", "impact_ratio", "sex = male") in rung(found)
    [block] = found["fairness"]
    by_value = {row["value"]: row for row in block["values"]}
    assert by_value["female"]["impact_ratio_ppm"] == PPM
    assert by_value["male"]["approved_ppm"] < by_value["female"]["approved_ppm"]


def test_ages_are_told_in_bands() -> None:
    frame = data().with_columns(sex=(20 + pl.int_range(pl.len()) % 50).cast(pl.String))
    [block] = look(frame)["fairness"]
    assert [row["value"] for row in block["values"]] == [
        "20 – 29", "30 – 39", "40 – 49", "50 – 59", "60 – 69",
    ]  # fmt: skip


def test_swaps_against_oneself_are_none_and_against_another_add_up() -> None:
    frame = data()
    mine = read_cases(model(), frame, LAYOUT)
    same = look(frame, champion=mine)["action"]["swap"]
    assert same["sets"]["only_new"]["cases"] == same["sets"]["only_old"]["cases"] == 0
    assert same["profit"]["new_minor"] == same["profit"]["old_minor"]
    content = document()
    content["characteristics"] = content["characteristics"][1:]
    content["characteristics"][0]["unknown"] = 0
    blind = read_cases(read_artefact(file_of(content)), frame, LAYOUT)
    swap = look(frame, champion=blind)["action"]["swap"]
    assert sum(cell["cases"] for cell in swap["sets"].values()) == frame.height
    assert sum(cell["bad"] for cell in swap["sets"].values()) == frame["bad"].sum()
    assert swap["auc_ppm"] > swap["champion"]["auc_ppm"]
    both = [swap["sets"][name] for name in ("both", "only_new")]
    earned = sum((cell["cases"] - cell["bad"]) * 8_000 - cell["bad"] * 60_000 for cell in both)
    assert swap["profit"]["new_minor"] == earned


def test_an_auc_below_training_rings() -> None:
    expected = model(card={"figures": {"auc_ppm": 990_000}})
    assert ("red", "auc_drop", "") in rung(look(data(), expected))


def test_a_leak_is_too_good_to_be_true() -> None:
    frame = data().with_columns(delay_months=pl.col("bad") * 2)
    found = look(frame)
    assert found["rank_order"]["auc_ppm"] == PPM
    assert ("red", "auc_high", "") in rung(found)


def test_cases_without_outcome_count_for_stability_alone() -> None:
    frame = data(4_000)
    gone = pl.when(pl.col("month") == "2026-04").then(None).otherwise(pl.col("bad"))
    found = look(frame.with_columns(bad=gone))
    assert (found["data"]["judged"], found["data"]["scored"]) == (3_000, 4_000)
    assert found["stability"]["by_period"][-1]["cases"] == 1_000


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"x": [1]}), "no column bad"),
        (data(10).clear(), "no rows"),
        (data(10).with_columns(bad=pl.lit(3)), "an outcome is 0"),
        (data(10).with_columns(bad=pl.lit(None)), "no outcome at all"),
        (data(500).with_columns(region=pl.int_range(500).cast(pl.String)), "more than 120"),
        (data(10).with_columns(amount_minor=pl.lit("much")), "whole numbers"),
    ],
)
def test_data_that_cannot_be_judged_is_refused(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(ValidationDataError, match=message):
        look(frame)


def test_one_class_has_no_rank_order_and_no_failure() -> None:
    found = look(data(200).with_columns(bad=pl.lit(0)))
    assert found["rank_order"]["auc_ppm"] is None
    assert found["calibration"]["whole"]["ratio_ppm"] is None
    assert ("amber", "sample", "") in rung(found)


@pytest.mark.parametrize(("outcome", "word"), [(0, "good"), (1, "bad")])
def test_a_file_in_which_all_turned_out_alike_validates_nothing(
    tmp_path: Path, outcome: int, word: str
) -> None:
    file = tmp_path / "cases.csv"
    data(200).with_columns(bad=pl.lit(outcome)).write_csv(file)
    with pytest.raises(ValidationDataError, match=f"column bad says {word} in all 200 scored"):
        read_material(file, model(), Wish(target="bad"))
    data(200).write_csv(file)
    assert read_material(file, model(), Wish(target="bad")).cases.judged.height == 200


def test_intervals_enclose_the_figure_and_come_again() -> None:
    cells = [Cell(risk, 200 - 15 * risk, 10 + 8 * risk) for risk in range(10)]
    figure = rank_order(cells)
    found = intervals(cells, seed=7)
    assert found == intervals(cells, seed=7)
    assert found != intervals(cells, seed=8)
    for name in ("auc_ppm", "gini_ppm", "ks_ppm"):
        low, high = found[name]
        assert low < getattr(figure, name) < high
