"""Taking a rail's statement: kept once, and what it makes certain or doubtful is written with it.

Invariant   A day has one statement for ever; the same file again is no news, another is refused.
"""

from datetime import date, datetime

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments import refusals, store, suspense_store
from counterfoil.payments.statement import DigestOf, InvalidStatementError, read_statement

# house: allow database-reach – opens the transaction that its steps share; SQL is the store's
from counterfoil.platform.database import Database


async def take_statement(
    database: Database,
    text: str,
    *,
    rail: str,
    business_date: date,
    now: datetime,
    digest_of: DigestOf | None = None,
) -> int | Refused:
    """Keep a day's statement and resolve what it can; return its number of lines.

    Doubts that it shows otherwise than ordered, doubts of earlier days that it does not show, and
    returned payments go to two people. `digest_of` makes the digest of a payer's name.
    """
    try:
        statement = read_statement(text, business_date=business_date, digest_of=digest_of)
    except InvalidStatementError as error:
        return refuse(refusals.STATEMENT_INVALID, reason=str(error))
    async with database.transaction() as connection:
        earlier = await store.add_statement(connection, statement, rail=rail, now=now)
        if earlier not in {None, statement.sha256}:
            day = business_date.isoformat()
            return refuse(refusals.STATEMENT_CHANGED, statement_date=day)
        await store.resolve_paid(connection, rail=rail, statement_date=business_date, now=now)
        doubtful = await store.doubtful_by_statement(
            connection, rail=rail, statement_date=business_date
        )
        if doubtful:
            await suspense_store.open_cases(connection, doubtful, now=now)
    return len(statement.lines)
