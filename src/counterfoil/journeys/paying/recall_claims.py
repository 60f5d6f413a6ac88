"""A recall that the books cannot follow: two people make it a claim, or a loss, and end the claim.

The story   A bank takes back money of which a part was paid out as credit since. Nobody can take
            that part off the books: people say that the whole amount is claimed of whoever got it,
            or that the house bears it. What had been repaid stays repaid. A claim ends by money
            that comes in for it, in parts too, or as a loss.
Ledger      The bank account against claims (1231) or losses (6711) from recalls; a payment brings
            it back to the bank. All of it in the books of the lender whose account it was.
Invariant   A recall becomes one claim, once; a claim only shrinks, and never below nothing.
"""

from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.paying import unplaced
from counterfoil.journeys.paying.rail_fees import BOOK
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.ledger import posting
from counterfoil.payments import received_store as store
from counterfoil.payments.received import Ending, Received, ReceivedKind, ReceivedStatus
from counterfoil.payments.refusals import RECEIVED_CLAIM_UNFIT
from counterfoil.platform.database import Connection

#: Message that tells the customer of a claim.
TOLD: Final = "recall_claimed"


async def refuse_ending(
    connection: Connection, held: Received, ending: Ending, reference: str | None
) -> Refused | None:
    """Refuse an ending that is not one of this money, whose line is locked."""
    is_recall = held.kind is ReceivedKind.RECALLED
    is_waiting = held.status is ReceivedStatus.SUSPENDED and not held.booked_minor
    match ending:
        case Ending.CLAIM:
            fits = is_recall and is_waiting and reference is None
        case Ending.LOSS:
            fits = is_recall and reference is None and (is_waiting or bool(held.claim_left_minor))
        case _:
            fits = not is_recall and is_waiting
            fits = fits and await _claim_paid(connection, held, reference or "") is not None
    return None if fits else refuse(RECEIVED_CLAIM_UNFIT)


async def carry_out(
    house: House, connection: Connection, held: Received, ending: Ending, reference: str | None
) -> None:
    """Do what two people have said; `held` is locked. Raises RefusedError where it does not fit."""
    if refused := await refuse_ending(connection, held, ending, reference):
        raise RefusedError(refused)
    if ending is Ending.PAYS_CLAIM:
        await _pay(house, connection, held, reference or "")
    elif held.status is ReceivedStatus.SUSPENDED:
        await _end_recall(house, connection, held, is_lost=ending is Ending.LOSS)
    else:
        left_minor = held.claim_left_minor or 0
        await store.claim_shrinks(connection, held.key, paid_minor=0, lost_minor=left_minor)
        lender_id = held.claim_lender_id or ""
        await _post(house, connection, held, lender_id, posting.recall_given_up(left_minor))


async def _end_recall(
    house: House, connection: Connection, recall: Received, *, is_lost: bool
) -> None:
    """Take a recall from before people: claim it, or bear it."""
    assert recall.lender_id is not None, "what lies before people is in somebody's books"
    amount_minor, now = recall.amount_minor, house.clock.now()
    await unplaced.release(house, connection, recall)
    await store.booked(connection, recall.key, now=now)
    await store.add_claim(connection, recall, recall.lender_id, now=now)
    entry = posting.recall_lost if is_lost else posting.recall_claim
    await _post(house, connection, recall, recall.lender_id, entry(amount_minor))
    if is_lost:
        await store.claim_shrinks(connection, recall.key, paid_minor=0, lost_minor=amount_minor)
        return
    customer_id = await _whose(connection, recall)
    if customer_id is not None:
        fields = {"amount_minor": amount_minor, "currency": recall.currency}
        cause = f"{ids.to_text(ids.CUSTOMER, customer_id)}/{recall.key}"
        await queue(connection, house, customer_id, TOLD, cause, fields)


async def _whose(connection: Connection, recall: Received) -> int | None:
    """Return the customer whose repayment the money had been; None where it was none."""
    found = await store.find_recalled(connection, recall.key.rail, recall.names)
    money = None if found is None else await store.lock(connection, found[0])
    return None if money is None else money.customer_id


async def _claim_paid(connection: Connection, money: Received, number: str) -> Received | None:
    """Return the claim that money can pay, by the number of its recall; None where it cannot."""
    key = await store.claim_of_number(connection, money.key.rail, number)
    recall = None if key is None else await store.lock(connection, key)
    if recall is None or recall.claim_left_minor is None:
        return None
    is_same_book = (recall.currency, recall.claim_lender_id) == (money.currency, money.lender_id)
    return recall if is_same_book and money.amount_minor <= recall.claim_left_minor else None


async def _pay(house: House, connection: Connection, money: Received, number: str) -> None:
    """Book money as the payment of the claim from the recall of this number."""
    recall = await _claim_paid(connection, money, number)
    assert recall is not None, "it was refused otherwise"
    await unplaced.release(house, connection, money)
    await store.booked(connection, money.key, now=house.clock.now())
    paid_minor = money.amount_minor
    await store.claim_shrinks(connection, recall.key, paid_minor=paid_minor, lost_minor=0)
    lender_id = recall.claim_lender_id or ""
    await _post(house, connection, money, lender_id, posting.recall_claim(-paid_minor))


async def _post(
    house: House,
    connection: Connection,
    about: Received,
    lender_id: str,
    entry: posting.Postings,
) -> None:
    book = (lender_id, BOOK, about.currency)
    await unplaced.post(house, connection, "recall_claim", [(book, entry)])
