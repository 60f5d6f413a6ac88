"""The line-review policy in force: the shipped one until a lender has published its own."""

from datetime import datetime, timedelta

from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.document import load_review_policy
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.platform.database import Connection

#: What reviews until a lender has published a version of its own.
SHIPPED_REVIEW = "review-2026-01"


async def review_policy_in_force(connection: Connection, *, at: datetime) -> ReviewPolicy:
    """Return the version by which lines are reviewed at an instant."""
    published = await store.published_review_policy(connection, at=at)
    return published or load_review_policy(SHIPPED_REVIEW)


async def count_in_window(
    connection: Connection, policy: ReviewPolicy, *, at: datetime
) -> MeasureCount:
    """Return what the version has done within the window of its cap."""
    hours = policy.action_cap.window_hours if policy.action_cap is not None else 1
    return await store.read_count(connection, policy, since=at - timedelta(hours=hours))
