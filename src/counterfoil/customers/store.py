"""Reads and writes customers; one thin function for each named query."""

from collections.abc import Collection, Sequence
from typing import Final

from counterfoil.customers.customer import Customer, CustomerStatus
from counterfoil.kernel.language import Language
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers")

#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1


async def add_customers(connection: Connection, customers: Sequence[Customer]) -> None:
    """Write new customers, all created at one instant."""
    if not customers:
        return
    assert len({customer.created_at for customer in customers}) == 1, "one call, one instant"
    await QUERIES.add_customers.execute(
        connection,
        customer_ids=[customer.customer_id for customer in customers],
        statuses=[customer.status.value for customer in customers],
        languages=[customer.language.value for customer in customers],
        created_at=customers[0].created_at,
    )


async def read_customer(connection: Connection, customer_id: int) -> Customer | None:
    """Return a customer, or None."""
    row = await QUERIES.customer.fetchrow(connection, customer_id=customer_id)
    return None if row is None else _customer(row)


async def read_customers(
    connection: Connection, *, page: int, is_back: bool = False, before: int = NEWEST
) -> list[Customer]:
    """Return a page of customers from the newest back."""
    rows = await QUERIES.customers_page.page(connection, page=page, is_back=is_back, before=before)
    return [_customer(row) for row in rows]


async def inactive_customers(connection: Connection, customer_ids: Collection[int]) -> set[int]:
    """Return those customers who are not active."""
    rows = await QUERIES.inactive_customers.fetch(connection, customer_ids=sorted(customer_ids))
    return {row["customer_id"] for row in rows}


def _customer(row: Row) -> Customer:
    return Customer(
        customer_id=row["customer_id"],
        status=CustomerStatus(row["status"]),
        language=Language(row["language"]),
        created_at=row["created_at"],
    )
