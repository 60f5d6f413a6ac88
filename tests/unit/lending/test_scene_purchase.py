"""What a purchase has to show, how much of it may be paid when, and until when it is taken back."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.scene import CASH, ScenesInvalidError, read_scenes, shipped_scenes
from counterfoil.lending.scene_purchase import (
    Purchase,
    PurchaseState,
    due_back_minor,
    payable_minor,
    purchase_for,
    refuse_purchase,
    refuse_withdrawal,
)

SCHOOL, TRAVEL = shipped_scenes()["education"], shipped_scenes()["travel"]
ON = date(2026, 3, 1)
COURSE = Purchase(
    customer_id=1, purchase_id=2, scene="education", merchant_id=3, price_minor=1_000_001,
    currency="CNY", course_from=ON, course_until=date(2026, 8, 31), is_student=False,
)  # fmt: skip
PAPERS = {"enrolment_proof": bytes(32)}


def state(**changes: int) -> PurchaseState:
    return PurchaseState(purchase=COURSE, **{"progress_ppm": 0, "paid_minor": 0, **changes})


@pytest.mark.parametrize(
    ("is_student", "limit", "papers", "wanted"),
    [
        (False, 0, PAPERS, None),
        (None, None, PAPERS, "scene_student_unknown"),
        (True, 0, PAPERS | {"second_source": bytes(32)}, "scene_not_for_students"),
        (True, None, PAPERS, "scene_document_missing"),
        (True, None, PAPERS | {"second_source": bytes(32)}, None),
        (True, 2_000_000, PAPERS | {"second_source": bytes(32)}, None),
    ],
)
def test_students_are_protected(
    is_student: bool | None,  # noqa: FBT001
    limit: int | None,
    papers: dict[str, bytes],
    wanted: str | None,
) -> None:
    course = replace(COURSE, is_student=is_student)
    refused = refuse_purchase(SCHOOL, course, papers, student_limit_minor=limit)
    assert (refused and refused.code) == wanted


@pytest.mark.parametrize(
    ("progress", "paid", "payable"),
    [(0, 0, 250_000), (0, 250_000, 0), (400_000, 250_000, 400_000), (900_000, 0, 1_000_001)],
)
def test_no_more_is_paid_than_was_given_and_a_quarter_ahead(
    progress: int, paid: int, payable: int
) -> None:
    found = payable_minor(SCHOOL, state(progress_ppm=progress, paid_minor=paid))
    assert found == payable


def test_a_merchant_owes_back_what_it_was_paid_and_did_not_give() -> None:
    assert due_back_minor(state(progress_ppm=100_000, paid_minor=250_000)) == 150_000
    half = state(progress_ppm=100_000, paid_minor=250_000, refunded_minor=100_000)
    assert due_back_minor(half) == 50_000
    assert due_back_minor(state(progress_ppm=500_000, paid_minor=250_000)) == 0


def test_the_oldest_purchase_that_may_take_as_much_is_paid() -> None:
    newer = replace(state(), purchase=replace(COURSE, purchase_id=9))
    states = [state(paid_minor=200_000), newer]
    paid = purchase_for(SCHOOL, states, amount_minor=50_000, currency="CNY")
    assert isinstance(paid, Purchase)
    assert paid.purchase_id == 2
    other = purchase_for(SCHOOL, states, amount_minor=50_001, currency="CNY")
    assert isinstance(other, Purchase)
    assert other.purchase_id == 9
    foreign = purchase_for(SCHOOL, states, amount_minor=1, currency="USD")
    assert isinstance(foreign, Refused)


def test_the_last_day_of_cooling_off_counts() -> None:
    last = ON + timedelta(days=TRAVEL.cooling_off_days)
    assert refuse_withdrawal(TRAVEL, ON, last) is None
    assert isinstance(refuse_withdrawal(TRAVEL, ON, last + timedelta(days=1)), Refused)


def test_a_scene_that_pays_nothing_is_refused() -> None:
    text = """[scenes.a]
name_zh = "甲"
name_en = "A"
purposes = ["a"]
limit_minor = 1
tenors_months = [3]
late_days = 30
late_ppm_max = 0
loans_min = 1
documents = []
ahead_ppm = 0
needs_licence = false
cooling_off_days = 0
protects_students = false
"""
    with pytest.raises(ScenesInvalidError, match="pays nothing"):
        read_scenes(text)
    assert not read_scenes(text.replace("ahead_ppm = 0", "ahead_ppm = 1000000"))["a"].is_staged


def test_the_purchase_line_lends_no_cash_and_only_for_its_scenes() -> None:
    line = load_catalogue().terms("scene-line", 1)
    assert CASH not in line.scenes
    for code in line.scenes:
        scene = shipped_scenes()[code]
        assert scene.needs_purchase
        assert scene.limit_minor <= line.limit_minor_max
        assert set(scene.tenors_months) <= set(line.tenors_months)
