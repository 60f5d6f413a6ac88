"""A bank takes back money that had come in: the books do, too, or people are next.

The story   A statement shows a recall with the rail's number of what had been received. Money that
            still lies before people is gone from there. A repayment is taken back like one that
            bounced: its loans are folded again as if it had never been, and the customer is told.
People      Next where the amount is another, the money was booked as something else or went back
            before, the number is unknown, or the customer's credit was used since. Until they have
            named the right money, or said that the books have it otherwise, the amount stands in
            the ledger as owed to the lender.
Invariant   A recall takes back once; what somebody took back by hand counts as done.
"""

from typing import Final, NamedTuple

from counterfoil.journeys.house import House
from counterfoil.journeys.paying import unplaced
from counterfoil.journeys.paying.transfers import LATER
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.lending import transfer_store
from counterfoil.lending.commands import ReverseRepayment
from counterfoil.lending.refusals import REPAYMENT_REVERSED
from counterfoil.payments import received_store as store
from counterfoil.payments.received import (
    Received,
    ReceivedCause,
    ReceivedKey,
    ReceivedStatus,
)
from counterfoil.platform.database import Connection

#: Why a repayment is taken back, and the message that says so.
RECALLED: Final = "transfer_recalled"


class _Repaid(NamedTuple):
    """The repayment that a recall takes back."""

    customer_id: int
    line_id: int
    repayment_id: int


async def carry_recall(house: House, key: ReceivedKey) -> None:
    """Take back what was recalled, or put it before people."""
    async with house.database.transaction() as connection:
        recall = await store.lock(connection, key)
        if recall is None or recall.status is not ReceivedStatus.TAKEN:
            return
        found = await _find(house, connection, recall)
        if isinstance(found, ReceivedCause):
            await unplaced.suspend(house, connection, recall, found)
            return
        if found is None:
            return
    answer = await house.counter.submit(
        ReverseRepayment(
            customer_id=found.customer_id,
            line_id=found.line_id,
            repayment_id=found.repayment_id,
            reason=RECALLED,
        ),
        idempotency_key=f"recalled:{key}:{recall.turn_no}",
    )
    if isinstance(answer, Refused) and answer.kind in LATER:
        return
    is_done = not isinstance(answer, Refused) or answer.refusal is REPAYMENT_REVERSED
    async with house.database.transaction() as connection:
        held = await store.lock(connection, key)
        if held is None or (held.status, held.turn_no) != (recall.status, recall.turn_no):
            return
        if not is_done:
            await unplaced.suspend(house, connection, recall, ReceivedCause.BOOKS_REFUSED)
            return
        repaid = store.Repaid(found.customer_id, found.repayment_id)
        await store.booked(connection, key, now=house.clock.now(), repaid=repaid)
        fields = {
            "amount_minor": recall.amount_minor,
            "currency": recall.currency,
            "payment_reference": grouped(reference_of(ids.LINE, found.line_id)),
        }
        cause = f"{ids.to_text(ids.REPAYMENT, found.repayment_id)}/recalled"
        await queue(connection, house, found.customer_id, RECALLED, cause, fields)


async def _find(
    house: House, connection: Connection, recall: Received
) -> _Repaid | ReceivedCause | None:
    """Return the repayment to take back, or why people are next.

    None where it is settled already, or has to wait for its money to be booked first.
    """
    if recall.cause is ReceivedCause.TWIN_DIFFERS and recall.assigned is None:
        return ReceivedCause.TWIN_DIFFERS
    found = await store.find_recalled(connection, recall.key.rail, recall.names)
    if found is None:
        return ReceivedCause.REFERENCE_UNKNOWN
    money_key, recalls = found
    money = await store.lock(connection, money_key)
    assert money is not None, "money that came in stays"
    if money.status is ReceivedStatus.TAKEN:
        return None
    is_whole = (money.amount_minor, money.currency) == (recall.amount_minor, recall.currency)
    if recalls or not is_whole:
        return ReceivedCause.RECALL_UNFIT
    if money.status is ReceivedStatus.SUSPENDED and not money.booked_minor:
        now = house.clock.now()
        await unplaced.release(house, connection, money)
        await store.sent_back(connection, money.key, now=now)
        await store.booked(connection, recall.key, now=now)
        return None
    if money.status is not ReceivedStatus.BOOKED:
        return ReceivedCause.RECALL_UNFIT
    if money.customer_id is None or money.repayment_id is None:
        return ReceivedCause.RECALL_UNFIT
    line_id = await transfer_store.line_of_repayment(
        connection, money.customer_id, money.repayment_id
    )
    return _Repaid(money.customer_id, line_id, money.repayment_id)
