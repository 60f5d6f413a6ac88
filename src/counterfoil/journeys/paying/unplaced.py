"""Money that lies before people, as the ledger has it until they have placed it.

Whose books   Those of the lender to whose collection account the money came. Where no account is
              told, it is the first one of the rail; where a rail has none, the only lender of
              record, or the first by name.
Recalls       What a bank has taken back and the books have not is owed to the lender meanwhile:
              the same account, on its other side.
"""

from collections.abc import Sequence

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.rail_fees import BOOK
from counterfoil.ledger import posting
from counterfoil.ledger.posting import Postings
from counterfoil.ledger.store import BookKey, add_house_journals
from counterfoil.payments import received_store as store
from counterfoil.payments.rail_terms import RailTerms
from counterfoil.payments.received import Received, ReceivedCause, ReceivedKind
from counterfoil.platform.database import Connection


def is_elsewhere(house: House, received: Received, lender_id: str) -> bool:
    """Return whether money came to an account that is not of this lender, or of nobody known."""
    rail = _rail_of(house, received)
    if rail is None or not rail.collections:
        return False
    account = rail.account_of(received.account)
    return account is None or account.lender_id != lender_id


def _rail_of(house: House, received: Received) -> RailTerms | None:
    return next((terms for terms in house.rails if terms.code == received.key.rail), None)


def lender_of(house: House, received: Received) -> str:
    """Return the lender in whose books money stands until it is placed."""
    rail = _rail_of(house, received)
    account = None if rail is None else rail.account_of(received.account)
    if account is not None:
        return account.lender_id
    return min(terms.lender_id for terms in house.catalogue.all())


async def suspend(
    house: House,
    connection: Connection,
    received: Received,
    cause: ReceivedCause,
    *,
    booked_minor: int | None = None,
) -> None:
    """Put what is left before people; the ledger has it as received and not placed."""
    booked = received.booked_minor if booked_minor is None else booked_minor
    lender_id = lender_of(house, received)
    await store.suspended(connection, received.key, cause, booked_minor=booked, lender_id=lender_id)
    left_minor = received.amount_minor - booked
    await _post_unplaced(house, connection, received, lender_id, left_minor)


async def release(house: House, connection: Connection, received: Received) -> None:
    """Take back what the ledger has of money before people: it is placed anew, or is gone."""
    assert received.lender_id is not None, "what lies before people is in somebody's books"
    await _post_unplaced(house, connection, received, received.lender_id, -received.left_minor)


async def post(
    house: House, connection: Connection, kind: str, postings: Sequence[tuple[BookKey, Postings]]
) -> None:
    """Add journals of the house, dated on the business date."""
    journals = [(house.ids.next(), book, kind, entry) for book, entry in postings]
    await add_house_journals(
        connection,
        journals,
        book_date=await house.business_date(),
        posted_at=house.clock.now(),
    )


async def _post_unplaced(
    house: House, connection: Connection, received: Received, lender_id: str, amount_minor: int
) -> None:
    is_recall = received.kind is ReceivedKind.RECALLED
    entry = posting.receipt_unplaced(-amount_minor if is_recall else amount_minor)
    book = (lender_id, BOOK, received.currency)
    await post(house, connection, "receipt_unplaced", [(book, entry)])
