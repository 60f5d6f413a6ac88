"""Another price for a line's new drawdowns: at once where it falls, after notice where it rises.

Invariant   The price that was agreed to is the highest that any drawdown costs; a rise only takes
            back an earlier fall. Running loans keep the price that they were drawn at.
Notice      A rise holds after the days of the rule pack, a fall from the day that it names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.refusals import (
    PRICE_ABOVE_SIGNED,
    PRICE_NOTICE_TOO_SHORT,
    RATE_OUT_OF_RANGE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrice:
    """A price of a line for new drawdowns."""

    customer_id: int
    line_id: int
    price_no: int
    #: Daily, 1e-8.
    rate_daily_e8: int
    effective_on: date
    announced_at: datetime
    author: str
    reason: str


def price_on(prices: Iterable[LinePrice], on: date, *, agreed_daily_e8: int) -> int:
    """Return the daily price of a line's new drawdowns on a date.

    Of several that have begun the one that began last counts, of one day the last announced.
    """
    begun = [price for price in prices if price.effective_on <= on]
    last = max(begun, key=lambda price: (price.effective_on, price.price_no), default=None)
    return agreed_daily_e8 if last is None else min(last.rate_daily_e8, agreed_daily_e8)


def refuse_price(
    price: LinePrice,
    prices: Iterable[LinePrice],
    *,
    on: date,
    bounds_daily_e8: tuple[int, int],
    agreed_daily_e8: int,
    notice_days: int,
) -> Refused | None:
    """Refuse a price outside the product's, above the agreed one, or without the notice it needs.

    `on` is the business date; `bounds_daily_e8` are the product's least and highest price.
    """
    least, most = bounds_daily_e8
    if not least <= price.rate_daily_e8 <= most:
        return refuse(RATE_OUT_OF_RANGE, minimum_daily_e8=least, maximum_daily_e8=most)
    if price.rate_daily_e8 > agreed_daily_e8:
        return refuse(PRICE_ABOVE_SIGNED, agreed_daily_e8=agreed_daily_e8)
    earlier = list(prices)
    before = price_on(earlier, price.effective_on, agreed_daily_e8=agreed_daily_e8)
    present = price_on(earlier, on, agreed_daily_e8=agreed_daily_e8)
    rises = price.rate_daily_e8 > min(before, present)
    earliest = on + timedelta(days=notice_days) if rises else on
    if price.effective_on < earliest:
        return refuse(PRICE_NOTICE_TOO_SHORT, earliest=earliest.isoformat(), days=notice_days)
    return None
