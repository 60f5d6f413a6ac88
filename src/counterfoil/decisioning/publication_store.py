"""Reads and writes gate reports, publications, and what a version has decided lately."""

from datetime import datetime
from typing import Final

import orjson

from counterfoil.decisioning.action_cap import Window
from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.publication import GateRecord, Publication
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "publication_store.sql")


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
    """Keep a publication; from now on its version decides."""
    await QUERIES.add_publication.execute(
        connection,
        publication_id=publication.publication_id,
        policy_hash=publication.policy_hash,
        gate_id=publication.gate_id,
        approval_id=publication.approval_id,
        author=publication.author,
        approver=publication.approver,
        published_at=publication.published_at,
    )


async def read_publications(connection: Connection, *, page: int) -> list[Publication]:
    """Return publications, newest first."""
    rows = await QUERIES.publications.fetch(connection, page=page)
    return [Publication(**dict(row)) for row in rows]


async def published_policy(connection: Connection) -> Policy | None:
    """Return the version that was published last, None before the first publication."""
    document = await QUERIES.published_document.fetchval(connection)
    return None if document is None else policy_of(orjson.loads(document))


async def recorded_inputs(connection: Connection, *, page: int) -> list[bytes]:
    """Return inputs of the policy's own decisions, the newest first."""
    rows = await QUERIES.recorded_inputs.fetch(connection, page=page, decided_by=BY_POLICY)
    return [row["inputs"].encode() for row in rows]


async def read_window(connection: Connection, policy: Policy, *, since: datetime) -> Window:
    """Return what a version has decided since an instant."""
    asked = {"decided_by": BY_POLICY, "policy_hash": policy.hash, "since": since}
    totals = await QUERIES.decided_since.fetchrow(connection, **asked)
    assert totals is not None, "a count gives a row"
    rows = await QUERIES.verdicts_since.fetch(connection, **asked)
    verdicts = {(row["rule_code"], Verdict(row["verdict"])): row["cases"] for row in rows}
    return Window(cases=totals["cases"], declined=totals["declined"], verdicts=verdicts)
