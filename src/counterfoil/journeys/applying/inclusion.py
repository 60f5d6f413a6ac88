"""The inclusion report: how kinds of customers and segments of policies fare.

Counted     Applications received on the dates of a span, in UTC, whatever became of them since.
Complaints  Are not kept in this house yet; the report says so itself. Requests for review by a
            person stand beside, by kind.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from counterfoil.decisioning.inclusion import KindCount, SegmentCount, StarterPath
from counterfoil.decisioning.inclusion_store import count_kinds, count_segments
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Protection, Segment
from counterfoil.decisioning.store import read_policy_version
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.platform.database import Connection


async def read_inclusion(
    connection: Connection, *, first_date: date, last_date: date
) -> list[KindCount]:
    """Return how each kind of customers fared, all of them first."""
    return await count_kinds(connection, **_span(first_date, last_date))


async def read_segments(
    connection: Connection, *, first_date: date, last_date: date
) -> list[tuple[Policy, Segment, SegmentCount]]:
    """Return how the segments of each policy fared; one that took nobody stands there with 0."""
    counted: dict[str, dict[str, SegmentCount]] = {}
    for item in await count_segments(connection, **_span(first_date, last_date)):
        counted.setdefault(item.policy_hash, {})[item.code] = item
    policies = []
    for policy_hash in counted:
        policy = await read_policy_version(connection, policy_hash)
        assert policy is not None, "a decision refers to its version"
        policies.append(policy)
    return [
        (policy, segment, counted[policy.hash].get(segment.code) or _nobody(policy, segment))
        for policy in sorted(policies, key=lambda policy: (policy.code, policy.version))
        for segment in policy.segments
    ]


def starter_path(
    segments: Sequence[tuple[Policy, Segment, SegmentCount]],
) -> StarterPath:
    """Return how those fare whose segment starts small, over all versions that decided."""
    starting = [
        count for _, segment, count in segments if Protection.STARTER_PATH in segment.protections
    ]
    return StarterPath(
        lines=sum(count.lines for count in starting),
        seasoned=sum(count.seasoned for count in starting),
        graduated=sum(count.graduated for count in starting),
    )


def _nobody(policy: Policy, segment: Segment) -> SegmentCount:
    return SegmentCount(policy_hash=policy.hash, code=segment.code)


def _span(first_date: date, last_date: date) -> dict[str, datetime]:
    return {
        "received_from": datetime.combine(first_date, time(), UTC),
        "received_before": datetime.combine(last_date + ONE_DAY, time(), UTC),
    }
