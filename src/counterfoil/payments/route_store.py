"""Ways of payments: over which rail and why, what rails were given on a day, who closed which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.payments.rail import Payment
from counterfoil.payments.routing import Chosen, Queued
from counterfoil.payments.store import columns_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "route_store.sql")
#: Beyond every payment, where a list begins that has the newest first.
NEWEST: Final = (2**63 - 1, 0)

#: Stands for every rail.
ALL_RAILS: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """That a rail was closed or opened by hand."""

    switch_id: int
    #: A code, or `ALL_RAILS`.
    rail: str
    is_closed: bool
    reason: str
    switched_by: str
    #: The second person's approval; only for all rails.
    approval_id: int | None
    approved_by: str | None
    switched_at: datetime


async def add_routes(
    connection: Connection, routes: Sequence[tuple[Payment, Chosen | Queued]], *, now: datetime
) -> None:
    """Keep how payments came to their rails, or why they wait."""
    passed = [way.passed_over for _, way in routes]
    await QUERIES.add_routes.execute(
        connection,
        now=now,
        rails=[way.rail if isinstance(way, Chosen) else None for _, way in routes],
        passed_rails=[",".join(one.rail for one in over) for over in passed],
        obstacles=[",".join(one.obstacle.value for one in over) for over in passed],
        waits_until=[way.until if isinstance(way, Queued) else None for _, way in routes],
        **columns_of((p.order.customer_id, p.order.payment_id) for p, _ in routes),
    )


async def lock_rail_days(
    connection: Connection, days: Mapping[str, date]
) -> dict[str, tuple[int, int]]:
    """Return amount and number of what rails were given on a date each, held until counted."""
    rails = sorted(days)
    rows = await QUERIES.lock_rail_days.fetch(
        connection, rails=rails, on_dates=[days[rail] for rail in rails]
    )
    return {row["rail"]: (row["sent_minor"], row["sent_count"]) for row in rows}


async def count_rail_days(
    connection: Connection, days: Mapping[str, date], sent: Mapping[str, tuple[int, int]]
) -> None:
    """Write down what rails were given on their dates by now."""
    rails = sorted(days)
    await QUERIES.count_rail_days.execute(
        connection,
        rails=rails,
        on_dates=[days[rail] for rail in rails],
        sents_minor=[sent[rail][0] for rail in rails],
        sent_counts=[sent[rail][1] for rail in rails],
    )


async def closed_by_hand(connection: Connection) -> set[str]:
    """Return the rails that people closed; `ALL_RAILS` among them closes every one."""
    return {row["rail"] for row in await QUERIES.closed_by_hand.fetch(connection)}


async def last_switches(connection: Connection) -> list[Row]:
    """Return how each rail was last switched by hand."""
    return await QUERIES.last_switches.fetch(connection)


async def add_switch(connection: Connection, switch: Switch) -> None:
    """Keep that a rail was closed or opened by hand."""
    await QUERIES.add_switch.execute(
        connection,
        switch_id=switch.switch_id,
        rail=switch.rail,
        is_closed=switch.is_closed,
        reason=switch.reason,
        switched_by=switch.switched_by,
        approval_id=switch.approval_id,
        approved_by=switch.approved_by,
        switched_at=switch.switched_at,
    )


async def routes_of_payment(
    connection: Connection, *, customer_id: int, payment_id: int
) -> list[Row]:
    """Return how a payment came to its rail, in order."""
    return await QUERIES.routes_of_payment.fetch(
        connection, customer_id=customer_id, payment_id=payment_id
    )


async def rail_figures(connection: Connection, *, since: datetime) -> list[Row]:
    """Return what waits on each rail, what is out, and how its calls since a moment went."""
    return await QUERIES.rail_figures.fetch(connection, since=since, since_on=since.date())


async def queued_payments(
    connection: Connection, *, page: int, after: tuple[int, int] = (0, 0), is_back: bool = False
) -> list[Row]:
    """Return payments that wait for a rail, the oldest first; keys are payment and customer."""
    payment_id, customer_id = after
    return await QUERIES.queued_payments.page(
        connection, payment_id=payment_id, customer_id=customer_id, page=page, is_back=is_back
    )


async def rerouted_payments(
    connection: Connection, *, page: int, before: tuple[int, int] = NEWEST, is_back: bool = False
) -> list[Row]:
    """Return payments that went over another rail than the first, the newest first.

    Keys are payment and number of its route.
    """
    payment_id, route_no = before
    return await QUERIES.rerouted_payments.page(
        connection, payment_id=payment_id, route_no=route_no, page=page, is_back=is_back
    )
