"""What the schema promises: keys with the customer in them, links that stay with one customer."""

import pytest

from counterfoil.platform.database import Connection, Database

ROOMS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"

#: Unique keys of tables with a customer, without the customer.
KEYS = f"""
SELECT i.indexrelid::regclass::text
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'customer_id'
WHERE i.indisunique AND {ROOMS} AND NOT a.attnum = ANY (i.indkey::int2[])
"""

#: Links between two tables with a customer that do not carry it.
LINKS = f"""
SELECT k.conname::text
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attname = 'customer_id'
JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attname = 'customer_id'
WHERE k.contype = 'f' AND {ROOMS} AND NOT (a.attnum = ANY (k.conkey) AND b.attnum = ANY (k.confkey))
"""

#: Columns of types that lose money or the zone.
TYPES = f"""
SELECT c.oid::regclass::text || '.' || a.attname
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND c.relkind IN ('r', 'p') AND {ROOMS}
  AND a.atttypid::regtype::text IN
      ('real', 'double precision', 'money', 'timestamp without time zone', 'json', 'jsonb')
"""

#: Keys that are not about one customer's data, each with its reason.
EXCEPTIONS = {
    # Its key is its position: consumers read it in order, whoever it is about.
    "platform.outbox_pkey",
    # The trail is read in the order in which things happened, whomever they concern.
    "platform.trail_pkey",
    # Leaves are numbered in the order in which they were staged, whoever they are about.
    "evidence.leaf_staged_pkey",
    "evidence.leaf_pkey",
    # The directory by which a customer is found lies where its digest says, not the customer.
    "privacy.identity_needs_check",
    # So does the directory by which a customer is found lie where the host's reference says.
    "hosts.host_reference_taken",
    # And the directory of declared accounts: a token is one person's, found by the token alone.
    "hosts.payee_owner_pkey",
    # A paper stands for one purchase, whoever brings it: it is found by its digest alone.
    "lending.scene_document_once",
}


async def found(connection: Connection, query: str) -> set[str]:
    return {row[0] for row in await connection.fetch(query)}


async def test_every_unique_key_of_customer_data_contains_the_customer(database: Database) -> None:
    async with database.connection() as connection:
        assert await found(connection, KEYS) - EXCEPTIONS == set()


async def test_no_link_crosses_customers(database: Database) -> None:
    async with database.connection() as connection:
        assert await found(connection, LINKS) == set()


async def test_no_column_loses_money_or_the_zone(database: Database) -> None:
    async with database.connection() as connection:
        assert await found(connection, TYPES) == set()


@pytest.mark.parametrize(
    ("query", "statement", "broken"),
    [
        (
            KEYS,
            "CREATE TABLE public.a (customer_id bigint, a_id bigint PRIMARY KEY)",
            {"a_pkey"},
        ),
        (
            LINKS,
            """CREATE TABLE public.a (customer_id bigint, a_id bigint UNIQUE);
            CREATE TABLE public.b (customer_id bigint, a_id bigint CONSTRAINT crossing
            REFERENCES public.a (a_id))""",
            {"crossing"},
        ),
        (TYPES, "CREATE TABLE public.a (rate real, at timestamp)", {"a.rate", "a.at"}),
    ],
)
async def test_a_planted_table_is_found(
    database: Database, query: str, statement: str, broken: set[str]
) -> None:
    async with database.connection() as connection:
        await connection.execute(statement)
        assert broken <= await found(connection, query)
