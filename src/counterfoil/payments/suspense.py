"""The payments that only people can resolve: one person proposes, another approves.

Invariant   The two are different persons, here and by constraint. An outcome that is certain is
            never replaced: what people decide about a finished payment is a note, and what follows
            from it for the books is a command of its own.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments import refusals, suspense_store
from counterfoil.payments.rail import FINISHED, Outcome, PaymentStatus

# house: allow database-reach – opens the transactions that its steps share; SQL is the store's
from counterfoil.platform.database import Connection, Database, Row


class Resolution(StrEnum):
    """What two people can make of a case."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOTED = "noted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKey:
    """Names one case."""

    customer_id: int
    payment_id: int
    case_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one person would make of a case, and on what grounds."""

    resolution: Resolution
    #: Day the payee had the money; only for `succeeded`.
    value_date: date | None
    note: str


def fits(resolution: Resolution, *, status: PaymentStatus, outcome: Outcome | None) -> bool:
    """Return whether a payment in this state can be resolved so."""
    if status in FINISHED:
        return resolution is Resolution.NOTED
    if outcome is not None:
        # The books refused what is certain; approving tells them once more.
        return resolution.value == outcome.value
    return resolution is not Resolution.NOTED


async def propose(
    database: Database, key: CaseKey, proposal: Proposal, *, person: str, clock: Clock
) -> Refused | None:
    """Keep one person's proposal; it replaces an earlier one that nobody approved."""
    assert person
    if proposal.resolution is Resolution.SUCCEEDED and proposal.value_date is None:
        return refuse(refusals.SUSPENSE_VALUE_DATE_MISSING)
    async with database.transaction() as connection:
        case = await suspense_store.lock_case(connection, **_fields(key))
        if case is None:
            return refuse(refusals.SUSPENSE_NOT_OPEN)
        status = PaymentStatus(case["status"])
        outcome = case["outcome"] and Outcome(case["outcome"])
        if not fits(proposal.resolution, status=status, outcome=outcome):
            return refuse(
                refusals.SUSPENSE_RESOLUTION_UNFIT,
                status=status.value,
                resolution=proposal.resolution.value,
            )
        await suspense_store.propose(
            connection,
            **_fields(key),
            resolution=proposal.resolution.value,
            value_date=proposal.value_date,
            note=proposal.note,
            person=person,
            now=clock.now(),
        )
    return None


async def approve(database: Database, key: CaseKey, *, person: str, clock: Clock) -> Refused | None:
    """Approve another person's proposal; the relay then tells the books what was decided."""
    assert person
    async with database.transaction() as connection:
        case = await suspense_store.lock_case(connection, **_fields(key))
        if case is None:
            return refuse(refusals.SUSPENSE_NOT_OPEN)
        if case["resolution"] is None:
            return refuse(refusals.SUSPENSE_NOT_PROPOSED)
        if case["first_person"] == person:
            return refuse(refusals.SUSPENSE_SAME_PERSON)
        status = PaymentStatus(case["status"])
        outcome = case["outcome"] and Outcome(case["outcome"])
        resolution = Resolution(case["resolution"])
        if not fits(resolution, status=status, outcome=outcome):
            # What was proposed has been overtaken since.
            return refuse(
                refusals.SUSPENSE_RESOLUTION_UNFIT,
                status=status.value,
                resolution=resolution.value,
            )
        await _carry_out(connection, key, resolution, case, person=person, clock=clock)
    return None


async def _carry_out(
    connection: Connection,
    key: CaseKey,
    resolution: Resolution,
    case: Row,
    *,
    person: str,
    clock: Clock,
) -> None:
    now = clock.now()
    await suspense_store.approve(connection, **_fields(key), person=person, now=now)
    if resolution is not Resolution.NOTED:
        await suspense_store.decide_payment(
            connection,
            **_fields(key),
            outcome=resolution.value,
            value_date=case["value_date"],
            now=now,
        )
    await suspense_store.leave_suspense(
        connection, customer_id=key.customer_id, payment_id=key.payment_id
    )


def _fields(key: CaseKey) -> dict[str, int]:
    return {
        "customer_id": key.customer_id,
        "payment_id": key.payment_id,
        "case_no": key.case_no,
    }
