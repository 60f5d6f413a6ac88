"""A customer's own transfer, booked as the repayment of the line or loan whose reference it bears.

The story   The payer wrote the reference of a line or loan (`kernel/creditor_reference.py`). The
            books take the money whole from the day it came, by the order of the product; late news
            of it folds the loans again from that day; what no loan takes is the customer's credit.
            The customer is told.
People      Next where the reference is mistyped or names nothing, where nothing was ever owed, for
            money in another currency or on another lender's account, and where somebody else sent
            more than is owed. What two people say holds before what the payer wrote, but not
            across currencies and lenders: such money goes on or back, and is booked when it comes.
Invariant   One booking a turn, under the key of the statement's line: a crash repeats it and finds
            what was booked.
"""

from typing import Final, NamedTuple

from counterfoil.journeys.house import House
from counterfoil.journeys.paying import payers, unplaced
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import read_reference
from counterfoil.kernel.errors import Kind, Refused, RefusedError
from counterfoil.lending import store as lending
from counterfoil.lending import transfer_store
from counterfoil.lending.commands import TakeTransfer
from counterfoil.lending.loan import payoff_minor
from counterfoil.lending.transfer_store import Destination
from counterfoil.payments import received_store as store
from counterfoil.payments.received import (
    Received,
    ReceivedCause,
    ReceivedKey,
    ReceivedStatus,
    transfer_key,
)
from counterfoil.platform.database import Connection

#: Message that tells a customer of it.
TOLD: Final = "transfer_received"
LATER: Final = frozenset({Kind.BUSY, Kind.UNAVAILABLE})
_PREFIX: Final = "RF"
_LOANS_MAX: Final = 1_000


class _Decided(NamedTuple):
    """Where a transfer goes, and whether the customer sent it."""

    received: Received
    destination: Destination
    is_own_money: bool | None


def is_transfer(received: Received) -> bool:
    """Return whether what money is booked by is a reference of a line or loan."""
    return received.names.startswith(_PREFIX)


async def book_transfer(house: House, key: ReceivedKey) -> None:
    """Book a transfer, or put it before people; nothing where it has to be tried again later."""
    async with house.database.transaction() as connection:
        received = await store.lock(connection, key)
        if received is None or received.status is not ReceivedStatus.TAKEN:
            return
        try:
            decided = await _decide(house, connection, received)
        except RefusedError:
            # The vault is shut: whose name it is can be asked later, and the rest goes on.
            return
        if isinstance(decided, ReceivedCause):
            await unplaced.suspend(house, connection, received, decided)
            return
    answer = await _book(house, decided)
    if isinstance(answer, Refused) and answer.kind in LATER:
        return
    async with house.database.transaction() as connection:
        held = await store.lock(connection, key)
        # Another worker may have booked the same.
        if held is None or (held.status, held.turn_no) != (received.status, received.turn_no):
            return
        if isinstance(answer, Refused):
            await unplaced.suspend(house, connection, received, ReceivedCause.BOOKS_REFUSED)
            return
        customer_id = decided.destination.customer_id
        await store.booked(
            connection,
            key,
            now=house.clock.now(),
            repaid=store.Repaid(customer_id, answer),
            is_own_money=decided.is_own_money,
        )
        fields = {
            "amount_minor": received.amount_minor,
            "currency": received.currency,
            "on": received.value_date.isoformat(),
        }
        cause = ids.to_text(ids.REPAYMENT, answer)
        await queue(connection, house, customer_id, TOLD, cause, fields)


async def find_destination(connection: Connection, reference: str) -> Destination | None:
    """Return the line or loan of a reference; None where it names none."""
    named = read_reference(reference)
    if named is None:
        return None
    prefix, number = named
    if prefix == ids.LINE:
        return await transfer_store.line_of_number(connection, number)
    return await transfer_store.loan_of_number(connection, number)


async def _decide(
    house: House, connection: Connection, received: Received
) -> _Decided | ReceivedCause:
    """Return where a transfer goes, or why people are next."""
    if received.cause is ReceivedCause.TWIN_DIFFERS and received.assigned is None:
        return ReceivedCause.TWIN_DIFFERS
    if read_reference(received.names) is None:
        return ReceivedCause.REFERENCE_MISTYPED
    found = await find_destination(connection, received.names)
    if found is None:
        return ReceivedCause.REFERENCE_UNKNOWN
    if unplaced.is_elsewhere(house, received, found.lender_id):
        return ReceivedCause.OTHER_LENDER
    if found.currency != received.currency:
        return ReceivedCause.CURRENCY_DIFFERS
    if found.loan_id is None:
        return ReceivedCause.NOTHING_OWED
    own = await payers.is_own(house, connection, found.customer_id, received.payer_digest)
    is_too_much = own is False and received.assigned is None
    if is_too_much and received.amount_minor > await _owed(house, connection, found):
        return ReceivedCause.PAYER_DIFFERS
    return _Decided(received, found, own)


async def _owed(house: House, connection: Connection, found: Destination) -> int:
    """Return what the loans that a transfer is for could take today, minor units."""
    on = await house.business_date()
    loans = await lending.read_loans_after(
        connection,
        customer_id=found.customer_id,
        line_id=found.line_id,
        status="open",
        page=_LOANS_MAX,
    )
    meant = [loan for loan in loans if not found.is_for_loan or loan.loan_id == found.loan_id]
    return sum(payoff_minor(loan, on) for loan in meant)


async def _book(house: House, decided: _Decided) -> int | Refused:
    """Return the repayment that a transfer is booked as, this time or by an attempt before."""
    received, found = decided.received, decided.destination
    key = transfer_key(received.key, received.turn_no)
    async with house.database.connection() as connection:
        before = await transfer_store.repayment_of_key(connection, found.customer_id, key)
    if before is not None:
        return before
    assert found.loan_id is not None, "people are next where nothing was ever owed"
    command = TakeTransfer(
        customer_id=found.customer_id,
        line_id=found.line_id,
        loan_id=found.loan_id,
        is_for_loan=found.is_for_loan,
        amount_minor=received.amount_minor,
        currency=received.currency,
        # A bank whose day began before ours: the money counts from today.
        value_date=min(received.value_date, await house.business_date()),
    )
    answer = await house.counter.submit(command, idempotency_key=key)
    if isinstance(answer, Refused):
        return answer
    async with house.database.connection() as connection:
        booked = await transfer_store.repayment_of_key(connection, found.customer_id, key)
    assert booked is not None, "what was just booked is there"
    return booked
