"""What is proposed where a bad record touched a decision; a person decides on each proposal.

Invariant   Nothing is taken from a customer because a record was wrong: a line that would not be
            opened today is looked at by its next review, and by nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

_APPROVED: Final = "approved"
_DECLINED: Final = "declined"


class Remedy(StrEnum):
    """What is proposed."""

    #: It would end better now: the customer is told and asked to apply again, with a person.
    OFFER_AGAIN = "offer_again"
    #: It would not be granted now: the lines are reviewed next.
    REVIEW_LINE = "review_line"
    #: It ends alike, on other data: the customer is told.
    TELL = "tell"
    #: The decision did not read what was wrong.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One decision that a bad record reached, and what is proposed."""

    customer_id: int
    correction_id: int
    #: The act that found it; one act finds several decisions.
    case_id: int
    source_record: str
    subject_id: int
    decision_no: int
    policy_hash: str
    was: str
    is_now: str
    #: Names of what was read wrongly.
    changed: tuple[str, ...]
    remedy: Remedy
    #: SHA-256 of the registry by which it was folded.
    registry: str
    found_by: str
    reason: str
    found_at: datetime


def remedy_of(was: str, is_now: str, *, is_changed: bool) -> Remedy:
    """Return what is proposed for a decision with an outcome, and the one it would have now."""
    if was == is_now:
        return Remedy.TELL if is_changed else Remedy.NONE
    if is_now == _APPROVED or was == _DECLINED:
        return Remedy.OFFER_AGAIN
    return Remedy.REVIEW_LINE if was == _APPROVED else Remedy.TELL
