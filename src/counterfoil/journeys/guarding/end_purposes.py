"""Purposes that end by themselves: found at the close of each day, and taken back on return.

Relationship  Over when nothing is going on: no open line, loan, application, request, review,
              payment or return of credit. Then identity, transactions and decisions are over,
              and the evidence of consents where none runs any more.
Report        Over when the data life of the last one is.
Marketing     Over when its consent was withdrawn or has expired and none is left.
Return        Whoever applies again lifts the restriction, within a minute; so does a new report for
              reports, a new consent for marketing. What was erased stays erased.
Cost          Grows with what happened on the day, not with the customers there are.
Follows       The lattice in `privacy/retention.toml`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.platform.database import Connection
from counterfoil.privacy import erasure_store
from counterfoil.privacy import purpose_end_store as store
from counterfoil.privacy.purpose_end_store import Looked
from counterfoil.privacy.retention import load_schedule

#: What ends with the relationship, and goes on with a new application.
WITH_RELATIONSHIP: Final = ("identity", "transactions", "decision")
RESUMED: Final = (*WITH_RELATIONSHIP, "consent_evidence", "report")
#: How far back applications are looked at for customers who returned.
RETURN_LOOK: Final = timedelta(days=2)
#: How far before the last look a look begins: what was under way then is committed by now.
OVERLAP: Final = timedelta(hours=1)


async def end_reports(house: House, day: date) -> int:
    """Report the reports whose data life is over; before they are taken away at the close."""
    async with house.database.transaction() as connection:
        customers = await store.reports_over(connection, now=house.leaves.now())
        return await _end(house, connection, "report", customers, day, may_move=True)


async def end_relationships(house: House, day: date) -> int:
    """Report whose relationship, marketing or last consent ended; a second time finds nothing."""
    now, real = house.clock.now(), house.leaves.now()
    async with house.database.transaction() as connection:
        before = await store.last_looked(connection)
        if before is not None and before.business_date >= day:
            return 0
        since = before or Looked(day, datetime.combine(day, datetime.min.time(), UTC), 0)
        over = await store.relationships_ended(
            connection, business_date=day, since=since.through_at - OVERLAP
        )
        ended = 0
        for data_class in WITH_RELATIONSHIP:
            ended += await _end(house, connection, data_class, over, day)
        consents = await store.consents_ended(
            connection, since=since.through_real - int(OVERLAP.total_seconds()), until=real
        )
        silent = {*await store.without_consent(connection, over)}
        silent |= {item.customer_id for item in consents if item.is_everything_over}
        ended += await _end(house, connection, "consent_evidence", sorted(silent), day)
        unwanted = [item.customer_id for item in consents if item.is_marketing_over]
        ended += await _end(house, connection, "marketing", unwanted, day)
        await store.note_looked(connection, Looked(day, now, real), ended=ended)
    return ended


async def resume_purposes(house: House) -> int:
    """Lift the restriction from customers who applied again; return how many classes it were."""
    async with house.database.transaction() as connection:
        returned = await store.resume_returned(
            connection, RESUMED, since=house.clock.now() - RETURN_LOOK
        )
        real = house.leaves.now() - int(RETURN_LOOK.total_seconds())
        return returned + await store.resume_asked_again(connection, since=real)


async def _end(
    house: House,
    connection: Connection,
    data_class: str,
    customers: Sequence[int],
    day: date,
    *,
    may_move: bool = False,
) -> int:
    """Report a class as over since a day; one that is over already stays so, unless it may move."""
    if not may_move:
        over = await store.over_already(connection, data_class, customers)
        customers = [customer for customer in customers if customer not in over]
    if customers:
        found = load_schedule().classes[data_class]
        ends = dict.fromkeys(customers, day)
        await erasure_store.end_purposes(connection, found, ends, now=house.clock.now())
    return len(customers)
