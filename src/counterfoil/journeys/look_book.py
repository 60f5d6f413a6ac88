"""Writing down who was shown whom: one line a page, whatever it lists, before it is handed out.

Read off    The identifiers of customers in the very bytes that are about to be sent: a page or a
            list that is added later cannot be forgotten.
Cost        Lines that come while others are being written go together in the next statement; no
            timer. Whoever asked waits until the own line is committed.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act
from counterfoil.kernel import ids
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.trail import Entry

_CUSTOMER: Final = re.compile(rb"\bcu_[0-7][0-9a-hjkmnp-tv-z]{12}\b")


def customers_in(*texts: bytes) -> tuple[int, ...]:
    """Return the customers whose identifiers stand in what is sent, in ascending order."""
    found = {match for text in texts for match in _CUSTOMER.findall(text)}
    return tuple(sorted(ids.from_text(ids.CUSTOMER, text.decode()) for text in found))


class LookBook:
    """Takes lines and writes those that wait together; one per process."""

    def __init__(self) -> None:
        """Begin with nothing to write."""
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, house: House, actor: Actor, act: Act, customer_ids: Sequence[int]) -> None:
        """Write who is shown whom, and return once that is committed."""
        entry = Entry(
            trail_id=house.ids.next(),
            at=house.clock.now(),
            actor=actor.name,
            role=actor.role,
            source=actor.source,
            act=act.name,
            outcome=trail.DONE,
            customer_ids=tuple(customer_ids),
            subject=act.subject,
            purpose=act.purpose,
            ticket=act.ticket,
        )
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(house))
        await written

    async def _write(self, house: House) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                async with house.database.connection() as connection:
                    await trail.add_entries(connection, [entry for entry, _ in batch])
            except Exception as error:  # noqa: BLE001 – each who waits is told, and fails itself
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)
