"""Probabilities: as many defaults foreseen as came, ranks kept, steps that every engine reads."""

import numpy as np
import pytest

from counterfoil.models.artefact_parts import Calibration, Method, Unit
from counterfoil.models.binning import Flags, Floats
from counterfoil.models.calibrating import calibrate, shifted
from counterfoil.models.logistic import NotConvergedError, fit_logistic, probability

PPM = 1_000_000


def cases(count: int = 20_000, slope: float = 1.0) -> tuple[Floats, Flags]:
    """Return risks in millionths of log odds, and outcomes whose own log odds are `slope` times."""
    chance = np.random.default_rng(5)
    log_odds = chance.normal(-1.5, 1.0, count)
    return np.rint(log_odds * PPM), chance.random(count) < probability(slope * log_odds)


def calibrated(method: Method, unit: Unit = Unit.LOG_ODDS_E6) -> tuple[Calibration, Floats, Flags]:
    risk, bad = cases(slope=0.5)
    found = calibrate(
        risk, bad, np.ones(len(bad)), method, unit=unit, version="1", own=(0.0, 1 / PPM)
    )
    return found, risk, bad


def foreseen(calibration: Calibration, totals: Floats) -> float:
    return float(np.mean([calibration.pd_of(int(total)) for total in totals])) / PPM


@pytest.mark.parametrize("method", [Method.PLATT, Method.ISOTONIC])
def test_as_many_defaults_are_foreseen_as_came(method: Method) -> None:
    found, risk, bad = calibrated(method)
    assert foreseen(found, risk) == pytest.approx(bad.mean(), rel=0.005)
    for part in (risk < -2 * PPM, risk > -PPM):
        assert foreseen(found, risk[part]) == pytest.approx(bad[part].mean(), rel=0.05)


@pytest.mark.parametrize("method", list(Method))
def test_points_and_log_odds_have_the_same_probability_for_the_same_risk(method: Method) -> None:
    by_odds, risk, _ = calibrated(method)
    by_points, *_ = calibrated(method, Unit.POINTS)
    assert [by_odds.pd_of(int(one)) for one in risk[:2_000]] == [
        by_points.pd_of(-int(one)) for one in risk[:2_000]
    ]


def test_without_a_method_the_chances_are_the_models_own() -> None:
    found, *_ = calibrated(Method.NONE)
    assert found.pd_of(-PPM) == pytest.approx(PPM / (1 + np.e), rel=0.02)


def test_a_shift_foresees_what_came_and_keeps_ranks() -> None:
    found, risk, bad = calibrated(Method.PLATT)
    fewer = bad & (np.arange(len(bad)) % 2 == 0)
    totals = risk.astype(np.int64)
    moved = shifted(found, totals, fewer, np.ones(len(bad)), version="2")
    assert foreseen(moved, risk) == pytest.approx(fewer.mean(), rel=0.001)
    assert (moved.version, moved.edges, moved.method) == ("2", found.edges, found.method)
    assert list(moved.pd_ppm) == sorted(moved.pd_ppm)


def test_a_score_that_ranks_the_wrong_way_round_is_flat() -> None:
    risk, bad = cases(slope=-1.0)
    found = calibrate(
        risk, bad, np.ones(len(bad)), Method.PLATT, unit=Unit.LOG_ODDS_E6, version="1", own=(0, 0)
    )
    assert max(found.pd_ppm) - min(found.pd_ppm) <= 1


def test_a_regression_finds_what_the_odds_are_by_hand() -> None:
    column = np.array([[0.0]] * 100 + [[1.0]] * 100)
    bad = np.array([True] * 20 + [False] * 80 + [True] * 50 + [False] * 50)
    intercept, [slope] = fit_logistic(column, bad, np.ones(200))
    assert intercept == pytest.approx(np.log(20 / 80), abs=1e-4)
    assert slope == pytest.approx(np.log(1) - np.log(20 / 80), abs=1e-4)


def test_a_column_that_separates_the_outcomes_does_not_run_away() -> None:
    column = np.array([[0.0]] * 100 + [[1.0]] * 100)
    bad = np.array([False] * 100 + [True] * 100)
    try:
        _, [slope] = fit_logistic(column, bad, np.ones(200))
    except NotConvergedError:
        return
    assert np.isfinite(slope)


@pytest.mark.parametrize("start", [[3.0, -8.0], [-6.0, 9.0], [0.0, 12.0]])
def test_a_regression_comes_back_from_far_away(start: list[float]) -> None:
    """Whole steps overshoot from there, and never come back; halved ones do."""
    column, bad = cases(2_000)
    scaled = (column / PPM)[:, None]
    near = fit_logistic(scaled, bad, np.ones(len(bad)))
    far = fit_logistic(scaled, bad, np.ones(len(bad)), np.array(start))
    assert far[0] == pytest.approx(near[0], abs=1e-6)
    assert far[1] == pytest.approx(near[1], abs=1e-6)
