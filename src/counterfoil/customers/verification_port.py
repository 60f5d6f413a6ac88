"""The way to identity sources: what a connector is asked and gives, and a faithful counterpart.

A connector never raises for what the network or the source did: it says that it does not know.
Nothing biometric passes through: `presented` is what the applicant holds at the source, such as the
number of a session or the token of a card, and of a template comes back a hash alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from counterfoil.customers.identity import check_id_number
from counterfoil.customers.verification import CheckOutcome
from counterfoil.customers.verification_policy import HOUSE_SOURCE, CheckKind, IdentityPolicy
from counterfoil.kernel.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IdentityQuestion:
    """What a source is asked; never shown in a log."""

    kind: CheckKind
    name: str
    id_number: str
    phone: str
    #: What the applicant holds at the source: a session, a token. Never an image.
    presented: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAnswer:
    """What a source says."""

    outcome: CheckOutcome
    #: Somebody else is known under what was shown.
    is_of_another: bool = False
    document_expires_on: date | None = None
    #: SHA-256 of the biometric template, where the source keeps one.
    template_sha256: bytes | None = None


class IdentitySource(Protocol):
    """One connector."""

    async def check(self, question: IdentityQuestion) -> IdentityAnswer:
        """Return what the source says; unknown where it does not answer."""
        ...


class HouseSource:
    """The house's own check: the check character, without asking anybody."""

    async def check(self, question: IdentityQuestion) -> IdentityAnswer:
        """Return whether the number is well-formed."""
        if question.kind is not CheckKind.NUMBER:
            return IdentityAnswer(outcome=CheckOutcome.UNKNOWN)
        is_wrong = isinstance(check_id_number(question.id_number, question.on), Refused)
        return IdentityAnswer(outcome=CheckOutcome.FAIL if is_wrong else CheckOutcome.PASS)


#: How long a document of the sandbox is still valid, years.
_YEARS: Final = 10


class SandboxSource:
    """A counterpart in this process: it says what is shown to it, faults on demand.

    `presented` names the fault: `fail`, `unknown`, `silent` (the source is away), `another`
    (somebody else is known under it), `expired`, `expires:2026-03-31`. Everything else passes.
    """

    async def check(self, question: IdentityQuestion) -> IdentityAnswer:
        """Return what the fault asks for."""
        fault, _, said = question.presented.partition(":")
        if fault in {"unknown", "silent"}:
            return IdentityAnswer(outcome=CheckOutcome.UNKNOWN)
        if fault == "another":
            return IdentityAnswer(outcome=CheckOutcome.FAIL, is_of_another=True)
        if fault == "fail":
            return IdentityAnswer(outcome=CheckOutcome.FAIL)
        if question.kind is CheckKind.DOCUMENT:
            return _document(fault, said, question.on)
        template = hashlib.sha256(f"template {question.id_number}".encode()).digest()
        is_biometric = question.kind is CheckKind.LIVENESS
        return IdentityAnswer(
            outcome=CheckOutcome.PASS, template_sha256=template if is_biometric else None
        )


def _document(fault: str, said: str, on: date) -> IdentityAnswer:
    expires_on = on.replace(year=on.year + _YEARS, day=min(on.day, 28))
    if fault == "expired":
        expires_on = on.replace(year=on.year - 1, day=min(on.day, 28))
    elif fault == "expires":
        try:
            expires_on = date.fromisoformat(said)
        except ValueError:
            return IdentityAnswer(outcome=CheckOutcome.UNKNOWN)
    outcome = CheckOutcome.PASS if expires_on >= on else CheckOutcome.FAIL
    return IdentityAnswer(outcome=outcome, document_expires_on=expires_on)


def sources_of(policy: IdentityPolicy, *, is_sandbox: bool) -> Mapping[str, IdentitySource]:
    """Return the connectors that are joined, by source: a sandbox has a counterpart of each."""
    joined: dict[str, IdentitySource] = {}
    if is_sandbox:
        joined = {code: SandboxSource() for code in policy.sources}
    if HOUSE_SOURCE in policy.sources:
        joined[HOUSE_SOURCE] = HouseSource()
    return joined
