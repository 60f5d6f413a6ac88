"""Money that came in over a rail: booked where its reference says, or put before people.

The story   A statement shows the money. The reference of a line or loan makes it a customer's own
            repayment (`transfers.py`). A purchase's number makes it a refund of its merchant: it
            goes to the loans that paid for the purchase, those taken back first, then the newest.
            A promotion's code makes it a payment of its funder: it settles what is claimed. What is
            booked in part leaves the rest to people. Two people say where money belongs that no
            reference places, or that it was sent back; with their word it is tried once more.
Invariant   The same money is booked once, also after a crash: its shares are decided once a turn
            and bear keys of their own. What waits for people stands in the ledger as received and
            not placed. Nothing more is booked than was lent, or is claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.paying import recall_claims
from counterfoil.journeys.paying.recalls import carry_recall
from counterfoil.journeys.paying.received_shares import refund_shares
from counterfoil.journeys.paying.transfers import book_transfer, is_transfer
from counterfoil.journeys.paying.unplaced import is_elsewhere, post, release, suspend
from counterfoil.journeys.purchasing.scene_refunds import refund
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import read_reference
from counterfoil.kernel.errors import Kind, Refused, RefusedError, refuse
from counterfoil.ledger import posting
from counterfoil.lending import promotion_claim_store as claims
from counterfoil.lending import store as lending
from counterfoil.payments import received_store as store
from counterfoil.payments import refusals
from counterfoil.payments.received import (
    NO_REFERENCE,
    Ending,
    Received,
    ReceivedCause,
    ReceivedKey,
    ReceivedKind,
    ReceivedStatus,
    rail_number_kept,
    reference_kept,
)
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection

#: Who asks and who approves stands in the access matrix under this kind.
APPROVAL: Final = "received_payment"
_PAGE: Final = 200
#: What an approver reads of an ending.
_ENDINGS: Final = {
    Ending.CLAIM: "is claimed of whoever got it",
    Ending.LOSS: "is a loss",
    Ending.PAYS_CLAIM: "pays the claim from {reference}",
}
_LATER: Final = frozenset({Kind.BUSY, Kind.UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What people say of money that came in."""

    key: ReceivedKey
    #: Where it belongs: the reference of a line or loan, a purchase's number, a promotion's code,
    #: or for a recall the rail's number of the money; None where it was sent back, or a recall is
    #: in the books otherwise.
    reference: str | None
    reason: str
    #: How a recall, or money for a claim, ends otherwise: then the reference is the number of the
    #: recall whose claim is paid, and None for every other ending.
    ending: Ending | None = None


async def book_received(house: House) -> int:
    """Book what came in where it belongs; return how much money was looked at."""
    async with house.database.connection() as connection:
        found = await store.to_book(connection, page=_PAGE)
    for received in found:
        await _carry(house, received)
    return len(found)


async def list_received(house: House, *, page: int = _PAGE) -> list[Received]:
    """Return money that came in, what lies before people first, then the newest."""
    async with house.database.connection() as connection:
        return await store.shown(connection, page=page)


async def received_of_days(
    house: House,
    *,
    status: ReceivedStatus | None,
    page: int,
    before: tuple[int, int] = store.NEWEST,
    is_back: bool = False,
) -> list[Received]:
    """Return a page of money that came in, the newest day first; of one status, or of all."""
    async with house.database.connection() as connection:
        return await store.page_of_days(
            connection, status=status, page=page, before=before, is_back=is_back
        )


async def find_received(house: House, key: ReceivedKey) -> Received | None:
    """Return one line of money that came in; None where there is none."""
    async with house.database.transaction() as connection:
        return await store.lock(connection, key)


async def place(house: House, actor: Actor, placing: Placing) -> Received | Approval | Refused:
    """Place money, or say that it was sent back, if somebody else has approved it; else ask.

    The same call after the approval does it.
    """
    act = Act(name="received_payment", subject=str(placing.key), reason=placing.reason)
    plain = await _plain(house, placing)
    if isinstance(plain, Refused):
        return await note_refusal(house, actor, act, plain)
    placing = plain
    payload: dict[str, Value] = {"received": str(placing.key), "reference": placing.reference}
    if placing.ending is not None:
        payload["ending"] = placing.ending.value
    try:
        await _place(house, actor, placing, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
        return await _ask(house, actor, placing, payload)
    assigned = await find_received(house, placing.key)
    assert assigned is not None, "money that came in stays"
    await _carry(house, assigned)
    return await find_received(house, placing.key) or assigned


async def _carry(house: House, received: Received) -> None:
    """Go the way of a line: of a recall, a customer's transfer, or what others have sent."""
    if received.kind is ReceivedKind.RECALLED:
        await carry_recall(house, received.key)
    elif is_transfer(received):
        await book_transfer(house, received.key)
    else:
        await _book(house, received.key)


async def _book(house: House, key: ReceivedKey) -> None:
    """Book one line: its shares are decided first, then carried out, then it is settled."""
    async with house.database.transaction() as connection:
        received = await store.lock(connection, key)
        if received is None or received.status is not ReceivedStatus.TAKEN:
            return
        shares: Sequence[store.Share] = await store.shares_of(connection, received)
        if not shares:
            planned = await _plan(house, connection, received)
            if planned is None:
                return
            shares = planned
    booked_minor = 0
    for share in shares:
        answer = await refund(
            house,
            customer_id=share.customer_id,
            loan_id=share.loan_id,
            amount_minor=share.amount_minor,
            currency=received.currency,
            is_of_merchant=True,
            idempotency_key=f"received:{key}:{received.turn_no}:{share.loan_id}",
            value_date=received.value_date,
        )
        if isinstance(answer, Refused) and answer.kind in _LATER:
            return
        booked_minor += 0 if isinstance(answer, Refused) else share.amount_minor
    async with house.database.transaction() as connection:
        held = await store.lock(connection, key)
        # Another worker may have carried out the same shares.
        if held is None or (held.status, held.turn_no) != (received.status, received.turn_no):
            return
        total_minor = received.booked_minor + booked_minor
        if total_minor == received.amount_minor:
            await store.booked(connection, key, now=house.clock.now())
        else:
            cause = ReceivedCause.BOOKS_REFUSED
            await suspend(house, connection, received, cause, booked_minor=total_minor)


async def _plan(
    house: House, connection: Connection, received: Received
) -> Sequence[store.Share] | None:
    """Return what goes to which loan; None where it is settled already, or people are next."""
    cause = received.cause
    if cause is None or received.assigned is not None:
        purchase_id = _purchase_of(received.names)
        if purchase_id is None:
            cause = await _settle_claim(house, connection, received)
        else:
            shares = await refund_shares(connection, received, purchase_id)
            if not isinstance(shares, ReceivedCause) and await _is_elsewhere(
                house, connection, received, shares[0]
            ):
                shares = ReceivedCause.OTHER_LENDER
            if not isinstance(shares, ReceivedCause):
                pairs = [(share.loan_id, share.amount_minor) for share in shares]
                await store.add_shares(connection, received, shares[0].customer_id, pairs)
                return shares
            cause = shares
    if cause is not None:
        booked_minor = received.booked_minor
        await suspend(house, connection, received, cause, booked_minor=booked_minor)
    return None


async def _is_elsewhere(
    house: House, connection: Connection, received: Received, share: store.Share
) -> bool:
    """Return whether money came to the account of a lender who has not lent for the purchase."""
    loan = await lending.read_loan(connection, share.customer_id, share.loan_id)
    return loan is not None and is_elsewhere(house, received, loan.lender_id)


async def _settle_claim(
    house: House, connection: Connection, received: Received
) -> ReceivedCause | None:
    """Book money as paid by whoever funds a promotion, or say why it is not."""
    await claims.hold_promotion(connection, received.names)
    claimed = await claims.claims_left(connection, received.names)
    if claimed is None:
        return ReceivedCause.REFERENCE_UNKNOWN
    shares = claims.settle(claimed, received.left_minor, received.currency)
    if shares is None:
        return ReceivedCause.BEYOND_CLAIM
    if any(is_elsewhere(house, received, book[0]) for book, _ in shares):
        return ReceivedCause.OTHER_LENDER
    on, now = await house.business_date(), house.clock.now()
    await claims.add_payments(
        connection,
        claimed.promotion_id,
        shares,
        receipt=f"{received.key}/{received.turn_no}",
        value_date=received.value_date,
        booked_on=on,
        now=now,
    )
    postings = [(book, posting.promotion_payment(amount)) for book, amount in shares]
    await post(house, connection, "promotion_payment", postings)
    await store.booked(connection, received.key, now=now)
    return None


async def _plain(house: House, placing: Placing) -> Placing | Refused:
    """Return what people say with its reference in one form, however they have written it.

    Refuses what is no reference of ours, and money that does not lie before people.
    """
    async with house.database.transaction() as connection:
        held = await store.lock(connection, placing.key)
        if held is not None and placing.ending is not None:
            number = _number(placing.reference)
            refused = await recall_claims.refuse_ending(connection, held, placing.ending, number)
            return refused or replace(placing, reference=number)
    if held is None or held.status is not ReceivedStatus.SUSPENDED:
        return refuse(refusals.RECEIVED_NOT_OPEN)
    if placing.reference is None:
        return placing
    kept = _kept(held, placing.reference)
    if kept == NO_REFERENCE:
        return refuse(refusals.RECEIVED_REFERENCE_UNFIT)
    return replace(placing, reference=kept)


def _number(reference: str | None) -> str | None:
    """Return a rail's number as it is kept; None where none is named."""
    return None if reference is None else rail_number_kept(reference)


def _kept(held: Received, reference: str) -> str:
    """Return what people name: of a recall the rail's number of the money, else a reference."""
    if held.kind is ReceivedKind.RECALLED:
        return rail_number_kept(reference)
    kept = reference_kept(reference)
    is_mistyped = kept.startswith("RF") and read_reference(kept) is None
    return NO_REFERENCE if is_mistyped else kept


async def _place(
    house: House, actor: Actor, placing: Placing, payload: dict[str, Value], act: Act
) -> None:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        held = await store.lock(connection, placing.key)
        if held is not None and placing.ending is not None:
            await recall_claims.carry_out(
                house, connection, held, placing.ending, placing.reference
            )
            await note(house, connection, actor, act)
            return
        if held is None or held.status is not ReceivedStatus.SUSPENDED:
            raise RefusedError(refuse(refusals.RECEIVED_NOT_OPEN))
        if placing.reference is None:
            await store.sent_back(connection, placing.key, now=now)
        else:
            await store.assigned(connection, placing.key, placing.reference)
        # Gone from the bank again, or booked anew where it belongs: the one entry is the same.
        await release(house, connection, held)
        await note(house, connection, actor, act)


async def _ask(
    house: House, actor: Actor, placing: Placing, payload: dict[str, Value]
) -> Approval | Refused:
    for approval in await list_approvals(house, only_open=True, page=_PAGE):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    what = "was sent back" if placing.reference is None else f"belongs to {placing.reference}"
    if placing.ending is not None:
        what = _ENDINGS[placing.ending].format(reference=placing.reference)
    return await ask_approval(
        house,
        actor,
        APPROVAL,
        payload,
        summary=f"money received {placing.key} {what}",
        reason=placing.reason,
    )


def _purchase_of(reference: str) -> int | None:
    try:
        return ids.from_text(ids.PURCHASE, reference)
    except ids.InvalidIdError:
        return None
