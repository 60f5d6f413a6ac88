"""Histories of loans from a checkpoint on, and the checkpoints themselves, in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from counterfoil.lending.account import Account, Transaction
from counterfoil.lending.checkpoint import FORM, Checkpoint
from counterfoil.lending.store import LineKey, transaction_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries
from counterfoil.platform.statement import Write

QUERIES: Final = Queries.load("counterfoil.lending", "checkpoint_store.sql")

#: Customer and loan.
LoanKey = tuple[int, int]
#: Before every date: a history that begins after it is whole.
FROM_THE_START: Final = date.min


class StoredCheckpoint(NamedTuple):
    """A checkpoint as it is stored."""

    customer_id: int
    loan_id: int
    checkpoint: Checkpoint


async def add_history(
    connection: Connection,
    accounts: Mapping[LineKey, Account],
    changed_on: Mapping[LineKey, date],
) -> None:
    """Read what a change of a date needs of the loans that these accounts hold.

    That is the newest checkpoint before the date and what is valued after it; the whole history
    of a loan that has none. A date of `FROM_THE_START` asks for whole histories.
    """
    before = {
        (loan.customer_id, loan.loan_id): (accounts[key], on)
        for key, on in changed_on.items()
        for loan in accounts[key].loans.values()
    }
    found = await read_bases(connection, {key: on for key, (_, on) in before.items()})
    for (customer_id, loan_id), (account, _) in before.items():
        account.history.setdefault(loan_id, [])
        account.stored_instalments.setdefault(loan_id, set())
        base = found.get((customer_id, loan_id))
        if base is not None:
            account.bases[loan_id] = base
    places = [_place(key, found.get(key)) for key in before]
    for key, transactions in (await _read_after(connection, places)).items():
        before[key][0].history[key[1]] += transactions
    for row in await QUERIES.instalment_numbers_after.fetch(connection, places=places):
        account, _ = before[row["customer_id"], row["loan_id"]]
        account.stored_instalments[row["loan_id"]].add(row["instalment_no"])


async def dates_of_repayments(
    connection: Connection, wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], date]:
    """Return the earliest value date of repayments; `wanted` are (customer, repayment)."""
    rows = await QUERIES.dates_of_repayments.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in wanted],
        repayment_ids=[repayment_id for _, repayment_id in wanted],
    )
    return {(row["customer_id"], row["repayment_id"]): row["value_date"] for row in rows}


async def read_bases(
    connection: Connection, before: Mapping[LoanKey, date]
) -> dict[LoanKey, Checkpoint]:
    """Return the newest checkpoint of each loan that lies before a date and still holds."""
    places = [(*key, on, 0) for key, on in before.items() if on > FROM_THE_START]
    if not places:
        return {}
    rows = await QUERIES.checkpoints_before.fetch(connection, places=places, form=FORM)
    return {(row["customer_id"], row["loan_id"]): _checkpoint_of(row) for row in rows}


async def read_after(
    connection: Connection, bases: Mapping[LoanKey, Checkpoint | None]
) -> dict[LoanKey, list[Transaction]]:
    """Return what is valued after the bases of loans, whole histories where there is none."""
    return await _read_after(connection, [_place(key, base) for key, base in bases.items()])


def writes_of(accounts: Iterable[Account]) -> list[Write]:
    """Return the parts of a statement that keep what folds of these accounts passed through."""
    dropped: list[tuple[object, ...]] = []
    rows: list[tuple[object, ...]] = []
    for account in accounts:
        for loan_id, passed in account.checkpoints.items():
            key = (account.loans[loan_id].customer_id, loan_id)
            dropped.append(_place(key, account.bases.get(loan_id)))
            rows += [_row(key, one) for one in passed]
    if not dropped:
        return []
    drop = Write(QUERIES.drop_checkpoints, (dropped,))
    return [drop, Write(QUERIES.add_checkpoints, (rows,))] if rows else [drop]


async def keep(connection: Connection, passed: Mapping[LoanKey, Sequence[Checkpoint]]) -> int:
    """Keep what folds passed through; return how many checkpoints are new."""
    rows = [_row(key, one) for key, made in passed.items() for one in made]
    return await QUERIES.add_checkpoints.execute(connection, rows=rows)


async def checkpoints_of_range(
    connection: Connection, after: int, *, through: int
) -> list[StoredCheckpoint]:
    """Return the checkpoints of customers after one and up to another, by loan and booking."""
    rows = await QUERIES.checkpoints_of_range.fetch(
        connection, after=after, through=through, form=FORM
    )
    return [
        StoredCheckpoint(row["customer_id"], row["loan_id"], _checkpoint_of(row)) for row in rows
    ]


async def _read_after(
    connection: Connection, places: Sequence[tuple[int, int, date, int]]
) -> dict[LoanKey, list[Transaction]]:
    found: dict[LoanKey, list[Transaction]] = {}
    for row in await QUERIES.transactions_after.fetch(connection, places=places):
        found.setdefault((row["customer_id"], row["loan_id"]), []).append(transaction_of(row))
    return found


def _place(key: LoanKey, base: Checkpoint | None) -> tuple[int, int, date, int]:
    if base is None:
        return (*key, FROM_THE_START, 0)
    return (*key, base.value_date, base.rows_from)


def _row(key: LoanKey, one: Checkpoint) -> tuple[object, ...]:
    return (*key, one.value_date, one.booked_through, one.rows_from, FORM, one.state)


def _checkpoint_of(row: Any) -> Checkpoint:
    return Checkpoint(
        value_date=row["value_date"],
        booked_through=row["booked_through"],
        rows_from=row["rows_from"],
        state=row["state"],
    )
