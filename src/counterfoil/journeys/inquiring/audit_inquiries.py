"""The audit of inquiries: own journal, log and the bureau's list held against each other.

Shows       That every inquiry had a consent, for its purpose, each use once and while the consent
            lasted, its intent in the log before its outcome; that no result was kept back; and,
            with the bureau's own list, that nobody was asked about without us knowing, and that
            what came is what was sent.
Independent Leaves are opened and their commitments computed anew, and the whole log is computed
            again and held against the roots that were signed: neither a leaf nor what it says can
            be changed alone, nor both together. Nothing that the journey wrote is believed
            because it is there.
Findings    Each names the first cause; what only follows from it is not told a second time.
Bounds      A page of inquiries at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.listing import BureauList, ListedInquiry
from counterfoil.bureau.report_row import StoredReport, Usage
from counterfoil.consents.consent import Consent
from counterfoil.consents.lookup_store import consents_by_key, withdrawal_leaves
from counterfoil.evidence.auditing import PAGE_LEAVES
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_store import last_head
from counterfoil.evidence.opening_store import Key, Opened, Placed, leaves_of_types, open_by_key
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquire import intent_fields
from counterfoil.journeys.inquiring.inquiry_outcomes import outcome_fields
from counterfoil.journeys.proving.keep_log import check_log
from counterfoil.platform.database import Connection
from counterfoil.privacy.erasure_store import read_erased
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import Purpose

PAGE: Final = 1_000
#: An inquiry younger than this may still be on its way.
GRACE_S: Final = 600
#: What the log has of an inquiry.
_TOLD: Final = (LeafType.INQUIRY_INTENT, LeafType.INQUIRY_OUTCOME)
#: A clerk reads the clock once more after the use was counted; so much may lie between.
CLERK_S: Final = 60


class Cause(StrEnum):
    """What is wrong with an inquiry."""

    WITHOUT_CONSENT = "without_consent"
    CONSENT_REUSED = "consent_reused"
    #: The consent was withdrawn, over or not begun when the intent was written.
    CONSENT_ENDED = "consent_ended"
    PURPOSE_WRONG = "purpose_wrong"
    RECIPIENT_WRONG = "recipient_wrong"
    LEAF_MISSING = "leaf_missing"
    LEAF_ALTERED = "leaf_altered"
    #: What opens a leaf is gone, and no erasure says why.
    OPENING_GONE = "opening_gone"
    #: The log has the outcome before the intent, or the intent before the consent.
    ORDER_WRONG = "order_wrong"
    #: The bureau answered, or had to, and we show no result.
    RESULT_WITHHELD = "result_withheld"
    #: The log has an inquiry that our journal does not.
    NOT_IN_JOURNAL = "not_in_journal"
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
    #: What is wrong with the log as a whole, leaves of inquiries or others.
    log_faults: Sequence[str]

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings and not self.log_faults


class Given(NamedTuple):
    """The consent behind an inquiry."""

    #: None where there is none.
    consent: Consent | None
    #: Leaf of its withdrawal; None where it was not withdrawn.
    withdrawal: Key | None


async def audit_inquiries(house: House, listed: BureauList | None = None) -> InquiryAudit:
    """Hold every inquiry against its consent, its leaves and the bureau's list."""
    async with house.database.connection() as connection:
        log_faults = await check_log(connection, house.settings)
        head = await last_head(connection)
        erased = await _erased(connection)
    audit = _Audit(house, listed, erased)
    after = 0
    while True:
        async with house.database.transaction() as connection:
            page = await store.inquiries_of_range(connection, after, page=PAGE)
            given = [(item.customer_id, item.consent_id) for item in page]
            consents = await consents_by_key(connection, given)
            withdrawals = await withdrawal_leaves(connection, given)
            keys = _leaf_keys(page, consents, withdrawals, erased)
            leaves = await open_by_key(connection, house.vault, keys)
            reports = await store.reports_of_inquiries(
                connection, [(item.customer_id, item.inquiry_id) for item in page]
            )
        for inquiry in page:
            key = (inquiry.customer_id, inquiry.consent_id)
            audit.examine(inquiry, Given(consents.get(key), withdrawals.get(key)), leaves, reports)
        if len(page) < PAGE:
            break
        after = page[-1].inquiry_id
    audit.strangers()
    await _unknown_leaves(house, audit, 0 if head is None else head.size)
    async with house.database.connection() as connection:
        usage = await store.read_usage(connection)
    return InquiryAudit(
        examined=audit.examined,
        listed=None if listed is None else len(listed.inquiries),
        usage=usage,
        findings=audit.findings,
        log_faults=log_faults,
    )


async def _unknown_leaves(house: House, audit: "_Audit", size: int) -> None:
    """Look for leaves of inquiries in the log, as it was at the start, that no inquiry names."""
    for start in range(0, size, PAGE_LEAVES):
        stop = min(size, start + PAGE_LEAVES)
        async with house.database.transaction() as connection:
            placed = await leaves_of_types(connection, _TOLD, start, stop=stop)
            unknown = [leaf for leaf in placed if leaf.leaf_id not in audit.leaf_ids]
            keys = [(leaf.customer_id, leaf.leaf_id) for leaf in unknown]
            opened = await open_by_key(connection, house.vault, keys)
        for leaf, key in zip(unknown, keys, strict=True):
            audit.unknown_leaf(leaf, opened[key])


async def _erased(connection: Connection) -> dict[int, Key]:
    """Return by customer the leaf of the erasure that destroyed what opens the older leaves."""
    classes = load_schedule().classes.values()
    names = [one.code for one in classes if Purpose.EVIDENCE in one.purposes]
    found: dict[int, Key] = {}
    after = 0
    while page := await read_erased(connection, names, after=after):
        after = max(page)
        found |= {customer_id: (customer_id, leaf_id) for customer_id, leaf_id in page.items()}
    return found


def _leaf_keys(
    page: Sequence[Inquiry],
    consents: Mapping[Key, Consent],
    withdrawals: Mapping[Key, Key],
    erased: Mapping[int, Key],
) -> list[Key]:
    keys = [*withdrawals.values()]
    for item in page:
        keys.append((item.customer_id, item.intent_leaf_id))
        if item.outcome_leaf_id is not None:
            keys.append((item.customer_id, item.outcome_leaf_id))
        consent = consents.get((item.customer_id, item.consent_id))
        if consent is not None:
            keys.append((item.customer_id, consent.leaf_id))
        if item.customer_id in erased:
            keys.append(erased[item.customer_id])
    return keys


class _Audit:
    """What is known while pages go by."""

    def __init__(self, house: House, listed: BureauList | None, erased: Mapping[int, Key]) -> None:
        self._occasions = house.occasions.by_code
        self._now = house.leaves.now()
        self._erased = erased
        self._list = listed
        self._listed: dict[str, ListedInquiry] = {
            item.jti: item for item in (() if listed is None else listed.inquiries)
        }
        #: Uses of consents seen so far, by customer, consent and number.
        self._uses: set[tuple[int, int, int]] = set()
        self._seen: set[str] = set()
        #: Inquiries that only the log has.
        self._gone: set[int] = set()
        #: Leaves that inquiries name.
        self.leaf_ids: set[int] = set()
        self.examined = 0
        self.findings: list[Finding] = []

    def examine(
        self,
        inquiry: Inquiry,
        given: Given,
        leaves: Mapping[Key, Opened],
        reports: Mapping[Key, StoredReport],
    ) -> None:
        """Look at one inquiry."""
        self.examined += 1
        self._seen.add(inquiry.jti)
        self.leaf_ids |= {inquiry.intent_leaf_id, inquiry.outcome_leaf_id or 0}
        case = _Case(inquiry, given.consent, self._listed.get(inquiry.jti), self._now)
        self._consent(case)
        erasure = leaves.get(self._erased.get(inquiry.customer_id, (0, 0)))
        case.is_erased = erasure is not None and erasure.kind is LeafType.ERASED
        _check_leaves(case, leaves)
        _check_end(case, leaves, given.withdrawal)
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

    def unknown_leaf(self, leaf: Placed, opened: Opened) -> None:
        """Note a leaf that no inquiry names, unless the bureau's list has told of it already."""
        body = {} if opened.body is None else json.loads(opened.body)
        jti = str(body.get("jti", ""))
        if jti in self._listed or leaf.subject_id in self._gone:
            return
        # A leaf that came back from a mirror has lost whose it was and what it was about: each is
        # told of, since nobody knows which of them belong together.
        if leaf.subject_id:
            self._gone.add(leaf.subject_id)
        self.findings.append(
            Finding(
                cause=Cause.NOT_IN_JOURNAL,
                jti=jti,
                customer_id=leaf.customer_id or None,
                inquiry_id=leaf.subject_id or None,
                detail=f"{opened.kind.name.lower()}, at {leaf.idx} of the log",
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
                asked_for = f"{inquiry.purpose} on {inquiry.occasion} under {consent.purpose}"
                case.find(Cause.PURPOSE_WRONG, asked_for)
                case.explained.add("purpose")
            if consent.recipient != inquiry.bureau:
                case.find(Cause.RECIPIENT_WRONG, f"{inquiry.bureau} under {consent.recipient}")
                case.explained.add("bureau")
            if use in self._uses or inquiry.use_no > _uses_allowed(consent):
                case.find(Cause.CONSENT_REUSED, f"use {inquiry.use_no}")
                case.explained.add("use_no")
            if not consent.not_before <= inquiry.asked_at <= consent.not_after + CLERK_S:
                lasted = f"{consent.not_before} to {consent.not_after}"
                case.find(Cause.CONSENT_ENDED, f"asked at {inquiry.asked_at}, given for {lasted}")
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
    #: POSIX seconds.
    now: int
    #: Whether what opens the customer's leaves was destroyed, and the log says so.
    is_erased: bool = False
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


class _Expected(NamedTuple):
    """A leaf that has to be there."""

    name: str
    leaf_id: int
    #: When it was written at the latest, POSIX seconds.
    since: int
    #: What it says; None for the whole record of the consent.
    fields: Mapping[str, Any] | None


def _expected(inquiry: Inquiry, consent: Consent | None) -> list[_Expected]:
    """Return the leaves of an inquiry in the order in which the log must have them."""
    intent, at = inquiry.intent_leaf_id, inquiry.asked_at
    if consent is None:
        found = [_Expected("intent", intent, at, {"jti": inquiry.jti})]
    else:
        found = [
            _Expected("consent", consent.leaf_id, consent.created, None),
            _Expected("intent", intent, at, {**intent_fields(inquiry, consent)}),
        ]
    if inquiry.outcome_leaf_id is not None:
        ended = inquiry.ended_at or at
        outcome = {**outcome_fields(inquiry)}
        found.append(_Expected("outcome", inquiry.outcome_leaf_id, ended, outcome))
    return found


def _check_leaves(case: _Case, leaves: Mapping[Key, Opened]) -> None:
    """Look at the leaves of consent, intent and outcome: there, unaltered, in their order."""
    inquiry = case.inquiry
    places: list[int] = []
    for one in _expected(inquiry, case.consent):
        leaf = leaves.get((inquiry.customer_id, one.leaf_id))
        if leaf is None:
            case.find(Cause.LEAF_MISSING, f"{one.name}, leaf {one.leaf_id}")
        elif leaf.is_erased and not case.is_erased:
            case.find(Cause.OPENING_GONE, f"{one.name}, leaf {one.leaf_id}")
        elif not leaf.is_erased and not _says(case, leaf, one.fields):
            damage = "" if leaf.salt else ", damaged: what is sealed of it does not open"
            case.find(Cause.LEAF_ALTERED, f"{one.name}, leaf {one.leaf_id}{damage}")
        elif leaf.idx is not None:
            places.append(leaf.idx)
        elif case.now - one.since > GRACE_S:
            waits = f"waits for its number for {case.now - one.since} s"
            case.find(Cause.LEAF_MISSING, f"{one.name}, leaf {one.leaf_id}, {waits}")
    if places != sorted(places):
        case.find(Cause.ORDER_WRONG, f"at {places}")


def _check_end(case: _Case, leaves: Mapping[Key, Opened], withdrawal: Key | None) -> None:
    """Look whether the consent was withdrawn before the intent, by the order of the log.

    Times would not do: two clerks may read the clock in one order and write in the other.
    """
    inquiry = case.inquiry
    intent = leaves.get((inquiry.customer_id, inquiry.intent_leaf_id))
    end = None if withdrawal is None else leaves.get(withdrawal)
    if intent is None or end is None or end.idx is None:
        return
    if intent.idx is None or intent.idx > end.idx:
        case.find(Cause.CONSENT_ENDED, f"withdrawn at {end.idx} of the log, asked after it")


def _says(case: _Case, leaf: Opened, fields: Mapping[str, Any] | None) -> bool:
    """Return whether a leaf is intact and says what the journal says."""
    if not leaf.is_intact or leaf.body is None:
        return False
    if fields is None:
        return case.consent is not None and leaf.body == case.consent.body
    body = json.loads(leaf.body)
    return all(body.get(name) == fields[name] for name in fields.keys() - case.explained)
