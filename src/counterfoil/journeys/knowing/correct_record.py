"""A bad record, and what follows: decisions that it touched, decided again, remedies proposed.

The story   A record of a source turned out wrong, and what is right was told as its next word.
            Somebody asks what it has touched: each decision is decided again by the version that
            decided, and a remedy is proposed. Somebody else decides on each proposal.
Invariant   No decision is changed and nothing is offered or taken by a machine. Whoever found a
            proposal does not decide on it. A record that touched nothing leaves no case, but a line
            of the trail.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.customers.store import read_customer
from counterfoil.decisioning.lineage_store import months_of_applications
from counterfoil.features import correction_store as store
from counterfoil.features.correction import Correction, Remedy, remedy_of
from counterfoil.features.refusals import CORRECTION_NOT_OPEN, CORRECTION_OWN
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_lineage import Affected, affected_by
from counterfoil.journeys.knowing.report_lineage import Report
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.history_store import bring_reviews_forward
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection
from counterfoil.privacy.refusals import REASON_MISSING

#: Proposals that one list shows at most.
CORRECTIONS_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """Who found what a record touched, and why it was asked."""

    customer_id: int
    source_record: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTouched:
    """A report of a month that counts decisions whose outcome would be another one."""

    report: Report
    #: Its first day.
    month: date
    applications_count: int


async def correct_record(
    house: House, actor: Actor, *, customer_id: int, source_record: str, reason: str
) -> list[Correction] | Refused:
    """Find the decisions that a record touched and keep a proposal for each."""
    act = Act(
        name="record_corrected", customer_ids=[customer_id], subject=source_record, reason=reason
    )
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    finding = _Finding(
        customer_id=customer_id, source_record=source_record, by=actor.name, reason=reason
    )
    async with house.database.transaction() as connection:
        if await read_customer(connection, customer_id) is not None:
            found = await affected_by(house, connection, customer_id, source_record)
            made = _proposals(house, finding, found)
            if made:
                await store.add_corrections(connection, made)
            await note(house, connection, actor, act)
            return made
    return await note_refusal(house, actor, act, refuse(CUSTOMER_NOT_FOUND))


async def end_correction(
    house: House,
    actor: Actor,
    *,
    customer_id: int,
    correction_id: int,
    is_taken: bool,
    reason: str,
) -> Correction | Refused:
    """Take a proposal up or leave it; of a review the lines are brought forward at once."""
    act = Act(
        name="remedy_taken" if is_taken else "remedy_left",
        customer_ids=[customer_id],
        subject=ids.to_text(ids.FEATURE_CORRECTION, correction_id),
        reason=reason,
    )
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    on = await house.business_date()
    async with house.database.transaction() as connection:
        found = await _open(connection, customer_id, correction_id)
        refused = _refused(found, actor)
        if found is not None and refused is None:
            if await store.end_correction(
                connection,
                customer_id=customer_id,
                correction_id=correction_id,
                is_taken=is_taken,
                ended_by=actor.name,
                reason=reason,
                ended_at=house.clock.now(),
            ):
                if is_taken and found.remedy is Remedy.REVIEW_LINE:
                    await bring_reviews_forward(connection, customer_id, on=on)
                await note(house, connection, actor, act)
                return found
            refused = refuse(CORRECTION_NOT_OPEN)
    assert refused is not None, "what is open and somebody else's was ended"
    return await note_refusal(house, actor, act, refused)


async def corrections_waiting(
    house: House,
    *,
    customer_id: int | None = None,
    page: int = CORRECTIONS_SHOWN,
    after: int = 0,
    is_back: bool = False,
) -> list[Correction]:
    """Return proposals that wait for a person, oldest first; of one customer or of all."""
    async with house.database.connection() as connection:
        return await store.open_corrections(
            connection, customer_id=customer_id, page=page, after=after, is_back=is_back
        )


async def reports_touched(house: House, found: Sequence[Correction]) -> list[ReportTouched]:
    """Return the reports that count what proposals are about, by month and name.

    What ends alike is counted alike: only decisions with another outcome change a report. Its
    rows, by which it can be made again, are named by `report_lineage`.
    """
    wrong = {(item.customer_id, item.subject_id) for item in found if item.was != item.is_now}
    async with house.database.connection() as connection:
        months = Counter(await months_of_applications(connection, sorted(wrong)))
    return [
        ReportTouched(report=report, month=month, applications_count=count)
        for month, count in sorted(months.items())
        for report in Report
    ]


def correction_document(item: Correction) -> dict[str, Any]:
    """Return a proposal as programs and pages read it."""
    return {
        "id": ids.to_text(ids.FEATURE_CORRECTION, item.correction_id),
        "customer_id": ids.to_text(ids.CUSTOMER, item.customer_id),
        "case_id": ids.to_text(ids.FEATURE_CORRECTION, item.case_id),
        "source_record": item.source_record,
        "subject_id": ids.to_text(ids.APPLICATION, item.subject_id),
        "decision_no": item.decision_no,
        "policy_hash": item.policy_hash,
        "was": item.was,
        "is_now": item.is_now,
        "changed": list(item.changed),
        "remedy": item.remedy.value,
        "registry_sha256": item.registry,
        "found_by": item.found_by,
        "reason": item.reason,
        "found_at": item.found_at.isoformat(),
    }


async def _open(connection: Connection, customer_id: int, correction_id: int) -> Correction | None:
    found = await store.open_corrections(
        connection, customer_id=customer_id, page=CORRECTIONS_SHOWN
    )
    return next((item for item in found if item.correction_id == correction_id), None)


def _refused(found: Correction | None, actor: Actor) -> Refused | None:
    if found is None:
        return refuse(CORRECTION_NOT_OPEN)
    return refuse(CORRECTION_OWN) if found.found_by == actor.name else None


def _proposals(house: House, finding: _Finding, found: list[Affected]) -> list[Correction]:
    case_id, now = house.ids.next(), house.clock.now()
    return [
        Correction(
            customer_id=finding.customer_id,
            correction_id=house.ids.next(),
            case_id=case_id,
            source_record=finding.source_record,
            subject_id=item.decision.subject_id,
            decision_no=item.decision.decision_no,
            policy_hash=item.decision.policy_hash,
            was=item.decision.outcome,
            is_now=item.outcome,
            changed=tuple(sorted(item.changed)),
            remedy=remedy_of(item.decision.outcome, item.outcome, is_changed=bool(item.changed)),
            registry=house.registry.sha256,
            found_by=finding.by,
            reason=finding.reason,
            found_at=now,
        )
        for item in found
    ]
