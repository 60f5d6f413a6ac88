"""A contract from its preparation to its signature, as pure transitions.

States      prepared → signed | superseded | declined | withdrawn. Expiry is a date, not a state.
Invariant   Signed is only what was shown: the sheet by itself and long enough, then the agreement,
            in the language that is signed, with the hashes of exactly these texts, before the
            offer ended, and while template and offer are still those of the text.
Evidence    What proves the customer's act (RFC 8785 JSON, no personal data): what was shown when,
            how long it was open, how the customer was known, and the code that was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.contracts.refusals import (
    AUTHENTICATION_TOO_LOW,
    CONTRACT_ALREADY_SIGNED,
    CONTRACT_EXPIRED,
    CONTRACT_NOT_SHOWN,
    CONTRACT_SUPERSEDED,
    COST_SHEET_HASH_MISMATCH,
    COST_SHEET_NOT_SHOWN,
    DOCUMENT_HASH_MISMATCH,
    READING_TOO_SHORT,
)
from counterfoil.contracts.template import Authentication, Template
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language

_MILLISECOND: Final = timedelta(milliseconds=1)
_SECOND: Final = timedelta(seconds=1)


class State(StrEnum):
    """Where a contract stands."""

    PREPARED = "prepared"
    SIGNED = "signed"
    SUPERSEDED = "superseded"
    DECLINED = "declined"
    #: The lender took its notice of a new version back.
    WITHDRAWN = "withdrawn"


class Part(StrEnum):
    """What is shown by itself before a signature."""

    COST_SHEET = "cost_sheet"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract; the order of the fields is that of the query which loads it."""

    customer_id: int
    contract_id: int
    #: The application, which is also the number of the line.
    application_id: int
    product_code: str
    product_version: int
    lender_id: str
    template_code: str
    template_version: int
    currency: str
    limit_minor: int
    rate_daily_e8: int
    state: str
    prepared_on: date
    #: The last day on which it can be signed.
    valid_until: date
    sha256_zh: bytes
    sha256_en: bytes
    cost_sheet_sha256: bytes
    prepared_at: datetime
    #: The agreement that it takes the place of, and from when; None for the first of a line.
    replaces: int | None = None
    effective_on: date | None = None
    signed_at: datetime | None = None
    signed_language: str | None = None
    #: Canonical JSON of the customer's act; None until it is signed.
    evidence: str | None = None
    #: SHA-256 of the file with the lender's signature; None until it is issued.
    pdf_sha256: bytes | None = None
    #: The worker issues the file without being asked for it.
    pdf_due: bool = False
    #: What a new version changes, as `change.Change` names it; None for the first of a line.
    changes: Sequence[str] | None = None
    #: From its day on nothing new is drawn until it is signed.
    is_binding: bool = False
    #: Limit and daily price, 1e-8, of new drawings on the day of the notice.
    from_limit_minor: int | None = None
    from_rate_daily_e8: int | None = None
    #: Since when the price is the agreement's own; None where it is the decision's.
    price_since: date | None = None

    def sha256_of(self, language: Language) -> bytes:
        """Return the hash of the text in a language."""
        return self.sha256_zh if language is Language.CHINESE else self.sha256_en

    @property
    def signed_sha256(self) -> bytes:
        """Return the hash of the text that was signed."""
        assert self.signed_language is not None, "the contract is signed"
        return self.sha256_of(Language(self.signed_language))

    def is_of(self, template: Template) -> bool:
        """Return whether the text was made from this version of a template."""
        return (self.template_code, self.template_version) == (template.code, template.version)


class Showing(NamedTuple):
    """A part that was shown; the first time counts."""

    part: str
    language: str
    shown_at: datetime


class Act(NamedTuple):
    """What a customer does to sign."""

    language: Language
    document_sha256: bytes
    cost_sheet_sha256: bytes
    authentication: Authentication
    #: Through whom the customer acts, as the API knows it.
    channel: str


class Present(NamedTuple):
    """What holds at the moment of an act."""

    #: The template from which a new contract would be made; None where none holds any more.
    template: Template | None
    #: Whether limit and price are still those of the offer, or of the line.
    offer_holds: bool
    on: date
    now: datetime


def refuse_opening(contract: Contract, present: Present) -> Refused | None:
    """Refuse to show or sign what is signed, replaced or too old."""
    if contract.state == State.SIGNED:
        return refuse(CONTRACT_ALREADY_SIGNED)
    if contract.state != State.PREPARED:
        return refuse(CONTRACT_SUPERSEDED)
    if present.on > contract.valid_until:
        return refuse(CONTRACT_EXPIRED, valid_until=contract.valid_until.isoformat())
    if present.template is None or not contract.is_of(present.template) or not present.offer_holds:
        return refuse(CONTRACT_SUPERSEDED)
    return None


def refuse_order(part: Part, language: Language, showings: list[Showing]) -> Refused | None:
    """Refuse to show the agreement before the cost sheet was shown by itself."""
    if part is Part.AGREEMENT and _shown(Part.COST_SHEET, language, showings) is None:
        return refuse(COST_SHEET_NOT_SHOWN)
    return None


def refuse_signature(
    contract: Contract,
    act: Act,
    showings: list[Showing],
    present: Present,
    *,
    least_seconds: int,
) -> Refused | None:
    """Refuse an act that is no signature of this text; the one-time code is checked after this."""
    refused = refuse_opening(contract, present)
    if refused:
        return refused
    if act.document_sha256 != contract.sha256_of(act.language):
        return refuse(DOCUMENT_HASH_MISMATCH)
    if act.cost_sheet_sha256 != contract.cost_sheet_sha256:
        return refuse(COST_SHEET_HASH_MISMATCH)
    assert present.template is not None, "it was just compared"
    least = present.template.authentication_least
    if not act.authentication.reaches(least):
        return refuse(AUTHENTICATION_TOO_LOW, least=least.value, given=act.authentication.value)
    return _refuse_unread(act.language, showings, present.now, least_seconds)


def signed(
    contract: Contract,
    act: Act,
    showings: list[Showing],
    *,
    at: datetime,
    pdf_due: bool,
    identity_policy: str | None = None,
) -> Contract:
    """Return the contract with the evidence of its signature.

    `identity_policy` is the document by which the customer's identity was checked before.
    """
    known = _evidence(contract, act, showings, at)
    if identity_policy is not None:
        known["identity_policy"] = identity_policy
    # Whole numbers and plain letters only: sorted keys are all that RFC 8785 asks for.
    evidence = orjson.dumps(known, option=orjson.OPT_SORT_KEYS)
    return replace(
        contract,
        state=State.SIGNED.value,
        signed_at=at,
        signed_language=act.language.value,
        evidence=evidence.decode(),
        pdf_due=pdf_due,
    )


def _refuse_unread(
    language: Language, showings: list[Showing], now: datetime, least_seconds: int
) -> Refused | None:
    sheet_at = _shown(Part.COST_SHEET, language, showings)
    if sheet_at is None:
        return refuse(COST_SHEET_NOT_SHOWN)
    if _shown(Part.AGREEMENT, language, showings) is None:
        return refuse(CONTRACT_NOT_SHOWN)
    open_for = now - sheet_at
    if open_for < timedelta(seconds=least_seconds):
        wait = least_seconds - open_for // _SECOND
        return refuse(READING_TOO_SHORT, least_seconds=least_seconds, wait_seconds=wait)
    return None


def _shown(part: Part, language: Language, showings: list[Showing]) -> datetime | None:
    found = [s.shown_at for s in showings if s.part == part and s.language == language]
    return found[0] if found else None


def _evidence(
    contract: Contract, act: Act, showings: list[Showing], at: datetime
) -> dict[str, Any]:
    sheet_at = _shown(Part.COST_SHEET, act.language, showings)
    agreement_at = _shown(Part.AGREEMENT, act.language, showings)
    assert sheet_at is not None, "an act was checked before it is evidence"
    assert agreement_at is not None, "an act was checked before it is evidence"
    return {
        "authentication_level": act.authentication.value,
        "channel": act.channel,
        "confirmed_by": "one_time_code",
        "cost_sheet_sha256": contract.cost_sheet_sha256.hex(),
        "document_sha256": act.document_sha256.hex(),
        "language": act.language.value,
        "reading_ms": {
            "agreement": (at - agreement_at) // _MILLISECOND,
            "cost_sheet": (at - sheet_at) // _MILLISECOND,
        },
        "shown_at": {
            "agreement": int(agreement_at.timestamp()),
            "cost_sheet": int(sheet_at.timestamp()),
        },
        "signed_at": int(at.timestamp()),
    }
