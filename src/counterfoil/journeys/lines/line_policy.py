"""The line-review policy in force: the shipped one until a lender has published its own.

Tripped     A version whose cap has held something back since it was published reviews on, and what
            it would take from anybody goes to people; or, where its document says `previous`, the
            version before it reviews until this one is published again. Both stand in the trail.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.document import load_review_policy
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.policy_parts import OnTrip
from counterfoil.platform.database import Connection

#: What reviews until a lender has published a version of its own.
SHIPPED_REVIEW = "review-2026-02"


class ReviewInForce(NamedTuple):
    """The version that reviews now."""

    policy: ReviewPolicy
    #: The version that was published last, where it tripped and another reviews instead.
    fallen_from: ReviewPolicy | None = None


async def review_in_force(connection: Connection, *, at: datetime) -> ReviewInForce:
    """Return the version by which lines are reviewed at an instant, and why it is that one."""
    published = await store.published_review_policies(connection, at=at)
    if not published:
        return ReviewInForce(shipped_review_policy())
    (newest, has_tripped), *before = published
    cap = newest.action_cap
    if not has_tripped or cap is None or cap.on_trip is not OnTrip.PREVIOUS:
        return ReviewInForce(newest)
    previous = before[0][0] if before else shipped_review_policy()
    return ReviewInForce(newest if previous.hash == newest.hash else previous, newest)


async def review_policy_in_force(connection: Connection, *, at: datetime) -> ReviewPolicy:
    """Return the version of `review_in_force` alone."""
    return (await review_in_force(connection, at=at)).policy


@cache
def shipped_review_policy() -> ReviewPolicy:
    """Return the policy that the product comes with; it is read once."""
    return load_review_policy(SHIPPED_REVIEW)


class WindowCounts:
    """What versions have done within the windows of their caps, counted on through a run.

    A window is read again when a run has doubled what it found there, so that what a run reads
    grows with what it reviews and not with its square. What others review meanwhile is seen then.
    """

    def __init__(self) -> None:
        """Begin a run."""
        self._counts: dict[str, MeasureCount] = {}

    async def of(
        self, connection: Connection, policy: ReviewPolicy, *, at: datetime
    ) -> MeasureCount:
        """Return the count of a version."""
        kept = self._counts.get(policy.hash)
        if kept is None or kept.has_doubled:
            hours = policy.action_cap.window_hours if policy.action_cap is not None else 1
            kept = await store.read_count(connection, policy, since=at - timedelta(hours=hours))
            self._counts[policy.hash] = kept
        return kept
