"""Versions that review lines, as experiments try them: proven, no looser, asked in the shadow.

Shadow      A version is put to every settled review with the inputs that production had; what it
            says is kept beside what production said, and nothing follows.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from counterfoil.decisioning import publication_store
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.experiment import Experiment
from counterfoil.decisioning.experiment_report_store import Produced, Said
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import Review, reviewed_line_of
from counterfoil.decisioning.line_review.safety import loosened_review
from counterfoil.decisioning.line_review.store import keep_review_policy, read_review_policy
from counterfoil.decisioning.refusals import (
    EXPERIMENT_CHAMPION_ANOTHER,
    EXPERIMENT_LOOSENS,
    EXPERIMENT_POLICY_UNKNOWN,
)
from counterfoil.journeys.lines.line_policy import review_policy_in_force, shipped_review_policy
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.database import Connection


async def check_review_versions(
    connection: Connection, experiment: Experiment, *, at: datetime
) -> None:
    """Refuse versions that are not kept with a report, or looser than the champion; by raising."""
    champion = await review_policy_in_force(connection, at=at)
    if experiment.champion_hash not in {None, champion.hash}:
        raise RefusedError(refuse(EXPERIMENT_CHAMPION_ANOTHER, policy_hash=champion.hash))
    for arm in experiment.arms:
        if arm.policy_hash == champion.hash:
            await keep_review_policy(connection, champion, at=at)
            continue
        variant = await _proven(connection, arm.policy_hash)
        if variant is None:
            raise RefusedError(refuse(EXPERIMENT_POLICY_UNKNOWN, policy_hash=arm.policy_hash))
        await keep_review_policy(connection, variant, at=at)
        for place, reason in loosened_review(champion, variant):
            raise RefusedError(refuse(EXPERIMENT_LOOSENS, arm=arm.name, place=place, reason=reason))


async def _proven(connection: Connection, policy_hash: str) -> ReviewPolicy | None:
    """Return a version that is kept with a report on it, or the one that ships."""
    shipped = shipped_review_policy()
    if shipped.hash == policy_hash:
        return shipped
    if await publication_store.latest_gate(connection, policy_hash) is None:
        return None
    return await read_review_policy(connection, policy_hash)


def asked_in_shadow(policy: ReviewPolicy, produced: Produced) -> Said:
    """Return what a version says of a review of production, on production's inputs."""
    return said_on(policy, produced.inputs)


def said_on(policy: ReviewPolicy, inputs: Mapping[str, Any]) -> Said:
    """Return what a version says on the recorded inputs of a review."""
    return said_of(review(policy, reviewed_line_of(inputs["asked"]), inputs["features"]))


def said_of(made: Review) -> Said:
    """Return a review in the words of a shadow's table; the limit is the one that follows."""
    limit = made.asked.limit_minor if made.to_minor is None else made.to_minor
    codes = {
        verdict: ",".join(code for code, said in made.verdicts.items() if said is verdict)
        for verdict in (Verdict.TRUE, Verdict.UNKNOWN)
    }
    return Said(made.outcome.value, limit, codes[Verdict.TRUE], codes[Verdict.UNKNOWN])
