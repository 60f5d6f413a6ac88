"""Bins: counts add up, directions hold, missing values and codes stay by themselves."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.models.artefact_parts import Monotone, keeps_direction
from counterfoil.models.binning import (
    Binned,
    Rules,
    apply_categories,
    apply_integers,
    bin_categories,
    bin_integers,
    with_codes,
)


def rules(
    monotone: Monotone = Monotone.NONE,
    *,
    special: tuple[int, ...] = (),
    splits: tuple[int, ...] = (),
    share: int = 20_000,
) -> Rules:
    return Rules(
        monotone=monotone,
        prebins=32,
        bin_share_min_ppm=share,
        missing_rows_min=30,
        special=special,
        splits=splits,
    )


def binned(
    values: Sequence[int | None],
    bads: Sequence[int],
    how: Rules,
    weights: list[float] | None = None,
) -> Binned:
    return bin_integers(
        np.array([0 if value is None else value for value in values], dtype=np.int64),
        np.array([value is not None for value in values]),
        np.array(bads, dtype=bool),
        np.ones(len(bads)) if weights is None else np.array(weights),
        how,
    )


def test_the_weight_of_evidence_is_what_it_is_by_hand() -> None:
    # 60 cases below 1 with 6 bad, 40 from 1 on with 20 bad.
    values = [0] * 60 + [1] * 40
    bads = [1] * 6 + [0] * 54 + [1] * 20 + [0] * 20
    found = binned(values, bads, rules(splits=(1,)))
    low = math.log((54.5 / 75) / (6.5 / 27))
    high = math.log((20.5 / 75) / (20.5 / 27))
    assert found.woe == pytest.approx((low, high))
    assert found.iv == pytest.approx((54 / 74 - 6 / 26) * low + (20 / 74 - 20 / 26) * high)
    assert [(item.rows, item.bad_rate) for item in found.table[:2]] == [(60, 0.1), (40, 0.5)]


def test_a_weight_of_two_counts_as_two_rows() -> None:
    values: list[int | None] = [0, 0, 1, 1, None, 5] * 40
    bads = [0, 1, 0, 0, 1, 1] * 40
    once = binned(values * 2, bads * 2, rules(splits=(1, 3)))
    twice = binned(values, bads, rules(splits=(1, 3)), [2.0] * len(bads))
    assert once.woe == pytest.approx(twice.woe)
    assert once.iv == pytest.approx(twice.iv)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.integers(-20, 20), st.integers(0, 1)), min_size=1, max_size=300
    ),
    st.sampled_from(Monotone),
)
def test_counts_add_up_and_directions_hold(
    rows: list[tuple[int | None, int]], monotone: Monotone
) -> None:
    values, bads = [row[0] for row in rows], [row[1] for row in rows]
    found = binned(values, bads, rules(monotone, special=(-7, 3)))
    assert sum(item.rows for item in found.table) == len(rows)
    assert sum(item.bad for item in found.table) == sum(bads)
    ordinary = found.table[: len(found.table) - 3]
    risks = [round(-item.woe * 1e9) for item in ordinary]
    kept = monotone if monotone is not Monotone.NONE else None
    directions = [kept] if kept else [Monotone.UP, Monotone.DOWN]
    assert any(keeps_direction(direction, tuple(risks)) for direction in directions)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-30, 30), min_size=60, max_size=200), st.randoms(use_true_random=False))
def test_every_row_weighs_what_its_bin_weighs(values: list[int], chance: random.Random) -> None:
    bads = [int(chance.random() < 0.3) for _ in values]
    found = binned([*values], bads, rules(special=(-7,)))
    column = np.array(values, dtype=np.int64)
    weighed = apply_integers(found, column, np.ones(len(values), dtype=bool))
    edges = list(found.edges)
    for value, woe in zip(values, weighed, strict=True):
        assert woe == found.woe[sum(edge <= value for edge in edges)]


def test_a_special_code_has_a_bin_of_its_own_within_the_others() -> None:
    values = [*range(100), *[50] * 100]
    bads = [0] * 90 + [1] * 10 + [1] * 100
    found = binned([*values], bads, rules(Monotone.UP, special=(50,)))
    column = np.array([49, 50, 51], dtype=np.int64)
    below, code, above = apply_integers(found, column, np.ones(3, dtype=bool))
    assert below == above
    assert code < below


def test_codes_at_the_ends_and_side_by_side_do_not_overlap() -> None:
    assert with_codes([10, 20], [1.0, 2.0, 3.0], {10: 9.0, 11: 8.0, 19: 7.0}) == (
        [10, 11, 12, 19, 20],
        [1.0, 9.0, 8.0, 2.0, 7.0, 3.0],
    )
    assert with_codes([], [0.0], {-1: 5.0}) == ([-1, 0], [0.0, 5.0, 0.0])


def test_missing_has_a_weight_from_thirty_rows_on() -> None:
    values: list[int | None] = [1, 2] * 100
    bads = [0, 1] * 100
    few = binned([*values, *[None] * 29], [*bads, *[1] * 29], rules())
    many = binned([*values, *[None] * 30], [*bads, *[1] * 30], rules())
    assert few.woe_missing == 0
    assert few.saw_missing
    assert many.woe_missing < -3


def test_a_column_without_a_value_is_one_neutral_bin() -> None:
    found = binned([None] * 50, [0, 1] * 25, rules())
    assert (found.edges, found.woe) == ((), (0.0,))
    assert found.woe_missing == pytest.approx(0)


def test_manual_splits_are_honoured() -> None:
    values = list(range(100))
    found = binned([*values], [value % 2 for value in values], rules(splits=(3, 97)))
    assert found.edges == (3, 97)
    assert [item.rows for item in found.table] == [3, 94, 3, 0]


def test_a_valley_is_found_where_it_is_declared_only() -> None:
    chance = random.Random(3)
    values = [chance.randrange(100) for _ in range(4_000)]
    bads = [int(chance.random() < 0.1 + abs(value - 50) / 100) for value in values]
    valley = binned([*values], bads, rules(Monotone.U_SHAPE))
    slope = binned([*values], bads, rules(Monotone.NONE))
    assert valley.iv > 3 * slope.iv
    lowest = max(range(len(valley.woe)), key=lambda place: valley.woe[place])
    assert 0 < lowest < len(valley.woe) - 1


def test_small_bins_are_merged() -> None:
    values = [0] * 500 + [1] * 5 + [2] * 500
    found = binned([*values], [value % 2 for value in range(1_005)], rules())
    assert all(item.rows >= 20 for item in found.table[:-1])


def test_rare_and_unseen_categories_weigh_nothing() -> None:
    names = ["north", "rare", "south"]
    codes = np.array([0] * 500 + [1] * 10 + [2] * 480 + [-1] * 10)
    bad = np.array([True] * 100 + [False] * 400 + [True] * 10 + [False] * 490)
    found = bin_categories(codes, names, bad, np.ones(1_000), 30)
    assert set(found.categories) == {"north", "south"}
    assert sum(item.rows for item in found.table) == 1_000
    weighed = apply_categories(found, np.array([0, 1, 2, -1]), names)
    assert weighed.tolist() == [found.categories["north"], 0, found.categories["south"], 0]
