"""Contracts in PostgreSQL; the only place with SQL of contracts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final

from counterfoil.contracts.contract import Contract, Showing, State
from counterfoil.contracts.one_time_code import ISSUED_MAX, StoredCode
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.contracts")
_ROW: Final = attrgetter(*(field.name for field in fields(Contract)))

#: Contracts of one customer that a list shows.
LISTED_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1

#: Customer and application.
Key = tuple[int, int]


async def read_contract(
    connection: Connection, customer_id: int, contract_id: int
) -> Contract | None:
    """Return a contract of a customer."""
    row: Any = await QUERIES.contract.fetchrow(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return None if row is None else Contract(*row)


async def lock_contract(
    connection: Connection, customer_id: int, contract_id: int
) -> Contract | None:
    """Return a contract of a customer, locked until the transaction ends."""
    row: Any = await QUERIES.contract_locked.fetchrow(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return None if row is None else Contract(*row)


async def read_contracts_of(
    connection: Connection,
    customer_id: int,
    *,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Contract]:
    """Return a page of the contracts of a customer, newest first."""
    rows: list[Any] = await QUERIES.contracts_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [Contract(*row) for row in rows]


async def read_open(connection: Connection, keys: Sequence[Key]) -> dict[Key, Contract]:
    """Return the contracts of applications that wait for a signature."""
    return await _of_keys(connection, keys, State.PREPARED)


async def read_signed(connection: Connection, keys: Sequence[Key]) -> dict[Key, Contract]:
    """Return the agreements that were signed before the lines of applications were opened."""
    return await _of_keys(connection, keys, State.SIGNED)


async def _of_keys(
    connection: Connection, keys: Sequence[Key], state: State
) -> dict[Key, Contract]:
    rows: list[Any] = await QUERIES.contracts_of_keys.fetch(
        connection, keys=list(keys), states=[state.value]
    )
    found = [Contract(*row) for row in rows]
    if state is State.SIGNED:
        found = [one for one in found if one.replaces is None]
    return {(one.customer_id, one.application_id): one for one in found}


async def read_signed_hash(
    connection: Connection, customer_id: int, contract_id: int
) -> bytes | None:
    """Return the hash of the text that was signed; None where nothing was."""
    contract = await read_contract(connection, customer_id, contract_id)
    return None if contract is None or contract.signed_at is None else contract.signed_sha256


async def add_contracts(connection: Connection, contracts: Iterable[Contract]) -> None:
    """Write new contracts."""
    await QUERIES.add_contracts.execute(connection, rows=[_ROW(one) for one in contracts])


async def supersede_open(connection: Connection, keys: Sequence[Key]) -> None:
    """Let open contracts of applications give way."""
    await QUERIES.supersede_open.execute(connection, keys=list(keys))


async def change_signed(connection: Connection, contract: Contract) -> None:
    """Write a signature."""
    await QUERIES.sign_contract.execute(
        connection,
        customer_id=contract.customer_id,
        contract_id=contract.contract_id,
        signed_at=contract.signed_at,
        signed_language=contract.signed_language,
        evidence=contract.evidence,
        pdf_due=contract.pdf_due,
    )


async def issue_file(connection: Connection, contract: Contract, pdf_sha256: bytes) -> bool:
    """Note the signed file; tell whether this was the first."""
    value = await QUERIES.issue_file.fetchval(
        connection,
        customer_id=contract.customer_id,
        contract_id=contract.contract_id,
        pdf_sha256=pdf_sha256,
    )
    return value is not None


async def read_files_due(
    connection: Connection, *, page: int, without: Iterable[str] = ()
) -> list[tuple[int, int, str]]:
    """Return the contracts whose file is due: customer, contract, lender; some lenders' aside."""
    rows = await QUERIES.files_due.fetch(connection, page=page, without=list(without))
    return [(row["customer_id"], row["contract_id"], row["lender_id"]) for row in rows]


async def read_pending_change(
    connection: Connection, key: Key, *, replaces: int, product_version: int
) -> Contract | None:
    """Return the newest version to which the agreement of a line is to give way, where one is."""
    rows: list[Any] = await QUERIES.pending_change.fetch(
        connection,
        customer_id=key[0],
        application_id=key[1],
        replaces=replaces,
        product_version=product_version,
    )
    return Contract(*rows[0]) if rows else None


async def read_versions(
    connection: Connection, key: Key, *, page: int, before: int = NEWEST
) -> list[Contract]:
    """Return the new versions of a line's agreement, newest first; key is customer and line."""
    rows: list[Any] = await QUERIES.versions_of_line.fetch(
        connection, customer_id=key[0], application_id=key[1], page=page, before=before
    )
    return [Contract(*row) for row in rows]


async def withdraw(connection: Connection, customer_id: int, contract_id: int) -> bool:
    """Take the notice of a new version back; tell whether it was not signed."""
    value = await QUERIES.withdraw_contract.fetchval(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return value is not None


async def decline(connection: Connection, customer_id: int, contract_id: int) -> bool:
    """Note that a new version is not taken; tell whether it was open."""
    value = await QUERIES.decline_contract.fetchval(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return value is not None


async def add_sealed(
    connection: Connection, kind: str, sealed: Mapping[tuple[int, int], bytes]
) -> None:
    """Write what is sealed of contracts, by customer and contract."""
    rows = [(*key, kind, ciphertext) for key, ciphertext in sealed.items()]
    await QUERIES.add_sealed.execute(connection, rows=rows)


async def read_sealed(
    connection: Connection, customer_id: int, contract_id: int, kind: str
) -> bytes | None:
    """Return what is sealed of a contract."""
    found: bytes | None = await QUERIES.sealed.fetchval(
        connection, customer_id=customer_id, contract_id=contract_id, kind=kind
    )
    return found


async def forget_sealed(connection: Connection, customer_id: int) -> int:
    """Destroy what is sealed of a customer's contracts; return how many rows there were."""
    return await QUERIES.forget_sealed.execute(connection, customer_id=customer_id)


async def sealed_left(connection: Connection, customer_ids: Iterable[int]) -> dict[int, int]:
    """Return how many sealed texts and files of contracts there are, by customer."""
    rows = await QUERIES.sealed_left.fetch(connection, customer_ids=list(customer_ids))
    return {row["customer_id"]: row["files"] for row in rows}


async def add_showings(connection: Connection, shown: Iterable[tuple[int, int, Showing]]) -> None:
    """Write what was shown of contracts."""
    await QUERIES.add_showings.execute(
        connection, rows=[(customer, contract, *one) for customer, contract, one in shown]
    )


async def read_showings(
    connection: Connection, customer_id: int, contract_id: int
) -> list[Showing]:
    """Return what was shown of a contract."""
    rows: list[Any] = await QUERIES.showings.fetch(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return [Showing(*row) for row in rows]


async def put_codes(connection: Connection, codes: Sequence[StoredCode]) -> bool:
    """Keep codes that are about to be sent; False where one had too many before it."""
    rows = await QUERIES.put_codes.fetch(connection, rows=list(codes), issued_max=ISSUED_MAX)
    return len(rows) == len(codes)


async def try_code(connection: Connection, customer_id: int, contract_id: int) -> StoredCode | None:
    """Count an attempt and return the code."""
    row: Any = await QUERIES.try_code.fetchrow(
        connection, customer_id=customer_id, contract_id=contract_id
    )
    return None if row is None else StoredCode(*row)


async def use_code(connection: Connection, code: StoredCode, *, at: datetime) -> bool:
    """Use a code; False where a twin was first."""
    value = await QUERIES.use_code.fetchval(
        connection,
        customer_id=code.customer_id,
        contract_id=code.contract_id,
        mac=code.mac,
        used_at=at,
    )
    return value is not None


async def read_taking_effect(
    connection: Connection, on: date, *, since: date, after: tuple[int, int], page: int
) -> list[Contract]:
    """Return signed new versions whose day came after one and up to another, by their keys."""
    rows: list[Any] = await QUERIES.versions_taking_effect.fetch(
        connection,
        on_date=on,
        after_date=since,
        after_customer_id=after[0],
        after_contract_id=after[1],
        page=page,
    )
    return [Contract(*row) for row in rows]
