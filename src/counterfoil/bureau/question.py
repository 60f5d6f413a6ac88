"""What is asked of a bureau, what comes back, and why an answer is not believed; values only.

Nothing here is of one country: how a question is written, sealed and sent, and how a report is
read, is the adapter's business (`port.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.bureau.debts import DebtInventory

Facts = Mapping[str, int | str | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SubjectOpening:
    """Who the question is about: identity, and what ties it to the consent; never in a log."""

    name: str
    id_type: str
    id_number: str
    #: The salt under which the consent names its subject.
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Question:
    """One inquiry, complete."""

    #: 128 random bits as text; the same whenever the same inquiry is sent again.
    jti: str
    #: Legal identifiers of whoever asks and whoever is asked.
    issuer: str
    bureau: str
    #: Occasion's code, the consent's purpose, and what the credit database calls it.
    occasion: str
    purpose: str
    reason_code: str
    #: The consent's identifier in its record, and the SHA-256 of the record.
    consent: str
    consent_sha256: bytes
    use_no: int
    subject: SubjectOpening
    #: POSIX seconds at which this copy of the question was made.
    asked_at: int
    #: Receipts of the leaves of consent and intent, as files.
    consent_receipt: bytes
    intent_receipt: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The bureau answered; the report is still sealed."""

    reference: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """The bureau says no, for good: this question is over."""

    code: str
    #: Empty where the bureau gave none.
    reference: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Whatever is not a clear answer: the question stays open and is asked again."""

    reason: str


Answer = Answered | Declined | NoAnswer


class Fault(StrEnum):
    """Why a report cannot be used; the answer is kept as evidence and decides nothing."""

    MALFORMED = "malformed"
    ANOTHER_PERSON = "another_person"
    #: It names another organisation or another reason than the question.
    ANOTHER_INQUIRY = "another_inquiry"
    LATE = "late"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Unfit:
    """A report that is not the answer to its question."""

    fault: Fault
    #: For operators; names no person.
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reading:
    """What a report says of the facts that were wanted, and nothing else of it."""

    facts: Facts
    #: What a person has to look at: `fraud_warning`, `disputed`, `thin_file`.
    marks: frozenset[str]
    #: Debts and searches; None where nobody asked for the inventory or the report has none.
    debts: DebtInventory | None = None
