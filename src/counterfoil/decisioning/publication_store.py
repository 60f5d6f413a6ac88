"""Reads and writes gate reports and publications."""

from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.publication import GateRecord, Publication
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "publication_store.sql")

#: What is decided about, by purpose, where it does not bear the purpose's name.
_SUBJECTS: Final = {"origination": "application", "limit_increase": "limit_request"}


class PublishedVersion(NamedTuple):
    """A version by its publication."""

    publication_id: int
    policy_hash: str


async def add_gate(connection: Connection, gate: GateRecord) -> None:
    """Keep what the gate found of a version that is kept."""
    await QUERIES.add_gate.execute(
        connection,
        gate_id=gate.gate_id,
        policy_hash=gate.policy_hash,
        report_sha256=gate.report_sha256,
        report=gate.report.decode(),
        passed=gate.passed,
        made_by=gate.made_by,
        made_at=gate.made_at,
    )


async def latest_gate(connection: Connection, policy_hash: str) -> GateRecord | None:
    """Return the last report that lets a version through, None where there is none."""
    row = await QUERIES.latest_gate.fetchrow(connection, policy_hash=policy_hash)
    if row is None:
        return None
    fields = dict(row)
    return GateRecord(**fields | {"report": fields["report"].encode()})


async def add_publication(connection: Connection, publication: Publication) -> None:
    """Keep a publication; from its instant on its version decides."""
    await QUERIES.add_publication.execute(
        connection,
        publication_id=publication.publication_id,
        policy_hash=publication.policy_hash,
        purpose=publication.purpose,
        gate_id=publication.gate_id,
        approval_id=publication.approval_id,
        author=publication.author,
        approver=publication.approver,
        published_at=publication.published_at,
        effective_from=publication.effective_from,
    )


async def read_publications(connection: Connection, *, page: int) -> list[Publication]:
    """Return publications, newest first."""
    rows = await QUERIES.publications.fetch(connection, page=page)
    return [Publication(**dict(row)) for row in rows]


async def publications_in_force(
    connection: Connection, *, at: datetime, depth: int
) -> dict[str, list[PublishedVersion]]:
    """Return by purpose what decides at an instant and what decided before, the newest first."""
    rows = await QUERIES.publications_in_force.fetch(connection, at=at, depth=depth)
    found: dict[str, list[PublishedVersion]] = {}
    for row in rows:
        version = PublishedVersion(row["publication_id"], row["policy_hash"])
        found.setdefault(row["purpose"], []).append(version)
    return found


async def recorded_inputs(connection: Connection, purpose: str, *, page: int) -> list[bytes]:
    """Return inputs of the policy's own decisions for a purpose, the newest first."""
    rows = await QUERIES.recorded_inputs.fetch(
        connection, page=page, decided_by=BY_POLICY, about=_SUBJECTS.get(purpose, purpose)
    )
    return [row["inputs"].encode() for row in rows]
