"""Worked shares of funders: own arithmetic; shares always sum to the amount."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.lending.conventions.split import blended_rate, shares_by_category, shares_of

WEIGHTS = [Fraction("0.55"), Fraction("0.30"), Fraction("0.15")]


def test_each_category_is_shared_for_itself() -> None:
    amounts = {"principal": 129_47, "interest": 7_85, "fee": 28, "penalty": 53}
    shares = shares_by_category(amounts, WEIGHTS)
    assert shares == {
        "principal": [71_21, 38_84, 19_42],
        "interest": [4_32, 2_35, 1_18],
        "fee": [16, 8, 4],
        "penalty": [29, 16, 8],
    }
    totals = [sum(parts) for parts in zip(*shares.values(), strict=True)]
    assert totals == [75_98, 41_43, 20_72]
    assert shares_of(138_13, WEIGHTS) == [75_97, 41_44, 20_72]


def test_a_tie_goes_to_the_residual_funder_else_to_the_first() -> None:
    halves = [Fraction(1, 2), Fraction(1, 2)]
    assert shares_of(1, halves, residual=1) == [0, 1]
    assert shares_of(1, halves) == [1, 0]


def test_the_blended_rate_is_the_mean_by_weight() -> None:
    rates = [Fraction("0.10"), Fraction("0.20")]
    assert blended_rate([Fraction("0.8"), Fraction("0.2")], rates) == Fraction("0.12")


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(1, 1000), min_size=1, max_size=7),
    st.integers(0, 6),
)
def test_shares_sum_to_the_amount_and_are_within_a_cent_of_the_entitlement(
    amount_minor: int, raw: list[int], residual: int
) -> None:
    weights = [Fraction(one, sum(raw)) for one in raw]
    shares = shares_of(amount_minor, weights, residual=residual % len(raw))
    assert sum(shares) == amount_minor
    exact = [amount_minor * weight for weight in weights]
    assert all(abs(share - one) < 1 for share, one in zip(shares, exact, strict=True))
    assert min(shares) >= 0
