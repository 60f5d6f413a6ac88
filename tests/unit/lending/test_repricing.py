"""Another price for a line: falls at once, rises after notice, never above what was agreed."""

from datetime import UTC, date, datetime

import pytest

from counterfoil.kernel.errors import Refused
from counterfoil.lending.repricing import LinePrice, price_on, refuse_price

ON = date(2026, 3, 1)
AGREED = 35_000


def price(rate_daily_e8: int, effective_on: date, number: int = 1) -> LinePrice:
    return LinePrice(
        customer_id=1,
        line_id=2,
        price_no=number,
        rate_daily_e8=rate_daily_e8,
        effective_on=effective_on,
        announced_at=datetime(2026, 3, 1, tzinfo=UTC),
        author="chen-jie",
        reason="repaid well",
    )


FALL = price(30_000, ON)


def refused(wanted: LinePrice, *earlier: LinePrice) -> Refused | None:
    return refuse_price(
        wanted,
        earlier,
        on=ON,
        bounds_daily_e8=(20_000, 55_000),
        agreed_daily_e8=AGREED,
        notice_days=15,
    )


def test_the_price_that_began_last_counts_and_never_passes_the_agreement() -> None:
    prices = [FALL, price(32_000, date(2026, 3, 16), 2), price(31_000, date(2026, 3, 16), 3)]
    days = (date(2026, 2, 28), ON, date(2026, 3, 15), date(2026, 3, 16))
    found = [price_on(prices, day, agreed_daily_e8=AGREED) for day in days]
    assert found == [35_000, 30_000, 30_000, 31_000]
    assert price_on(prices, ON, agreed_daily_e8=25_000) == 25_000


@pytest.mark.parametrize(
    ("wanted", "earlier", "code"),
    [
        (price(30_000, ON), (), None),
        (price(35_000, ON), (), None),
        (price(30_000, date(2026, 2, 28)), (), "price_notice_too_short"),
        (price(32_000, date(2026, 3, 15), 2), (FALL,), "price_notice_too_short"),
        (price(32_000, date(2026, 3, 16), 2), (FALL,), None),
        # A rise against a fall that is announced and has not begun needs its notice as well.
        (price(34_000, date(2026, 3, 10), 2), (price(30_000, date(2026, 3, 9)),),
         "price_notice_too_short"),
        (price(35_001, date(2026, 6, 1)), (), "price_above_signed"),
        (price(19_999, ON), (), "rate_out_of_range"),
        (price(55_001, ON), (), "rate_out_of_range"),
    ],
)  # fmt: skip
def test_a_price_is_refused_for_its_reason(
    wanted: LinePrice, earlier: tuple[LinePrice, ...], code: str | None
) -> None:
    found = refused(wanted, *earlier)
    assert (None if found is None else found.code) == code
