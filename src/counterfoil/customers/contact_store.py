"""Reads and writes addresses that wait to be proven; over named queries."""

from datetime import datetime, timedelta
from typing import Final

from counterfoil.customers.contact import AddressRequest
from counterfoil.customers.setting import Channel
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.customers", "contact_store.sql")

#: Codes for addresses of one customer within an hour: nobody's mailbox is flooded from here.
REQUESTS_MAX: Final = 5
_WITHIN: Final = timedelta(hours=1)


async def add_request(connection: Connection, request: AddressRequest) -> bool:
    """Write an address that waits; False where too many codes were sent lately."""
    added = await QUERIES.add_request.fetchval(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        channel=request.channel.value,
        code_mac=request.code_mac,
        code_issued_at=request.code_issued_at,
        code_expires_at=request.code_expires_at,
        author=request.author,
        requested_at=request.requested_at,
        since=request.requested_at - _WITHIN,
        most=REQUESTS_MAX,
    )
    return added is not None


async def try_request(
    connection: Connection, customer_id: int, request_id: int
) -> AddressRequest | None:
    """Count an attempt and return the request."""
    row = await QUERIES.try_request.fetchrow(
        connection, customer_id=customer_id, request_id=request_id
    )
    return (
        None if row is None else AddressRequest(**dict(row) | {"channel": Channel(row["channel"])})
    )


async def confirm_request(
    connection: Connection, customer_id: int, request_id: int, *, now: datetime
) -> None:
    """Write that an address was proven."""
    await QUERIES.confirm_request.execute(
        connection, customer_id=customer_id, request_id=request_id, now=now
    )
