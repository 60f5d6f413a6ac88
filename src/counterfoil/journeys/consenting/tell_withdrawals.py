"""Telling a recipient that consents were withdrawn: what was allowed is allowed no longer.

Order       Here a withdrawal works at once, told or not: a withdrawn consent cannot be used. The
            recipient is told afterwards, so that it can refuse by its own knowledge.
Repetition  Telling happens once or more often, which is the same; the cursor of the outbox moves
            with the note that the recipient has confirmed. Without an answer nothing moves.
"""

from collections.abc import Sequence
from typing import Final

from counterfoil.bureau.port import Bureau
from counterfoil.consents import store
from counterfoil.consents.record import record_id_text
from counterfoil.journeys.consenting.consent import WITHDRAWN
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection
from counterfoil.platform.outbox import Consumer, Event

CONSUMER: Final = "bureau_withdrawals"


class BureauSilentError(Exception):
    """The bureau did not confirm that it knows of withdrawals; they are told again."""


def withdrawals_consumer(house: House) -> Consumer:
    """Return the reader of the outbox that tells the bureau."""
    return Consumer(house.database, name=CONSUMER, kinds=[WITHDRAWN])


async def tell_withdrawals(house: House, consumer: Consumer) -> int:
    """Tell the bureau of the next page of withdrawals; return how many events were passed.

    Raises BureauSilentError where it does not confirm; the next call tells the same again.
    """
    bureau = house.bureau
    if bureau is None:
        return 0

    async def handle(connection: Connection, events: Sequence[Event]) -> None:
        await _tell(house, bureau, connection, events)

    return await consumer.take(handle)


async def _tell(
    house: House, bureau: Bureau, connection: Connection, events: Sequence[Event]
) -> None:
    keys = sorted({(event.customer_id, event.subject_id) for event in events})
    found = await store.withdrawals_of(connection, keys, recipient=bureau.bureau)
    if not found:
        return
    if not await bureau.tell_withdrawn([record_id_text(record) for _, _, record in found]):
        raise BureauSilentError
    told = [(customer_id, consent_id) for customer_id, consent_id, _ in found]
    await store.note_told(connection, told, now=house.leaves.now())
