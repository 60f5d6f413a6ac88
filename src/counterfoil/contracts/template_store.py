"""Reads and writes versions of templates, what was found of them, publications and retirements."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.contracts.shelf import Proposal
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.contracts", "template_store.sql")
#: Publications that a list shows unless told otherwise.
LISTED: Final = 100
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1


class TemplateGate(NamedTuple):
    """What was found of a version, as both persons who publish or retire it saw it."""

    gate_id: int
    sha256: str
    #: The day from which nothing new is made from it; None for a publication.
    retired_on: date | None
    #: Which version stood for each product then, as one text.
    instead_of: str
    #: SHA-256 of the canonical report.
    report_sha256: bytes
    report: bytes
    made_by: str
    made_at: datetime


class TemplatePublication(NamedTuple):
    """A version from which something may be made, and since when not, if it was retired."""

    publication_id: int
    code: str
    version: int
    sha256: str
    gate_id: int
    approval_id: int
    author: str
    approver: str
    published_at: datetime
    retired_on: date | None = None
    retired_by: str | None = None
    retirement_approver: str | None = None


class TemplateRetirement(NamedTuple):
    """A published version from which nothing new is made from a day on."""

    retirement_id: int
    code: str
    version: int
    retired_on: date
    gate_id: int
    approval_id: int
    author: str
    approver: str
    retired_at: datetime


class Agreements(NamedTuple):
    """How many signed agreements of a product follow a version of a template."""

    product_code: str
    template_code: str
    template_version: int
    agreements: int


async def keep_proposal(connection: Connection, proposal: Proposal, *, at: datetime) -> None:
    """Keep a version under its content, once."""
    await QUERIES.keep_template.execute(
        connection,
        sha256=proposal.sha256,
        code=proposal.template.code,
        version=proposal.template.version,
        document=proposal.document.decode(),
        kept_at=at,
    )


async def read_documents(connection: Connection, code: str, version: int) -> list[bytes]:
    """Return what was put forward as a version: the published document first, then the latest."""
    rows = await QUERIES.template_documents.fetch(connection, code=code, version=version)
    return [row["document"].encode() for row in rows]


async def add_gate(connection: Connection, gate: TemplateGate) -> None:
    """Keep what was found of a version that is kept."""
    values = gate._asdict() | {"report": gate.report.decode()}
    await QUERIES.add_template_gate.execute(connection, **values)


async def latest_gate(
    connection: Connection, sha256: str, *, retired_on: date | None
) -> TemplateGate | None:
    """Return the last report on a version that neither published nor retired it yet."""
    row = await QUERIES.latest_template_gate.fetchrow(
        connection, sha256=sha256, retired_on=retired_on
    )
    return None if row is None else TemplateGate(**dict(row) | {"report": row["report"].encode()})


async def gates_of(connection: Connection, made_by: str, *, page: int) -> list[TemplateGate]:
    """Return the latest reports that somebody asked for approval with, newest first."""
    rows = await QUERIES.template_gates_of.fetch(connection, made_by=made_by, page=page)
    return [TemplateGate(**dict(row) | {"report": row["report"].encode()}) for row in rows]


async def hold_publications(connection: Connection) -> None:
    """Let nobody else publish or retire a version until the transaction ends."""
    await QUERIES.hold_template_publications.execute(connection)


async def add_publication(connection: Connection, made: TemplatePublication) -> None:
    """Keep a publication; what tells of a retirement is not written with it."""
    ended = ("retired_on", "retired_by", "retirement_approver")
    values = {name: value for name, value in made._asdict().items() if name not in ended}
    await QUERIES.add_template_publication.execute(connection, **values)


async def add_retirement(connection: Connection, ended: TemplateRetirement) -> None:
    """Keep a retirement."""
    await QUERIES.add_template_retirement.execute(connection, **ended._asdict())


async def read_state(connection: Connection) -> tuple[int, int]:
    """Return the numbers of the last publication and the last retirement, 0 without one."""
    row = await QUERIES.template_state.fetchrow(connection)
    assert row is not None, "the query gives one row"
    return row["publication_id"], row["retirement_id"]


async def read_published(connection: Connection) -> list[tuple[bytes, date | None]]:
    """Return the document of every published version, and from when nothing is made from it."""
    rows = await QUERIES.published_templates.fetch(connection)
    return [(row["document"].encode(), row["retired_on"]) for row in rows]


async def read_publications(
    connection: Connection, *, page: int = LISTED, before: int = NEWEST, is_back: bool = False
) -> list[TemplatePublication]:
    """Return a page of publications, newest first."""
    rows = await QUERIES.template_publications.page(
        connection, page=page, before=before, is_back=is_back
    )
    return [TemplatePublication(**dict(row)) for row in rows]


async def read_publication(
    connection: Connection, code: str, version: int
) -> TemplatePublication | None:
    """Return the publication of a version, None while it has none."""
    row = await QUERIES.template_publication.fetchrow(connection, code=code, version=version)
    return None if row is None else TemplatePublication(**dict(row))


async def agreements_by_template(
    connection: Connection, lender_id: str, products: Sequence[str]
) -> list[Agreements]:
    """Return how many agreements of products are signed and not replaced, by template."""
    rows = await QUERIES.agreements_by_template.fetch(
        connection, lender_id=lender_id, products=list(products)
    )
    return [Agreements(**dict(row)) for row in rows]


async def read_unpublished(connection: Connection) -> list[tuple[str, int]]:
    """Return code and version of what was put forward and is not published."""
    rows = await QUERIES.unpublished_templates.fetch(connection, page=LISTED)
    return [(row["code"], row["version"]) for row in rows]
