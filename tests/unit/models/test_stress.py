"""A scenario changes what it names, by hand and in no other way."""

import math
from importlib import resources
from statistics import NormalDist
from typing import Any

import polars as pl
import pytest
from tests.unit.models.test_validation import model

from counterfoil.models.stress import PPM, ScenarioError, read_scenario, stress
from counterfoil.models.stress_effects import Grid

NOTHING = 'code = "none"\ntitle = "as it is"\nloss_ppm = 500_000\n'
FRAME = pl.DataFrame(
    {
        "delay_months": [0, 0, 2],
        "region": ["north"] * 3,
        "is_student": [False] * 3,
        "amount_minor": [100_000, 200_000, 400_000],
    }
)


def run(text: str, frame: pl.DataFrame = FRAME, limit: str | None = None) -> dict[str, Any]:
    scenario = read_scenario(text.encode())
    return stress(
        model(), frame, scenario, amount="amount_minor", limit=limit, data_sha256="ab" * 32
    )


def test_nothing_changes_nothing() -> None:
    found = run(NOTHING)
    assert found["before"] == found["after"]
    # Two of 10 % and one of 50 %, half of it lost: 5,000 + 10,000 + 100,000.
    assert found["before"]["expected_loss_minor"] == 115_000
    assert all(move["from"] == move["to"] for move in found["moves"])


def test_a_shift_of_log_odds_by_hand() -> None:
    found = run(NOTHING + "log_odds_shift_e6 = 693_147\nstressed_loss_ppm = 600_000\n")
    # Doubled odds: 1/9 becomes 2/9, 1 becomes 2.
    moved = [round(2 / 11 * PPM), round(2 / 3 * PPM)]
    expected = (300_000 * moved[0] + 400_000 * moved[1]) * 600_000 / PPM**2
    assert abs(found["after"]["expected_loss_minor"] - expected) <= 1
    assert {(move["from"], move["to"]) for move in found["moves"]} == {("A", "E"), ("E", "E")}


def test_a_feature_that_falls_is_scored_again() -> None:
    found = run(NOTHING + '[[feature]]\nname = "delay_months"\nplus = 2\n')
    assert found["after"]["pd_mean_ppm"] == 500_000


def test_a_bad_year_by_the_one_factor_model() -> None:
    found = run(NOTHING + "correlation_ppm = 40_000\n")
    normal = NormalDist()
    bad = normal.inv_cdf(0.999)
    chances = [
        normal.cdf((normal.inv_cdf(pd) + math.sqrt(0.04) * bad) / math.sqrt(0.96))
        for pd in (0.1, 0.1, 0.5)
    ]
    assert abs(found["after"]["pd_mean_ppm"] - sum(chances) / 3 * PPM) <= 1


def test_drivers_add_up_by_hand() -> None:
    drivers = (
        '[[driver]]\nname = "unemployment"\nchange_ppm = 30_000\nlog_odds_per_point_e6 = 200_000\n'
        '[[driver]]\nname = "income"\nchange_ppm = -20_000\nlog_odds_per_point_e6 = -50_000\n'
    )
    found = run(NOTHING + drivers)
    # Three points of 0.2 and two of 0.05.
    assert found["scenario"]["shift_e6"] == 700_000
    assert found["after"] == run(NOTHING + "log_odds_shift_e6 = 700_000\n")["after"]
    assert found["effects"] is None


EFFECTS = """
[provisions]
watch_steps = 1
lifetime_times_ppm = 2_000_000
[limits]
cut_steps = 1
keep_ppm = 500_000
[liquidity]
draw_ppm = 250_000
"""


def test_effects_beyond_losses_by_hand() -> None:
    frame = FRAME.with_columns(limit_minor=pl.Series([1_000_000, 200_000, 300_000]))
    worse = 'stressed_loss_ppm = 500_000\n[[feature]]\nname = "delay_months"\nplus = 2\n'
    found = run(NOTHING + worse + EFFECTS, frame, "limit_minor")["effects"]
    # Two of 10 % become 50 %: all of their life is lost. The third stays, above its limit.
    assert found["provisions"] == {
        "before_minor": 115_000,
        # (100,000 + a quarter of 900,000 open) + 200,000 at 100 %, 400,000 at 50 %; half is lost.
        "after_minor": (325_000 + 200_000 + 200_000) // 2,
        "change_minor": 362_500 - 115_000,
        "whole_life_cases": 2,
    }
    assert found["limits"] == {
        "before_minor": 1_500_000,
        # Half of the first; the second keeps what is drawn.
        "after_minor": 500_000 + 200_000 + 300_000,
        "cut_cases": 2,
    }
    assert found["liquidity"] == {
        "open_minor": 900_000,
        "drawn_more_minor": 225_000,
        "not_repaid_minor": 120_000,
        "outflow_minor": 345_000,
    }


def test_what_a_scenario_does_not_speak_of_is_unknown() -> None:
    frame = FRAME.with_columns(limit_minor=pl.lit(500_000))
    found = run(NOTHING, frame, "limit_minor")["effects"]
    assert set(found.values()) == {None}
    assert set(found) == {"provisions", "limits", "limits_by_policy", "liquidity"}


def test_limits_by_the_matrix_of_a_policy_by_hand() -> None:
    frame = FRAME.with_columns(
        limit_minor=pl.Series([1_000_000, 200_000, 500_000]),
        segment=pl.Series(["standard", "standard", None]),
    )
    grid = Grid(
        policy="cards 1",
        policy_hash="ab",
        segment_column="segment",
        pd_ppm_max=(100_000, 499_999, PPM),
        limits_minor={"standard": (2_000_000, 600_000, 0), "thin": (1, 1, 1)},
    )
    worse = '[[feature]]\nname = "delay_months"\nplus = 2\n'
    scenario = read_scenario((NOTHING + worse).encode())
    asked: dict[str, Any] = {"amount": "amount_minor", "limit": "limit_minor"}
    found = stress(model(), frame, scenario, **asked, data_sha256="", grid=grid)["effects"]
    # Both of 10 % become 50 %, where nothing is given: what is drawn stays. Of the third it is not
    # known for whom it counts.
    assert found["limits_by_policy"] == {
        "policy": "cards 1",
        "policy_hash": "ab",
        "before_minor": 1_200_000,
        "after_minor": 300_000,
        "cut_cases": 1,
        "unknown_cases": 1,
    }
    calm = read_scenario(NOTHING.encode())
    found = stress(model(), frame, calm, **asked, data_sha256="", grid=grid)["effects"]
    # An end belongs to its grade, and nobody's limit is raised by a stress test.
    assert found["limits_by_policy"]["after_minor"] == 1_200_000


def test_the_scenarios_that_come_along_can_be_followed() -> None:
    folder = resources.files("counterfoil.models") / "scenarios"
    found = [read_scenario(entry.read_bytes()) for entry in folder.iterdir()]
    assert {item.code for item in found} == {"crisis", "downturn"}
    assert all(item.shift_e6 > 0 and item.effects.draw_ppm for item in found)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("code = 1", "is missing"),
        (NOTHING + "often = 3\n", "not a key"),
        (NOTHING + '[[feature]]\nname = "income"\n', "does not read it"),
        (NOTHING + "correlation_ppm = 1_000_000\n", "the most is"),
        (NOTHING + '[[driver]]\nname = "weather"\nchange_ppm = 1\n', "allowed are"),
        (NOTHING + "[liquidity]\ndraw_ppm = 2_000_000\n", "the most is"),
        (NOTHING + "[limits]\ncut_steps = 1\nkeep_ppm = 1\nother = 1\n", "not a key"),
        ("=", "not TOML"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match=reason):
        run(text)


def test_amounts_have_to_be_there() -> None:
    with pytest.raises(ScenarioError, match="whole amounts"):
        run(NOTHING, FRAME.with_columns(amount_minor=pl.lit("x")))
    with pytest.raises(ScenarioError, match="no column"):
        run(NOTHING, FRAME.drop("amount_minor"))
