"""An assessment of the impact on persons, before sensitive processing begins.

Content     Purpose, necessity, risks, measures, decision, author; when it is looked at again.
States      made → approved | refused by somebody else; approved → ended. Only an approved one
            whose day of review has not passed lets processing begin.
Kept        At least three years, whatever became of it.
Follows     PIPL articles 55 and 56; the rule R032.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

import rfc8785

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy.refusals import (
    ASSESSMENT_BY_ANOTHER,
    ASSESSMENT_INCOMPLETE,
    ASSESSMENT_NOT_OPEN,
    REASON_MISSING,
)
from counterfoil.privacy.retention import load_schedule, years_after


class Processing(StrEnum):
    """What begins only after an assessment."""

    SENSITIVE = "sensitive"
    AUTOMATED_DECISION = "automated_decision"
    ENTRUSTING = "entrusting"
    PROVIDING = "providing"
    PUBLISHING = "publishing"
    EXPORT = "export"


class AssessmentAct(StrEnum):
    """What is done with an assessment."""

    APPROVED = "approved"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was assessed, and what came out; each in the author's words."""

    purpose: str
    necessity: str
    risks: tuple[str, ...]
    measures: tuple[str, ...]
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentEvent:
    """One thing that was done with an assessment."""

    act: AssessmentAct
    person: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One assessment with what became of it."""

    assessment_id: int
    processing: Processing
    #: What exactly begins: a source, a policy, a recipient.
    subject: str
    document: str
    sha256: bytes
    author: str
    made_at: datetime
    review_on: date
    keep_until: date
    events: tuple[AssessmentEvent, ...] = ()

    @property
    def state(self) -> str:
        """Return `made`, `approved`, `refused` or `ended`."""
        return self.events[-1].act.value if self.events else "made"

    def is_good_on(self, day: date) -> bool:
        """Tell whether processing may rest on it on a day."""
        return self.state == AssessmentAct.APPROVED and day <= self.review_on


_TEXT_LENGTH_MAX: Final = 4_000


def write_document(
    processing: Processing, subject: str, findings: Findings, review_on: date
) -> str | Refused:
    """Return an assessment as canonical JSON; refuse one that leaves something out."""
    texts = (subject, findings.purpose, findings.necessity, findings.decision)
    every = (*texts, *findings.risks, *findings.measures)
    if not all(text.strip() and len(text) <= _TEXT_LENGTH_MAX for text in every):
        return refuse(ASSESSMENT_INCOMPLETE)
    if not findings.risks or not findings.measures:
        return refuse(ASSESSMENT_INCOMPLETE)
    return rfc8785.dumps(
        {
            "processing": processing.value,
            "subject": subject,
            "purpose": findings.purpose,
            "necessity": findings.necessity,
            "risks": list(findings.risks),
            "measures": list(findings.measures),
            "decision": findings.decision,
            "review_on": review_on.isoformat(),
        }
    ).decode()


def hash_of(document: str) -> bytes:
    """Return the SHA-256 that names an assessment."""
    return sha256(document.encode()).digest()


def kept_until(review_on: date) -> date:
    """Return the last day on which an assessment has to be kept."""
    return years_after(review_on, load_schedule().classes["assessment"].floor_years)


def refuse_step(found: Assessment, act: AssessmentAct, by: str, reason: str) -> Refused | None:
    """Return why a step may not be taken; None where it may."""
    allowed: Sequence[str] = ("approved",) if act is AssessmentAct.ENDED else ("made",)
    if found.state not in allowed:
        return refuse(ASSESSMENT_NOT_OPEN, state=found.state)
    if not reason.strip():
        return refuse(REASON_MISSING)
    if act is not AssessmentAct.ENDED and by == found.author:
        return refuse(ASSESSMENT_BY_ANOTHER)
    return None


@cache
def sandbox_assessments() -> tuple[tuple[Processing, frozenset[str]], ...]:
    """Return what a sandbox may begin without an assessment of its own: kind and subjects.

    Each is a whole assessment; one that leaves something out stops the start.
    """
    text = resources.files("counterfoil.privacy").joinpath("sandbox_assessments.toml")
    found = []
    for item in tomllib.loads(text.read_text("utf-8"))["assessments"]:
        findings = Findings(
            purpose=item["purpose"],
            necessity=item["necessity"],
            risks=tuple(item["risks"]),
            measures=tuple(item["measures"]),
            decision=item["decision"],
        )
        processing = Processing(item["processing"])
        for subject in item["subjects"]:
            written = write_document(processing, subject, findings, item["review_on"])
            assert isinstance(written, str), f"the sandbox's assessment of {subject} is not whole"
        found.append((processing, frozenset(item["subjects"])))
    return tuple(found)


def is_for_sandbox(processing: Processing, subject: str) -> bool:
    """Return whether a sandbox brings an assessment of this; `*` stands for any letters."""
    return any(
        kind is processing and any(fnmatchcase(subject, one) for one in subjects)
        for kind, subjects in sandbox_assessments()
    )
