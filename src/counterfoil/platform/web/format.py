"""How figures look in a page: money, rates, dates and counts by language.

Units       Money comes in minor units, rates in 1e-8, exact interest in 1e-8 minor units.
Rounding    None, but for tiles (`compact`) and percentages, which round half up and say so by
            their digits. Exact amounts are shown exactly.
Signs       Minus is "−" (U+2212); "—" stands for a figure that is not there.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from babel.dates import format_date

from counterfoil.kernel.ids import to_text
from counterfoil.kernel.money import E8, EXPONENTS, divide_half_up
from counterfoil.kernel.rates import RateDaily, annual_from_daily

NONE: Final = "—"
MINUS: Final = "−"

_BABEL: Final = {"en": "en_GB", "zh-CN": "zh_Hans_CN"}
_CURRENCY_WORD: Final = {
    "CNY": "元",
    "TWD": "新台币元",
    "HKD": "港元",
    "USD": "美元",
    "EUR": "欧元",
    "JPY": "日元",
}
_UNITS: Final = {
    "zh-CN": ((10**8, "亿"), (10**4, "万")),
    "en": ((10**9, "bn"), (10**6, "m"), (10**3, "k")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """A large figure for a tile: the rounded number, its unit, and the exact text."""

    number: str
    unit: str
    exact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Formats of one language and of the lender's time zone."""

    language: str
    zone: tzinfo

    def amount(self, amount_minor: int | None, currency: str) -> str:
        """Return an amount without its currency, grouped by three."""
        if amount_minor is None:
            return NONE
        return _signed(amount_minor, _major(abs(amount_minor), EXPONENTS[currency]))

    def money(self, amount_minor: int | None, currency: str) -> str:
        """Return an amount with its currency, as it stands in prose."""
        if amount_minor is None:
            return NONE
        text = self.amount(amount_minor, currency)
        if self.language == "zh-CN":
            return f"{text} {self.currency(currency)}"
        return f"{currency} {text}"

    def currency(self, currency: str) -> str:
        """Return the currency's name in a column's header."""
        return _CURRENCY_WORD[currency] if self.language == "zh-CN" else currency

    def compact(self, amount_minor: int, currency: str) -> Compact:
        """Return an amount for a tile, to two digits after the point of its unit."""
        scale = 10 ** EXPONENTS[currency]
        word = self.currency(currency)
        exact = self.money(amount_minor, currency)
        for size, unit in _UNITS[self.language]:
            if abs(amount_minor) >= size * scale:
                hundredths = divide_half_up(abs(amount_minor) * 100, size * scale)
                number = _signed(amount_minor, _major(hundredths, 2))
                unit_text = unit + word if self.language == "zh-CN" else f"{unit} {word}"
                return Compact(number=number, unit=unit_text, exact=exact)
        return Compact(number=self.amount(amount_minor, currency), unit=word, exact=exact)

    def count(self, number: int | None) -> str:
        """Return a whole number grouped by three."""
        return NONE if number is None else _signed(number, f"{abs(number):,}")

    def percent(self, part: int, whole: int, *, digits: int = 2) -> str:
        """Return a share in percent, rounded half up; "—" where the whole is nothing."""
        if whole == 0:
            return NONE
        hundredths = divide_half_up(part * 100 * 10**digits, whole)
        return _signed(hundredths, _major(abs(hundredths), digits)) + "%"

    def rate(self, rate_e8: int | None) -> str:
        """Return a rate in percent with all its digits, at least two."""
        if rate_e8 is None:
            return NONE
        whole, fraction = divmod(abs(rate_e8), 1_000_000)
        digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
        return _signed(rate_e8, f"{whole}.{digits}%")

    def rate_annual(self, rate_daily_e8: int | None) -> str:
        """Return a daily rate as the simple annual rate it is quoted by."""
        if rate_daily_e8 is None:
            return NONE
        return self.rate(annual_from_daily(RateDaily(rate_daily_e8)))

    def exact_interest(self, interest_e8: int | None, currency: str) -> str:
        """Return exact interest with all its digits, at least those of a minor unit."""
        if interest_e8 is None:
            return NONE
        exponent = EXPONENTS[currency]
        minor, rest = divmod(abs(interest_e8), E8)
        digits = f"{rest:08d}".rstrip("0")
        text = _major(minor, exponent)
        if digits:
            text += digits if exponent else f".{digits}"
        return _signed(interest_e8, text)

    def day(self, value: date | None) -> str:
        """Return a date for a table, year first."""
        return NONE if value is None else value.isoformat()

    def day_prose(self, value: date | None) -> str:
        """Return a date as it is written in a sentence."""
        if value is None:
            return NONE
        return str(format_date(value, format="long", locale=_BABEL[self.language]))

    def local_day(self, value: datetime) -> date:
        """Return the day on which an instant falls in the lender's zone."""
        return value.astimezone(self.zone).date()

    def instant(self, value: datetime | None, *, seconds: bool = False) -> str:
        """Return an instant in the lender's zone."""
        if value is None:
            return NONE
        local = value.astimezone(self.zone)
        return local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")

    def day_of(self, value: datetime | None) -> str:
        """Return the day on which an instant falls in the lender's zone."""
        return NONE if value is None else self.day(value.astimezone(self.zone).date())

    def record(self, prefix: str, number: int | None) -> str:
        """Return the text of an identifier."""
        return NONE if number is None else to_text(prefix, number)


def _signed(sign_of: int, text: str) -> str:
    return MINUS + text if sign_of < 0 else text


def _major(minor: int, exponent: int) -> str:
    whole, fraction = divmod(minor, 10**exponent)
    return f"{whole:,}.{fraction:0{exponent}d}" if exponent else f"{whole:,}"
