"""Scenes narrow what a product lends, and stop by themselves where too much is late."""

from dataclasses import replace
from datetime import date

from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.commands import Draw
from counterfoil.lending.scene import (
    SceneBook,
    beyond_tolerance,
    refuse_drawdown,
    scene_of,
)
from counterfoil.lending.scene_shelf import load_scenes
from counterfoil.lending.terms import Method

SCENES = load_scenes().current(date(2026, 3, 1))
TRAVEL = SCENES["travel"]
CASH = load_catalogue().terms("cash-line-open", 1)
DRAW = Draw(
    customer_id=1, line_id=1, amount_minor=TRAVEL.limit_minor, currency="CNY", tenor_months=3,
    method=Method.BULLET, purpose="travel", payee_ref="t", cost_sheet_hash=b"",
)  # fmt: skip


def code(found: object) -> str:
    assert isinstance(found, Refused), found
    return found.code


def test_a_cash_product_has_no_rules_of_a_scene() -> None:
    assert scene_of(SCENES, CASH, "travel") is None


def test_a_purpose_belongs_to_the_scene_that_names_it() -> None:
    both = replace(CASH, scenes=("travel", "education"))
    assert scene_of(SCENES, both, "training") == SCENES["education"]
    assert code(scene_of(SCENES, both, "renovation")) == "scene_purpose_unknown"
    with_cash = replace(CASH, scenes=("cash", "travel"))
    assert scene_of(SCENES, with_cash, "renovation") is None
    assert scene_of(SCENES, with_cash, "travel") == TRAVEL


def test_a_scene_has_its_own_tenors_and_limit() -> None:
    assert refuse_drawdown(TRAVEL, DRAW) is None
    assert code(refuse_drawdown(TRAVEL, replace(DRAW, tenor_months=12))) == "tenor_not_offered"
    assert code(refuse_drawdown(TRAVEL, DRAW, owed_minor=1)) == "scene_limit_reached"


def book(loans: int, late: int, merchant: int | None = None) -> SceneBook:
    return SceneBook(
        scene="travel", merchant_id=merchant, loans_count=loans, owed_minor=1_000_000,
        late_minor=late,
    )  # fmt: skip


def test_only_what_is_above_the_tolerance_stops_and_only_where_enough_is_known() -> None:
    at, above = book(20, 40_000), book(20, 40_001, merchant=7)
    few = book(19, 900_000, merchant=8)
    other = replace(above, scene="education")
    assert beyond_tolerance(TRAVEL, [at, above, few, other]) == [above]
    assert above.late_ppm == 40_001
    assert replace(at, owed_minor=0, late_minor=0).late_ppm == 0
