"""Answers taken in, and reports opened: what is written, and in which order.

Order       Outcome, its leaf and the sealed report are one transaction, before anybody uses
            anything of it. Each opening writes its leaf first and gives facts afterwards.
Once        An inquiry that has an outcome keeps it. Whatever else arrives is kept as evidence.
At rest     The bureau's sealed answer as it came, sealed once more under the customer's own key:
            what is stored is what the leaf of the outcome names.
"""

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.bureau import store
from counterfoil.bureau.debts import DebtInventory
from counterfoil.bureau.inquiry import Inquiry, Outcome, State, end, outcome_of
from counterfoil.bureau.question import Answered, Declined, Facts, Fault, Question, Unfit
from counterfoil.bureau.refusals import (
    ANSWER_DUPLICATE,
    ANSWER_REJECTED,
    INQUIRY_CONSENT_STOPPED,
    INQUIRY_DECLINED,
    REPORT_EXPIRED,
)
from counterfoil.bureau.report_row import KeptAnswer, Opening, StoredReport
from counterfoil.capacity import store as capacity
from counterfoil.consents.consent import Consent
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf, Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure_known import report_row
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquiry_proofs import Pending
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import envelope
from counterfoil.privacy.data_keys import existing_keys_of_each, keys_of_each
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED
from counterfoil.privacy.vault import Purpose

SECONDS_PER_DAY: Final = 86_400

#: Customer and number.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Arrived:
    """A bureau's word on an inquiry."""

    pending: Pending
    question: Question
    answer: Answered | Declined


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who opens reports, for which facts."""

    facts: Collection[str]
    by: str
    #: None where the machine decides under the consent itself; else with the grant's ticket.
    grant_id: int | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Obtained:
    """What a policy may know from a report; never the report itself."""

    customer_id: int
    report_id: int
    inquiry_id: int
    facts: Facts
    #: What a person has to look at: `fraud_warning`, `disputed`, `thin_file`.
    marks: frozenset[str]
    #: Whether a report that was there already served instead of a new inquiry.
    is_reuse: bool


async def take_answers(
    house: House, arrived: Sequence[Arrived]
) -> dict[Key, StoredReport | Refused]:
    """Write outcomes and reports; return by inquiry the report, or why there is none to use.

    Where a customer's key is damaged nothing of that answer is written, and the bureau is asked
    again; the others are taken.
    """
    now = house.leaves.now()
    found: dict[Key, StoredReport | Refused] = {}
    async with house.database.transaction() as connection:
        locked = await store.lock_inquiries(connection, [item.pending.key for item in arrived])
        customers = {item.pending.inquiry.customer_id for item in arrived}
        keys, damaged = await keys_of_each(
            connection, house.vault, customers, Purpose.REPORT, reading("bureau_report")
        )
        taking = _Taking(house, {c: Sealer(key) for c, key in keys.items()}, now)
        for item in arrived:
            if item.pending.inquiry.customer_id in damaged:
                found[item.pending.key] = refuse(CIPHERTEXT_REJECTED)
                continue
            found[item.pending.key] = taking.take(locked[item.pending.key], item)
        await taking.write(connection)
        twins = await store.reports_of_inquiries(connection, taking.same_again)
    return found | twins


class _Taking:
    """What one set of answers leads to; written at the end."""

    def __init__(self, house: House, sealers: Mapping[int, Sealer], now: int) -> None:
        self._house = house
        self._sealers = sealers
        self._now = now
        self._ended: list[Inquiry] = []
        self._leaves: list[StagedLeaf] = []
        self._reports: list[StoredReport] = []
        self._kept: list[KeptAnswer] = []
        #: Inquiries whose very answer another worker has taken already.
        self.same_again: list[Key] = []

    def take(self, inquiry: Inquiry, item: Arrived) -> StoredReport | Refused:
        answer, bureau = item.answer, self._house.bureau
        assert bureau is not None
        unfit: Unfit | None = None
        digest = b""
        if isinstance(answer, Answered):
            digest = hashlib.sha256(answer.sealed).digest()
            if not inquiry.is_open:
                return self._second(inquiry, item.pending, answer, digest)
            unfit = bureau.check(answer.sealed, item.question)
        elif not inquiry.is_open:
            return refuse(ANSWER_DUPLICATE)
        outcome = outcome_of(inquiry, answer, unfit, digest, now=self._now)
        ended = end(inquiry, outcome, leaf_id=self._house.ids.next(), at=self._now)
        assert isinstance(ended, Inquiry), "it is open"
        self._ended.append(ended)
        self._leaves.append(outcome_leaf(self._house, ended))
        if isinstance(answer, Declined):
            return refuse(INQUIRY_DECLINED, reason=answer.code)
        if outcome.state is State.REJECTED:
            assert outcome.code is not None
            detail = "" if unfit is None else unfit.detail
            self._keep(item.pending, answer, outcome.code, detail)
            return refuse(ANSWER_REJECTED, reason=outcome.code)
        return self._report(item.pending, answer)

    async def write(self, connection: Connection) -> None:
        # The leaf first, as everywhere; all of it is one transaction.
        if self._leaves:
            await EVIDENCE.stage_leaves.execute(connection, rows=self._leaves)
            await store.end_inquiries(connection, self._ended)
        if self._reports:
            await store.add_reports(connection, self._reports)
        if self._kept:
            await store.keep_answers(connection, self._kept)

    def _second(
        self, inquiry: Inquiry, pending: Pending, answer: Answered, digest: bytes
    ) -> Refused:
        """Keep a second answer that differs; the same once more is a twin's work."""
        if inquiry.state is State.ANSWERED and inquiry.sealed_sha256 == digest:
            self.same_again.append((inquiry.customer_id, inquiry.inquiry_id))
        else:
            self._keep(pending, answer, Fault.DUPLICATE.value, f"after {inquiry.state}")
        return refuse(ANSWER_DUPLICATE)

    def _report(self, pending: Pending, answer: Answered) -> StoredReport:
        inquiry, consent = pending.inquiry, pending.consent
        report_id = self._house.ids.next()
        report = StoredReport(
            customer_id=inquiry.customer_id,
            report_id=report_id,
            inquiry_id=inquiry.inquiry_id,
            consent_id=inquiry.consent_id,
            purpose=inquiry.purpose,
            bureau=inquiry.bureau,
            jti=inquiry.jti,
            received_at=self._now,
            expires_at=self._life_of(consent),
            sealed=self._seal("bureau.report", report_id, inquiry.customer_id, answer.sealed),
        )
        self._reports.append(report)
        return report

    def _keep(self, pending: Pending, answer: Answered, fault: str, detail: str) -> None:
        answer_id = self._house.ids.next()
        customer_id, inquiry_id = pending.key
        self._kept.append(
            KeptAnswer(
                customer_id=customer_id,
                answer_id=answer_id,
                inquiry_id=inquiry_id,
                fault=fault,
                detail=detail,
                reference=answer.reference,
                sealed=self._seal("bureau.answer_kept", answer_id, customer_id, answer.sealed),
                sealed_sha256=hashlib.sha256(answer.sealed).digest(),
                received_at=self._now,
                expires_at=self._life_of(pending.consent),
            )
        )

    def _life_of(self, consent: Consent) -> int:
        return self._now + consent.data_life_days * SECONDS_PER_DAY

    def _seal(self, table: str, row: int, customer_id: int, plain: bytes) -> bytes:
        place = envelope.place(table, "sealed", row, customer_id, Purpose.REPORT.value)
        return self._sealers[customer_id].encrypt(plain, place, self._house.vault.suite)


async def stop(house: House, stopped: Sequence[tuple[Pending, str]]) -> None:
    """End inquiries whose consent is gone; nothing was used, and nothing is sent any more."""
    now = house.leaves.now()
    async with house.database.transaction() as connection:
        locked = await store.lock_inquiries(connection, [item.key for item, _ in stopped])
        ended = []
        for item, code in stopped:
            outcome = Outcome(state=State.STOPPED, code=code, reference="", sealed_sha256=None)
            done = end(locked[item.key], outcome, leaf_id=house.ids.next(), at=now)
            if isinstance(done, Inquiry):
                ended.append(done)
        leaves = [outcome_leaf(house, inquiry) for inquiry in ended]
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
        await store.end_inquiries(connection, ended)


def outcome_leaf(house: House, inquiry: Inquiry) -> StagedLeaf:
    """Return the leaf of an outcome: how it ended, the bureau's reference, what was sealed."""
    assert inquiry.outcome_leaf_id is not None
    return house.leaves.stage(
        inquiry.customer_id,
        inquiry.outcome_leaf_id,
        LeafType.INQUIRY_OUTCOME,
        inquiry.inquiry_id,
        outcome_fields(inquiry),
    )


def outcome_fields(inquiry: Inquiry) -> dict[str, Value]:
    """Return what the leaf of an outcome says."""
    digest = inquiry.sealed_sha256
    return {
        "code": inquiry.outcome_code or "",
        "jti": inquiry.jti,
        "outcome": inquiry.state.value,
        "reference": inquiry.bureau_reference or "",
        "sealed_sha256": "" if digest is None else base64.b64encode(digest).decode(),
    }


async def open_reports(
    house: House,
    reports: Sequence[tuple[StoredReport, bool]],
    wanted: Wanted,
    *,
    purpose: str,
) -> dict[Key, Obtained | Refused]:
    """Open reports for facts; the openings are written before anything is given.

    `reports` are with whether each served before. Keyed by customer and report.
    """
    now = house.leaves.now()
    openings, leaves = [], []
    found: dict[Key, Obtained | Refused] = {}
    names = tuple(sorted(wanted.facts))
    living: list[tuple[StoredReport, bool]] = []
    for report, is_reuse in reports:
        if report.sealed is None or report.expires_at <= now:
            found[report.customer_id, report.report_id] = refuse(REPORT_EXPIRED)
            continue
        living.append((report, is_reuse))
        opening = _opening(house, report, wanted, names, purpose=purpose, is_reuse=is_reuse)
        openings.append(opening)
        leaves.append(_opening_leaf(house, report, opening, ticket=wanted.ticket))
    # Debts are kept in the transaction of their opening; nothing is given before it ends.
    async with house.database.transaction() as connection:
        customers = {report.customer_id for report, _ in living}
        keys, damaged = await existing_keys_of_each(
            connection, house.vault, customers, Purpose.REPORT, reading("bureau_report")
        )
        if openings:
            await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
            await store.add_openings(connection, openings)
        debts = []
        for report, is_reuse in living:
            key = keys.get(report.customer_id)
            is_damaged = report.customer_id in damaged
            read: Obtained | Refused = refuse(CIPHERTEXT_REJECTED if is_damaged else REPORT_EXPIRED)
            if key is not None:
                read, inventory = _read(house, report, Sealer(key), names, is_reuse=is_reuse)
                if inventory is not None:
                    debts.append(report_row(report, inventory))
            found[report.customer_id, report.report_id] = read
        if debts:
            await capacity.keep_reported_debts(connection, debts)
    return found


def _opening(
    house: House,
    report: StoredReport,
    wanted: Wanted,
    names: tuple[str, ...],
    *,
    purpose: str,
    is_reuse: bool,
) -> Opening:
    return Opening(
        customer_id=report.customer_id,
        opening_id=house.ids.next(),
        report_id=report.report_id,
        purpose=purpose,
        opened_by=wanted.by,
        grant_id=wanted.grant_id,
        is_reuse=is_reuse,
        facts=names,
        opened_at=house.leaves.now(),
        leaf_id=house.ids.next(),
    )


def _opening_leaf(
    house: House, report: StoredReport, opening: Opening, *, ticket: str | None
) -> StagedLeaf:
    grant = opening.grant_id
    return house.leaves.stage(
        opening.customer_id,
        opening.leaf_id,
        LeafType.OPENED,
        opening.report_id,
        {
            "data": "report",
            "facts": [*opening.facts],
            "grant": None if grant is None else ids.to_text(ids.ACCESS_GRANT, grant),
            "jti": report.jti,
            "purpose": opening.purpose,
            "ticket": ticket,
            "who": opening.opened_by,
        },
    )


def _read(
    house: House, report: StoredReport, sealer: Sealer, names: tuple[str, ...], *, is_reuse: bool
) -> tuple[Obtained | Refused, DebtInventory | None]:
    assert report.sealed is not None
    assert house.bureau is not None
    place = envelope.place(
        "bureau.report", "sealed", report.report_id, report.customer_id, Purpose.REPORT.value
    )
    try:
        sealed = house.vault.unseal(sealer, report.sealed, place)
    except RefusedError as error:
        return error.refused, None
    reading = house.bureau.read(sealed, report.jti, names)
    if isinstance(reading, Unfit):
        # It fitted when it came: a key of the adapter is gone, or the bytes were altered.
        return refuse(ANSWER_REJECTED, reason=reading.fault.value), None
    obtained = Obtained(
        customer_id=report.customer_id,
        report_id=report.report_id,
        inquiry_id=report.inquiry_id,
        facts=reading.facts,
        marks=reading.marks,
        is_reuse=is_reuse,
    )
    return obtained, reading.debts


def why_stopped(pending: Pending, now: int) -> str | None:
    """Return why an inquiry may not be sent any more; None while its consent runs."""
    consent = pending.consent
    if consent.withdrawn_at is not None:
        return "consent_withdrawn"
    return "consent_expired" if now > consent.not_after else None


def refused_as_stopped() -> Refused:
    """Return the refusal of an inquiry whose consent ended before it was sent."""
    return refuse(INQUIRY_CONSENT_STOPPED)
