"""The register of fields against the database: nothing is kept that nobody declared."""

from counterfoil.platform.database import Database
from counterfoil.privacy.data_register import faults, load_register
from counterfoil.privacy.register_store import read_columns


async def test_every_table_and_column_is_declared(database: Database) -> None:
    async with database.connection() as connection:
        found = await read_columns(connection)
    wrong = faults(load_register(), found)
    assert not wrong, "\n\n".join(wrong)


async def test_a_planted_table_is_named(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE lending.shoe (customer_id bigint, size integer)")
        wrong = faults(load_register(), await read_columns(connection))
    assert any('[tables."lending.shoe"]' in item for item in wrong)
