"""What reviews say about the policies that decided: requests, time, overturn rate by version.

Both        Reviews of decisions, and appeals against what a review policy took from a line.

Counted     Reviews asked for on the dates of a span, in UTC, whatever became of them since. The
            overturn rate is of those that a person concluded: withdrawn and open ones say nothing.
Threshold   A version with enough concluded reviews, more than a share of them overturned, is
            looked at again: kept once, shown, and counted by a metric until a person who did not
            write it has said, with a reason, whether it is kept or changed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Final

from counterfoil.decisioning import review_store as store
from counterfoil.decisioning.refusals import (
    DECISION_REASON_MISSING,
    REVIEW_NOT_FOUND,
    REVIEW_NOT_OPEN,
    REVIEWER_WROTE_POLICY,
)
from counterfoil.decisioning.review import name_of
from counterfoil.decisioning.review_store import PolicyReview, ReviewCount
from counterfoil.journeys.deciding.review import refuse_role
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.privacy.masking import mask_free_text

_MILLION: Final = 1_000_000
_PPM_OF_PERCENT: Final = 10_000


class Conclusion(StrEnum):
    """How a look at a version ends."""

    #: The version stays: the overturned cases were exceptions.
    KEPT = "kept"
    #: Another version takes its place.
    CHANGED = "changed"


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
    open_looks = [item for item in looked_at if item.conclusion is None]
    house.metrics.policies_looked_at.set(len(open_looks))
    return len(found)


async def conclude_look(
    house: House, actor: Actor, policy_hash: str, *, conclusion: Conclusion, reason: str
) -> PolicyReview | Refused:
    """End the look at a version that was overturned too often; nobody judges their own work."""
    act = Act(name=f"policy_{conclusion}", subject=policy_hash, reason=mask_free_text(reason))
    refused = refuse_role(actor)
    if refused is not None:
        return await note_refusal(house, actor, act, refused)
    if not reason.strip():
        return refuse(DECISION_REASON_MISSING)
    async with house.database.connection() as connection:
        looks = {item.policy_hash: item for item in await store.read_policy_reviews(connection)}
        authors = await store.authors_of(connection, policy_hash)
    if policy_hash not in looks:
        return refuse(REVIEW_NOT_FOUND)
    if name_of(actor.name) in map(name_of, authors):
        return await note_refusal(house, actor, act, refuse(REVIEWER_WROTE_POLICY))
    async with house.database.transaction() as connection:
        is_written = await store.end_policy_review(
            connection,
            policy_hash,
            conclusion=conclusion.value,
            reason=act.reason,
            by=actor.name,
            at=house.clock.now(),
        )
        ended = await store.read_policy_reviews(connection)
        found = next(item for item in ended if item.policy_hash == policy_hash)
        if is_written:
            await note(house, connection, actor, act)
            return found
    # The same person saying the same again has the answer that was lost on the way.
    is_same = (found.conclusion, found.reason, found.ended_by) == (
        conclusion.value, act.reason, actor.name,
    )  # fmt: skip
    return found if is_same else refuse(REVIEW_NOT_OPEN, state="concluded")
