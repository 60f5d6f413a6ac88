"""What a purchase has to show, how much of it may be paid when, and until when it is taken back."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from counterfoil.kernel.errors import Refused
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.scene import CASH, Scene
from counterfoil.lending.scene_purchase import (
    Cause,
    Purchase,
    PurchaseState,
    claim_minor,
    due_back_minor,
    payable_minor,
    refuse_payment,
    refuse_progress,
    refuse_purchase,
    refuse_withdrawal,
)
from counterfoil.lending.scene_shelf import load_scenes

ON = date(2026, 3, 1)
SCENES = load_scenes().current(ON)
SCHOOL, TRAVEL = SCENES["education"], SCENES["travel"]
COURSE = Purchase(
    customer_id=1, purchase_id=2, scene="education", scene_version=SCHOOL.version, merchant_id=3,
    price_minor=1_000_001, currency="CNY", course_from=ON, course_until=date(2026, 8, 31),
    is_student=False,
)  # fmt: skip
PAPERS = {"enrolment_proof": bytes(32)}


def state(**changes: Any) -> PurchaseState:
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


def test_a_purchase_takes_what_may_be_paid_in_its_own_money_until_it_is_over() -> None:
    def code(found: PurchaseState, amount: int, currency: str = "CNY") -> str | None:
        refused = refuse_payment(SCHOOL, found, amount_minor=amount, currency=currency)
        return None if refused is None else refused.code

    assert code(state(paid_minor=200_000), 50_000) is None
    assert code(state(paid_minor=200_000), 50_001) == "scene_purchase_needed"
    assert code(state(), 1, "USD") == "scene_purchase_needed"
    assert code(state(claim_due_on=ON), 1) == "scene_purchase_needed"
    late = refuse_progress(state(claim_due_on=ON), 1, on=ON)
    assert late is not None
    assert late.code == "scene_purchase_over"


@pytest.mark.parametrize(
    ("scene", "cause", "owed"),
    [
        # Lessons that were given are not owed back; what else is taken back is, delivered or not.
        (SCHOOL, Cause.WITHDRAWAL, 150_000),
        (TRAVEL, Cause.WITHDRAWAL, 250_000),
        (SCHOOL, Cause.CANCELLATION, 150_000),
        (TRAVEL, Cause.CANCELLATION, 75_000),
        (TRAVEL, Cause.CLOSURE, 150_000),
        (SCENES["home_goods"], Cause.CANCELLATION, 0),
    ],
)
def test_each_scene_says_what_comes_back_for_which_cause(
    scene: Scene, cause: Cause, owed: int
) -> None:
    assert claim_minor(scene, state(progress_ppm=100_000, paid_minor=250_000), cause) == owed


def test_of_a_claim_what_was_refunded_is_left_out() -> None:
    assert state(claimed_minor=75_000, refunded_minor=50_000).claim_left_minor == 25_000
    assert state(claimed_minor=75_000, refunded_minor=80_000).claim_left_minor == 0


def test_the_last_day_of_cooling_off_counts() -> None:
    last = ON + timedelta(days=TRAVEL.cooling_off_days)
    assert refuse_withdrawal(TRAVEL, ON, last) is None
    assert isinstance(refuse_withdrawal(TRAVEL, ON, last + timedelta(days=1)), Refused)


def test_the_purchase_line_lends_no_cash_and_only_for_its_scenes() -> None:
    line = load_catalogue().terms("scene-line", 1)
    assert CASH not in line.scenes
    for code in line.scenes:
        scene = SCENES[code]
        assert scene.documents
        assert scene.limit_minor <= line.limit_minor_max
        assert set(scene.tenors_months) <= set(line.tenors_months)
