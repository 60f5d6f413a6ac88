"""Monitoring rings on drift, on wrong probabilities and on overrides, and on nothing else."""

import random
from functools import cache
from typing import Any

import polars as pl
from tests.unit.models.test_validation import LAYOUT, data, look, model

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Type
from counterfoil.models.monitoring import frame_of, monitor, stops
from counterfoil.models.question import Question
from counterfoil.models.thresholds import load_thresholds
from counterfoil.models.validation import validate
from counterfoil.models.validation_data import Layout, read_cases


def look_at(artefact: Artefact) -> dict[str, Any]:
    """A validation on random cases, for models that other tests bring."""
    chance = random.Random(5)
    rows = []
    for _ in range(600):
        row: dict[str, Any] = {"bad": int(chance.random() < 0.3)}
        for item in artefact.characteristics:
            match item.type:
                case Type.TEXT:
                    row[item.feature] = chance.choice([*item.categories])
                case Type.BOOLEAN:
                    row[item.feature] = chance.random() < 0.5
                case Type.INTEGER:
                    row[item.feature] = chance.choice([*item.edges, (item.edges or (0,))[0] - 1])
        rows.append(row)
    cases = read_cases(artefact, pl.DataFrame(rows), Layout(target="bad"))
    return validate(cases, Question(data_sha256="ab" * 32, thresholds=load_thresholds()))


@cache
def baseline() -> Any:
    return look(data(12_000))


def monitored(frame: pl.DataFrame, *, overridden: int = 0) -> dict[str, Any]:
    cases = read_cases(model(), frame, LAYOUT, needs_outcomes=False)
    return monitor(cases, baseline(), load_thresholds(), overridden=overridden)


def test_the_same_cases_ring_nothing() -> None:
    found = monitored(data(6_000, seed=4))
    assert (found["level"], found["alarms"], stops(found)) == ("green", [], [])
    assert found["figures"]["cases"] == 6_000
    assert found["figures"]["score_psi_ppm"] < 10_000


def test_drift_of_the_score_stops_and_of_a_feature_alone_does_not() -> None:
    shifted = data(6_000).with_columns(delay_months=pl.lit(2))
    assert "score_psi" in stops(monitored(shifted))
    south = data(6_000).with_columns(
        region=pl.when(pl.col("region") == "north").then(pl.lit("south")).otherwise("region")
    )
    found = monitored(south)
    assert "feature_csi" in {alarm["code"] for alarm in found["alarms"]}


def test_wrong_probabilities_stop() -> None:
    found = monitored(data(6_000, bad_times=0.6))
    assert stops(found) == ["calibration_month"]
    assert found["figures"]["ratio_ppm"] > 1_400_000


def test_too_few_cases_tell_nothing() -> None:
    found = monitored(data(6_000).with_columns(delay_months=pl.lit(2)).head(150))
    assert found["figures"]["score_psi_ppm"] is None
    assert stops(found) == []


def test_overrides_ring() -> None:
    found = monitored(data(6_000), overridden=1_200)
    assert found["figures"]["override_ppm"] == 200_000
    assert "override_share" in {alarm["code"] for alarm in found["alarms"]}


def test_decisions_of_mixed_types_become_cases() -> None:
    frame = frame_of([{"a": 1, "b": None}, {"a": "x"}, {}], ["a", "b"], {"bad": [None, None, None]})
    assert frame["a"].to_list() == ["1", "x", None]
    assert frame["b"].null_count() == 3
