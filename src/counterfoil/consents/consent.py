"""A consent as it is kept: what was agreed, and where it stands."""

from dataclasses import dataclass

from counterfoil.consents.record import record_id_text
from counterfoil.consents.state import State, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One consent of one customer."""

    customer_id: int
    consent_id: int
    #: 128 random bits; what others know the consent by.
    record_id: bytes
    purpose: str
    #: Legal identifier, exactly one.
    recipient: str
    #: None where the consent is about no application.
    application_id: int | None
    notice_code: str
    notice_version: int
    language: str
    #: In all, or in a period.
    uses_max: int
    #: None where the uses are counted once for all.
    period_seconds: int | None
    #: POSIX seconds, both inclusive.
    not_before: int
    not_after: int
    data_life_days: int
    #: POSIX seconds.
    created: int
    #: Its leaf in the log.
    leaf_id: int
    #: The record in canonical form, and its SHA-256.
    body: bytes
    sha256: bytes
    #: Place in the published list of withdrawals.
    position: int
    state: State
    #: POSIX seconds; None where it was not.
    withdrawn_at: int | None

    @property
    def record(self) -> str:
        """Return the identifier that stands in the record."""
        return record_id_text(self.record_id)

    @property
    def status(self) -> Status:
        """Return where the consent stands."""
        return self.state.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What somebody wants to use a consent for, now."""

    customer_id: int
    consent_id: int
    purpose: str
    #: Legal identifier of whom the data comes from or goes to.
    recipient: str
    #: None where it is about no application.
    application_id: int | None = None
    #: POSIX seconds by the real clock.
    now: int
    #: Who uses it, for its events.
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedConsent:
    """A use that the database has counted."""

    consent: Consent
    #: From 1.
    use_no: int
