"""What reviews say about the policies that decided: requests, time, overturn rate by version.

Counted     Reviews asked for on the dates of a span, in UTC, whatever became of them since. The
            overturn rate is of those that a person concluded: withdrawn and open ones say nothing.
Threshold   A version with enough concluded reviews, more than a share of them overturned, is
            looked at again: kept once, shown, and counted by a metric.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from counterfoil.decisioning import review_store as store
from counterfoil.decisioning.review_store import PolicyReview, ReviewCount
from counterfoil.journeys.house import House
from counterfoil.kernel.calendar import ONE_DAY

_MILLION: Final = 1_000_000
_PPM_OF_PERCENT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """The reviews of a span, and the versions that are looked at again."""

    counts: tuple[ReviewCount, ...]
    policy_reviews: tuple[PolicyReview, ...]


async def read_figures(house: House, *, first_date: date, last_date: date) -> ReviewReport:
    """Return what became of the reviews asked for from one date to another."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        counts = await store.count_reviews(
            connection,
            requested_from=datetime.combine(first_date, time(), UTC),
            requested_before=datetime.combine(last_date + ONE_DAY, time(), UTC),
            on=on,
        )
        policy_reviews = await store.read_policy_reviews(connection)
    return ReviewReport(counts=tuple(counts), policy_reviews=tuple(policy_reviews))


def overturned_ppm(count: ReviewCount) -> int | None:
    """Return the share overturned of what persons concluded; None where they concluded nothing."""
    concluded = count.upheld + count.overturned
    return count.overturned * _MILLION // concluded if concluded else None


async def watch_reviews(house: House) -> int:
    """Set the gauges of the queue, and open a look at versions that are overturned too often.

    Returns how many versions were found new.
    """
    settings, on = house.settings, await house.business_date()
    async with house.database.transaction() as connection:
        found = await store.add_policy_reviews(
            connection,
            reviewed_min=settings.policy_review_cases_min,
            threshold_ppm=settings.policy_review_overturned_percent * _PPM_OF_PERCENT,
            at=house.clock.now(),
        )
        waiting, overdue = await store.review_load(connection, on=on)
        looked_at = await store.read_policy_reviews(connection)
    house.metrics.reviews_waiting.labels(state="open").set(waiting)
    house.metrics.reviews_waiting.labels(state="overdue").set(overdue)
    house.metrics.policies_looked_at.set(len(looked_at))
    return len(found)
