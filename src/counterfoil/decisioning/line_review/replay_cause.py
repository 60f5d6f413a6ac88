"""Why a review does not come out again; causes are those of decisions (`decisioning/replay_cause`).

Order       The policy is missing or altered (`policy`); the inputs cannot be read or are not what
            the policy would have let in (`data`); the result cannot be read, or the columns beside
            it agree with the new one and not with the record, or not with the record that comes out
            (`record`); else `data_or_engine`.
"""

from dataclasses import dataclass

import orjson

from counterfoil.decisioning.feature import take_snapshot
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.record import made_again, reviews_compared
from counterfoil.decisioning.line_review.review import Review
from counterfoil.decisioning.replay import StoredDecision, UnreadableRecordError
from counterfoil.decisioning.replay_cause import Cause, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStanding:
    """What columns of its own say of a review."""

    outcome: str
    acted: tuple[str, ...]
    reasons: tuple[str, ...]
    to_minor: int | None


def judge_review(
    policy: ReviewPolicy | None, stored: StoredDecision, standing: ReviewStanding
) -> Verdict:
    """Return whether a review comes out again by its own policy, and why not.

    `policy` is the version kept under the recorded hash, None where it is missing or altered.
    """
    if policy is None:
        return Verdict(cause=Cause.POLICY, differences=())
    try:
        found = made_again(policy, stored)
        again = reviews_compared(stored, found)
    except UnreadableRecordError as failure:
        cause = Cause.DATA if failure.part == "inputs" else Cause.RECORD
        return Verdict(cause=cause, differences=(failure.part,))
    if again.is_same:
        said = _standing_of(found)
        if said == standing:
            return Verdict(cause=Cause.NONE, differences=())
        names = tuple(
            name for name in said.__slots__ if getattr(said, name) != getattr(standing, name)
        )
        return Verdict(cause=Cause.RECORD, differences=names)
    return Verdict(cause=_cause(policy, stored, standing, found), differences=again.differences)


def _cause(
    policy: ReviewPolicy, stored: StoredDecision, standing: ReviewStanding, found: Review
) -> Cause:
    inputs = orjson.loads(stored.inputs)
    snapshot = take_snapshot(policy.features, inputs["features"])
    if inputs.get("policy_hash") != policy.hash or snapshot.values != inputs["features"]:
        return Cause.DATA
    if found.result() == stored.result:
        # The question itself has another text than it would be written with.
        return Cause.DATA
    recorded = orjson.loads(stored.result)
    said = ReviewStanding(
        outcome=recorded.get("outcome"),
        acted=tuple(recorded.get("acted", ())),
        reasons=tuple(recorded.get("reasons", ())),
        to_minor=recorded.get("to_minor"),
    )
    is_record = _standing_of(found) == standing or said != standing
    return Cause.RECORD if is_record else Cause.DATA_OR_ENGINE


def _standing_of(found: Review) -> ReviewStanding:
    return ReviewStanding(
        outcome=found.outcome.value,
        acted=found.acted,
        reasons=found.reasons,
        to_minor=found.to_minor,
    )
