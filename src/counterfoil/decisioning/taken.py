"""A decision that was taken: by whom, how it ended, and the record that it stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.replay import StoredDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One decision on an application, or on a request for a higher limit."""

    decision_no: int
    decided_by: str
    outcome: Outcome
    #: A person's; None for the policy, whose reasons are codes.
    reason: str | None
    decided_at: datetime
    stored: StoredDecision

    @property
    def is_by_policy(self) -> bool:
        """Tell whether no person took it."""
        return self.decided_by == BY_POLICY


def taken_of(row: Mapping[str, Any]) -> Taken:
    """Return a decision from the columns that hold it."""
    return Taken(
        decision_no=row["decision_no"],
        decided_by=row["decided_by"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        decided_at=row["decided_at"],
        stored=stored_of(row),
    )


def stored_of(row: Mapping[str, Any]) -> StoredDecision:
    """Return the record of a decision from the columns that hold it."""
    return StoredDecision(
        policy_hash=row["policy_hash"],
        inputs=row["inputs"].encode(),
        result=row["result"].encode(),
    )
