"""Rows of this room as values: statements, statements of customers, runs of the guard."""

from dataclasses import dataclass
from datetime import date, datetime

from counterfoil.capacity.exposure import Searched
from counterfoil.capacity.inventory import Debt


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatement:
    """A statement that is kept; instants are POSIX seconds by the real clock."""

    customer_id: int
    statement_id: int
    consent_id: int
    use_no: int
    #: `csv` or `camt.053`.
    form: str
    account_digest: bytes
    file_sha256: bytes
    currency: str
    first_date: date
    last_date: date
    lines_count: int
    #: Counts and amounts by category, canonical JSON.
    categories: str
    rules_version: str
    brought_by: str
    received_at: int
    expires_at: int
    #: None where it was not read or is gone.
    sealed: bytes | None = None
    erased_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a customer states; None is what nobody asked or answered."""

    customer_id: int
    declaration_id: int
    consent_id: int | None
    income_monthly_minor: int | None
    documented_monthly_minor: int | None
    region: str | None
    dependants: int
    debt_monthly_minor: int | None
    lenders_count: int | None
    #: None where the customer was not asked for all of them.
    debts: tuple[Debt, ...] | None
    stated_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDebts:
    """Debts and searches of one report."""

    customer_id: int
    report_id: int
    consent_id: int
    made_on: date
    debts: tuple[Debt, ...]
    searches: tuple[Searched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRun:
    """One run of the guard as it is kept."""

    customer_id: int
    run_id: int
    occasion: str
    #: What it ran for; None at a review of the person.
    subject_id: int | None
    as_of: date
    ran_at: datetime
    outcome: str
    cap_minor: int | None
    cap_by: str
    #: Codes of the ceilings that were reached, hard ones with `!` before them.
    hits: tuple[str, ...]
    #: SHA-256 of the document of ceilings.
    ceilings: str
    inputs: str
    result: str
