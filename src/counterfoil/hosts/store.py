"""Reads and writes hosts, links, subjects and pages; thin functions over the named queries."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from counterfoil.hosts.host import Host, HostTerms
from counterfoil.hosts.link import Link, LinkState, Subject, SubjectKind
from counterfoil.hosts.page import HostedPage, PageAct, PageState
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.hosts")

#: More hosts than a lender has.
HOSTS_MAX: Final = 1_000
#: Most things of one kind that a host is shown of one customer.
SUBJECTS_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
_TERMS: Final = tuple(HostTerms.__slots__)
_LISTS: Final = frozenset({"products", "purposes", "drawdown_purposes", "origins"})


async def add_version(connection: Connection, host: Host) -> None:
    """Write a host as it was registered."""
    fields = {name: getattr(host.terms, name) for name in _TERMS}
    await QUERIES.add_host_version.execute(
        connection,
        host_id=host.host_id,
        version_no=host.version_no,
        asked_by=host.asked_by,
        approved_by=host.approved_by,
        approval_id=host.approval_id,
        registered_at=host.registered_at,
        **{name: list(value) if name in _LISTS else value for name, value in fields.items()},
    )


async def read_hosts(
    connection: Connection, *, page: int = HOSTS_MAX, after: int = 0, is_back: bool = False
) -> list[Host]:
    """Return a page of hosts, the oldest first."""
    rows = await QUERIES.hosts.page(connection, page=page, after=after, is_back=is_back)
    return [_host(row) for row in rows]


async def read_host(connection: Connection, host_id: int) -> Host | None:
    """Return a host, or None."""
    row = await QUERIES.host.fetchrow(connection, host_id=host_id)
    return None if row is None else _host(row)


async def host_of_code(connection: Connection, code: str) -> int | None:
    """Return whose code it is, None where it is nobody's."""
    found: int | None = await QUERIES.host_of_code.fetchval(connection, code=code)
    return found


async def add_reference(
    connection: Connection, *, host_id: int, reference: str, customer_id: int
) -> None:
    """Write a host's own name of a customer; an earlier owner keeps it."""
    await QUERIES.add_reference.execute(
        connection, host_id=host_id, reference=reference, customer_id=customer_id
    )


async def customer_of(connection: Connection, *, host_id: int, reference: str) -> int | None:
    """Return whom a host calls so, None where it calls nobody so."""
    found: int | None = await QUERIES.customer_of_reference.fetchval(
        connection, host_id=host_id, reference=reference
    )
    return found


async def lock_link(connection: Connection, *, customer_id: int, host_id: int) -> Link | None:
    """Return a link, held until the transaction ends; None where there is none."""
    row = await QUERIES.link.fetchrow(connection, customer_id=customer_id, host_id=host_id)
    return None if row is None else _link(row)


async def put_link(connection: Connection, link: Link) -> None:
    """Write a link as it stands now."""
    fields = {name: getattr(link, name) for name in Link.__slots__}
    await QUERIES.put_link.execute(connection, **fields | {"state": link.state.value})


async def links_of(connection: Connection, customer_id: int) -> list[Link]:
    """Return the links of a customer."""
    rows = await QUERIES.links_of_customer.fetch(connection, customer_id=customer_id)
    return [_link(row) for row in rows]


async def add_subject(connection: Connection, subject: Subject) -> None:
    """Write that something was made through a host."""
    fields = {name: getattr(subject, name) for name in Subject.__slots__}
    await QUERIES.add_subject.execute(connection, **fields | {"kind": subject.kind.value})


async def read_subject(
    connection: Connection, link: Link, kind: SubjectKind, subject_id: int
) -> Subject | None:
    """Return what was made through the host of a link under a number, or None."""
    row = await QUERIES.subject.fetchrow(
        connection,
        customer_id=link.customer_id,
        host_id=link.host_id,
        kind=kind.value,
        subject_id=subject_id,
    )
    return None if row is None else _subject(row)


async def read_subjects(
    connection: Connection,
    link: Link,
    kind: SubjectKind,
    products: Sequence[str],
    *,
    page: int = SUBJECTS_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Subject]:
    """Return a page of what was made of some products through the host of a link, newest first."""
    rows = await QUERIES.subjects.page(
        connection,
        customer_id=link.customer_id,
        host_id=link.host_id,
        kind=kind.value,
        products=list(products),
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_subject(row) for row in rows]


async def add_page(connection: Connection, page: HostedPage) -> None:
    """Write a new page."""
    await QUERIES.add_page.execute(
        connection,
        customer_id=page.customer_id,
        page_id=page.page_id,
        host_id=page.host_id,
        act=page.act.value,
        asked=orjson.dumps(page.asked, option=orjson.OPT_SORT_KEYS).decode(),
        return_url=page.return_url,
        token_sha256=page.token_sha256,
        state=page.state.value,
        made_at=page.made_at,
        expires_at=page.expires_at,
    )


async def page_of_token(connection: Connection, token_sha256: bytes) -> HostedPage | None:
    """Return the page that a link leads to, or None."""
    row = await QUERIES.page_of_token.fetchrow(connection, token_sha256=token_sha256)
    return None if row is None else _page(row)


async def lock_page(connection: Connection, customer_id: int, page_id: int) -> HostedPage | None:
    """Return a page of a customer, held until the transaction ends; or None."""
    row = await QUERIES.page.fetchrow(connection, customer_id=customer_id, page_id=page_id)
    return None if row is None else _page(row)


async def change_page(connection: Connection, page: HostedPage) -> None:
    """Write a page as it stands now."""
    await QUERIES.change_page.execute(
        connection,
        customer_id=page.customer_id,
        page_id=page.page_id,
        state=page.state.value,
        opened_at=page.opened_at,
        shown=None if page.shown is None else orjson.dumps(page.shown).decode(),
        ended_at=page.ended_at,
        result=page.result,
    )


def _host(row: Row) -> Host:
    columns = dict(row)
    terms: dict[str, Any] = {
        name: tuple(columns.pop(name)) if name in _LISTS else columns.pop(name) for name in _TERMS
    }
    return Host(terms=HostTerms(**terms), **columns)


def _link(row: Row) -> Link:
    return Link(**dict(row) | {"state": LinkState(row["state"])})


def _subject(row: Row) -> Subject:
    return Subject(**dict(row) | {"kind": SubjectKind(row["kind"])})


def _page(row: Row) -> HostedPage:
    changed = {
        "act": PageAct(row["act"]),
        "state": PageState(row["state"]),
        "asked": orjson.loads(row["asked"]),
        "shown": None if row["shown"] is None else orjson.loads(row["shown"]),
    }
    return HostedPage(**dict(row) | changed)
