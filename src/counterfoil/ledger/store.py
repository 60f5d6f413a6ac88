"""Journals and balances in PostgreSQL; the only place with SQL of the ledger."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from counterfoil.ledger.chart import BANK
from counterfoil.ledger.posting import Postings
from counterfoil.platform.database import Connection, LockNotAvailableError
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.ledger")

#: Stands for the house itself where a journal belongs to no customer.
HOUSE: Final = 0


class Journal(NamedTuple):
    """One journal with its postings."""

    customer_id: int
    journal_id: int
    lender_id: str
    currency: str
    product_code: str
    book_date: date
    posted_at: datetime
    kind: str
    loan_id: int | None
    transaction_id: int | None
    accounts: list[int]
    #: Debits positive, credits negative, minor units.
    amounts: list[int]


class Balance(NamedTuple):
    """One account in a trial balance."""

    lender_id: str
    currency: str
    account: int
    debit_minor: int
    credit_minor: int


class Totals(NamedTuple):
    """The whole journal in three figures."""

    journals: int
    debits_minor: int
    credits_minor: int


#: Lender, product and currency: what a house balance is kept by.
BookKey = tuple[str, str, str]


async def trial_balance(connection: Connection, on: date) -> list[Balance]:
    """Return every account's debits and credits up to and including a date."""
    rows: list[Any] = await QUERIES.trial_balance.fetch(connection, on_date=on)
    return [Balance(*row) for row in rows]


async def totals(connection: Connection) -> Totals:
    """Return how many journals there are and what they debit and credit."""
    row: Any = await QUERIES.totals.fetchrow(connection)
    return Totals(*row)


async def journals_of_loan(connection: Connection, customer_id: int, loan_id: int) -> list[Journal]:
    """Return the journals of one loan in the order of booking."""
    rows: list[Any] = await QUERIES.journals_of_loan.fetch(
        connection, customer_id=customer_id, loan_id=loan_id
    )
    return [Journal(*row) for row in rows]


async def journal(connection: Connection, customer_id: int, journal_id: int) -> Journal | None:
    """Return one journal."""
    row: Any = await QUERIES.journal.fetchrow(
        connection, customer_id=customer_id, journal_id=journal_id
    )
    return Journal(*row) if row is not None else None


async def journals_of_account(
    connection: Connection,
    account: int,
    span: tuple[date, date],
    *,
    after: tuple[int, int] = (0, 0),
    page: int,
    is_back: bool = False,
) -> list[Journal]:
    """Return a page of journals that post to an account; `after` is (journal, customer)."""
    rows: list[Any] = await QUERIES.journals_of_account.page(
        connection,
        account=account,
        from_date=span[0],
        to_date=span[1],
        after_journal_id=after[0],
        after_customer_id=after[1],
        page=page,
        is_back=is_back,
    )
    return [Journal(*row) for row in rows]


async def receivable_balances(connection: Connection) -> dict[tuple[BookKey, int], int]:
    """Return what the receivable accounts stand at, by book and account."""
    rows = await QUERIES.receivable_balances.fetch(connection)
    return {
        ((r["lender_id"], r["product_code"], r["currency"]), r["account"]): r["amount_minor"]
        for r in rows
    }


class BankPayout(NamedTuple):
    """What the books say left the bank for one payment."""

    customer_id: int
    payment_id: int
    amount_minor: int


async def payouts_of_day(connection: Connection, on: date) -> list[BankPayout]:
    """Return what left the bank for customers on a book date."""
    rows: list[Any] = await QUERIES.payouts_of_day.fetch(connection, on_date=on, bank=BANK)
    return [BankPayout(*row) for row in rows]


async def payouts_of(connection: Connection, keys: Sequence[tuple[int, int]]) -> list[BankPayout]:
    """Return what left the bank for payments, by customer and number, on whatever date."""
    rows: list[Any] = await QUERIES.payouts_of_keys.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        payment_ids=[payment_id for _, payment_id in keys],
        bank=BANK,
    )
    return [BankPayout(*row) for row in rows]


async def receipts_of(
    connection: Connection, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """Return what came in at the bank, by customer and transaction; signed, minor units."""
    rows = await QUERIES.receipts_of_transactions.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        transaction_ids=[transaction_id for _, transaction_id in keys],
        bank=BANK,
    )
    return {(row["customer_id"], row["transaction_id"]): row["amount_minor"] for row in rows}


async def add_house_journals(
    connection: Connection,
    journals: Sequence[tuple[int, BookKey, str, Postings]],
    *,
    book_date: date,
    posted_at: datetime,
) -> None:
    """Post journals that belong to no customer: identifier, book, kind and postings of each."""
    rows = [
        (
            HOUSE,
            journal_id,
            lender_id,
            currency,
            product_code,
            book_date,
            posted_at,
            kind,
            None,
            None,
            postings.accounts,
            postings.amounts,
        )
        for journal_id, (lender_id, product_code, currency), kind, postings in journals
    ]
    if rows:
        await QUERIES.add_journals.execute(connection, rows=rows)


async def index_dates(connection: Connection) -> None:
    """Let the next reads of a book date find its journals; left out while vacuum is at them."""
    with suppress(LockNotAvailableError):
        await QUERIES.index_dates.execute(connection)


async def sum_up_day(connection: Connection, book_date: date) -> None:
    """Sum up a closed book date."""
    await QUERIES.add_day_balances.execute(connection, book_date=book_date)
