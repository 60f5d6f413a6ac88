"""Reads and writes holds, the ends of purposes, and erasures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row
from counterfoil.privacy.retention import DataClass, State
from counterfoil.privacy.store import DESTRUCTION_LOCK
from counterfoil.privacy.vault import Purpose

_QUERIES: Final = Queries.load("counterfoil.privacy", "erasure_store.sql")

#: Longest list of one customer.
PAGE: Final = 200
#: What the directory finds by, for each purpose that goes.
_KINDS: Final[Mapping[Purpose, str]] = {
    Purpose.IDENTITY: "id_number",
    Purpose.CONTACT: "phone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold: while it stands nothing of the customer is erased."""

    customer_id: int
    hold_id: int
    reason: str
    ticket: str
    set_by: str
    set_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one class of one customer's data stands."""

    customer_id: int
    data_class: str
    ended_on: date
    #: None where no floor demands keeping.
    keep_until: date | None
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was destroyed."""

    customer_id: int
    erasure_id: int
    data_class: str
    rule: str
    keys_destroyed: int
    #: From this day it is out of reach of backups too.
    gone_by: date
    approval_id: int
    erased_by: str
    erased_at: datetime
    leaf_id: int


async def add_hold(connection: Connection, hold: Hold) -> None:
    """Write a new hold."""
    await _QUERIES.add_hold.execute(
        connection,
        customer_id=hold.customer_id,
        hold_id=hold.hold_id,
        reason=hold.reason,
        ticket=hold.ticket,
        set_by=hold.set_by,
        now=hold.set_at,
    )


async def lift_hold(
    connection: Connection, customer_id: int, hold_id: int, *, lifted_by: str, now: datetime
) -> bool:
    """End a hold; False when there is none, or it had ended."""
    touched = await _QUERIES.lift_hold.execute(
        connection, customer_id=customer_id, hold_id=hold_id, lifted_by=lifted_by, now=now
    )
    return touched == 1


async def read_holds(connection: Connection, customer_id: int) -> list[Hold]:
    """Return the holds of a customer, lifted ones too, newest first."""
    rows = await _QUERIES.holds.fetch(connection, customer_id=customer_id, page=PAGE)
    return [
        Hold(
            customer_id=row["customer_id"],
            hold_id=row["hold_id"],
            reason=row["reason"],
            ticket=row["ticket"],
            set_by=row["set_by"],
            set_at=row["set_at"],
            lifted_by=row["lifted_by"],
            lifted_at=row["lifted_at"],
        )
        for row in rows
    ]


async def end_purposes(
    connection: Connection, data_class: DataClass, ends: Mapping[int, date], *, now: datetime
) -> None:
    """Note since when a class of customers' data is not needed any more."""
    await _QUERIES.end_purposes.execute(
        connection,
        data_class=data_class.code,
        customer_ids=list(ends),
        ended_ons=list(ends.values()),
        keep_untils=[data_class.keep_until(day) for day in ends.values()],
        now=now,
    )


async def restrict_ended(
    connection: Connection, *, on: date, now: datetime
) -> list[tuple[int, str]]:
    """Restrict what is not needed any more on a day; return the customers, each with the class."""
    rows = await _QUERIES.restrict_ended.fetch(connection, on=on, now=now)
    return [(row["customer_id"], row["data_class"]) for row in rows]


async def find_erasable(connection: Connection, *, on: date, page: int) -> list[Standing]:
    """Return what neither purpose nor floor nor hold keeps on a day."""
    return list(map(_standing, await _QUERIES.erasable.fetch(connection, on=on, page=page)))


async def read_standings(connection: Connection, customer_ids: Sequence[int]) -> list[Standing]:
    """Return where the classes of customers' data stand, as far as an end was noted."""
    rows = await _QUERIES.retention_of.fetch(connection, customer_ids=list(customer_ids))
    return list(map(_standing, rows))


async def lock_standing(
    connection: Connection, customer_id: int, data_class: str
) -> Standing | None:
    """Return where one class stands, held until the transaction ends."""
    row = await _QUERIES.lock_retention.fetchrow(
        connection, customer_id=customer_id, data_class=data_class
    )
    return None if row is None else _standing(row)


async def destroy(
    connection: Connection, customer_id: int, data_class: DataClass, *, now: datetime
) -> int:
    """Destroy the keys of a class and what they sealed; return how many keys there were."""
    count = await destroy_keys(connection, [customer_id], data_class, now=now)
    kinds = [_KINDS[purpose] for purpose in data_class.purposes if purpose in _KINDS]
    await _QUERIES.forget_digests.execute(connection, customer_id=customer_id, kinds=kinds)
    return count


async def destroy_keys(
    connection: Connection, customer_ids: Sequence[int], data_class: DataClass, *, now: datetime
) -> int:
    """Destroy the keys of a class of some customers; return how many there were.

    Waits until nobody is using a key any more.
    """
    await _QUERIES.hold_destruction.fetch(connection, lock=DESTRUCTION_LOCK)
    rows = await _QUERIES.destroy_keys.fetch(
        connection,
        customer_ids=list(customer_ids),
        purposes=[purpose.value for purpose in data_class.purposes],
    )
    await _QUERIES.mark_erased.execute(
        connection, customer_ids=list(customer_ids), data_class=data_class.code, now=now
    )
    return len(rows)


async def add_erasure(connection: Connection, erasure: Erasure) -> None:
    """Write down what was destroyed."""
    await _QUERIES.add_erasure.execute(
        connection,
        customer_id=erasure.customer_id,
        erasure_id=erasure.erasure_id,
        data_class=erasure.data_class,
        rule=erasure.rule,
        keys_destroyed=erasure.keys_destroyed,
        gone_by=erasure.gone_by,
        approval_id=erasure.approval_id,
        erased_by=erasure.erased_by,
        erased_at=erasure.erased_at,
        leaf_id=erasure.leaf_id,
    )


async def read_erasures(connection: Connection, customer_id: int) -> list[Erasure]:
    """Return what was destroyed of a customer's data, newest first."""
    rows = await _QUERIES.erasures.fetch(connection, customer_id=customer_id, page=PAGE)
    return [
        Erasure(
            customer_id=row["customer_id"],
            erasure_id=row["erasure_id"],
            data_class=row["data_class"],
            rule=row["rule"],
            keys_destroyed=row["keys_destroyed"],
            gone_by=row["gone_by"],
            approval_id=row["approval_id"],
            erased_by=row["erased_by"],
            erased_at=row["erased_at"],
            leaf_id=row["leaf_id"],
        )
        for row in rows
    ]


async def read_erased(
    connection: Connection, data_classes: Sequence[str], *, after: int
) -> dict[int, int]:
    """Return a page of customers who were erased of some classes, with the leaf of the last."""
    rows = await _QUERIES.erased_of_purpose.fetch(
        connection, data_classes=list(data_classes), after=after, page=PAGE
    )
    return {row["customer_id"]: row["leaf_id"] for row in rows}


async def count_erased(connection: Connection) -> int:
    """Return how many classes of customers' data were erased."""
    count: int = await _QUERIES.erased_count.fetchval(connection)
    return count


def _standing(row: Row) -> Standing:
    return Standing(
        customer_id=row["customer_id"],
        data_class=row["data_class"],
        ended_on=row["ended_on"],
        keep_until=row["keep_until"],
        state=State(row["state"]),
    )
