"""Templates put in force for tests as two people do it, without their gate."""

from datetime import UTC, datetime

from counterfoil.contracts import template_store as store
from counterfoil.contracts.shelf import Proposal, load_proposals, proposal_of
from counterfoil.contracts.template import files_of
from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection, Database

_AT = datetime(2025, 9, 1, tzinfo=UTC)


async def publish_shipped(url: str) -> None:
    """Publish what comes with the program, in a database that tests are cloned from."""
    async with Database(url) as database, database.transaction() as connection:
        for number, proposal in enumerate(load_proposals(), start=1):
            await write(connection, proposal, number)


async def put_in_force(house: House, proposal: Proposal) -> None:
    """Publish a version in a house that runs."""
    async with house.database.transaction() as connection:
        await write(connection, proposal, house.ids.next())
        await house.templates.follow(connection)


async def write(connection: Connection, proposal: Proposal, number: int) -> None:
    """Write a publication by two invented persons."""
    gate = store.TemplateGate(
        gate_id=number, sha256=proposal.sha256, retired_on=None, instead_of="",
        report_sha256=bytes(32), report=b"{}", made_by="ana", made_at=_AT,
    )  # fmt: skip
    template = proposal.template
    made = store.TemplatePublication(
        publication_id=number, code=template.code, version=template.version,
        sha256=proposal.sha256, gate_id=number, approval_id=number, author="ana", approver="bo",
        published_at=_AT,
    )  # fmt: skip
    await store.keep_proposal(connection, proposal, at=_AT)
    await store.add_gate(connection, gate)
    await store.add_publication(connection, made)


def shipped(code: str) -> Proposal:
    """Return the first version of a template that comes with the program."""
    return next(one for one in load_proposals() if one.template.code == code)


def later(code: str, *changes: tuple[str, str], version: int = 2, begins: str = "") -> Proposal:
    """Return a later version of a shipped template with words changed in any of its files."""
    files = {name: text.decode() for name, text in files_of(shipped(code).document).items()}
    head = files["template.toml"].replace("version = 1", f"version = {version}")
    if begins:
        first = shipped(code).template.effective_from.isoformat()
        head = head.replace(f"effective_from = {first}", f"effective_from = {begins}")
    files["template.toml"] = head
    for old, new in changes:
        assert any(old in text for text in files.values()), old
        files = {name: text.replace(old, new) for name, text in files.items()}
    return proposal_of({name: text.encode() for name, text in files.items()})
