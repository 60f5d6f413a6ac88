"""The demonstration's proofs: its log runs beside the days, and customers get their receipts.

Files       receipts/<customer>/<number>-<what>.receipt, and for other people's verifiers the same
            proof beside it (`.tlog-proof`) with the entry that it is of (`.entry`).
Sample      Receipts of every so many customers are made and verified as a customer would, from the
            bytes and the policy alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_files import POLICY
from counterfoil.journeys.house import House
from counterfoil.journeys.proving.publish_log import (
    Integrating,
    Publishing,
    directory_of,
    open_desk,
)
from counterfoil.journeys.proving.receipts import read_receipts
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Queries

_QUERIES: Final = Queries.load("counterfoil.simulator", "proving.sql")

#: Customers whose receipts are handed out and verified.
CUSTOMERS: Final = 40
_PAUSE_SECONDS: Final = 0.005
#: How long leaves wait where nobody waits for them.
_PEACE_SECONDS: Final = 1
_PUBLISHED_SECONDS_MAX: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What the log came to."""

    size: int
    root: str
    witnesses: tuple[str, ...]
    receipts_verified: int
    #: What was wrong with receipts, if anything was.
    faults: tuple[str, ...]
    #: A customer's receipt of an inquiry, as a file; None where nobody was asked about.
    example: Path | None

    def document(self) -> dict[str, object]:
        """Return the figures as programs read them."""
        return {
            "size": self.size,
            "root": self.root,
            "witnesses": list(self.witnesses),
            "receipts_verified": self.receipts_verified,
        }


@asynccontextmanager
async def publishing(house: House) -> AsyncIterator[None]:
    """Run the log beside whatever else happens: leaves are numbered, witnessed and published."""
    stop = asyncio.Event()
    async with open_desk(house.settings, house.database, house.wall) as desk:
        integrating = Integrating(house, every_ms=0)
        publishing = Publishing(house, desk)

        async def run() -> None:
            """Publish at once where somebody waits for a head, else in peace."""
            loop = asyncio.get_running_loop()
            due_at = loop.time()
            try:
                while not stop.is_set():
                    if house.log.is_awaited or loop.time() >= due_at:
                        await integrating.step()
                        await publishing.step()
                        due_at = loop.time() + _PEACE_SECONDS
                    await asyncio.sleep(_PAUSE_SECONDS)
            finally:
                await integrating.close()
                await publishing.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(run())
            try:
                yield
            finally:
                stop.set()


async def hand_out(house: House, directory: Path) -> Proofs:
    """Wait until everything is witnessed; write and verify receipts of some customers."""
    await _published(house)
    policy = Policy.parse((directory_of(house.settings) / POLICY).read_bytes())
    async with house.database.connection() as connection:
        head: Any = await _QUERIES.head.fetchrow(connection)
        rows = await _QUERIES.asked_about.fetch(connection, count=CUSTOMERS)
    verified = 0
    faults: list[str] = []
    example: Path | None = None
    for customer_id in [row["customer_id"] for row in rows]:
        place = directory / ids.to_text(ids.CUSTOMER, customer_id)
        for name, receipt in await _receipts_of(house, customer_id):
            data = bytes(receipt)
            verdict = verify_receipt(data, policy)
            if not verdict.is_accepted:
                faults.append(f"{place.name}/{name}: {verdict.refused}")
                continue
            verified += 1
            if example is None or example.parent == place:
                _write(place, name, receipt)
            if example is None and receipt.kind is LeafType.INQUIRY_INTENT:
                example = place / f"{name}.receipt"
    return Proofs(
        size=head["size"] if head else 0,
        root=head["root"] if head else "",
        witnesses=tuple(policy.witnesses),
        receipts_verified=verified,
        faults=tuple(faults),
        example=example,
    )


async def _published(house: House) -> None:
    async with asyncio.timeout(_PUBLISHED_SECONDS_MAX):
        while True:
            async with house.database.connection() as connection:
                if await _QUERIES.is_published.fetchval(connection):
                    return
            await asyncio.sleep(_PAUSE_SECONDS)


async def _receipts_of(house: House, customer_id: int) -> list[tuple[str, Receipt]]:
    async with house.database.connection() as connection:
        leaves = await _QUERIES.leaves_of.fetch(connection, customer_id=customer_id)
    made = await read_receipts(house, customer_id, [leaf["leaf_id"] for leaf in leaves])
    found = []
    for number, leaf in enumerate(leaves, start=1):
        receipt = made[leaf["leaf_id"]]
        assert not isinstance(receipt, Refused), receipt
        what = LeafType(leaf["leaf_type"]).name.lower().replace("_", "-")
        found.append((f"{number:03d}-{what}", receipt))
    return found


def _write(place: Path, name: str, receipt: Receipt) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.receipt").write_bytes(bytes(receipt))
    (place / f"{name}.tlog-proof").write_bytes(bytes(receipt.proof))
    (place / f"{name}.entry").write_bytes(receipt.entry)
