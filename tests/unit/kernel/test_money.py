"""Money: integers that are rounded in one place, and split without losing a unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel.money import (
    E8,
    Money,
    allocate,
    divide_half_up,
    from_major_text,
    round_half_up_e8,
    split,
    to_major_text,
)

AMOUNTS = st.integers(-(10**13), 10**13)


def test_amounts_of_one_currency_add_up_and_of_two_do_not() -> None:
    assert Money(250, "CNY") + Money(50, "CNY") - Money(1, "CNY") == Money(299, "CNY")
    assert -Money(250, "CNY") == Money(-250, "CNY")
    with pytest.raises(ValueError, match="CNY and USD do not add up"):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(ValueError, match="do not add up"):
        Money(1, "CNY") - Money(1, "JPY")


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_money_is_nothing_but_an_integer(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "CNY")  # type: ignore[arg-type]


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="'cny'"):
        Money(1, "cny")


def test_nobody_may_ask_whether_money_is_true() -> None:
    with pytest.raises(TypeError, match="amount_minor == 0"):
        bool(Money(0, "CNY"))


@pytest.mark.parametrize(
    ("value_e8", "rounded"),
    [
        (0, 0),
        (49_999_999, 0),
        (50_000_000, 1),
        (50_000_001, 1),
        (150_000_000, 2),
        (250_000_000, 3),
        (-49_999_999, 0),
        (-50_000_000, -1),
        (-150_000_000, -2),
        (-250_000_000, -3),
        (-250_000_001, -3),
    ],
)
def test_halves_go_away_from_zero(value_e8: int, rounded: int) -> None:
    assert round_half_up_e8(value_e8) == rounded
    assert divide_half_up(value_e8, E8) == rounded


@given(AMOUNTS, st.integers(1, 10**9))
def test_a_quotient_is_off_by_half_a_unit_at_most(numerator: int, denominator: int) -> None:
    quotient = divide_half_up(numerator, denominator)
    assert abs(2 * (quotient * denominator - numerator)) <= denominator
    assert divide_half_up(-numerator, denominator) == -quotient


def test_left_over_units_go_to_the_first_or_to_the_largest_remainder() -> None:
    assert split(100, 3) == (34, 33, 33)
    assert split(-100, 3) == (-34, -33, -33)
    assert split(2, 4) == (1, 1, 0, 0)
    # 129.47 by 55 : 30 : 15 is 71.2085, 38.841, 19.4205: one unit is left for the largest rest.
    assert allocate(12_947, (55, 30, 15)) == (7_121, 3_884, 1_942)
    # 0.28: 15.4, 8.4, 4.2: one left, two equal remainders, the earlier one gets it.
    assert allocate(28, (55, 30, 15)) == (16, 8, 4)
    assert allocate(5, (0, 1)) == (0, 5)
    assert Money(101, "CNY").split(2) == (Money(51, "CNY"), Money(50, "CNY"))
    assert Money(10, "CNY").allocate((1, 4)) == (Money(2, "CNY"), Money(8, "CNY"))


@given(AMOUNTS, st.lists(st.integers(0, 1_000), min_size=1, max_size=9).filter(sum))
def test_shares_sum_to_the_whole_and_lie_within_a_unit_of_their_due(
    amount: int, weights: list[int]
) -> None:
    shares = allocate(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - amount * weight) < sum(weights)


@pytest.mark.parametrize("weights", [(), (0, 0), (1, -1), (2, -1)])
def test_weights_that_share_nothing_are_refused(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"weights|empty"):
        allocate(100, weights)


def test_an_amount_is_split_into_one_part_at_least() -> None:
    with pytest.raises(ValueError, match="at least one"):
        split(100, 0)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, "CNY", "1234.56"),
        (5, "CNY", "0.05"),
        (-5, "CNY", "-0.05"),
        (0, "CNY", "0.00"),
        (1_234, "JPY", "1234"),
        (-1, "JPY", "-1"),
    ],
)
def test_amounts_are_written_and_read_in_major_units(minor: int, currency: str, text: str) -> None:
    assert to_major_text(minor, currency) == text
    assert from_major_text(text, currency) == minor
    assert str(Money(minor, currency)) == f"{text} {currency}"


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "1.234", "1,00", "+1", " 1", "1 ", "1e3", "--1", "1.-2", "٣", "1.٣",
     "1.²", "0x1", "1_0"],
)  # fmt: skip
def test_what_is_not_a_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|finer than"):
        from_major_text(text, "CNY")


def test_a_fraction_of_a_yen_is_refused() -> None:
    with pytest.raises(ValueError, match="finer"):
        from_major_text("1.0", "JPY")
