"""Credit on its way back to customers, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from counterfoil.lending.account import Account, CreditReturn
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.platform.statement import Write

QUERIES: Final = Queries.load("counterfoil.lending", "credit_store.sql")

#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1

ReturnKey = tuple[int, int]
LineKey = tuple[int, int]

_row = attrgetter(*CreditReturn.__slots__)


async def read_return(
    connection: Connection, customer_id: int, return_id: int
) -> CreditReturn | None:
    """Return one credit return of a customer."""
    found = await _returns(connection, [(customer_id, return_id)])
    return found[0] if found else None


async def read_returns_of_line(
    connection: Connection,
    customer_id: int,
    line_id: int,
    *,
    before: int = NEWEST,
    page: int,
    is_back: bool = False,
) -> list[CreditReturn]:
    """Return a page of a line's credit returns from the newest back."""
    rows: list[Any] = await QUERIES.returns_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        before=before,
        page=page,
        is_back=is_back,
    )
    return [CreditReturn(*row) for row in rows]


async def returns_of_range(
    connection: Connection, after: int, *, through: int
) -> list[CreditReturn]:
    """Return the credit returns of customers after one and up to another."""
    rows: list[Any] = await QUERIES.returns_of_range.fetch(connection, after=after, through=through)
    return [CreditReturn(*row) for row in rows]


async def add_returns(
    connection: Connection, accounts: dict[LineKey, Account], keys: Sequence[ReturnKey]
) -> None:
    """Read credit returns into their accounts, where these are theirs."""
    for found in await _returns(connection, keys):
        account = accounts.get((found.customer_id, found.line_id))
        if account is not None:
            account.returns.setdefault(found.return_id, found)


def writes_of(accounts: Iterable[Account]) -> list[Write]:
    """Return the parts of a statement that write what changed of credit returns."""
    new: list[tuple[object, ...]] = []
    changed: list[tuple[object, ...]] = []
    for account in accounts:
        new += [_row(account.returns[number]) for number in account.new_returns]
        changed += [_row(account.returns[number]) for number in account.changed_returns]
    parts = []
    if new:
        parts.append(Write(QUERIES.add_credit_returns, (new,)))
    if changed:
        parts.append(Write(QUERIES.change_credit_returns, (changed,), len(changed)))
    return parts


async def _returns(connection: Connection, keys: Sequence[ReturnKey]) -> list[CreditReturn]:
    rows: list[Any] = await QUERIES.returns_of_keys.fetch(connection, keys=keys)
    return [CreditReturn(*row) for row in rows]
