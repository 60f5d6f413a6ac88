"""A decision of a customer on one notice, yes or no, with the evidence of how it was made."""

from dataclasses import dataclass

from counterfoil.consents.notice import Notice
from counterfoil.consents.record import Authentication, Display


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    """A decision that is about to be written."""

    customer_id: int
    decision_id: int
    #: `given`, `refused` or `reconfirmed`.
    choice: str
    notice: Notice
    display: Display
    authentication: Authentication
    is_preselected: bool
    channel: str
    #: POSIX seconds.
    decided_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision as it is kept."""

    decision_id: int
    choice: str
    notice_code: str
    notice_version: int
    language: str
    text_sha256: bytes
    screen_sha256: bytes
    dwell_ms: int
    #: What the notice asked for then.
    reading_ms_min: int
    method: str
    level: str
    authenticated_at: int
    evidence_sha256: bytes
    channel: str
    decided_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShown:
    """A text as it was shown."""

    notice_code: str
    notice_version: int
    language: str
    text: str
    #: POSIX seconds.
    first_shown: int
