"""What a new product version changes, key by key, and what it means for customers."""

import tomllib
from copy import deepcopy
from datetime import date
from importlib import resources
from string import Formatter
from typing import Any

import pytest

from counterfoil.lending.product_difference import Change, Effect, difference, meanings
from counterfoil.lending.product_effect import CostChange, cost_changes
from counterfoil.lending.product_file import KEYS, Product, read_product

FEE = {
    "code": "service",
    "name_en": "Service",
    "name_zh": "服务费",
    "payee": "guarantor",
    "timing": "first_instalment",
    "amount": "5.00",
}


@pytest.fixture
def version() -> dict[str, Any]:
    source = resources.files("counterfoil") / "products" / "cash-line-open.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def changed(version: dict[str, Any], **changes: Any) -> list[Change]:
    """Return what differs when `table__key` says something else."""
    other = deepcopy(version)
    for name, value in changes.items():
        table, _, key = name.partition("__")
        if value is None:
            del other[table][key]
        else:
            other[table][key] = value
    assert isinstance(read_product("next.toml", other), Product)
    return difference(version, other)


def test_the_same_terms_differ_in_nothing_however_they_are_written(
    version: dict[str, Any],
) -> None:
    assert changed(version) == []
    assert (
        changed(version, line__limit_least="500", penalty__with_interest_annual_most="24.0%") == []
    )


def test_a_dearer_price_says_so_with_an_example(version: dict[str, Any]) -> None:
    version["interest"]["daily_most"] = "0.04 %"
    (change,) = changed(version, interest__daily_most="0.05 %")
    assert (change.key, change.before, change.after) == ("interest.daily_most", "0.04 %", "0.05 %")
    (meaning,) = change.meanings
    assert meaning.effect is Effect.WORSE
    assert "at most 150.00 instead of 120.00" in meaning.en
    assert "由 120.00 升至 150.00" in meaning.zh


@pytest.mark.parametrize(
    ("changes", "effect", "words"),
    [
        ({"interest__daily_least": "0.01 %"}, Effect.BETTER, "at least 30.00"),
        ({"penalty__grace_days": 5}, Effect.BETTER, "5 days after the due date instead of 3"),
        ({"penalty__grace_days": 0}, Effect.WORSE, "only up to 0 days"),
        ({"penalty__percent_of_rate": 30}, Effect.BETTER, "30 % of the rate instead of 50 %"),
        ({"drawdown__least": "200.00"}, Effect.WORSE, "Less than 200.00"),
        ({"line__limit_most": "300000.00"}, Effect.DIFFERENT, "up to 300000.00"),
        ({"meta__invited_only": True}, Effect.DIFFERENT, "now true"),
        ({"repayment__sweep": "by_part"}, Effect.DIFFERENT, "by_part"),
        ({"lender__id": "lender-two"}, Effect.DIFFERENT, "Another lender owns"),
        ({"meta__version": 2}, Effect.NONE, "next version"),
    ],
)
def test_each_change_has_its_effect_and_its_sentence(
    version: dict[str, Any], changes: dict[str, Any], effect: Effect, words: str
) -> None:
    (change,) = changed(version, **changes)
    (meaning,) = change.meanings
    assert meaning.effect is effect
    assert words in meaning.en


def test_a_day_that_moves_is_named(version: dict[str, Any]) -> None:
    later = version["meta"]["effective_from"].replace(year=2027)
    (change,) = changed(version, meta__effective_from=later)
    assert change.after == "2027-10-01"
    assert "2027-10-01" in change.meanings[0].en


def test_what_a_list_gains_and_loses_are_two_meanings(version: dict[str, Any]) -> None:
    (change,) = changed(version, drawdown__tenors_months=[6, 12, 24])
    gained, lost = change.meanings
    assert (gained.effect, lost.effect) == (Effect.BETTER, Effect.WORSE)
    assert "over 24 months" in gained.en
    assert "over 3, 9 months" in lost.en
    assert (change.before, change.after) == ("3, 6, 9, 12", "6, 12, 24")


def test_another_order_of_a_list_means_nothing_to_customers(version: dict[str, Any]) -> None:
    methods = list(reversed(version["drawdown"]["methods"]))
    (change,) = changed(version, drawdown__methods=methods)
    assert [meaning.effect for meaning in change.meanings] == [Effect.NONE]


def test_fees_are_told_apart_by_their_code(version: dict[str, Any]) -> None:
    version["meta"]["state"] = "draft"
    version["repayment"]["allocation"].insert(1, "fee")
    (added,) = changed(version, cost__fees=[FEE])
    assert [meaning.effect for meaning in added.meanings] == [Effect.WORSE]
    assert "service" in added.meanings[0].en
    assert added.after == "service (5.00)"
    version["cost"]["fees"] = [FEE]
    (dearer,) = changed(version, cost__fees=[{**FEE, "amount": "6.00"}])
    assert [meaning.effect for meaning in dearer.meanings] == [Effect.DIFFERENT]
    other = [{**FEE, "amount": "6.00"}, {**FEE, "code": "other"}]
    (both,) = changed(version, cost__fees=other)
    assert [meaning.effect for meaning in both.meanings] == [Effect.WORSE, Effect.DIFFERENT]


def test_what_comes_to_be_there_or_goes_is_a_change(version: dict[str, Any]) -> None:
    version["meta"]["state"] = "draft"
    (gone,) = changed(version, meta__approver=None)
    assert (gone.before, gone.after) == ("credit-committee", None)
    (came,) = difference({**version, "meta": {**version["meta"], "approver": "a"}}, version)
    assert came.after == "credit-committee"


def test_every_key_has_sentences_in_both_languages_for_every_way_it_can_move() -> None:
    assert meanings().keys() == KEYS.keys()
    known = {"before", "after", "items", "interest_before", "interest_after"}
    for key, moves in meanings().items():
        assert set(moves) <= {"up", "down", "added", "removed", "changed"}, key
        assert "changed" in moves or {"up", "down"} <= moves.keys(), key
        for move, entry in moves.items():
            assert Effect(entry["effect"])
            for language in ("en", "zh"):
                named = {name for _, name, _, _ in Formatter().parse(entry[language]) if name}
                assert named <= known
                assert ("items" in named) <= (move in {"added", "removed"})


def test_every_value_of_the_shipped_products_can_move(version: dict[str, Any]) -> None:
    """The table of sentences has the move that a value of this kind makes."""
    values = {
        key: value
        for table, keys in version.items()
        for key, value in ((f"{table}.{name}", value) for name, value in keys.items())
    }
    for key, value in values.items():
        moves = meanings()[key].keys()
        if isinstance(value, list) and key != "repayment.allocation":
            assert {"added", "removed", "changed"} <= moves, key
        elif isinstance(value, bool):
            assert "changed" in moves, key
        elif isinstance(value, int):
            assert {"up", "down"} <= moves, key


def costs(version: dict[str, Any], **changes: Any) -> list[CostChange]:
    other = deepcopy(version)
    for name, value in changes.items():
        table, _, key = name.partition("__")
        other[table][key] = value
    before, after = read_product("", version), read_product("", other)
    assert isinstance(before, Product)
    assert isinstance(after, Product)
    return cost_changes(before.terms, after.terms, on=date(2026, 3, 1))


def test_a_dearer_version_shows_dearer_sheets_and_the_same_one_the_same(
    version: dict[str, Any],
) -> None:
    assert all(one.before == one.after for one in costs(version))
    found = costs(version, interest__daily_most="0.058 %")
    for one in found:
        assert one.before.cost_minor is not None
        assert one.after.cost_minor is not None
        if one.price == "most":
            assert one.before.cost_minor < one.after.cost_minor
        else:
            assert one.before == one.after


def test_a_tenor_that_falls_away_or_comes_is_shown_as_not_lent(version: dict[str, Any]) -> None:
    found = {one.tenor_months: one for one in costs(version, drawdown__tenors_months=[3, 6, 9, 18])}
    assert sorted(found) == [3, 6, 9, 12, 18]
    assert found[12].after.refused == "tenor_not_offered"
    assert found[12].before.refused is None
    assert found[18].before.refused == "tenor_not_offered"
    assert found[18].after.cost_minor is not None
