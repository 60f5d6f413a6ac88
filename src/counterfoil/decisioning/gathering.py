"""What an application that still gathers was asked with: enough for anybody to go on with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from counterfoil.decisioning.canonical import record_bytes
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Action, Stage
from counterfoil.decisioning.replay import asked_of

Features = Mapping[str, Value | None]

#: Source of features that a credit bureau has to be asked for.
BUREAU_SOURCE = "bureau"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """One application on its way to a decision."""

    customer_id: int
    application_id: int
    #: None where only a report that is there already may serve.
    consent_id: int | None
    asked: Asked
    #: What is known without asking anybody.
    features: Features
    #: Of the request that the applicant may send again.
    idempotency_key: str
    request_hash: bytes
    began_at: datetime

    @property
    def inputs(self) -> str:
        """Return question and features as they are stored."""
        document: dict[str, object] = {
            "asked": self.asked.document(),
            "features": dict(self.features),
        }
        return record_bytes(document).decode()


def read_inputs(text: str) -> tuple[Asked, Features]:
    """Return question and features as they were stored."""
    document: dict[str, Any] = orjson.loads(text)
    return asked_of(document["asked"]), document["features"]


def bureau_facts(policy: Policy) -> frozenset[str]:
    """Return the names of what a policy wants to know from a credit bureau."""
    return frozenset(item.name for item in policy.features if item.source == BUREAU_SOURCE)


def is_ineligible(policy: Policy, decision: Decision) -> bool:
    """Tell whether a rule of eligibility declines: then nobody is asked about the applicant.

    A decline that a guard holds back is none: the case goes on like any other.
    """
    held_back = {acted.partition(":")[2] for acted in decision.guarded}
    return any(
        rule.stage is Stage.ELIGIBILITY
        and rule.action_on(decision.verdicts[rule.code]) is Action.DECLINE
        and rule.code not in held_back
        for rule in policy.rules
        if rule.code in decision.verdicts
    )
