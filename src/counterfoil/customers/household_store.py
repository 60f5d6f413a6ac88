"""Reads and writes who names whom as of one household."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Runner

QUERIES: Final = Queries.load("counterfoil.customers", "household_store.sql")

#: More than anybody names.
_WORDS_MAX: Final = 50


class Pair(NamedTuple):
    """Two who named each other, and the consents under which they did."""

    customer_id: int
    partner_id: int
    consent_id: int
    partner_consent_id: int


class Word(NamedTuple):
    """That somebody named another."""

    partner_id: int
    consent_id: int
    said_at: datetime


async def add_word(
    connection: Connection,
    *,
    customer_id: int,
    word_id: int,
    partner_id: int,
    consent_id: int,
    said_by: str,
    said_at: datetime,
) -> None:
    """Write that somebody names another; a consent that was used so breaks on its constraint."""
    await QUERIES.add_household_word.execute(
        connection,
        customer_id=customer_id,
        word_id=word_id,
        partner_id=partner_id,
        consent_id=consent_id,
        said_by=said_by,
        said_at=said_at,
    )


async def read_words(connection: Runner, customer_id: int) -> list[Word]:
    """Return whom a customer named, newest first."""
    rows = await QUERIES.household_words.fetch(connection, customer_id=customer_id, page=_WORDS_MAX)
    return [Word(**dict(row)) for row in rows]


async def read_pairs(connection: Runner, customer_ids: Sequence[int]) -> list[Pair]:
    """Return the pairs that these customers are one half of."""
    rows = await QUERIES.household_pairs.fetch(connection, customer_ids=list(customer_ids))
    return [Pair(**dict(row)) for row in rows]
