"""Recorded reviews of lines, made again: the same to the byte, or what differs; and explained.

Reads nothing but what was stored with the review and the documents that it names: the policy
version by which it is made again, the rule pack and the registry that have to be there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from counterfoil.decisioning.basis import basis_of
from counterfoil.decisioning.evaluate import Verdict as RuleVerdict
from counterfoil.decisioning.expression import features_read, to_sql
from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.policy import ReviewPolicy, ReviewRule
from counterfoil.decisioning.line_review.replay_cause import judge_review
from counterfoil.decisioning.line_review.store import RecordedReview
from counterfoil.decisioning.refusals import LINE_REVIEW_NOT_FOUND
from counterfoil.decisioning.replay_cause import Cause, Verdict
from counterfoil.journeys.deciding.bases import Bases
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.catalogue import Catalogue
from counterfoil.platform.database import Connection

PAGE_REVIEWS: Final = 2_000
#: Findings that a report names; they are counted beyond it.
SHOWN_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinding:
    """A review that does not come out again."""

    customer_id: int
    review_id: int
    #: As of a decision: `policy`, `data`, `record`, `data_or_engine`, `registry` or `rule_pack`.
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
    catalogue: Catalogue,
    *,
    review_id: int | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> ReviewsReplayed | Refused:
    """Make one review again, or all of them; `catalogue` has the rule packs that are there."""
    report, after, bases = ReviewsReplayed(), (0, 0), Bases(connection, catalogue)
    policies: dict[str, ReviewPolicy | None] = {}
    while page := await store.read_recorded(
        connection, page=PAGE_REVIEWS, after=after, review_id=review_id
    ):
        for one in page:
            policy_hash = one.stored.policy_hash
            if policy_hash not in policies:
                policies[policy_hash] = await _kept(connection, policy_hash)
            said = judge_review(policies[policy_hash], one.stored, one.standing)
            if said.cause is Cause.NONE:
                said = await bases.judge(one.stored)
            _add(report, one, said)
        after = page[-1].key
        tell(len(page))
    if review_id is not None and not report.examined:
        return refuse(LINE_REVIEW_NOT_FOUND)
    return report


async def explain_review(connection: Connection, review_id: int) -> dict[str, Any] | Refused:
    """Return everything that is recorded of a review, for staff."""
    page = await store.read_recorded(connection, page=1, review_id=review_id)
    if not page:
        return refuse(LINE_REVIEW_NOT_FOUND)
    [one] = page
    stored = one.stored
    policy = await _kept(connection, stored.policy_hash)
    inputs, result = orjson.loads(stored.inputs), orjson.loads(stored.result)
    verdicts = result.pop("verdicts")
    return {
        "asked": inputs["asked"],
        "policy_hash": stored.policy_hash,
        "decided_under": basis_of(inputs).document(),
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
        "then": rule.measure_on(RuleVerdict(verdict)).value,
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


def _add(report: ReviewsReplayed, one: RecordedReview, said: Verdict) -> None:
    report.examined += 1
    if said.cause is Cause.NONE:
        report.reproduced += 1
    elif len(report.findings) < SHOWN_MAX:
        report.findings.append(
            ReviewFinding(
                customer_id=one.key[0],
                review_id=one.key[1],
                cause=said.cause.value,
                differences=said.differences,
            )
        )
