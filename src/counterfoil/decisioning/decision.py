"""What is asked of a policy and what it answers, with everything needed to answer again.

Invariant   Inputs and result have one canonical text each; a replay compares bytes.
Units       Amounts in minor units of one currency, the rate in 1e-8 per day, tenors in months.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.canonical import record_bytes
from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards
from counterfoil.decisioning.scorecard import Contribution
from counterfoil.decisioning.wishes import NO_WISHES, Wishes


class Outcome(StrEnum):
    """How a decision ends."""

    APPROVED = "approved"
    DECLINED = "declined"
    REFERRED = "referred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question: which product, how much, within which bounds of the product."""

    product_code: str
    product_version: int
    currency: str
    #: What the applicant asked for; None asks for as much as the policy gives.
    requested_minor: int | None
    limit_min_minor: int
    limit_max_minor: int
    limit_step_minor: int
    tenors_months: tuple[int, ...]
    #: The product's range of rates; a price outside it is never clipped into it.
    rate_daily_min_e8: int
    rate_daily_max_e8: int
    #: The business date of the decision.
    as_of: date
    #: What the customer chose about decisions by machine.
    wishes: Wishes = NO_WISHES
    #: What the guard against too much debt found; None where nothing holds the case back.
    ceiling: DebtCeiling | None = None
    #: The rule pack that the bounds follow, with its hash; None in decisions made before packs.
    rule_pack: str | None = None
    #: SHA-256 of the registry by which features were read; None where it was not named yet.
    feature_registry: str | None = None

    def document(self) -> dict[str, object]:
        """Return the form that is stored; choices are named where there are any."""
        document: dict[str, object] = {
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "limit_max_minor": self.limit_max_minor,
            "limit_min_minor": self.limit_min_minor,
            "limit_step_minor": self.limit_step_minor,
            "product_code": self.product_code,
            "product_version": self.product_version,
            "rate_daily_max_e8": self.rate_daily_max_e8,
            "rate_daily_min_e8": self.rate_daily_min_e8,
            "requested_minor": self.requested_minor,
            "tenors_months": list(self.tenors_months),
        }
        if self.wishes.is_any:
            document["wishes"] = self.wishes.document()
        if self.ceiling is not None:
            document["ceiling"] = self.ceiling.document()
        if self.rule_pack is not None:
            document["rule_pack"] = self.rule_pack
        if self.feature_registry is not None:
            document["feature_registry"] = self.feature_registry
        return document


class Candidate(NamedTuple):
    """One bound on the limit; the smallest wins and is named."""

    name: str
    limit_minor: int


class Decision(NamedTuple):
    """The answer, complete: what was read, what each rule said, what came of it and why.

    A tuple with names, because one is made for every case: a tenth of a frozen class's time.
    """

    policy_hash: str
    policy_version: str
    asked: Asked
    features: Mapping[str, Value | None]
    #: Names of given values that the declaration did not admit; they counted as unknown.
    rejected: tuple[str, ...]

    outcome: Outcome
    verdicts: Mapping[str, Verdict]
    segment: str
    #: None when the case did not get as far as the score.
    points: int | None
    contributions: tuple[Contribution, ...]
    grade: str | None
    candidates: tuple[Candidate, ...]
    #: The candidate that bound the limit; None without a limit.
    binding: str | None
    #: The offer, or what a person may offer on a referred case; 0 where there is none.
    limit_minor: int
    rate_daily_e8: int | None
    tenors_months: tuple[int, ...]
    #: Ranked reason codes, at most four, principal first.
    reasons: tuple[str, ...]
    #: Codes of rules that only point something out.
    flags: tuple[str, ...]
    #: The last business date on which the offer can be accepted; None without an offer.
    valid_until: date | None
    #: What held rules back when this was decided.
    guards: Guards = NO_GUARDS
    #: What the guards did: `cap:CODE` sent to a person, `snooze:CODE` suppressed.
    guarded: tuple[str, ...] = ()
    #: Names of features to ask the customer for.
    asks: tuple[str, ...] = ()
    #: Whether the grown limits held; None where the policy has initial limits only.
    grown: bool | None = None
    #: Probability of default, ppm; None where no model says so, or the score is not known.
    pd_ppm: int | None = None
    #: What experiments had to say about the case; None where none had.
    assigned: Assigned | None = None
    #: The price of each tenor in their order, of which `rate_daily_e8` is the dearest; empty where
    #: all tenors cost the same.
    rates_daily_e8: tuple[int, ...] = ()

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
        return record_bytes(self.result_document())

    def result_document(self) -> dict[str, object]:
        """Return all that came out; a part that the policy does not know is not named."""
        document: dict[str, object] = {
            "binding": self.binding,
            "candidates": [[item.name, item.limit_minor] for item in self.candidates],
            "contributions": [[item.feature, item.bin, item.points] for item in self.contributions],
            "flags": list(self.flags),
            "grade": self.grade,
            "limit_minor": self.limit_minor,
            "outcome": self.outcome,
            "points": self.points,
            "policy_version": self.policy_version,
            "rate_daily_e8": self.rate_daily_e8,
            "reasons": list(self.reasons),
            "segment": self.segment,
            "tenors_months": list(self.tenors_months),
            "valid_until": self.valid_until and self.valid_until.isoformat(),
            # As they are: the writer knows them, and asking each for its value takes longer.
            "verdicts": dict(self.verdicts),
        }
        if self.guarded:
            document["guarded"] = list(self.guarded)
        if self.asks:
            document["asks"] = list(self.asks)
        if self.grown is not None:
            document["grown"] = self.grown
        if self.pd_ppm is not None:
            document["pd_ppm"] = self.pd_ppm
        if self.rates_daily_e8:
            document["rates_daily_e8"] = list(self.rates_daily_e8)
        return document
