"""Reads and writes versions of the registry, what was found of them, and publications."""

from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.features.registry import Registry
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.features", "registry_store.sql")
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1


class RegistryGate(NamedTuple):
    """What was found of a registry, as both persons who publish it saw it."""

    gate_id: int
    sha256: str
    #: The registry that was in force then, against which the difference is told.
    before_sha256: str
    #: SHA-256 of the canonical report.
    report_sha256: bytes
    report: bytes
    made_by: str
    made_at: datetime


class RegistryPublication(NamedTuple):
    """A registry that is in force from an instant on."""

    publication_id: int
    sha256: str
    gate_id: int
    approval_id: int
    author: str
    approver: str
    published_at: datetime


async def keep_registry(connection: Connection, registry: Registry, *, at: datetime) -> None:
    """Keep a registry under its identity, once."""
    await QUERIES.keep_registry.execute(
        connection, sha256=registry.sha256, document=registry.document.decode(), kept_at=at
    )


async def read_document(connection: Connection, sha256: str) -> bytes | None:
    """Return the canonical content of a registry that is kept, None where there is none."""
    document = await QUERIES.registry_document.fetchval(connection, sha256=sha256)
    return None if document is None else document.encode()


async def documents(connection: Connection) -> list[bytes]:
    """Return the canonical contents of every registry that was published or asked for."""
    rows = await QUERIES.registry_documents.fetch(connection)
    return [row["document"].encode() for row in rows]


async def add_gate(connection: Connection, gate: RegistryGate) -> None:
    """Keep what was found of a registry that is kept."""
    await QUERIES.add_registry_gate.execute(
        connection, **gate._asdict() | {"report": gate.report.decode()}
    )


async def latest_gate(connection: Connection, sha256: str) -> RegistryGate | None:
    """Return the last report on a registry by which it was not published yet, None without."""
    row = await QUERIES.latest_registry_gate.fetchrow(connection, sha256=sha256)
    return None if row is None else RegistryGate(**dict(row) | {"report": row["report"].encode()})


async def gates_of(connection: Connection, made_by: str, *, page: int) -> list[RegistryGate]:
    """Return the latest reports that somebody asked for approval with, newest first."""
    rows = await QUERIES.registry_gates_of.fetch(connection, made_by=made_by, page=page)
    return [RegistryGate(**dict(row) | {"report": row["report"].encode()}) for row in rows]


async def add_publication(connection: Connection, publication: RegistryPublication) -> None:
    """Keep a publication."""
    await QUERIES.add_registry_publication.execute(connection, **publication._asdict())


async def read_publications(
    connection: Connection, *, page: int, before: int = NEWEST, is_back: bool = False
) -> list[RegistryPublication]:
    """Return a page of publications, newest first."""
    rows = await QUERIES.registry_publications.page(
        connection, page=page, before=before, is_back=is_back
    )
    return [RegistryPublication(**dict(row)) for row in rows]


async def sha256_in_force(connection: Connection, *, at: datetime) -> str | None:
    """Return which registry was in force at an instant, None while nothing was published."""
    found: str | None = await QUERIES.registry_in_force.fetchval(connection, at=at)
    return found


async def hold_publications(connection: Connection) -> None:
    """Let nobody else publish a registry until the transaction ends."""
    await QUERIES.hold_registry_publications.execute(connection)
