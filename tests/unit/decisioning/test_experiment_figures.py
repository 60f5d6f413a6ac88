"""Figures of arms are exact where they are sums, and say how sure they are where they are not."""

import orjson
import pytest

from counterfoil.decisioning.experiment import Metric
from counterfoil.decisioning.experiment_figures import (
    ArmFigures,
    CaseOutcome,
    Moments,
    difference,
    group_of,
    wilson_ppm,
)


def case(**changes: object) -> CaseOutcome:
    fields: dict[str, object] = {
        "arm": "champion",
        "outcome": "approved",
        "limit_minor": 100_000,
        "is_opened": True,
        "late_days_max": 0,
        "lost_minor": 0,
        "revenue_minor": 1_000,
        "funding_minor": 100,
        "is_contested": False,
        "groups": {},
    }
    return CaseOutcome(**fields | changes)  # type: ignore[arg-type]


def moments(*values: int) -> Moments:
    found = Moments()
    for value in values:
        found.add(value)
    return found


def test_an_arm_adds_up_all_its_cases() -> None:
    arm = ArmFigures()
    for one in (
        case(),
        case(late_days_max=31),
        case(late_days_max=91, lost_minor=60_000, revenue_minor=0, is_contested=True),
        case(outcome="declined", limit_minor=0, is_opened=False, revenue_minor=0),
        case(outcome="referred", is_opened=False, revenue_minor=0),
    ):
        arm.add(one)
    told = orjson.loads(orjson.dumps(arm.document()))
    assert (told["cases"], told["approved"], told["declined"], told["referred"]) == (5, 3, 1, 1)
    assert (told["approved_ppm"], told["opened"], told["contested"]) == (600_000, 3, 1)
    assert (told["limit_minor_sum"], told["limit_minor_mean"]) == (300_000, 100_000)
    assert (told["late_30_accounts"], told["late_90_accounts"]) == (2, 1)
    assert (told["lost_minor"], told["revenue_minor"], told["profit_minor"]) == (
        60_000,
        2_000,
        -58_500,
    )
    assert told["funding_minor"] == 500


def test_an_arm_without_cases_claims_nothing() -> None:
    told = ArmFigures().document()
    assert told["approved_ppm"] is None
    assert told["approved_interval_ppm"] is None
    assert told["limit_minor_mean"] is None


@pytest.mark.parametrize(
    ("part", "whole", "interval"),
    [
        # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        (81, 263, (255_271, 366_210)),
        (15, 148, (62_387, 160_548)),
        (0, 20, (0, 161_125)),
        (1, 29, (6_113, 171_755)),
    ],
)
def test_the_interval_of_a_share_is_wilsons(
    part: int, whole: int, interval: tuple[int, int]
) -> None:
    found = wilson_ppm(part, whole)
    assert found is not None
    assert all(abs(mine - theirs) <= 100 for mine, theirs in zip(found, interval, strict=True))


def test_a_difference_has_the_error_of_both_arms() -> None:
    found = difference(Metric.PROFIT_MINOR, moments(10, 12, 14), moments(20, 22, 24))
    # Means 12 and 22, variances 4 each over 3 values: error the root of 8/3, 1.633.
    assert found.mean_scaled == 10_000
    assert found.z_e3 == 6_124
    assert found.interval_scaled == (6_799, 13_201)


@pytest.mark.parametrize("arm", [moments(), moments(1)])
def test_too_few_cases_give_no_difference(arm: Moments) -> None:
    found = difference(Metric.APPROVED, moments(0, 1, 1), arm)
    assert (found.mean_scaled, found.interval_scaled, found.z_e3) == (None, None, None)


def test_without_spread_no_bound_can_be_passed() -> None:
    assert difference(Metric.APPROVED, moments(1, 1), moments(0, 0)).z_e3 is None


def test_groups_are_compared_where_they_are_large_enough() -> None:
    arm = ArmFigures()
    for number in range(100):
        outcome = "approved" if number < 80 else "declined"
        arm.add(case(outcome=outcome, groups={"age_years": "to 29"}))
        outcome = "approved" if number < 60 else "declined"
        arm.add(case(outcome=outcome, groups={"age_years": "from 30"}))
    arm.add(case(outcome="declined", groups={"age_years": None}))
    fairness = arm.document()["fairness"]["age_years"]
    assert fairness["adverse_impact_ratio_ppm"] == 750_000
    assert [one["cases"] for one in fairness["groups"]] == [1, 100, 100]


@pytest.mark.parametrize(
    ("value", "edges", "group"),
    [
        (None, (30,), None),
        (29, (30, 45), "to 29"),
        (30, (30, 45), "30-44"),
        (45, (30, 45), "from 45"),
        (True, (), "true"),
        ("travel", (), "travel"),
        (5, (), "5"),
    ],
)
def test_a_value_falls_into_its_group(value: object, edges: tuple[int, ...], group: str) -> None:
    assert group_of(value, edges) == group
