"""A promotion: a lower price for some drawdowns, for a time, up to a budget that somebody pays.

Price       A percentage of the daily price is taken off; the rest is rounded half up. Below the
            promotion's own least price there is no promotion: nothing is clipped to fit.
Cost        The interest of the plan that the customer does not pay, minor units, as it was quoted.
Budget      Amount and number of uses are dealt out over portions, and a drawdown takes from one of
            them. No portion goes below zero, so the budget is never overspent; what may stay unused
            at the end is less than one use in each portion.
End         By itself, on the day that it names or when no portion holds another use.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.kernel.money import AMOUNT_MINOR_MAX, EXPONENTS, divide_half_up, from_major_text
from counterfoil.kernel.toml import parse_toml
from counterfoil.lending.product_values import CODE, FaultError, percent_e8

#: Who may pay for a promotion.
FUNDERS: Final = ("lender", "merchant", "partner")
#: Portions of a large budget, and how many uses a portion is to have at least.
PORTIONS_MAX: Final = 16
PORTION_USES_MIN: Final = 50
TEXT_LENGTH_MAX: Final = 20_000
_PERCENT = re.compile(r"([1-9][0-9]?) ?%")
_KEYS: Final = {
    *("code", "name_en", "name_zh", "products", "currency", "from", "to", "discount"),
    *("rate_daily_least", "budget", "uses_most", "uses_per_customer", "funder", "eligible"),
    *("tenors_months", "amount_least"),
}
_OPTIONAL: Final = {"eligible", "tenors_months", "amount_least"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What was agreed."""

    code: str
    name_en: str
    name_zh: str
    products: tuple[str, ...]
    currency: str
    begins_on: date
    #: The first day on which it no longer holds.
    ends_on: date
    #: Whole percent of the daily price that are taken off.
    discount_percent: int
    #: The least daily price that it leads to, 1e-8.
    rate_daily_e8_least: int
    budget_minor: int
    uses_most: int
    uses_per_customer: int
    funder: str
    #: A condition over what the line's decision knew, `grade` and `segment`; None for everybody.
    eligible: str | None
    #: Tenors that it is for; None for every one.
    tenors_months: tuple[int, ...] | None
    amount_minor_least: int
    #: SHA-256 of the canonical document, and the document itself.
    sha256: bytes
    document: str

    @property
    def portions(self) -> int:
        """Return into how many portions the budget is dealt out."""
        return max(1, min(PORTIONS_MAX, self.uses_most // PORTION_USES_MIN))

    def is_for(self, *, product: str, tenor_months: int, amount_minor: int, on: date) -> bool:
        """Tell whether a drawdown of a product falls under it, whoever draws."""
        return (
            product in self.products
            and self.begins_on <= on < self.ends_on
            and (self.tenors_months is None or tenor_months in self.tenors_months)
            and amount_minor >= self.amount_minor_least
        )

    def price(self, rate_daily_e8: int) -> int | None:
        """Return the daily price with the promotion; None where it would be below its least."""
        found = divide_half_up(rate_daily_e8 * (100 - self.discount_percent), 100)
        return found if self.rate_daily_e8_least <= found < rate_daily_e8 else None


def read_promotion(text: str) -> Promotion:
    """Return the promotion of a TOML document; raise FaultError with the first fault."""
    if len(text) > TEXT_LENGTH_MAX:
        raise FaultError(f"promotion: is longer than {TEXT_LENGTH_MAX:,} characters")
    try:
        table = parse_toml(text).get("promotion")
    except tomllib.TOMLDecodeError as error:
        raise FaultError(f"promotion: is not TOML: {error}") from error
    if not isinstance(table, dict):
        raise FaultError("promotion: is not a table")
    return promotion_of(table)


def promotion_of(table: Mapping[str, Any]) -> Promotion:
    """Return the promotion of a table as it was read, or as it is stored."""
    for key in sorted(table.keys() - _KEYS):
        raise FaultError(f"promotion.{key}: is not a key")
    for key in sorted(_KEYS - _OPTIONAL - table.keys()):
        raise FaultError(f"promotion.{key}: is missing")
    begins_on, ends_on = _day(table, "from"), _day(table, "to")
    if begins_on >= ends_on:
        raise FaultError("promotion.to: has to come after promotion.from")
    currency = _word(table, "currency", tuple(EXPONENTS))
    tenors = table.get("tenors_months")
    document = json.dumps(
        dict(table),
        default=date.isoformat,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return Promotion(
        code=_code(table["code"], "code"),
        name_en=_text(table, "name_en"),
        name_zh=_text(table, "name_zh"),
        products=tuple(_code(item, "products") for item in _some(table, "products")),
        currency=currency,
        begins_on=begins_on,
        ends_on=ends_on,
        discount_percent=_percent(table),
        rate_daily_e8_least=_rate(table),
        budget_minor=_amount(table, "budget", currency),
        uses_most=_count(table["uses_most"], "uses_most"),
        uses_per_customer=_count(table["uses_per_customer"], "uses_per_customer"),
        funder=_word(table, "funder", FUNDERS),
        eligible=_text(table, "eligible") if "eligible" in table else None,
        tenors_months=None
        if tenors is None
        else tuple(_count(item, "tenors_months") for item in _some(table, "tenors_months")),
        amount_minor_least=_amount(table, "amount_least", currency)
        if "amount_least" in table
        else 0,
        sha256=hashlib.sha256(document.encode()).digest(),
        document=document,
    )


def _day(table: Mapping[str, Any], key: str) -> date:
    value = table[key]
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise FaultError(f"promotion.{key}: is not a date") from error
    if type(value) is not date:
        raise FaultError(f"promotion.{key}: is not a date")
    return value


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise FaultError(f"promotion.{key}: is not a text")
    return value


def _word(table: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    value = table[key]
    if value not in words:
        raise FaultError(f"promotion.{key}: is none of {', '.join(words)}")
    return str(value)


def _code(value: Any, key: str) -> str:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        raise FaultError(f"promotion.{key}: {value!r} is not written like 'spring-2026'")
    return value


def _some(table: Mapping[str, Any], key: str) -> list[Any]:
    value = table[key]
    if not isinstance(value, list) or not value:
        raise FaultError(f"promotion.{key}: is not a list of one or more")
    return value


def _count(value: Any, key: str) -> int:
    if type(value) is not int or not 0 < value <= AMOUNT_MINOR_MAX:
        raise FaultError(f"promotion.{key}: is not a whole number above 0")
    return value


def _percent(table: Mapping[str, Any]) -> int:
    value = table["discount"]
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise FaultError("promotion.discount: is not a whole percentage from '1 %' to '99 %'")
    return int(match[1])


def _rate(table: Mapping[str, Any]) -> int:
    try:
        rate = percent_e8(_text(table, "rate_daily_least"))
    except FaultError as error:
        raise FaultError(f"promotion.rate_daily_least: {error}") from error
    if rate <= 0:
        raise FaultError("promotion.rate_daily_least: is not above 0")
    return rate


def _amount(table: Mapping[str, Any], key: str, currency: str) -> int:
    try:
        amount_minor = from_major_text(_text(table, key), currency)
    except ValueError as error:
        raise FaultError(f"promotion.{key}: {error}") from error
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise FaultError(f"promotion.{key}: is not above 0, or more than any amount")
    return amount_minor
