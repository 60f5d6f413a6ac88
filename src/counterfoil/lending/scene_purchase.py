"""Purchases of a scene: what has to be shown for one, and how much of it may be paid when.

Staged      Of a course no more is paid than what was given of it, by its reported progress, and
            the share that the scene pays ahead. What is paid later is a drawdown of its own, with
            its own cost sheet: nobody owes for lessons that were never given.
Students    Where the law of the licence leaves nothing for students, none is lent to; elsewhere a
            student shows a second source of repayment. Not asked is not known, and refused.
Follows     R067 (students).
Units       Minor units; shares in parts per million of the price.
Rounding    Shares of a price are rounded down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_refusals import (
    SCENE_COURSE_MISSING,
    SCENE_DOCUMENT_MISSING,
    SCENE_NOT_FOR_STUDENTS,
    SCENE_PROGRESS_EARLY,
    SCENE_PROGRESS_NOT_MORE,
    SCENE_PURCHASE_NEEDED,
    SCENE_STUDENT_UNKNOWN,
    SCENE_WITHDRAWAL_LATE,
)

_ONE_PPM: Final = 1_000_000
#: A paper by which somebody besides the student stands for repaying.
SECOND_SOURCE: Final = "second_source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a customer buys of a merchant."""

    customer_id: int
    purchase_id: int
    scene: str
    merchant_id: int
    price_minor: int
    currency: str
    #: First and last day of a course.
    course_from: date | None = None
    course_until: date | None = None
    #: Whether the borrower is a student; None where nobody asked.
    is_student: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseState:
    """A purchase with what was given and paid of it."""

    purchase: Purchase
    progress_ppm: int
    #: By loans that run or ran, and by drawdowns under way.
    paid_minor: int
    #: What the merchant gave back to its loans.
    refunded_minor: int = 0


def refuse_purchase(
    scene: Scene,
    purchase: Purchase,
    documents: Mapping[str, bytes],
    *,
    student_limit_minor: int | None,
) -> Refused | None:
    """Refuse a purchase that lacks a paper, its course, or what protects students.

    `student_limit_minor` is what the law of the product's licence leaves for students; None where
    no number is known.
    """
    missing = [kind for kind in scene.documents if kind not in documents]
    if missing:
        return refuse(SCENE_DOCUMENT_MISSING, scene=scene.code, documents=", ".join(missing))
    if _course_at_fault(scene, purchase):
        return refuse(SCENE_COURSE_MISSING, scene=scene.code)
    if not scene.protects_students or purchase.is_student is False:
        return None
    if purchase.is_student is None:
        return refuse(SCENE_STUDENT_UNKNOWN, scene=scene.code)
    if student_limit_minor is not None and purchase.price_minor > student_limit_minor:
        return refuse(SCENE_NOT_FOR_STUDENTS)
    if SECOND_SOURCE not in documents:
        return refuse(SCENE_DOCUMENT_MISSING, scene=scene.code, documents=SECOND_SOURCE)
    return None


def _course_at_fault(scene: Scene, purchase: Purchase) -> bool:
    """Tell whether a course has no days where it needs them, or ends before it begins."""
    if purchase.course_from is None or purchase.course_until is None:
        return scene.is_staged
    return purchase.course_until < purchase.course_from


def payable_minor(scene: Scene, state: PurchaseState) -> int:
    """Return how much more of a purchase may be paid now."""
    price = state.purchase.price_minor
    reached = min(_ONE_PPM, state.progress_ppm + scene.ahead_ppm)
    return max(0, price * reached // _ONE_PPM - state.paid_minor)


def purchase_for(
    scene: Scene, states: Sequence[PurchaseState], *, amount_minor: int, currency: str
) -> Purchase | Refused:
    """Return the first purchase of which an amount may be paid, the oldest first."""
    left = 0
    for state in states:
        if state.purchase.currency != currency:
            continue
        may_be_paid = payable_minor(scene, state)
        if amount_minor <= may_be_paid:
            return state.purchase
        left = max(left, may_be_paid)
    return refuse(SCENE_PURCHASE_NEEDED, scene=scene.code, left_minor=left, currency=currency)


def due_back_minor(state: PurchaseState) -> int:
    """Return what a merchant that delivers no more owes back: paid, not given, not refunded."""
    given = state.purchase.price_minor * state.progress_ppm // _ONE_PPM
    return max(0, state.paid_minor - given - state.refunded_minor)


def refuse_progress(
    purchase: Purchase, progress_ppm: int, *, last_ppm: int, on: date
) -> Refused | None:
    """Refuse progress before a course began, and progress that is none."""
    if purchase.course_from is None or on < purchase.course_from:
        return refuse(SCENE_PROGRESS_EARLY)
    if progress_ppm <= last_ppm:
        return refuse(SCENE_PROGRESS_NOT_MORE, last_ppm=last_ppm)
    return None


def refuse_withdrawal(scene: Scene, start_date: date, on: date) -> Refused | None:
    """Refuse to go back on a purchase after the days of cooling-off; the last one counts."""
    last = start_date + timedelta(days=scene.cooling_off_days)
    return refuse(SCENE_WITHDRAWAL_LATE, last_on=last.isoformat()) if on > last else None
