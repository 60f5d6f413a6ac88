"""Figures as the reader sees them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from counterfoil.platform.web.format import Formats

ZONE = ZoneInfo("Asia/Shanghai")
EN = Formats(language="en", zone=ZONE)
ZH = Formats(language="zh-CN", zone=ZONE)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (0, "CNY", "0.00"),
        (1, "CNY", "0.01"),
        (123456789, "CNY", "1,234,567.89"),
        (-123456, "CNY", "−1,234.56"),
        (1234567, "JPY", "1,234,567"),
        (None, "CNY", "—"),
    ],
)
def test_amounts_keep_every_minor_unit(amount_minor: int | None, currency: str, text: str) -> None:
    assert EN.amount(amount_minor, currency) == text


def test_money_names_its_currency_as_the_language_does() -> None:
    assert EN.money(123456, "CNY") == "CNY 1,234.56"
    assert ZH.money(123456, "CNY") == "1,234.56 元"
    assert ZH.money(-5, "TWD") == "−0.05 新台币元"


@pytest.mark.parametrize(
    ("formats", "amount_minor", "number", "unit"),
    [
        (ZH, 999_999, "9,999.99", "元"),
        (ZH, 1_000_000, "1.00", "万元"),
        (ZH, 2_317_600_00, "231.76", "万元"),
        (ZH, 1_284_000_000_00, "12.84", "亿元"),
        (ZH, -1_284_000_000_00, "−12.84", "亿元"),
        (EN, 99_999, "999.99", "CNY"),
        (EN, 100_000, "1.00", "k CNY"),
        (EN, 701_024_91, "701.02", "k CNY"),
        (EN, 1_284_000_000_00, "1.28", "bn CNY"),
    ],
)
def test_tiles_count_by_the_units_of_the_language(
    formats: Formats, amount_minor: int, number: str, unit: str
) -> None:
    shown = formats.compact(amount_minor, "CNY")
    assert (shown.number, shown.unit) == (number, unit)
    assert shown.exact == formats.money(amount_minor, "CNY")


@pytest.mark.parametrize(
    ("rate_e8", "text"),
    [(35_000, "0.035%"), (50_000, "0.05%"), (24_000_000, "24.00%"), (1, "0.000001%"), (None, "—")],
)
def test_rates_keep_their_digits(rate_e8: int | None, text: str) -> None:
    assert EN.rate(rate_e8) == text


def test_a_daily_rate_is_quoted_by_the_year() -> None:
    assert EN.rate_annual(35_000) == "12.775%"
    assert EN.rate_annual(None) == "—"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 3, "33.33%"), (2, 3, "66.67%"), (-1, 3, "−33.33%"), (0, 0, "—")]
)
def test_shares_round_half_up_and_a_share_of_nothing_is_none(
    part: int, whole: int, text: str
) -> None:
    assert EN.percent(part, whole) == text


def test_exact_interest_shows_all_its_digits() -> None:
    assert EN.exact_interest(57_00000000, "CNY") == "0.57"
    assert EN.exact_interest(57_12345000, "CNY") == "0.5712345"
    assert EN.exact_interest(-1, "CNY") == "−0.0000000001"
    assert EN.exact_interest(1_50000000, "JPY") == "1.5"


def test_dates_stand_year_first_in_tables_and_by_language_in_prose() -> None:
    day = date(2026, 9, 21)
    assert EN.day(day) == ZH.day(day) == "2026-09-21"
    assert EN.day_prose(day) == "21 September 2026"
    assert ZH.day_prose(day) == "2026年9月21日"
    assert EN.day(None) == EN.day_prose(None) == "—"


def test_instants_stand_in_the_zone_of_the_lender() -> None:
    assert EN.instant(datetime(2026, 9, 20, 22, 5, 7, tzinfo=UTC)) == "2026-09-21 06:05"
    assert EN.instant(datetime(2026, 9, 20, 22, 5, 7, tzinfo=UTC), seconds=True).endswith(
        "06:05:07"
    )
    assert EN.day_of(datetime(2026, 9, 20, 22, 5, 7, tzinfo=UTC)) == "2026-09-21"
    assert EN.day_of(None) == "—"
