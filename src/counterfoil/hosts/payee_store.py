"""Reads and writes accounts that hosts have declared; over named queries."""

from datetime import datetime
from typing import Final

from counterfoil.hosts.payee import HostPayee
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.hosts", "payee_store.sql")

#: Most accounts that are shown of one customer.
PAYEES_MAX: Final = 100
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1


async def claim(connection: Connection, payee_ref: str, customer_id: int) -> bool:
    """Make a token a customer's; False where it is another's."""
    await QUERIES.claim_payee.execute(connection, payee_ref=payee_ref, customer_id=customer_id)
    owner: int | None = await QUERIES.owner_of_payee.fetchval(connection, payee_ref=payee_ref)
    return owner == customer_id


async def add_payee(connection: Connection, payee: HostPayee) -> None:
    """Write an account that was declared; one that is in force already stays."""
    fields = {name: getattr(payee, name) for name in HostPayee.__slots__}
    await QUERIES.add_payee.execute(connection, **fields)


async def read_payees(
    connection: Connection,
    customer_id: int,
    host_id: int | None = None,
    *,
    page: int = PAYEES_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[HostPayee]:
    """Return the accounts of a customer that hosts, or one host, have declared, newest first."""
    rows = await QUERIES.payees.page(
        connection,
        customer_id=customer_id,
        host_id=host_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [HostPayee(**dict(row)) for row in rows]


async def payee_in_force(
    connection: Connection, *, customer_id: int, host_id: int, payee_ref: str
) -> HostPayee | None:
    """Return a host's declared account of a customer by its token; None where there is none."""
    found = await read_payees(connection, customer_id, host_id)
    return next(
        (one for one in found if one.payee_ref == payee_ref and one.withdrawn_at is None), None
    )


async def withdraw(
    connection: Connection, *, customer_id: int, host_id: int, payee_id: int, by: str, at: datetime
) -> bool:
    """Let an account be paid no more; False where it was not in force."""
    done = await QUERIES.withdraw_payee.fetchval(
        connection, customer_id=customer_id, host_id=host_id, payee_id=payee_id, by=by, at=at
    )
    return done is not None
