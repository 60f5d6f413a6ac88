"""Figures of models by hand, and what must hold of them for all counts."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.models.metrics import (
    PPM,
    Cell,
    agreement,
    binomial_ppm,
    brier_ppm,
    by_cut_off,
    cut_off_for,
    impact_ratios_ppm,
    log_loss_e6,
    profit_minor,
    rank_order,
    roc,
    share_ppm,
    stability_ppm,
)

#: Risks 1 to 4; ten good and five bad cases.
HAND = [Cell(1, 4, 0), Cell(2, 3, 1), Cell(3, 2, 1), Cell(4, 1, 3)]

COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12).map(
    lambda pairs: [Cell(risk, *pair) for risk, pair in enumerate(pairs)]
)


def brute_auc_ppm(cells: list[Cell]) -> int | None:
    """The definition: all pairs of one bad and one good case, ties as half."""
    goods = [cell.risk for cell in cells for _ in range(cell.good)]
    bads = [cell.risk for cell in cells for _ in range(cell.bad)]
    twice = sum(2 * (b > g) + (b == g) for b, g in product(bads, goods))
    return share_ppm(twice, 2 * len(goods) * len(bads))


def test_rank_order_by_hand() -> None:
    found = rank_order(HAND)
    # Wins of the bad: 1 x (4 + 1.5) + 1 x (7 + 1) + 3 x (9 + 0.5) = 42 of 50 pairs.
    assert found.auc_ppm == 840_000
    assert found.gini_ppm == 680_000
    # Before risk 4: 9 of 10 good and 2 of 5 bad; before risk 3: 7 of 10 and 1 of 5.
    assert found.ks_ppm == 500_000
    assert found.ks_risk in {3, 4}
    assert (found.cases, found.bad) == (15, 5)


def test_one_class_has_no_rank_order() -> None:
    found = rank_order([Cell(1, 4, 0), Cell(2, 3, 0)])
    assert (found.auc_ppm, found.gini_ppm, found.ks_ppm, found.ks_risk) == (None,) * 4
    assert roc([Cell(1, 0, 3)]) == []
    assert rank_order([]).cases == 0


@given(COUNTS)
def test_auc_is_the_share_of_pairs(cells: list[Cell]) -> None:
    if sum(cell.good for cell in cells) and sum(cell.bad for cell in cells):
        assert rank_order(cells).auc_ppm == brute_auc_ppm(cells)


@given(COUNTS, st.lists(st.integers(1, 1_000), min_size=12, max_size=12))
def test_rank_order_does_not_change_when_risk_is_stretched(
    cells: list[Cell], gaps: list[int]
) -> None:
    stretched = [
        Cell(sum(gaps[: place + 1]) - 500, cell.good, cell.bad) for place, cell in enumerate(cells)
    ]
    before, after = rank_order(cells), rank_order(stretched)
    assert (before.auc_ppm, before.ks_ppm) == (after.auc_ppm, after.ks_ppm)


@given(COUNTS)
def test_turning_the_risk_round_turns_the_auc_round(cells: list[Cell]) -> None:
    turned = [Cell(-cell.risk, cell.good, cell.bad) for cell in reversed(cells)]
    before, after = rank_order(cells).auc_ppm, rank_order(turned).auc_ppm
    if before is not None and after is not None:
        assert abs(before + after - PPM) <= 1


@given(COUNTS)
def test_the_curve_rises_from_corner_to_corner(cells: list[Cell]) -> None:
    curve = roc(cells)
    if curve:
        assert (curve[0], curve[-1]) == ((0, 0), (PPM, PPM))
        assert curve == sorted(curve)


def test_stability_by_hand() -> None:
    # 50 % and 50 % become 40 % and 60 %: -0.1 ln 0.8 + 0.1 ln 1.2 = 0.040547.
    assert stability_ppm([50, 50], [40, 60]) == 40_547
    assert stability_ppm([0, 10], [0, 7]) == 0
    assert stability_ppm([0, 0], [1, 2]) is None
    # An empty bin counts as half a case of ten: finite, and far beyond any threshold.
    expected = (1.0 - 0.05) * math.log(1.0 / 0.05) + (0.05 - 1.0) * math.log(0.05 / 1.0)
    assert stability_ppm([0, 10], [10, 0]) == round(expected * PPM)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=10), st.integers(1, 9))
def test_the_same_distribution_is_stable(counts: list[int], times: int) -> None:
    if sum(counts) > 0:
        assert stability_ppm(counts, [count * times for count in counts]) == 0


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=9))
def test_stability_is_never_negative_and_the_same_both_ways(
    pairs: list[tuple[int, int]],
) -> None:
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    index = stability_ppm(before, after)
    if index is not None and 0 not in before and 0 not in after:
        assert index >= 0
        assert index == stability_ppm(after, before)


def test_probabilities_by_hand() -> None:
    cells = [Cell(200_000, 8, 2), Cell(500_000, 1, 1)]
    # (2 x 0.64 + 8 x 0.04 + 2 x 0.25) / 12 = 0.175
    assert brier_ppm(cells) == 175_000
    assert log_loss_e6(cells) == round(
        -(2 * math.log(0.2) + 8 * math.log(0.8) + 2 * math.log(0.5)) / 12 * PPM
    )
    found = agreement(cells)
    assert found is not None
    assert (found.predicted_ppm, found.actual_ppm, found.ratio_ppm) == (250_000, 250_000, PPM)
    assert found.p_value_ppm > 900_000
    assert agreement([]) is None
    assert log_loss_e6([Cell(0, 0, 1)]) == round(-math.log(0.5e-6) * PPM)


@pytest.mark.parametrize(
    ("cases", "bad", "chance_ppm", "p_ppm"),
    [
        # P(X <= 0) = 0.9^10 = 0.348678; P(X >= 4) of ten fair coins is 0.828125, capped.
        (10, 0, 100_000, 697_357),
        (10, 4, 500_000, 753_906),
        (10, 10, 500_000, 1_953),
        (0, 0, 100_000, PPM),
        (5, 0, 0, PPM),
        (5, 1, 0, 0),
        (5, 5, PPM, PPM),
    ],
)
def test_the_binomial_test_by_hand(cases: int, bad: int, chance_ppm: int, p_ppm: int) -> None:
    assert binomial_ppm(cases=cases, bad=bad, chance_ppm=chance_ppm) == p_ppm


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, PPM - 1))
def test_the_binomial_tail_is_the_sum_of_its_terms(cases: int, bad: int, chance_ppm: int) -> None:
    bad = min(bad, cases)
    chance = chance_ppm / PPM
    low = bad <= cases * chance
    wanted = range(bad + 1) if low else range(bad, cases + 1)
    tail = sum(math.comb(cases, k) * chance**k * (1 - chance) ** (cases - k) for k in wanted)
    found = binomial_ppm(cases=cases, bad=bad, chance_ppm=chance_ppm)
    assert abs(found - min(PPM, round(2 * tail * PPM))) <= 1


def test_cut_offs_by_hand() -> None:
    found = by_cut_off(HAND, steps=3)
    assert [(cut.risk, cut.accepted, cut.bad) for cut in found] == [
        (2, 8, 1),
        (3, 11, 2),
        (4, 15, 5),
    ]
    assert found[0].bad_ppm == 125_000
    assert cut_off_for(HAND, approval_ppm=700_000) == 2
    assert cut_off_for(HAND, approval_ppm=PPM) == 4
    assert cut_off_for(HAND, approval_ppm=100_000) is None


@given(COUNTS)
def test_accepting_more_never_accepts_fewer(cells: list[Cell]) -> None:
    found = by_cut_off(cells)
    shares = [cut.approval_ppm for cut in found]
    assert shares == sorted(shares)
    assert not found or found[-1].approval_ppm == PPM


def test_groups_and_money_by_hand() -> None:
    ratios = impact_ratios_ppm({"a": (60, 100), "b": (40, 80), "c": (0, 0)})
    assert ratios == {"a": PPM, "b": 833_333, "c": None}
    assert impact_ratios_ppm({"c": (0, 0)}) == {"c": None}
    # 90 good earn 10 % of 1,000.00, 5 bad lose 60 %.
    assert (
        profit_minor(good=90, bad=5, amount_minor=100_000, margin_ppm=100_000, loss_ppm=600_000)
        == 900_000 - 300_000
    )
