"""The payments that only people can resolve: one person proposes, another approves.

Invariant   The two are different persons, here and by constraint. An outcome that is certain is
            never replaced: what people decide about a finished payment is a note, or that its money
            came back. What came back the books are then told, once, under a key of the case.
Transaction Every step is the caller's, with the trail and the leaf that belong to it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments import refusals, suspense_store
from counterfoil.payments.order import Subject
from counterfoil.payments.rail import FINISHED, Outcome, PaymentStatus
from counterfoil.payments.suspense_store import CaseKey

# house: allow database-reach – works in the caller's transactions; SQL is the store's
from counterfoil.platform.database import Connection, Row


class Resolution(StrEnum):
    """What two people can make of a case."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOTED = "noted"
    #: A payout that succeeded came back, wholly or in part.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one person would make of a case, and on what grounds."""

    resolution: Resolution
    #: Day the payee had the money, or on which it was back; not of `failed` and `noted`.
    value_date: date | None
    note: str
    #: What came back, minor units; only of `returned`.
    returned_minor: int | None = None


def fits(resolution: Resolution, *, status: PaymentStatus, outcome: Outcome | None) -> bool:
    """Return whether a payment in this state can be resolved so."""
    if status is PaymentStatus.SUCCEEDED and resolution is Resolution.RETURNED:
        return True
    if status in FINISHED:
        return resolution is Resolution.NOTED
    if outcome is not None:
        # The books refused what is certain; approving tells them once more.
        return resolution.value == outcome.value
    return resolution in {Resolution.SUCCEEDED, Resolution.FAILED}


async def propose(
    connection: Connection, key: CaseKey, proposal: Proposal, *, person: str, now: datetime
) -> Refused | None:
    """Keep one person's proposal; it replaces an earlier one that nobody approved."""
    assert person
    needs_day = {Resolution.SUCCEEDED, Resolution.RETURNED}
    if proposal.resolution in needs_day and proposal.value_date is None:
        return refuse(refusals.SUSPENSE_VALUE_DATE_MISSING)
    case = await suspense_store.lock_case(connection, key)
    if case is None:
        return refuse(refusals.SUSPENSE_NOT_OPEN)
    refused = _refuse_unfit(proposal.resolution, case) or _refuse_amount(proposal, case)
    if refused is None:
        await suspense_store.propose(
            connection,
            key,
            resolution=proposal.resolution.value,
            value_date=proposal.value_date,
            returned_minor=proposal.returned_minor,
            note=proposal.note,
            person=person,
            now=now,
        )
    return refused


async def approve(
    connection: Connection, key: CaseKey, *, person: str, now: datetime
) -> Row | Refused:
    """Approve another person's proposal and return the case.

    The relay then tells the books what was decided; of a return the caller does.
    """
    assert person
    case = await suspense_store.lock_case(connection, key)
    if case is None:
        return refuse(refusals.SUSPENSE_NOT_OPEN)
    if case["resolution"] is None:
        return refuse(refusals.SUSPENSE_NOT_PROPOSED)
    if case["first_person"] == person:
        return refuse(refusals.SUSPENSE_SAME_PERSON)
    resolution = Resolution(case["resolution"])
    # What was proposed may have been overtaken since.
    refused = _refuse_unfit(resolution, case)
    if refused is not None:
        return refused
    await suspense_store.approve(connection, key, person=person, now=now)
    if resolution in {Resolution.SUCCEEDED, Resolution.FAILED}:
        await suspense_store.decide_payment(
            connection, key, outcome=resolution.value, value_date=case["value_date"], now=now
        )
    await suspense_store.leave_suspense(connection, key)
    return case


def _refuse_unfit(resolution: Resolution, case: Row) -> Refused | None:
    status = PaymentStatus(case["status"])
    if fits(resolution, status=status, outcome=case["outcome"] and Outcome(case["outcome"])):
        return None
    return refuse(
        refusals.SUSPENSE_RESOLUTION_UNFIT, status=status.value, resolution=resolution.value
    )


def _refuse_amount(proposal: Proposal, case: Row) -> Refused | None:
    """Refuse a return of nothing, of more than is still out, or of something that is none.

    Credit that was returned comes back once: the books open for it once.
    """
    amount, most = proposal.returned_minor, case["amount_minor"] - case["returned_before_minor"]
    if proposal.resolution is not Resolution.RETURNED:
        return None if amount is None else refuse(refusals.SUSPENSE_AMOUNT_UNFIT, most_minor=most)
    is_again = Subject(case["subject"]) is Subject.CREDIT_RETURN and most < case["amount_minor"]
    if amount is None or not 0 < amount <= most or is_again:
        return refuse(refusals.SUSPENSE_AMOUNT_UNFIT, most_minor=most)
    return None
