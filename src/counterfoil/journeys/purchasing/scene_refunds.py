"""How a purchase of a scene ends otherwise: taken back, given up, refunded.

The story   Within the days of cooling-off the customer goes back on what a loan paid for: interest
            then runs to that day alone. Later the customer gives the purchase up, and the loan goes
            on. Either way its merchant owes back what the scene's rules say, within the days that
            they say. What it gives back goes to the loan, never out as cash.
Invariant   Refunds at once do not pass what was lent together: what one asks for counts until its
            repayment stands in the books, and after a crash until its answer was looked up.
Follows     Civil Code of the PRC, article 677 (interest for the time of use).
"""

from datetime import date, timedelta
from typing import Any, Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing.scene_purchases import purchase_document
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.money import to_major_text
from counterfoil.lending import purchase_store as store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending import scene_store
from counterfoil.lending.commands import Repay
from counterfoil.lending.loan import payoff_minor
from counterfoil.lending.scene_purchase import (
    Cause,
    PurchaseState,
    claim_minor,
    last_day_of_cooling_off,
    refuse_withdrawal,
)
from counterfoil.lending.store import read_loan
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: How the customer's own money comes in after a withdrawal.
_WITHDRAWN: Final = "withdrawal"


async def withdraw(
    house: House, *, customer_id: int, loan_id: int, by: str
) -> store.Withdrawal | Refused:
    """Go back on a purchase within the days of cooling-off; said again, the first word holds."""
    on = await house.business_date()
    async with house.database.transaction() as connection:
        standing = await store.read_withdrawal(connection, customer_id, loan_id)
        if standing is not None:
            return standing
        loan = await read_loan(connection, customer_id, loan_id)
        paid = await store.purchase_of_loan(connection, customer_id, loan_id)
        if loan is None or paid is None or loan.status != "open" or loan.start_date is None:
            return refuse(refusals.SCENE_LOAN_NOT_OF_SCENE)
        scene = house.catalogue.scenes.as_of(paid.scene_version, paid.scene)
        refused = refuse_withdrawal(scene, loan.start_date, on)
        if refused is not None:
            return refused
        state = await _held(connection, customer_id, paid.purchase_id)
        withdrawal = store.Withdrawal(
            customer_id=customer_id,
            loan_id=loan_id,
            declared_on=on,
            principal_minor=loan.principal_minor,
            payoff_minor=payoff_minor(loan, on),
            declared_by=by,
            declared_at=house.clock.now(),
        )
        await store.add_withdrawal(connection, withdrawal)
        await claim(house, connection, state, Cause.WITHDRAWAL, by=by)
        await _leaf(house, connection, customer_id, loan_id, by, act="scene_withdrawal")
        held = await store.read_withdrawal(connection, customer_id, loan_id)
    assert held is not None, "it was written"
    return held


async def cancel(
    house: House, *, customer_id: int, purchase_id: int, by: str
) -> dict[str, Any] | Refused:
    """Give a purchase up after the days of cooling-off; its loans go on.

    Said again it changes nothing. Refused while a withdrawal would cost the customer less.
    """
    on = await house.business_date()
    async with house.database.transaction() as connection:
        try:
            state = await _held(connection, customer_id, purchase_id)
        except RefusedError as error:
            return error.refused
        if state.is_over:
            return purchase_document(house.catalogue.scenes, state)
        scene = house.catalogue.scenes.as_of(state.purchase.scene_version, state.purchase.scene)
        began = await store.last_loan_began(connection, customer_id, purchase_id)
        last = began and last_day_of_cooling_off(scene, began)
        if last and on <= last:
            return refuse(refusals.SCENE_COOLING_OFF, last_on=last.isoformat())
        await claim(house, connection, state, Cause.CANCELLATION, by=by)
        await _leaf(house, connection, customer_id, purchase_id, by, act="scene_cancellation")
        over = await store.read_purchase(connection, customer_id, purchase_id)
    assert over is not None, "a purchase stays"
    return purchase_document(house.catalogue.scenes, over)


async def claim(
    house: House, connection: Connection, state: PurchaseState, cause: Cause, *, by: str
) -> None:
    """Write what the merchant owes back, and tell the customer, in the caller's transaction."""
    purchase = state.purchase
    scene = house.catalogue.scenes.as_of(purchase.scene_version, purchase.scene)
    owed_minor = claim_minor(scene, state, cause)
    due_on = await house.business_date() + timedelta(days=scene.refund_days)
    await store.add_claim(
        connection,
        purchase,
        cause,
        owed_minor=owed_minor,
        due_on=due_on,
        by=by,
        at=house.clock.now(),
    )
    if not owed_minor:
        return
    payee = await scene_store.payee_of(connection, purchase.merchant_id)
    assert payee is not None, "a purchase is recorded at a registered merchant"
    record = ids.to_text(ids.PURCHASE, purchase.purchase_id)
    said = {
        "purchase": record,
        "merchant": payee.name,
        "amount": f"{to_major_text(owed_minor, purchase.currency)} {purchase.currency}",
        "due_on": due_on.isoformat(),
    }
    customer_id, cause_key = purchase.customer_id, f"{record}:{cause.value}"
    await queue(connection, house, customer_id, "purchase_claim", cause_key, said)


async def refund(
    house: House,
    *,
    customer_id: int,
    loan_id: int,
    amount_minor: int,
    currency: str,
    is_of_merchant: bool,
    idempotency_key: str,
    value_date: date | None = None,
) -> Answer | Refused:
    """Book what comes back for a purchase on the loan that paid it, never as cash.

    It lowers the instalments to come, and counts from its value date, by default today. After a
    withdrawal it counts from the day of that, and so does what the customer pays of it.
    """
    async with house.database.transaction() as connection:
        loan = await read_loan(connection, customer_id, loan_id)
        withdrawal = await store.read_withdrawal(connection, customer_id, loan_id)
        paid = await store.purchase_of_loan(connection, customer_id, loan_id)
        if loan is None or paid is None:
            return refuse(refusals.SCENE_LOAN_NOT_OF_SCENE)
        if withdrawal is None and not is_of_merchant:
            return refuse(refusals.SCENE_WITHDRAWAL_MISSING)
        if is_of_merchant:
            refused = await _begin(
                house, connection, customer_id, loan_id, amount_minor, idempotency_key
            )
            if refused is not None:
                return refused
    counts_from = value_date
    if withdrawal is not None:
        counts_from = withdrawal.declared_on
    elif value_date is not None and loan.start_date is not None:
        counts_from = max(value_date, loan.start_date)
    command = Repay(
        customer_id=customer_id,
        line_id=loan.line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        value_date=counts_from,
        mode=Prepayment.REDUCE_INSTALMENT,
        channel=store.REFUND if is_of_merchant else _WITHDRAWN,
    )
    answer = await house.counter.submit(command, idempotency_key=idempotency_key)
    if is_of_merchant:
        async with house.database.transaction() as connection:
            await store.end_refunds(connection, customer_id, [idempotency_key])
    return answer


async def _begin(
    house: House,
    connection: Connection,
    customer_id: int,
    loan_id: int,
    amount_minor: int,
    key: str,
) -> Refused | None:
    """Let a refund count from now on, or refuse what is more than may still be refunded.

    Others wait at the purchase meanwhile. A repetition gets its first answer from the books.
    """
    paid = await store.purchase_of_loan(connection, customer_id, loan_id)
    assert paid is not None, "the caller has looked"
    await store.hold_purchase(connection, customer_id, paid.purchase_id)
    others = await store.refunds_left(connection, customer_id, loan_id, without_key=key)
    keys = [(customer_id, other.idempotency_key) for other in others]
    # Asked before the books are read: what is booked in between counts twice, never not at all.
    seen = {
        row["idempotency_key"]
        for row in await PLATFORM.commands_seen.fetch(connection, keys=[*keys, (customer_id, key)])
    }
    if key in seen:
        return None
    before = house.clock.now() - scene_store.RESERVED
    gone = [o.idempotency_key for o in others if o.idempotency_key in seen or o.asked_at < before]
    await store.end_refunds(connection, customer_id, gone)
    under_way = sum(o.amount_minor for o in others if o.idempotency_key not in gone)
    held = await store.purchase_of_loan(connection, customer_id, loan_id)
    assert held is not None, "a loan keeps its purchase"
    left = held.amount_minor - held.refunded_minor - under_way
    if amount_minor > left:
        return refuse(refusals.SCENE_REFUND_BEYOND_LOAN, left_minor=max(0, left))
    await store.begin_refund(
        connection,
        customer_id=customer_id,
        loan_id=loan_id,
        key=key,
        amount_minor=amount_minor,
        at=house.clock.now(),
    )
    return None


async def _held(connection: Connection, customer_id: int, purchase_id: int) -> PurchaseState:
    """Return a purchase that nobody else changes meanwhile; raise RefusedError without one."""
    await store.hold_purchase(connection, customer_id, purchase_id)
    state = await store.read_purchase(connection, customer_id, purchase_id)
    if state is None:
        raise RefusedError(refuse(refusals.SCENE_PURCHASE_NOT_FOUND))
    return state


async def _leaf(
    house: House, connection: Connection, customer_id: int, subject_id: int, by: str, *, act: str
) -> None:
    on = await house.business_date()
    fields = {"act": act, "on": on.isoformat(), "who": by}
    leaf = house.leaves.stage(customer_id, house.ids.next(), LeafType.APPROVAL, subject_id, fields)
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
