"""Recorded reviews of lines, made again: the same to the byte, or what differs; and explained.

Reads nothing but what was stored with the review and the policy version that it names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import features_read, to_sql
from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.policy import ReviewPolicy, ReviewRule
from counterfoil.decisioning.line_review.record import review_again
from counterfoil.decisioning.refusals import LINE_REVIEW_NOT_FOUND
from counterfoil.decisioning.replay import StoredDecision, UnreadableRecordError
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection

PAGE_REVIEWS: Final = 2_000
#: Findings that a report names; they are counted beyond it.
SHOWN_MAX: Final = 1_000
POLICY: Final = "policy"
DATA: Final = "data"
DATA_OR_ENGINE: Final = "data_or_engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinding:
    """A review that does not come out again."""

    customer_id: int
    review_id: int
    #: `policy` where its version is missing or altered, `data` where the record cannot be read,
    #: else `data_or_engine`.
    cause: str
    differences: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ReviewsReplayed:
    """What came of making reviews again."""

    examined: int = 0
    reproduced: int = 0
    findings: list[ReviewFinding] = field(default_factory=list)


async def replay_reviews(
    connection: Connection,
    *,
    review_id: int | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> ReviewsReplayed | Refused:
    """Make one review again, or all of them."""
    report, after = ReviewsReplayed(), (0, 0)
    policies: dict[str, ReviewPolicy | None] = {}
    while page := await store.read_recorded(
        connection, page=PAGE_REVIEWS, after=after, review_id=review_id
    ):
        for key, stored in page:
            if stored.policy_hash not in policies:
                policies[stored.policy_hash] = await _kept(connection, stored.policy_hash)
            _add(report, key, policies[stored.policy_hash], stored)
        after = page[-1][0]
        tell(len(page))
    if review_id is not None and not report.examined:
        return refuse(LINE_REVIEW_NOT_FOUND)
    return report


async def explain_review(connection: Connection, review_id: int) -> dict[str, Any] | Refused:
    """Return everything that is recorded of a review, for staff."""
    page = await store.read_recorded(connection, page=1, review_id=review_id)
    if not page:
        return refuse(LINE_REVIEW_NOT_FOUND)
    [(_, stored)] = page
    policy = await _kept(connection, stored.policy_hash)
    inputs, result = orjson.loads(stored.inputs), orjson.loads(stored.result)
    verdicts = result.pop("verdicts")
    return {
        "asked": inputs["asked"],
        "policy_hash": stored.policy_hash,
        "rejected": inputs["rejected"],
        "guards": inputs.get("guards"),
        "rules": [] if policy is None else _rules(policy, inputs["features"], verdicts),
        "customer_is_told": {}
        if policy is None
        else {one: policy.texts(tuple(result["reasons"]), one) for one in ("zh", "en")},
        **result,
    }


def _rules(
    policy: ReviewPolicy, values: dict[str, Any], verdicts: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the rules that were judged with what each read, those that spoke first."""
    seen = dict(values)
    for item in policy.derived:
        seen[item.name] = item.compute(seen)
    order = {"true": 0, "unknown": 1, "false": 2}
    judged = sorted(policy.rules, key=lambda rule: order[verdicts[rule.code]])
    return [_rule(rule, seen, verdicts[rule.code]) for rule in judged]


def _rule(rule: ReviewRule, seen: dict[str, Any], verdict: str) -> dict[str, Any]:
    return {
        "rule": rule.code,
        "verdict": verdict,
        "then": rule.measure_on(Verdict(verdict)).value,
        "when": to_sql(rule.when),
        "read": {name: seen.get(name) for name in features_read(rule.when)},
    }


async def _kept(connection: Connection, policy_hash: str) -> ReviewPolicy | None:
    """Return the version that is kept under a hash if it still is that version."""
    try:
        policy = await store.read_review_policy(connection, policy_hash)
    except ValueError:  # an invalid policy, or no JSON at all
        return None
    return policy if policy is not None and policy.hash == policy_hash else None


def _add(
    report: ReviewsReplayed,
    key: store.ReviewKey,
    policy: ReviewPolicy | None,
    stored: StoredDecision,
) -> None:
    report.examined += 1
    cause: str = POLICY
    differences: tuple[str, ...] = ()
    if policy is not None:
        try:
            again = review_again(policy, stored)
            if again.is_same:
                report.reproduced += 1
                return
            cause, differences = DATA_OR_ENGINE, again.differences
        except UnreadableRecordError as failure:
            cause, differences = DATA, (failure.part,)
    if len(report.findings) < SHOWN_MAX:
        report.findings.append(
            ReviewFinding(
                customer_id=key[0], review_id=key[1], cause=cause, differences=differences
            )
        )
