"""Promotions: what a document says, whom it is for, and what it does to a price."""

import tomllib
from datetime import date

import pytest

from counterfoil.lending.product_values import FaultError
from counterfoil.lending.promotion import PORTIONS_MAX, promotion_of, read_promotion

TEXT = """
[promotion]
code = "spring-2026"
name_en = "Spring offer"
name_zh = "春季优惠"
products = ["cash-line-open"]
currency = "CNY"
from = 2026-03-01
to = 2026-04-01
discount = "20 %"
rate_daily_least = "0.015 %"
budget = "500.00"
uses_most = 10
uses_per_customer = 1
funder = "lender"
eligible = "grade IN ('A', 'B')"
tenors_months = [3, 6]
amount_least = "1000.00"
"""
SPRING = read_promotion(TEXT)
DRAWDOWN = {
    "product": "cash-line-open",
    "tenor_months": 3,
    "amount_minor": 100_000,
    "on": date(2026, 3, 1),
}


def test_a_document_says_what_was_agreed_and_is_read_again_from_what_is_stored() -> None:
    assert SPRING.discount_percent == 20
    assert SPRING.budget_minor == 50_000
    assert SPRING.rate_daily_e8_least == 15_000
    assert len(SPRING.sha256) == 32
    assert promotion_of(tomllib.loads(TEXT)["promotion"]) == SPRING


@pytest.mark.parametrize(
    ("changes", "is_for"),
    [
        ({}, True),
        ({"on": date(2026, 2, 28)}, False),
        ({"on": date(2026, 3, 31)}, True),
        ({"on": date(2026, 4, 1)}, False),
        ({"tenor_months": 9}, False),
        ({"amount_minor": 99_999}, False),
        ({"product": "cash-line-invited"}, False),
    ],
)
def test_a_promotion_holds_for_its_products_days_tenors_and_amounts(
    changes: dict[str, object], *, is_for: bool
) -> None:
    assert SPRING.is_for(**DRAWDOWN | changes) is is_for  # type: ignore[arg-type]


def test_a_price_is_rounded_half_up_and_never_made_to_fit_below_the_least() -> None:
    assert SPRING.price(35_000) == 28_000
    assert SPRING.price(35_003) == 28_002
    assert SPRING.price(18_750) == 15_000
    assert SPRING.price(18_740) is None
    assert SPRING.price(1) is None


def test_small_budgets_stay_whole_and_large_ones_are_dealt_out() -> None:
    assert SPRING.portions == 1
    assert read_promotion(TEXT.replace("uses_most = 10", "uses_most = 200")).portions == 4
    many = read_promotion(TEXT.replace("uses_most = 10", "uses_most = 1000000"))
    assert many.portions == PORTIONS_MAX


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('code = "spring-2026"', 'code = "Spring!"', "promotion.code"),
        ('"20 %"', '"0 %"', "promotion.discount"),
        ('"20 %"', '"100 %"', "promotion.discount"),
        ("to = 2026-04-01", "to = 2026-03-01", "promotion.to"),
        ("to = 2026-04-01", 'to = "soon"', "promotion.to"),
        ('funder = "lender"', 'funder = "platform"', "promotion.funder"),
        ('budget = "500.00"', 'budget = "0.00"', "promotion.budget"),
        ('budget = "500.00"', "budget = 500", "promotion.budget"),
        ("uses_most = 10", "uses_most = 0", "promotion.uses_most"),
        ("uses_most = 10\n", "", "promotion.uses_most: is missing"),
        ("[3, 6]", "[]", "promotion.tenors_months"),
        ('"0.015 %"', '"0 %"', "promotion.rate_daily_least"),
        ('"0.015 %"', '"much"', "promotion.rate_daily_least"),
        ('currency = "CNY"', 'currency = "ZZZ"', "promotion.currency"),
        ('name_en = "Spring offer"', 'name_en = " "', "promotion.name_en"),
        ("uses_per_customer = 1", "uses_per_customer = 1\ncolour = 1", "promotion.colour"),
        ("[promotion]", "[[promotion]]", "is not a table"),
        ("[promotion]", "[promotion", "is not TOML"),
    ],
)
def test_a_document_that_is_not_in_order_is_refused_with_its_key(
    before: str, after: str, told: str
) -> None:
    assert before in TEXT
    with pytest.raises(FaultError, match=told.replace(".", r"\.")):
        read_promotion(TEXT.replace(before, after, 1))
