"""To which loans the refund of a purchase goes.

Order       A loan that was taken back first, whose interest ended that day; then the newest: what
            was paid ahead last was given least.
Bounds      To a loan goes no more than was lent and not refunded, and nothing to one that is paid
            off. Where all of them take less than came in, nothing is booked and people are next.
"""

from collections.abc import Sequence

from counterfoil.lending import purchase_store
from counterfoil.lending.scene_purchase import split_refund
from counterfoil.payments.received import Received, ReceivedCause
from counterfoil.payments.received_store import Share
from counterfoil.platform.database import Connection


async def refund_shares(
    connection: Connection, received: Received, purchase_id: int
) -> Sequence[Share] | ReceivedCause:
    """Return what goes to each loan of a purchase, or why people are next."""
    states = await purchase_store.read_purchases(connection, purchase_id=purchase_id)
    if not states:
        return ReceivedCause.REFERENCE_UNKNOWN
    purchase = states[0].purchase
    await purchase_store.hold_purchase(connection, purchase.customer_id, purchase_id)
    loans = await purchase_store.loans_of_purchase(connection, purchase.customer_id, purchase_id)
    room: list[tuple[int, int]] = []
    taken_back: set[int] = set()
    for loan in loans:
        if loan.status != "open":
            continue
        paid = await purchase_store.purchase_of_loan(connection, purchase.customer_id, loan.loan_id)
        assert paid is not None, "a loan keeps its purchase"
        under_way = await purchase_store.refunds_left(
            connection, purchase.customer_id, loan.loan_id, without_key=""
        )
        left = paid.amount_minor - paid.refunded_minor - sum(r.amount_minor for r in under_way)
        room.append((loan.loan_id, max(0, left)))
        withdrawal = await purchase_store.read_withdrawal(
            connection, purchase.customer_id, loan.loan_id
        )
        if withdrawal is not None:
            taken_back.add(loan.loan_id)
    if purchase.currency != received.currency:
        return ReceivedCause.BEYOND_LENT
    split = split_refund(room, received.left_minor, first=taken_back)
    if split is None:
        return ReceivedCause.BEYOND_LENT
    return [Share(purchase.customer_id, loan_id, amount) for loan_id, amount in split]
