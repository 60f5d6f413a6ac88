"""The integrator: takes staged leaves in the order of the queue and gives them their numbers.

Invariant   One transaction a batch: leaves leave the queue, get the next numbers and their sealed
            openings, fill tiles and end in a checkpoint of a size that never had one, all or
            nothing. A batch that is cut off at any point is as if it had never begun.
Exclusive   One session at a time, by an advisory lock that ends with the session. Were the lock
            ever to fail, the queue and the primary keys of leaves and checkpoints would not let a
            second one in.
Order       That of the queue among the leaves that are visible: leaves of one row of facts stand
            in the order of its commits, because their places in the queue were drawn under its
            lock.
Privacy     Salt and body are sealed under the customer's data key for evidence, bound to leaf and
            customer. While the key service is away leaves wait in the queue; nothing is lost. A
            leaf whose customer was erased meanwhile is numbered without an opening. Leaves of a
            customer whose key is damaged wait until it is mended, and let the others pass.
Backlog     Two batches overlap: while the database writes one, the next is read and sealed. It is
            written only after the one before it was committed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from counterfoil.evidence import log_store as store
from counterfoil.evidence.growth import Growth
from counterfoil.evidence.leaf import ENTRY_VERSION
from counterfoil.evidence.log_store import Connection, Head
from counterfoil.evidence.sealing import OpeningKeys, place_of
from counterfoil.kernel.clock import Clock
from counterfoil.privacy.envelope import Sealer, Suite
from counterfoil.privacy.store import hold_keys
from counterfoil.privacy.vault import Vault

#: Beyond it a batch takes longer without costing less a leaf.
BATCH_LEAVES: Final = 4_096
#: Leaves sealed without letting others of the process have a turn: some two milliseconds.
TURN_LEAVES: Final = 256
#: What a leaf hash is of: its prefix, then the entry.
_LEAF_PREFIX: Final = b"\x00" + ENTRY_VERSION
_KIND_PREFIXES: Final = tuple(_LEAF_PREFIX + bytes([kind]) for kind in range(256))


class Integrator:
    """Numbers staged leaves on the session that holds the lock."""

    def __init__(self, vault: Vault, clock: Clock, *, batch_leaves: int = BATCH_LEAVES) -> None:
        """Take what seals openings and the real clock."""
        self._suite = vault.suite
        self._keys = OpeningKeys(vault)
        self._clock = clock
        self._batch_leaves = batch_leaves
        #: The tree as of the last batch that was prepared, None where it has to be read.
        self._growth: Growth | None = None
        #: Places in the queue of batches that are not yet committed.
        self._taken: set[int] = set()
        #: Customers whose key was found damaged by the last `step` or `drain`: their leaves wait.
        self.waiting: set[int] = set()
        #: Whether the last batch was as large as it may be, so that there may be more.
        self.has_more = False

    async def step(self, connection: Connection) -> int:
        """Give one batch its numbers; return how many leaves it had."""
        return await self.drain([connection], batches=1)

    async def drain(self, connections: Sequence[Connection], *, batches: int | None = None) -> int:
        """Give batch after batch its numbers until one is not full; return how many leaves it was.

        The first connection holds the lock; a second one makes batches overlap.
        """
        self._taken.clear()
        self.waiting.clear()
        done = count = 0
        before: asyncio.Task[int] | None = None
        earlier: asyncio.Task[int] | None = None
        try:
            while batches is None or count < batches:
                if len(connections) == 1:
                    earlier, before = before, None
                if earlier is not None:
                    done += await earlier
                is_ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                connection = connections[count % len(connections)]
                batch = asyncio.create_task(self._batch(connection, before, is_ready))
                earlier, before = before, batch
                count += 1
                # A batch that fails before it is ready ends the wait with its error.
                await asyncio.wait({batch, is_ready}, return_when=asyncio.FIRST_COMPLETED)
                if not is_ready.done() or is_ready.result() < self._batch_leaves:
                    break
            for last in (earlier, before):
                if last is not None:
                    done += await last
        except BaseException:
            self._growth = None  # what memory holds may be ahead of what was committed
            await _end([task for task in (earlier, before) if task is not None])
            raise
        return done

    async def _batch(
        self,
        connection: Connection,
        before: "asyncio.Task[int] | None",
        is_ready: "asyncio.Future[int]",
    ) -> int:
        """Give one batch its numbers in a transaction of its own, after the one before it."""
        async with connection.transaction():
            # First, so that no opening is read that an erasure destroys before it is sealed.
            await hold_keys(connection)
            rows = await store.read_staged(
                connection, page=self._batch_leaves, without=list(self._taken)
            )
            places = [row[0] for row in rows]
            self._taken.update(places)
            self.has_more = len(rows) == self._batch_leaves
            if not rows:
                is_ready.set_result(0)
                return 0
            read = len(rows)
            growth = await self._grown(connection, is_first=before is None)
            start = growth.size
            sealers = await self._keys.of(
                connection, {row[1] for row in rows if row[5] is not None}
            )
            # Those of a damaged key stay taken, so that the next batch reads on behind them; their
            # later leaves wait as well, mended or not, so that the order holds.
            self.waiting |= {row[1] for row in rows if row[5] is not None} - sealers.keys()
            rows = [row for row in rows if row[1] not in self.waiting]
            places = [row[0] for row in rows]
            sealed = await self._sealed(rows, sealers)
            tiles = growth.append(leaf_hashes_of(rows))
            head = Head(growth.size, growth.root())
            self._growth = growth
            is_ready.set_result(read)
            if before is not None:
                await before
            if not rows:
                return 0
            await store.number_leaves(connection, places, sealed, start=start)
            if tiles:
                await store.add_tiles(connection, tiles)
            await store.add_head(connection, head, at=self._clock.now())
        self._taken.difference_update(places)
        return len(rows)

    async def _grown(self, connection: Connection, *, is_first: bool) -> Growth:
        """Return the edge of the tree, to grow on its own."""
        if is_first:
            head = await store.last_head(connection) or Head(0, Growth().root())
            if self._growth is None or self._growth.size != head.size:
                self._growth = await store.read_growth(connection, head.size)
            assert self._growth.root() == head.root, "leaves and tiles make the root that is kept"
        assert self._growth is not None, "the batch before left it"
        return self._growth.copy()

    async def _sealed(
        self, rows: Sequence[Any], sealers: Mapping[int, Sealer]
    ) -> list[bytes | None]:
        """Return the sealed openings of rows, giving others of the process their turns."""
        sealed: list[bytes | None] = []
        for begin in range(0, len(rows), TURN_LEAVES):
            sealed += _openings(rows[begin : begin + TURN_LEAVES], sealers, self._suite)
            await asyncio.sleep(0)
        return sealed


async def _end(tasks: Sequence["asyncio.Task[int]"]) -> None:
    """End batches that cannot be committed any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def leaf_hashes_of(rows: Sequence[Any]) -> list[bytes]:
    """Return the leaf hashes of staged rows."""
    prefixes = _KIND_PREFIXES
    return [sha256(prefixes[row[3]] + row[4]).digest() for row in rows]


def _openings(
    rows: Sequence[Any], sealers: Mapping[int, Sealer], suite: Suite
) -> Iterator[bytes | None]:
    """Yield the sealed openings of staged rows, None where erased: the hot loop of the log."""
    for _, customer_id, leaf_id, _, _, salt, body in rows:
        if salt is None:
            yield None
            continue
        opening = salt if body is None else salt + body
        yield sealers[customer_id].encrypt(opening, place_of(customer_id, leaf_id), suite)
