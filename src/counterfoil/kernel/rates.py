"""Interest rates as integers in units of 1e-8, per day or per year; never both at once.

Units       `RateDaily` 1e-8 per day (0.035 % a day is 35,000); `RateAnnual` 1e-8 per year.
Rounding    Conversions are named and say how they round.
"""

from typing import NewType

from counterfoil.kernel.money import divide_half_up

RateDaily = NewType("RateDaily", int)
RateAnnual = NewType("RateAnnual", int)

#: One hundred percent.
ONE_E8 = 100_000_000

#: Days in the year by which a daily rate is quoted as a simple annual rate.
DAYS_IN_QUOTED_YEAR = 365


def annual_from_daily(rate_daily_e8: RateDaily) -> RateAnnual:
    """Return the simple annual rate of a daily rate, 365 days a year; exact."""
    return RateAnnual(rate_daily_e8 * DAYS_IN_QUOTED_YEAR)


def daily_from_annual(rate_annual_e8: RateAnnual) -> RateDaily:
    """Return the daily rate of a simple annual rate, 365 days a year, halves up."""
    return RateDaily(divide_half_up(rate_annual_e8, DAYS_IN_QUOTED_YEAR))


def percent_text(rate_e8: int, *, digits: int = 2) -> str:
    """Return a rate in percent as text, rounded half up to `digits` places."""
    scaled = divide_half_up(rate_e8 * 10**digits, 1_000_000)
    sign = "-" if scaled < 0 else ""
    text = str(abs(scaled)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else sign + text
