"""Simple daily interest: exact until it is demanded, rounded once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.lending.interest import accrued_e8, payable

DAY = date(2026, 3, 1)


def test_interest_is_principal_times_rate_times_days() -> None:
    """1,000.00 at 0.04 % for 31 days is 12.40; over a leap day there is one day more."""
    assert accrued_e8(100_000, 40_000, DAY, DAY + timedelta(days=31)) == 1_240 * 10**8
    assert accrued_e8(100_000, 40_000, date(2028, 2, 28), date(2028, 3, 1)) == 80 * 10**8
    assert accrued_e8(100_000, 40_000, DAY, DAY) == 0


@given(st.integers(0, 10**10), st.integers(0, 10**6), st.integers(0, 400), st.integers(0, 400))
def test_interest_is_the_same_over_any_cut(
    principal: int, rate: int, first: int, then: int
) -> None:
    middle, end = DAY + timedelta(days=first), DAY + timedelta(days=first + then)
    whole = accrued_e8(principal, rate, DAY, end)
    assert whole == accrued_e8(principal, rate, DAY, middle) + accrued_e8(
        principal, rate, middle, end
    )


@pytest.mark.parametrize(
    ("exact_e8", "minor"),
    [
        (0, 0), (49_999_999, 0), (50_000_000, 1), (149_999_999, 1), (150_000_000, 2),
        (-1, 0), (-50_000_000, 0), (-10**12, 0),
    ],
)  # fmt: skip
def test_halves_are_payable_and_nothing_below_zero_is(exact_e8: int, minor: int) -> None:
    assert payable(exact_e8) == minor
