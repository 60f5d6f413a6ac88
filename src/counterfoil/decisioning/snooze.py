"""Snoozes: a rule that is suppressed for one customer for some time, with a reason.

Bounds      Only rules that the version in force has, never a rule of law, and no longer than the
            policy allows; where it allows none, none.
Effect      The verdict is judged and recorded as always; what would follow from it does not. The
            snoozes of a case are inputs of its decision and kept with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from counterfoil.decisioning.refusals import (
    SNOOZE_NOT_ALLOWED,
    SNOOZE_OF_LAW,
    SNOOZE_RULE_UNKNOWN,
    SNOOZE_TOO_LONG,
)
from counterfoil.kernel.errors import Refused, refuse


class SnoozableRule(Protocol):
    """A rule of whatever kind of policy."""

    @property
    def code(self) -> str:
        """Return its code."""
        ...

    @property
    def is_exempt(self) -> bool:
        """Tell whether nothing may hold it back."""
        ...


class Snoozable(Protocol):
    """A policy whose rules may be suppressed for a customer."""

    @property
    def version(self) -> str:
        """Return its version."""
        ...

    @property
    def snooze_days_max(self) -> int | None:
        """Return the longest that a rule may be suppressed; None where none may be."""
        ...

    @property
    def rules(self) -> Sequence[SnoozableRule]:
        """Return its rules."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeWish:
    """What somebody asks for."""

    customer_id: int
    #: Of the policy that the rule stands in.
    purpose: str
    rule_code: str
    days: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """A rule that is suppressed for a customer until an instant, unless somebody ends it."""

    customer_id: int
    snooze_id: int
    purpose: str
    rule_code: str
    reason: str
    asked_by: str
    approved_by: str
    approval_id: int
    starts_at: datetime
    expires_at: datetime
    #: None while nobody has ended it before its time.
    ended_at: datetime | None = None
    ended_by: str | None = None

    def is_active(self, at: datetime) -> bool:
        """Tell whether the rule is suppressed at an instant."""
        return self.starts_at <= at < min(self.expires_at, self.ended_at or self.expires_at)


def check_wish(policy: Snoozable, wish: SnoozeWish) -> Refused | None:
    """Refuse what the version in force does not allow."""
    rule = next((rule for rule in policy.rules if rule.code == wish.rule_code), None)
    if rule is None:
        return refuse(SNOOZE_RULE_UNKNOWN, rule=wish.rule_code, policy_version=policy.version)
    if rule.is_exempt:
        return refuse(SNOOZE_OF_LAW, rule=wish.rule_code)
    if policy.snooze_days_max is None:
        return refuse(SNOOZE_NOT_ALLOWED, policy_version=policy.version)
    if not 1 <= wish.days <= policy.snooze_days_max:
        return refuse(SNOOZE_TOO_LONG, days_max=policy.snooze_days_max)
    return None


def payload_of(wish: SnoozeWish) -> dict[str, str | int]:
    """Return exactly what the second person approves; the reason stands in the request."""
    return {
        "act": "rule_snooze",
        "customer_id": str(wish.customer_id),
        "days": wish.days,
        "purpose": wish.purpose,
        "rule": wish.rule_code,
    }


def expiry_of(wish: SnoozeWish, at: datetime) -> datetime:
    """Return when a snooze that begins at an instant is over."""
    return at + timedelta(days=wish.days)
