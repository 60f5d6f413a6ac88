"""Reads and writes reviews of lines and the versions that made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import orjson

from counterfoil.decisioning.line_review.document import PURPOSE, review_policy_of
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.replay_cause import ReviewStanding
from counterfoil.decisioning.line_review.review import Review, ReviewOutcome
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning.line_review")
#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1
#: Records from 2 on name rule pack and registry; those of 1 did not yet.
RECORD_VERSION: Final = 2

#: Customer and review.
ReviewKey = tuple[int, int]
#: Customer and line.
LineKey = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReview:
    """What a review can be made again from, and what columns beside it say."""

    key: ReviewKey
    stored: StoredDecision
    standing: ReviewStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReview:
    """One review as it is kept; the order of the fields is that of the query which loads it."""

    customer_id: int
    review_id: int
    line_id: int
    product_code: str
    cause: str
    business_date: date
    outcome: ReviewOutcome
    acted: tuple[str, ...]
    reasons: tuple[str, ...]
    proposals: tuple[str, ...]
    from_minor: int
    to_minor: int | None
    #: Until when an offer can be taken up.
    valid_until: date | None
    report_id: int | None
    policy_hash: str
    policy_version: str
    inputs: bytes
    result: bytes
    decided_at: datetime
    #: 1 names neither of the two below, which are then unknown.
    record_version: int
    #: The rule pack that bounds followed, with the beginning of its hash.
    rule_pack: str | None
    #: SHA-256 of the registry by which features were read.
    feature_registry: str | None

    @property
    def key(self) -> ReviewKey:
        """Return customer and number."""
        return self.customer_id, self.review_id

    @property
    def record(self) -> StoredDecision:
        """Return what the review can be made again from."""
        return StoredDecision(policy_hash=self.policy_hash, inputs=self.inputs, result=self.result)


def stored_review(
    made: Review,
    *,
    customer_id: int,
    line_id: int,
    review_id: int,
    valid_until: date | None,
    report_id: int | None,
    at: datetime,
) -> StoredReview:
    """Return a review as it is kept."""
    return StoredReview(
        customer_id=customer_id,
        review_id=review_id,
        line_id=line_id,
        product_code=made.asked.product_code,
        cause=made.asked.trigger,
        business_date=made.asked.as_of,
        outcome=made.outcome,
        acted=made.acted,
        reasons=made.reasons,
        proposals=made.proposals,
        from_minor=made.asked.limit_minor,
        to_minor=made.to_minor,
        valid_until=valid_until,
        report_id=report_id,
        policy_hash=made.policy_hash,
        policy_version=made.policy_version,
        inputs=made.inputs(),
        result=made.result(),
        decided_at=at,
        record_version=RECORD_VERSION,
        rule_pack=made.asked.rule_pack,
        feature_registry=made.asked.feature_registry,
    )


async def add_reviews(connection: Connection, reviews: Sequence[StoredReview]) -> set[ReviewKey]:
    """Write reviews of one day, instant and version; return those that were the first."""
    if not reviews:
        return set()
    first = reviews[0]
    rows = await QUERIES.add_reviews.fetch(
        connection,
        business_date=first.business_date,
        policy_hash=first.policy_hash,
        policy_version=first.policy_version,
        decided_at=first.decided_at,
        customer_ids=[item.customer_id for item in reviews],
        review_ids=[item.review_id for item in reviews],
        line_ids=[item.line_id for item in reviews],
        product_codes=[item.product_code for item in reviews],
        causes=[item.cause for item in reviews],
        outcomes=[item.outcome.value for item in reviews],
        acted=[",".join(item.acted) for item in reviews],
        reasons=[",".join(item.reasons) for item in reviews],
        proposals=[",".join(item.proposals) for item in reviews],
        from_minor=[item.from_minor for item in reviews],
        to_minor=[item.to_minor for item in reviews],
        valid_until=[item.valid_until for item in reviews],
        report_ids=[item.report_id for item in reviews],
        inputs=[item.inputs.decode() for item in reviews],
        results=[item.result.decode() for item in reviews],
        record_version=RECORD_VERSION,
        rule_packs=[item.rule_pack for item in reviews],
        feature_registries=[item.feature_registry for item in reviews],
    )
    return {(row["customer_id"], row["review_id"]) for row in rows}


async def reviews_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[StoredReview]:
    """Return a page of the reviews of one line, newest first."""
    rows = await QUERIES.reviews_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_review(row) for row in rows]


async def read_review(
    connection: Connection, *, customer_id: int, review_id: int
) -> StoredReview | None:
    """Return a review, or None."""
    row = await QUERIES.review.fetchrow(connection, customer_id=customer_id, review_id=review_id)
    return None if row is None else _review(row)


async def add_declined_offer(
    connection: Connection, *, customer_id: int, review_id: int, channel: str, at: datetime
) -> None:
    """Write that a customer declined what a review offers; said again it changes nothing."""
    await QUERIES.add_declined_offer.execute(
        connection, customer_id=customer_id, review_id=review_id, channel=channel, declined_at=at
    )


async def declined_offers(
    connection: Connection, customer_id: int, review_ids: Sequence[int]
) -> set[int]:
    """Return which of a customer's reviews made an offer that was declined."""
    rows = await QUERIES.declined_offers.fetch(
        connection, customer_id=customer_id, review_ids=list(review_ids)
    )
    return {row["review_id"] for row in rows}


async def read_recorded(
    connection: Connection, *, page: int, after: ReviewKey = (0, 0), review_id: int | None = None
) -> list[RecordedReview]:
    """Return a page of the records of all reviews, or the one of a review."""
    rows = await QUERIES.reviews_page.fetch(
        connection, page=page, customer_id=after[0], review_id=after[1], only_review=review_id
    )
    return [_recorded(row) for row in rows]


async def newest_recorded(
    connection: Connection, *, page: int, before: int = NEWEST
) -> list[tuple[LineKey, RecordedReview]]:
    """Return a page of the reviews made last, each with its customer and line, newest first."""
    rows = await QUERIES.reviews_newest.fetch(connection, page=page, before=before)
    return [((row["customer_id"], row["line_id"]), _recorded(row)) for row in rows]


async def records_of_range(
    connection: Connection, after: int, *, through: int
) -> list[tuple[int, int, int, StoredDecision]]:
    """Return customer, review, line and record of reviews of a range of customers."""
    rows = await QUERIES.reviews_of_range.fetch(connection, after=after, through=through)
    return [(row["customer_id"], row["review_id"], row["line_id"], _record(row)) for row in rows]


async def read_count(
    connection: Connection, policy: ReviewPolicy, *, since: datetime
) -> MeasureCount:
    """Return what a version has reviewed, and the measures it took, since an instant."""
    asked = {"policy_hash": policy.hash, "since": since}
    totals = await QUERIES.count_since.fetchrow(connection, **asked)
    assert totals is not None, "a count gives a row"
    rules = await QUERIES.adverse_rules_since.fetch(connection, **asked)
    return MeasureCount(
        policy,
        reviews=totals["reviews"],
        adverse=totals["adverse"],
        by_rule={row["code"]: row["reviews"] for row in rules},
    )


async def keep_review_policy(connection: Connection, policy: ReviewPolicy, *, at: datetime) -> None:
    """Keep a version before it reviews, so that its reviews can be made again."""
    await QUERIES.keep_review_policy.execute(
        connection,
        policy_hash=policy.hash,
        code=policy.code,
        version=policy.version,
        document=policy.canonical.decode(),
        first_used_at=at,
    )


async def read_review_policy(connection: Connection, policy_hash: str) -> ReviewPolicy | None:
    """Return a version that reviewed here, or None."""
    document = await QUERIES.review_policy_document.fetchval(connection, policy_hash=policy_hash)
    return None if document is None else review_policy_of(orjson.loads(document))


async def published_review_policies(
    connection: Connection, *, at: datetime
) -> list[tuple[ReviewPolicy, bool]]:
    """Return the version published last and the one before it, and whether each has tripped."""
    rows = await QUERIES.published_review_policies.fetch(connection, purpose=PURPOSE, at=at)
    return [(review_policy_of(orjson.loads(row["document"])), row["has_tripped"]) for row in rows]


def _recorded(row: Row) -> RecordedReview:
    return RecordedReview(
        key=(row["customer_id"], row["review_id"]),
        stored=_record(row),
        standing=ReviewStanding(
            outcome=row["outcome"],
            acted=tuple(row["acted"]),
            reasons=tuple(row["reasons"]),
            to_minor=row["to_minor"],
        ),
    )


def _record(row: Row) -> StoredDecision:
    return StoredDecision(
        policy_hash=row["policy_hash"],
        inputs=row["inputs"].encode(),
        result=row["result"].encode(),
    )


def _review(row: Row) -> StoredReview:
    fields = dict(row)
    fields["outcome"] = ReviewOutcome(fields["outcome"])
    for name in ("acted", "reasons", "proposals"):
        fields[name] = tuple(fields[name])
    for name in ("inputs", "result"):
        fields[name] = fields[name].encode()
    return StoredReview(**fields)
