"""The audit of inquiries: own journal, log and the bureau's list held against each other.

Shows       That every inquiry had a consent, for its purpose, each use once, its intent in the log
            before its outcome; that no result was kept back; and, with the bureau's own list, that
            nobody was asked about without us knowing, and that what came is what was sent.
Independent Leaves are opened and their commitments computed anew; nothing that the journey wrote
            is believed because it is there.
Findings    Each names the first cause; what only follows from it is not told a second time.
Bounds      A page of inquiries at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.listing import BureauList, ListedInquiry
from counterfoil.bureau.report_row import StoredReport, Usage
from counterfoil.consents.consent import Consent
from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.evidence.opening_store import Key, Opened, open_by_key
from counterfoil.journeys.house import House
from counterfoil.journeys.inquire import intent_fields
from counterfoil.journeys.inquiry_outcomes import outcome_fields

PAGE: Final = 1_000
#: An inquiry younger than this may still be on its way.
GRACE_S: Final = 600


class Cause(StrEnum):
    """What is wrong with an inquiry."""

    WITHOUT_CONSENT = "without_consent"
    CONSENT_REUSED = "consent_reused"
    PURPOSE_WRONG = "purpose_wrong"
    RECIPIENT_WRONG = "recipient_wrong"
    LEAF_MISSING = "leaf_missing"
    LEAF_ALTERED = "leaf_altered"
    #: The log has the outcome before the intent, or the intent before the consent.
    ORDER_WRONG = "order_wrong"
    #: The bureau answered, or had to, and we show no result.
    RESULT_WITHHELD = "result_withheld"
    #: On the bureau's list, unknown to us.
    NOT_OURS = "not_ours"
    #: We have an answer that the bureau does not list.
    NOT_LISTED = "not_listed"
    #: Both have it, and say different things.
    LIST_DIFFERS = "list_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One exception."""

    cause: Cause
    jti: str
    #: None where we do not know the inquiry.
    customer_id: int | None
    inquiry_id: int | None
    #: For an auditor; names no person.
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryAudit:
    """What an audit looked at and found."""

    examined: int
    #: Inquiries on the bureau's list; None where none was given.
    listed: int | None
    usage: Usage
    findings: Sequence[Finding]


async def audit_inquiries(house: House, listed: BureauList | None = None) -> InquiryAudit:
    """Hold every inquiry against its consent, its leaves and the bureau's list."""
    audit = _Audit(house, listed)
    after = 0
    while True:
        async with house.database.transaction() as connection:
            page = await store.inquiries_of_range(connection, after, page=PAGE)
            consents = await consents_by_key(
                connection, [(item.customer_id, item.consent_id) for item in page]
            )
            leaves = await open_by_key(connection, house.vault, _leaf_keys(page, consents))
            reports = await store.reports_of_inquiries(
                connection, [(item.customer_id, item.inquiry_id) for item in page]
            )
        for inquiry in page:
            audit.examine(inquiry, consents, leaves, reports)
        if len(page) < PAGE:
            break
        after = page[-1].inquiry_id
    audit.strangers()
    async with house.database.connection() as connection:
        usage = await store.read_usage(connection)
    return InquiryAudit(
        examined=audit.examined,
        listed=None if listed is None else len(listed.inquiries),
        usage=usage,
        findings=audit.findings,
    )


def _leaf_keys(page: Sequence[Inquiry], consents: Mapping[Key, Consent]) -> list[Key]:
    keys = []
    for item in page:
        keys.append((item.customer_id, item.intent_leaf_id))
        if item.outcome_leaf_id is not None:
            keys.append((item.customer_id, item.outcome_leaf_id))
        consent = consents.get((item.customer_id, item.consent_id))
        if consent is not None:
            keys.append((item.customer_id, consent.leaf_id))
    return keys


class _Audit:
    """What is known while pages go by."""

    def __init__(self, house: House, listed: BureauList | None) -> None:
        self._occasions = house.occasions.by_code
        self._now = house.leaves.now()
        self._list = listed
        self._listed: dict[str, ListedInquiry] = {
            item.jti: item for item in (() if listed is None else listed.inquiries)
        }
        #: Uses of consents seen so far, by customer, consent and number.
        self._uses: set[tuple[int, int, int]] = set()
        self._seen: set[str] = set()
        self.examined = 0
        self.findings: list[Finding] = []

    def examine(
        self,
        inquiry: Inquiry,
        consents: Mapping[Key, Consent],
        leaves: Mapping[Key, Opened],
        reports: Mapping[Key, StoredReport],
    ) -> None:
        """Look at one inquiry."""
        self.examined += 1
        self._seen.add(inquiry.jti)
        consent = consents.get((inquiry.customer_id, inquiry.consent_id))
        case = _Case(inquiry, consent, self._listed.get(inquiry.jti))
        self._consent(case)
        _check_leaves(case, leaves)
        self._result(case, reports)
        self._list_agrees(case)
        self.findings += case.findings

    def strangers(self) -> None:
        """Look for inquiries that the bureau lists and we do not have."""
        for jti, item in self._listed.items():
            if jti not in self._seen:
                self.findings.append(
                    Finding(
                        cause=Cause.NOT_OURS,
                        jti=jti,
                        customer_id=None,
                        inquiry_id=None,
                        detail=f"{item.reference}, consent {item.consent}, use {item.use_no}",
                    )
                )

    def _consent(self, case: "_Case") -> None:
        inquiry, consent = case.inquiry, case.consent
        use = (inquiry.customer_id, inquiry.consent_id, inquiry.use_no)
        if consent is None:
            case.find(Cause.WITHOUT_CONSENT, f"consent {inquiry.consent_id}")
            case.explained |= {"consent", "consent_sha256"}
        else:
            if not self._is_for(inquiry, consent):
                case.find(Cause.PURPOSE_WRONG, f"{inquiry.purpose} under {consent.purpose}")
                case.explained.add("purpose")
            if consent.recipient != inquiry.bureau:
                case.find(Cause.RECIPIENT_WRONG, f"{inquiry.bureau} under {consent.recipient}")
                case.explained.add("bureau")
            if use in self._uses or inquiry.use_no > _uses_allowed(consent):
                case.find(Cause.CONSENT_REUSED, f"use {inquiry.use_no}")
                case.explained.add("use_no")
        self._uses.add(use)

    def _is_for(self, inquiry: Inquiry, consent: Consent) -> bool:
        occasion = self._occasions.get(inquiry.occasion)
        return consent.purpose == inquiry.purpose and (
            occasion is None or occasion.consent_purpose == consent.purpose
        )

    def _result(self, case: "_Case", reports: Mapping[Key, StoredReport]) -> None:
        """Look for results that should be there."""
        inquiry = case.inquiry
        is_old = self._now - inquiry.asked_at > GRACE_S
        if inquiry.is_open and is_old and (case.listed is not None or inquiry.sent_at is not None):
            case.find(Cause.RESULT_WITHHELD, f"open for {self._now - inquiry.asked_at} s")
        elif inquiry.state is State.ANSWERED:
            if (inquiry.customer_id, inquiry.inquiry_id) not in reports:
                case.find(Cause.RESULT_WITHHELD, "answered, and there is no report")
        elif inquiry.state is State.DECLINED and case.listed is not None:
            case.find(Cause.RESULT_WITHHELD, "the bureau answered what we show as declined")
        elif inquiry.state is State.STOPPED and inquiry.sent_at is None and case.listed is not None:
            case.find(Cause.RESULT_WITHHELD, "the bureau answered what we say was never sent")

    def _list_agrees(self, case: "_Case") -> None:
        inquiry, listed, whole = case.inquiry, case.listed, self._list
        if whole is None:
            return
        if listed is None:
            has_answer = inquiry.state in {State.ANSWERED, State.REJECTED}
            when = inquiry.ended_at or 0
            if has_answer and whole.since <= when <= whole.through:
                case.find(Cause.NOT_LISTED, f"reference {inquiry.bureau_reference}")
            return
        ours: dict[str, object] = {"purpose": inquiry.purpose, "use_no": inquiry.use_no}
        theirs: dict[str, object] = {"purpose": listed.purpose, "use_no": listed.use_no}
        if case.consent is not None:
            ours |= {"consent": case.consent.record, "consent_sha256": case.consent.sha256}
            theirs |= {"consent": listed.consent, "consent_sha256": listed.consent_sha256}
        if inquiry.sealed_sha256 is not None:
            ours |= {"sealed": inquiry.sealed_sha256, "reference": inquiry.bureau_reference}
            theirs |= {"sealed": listed.sealed_sha256, "reference": listed.reference}
        differing = {name for name in ours if ours[name] != theirs[name]} - case.explained
        if differing:
            case.find(Cause.LIST_DIFFERS, ", ".join(sorted(differing)))


@dataclass(slots=True)
class _Case:
    """One inquiry under examination."""

    inquiry: Inquiry
    consent: Consent | None
    listed: ListedInquiry | None
    #: Fields whose difference an earlier finding explains.
    explained: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def find(self, cause: Cause, detail: str) -> None:
        """Write an exception down, each cause once."""
        if any(found.cause is cause for found in self.findings):
            return
        self.findings.append(
            Finding(
                cause=cause,
                jti=self.inquiry.jti,
                customer_id=self.inquiry.customer_id,
                inquiry_id=self.inquiry.inquiry_id,
                detail=detail,
            )
        )


def _uses_allowed(consent: Consent) -> int:
    """Return the highest number that a use can have: as many as allowed, and as were counted."""
    counted = consent.state.uses
    return counted if consent.period_seconds is not None else min(counted, consent.uses_max)


def _check_leaves(case: _Case, leaves: Mapping[Key, Opened]) -> None:
    """Look at the leaves of consent, intent and outcome: there, unaltered, in their order."""
    inquiry, consent = case.inquiry, case.consent
    expected: list[tuple[str, int, dict[str, Any] | None]] = []
    if consent is not None:
        expected.append(("consent", consent.leaf_id, None))
        expected.append(("intent", inquiry.intent_leaf_id, {**intent_fields(inquiry, consent)}))
    else:
        expected.append(("intent", inquiry.intent_leaf_id, {"jti": inquiry.jti}))
    if inquiry.outcome_leaf_id is not None:
        expected.append(("outcome", inquiry.outcome_leaf_id, {**outcome_fields(inquiry)}))
    places: list[int] = []
    for name, leaf_id, fields in expected:
        leaf = leaves.get((inquiry.customer_id, leaf_id))
        if leaf is None:
            case.find(Cause.LEAF_MISSING, f"{name}, leaf {leaf_id}")
        elif not leaf.is_erased and not _says(case, leaf, fields):
            case.find(Cause.LEAF_ALTERED, f"{name}, leaf {leaf_id}")
        elif leaf.idx is not None:
            places.append(leaf.idx)
    if places != sorted(places):
        case.find(Cause.ORDER_WRONG, f"at {places}")


def _says(case: _Case, leaf: Opened, fields: Mapping[str, Any] | None) -> bool:
    """Return whether a leaf is intact and says what the journal says."""
    if not leaf.is_intact or leaf.body is None:
        return False
    if fields is None:
        return case.consent is not None and leaf.body == case.consent.body
    body = json.loads(leaf.body)
    return all(body.get(name) == fields[name] for name in fields.keys() - case.explained)
