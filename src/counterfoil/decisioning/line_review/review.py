"""What is asked about a line, and what a review answers, complete enough to answer again.

Units       Amounts in minor units of the line's currency; days and statements are counts.
Invariant   Inputs and result have one canonical text each; a replay compares bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.canonical import record_bytes
from counterfoil.decisioning.decision import Candidate
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards


class ReviewOutcome(StrEnum):
    """How a review ends."""

    UNCHANGED = "unchanged"
    OFFERED = "offered"
    LOWERED = "lowered"
    FROZEN = "frozen"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    #: A person has to look: a guard, an unknown, or a proposal to close.
    REFERRED = "referred"


#: Parts of the question that were not asked from the beginning.
_ASKED_LATER: Final = ("is_suspended_by_person", "person_decides", "rule_pack", "feature_registry")

#: Outcomes that a guard counts and may hold back.
ADVERSE_OUTCOMES = frozenset({ReviewOutcome.LOWERED, ReviewOutcome.FROZEN, ReviewOutcome.SUSPENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedLine:
    """The question: the line as it stands, within the bounds of product and licence."""

    #: Why it is looked at: `periodic`, or an event.
    trigger: str
    product_code: str
    product_version: int
    currency: str
    #: `active`, `frozen` or `suspended` on the date.
    status: str
    #: Last day of the freeze; None where there is none, or none with an end.
    frozen_until: date | None
    #: Whether a measure froze it, and not the customer: a measure is not renewed while it runs.
    is_frozen_by_measure: bool
    limit_minor: int
    #: Principal and holds.
    used_minor: int
    limit_min_minor: int
    limit_max_minor: int
    limit_step_minor: int
    #: The most that the licence allows on the date; None where no cap is known for it.
    licence_cap_minor: int | None
    raises_12_months: int
    #: Since the limit was changed last, or the line was opened.
    days_since_change: int
    #: Since the last measure against the customer that still counts; None where there is none.
    days_since_measure: int | None
    #: Since the suspension that stands; None where none does, or nobody noted when.
    days_suspended: int | None
    #: Statements without a late month, up to the date.
    clean_statements: int
    #: The business date of the review.
    as_of: date
    #: Whether a person suspended it: then no rule lifts that.
    is_suspended_by_person: bool = False
    #: Whether the customer wants no decision by machine alone.
    person_decides: bool = False
    #: The rule pack that the bounds follow, with its hash; None where it was not named yet.
    rule_pack: str | None = None
    #: SHA-256 of the registry by which features were read; None where it was not named yet.
    feature_registry: str | None = None

    def document(self) -> dict[str, object]:
        """Return the form that is stored."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        for name in _ASKED_LATER:
            if not fields[name]:
                # Reviews from before this was asked keep their text.
                del fields[name]
        return fields | {
            "as_of": self.as_of.isoformat(),
            "frozen_until": self.frozen_until and self.frozen_until.isoformat(),
        }


def reviewed_line_of(document: dict[str, Any]) -> ReviewedLine:
    """Return the question as it was stored."""
    until = document["frozen_until"]
    return ReviewedLine(
        **document
        | {
            "as_of": date.fromisoformat(document["as_of"]),
            "frozen_until": until and date.fromisoformat(until),
        }
    )


class Review(NamedTuple):
    """The answer: what was read, what each rule said, what follows and why."""

    policy_hash: str
    policy_version: str
    asked: ReviewedLine
    features: Mapping[str, Value | None]
    #: Names of given values that the declaration did not admit; they counted as unknown.
    rejected: tuple[str, ...]
    outcome: ReviewOutcome
    verdicts: Mapping[str, Verdict]
    #: Codes of the rules that the outcome rests on.
    acted: tuple[str, ...]
    #: The limit that follows; None where the limit stays, also for a proposal that is no raise.
    to_minor: int | None = None
    #: When it takes effect; None where nothing does, an offer among it.
    effective_on: date | None = None
    #: Last day of a freeze.
    ends_on: date | None = None
    #: Bounds on an offer; the smallest wins and is named.
    candidates: tuple[Candidate, ...] = ()
    binding: str | None = None
    #: Ranked reason codes, at most four.
    reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    #: What a person is asked to decide: `close`, or `look`.
    proposals: tuple[str, ...] = ()
    guards: Guards = NO_GUARDS
    #: The arm of an experiment that reviewed; None where none took the line.
    assigned: Assigned | None = None
    #: What the guards did: `cap:CODE` sent to a person, `snooze:CODE` suppressed; and `wish:CODE`
    #: went to a person because the customer wants one.
    guarded: tuple[str, ...] = ()

    def inputs(self) -> bytes:
        """Return the canonical text of all that went in."""
        document: dict[str, object] = {
            "asked": self.asked.document(),
            "features": dict(self.features),
            "policy_hash": self.policy_hash,
            "rejected": list(self.rejected),
        }
        if self.guards.are_up:
            document["guards"] = self.guards.document()
        if self.assigned is not None:
            document["experiments"] = self.assigned.document()
        return record_bytes(document)

    def result(self) -> bytes:
        """Return the canonical text of all that came out."""
        return record_bytes(
            {
                "acted": list(self.acted),
                "binding": self.binding,
                "candidates": [[item.name, item.limit_minor] for item in self.candidates],
                "effective_on": self.effective_on and self.effective_on.isoformat(),
                "ends_on": self.ends_on and self.ends_on.isoformat(),
                "flags": list(self.flags),
                "guarded": list(self.guarded),
                "outcome": self.outcome,
                "policy_version": self.policy_version,
                "proposals": list(self.proposals),
                "reasons": list(self.reasons),
                "to_minor": self.to_minor,
                "verdicts": dict(self.verdicts),
            }
        )
