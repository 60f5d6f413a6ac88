"""What the reference bureau does with requests; transport is somebody else's matter.

Order       Who asks (signature, certificate) → asked before? then the same answer → the proofs →
            the store's own memory of uses → the report → sealed, kept, listed, billed, sent.
No receipt, no report   Nothing of a person is looked up before the proofs hold.
Dates       Reports are dated by the bureau's calendar, which may be set in a sandbox; proofs are
            always judged by the real time.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from counterfoil.bureau.checking import (
    CheckFailedError,
    Expected,
    No,
    Passed,
    Receipts,
    check_envelope,
    check_request,
)
from counterfoil.bureau.http_bureau import SEAL_INFO, seal_context
from counterfoil.bureau.jose import SignatureRejectedError, key_id_of, payload_of
from counterfoil.bureau.request import InquiryRequest, RequestMalformedError, read_claims
from counterfoil.evidence.formats.policy import Policy
from counterfoil.privacy import hpke
from counterfoil.simulator.bureau.books import Books, KnownInquiry, KnownPerson, NewInquiry
from counterfoil.simulator.bureau.faults import ON_THE_WAY, Fault, FaultPlan
from counterfoil.simulator.bureau.member import Member
from counterfoil.simulator.bureau.report_writer import Occasion, Subject, write_report
from counterfoil.simulator.card_clients import client_of

#: What an inquiry costs, in minor units; a round figure for reconciling bills.
PRICE_MINOR: Final = 500
#: R005: a person's own reports in a calendar year that cost nothing.
FREE_OWN_REPORTS: Final = 2
_OWN_REPORT_PRICE_MINOR: Final = 1_000
_OK: Final = 200
_ACCEPTED: Final = 202
_BAD: Final = 400
_UNKNOWN: Final = 401
_FORBIDDEN: Final = 403
_CONFLICT: Final = 409
_TOO_EARLY: Final = 425
_DOWN: Final = 503

#: Refusals of this copy of a request: signed anew, or later, it may pass.
_OF_THE_COPY: Final = {
    No.REQUEST_MALFORMED: _BAD,
    No.REQUEST_EXPIRED: _BAD,
    No.SIGNATURE_WRONG: _UNKNOWN,
    No.MEMBER_UNKNOWN: _UNKNOWN,
    No.PEER_OTHER: _UNKNOWN,
    No.OWN_WITNESS_MISSING: _TOO_EARLY,
}
_OF_MEMORY: Final = frozenset({No.REPLAYED, No.USE_REPLAYED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request is answered."""

    status: int
    jti: str = ""
    reference: str = ""
    sealed: bytes | None = None
    code: str = ""
    #: Seconds before the answer is sent.
    after_s: int = 0
    #: Whether the answer gets lost on the way.
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OwnReport:
    """A person's report about oneself."""

    report: bytes
    is_free: bool
    #: Which of the year it is, from 1.
    number_of_year: int


@dataclass(slots=True)
class Bureau:
    """The bureau's desk."""

    bureau: str
    books: Books
    members: dict[str, Member]
    plan: FaultPlan = field(default_factory=FaultPlan)
    #: The calendar of reports; None is the day of the request.
    today: date | None = None
    _keys: dict[str, OKPKey] = field(default_factory=dict)
    _receipts: dict[str, Receipts] = field(default_factory=dict)
    #: Questions whose way went wrong once: it goes wrong on the first arrival alone.
    _gone_wrong: set[str] = field(default_factory=set)

    def note_withdrawn(self, peer_sha256: bytes, consents: Iterable[str]) -> bool:
        """Note consents that a member says were withdrawn; return whether it is a member."""
        peer = peer_sha256.hex()
        members = [m for m in self.members.values() if m.certificate_sha256 == peer]
        for consent in consents if members else ():
            self.books.add_withdrawn(members[0].issuer, consent)
        return bool(members)

    def handle(self, token: str, peer_sha256: bytes, *, now: int) -> Reply:
        """Answer one request."""
        request: InquiryRequest | None = None
        try:
            member = self._member(token)
            request = self._request(token, member)
            expected = self._expected(member, peer_sha256)
            known = self.books.inquiry_of_jti(member.issuer, request.jti)
            if known is not None:
                return self._again(request, known, expected, now=now)
            return self._first(request, member, expected, now=now)
        except CheckFailedError as error:
            return self._refuse(request, error, now=now)

    def own_report(self, id_number: str, name: str, *, now: int) -> OwnReport | None:
        """Give a person the report about oneself; None where name and number are nobody's."""
        person = self.books.person(id_number)
        if person is None or person.name != name:
            return None
        at = self._instant(now)
        number = self.books.own_reports_in_year(id_number, at.year) + 1
        is_free = number <= FREE_OWN_REPORTS
        occasion = Occasion(
            report_number=f"{at:%Y%m%d%H%M%S}{number:08d}",
            at=at,
            inquirer=id_number,
            reason_code="own",
        )
        report = write_report(
            _subject(person, Fault.NONE), occasion, self.books.inquiries_about(id_number)
        )
        price = 0 if is_free else _OWN_REPORT_PRICE_MINOR
        self.books.add_own_report(id_number, on=at.date(), price_minor=price)
        return OwnReport(report=report, is_free=is_free, number_of_year=number)

    def _member(self, token: str) -> Member:
        try:
            member = self.members.get(key_id_of(token))
        except SignatureRejectedError as error:
            raise CheckFailedError(No.SIGNATURE_WRONG, str(error)) from error
        if member is None:
            raise CheckFailedError(No.MEMBER_UNKNOWN)
        return member

    def _request(self, token: str, member: Member) -> InquiryRequest:
        key = self._keys.get(member.issuer)
        if key is None:
            key = self._keys[member.issuer] = OKPKey.import_key(member.signing_key)
        try:
            return read_claims(payload_of(token, key))
        except SignatureRejectedError as error:
            raise CheckFailedError(No.SIGNATURE_WRONG, str(error)) from error
        except RequestMalformedError as error:
            raise CheckFailedError(No.REQUEST_MALFORMED, str(error)) from error

    def _expected(self, member: Member, peer_sha256: bytes) -> Expected:
        if peer_sha256.hex() != member.certificate_sha256:
            raise CheckFailedError(No.PEER_OTHER, "the connection is another member's")
        return Expected(
            bureau=self.bureau,
            issuer=member.issuer,
            organisation=member.organisation,
            peer_sha256=peer_sha256,
            reasons=member.reasons,
            own_witness=member.own_witness,
        )

    def _again(
        self, request: InquiryRequest, known: KnownInquiry, expected: Expected, *, now: int
    ) -> Reply:
        """Answer a question that was answered before: the same bytes, to the same question."""
        check_envelope(request, expected, now=now)
        asked = (
            request.consent,
            request.consent_sha256,
            request.use_no,
            request.purpose,
            request.reason,
            request.subject.id_number,
        )
        before = (
            known.consent,
            known.consent_sha256,
            known.use_no,
            known.purpose,
            known.reason,
            known.id_number,
        )
        if asked != before:
            raise CheckFailedError(No.REPLAYED, "another question under a known jti")
        if self.plan.by_person.get(known.id_number) is Fault.DUPLICATE:
            sealed = known.sealed[::-1]
            return Reply(status=_OK, jti=known.jti, reference=known.reference + "-2", sealed=sealed)
        return Reply(status=_OK, jti=known.jti, reference=known.reference, sealed=known.sealed)

    def _first(
        self, request: InquiryRequest, member: Member, expected: Expected, *, now: int
    ) -> Reply:
        passed = check_request(request, self._receipts_of(member), expected, now=now)
        if self.books.is_withdrawn(member.issuer, request.consent):
            raise CheckFailedError(No.CONSENT_WITHDRAWN)
        if self.books.is_use_known(member.issuer, request.consent, request.use_no):
            raise CheckFailedError(No.USE_REPLAYED)
        fault = self._fault(request)
        if fault is Fault.DOWN:
            return Reply(status=_DOWN, jti=request.jti)
        if fault is Fault.REFUSES:
            self._note(request, "service_refused", "", now=now)
            return Reply(status=_FORBIDDEN, jti=request.jti, code="service_refused")
        reply = self._answer(passed, member, fault, now=now)
        if fault is Fault.LATE:
            return Reply(status=_ACCEPTED, jti=request.jti)
        return replace(
            reply,
            after_s=self.plan.slow_s if fault is Fault.SLOW else 0,
            is_lost=fault is Fault.ANSWER_LOST,
        )

    def _fault(self, request: InquiryRequest) -> Fault:
        fault = self.plan.fault_of(request.subject.id_number)
        if fault not in ON_THE_WAY:
            return fault
        if request.jti in self._gone_wrong:
            return Fault.NONE
        self._gone_wrong.add(request.jti)
        return fault

    def _answer(self, passed: Passed, member: Member, fault: Fault, *, now: int) -> Reply:
        """Write, seal, list and bill a report; the store has it before anybody hears of it."""
        request = passed.request
        at = self._instant(now)
        number = self.books.next_inquiry_no()
        occasion = Occasion(
            report_number=f"{at:%Y%m%d%H%M%S}{number:08d}",
            at=at,
            inquirer=member.organisation,
            reason_code=request.reason,
        )
        plain = self._report(request, occasion, fault)
        public = bytes.fromhex(member.hpke_public)
        if fault is Fault.UNREADABLE:
            public = hpke.public_bytes(X25519PrivateKey.generate())
        context = seal_context(member.issuer, self.bureau, request.jti)
        sealed = hpke.seal(public, SEAL_INFO, context, plain)
        inquiry = NewInquiry(
            at=now,
            listed_on=at.date().isoformat(),
            issuer=member.issuer,
            organisation=member.organisation,
            jti=request.jti,
            consent=request.consent,
            consent_sha256=request.consent_sha256,
            use_no=request.use_no,
            purpose=request.purpose,
            reason=request.reason,
            id_number=request.subject.id_number,
            intent_index=passed.intent.index,
            reference=f"Q{number:012d}",
            sealed=sealed,
            sealed_sha256=hashlib.sha256(sealed).digest(),
            consent_ends=passed.consent_ends,
            price_minor=PRICE_MINOR,
        )
        try:
            self.books.add_inquiry(inquiry)
        except sqlite3.IntegrityError as error:
            raise CheckFailedError(No.USE_REPLAYED, "by the store") from error
        return Reply(status=_OK, jti=request.jti, reference=inquiry.reference, sealed=sealed)

    def _report(self, request: InquiryRequest, occasion: Occasion, fault: Fault) -> bytes:
        if fault is Fault.MALFORMED:
            return b'<?xml version="1.0"?><Document><PRH><PA01>'
        asked = request.subject
        person = self.books.person(asked.id_number)
        if person is None or person.name != asked.name or fault is Fault.THIN_FILE:
            person = KnownPerson(id_number=asked.id_number, name=asked.name, client_number=None)
        if fault is Fault.OTHER_PERSON:
            person = self.books.another_person(asked.id_number) or replace(person, name="某某")
        past = self.books.inquiries_about(person.id_number)
        return write_report(_subject(person, fault), occasion, past)

    def _refuse(
        self, request: InquiryRequest | None, error: CheckFailedError, *, now: int
    ) -> Reply:
        jti = "" if request is None else request.jti
        if request is not None:
            self._note(request, error.no.value, error.detail, now=now)
        status = _CONFLICT if error.no in _OF_MEMORY else _FORBIDDEN
        return Reply(status=_OF_THE_COPY.get(error.no, status), jti=jti, code=error.no.value)

    def _note(self, request: InquiryRequest, code: str, detail: str, *, now: int) -> None:
        self.books.add_refusal(
            at=now,
            issuer=request.iss,
            jti=request.jti,
            consent=request.consent,
            use_no=request.use_no,
            code=code,
            detail=detail,
        )

    def _receipts_of(self, member: Member) -> Receipts:
        receipts = self._receipts.get(member.issuer)
        if receipts is None:
            receipts = Receipts(Policy.parse(member.policy))
            self._receipts[member.issuer] = receipts
        return receipts

    def _instant(self, now: int) -> datetime:
        at = datetime.fromtimestamp(now, UTC)
        if self.today is None:
            return at
        return datetime.combine(self.today, at.timetz())


def _subject(person: KnownPerson, fault: Fault) -> Subject:
    return Subject(
        name=person.name,
        id_number=person.id_number,
        client=None if person.client_number is None else client_of(person.client_number),
        is_disputed=fault is Fault.DISPUTED,
        has_fraud_warning=fault is Fault.FRAUD_WARNING,
    )
