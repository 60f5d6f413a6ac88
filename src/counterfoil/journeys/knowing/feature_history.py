"""Values of features over the whole history of all customers, for training and back-tests.

Invariant   A row holds what was known by its day and nothing later. What a customer has withdrawn
            the consent to is in no row, whatever its day; who has processing restricted is in none.
Lenders     The history is that of one lender of record: what others of the installation know of a
            customer is in it only where the customer has consented to that.
Memory      One page of customers at a time; rows are handed on page by page.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import polars as pl

from counterfoil.features import store
from counterfoil.features.event import Event
from counterfoil.features.feature import Feature
from counterfoil.features.offline import Question, events_frame, values_over_history
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.facts import withdrawn_consents
from counterfoil.journeys.knowing.feature_limits import read_limits
from counterfoil.journeys.knowing.profile_lenders import events_for
from counterfoil.privacy.correction_store import restricted_among

_PAGE: Final = 500


async def values_by_day(
    house: House,
    names: Collection[str],
    days: Sequence[date],
    *,
    purpose: str | None,
    lender_id: str,
) -> AsyncIterator[pl.DataFrame]:
    """Yield values page by page: a row for each customer, line and day, null for unknown."""
    features = [house.registry.features[name] for name in names]
    after = 0
    while True:
        async with house.database.connection() as connection:
            page = await store.customers_with_events(connection, after=after, page=_PAGE)
            restricted = await restricted_among(connection, page)
            found = await store.read_events(connection, [*{*page} - {*restricted}])
            limits = await read_limits(house.registry, connection)
            stopped: set[int] = set()
            for customer_id, events in found.items():
                stopped |= await withdrawn_consents(connection, customer_id, events)
            every = [event for mine in found.values() for event in mine]
            seen = await events_for(house, connection, every, lender_id)
        events = [event for event in seen if event.source in limits.sources]
        allowed = [one for one in features if (one.name, purpose or "") not in limits.ended]
        asked = _questions(events, allowed, days)
        if asked:
            frame = events_frame(events, allowed)
            yield values_over_history(allowed, frame, asked, purpose=purpose, stopped=stopped)
        if len(page) < _PAGE:
            return
        after = page[-1]


def _questions(
    events: Sequence[Event], features: Sequence[Feature], days: Sequence[date]
) -> list[Question]:
    """Return a question for each day from the first event of a customer, or of a line, on."""
    is_of_line = any(one.definition is not None and one.definition.is_of_line for one in features)
    begun: dict[tuple[int, int | None], date] = {}
    for event in events:
        key = (event.customer_id, event.line_id if is_of_line else None)
        begun[key] = min(begun.get(key, event.occurred_on), event.occurred_on)
    with_line = {customer_id for customer_id, line_id in begun if line_id is not None}
    return [
        Question(
            customer_id=customer_id,
            line_id=line_id,
            on=day,
            known_at=datetime.combine(day, time(), UTC) + timedelta(days=1),
        )
        for (customer_id, line_id), first in sorted(begun.items(), key=str)
        if line_id is not None or customer_id not in with_line
        for day in days
        if day >= first
    ]
