"""Settling a debit that lies before people: one proposes what became of it, another approves.

Invariant   An outcome that is certain is never replaced: of a finished debit, or one whose outcome
            the books have refused, the same can only be said again. The relay then tells the books.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.payments import debit_store, refusals
from counterfoil.payments.rail import Outcome
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.queries import Row

#: Kind of the approval, as for a payout in suspense.
APPROVAL: Final = "payment_case"
_WAITING_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a debit, by somebody's word."""

    customer_id: int
    debit_id: int
    outcome: Outcome
    #: From when the money counts; only for `succeeded`.
    value_date: date | None

    @property
    def payload(self) -> dict[str, Value]:
        """Return what the second person approves, to the last member."""
        return {
            "customer_id": ids.to_text(ids.CUSTOMER, self.customer_id),
            "debit_id": ids.to_text(ids.PAYMENT, self.debit_id),
            "outcome": self.outcome.value,
            "value_date": None if self.value_date is None else self.value_date.isoformat(),
        }


async def settle_debit(
    house: House, actor: Actor, settlement: Settlement, *, reason: str
) -> Approval | Refused | None:
    """Ask for approval, or settle once there is one; None where it is settled."""
    if settlement.outcome is Outcome.SUCCEEDED and settlement.value_date is None:
        return refuse(refusals.SUSPENSE_VALUE_DATE_MISSING)
    try:
        await _carry_out(house, actor, settlement, reason)
    except RefusedError as error:
        if error.refused.code != APPROVAL_MISSING.code:
            return error.refused
        return await _ask(house, actor, settlement, reason)
    return None


async def debits_before_people(house: House) -> list[Row]:
    """Return the debits that lie before people, oldest first."""
    async with house.database.connection() as connection:
        return list(await debit_store.read_suspended(connection))


async def _carry_out(house: House, actor: Actor, settlement: Settlement, reason: str) -> None:
    now, wanted = house.clock.now(), payload_hash(settlement.payload)
    act = Act(
        name="debit_settled",
        customer_ids=[settlement.customer_id],
        subject=ids.to_text(ids.PAYMENT, settlement.debit_id),
        reason=reason,
        after=settlement.outcome.value,
    )
    async with house.database.transaction() as connection:
        approved = await require_approval(connection, APPROVAL, wanted, used_by=actor.name, now=now)
        if isinstance(approved, Refused):
            raise RefusedError(approved)
        decided = await debit_store.decide(
            connection,
            settlement.customer_id,
            settlement.debit_id,
            outcome=settlement.outcome,
            value_date=settlement.value_date,
            now=now,
        )
        if not decided:
            raise RefusedError(refuse(refusals.DEBIT_NOT_SUSPENDED))
        await note(house, connection, actor, act)


async def _ask(
    house: House, actor: Actor, settlement: Settlement, reason: str
) -> Approval | Refused:
    """Ask for approval, once."""
    wanted = payload_hash(settlement.payload)
    for waiting in await list_approvals(house, only_open=True, page=_WAITING_MAX):
        if waiting.kind == APPROVAL and waiting.payload_hash == wanted:
            return waiting
    debit = ids.to_text(ids.PAYMENT, settlement.debit_id)
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        settlement.payload,
        summary=f"debit {debit} {settlement.outcome.value}",
        reason=reason,
    )
