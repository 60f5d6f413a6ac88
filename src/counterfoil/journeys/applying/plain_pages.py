"""Pages with one thing at a time: chosen by the customer, offered to those whom it may help."""

from collections.abc import Collection

from counterfoil.customers import call_store as store
from counterfoil.decisioning.policy_parts import Protection
from counterfoil.journeys.house import House


async def has_plain_pages(house: House, customer_id: int) -> bool:
    """Tell whether a customer chose plain pages."""
    async with house.database.connection() as connection:
        return await store.chose_plain(connection, customer_id) or False


async def is_plain_offered(
    house: House, customer_id: int, protections: Collection[Protection]
) -> bool:
    """Tell whether a customer is to be asked: who has chosen, either way, is not asked again."""
    if Protection.PLAIN_FLOW not in protections:
        return False
    async with house.database.connection() as connection:
        return await store.chose_plain(connection, customer_id) is None


async def choose_plain(house: House, customer_id: int, *, is_plain: bool) -> None:
    """Keep what a customer chose."""
    async with house.database.transaction() as connection:
        await store.choose_plain(
            connection,
            customer_id,
            choice_id=house.ids.next(),
            is_plain=is_plain,
            at=house.clock.now(),
        )
