"""Reads and writes reviews by a person, and what they say about the policies that decided."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from counterfoil.decisioning.review import About, Act, Review, ReviewEvent
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "review_store.sql")

#: Above every identifier, and before every deadline.
NEWEST: Final = 2**63 - 1
FIRST_DUE: Final = (date(1970, 1, 1), 0)
REVIEWS_OF_CUSTOMER_MAX: Final = 200


class ReviewCount(NamedTuple):
    """What became of the reviews of one version's decisions; the order is that of the query."""

    policy_hash: str
    policy_version: str
    about: str
    requested: int
    upheld: int
    overturned: int
    withdrawn: int
    open: int
    overdue: int
    #: Concluded after their deadline.
    late: int
    median_seconds: int | None
    p95_seconds: int | None


class PolicyReview(NamedTuple):
    """A version that is looked at again; the order is that of the query."""

    policy_hash: str
    policy_version: str
    reviewed: int
    overturned: int
    threshold_ppm: int
    opened_at: datetime
    #: `kept` or `changed`, with reason, person and instant; None while it is open.
    conclusion: str | None = None
    reason: str | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None


async def add_review(connection: Connection, review: Review) -> bool:
    """Write a request; False where its decision has a review already."""
    number = await QUERIES.add_review.fetchval(
        connection,
        customer_id=review.customer_id,
        review_id=review.review_id,
        about=review.about.value,
        subject_id=review.subject_id,
        decision_no=review.decision_no,
        outcome=review.outcome,
        policy_hash=review.policy_hash,
        policy_version=review.policy_version,
        said=review.said,
        requested_at=review.requested_at,
        requested_by=review.requested_by,
        due_on=review.due_on,
    )
    return number is not None


async def add_last_event(connection: Connection, review: Review) -> None:
    """Write what was just done with a locked review."""
    event = review.events[-1]
    await QUERIES.add_review_event.execute(
        connection,
        customer_id=review.customer_id,
        review_id=review.review_id,
        event_no=event.event_no,
        act=event.act.value,
        person=event.person,
        reason=event.reason,
        at=event.at,
    )


async def review_of(
    connection: Connection, *, customer_id: int, about: About, subject_id: int, decision_no: int
) -> Review | None:
    """Return the review of one decision, or None."""
    row = await QUERIES.review_of_decision.fetchrow(
        connection,
        customer_id=customer_id,
        about=about.value,
        subject_id=subject_id,
        decision_no=decision_no,
    )
    return await _one(connection, row)


async def read_review(connection: Connection, customer_id: int, review_id: int) -> Review | None:
    """Return a review, or None."""
    row = await QUERIES.review.fetchrow(connection, customer_id=customer_id, review_id=review_id)
    return await _one(connection, row)


async def lock_review(connection: Connection, customer_id: int, review_id: int) -> Review | None:
    """Return a review locked for the rest of the transaction, or None."""
    row = await QUERIES.review_locked.fetchrow(
        connection, customer_id=customer_id, review_id=review_id
    )
    return await _one(connection, row)


async def reviews_open(
    connection: Connection, *, page: int, is_back: bool = False, after: tuple[date, int] = FIRST_DUE
) -> list[Review]:
    """Return a page of the queue, the nearest deadline first."""
    rows = await QUERIES.reviews_open.page(
        connection, page=page, is_back=is_back, after_due_on=after[0], after_review_id=after[1]
    )
    return await _many(connection, rows)


async def reviews_page(
    connection: Connection, *, page: int, is_back: bool = False, before: int = NEWEST
) -> list[Review]:
    """Return a page of all reviews, newest first."""
    rows = await QUERIES.reviews_page.page(connection, page=page, is_back=is_back, before=before)
    return await _many(connection, rows)


async def reviews_of_customer(
    connection: Connection,
    customer_id: int,
    *,
    page: int = REVIEWS_OF_CUSTOMER_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Review]:
    """Return a page of what one customer asked to be reviewed, newest first."""
    rows = await QUERIES.reviews_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return await _many(connection, rows)


async def count_reviews(
    connection: Connection, *, requested_from: datetime, requested_before: datetime, on: date
) -> list[ReviewCount]:
    """Return what became of the reviews asked for in a span, by version."""
    rows: list[Any] = await QUERIES.reviews_counted.fetch(
        connection, requested_from=requested_from, requested_before=requested_before, on=on
    )
    return [ReviewCount(*row) for row in rows]


async def review_load(connection: Connection, *, on: date) -> tuple[int, int]:
    """Return how many reviews are open, and how many of them beyond their deadline."""
    row = await QUERIES.review_load.fetchrow(connection, on=on)
    assert row is not None, "a count gives a row"
    return row["open"], row["overdue"]


async def add_policy_reviews(
    connection: Connection, *, reviewed_min: int, threshold_ppm: int, at: datetime
) -> list[str]:
    """Open a look at each version that was overturned too often; return those found new."""
    rows = await QUERIES.add_policy_reviews.fetch(
        connection, reviewed_min=reviewed_min, threshold_ppm=threshold_ppm, opened_at=at
    )
    return [row["policy_version"] for row in rows]


async def read_policy_reviews(connection: Connection) -> list[PolicyReview]:
    """Return every version that was or is looked at again, newest first."""
    rows: list[Any] = await QUERIES.policy_reviews.fetch(connection)
    return [PolicyReview(*row) for row in rows]


async def end_policy_review(
    connection: Connection,
    policy_hash: str,
    *,
    conclusion: str,
    reason: str,
    by: str,
    at: datetime,
) -> bool:
    """Write how the look at a version ended; False where it had ended already."""
    written: int | None = await QUERIES.end_policy_review.fetchval(
        connection,
        policy_hash=policy_hash,
        conclusion=conclusion,
        reason=reason,
        ended_by=by,
        ended_at=at,
    )
    return written is not None


async def authors_of(connection: Connection, policy_hash: str) -> frozenset[str]:
    """Return who wrote a version; nobody for one that the product came with."""
    rows = await QUERIES.authors_of_version.fetch(connection, policy_hash=policy_hash)
    return frozenset(row["author"] for row in rows)


async def _one(connection: Connection, row: Row | None) -> Review | None:
    if row is None:
        return None
    [review] = await _many(connection, [row])
    return review


async def _many(connection: Connection, rows: Sequence[Row]) -> list[Review]:
    if not rows:
        return []
    found = await QUERIES.review_events.fetch(
        connection,
        customer_ids=[row["customer_id"] for row in rows],
        review_ids=[row["review_id"] for row in rows],
    )
    events: defaultdict[int, list[ReviewEvent]] = defaultdict(list)
    for item in found:
        events[item["review_id"]].append(
            ReviewEvent(
                event_no=item["event_no"],
                act=Act(item["act"]),
                person=item["person"],
                reason=item["reason"],
                at=item["at"],
            )
        )
    return [
        Review(**dict(row) | {"about": About(row["about"])}, events=tuple(events[row["review_id"]]))
        for row in rows
    ]
