"""Reports, openings and kept answers as they are stored; values only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """A report as it is kept; instants are POSIX seconds."""

    customer_id: int
    report_id: int
    inquiry_id: int
    consent_id: int
    purpose: str
    bureau: str
    jti: str
    received_at: int
    #: End of its data life, exclusive.
    expires_at: int
    #: The bureau's sealed answer under the customer's key; None where it is erased or not read.
    sealed: bytes | None
    erased_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One opening of a report."""

    customer_id: int
    opening_id: int
    report_id: int
    purpose: str
    opened_by: str
    #: None where the machine decided under the consent itself.
    grant_id: int | None
    is_reuse: bool
    facts: tuple[str, ...]
    opened_at: int
    leaf_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer that is evidence and nothing else."""

    customer_id: int
    answer_id: int
    inquiry_id: int
    fault: str
    detail: str
    reference: str
    #: Under the customer's key.
    sealed: bytes
    sealed_sha256: bytes
    received_at: int
    #: End of the data life of the consent that it came under, exclusive.
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much is asked, and how often a report served again."""

    inquiries: int
    open_inquiries: int
    #: Customers about whom was asked at least once.
    customers: int
    reuses: int

    @property
    def served(self) -> int:
        """Return how often something was to be known: asked, or known from a living report."""
        return self.inquiries + self.reuses
