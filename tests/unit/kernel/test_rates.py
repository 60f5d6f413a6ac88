"""Rates: per day and per year are two things, and turning one into the other has a name."""

import pytest

from counterfoil.kernel.rates import (
    RateAnnual,
    RateDaily,
    annual_from_daily,
    daily_from_annual,
    percent_text,
)


def test_a_daily_rate_is_quoted_as_365_of_itself() -> None:
    """0.035 % a day is 12.775 % a year."""
    assert annual_from_daily(RateDaily(35_000)) == 12_775_000
    assert daily_from_annual(RateAnnual(12_775_000)) == 35_000


def test_a_daily_rate_is_rounded_half_up() -> None:
    """24 % / 365 is 0.0657534246… %: 65,753 in 1e-8; 182.5 of 365 rounds up."""
    assert daily_from_annual(RateAnnual(24_000_000)) == 65_753
    assert daily_from_annual(RateAnnual(182)) == 0
    assert daily_from_annual(RateAnnual(183)) == 1


@pytest.mark.parametrize(
    ("rate_e8", "digits", "text"),
    [
        (12_775_000, 2, "12.78"),
        (12_774_999, 2, "12.77"),
        (35_000, 3, "0.035"),
        (0, 2, "0.00"),
        (-12_775_000, 2, "-12.78"),
        (12_500_000, 0, "13"),
        (1, 6, "0.000001"),
    ],
)
def test_rates_are_written_in_percent(rate_e8: int, digits: int, text: str) -> None:
    assert percent_text(rate_e8, digits=digits) == text
