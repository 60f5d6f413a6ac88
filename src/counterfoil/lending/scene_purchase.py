"""Purchases of a scene: what has to be shown for one, and how much of it may be paid when.

Staged      Of a course no more is paid than what was given of it, by its reported progress, and
            the share that the scene pays ahead. What is paid later is a drawdown of its own, with
            its own cost sheet: nobody owes for lessons that were never given.
Students    Where the law of the licence leaves nothing for students, none is lent to; elsewhere a
            student shows a second source of repayment. Not asked is not known, and refused.
Refunds     What nobody reported as given is not given. Of that a merchant owes back all where it
            closes or the customer goes back on the purchase in time, and the scene's share after a
            later cancellation. Of several claims on one purchase the highest counts, never a sum.
Follows     R067 (students).
Units       Minor units; shares in parts per million of the price.
Rounding    Shares of a price are rounded down.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
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
    SCENE_PURCHASE_OVER,
    SCENE_STUDENT_UNKNOWN,
    SCENE_WITHDRAWAL_LATE,
)

_ONE_PPM: Final = 1_000_000
#: A paper by which somebody besides the student stands for repaying.
SECOND_SOURCE: Final = "second_source"


class Cause(StrEnum):
    """Why a merchant owes something back."""

    #: The customer went back on the purchase within the days of cooling-off.
    WITHDRAWAL = "withdrawal"
    #: The customer gave it up later.
    CANCELLATION = "cancellation"
    #: The merchant delivers no more.
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a customer buys of a merchant."""

    customer_id: int
    purchase_id: int
    scene: str
    #: Of the rules of the scene that hold for it.
    scene_version: str
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
    #: The highest claim on the merchant, and when the first one is to be paid; None without any.
    claimed_minor: int = 0
    claim_due_on: date | None = None

    @property
    def is_over(self) -> bool:
        """Return whether nothing is given or paid any more."""
        return self.claim_due_on is not None

    @property
    def claim_left_minor(self) -> int:
        """Return what the merchant has to give back and has not."""
        return max(0, self.claimed_minor - self.refunded_minor)


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
    """Return how much more of a purchase may be paid now; nothing of one that is over."""
    if state.is_over:
        return 0
    price = state.purchase.price_minor
    reached = min(_ONE_PPM, state.progress_ppm + scene.ahead_ppm)
    return max(0, price * reached // _ONE_PPM - state.paid_minor)


def refuse_payment(
    scene: Scene, state: PurchaseState, *, amount_minor: int, currency: str
) -> Refused | None:
    """Refuse to pay of a purchase what is more than may be paid now, or other money."""
    left = payable_minor(scene, state) if state.purchase.currency == currency else 0
    if amount_minor <= left:
        return None
    return refuse(SCENE_PURCHASE_NEEDED, scene=scene.code, left_minor=left, currency=currency)


def due_back_minor(state: PurchaseState) -> int:
    """Return what a merchant that delivers no more owes back: paid, not given, not refunded."""
    return max(0, _not_given_minor(state) - state.refunded_minor)


def claim_minor(scene: Scene, state: PurchaseState, cause: Cause) -> int:
    """Return what a merchant owes back for a cause, before what it has refunded.

    What is taken back in time comes back whole, delivered or not; lessons that were given do not.
    """
    if cause is Cause.WITHDRAWAL and not scene.is_staged:
        return state.paid_minor
    share = scene.cancelled_refund_ppm if cause is Cause.CANCELLATION else _ONE_PPM
    return _not_given_minor(state) * share // _ONE_PPM


def split_refund(
    room: Sequence[tuple[int, int]], amount_minor: int, *, first: Container[int]
) -> list[tuple[int, int]] | None:
    """Return what of a refund goes to each loan; None where they take less than that.

    `room` is each running loan with what may be refunded to it. Those of `first` come first, then
    the newest.
    """
    left, shares = amount_minor, []
    for loan_id, most in sorted(room, key=lambda one: (one[0] not in first, -one[0])):
        share = min(left, most)
        if share > 0:
            shares.append((loan_id, share))
            left -= share
    return None if left else shares


def _not_given_minor(state: PurchaseState) -> int:
    given = state.purchase.price_minor * state.progress_ppm // _ONE_PPM
    return max(0, state.paid_minor - given)


def refuse_progress(state: PurchaseState, progress_ppm: int, *, on: date) -> Refused | None:
    """Refuse progress before the first day, of what is over, and progress that is none."""
    begins = state.purchase.course_from
    if begins is not None and on < begins:
        return refuse(SCENE_PROGRESS_EARLY)
    if state.is_over:
        return refuse(SCENE_PURCHASE_OVER)
    if progress_ppm <= state.progress_ppm:
        return refuse(SCENE_PROGRESS_NOT_MORE, last_ppm=state.progress_ppm)
    return None


def last_day_of_cooling_off(scene: Scene, start_date: date) -> date:
    """Return the last day on which a customer may go back on what a loan pays for."""
    return start_date + timedelta(days=scene.cooling_off_days)


def refuse_withdrawal(scene: Scene, start_date: date, on: date) -> Refused | None:
    """Refuse to go back on a purchase after the days of cooling-off; the last one counts."""
    last = last_day_of_cooling_off(scene, start_date)
    return refuse(SCENE_WITHDRAWAL_LATE, last_on=last.isoformat()) if on > last else None
