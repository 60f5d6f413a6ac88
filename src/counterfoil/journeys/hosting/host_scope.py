"""What a host may do and see: every question of a host goes through here, and nowhere else.

Route       A key of a host opens the operations that the access matrix gives to hosts. Acts of the
            customer have a refusal of their own.
Purpose     The host's registration names the purpose of the operation, on a day of its contract.
Customer    By the host's own reference, linked with it and confirmed by the customer.
Subject     Applications, lines and loans that were made through it; products that it has.
"""

from dataclasses import dataclass

from counterfoil.hosts import store
from counterfoil.hosts.host import Host, HostPurpose, refuse_product, refuse_use
from counterfoil.hosts.link import Link, Subject, SubjectKind, refuse_asking, refuse_looking
from counterfoil.hosts.refusals import (
    HOST_ACTS_FOR_CUSTOMER,
    HOST_CUSTOMER_NOT_FOUND,
    HOST_KEY_NEEDED,
    HOST_ROUTE_CLOSED,
    HOST_SUBJECT_NOT_FOUND,
)
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import ApiKey
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One call of a host that was let in for one operation."""

    host: Host
    operation: str

    @property
    def author(self) -> str:
        """Return the name under which changes through the host are recorded."""
        return f"host:{self.host.terms.code}"


def refuse_route(key: ApiKey, operation: str) -> Refused | None:
    """Return why a key of a host does not open an operation; None for keys of our own."""
    if key.host_id is None:
        return None
    matrix = load_matrix()
    if operation in matrix.customer_acts:
        return refuse(HOST_ACTS_FOR_CUSTOMER)
    return None if operation in matrix.host_operations else refuse(HOST_ROUTE_CLOSED)


async def admit(house: House, key: ApiKey, operation: str) -> Visit:
    """Return the visit of a host that may do an operation today.

    Raises RefusedError where the key is no host's, or the host may not.
    """
    if key.host_id is None:
        raise RefusedError(refuse(HOST_KEY_NEEDED))
    if refused := refuse_route(key, operation):
        raise RefusedError(refused)
    purpose = HostPurpose(load_matrix().host_operations[operation])
    async with house.database.connection() as connection:
        host = await store.read_host(connection, key.host_id)
    if host is None:
        raise RefusedError(refuse(HOST_KEY_NEEDED))
    if refused := refuse_use(host, purpose, on=await house.business_date()):
        raise RefusedError(refused)
    return Visit(host=host, operation=operation)


async def find_link(connection: Connection, visit: Visit, reference: str) -> Link:
    """Return the link under a reference, as it stands; raise RefusedError where there is none."""
    host_id = visit.host.host_id
    customer_id = await store.customer_of(connection, host_id=host_id, reference=reference)
    link = customer_id and await store.lock_link(
        connection, customer_id=customer_id, host_id=host_id
    )
    if not link:
        raise RefusedError(refuse(HOST_CUSTOMER_NOT_FOUND))
    return link


async def customer_of_visit(
    connection: Connection, visit: Visit, reference: str, *, asks: bool = False
) -> Link:
    """Return the link with a customer whom the host may see.

    `asks` is for pages, which are what confirms a link. Raises RefusedError where it may not.
    """
    link = await find_link(connection, visit, reference)
    if refused := (refuse_asking(link) if asks else refuse_looking(link)):
        raise RefusedError(refused)
    return link


async def subject_of_visit(
    connection: Connection, visit: Visit, link: Link, kind: SubjectKind, number: int
) -> Subject:
    """Return what was made through the host; raise RefusedError where it was not."""
    found = await store.read_subject(connection, link, kind, number)
    if found is None:
        raise RefusedError(refuse(HOST_SUBJECT_NOT_FOUND))
    require_product(visit, found.product_code)
    return found


async def subjects_of_visit(
    connection: Connection,
    visit: Visit,
    link: Link,
    kind: SubjectKind,
    *,
    page: int = store.SUBJECTS_MAX,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[Subject]:
    """Return what was made through the host for a customer, of products that it still has."""
    return await store.read_subjects(
        connection,
        link,
        kind,
        visit.host.terms.products,
        page=page,
        before=before,
        is_back=is_back,
    )


def require_product(visit: Visit, product_code: str) -> None:
    """Raise RefusedError where the host has nothing to do with a product."""
    if refused := refuse_product(visit.host, product_code):
        raise RefusedError(refused)
