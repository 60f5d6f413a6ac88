"""Purchases of scenes: recorded with their papers, paid as they progress, taken back, refunded.

The story   A channel records what is bought, with digests of its papers; the same paper stands for
            one purchase. A drawdown pays for the oldest purchase at its merchant of which that much
            may be paid. Within the days of cooling-off the customer may go back on it: interest
            then runs to that day alone. What a merchant gives back goes to the loan.
Invariant   Two drawdowns at once do not pay more of a purchase than may be paid: what one takes
            counts until it is answered, and after a crash until its answer was looked up.
Follows     R067 (students); Civil Code of the PRC, article 677 (interest for the time of use).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import purchase_store as store
from counterfoil.lending import scene_refusals as refusals
from counterfoil.lending import scene_store
from counterfoil.lending.commands import Draw, Repay
from counterfoil.lending.loan import payoff_minor
from counterfoil.lending.refusals import SCENE_UNKNOWN
from counterfoil.lending.scene import Scene, shipped_scenes
from counterfoil.lending.scene_purchase import (
    Purchase,
    PurchaseState,
    due_back_minor,
    payable_minor,
    purchase_for,
    refuse_purchase,
    refuse_withdrawal,
)
from counterfoil.lending.store import read_loan
from counterfoil.lending.terms import Prepayment
from counterfoil.platform import idempotency
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

_STUDENTS: Final = "student_limit_most"
#: How the customer's own money comes in after a withdrawal.
_WITHDRAWN: Final = "withdrawal"
_ONCE: Final = {"scene_document_once": refusals.SCENE_DOCUMENT_USED}


async def record_purchase(
    house: House,
    purchase: Purchase,
    documents: Mapping[str, bytes],
    *,
    by: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Record what a customer buys of a merchant; `documents` are digests by kind of paper."""
    scene, now = shipped_scenes().get(purchase.scene), house.clock.now()
    if scene is None:
        return refuse(SCENE_UNKNOWN, scene=purchase.scene)
    limit = _student_limit(house, scene, await house.business_date())
    refused = refuse_purchase(scene, purchase, documents, student_limit_minor=limit)
    if refused is not None:
        return refused
    request: dict[str, object] = {
        name: str(getattr(purchase, name)) for name in purchase.__slots__ if name != "purchase_id"
    }
    request["documents"] = {kind: digest.hex() for kind, digest in documents.items()}

    async def work(connection: Connection) -> str | Refused:
        if not await scene_store.is_merchant(connection, purchase.scene, purchase.merchant_id):
            return refuse(refusals.SCENE_MERCHANT_UNKNOWN)
        closed_on = await store.closed_on(connection, purchase.merchant_id)
        if closed_on is not None:
            return refuse(refusals.SCENE_MERCHANT_CLOSED, closed_on=closed_on.isoformat())
        await store.add_purchase(connection, purchase, documents, by=by, at=now)
        state = PurchaseState(purchase=purchase, progress_ppm=0, paid_minor=0)
        return orjson.dumps(purchase_document(state), option=orjson.OPT_SORT_KEYS).decode()

    return await idempotency.once_or_refused(
        house.database,
        twins=_ONCE,
        scope_id=purchase.customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("record_purchase", request),
        kind="record_purchase",
        at=now,
        work=work,
    )


async def take(
    house: House, connection: Connection, scene: Scene, command: Draw, *, merchant_id: int, key: str
) -> Refused | None:
    """Let a drawdown pay for a purchase, or say why it does not; the caller holds the scene."""
    if scene.needs_licence:
        licence = await store.present_licence(connection, merchant_id)
        if licence is None or licence.valid_until < await house.business_date():
            return refuse(refusals.SCENE_LICENCE_MISSING)
    if not scene.needs_purchase:
        return None
    await _settle_left(house, connection, command.customer_id)
    states = await store.read_purchases(
        connection, customer_id=command.customer_id, merchant_id=merchant_id, without_key=key
    )
    found = purchase_for(
        scene,
        [state for state in states if state.purchase.scene == scene.code],
        amount_minor=command.amount_minor,
        currency=command.currency,
    )
    if isinstance(found, Refused):
        return found
    await store.use_purchase(
        connection, found, key=key, amount_minor=command.amount_minor, at=house.clock.now()
    )
    return None


async def settle(
    connection: Connection, command: Draw, *, key: str, answer: Answer | Refused | None
) -> None:
    """Write what became of a drawdown; where nobody knows it goes on counting."""
    if answer is not None:
        await store.settle_use(
            connection, customer_id=command.customer_id, key=key, loan_id=_loan_of(answer)
        )


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
        refused = refuse_withdrawal(shipped_scenes()[paid.scene], loan.start_date, on)
        if refused is not None:
            return refused
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
        fields = {"act": "scene_withdrawal", "on": on.isoformat(), "who": by}
        leaf = house.leaves.stage(customer_id, house.ids.next(), LeafType.APPROVAL, loan_id, fields)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        held = await store.read_withdrawal(connection, customer_id, loan_id)
    assert held is not None, "it was written"
    return held


async def refund(
    house: House,
    *,
    customer_id: int,
    loan_id: int,
    amount_minor: int,
    currency: str,
    is_of_merchant: bool,
    idempotency_key: str,
) -> Answer | Refused:
    """Book what comes back for a purchase on the loan that paid it, never as cash.

    It lowers the instalments to come. After a withdrawal it counts from the day of that, and so
    does what the customer pays of it.
    """
    async with house.database.connection() as connection:
        loan = await read_loan(connection, customer_id, loan_id)
        paid = await store.purchase_of_loan(connection, customer_id, loan_id)
        withdrawal = await store.read_withdrawal(connection, customer_id, loan_id)
        seen = await PLATFORM.commands_seen.fetch(connection, keys=[(customer_id, idempotency_key)])
    if loan is None or paid is None:
        return refuse(refusals.SCENE_LOAN_NOT_OF_SCENE)
    if withdrawal is None and not is_of_merchant:
        return refuse(refusals.SCENE_WITHDRAWAL_MISSING)
    left = paid.amount_minor - paid.refunded_minor
    if is_of_merchant and amount_minor > left and not seen:
        return refuse(refusals.SCENE_REFUND_BEYOND_LOAN, left_minor=left)
    command = Repay(
        customer_id=customer_id,
        line_id=loan.line_id,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        value_date=None if withdrawal is None else withdrawal.declared_on,
        mode=Prepayment.REDUCE_INSTALMENT,
        channel=store.REFUND if is_of_merchant else _WITHDRAWN,
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def purchases_of(
    house: House, *, customer_id: int = 0, merchant_id: int = 0
) -> list[dict[str, Any]]:
    """Return purchases of a customer or of a merchant, as they stand."""
    async with house.database.connection() as connection:
        states = await store.read_purchases(
            connection, customer_id=customer_id, merchant_id=merchant_id
        )
    return [purchase_document(state) for state in states]


def purchase_document(state: PurchaseState) -> dict[str, Any]:
    """Return a purchase as it is answered."""
    purchase, scene = state.purchase, shipped_scenes().get(state.purchase.scene)
    return {
        "id": ids.to_text(ids.PURCHASE, purchase.purchase_id),
        "customer_id": ids.to_text(ids.CUSTOMER, purchase.customer_id),
        "scene": purchase.scene,
        "merchant_id": ids.to_text(ids.MERCHANT, purchase.merchant_id),
        "price_minor": purchase.price_minor,
        "currency": purchase.currency,
        "course_from": purchase.course_from and purchase.course_from.isoformat(),
        "course_until": purchase.course_until and purchase.course_until.isoformat(),
        "is_student": purchase.is_student,
        "progress_ppm": state.progress_ppm,
        "paid_minor": state.paid_minor,
        "refunded_minor": state.refunded_minor,
        "payable_minor": 0 if scene is None else payable_minor(scene, state),
        "due_back_minor": due_back_minor(state),
    }


def _student_limit(house: House, scene: Scene, on: date) -> int | None:
    """Return the least that any licence which lends in a scene leaves for students."""
    rules = [
        house.catalogue.rule(terms, _STUDENTS, on)
        for terms in house.catalogue.all()
        if scene.code in terms.scenes
    ]
    return min((rule.value for rule in rules if rule is not None), default=None)


async def _settle_left(house: House, connection: Connection, customer_id: int) -> None:
    """Look up what became of drawdowns whose answer a crash kept from being written down."""
    before = house.clock.now() - scene_store.RESERVED
    for key in await store.uses_left(connection, customer_id, before=before):
        rows = await PLATFORM.commands_seen.fetch(connection, keys=[(customer_id, key)])
        loan_id = _loan_of(Answer(rows[0]["answer"], is_replay=True)) if rows else None
        await store.settle_use(connection, customer_id=customer_id, key=key, loan_id=loan_id)


def _loan_of(answer: Answer | Refused) -> int | None:
    if isinstance(answer, Refused):
        return None
    try:
        return ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    except ids.InvalidIdError as error:  # pragma: no cover – a drawdown answers with its loan
        raise RefusedError(refuse(refusals.SCENE_LOAN_NOT_OF_SCENE)) from error
