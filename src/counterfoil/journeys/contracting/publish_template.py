"""From the files of a template to documents made from it: difference, two people, a leaf.

Order       `request_template` tells what would change, keeps version and report and asks for
            approval of exactly these. Somebody else approves; `publish_template` uses the approval
            up, and writes publication or retirement, leaf and trail in one transaction.
Invariant   A contract names a published version; the database refuses one that does not. What a
            version says never changes, and what is published takes the place of the very versions
            that the report compared it with.
The way back  A version is retired from a day on, by the same two steps: the one before it holds
            again. Words that were retired come back under the next version's number.
"""

from dataclasses import replace
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.contracts import template_store as store
from counterfoil.contracts.refusals import (
    TEMPLATE_GATE_CLOSED,
    TEMPLATE_NOT_PUBLISHED,
    TEMPLATE_NOT_REQUESTED,
    TEMPLATE_OUTDATED,
    TEMPLATE_PUBLISHED,
    TEMPLATE_RETIRED,
    TEMPLATE_VERSION_NOT_FOUND,
)
from counterfoil.contracts.shelf import Proposal, proposal_of_document
from counterfoil.contracts.template_store import (
    TemplateGate,
    TemplatePublication,
    TemplateRetirement,
)
from counterfoil.decisioning.canonical import canonical_bytes, content_hash
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval
from counterfoil.journeys.contracting.template_gate import TemplateReport, TemplateWish, gate
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval, payload_hash, require_approval
from counterfoil.platform.database import Connection

APPROVAL: Final = "contract_template"
#: Reports of one person among which the one of a request is looked for.
GATES_LOOKED_AT: Final = 1_000


async def request_template(
    house: House, actor: Actor, wish: TemplateWish, *, reason: str
) -> Approval | Refused:
    """Keep a version with the report on it, and ask for approval of both."""
    template = wish.proposal.template
    act = Act(name="template_request", subject=template.ref, reason=reason)
    now = house.clock.now()
    async with house.database.connection() as connection:
        await house.templates.follow(connection)
        refused = await _refuse(connection, wish)
        report = None if refused else await gate(house, connection, wish)
    if report is not None and report.faults:
        refused = _closed(report)
    if refused is not None or report is None:
        assert refused is not None, "without a report it was refused"
        return await note_refusal(house, actor, act, refused)
    document = report.document()
    made = TemplateGate(
        gate_id=house.ids.next(),
        sha256=wish.proposal.sha256,
        retired_on=wish.retired_on,
        instead_of=report.instead_of,
        report_sha256=content_hash(document),
        report=canonical_bytes(document),
        made_by=actor.name,
        made_at=now,
    )
    summary = _summary(wish, document)
    approval = await ask_approval(
        house, actor, APPROVAL, {**_payload(made)}, summary=summary, reason=reason
    )
    if isinstance(approval, Refused):
        return approval
    async with house.database.transaction() as connection:
        await store.keep_proposal(connection, wish.proposal, at=now)
        await store.add_gate(connection, made)
    return approval


async def publish_template(
    house: House, actor: Actor, wish: TemplateWish, *, reason: str
) -> TemplatePublication | Refused:
    """Publish or retire a version as somebody else has approved it; return what stands then."""
    name = "template_publication" if wish.retired_on is None else "template_retirement"
    act = Act(name=name, subject=wish.proposal.template.ref, reason=reason)
    try:
        made = await _publish(house, actor, wish, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    async with house.database.connection() as connection:
        await house.templates.follow(connection)
    return made


async def ask_or_publish(
    house: House, actor: Actor, wish: TemplateWish, *, reason: str
) -> TemplatePublication | Approval | Refused:
    """Carry out what somebody else has approved; where nobody was asked, ask."""
    made = await publish_template(house, actor, wish, reason=reason)
    if isinstance(made, Refused) and made.refusal in (TEMPLATE_NOT_REQUESTED, TEMPLATE_OUTDATED):
        return await request_template(house, actor, wish, reason=reason)
    return made


async def known_template(
    house: House, connection: Connection, code: str, version: int
) -> Proposal | Refused:
    """Return a version as it was published or last put forward, else as it ships."""
    found = await store.read_documents(connection, code, version)
    if found:
        return proposal_of_document(found[0])
    for proposal in house.templates.shipped:
        if (proposal.template.code, proposal.template.version) == (code, version):
            return proposal
    return refuse(TEMPLATE_VERSION_NOT_FOUND, template=code, version=version)


async def report_of(house: House, approval: Approval) -> dict[str, Any] | None:
    """Return the report that a request asks to approve; None where it is about something else."""
    if approval.kind != APPROVAL:
        return None
    async with house.database.connection() as connection:
        found = await store.gates_of(connection, approval.requested_by, page=GATES_LOOKED_AT)
    for made in found:
        if payload_hash({**_payload(made)}) == approval.payload_hash:
            report: dict[str, Any] = orjson.loads(made.report)
            return report
    return None


async def _refuse(connection: Connection, wish: TemplateWish) -> Refused | None:
    """Refuse what is done already, and an end of what never began."""
    template = wish.proposal.template
    found = await store.read_publication(connection, template.code, template.version)
    if wish.retired_on is None:
        is_same = found is not None and found.sha256 == wish.proposal.sha256
        return refuse(TEMPLATE_PUBLISHED) if is_same else None
    if found is None or found.sha256 != wish.proposal.sha256:
        return refuse(TEMPLATE_NOT_PUBLISHED)
    ends: date | None = found.retired_on or template.retired_on
    is_over = found.retired_on is not None or (ends is not None and ends <= wish.retired_on)
    return refuse(TEMPLATE_RETIRED, on=str(ends)) if is_over else None


async def _publish(house: House, actor: Actor, wish: TemplateWish, act: Act) -> TemplatePublication:
    now, template = house.clock.now(), wish.proposal.template
    async with house.database.transaction() as connection:
        await store.hold_publications(connection)
        await house.templates.follow(connection)
        if (refused := await _refuse(connection, wish)) is not None:
            raise RefusedError(refused)
        found = await store.latest_gate(
            connection, wish.proposal.sha256, retired_on=wish.retired_on
        )
        if found is None:
            raise RefusedError(refuse(TEMPLATE_NOT_REQUESTED))
        # Versions and products may have changed since the request.
        report = await gate(house, connection, wish)
        if report.instead_of != found.instead_of:
            raise RefusedError(refuse(TEMPLATE_OUTDATED))
        if report.faults:
            raise RefusedError(_closed(report))
        payload = payload_hash({**_payload(found)})
        approval = await require_approval(
            connection, APPROVAL, payload, used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        await _write(house, connection, wish, found, approval)
        leaf = house.leaves.stage(
            HOUSE,
            house.ids.next(),
            LeafType.PUBLICATION,
            found.gate_id,
            _leaf_fields(found, approval),
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        told = replace(act, after=found.instead_of)
        await note(house, connection, actor, told)
        made = await store.read_publication(connection, template.code, template.version)
    assert made is not None, "it was just written, or stands since it was published"
    return made


async def _write(
    house: House,
    connection: Connection,
    wish: TemplateWish,
    found: TemplateGate,
    approval: Approval,
) -> None:
    assert approval.decided_by is not None, "an approval was decided by somebody"
    template, number, now = wish.proposal.template, house.ids.next(), house.clock.now()
    if wish.retired_on is None:
        published = TemplatePublication(
            publication_id=number,
            code=template.code,
            version=template.version,
            sha256=wish.proposal.sha256,
            gate_id=found.gate_id,
            approval_id=approval.approval_id,
            author=approval.requested_by,
            approver=approval.decided_by,
            published_at=now,
        )
        await store.add_publication(connection, published)
        return
    ended = TemplateRetirement(
        retirement_id=number,
        code=template.code,
        version=template.version,
        retired_on=wish.retired_on,
        gate_id=found.gate_id,
        approval_id=approval.approval_id,
        author=approval.requested_by,
        approver=approval.decided_by,
        retired_at=now,
    )
    await store.add_retirement(connection, ended)


def _closed(report: TemplateReport) -> Refused:
    place, reason = report.faults[0]
    return refuse(TEMPLATE_GATE_CLOSED, fault=f"{place} {reason}")


def _summary(wish: TemplateWish, document: dict[str, Any]) -> str:
    template = wish.proposal.template
    if wish.retired_on is not None:
        return f"retire contract template {template.ref} from {wish.retired_on.isoformat()}"
    clauses = {(one["language"], one["heading"]) for one in document["texts"]}
    count = max(
        (sum(1 for language, _ in clauses if language == each) for each, _ in clauses), default=0
    )
    return (
        f"contract template {template.ref} from {template.effective_from.isoformat()},"
        f" {count} clauses, {wish.proposal.sha256[:12]}"
    )


def _leaf_fields(made: TemplateGate, approval: Approval) -> dict[str, Any]:
    """Return what the log commits to: the payload, both persons, and that the gate was passed."""
    told = {name: value for name, value in _payload(made).items() if value is not None}
    # A version that closes the gate is not published: faults are refused above.
    people = {"approver": approval.decided_by, "author": approval.requested_by}
    return told | people | {"gate_passed": True}


def _payload(made: TemplateGate) -> dict[str, str | None]:
    """Return exactly what the second person approves."""
    return {
        "act": APPROVAL,
        "instead_of": made.instead_of,
        "report_sha256": made.report_sha256.hex(),
        "retired_on": None if made.retired_on is None else made.retired_on.isoformat(),
        "template_sha256": made.sha256,
    }
