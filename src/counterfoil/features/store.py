"""Reads and writes events, quarantine, switches and ends; many customers in one statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from counterfoil.features.event import Draft, Event
from counterfoil.features.revision import Revised
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.features")


class Quarantined(NamedTuple):
    """A malformed event that waits, as far as it could be kept."""

    event_id: int
    draft: Draft
    #: Names of members whose values could not be kept.
    dropped: Sequence[str]
    reason: str
    member: str
    held_at: datetime


class Switch(NamedTuple):
    """The last switch of a source."""

    source: str
    is_on: bool
    licence: str
    switched_by: str
    reason: str
    switched_at: datetime


class PurposeEnd(NamedTuple):
    """A feature that is no longer used for a purpose."""

    name: str
    purpose: str
    ended_by: str
    reason: str
    ended_at: datetime


async def read_events(
    connection: Connection, customer_ids: Collection[int]
) -> dict[int, list[Event]]:
    """Return every revision of the events of customers, oldest first."""
    found: dict[int, list[Event]] = {customer_id: [] for customer_id in customer_ids}
    rows = await QUERIES.events_of_customers.fetch(connection, customer_ids=sorted(found))
    for row in rows:
        found[row["customer_id"]].append(_event(row))
    return found


async def lock_told(connection: Connection, customer_ids: Collection[int]) -> dict[int, datetime]:
    """Return until when the records of customers have been told; others wait until we are done."""
    rows = await QUERIES.lock_told.fetch(connection, customer_ids=sorted(customer_ids))
    return {row["customer_id"]: row["told_until"] for row in rows}


async def note_told(connection: Connection, until: Mapping[int, datetime]) -> None:
    """Note until when the records of customers have been told."""
    customer_ids = sorted(until)
    await QUERIES.note_told.execute(
        connection,
        customer_ids=customer_ids,
        until=[until[customer_id] for customer_id in customer_ids],
    )


async def add_events(
    connection: Connection, revised: Sequence[tuple[int, Revised, datetime]]
) -> frozenset[int]:
    """Write events under their numbers, known from an instant; return the new ones' numbers."""
    rows = [_row(event_id, item, known_at) for event_id, item, known_at in revised]
    written = await QUERIES.add_events.fetch(connection, rows=rows)
    return frozenset(row["event_id"] for row in written)


async def customers_untold(
    connection: Connection, *, after: int, told_before: datetime, page: int
) -> list[tuple[int, bool]]:
    """Return a page of customers, and whether their records are due to be told."""
    rows = await QUERIES.customers_untold.fetch(
        connection, after=after, told_before=told_before, page=page
    )
    return [(row["customer_id"], row["is_due"]) for row in rows]


async def customers_with_events(connection: Connection, *, after: int, page: int) -> list[int]:
    """Return a page of the customers of whom anything is known."""
    rows = await QUERIES.customers_with_events.fetch(connection, after=after, page=page)
    return [row["customer_id"] for row in rows]


async def add_quarantined(
    connection: Connection, held: Quarantined, *, content_sha256: bytes
) -> bool:
    """Hold a malformed event; return whether it was not held yet."""
    draft = held.draft
    written = await QUERIES.add_quarantined.fetchval(
        connection,
        customer_id=draft.customer_id,
        event_id=held.event_id,
        kind=draft.kind,
        source=draft.source,
        source_record=draft.source_record,
        line_id=draft.line_id,
        purpose=draft.purpose,
        legal_basis=draft.legal_basis,
        consent_id=draft.consent_id,
        occurred_on=draft.occurred_on,
        occurred_at=draft.occurred_at,
        expires_at=draft.expires_at,
        facts=_facts_text(draft),
        content_sha256=content_sha256,
        dropped=list(held.dropped),
        reason=held.reason,
        member=held.member,
        held_at=held.held_at,
    )
    return written is not None


async def read_quarantined(
    connection: Connection, customer_id: int, event_id: int
) -> Quarantined | None:
    """Return a malformed event that waits, under its lock; None where there is none."""
    row = await QUERIES.quarantined.fetchrow(connection, customer_id=customer_id, event_id=event_id)
    return None if row is None else _quarantined(row)


async def quarantine_page(connection: Connection, *, page: int) -> list[Quarantined]:
    """Return malformed events that wait, the oldest first."""
    rows = await QUERIES.quarantine_page.fetch(connection, page=page)
    return [_quarantined(row) for row in rows]


async def end_quarantine(
    connection: Connection,
    held: Quarantined,
    *,
    repaired_id: int | None,
    ended_by: str,
    reason: str,
    at: datetime,
) -> None:
    """Say what became of a malformed event: the event it became, or that it was discarded."""
    await QUERIES.end_quarantine.execute(
        connection,
        customer_id=held.draft.customer_id,
        event_id=held.event_id,
        outcome="discarded" if repaired_id is None else "repaired",
        repaired_id=repaired_id,
        ended_by=ended_by,
        reason=reason,
        ended_at=at,
    )


async def read_switches(connection: Connection) -> dict[str, Switch]:
    """Return the last switch of each source that was ever switched."""
    rows = await QUERIES.switches.fetch(connection)
    return {
        row["source"]: Switch(
            source=row["source"],
            is_on=row["is_on"],
            licence=row["licence"],
            switched_by=row["switched_by"],
            reason=row["reason"],
            switched_at=row["switched_at"],
        )
        for row in rows
    }


async def add_switch(
    connection: Connection,
    switch: Switch,
    *,
    switch_id: int,
    assessment_sha256: bytes | None,
    approval_id: int | None,
) -> None:
    """Switch a source."""
    await QUERIES.add_switch.execute(
        connection,
        switch_id=switch_id,
        source=switch.source,
        is_on=switch.is_on,
        assessment_sha256=assessment_sha256,
        licence=switch.licence,
        approval_id=approval_id,
        switched_by=switch.switched_by,
        reason=switch.reason,
        switched_at=switch.switched_at,
    )


async def read_purpose_ends(connection: Connection) -> list[PurposeEnd]:
    """Return the features that are no longer used for a purpose."""
    rows = await QUERIES.purpose_ends.fetch(connection)
    return [PurposeEnd(**dict(row)) for row in rows]


async def end_purpose(connection: Connection, end: PurposeEnd) -> None:
    """End the use of a feature for a purpose."""
    await QUERIES.end_purpose.execute(connection, **end._asdict())


async def read_contested(connection: Connection, customer_id: int) -> dict[str, datetime]:
    """Return what a customer says is wrong, and since when."""
    rows = await QUERIES.contested_of_customer.fetch(connection, customer_id=customer_id)
    return {row["name"]: row["contested_at"] for row in rows}


async def add_contested(
    connection: Connection, customer_id: int, name: str, *, contested_id: int, at: datetime
) -> None:
    """Keep that a customer says that something is wrong."""
    await QUERIES.add_contested.execute(
        connection,
        customer_id=customer_id,
        contested_id=contested_id,
        name=name,
        contested_at=at,
    )


def _event(row: Row) -> Event:
    fields = {name: row[name] for name in Event._fields}
    return Event(**fields | {"facts": orjson.loads(row["facts"])})


def _quarantined(row: Row) -> Quarantined:
    fields = {name: row[name] for name in Draft._fields if name != "known_at"}
    return Quarantined(
        event_id=row["event_id"],
        draft=Draft(**fields | {"facts": orjson.loads(row["facts"]), "known_at": None}),
        dropped=row["dropped"],
        reason=row["reason"],
        member=row["member"],
        held_at=row["held_at"],
    )


def _row(event_id: int, revised: Revised, known_at: datetime) -> tuple[object, ...]:
    draft, revision, is_void = revised
    return (
        draft.customer_id,
        event_id,
        draft.kind,
        draft.source,
        draft.source_record,
        revision,
        is_void,
        draft.line_id,
        draft.purpose,
        draft.legal_basis,
        draft.consent_id,
        draft.occurred_on,
        draft.occurred_at,
        known_at,
        draft.expires_at,
        _facts_text(draft),
    )


def _facts_text(draft: Draft) -> str:
    return orjson.dumps(dict(draft.facts), option=orjson.OPT_SORT_KEYS).decode()
