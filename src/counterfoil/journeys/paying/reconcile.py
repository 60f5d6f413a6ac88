"""Three-way reconciliation of a business date: ordered, carried out by the rail, and booked.

The way of a day: the rail's statement of the day was taken; orders, lines and bookings that
concern the day are read under one snapshot, and with them whatever is still in question from
earlier days; the three are matched by our reference; differences are kept with the day on which
they were first seen, and those that are gone are cleared.

Invariant   Reads the books and changes none of them: a difference is for people. Doing a day again
            gives the same, or clears what has been put right since.
Covers      Money that goes out. What comes in is booked as it is reported and has no orders yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payers import digests_for
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.ledger import store as ledger
from counterfoil.payments import reconciliation_store, refusals
from counterfoil.payments.order import payment_id_of, reference_of
from counterfoil.payments.reconciliation import (
    Difference,
    DifferenceCause,
    LedgerSide,
    OrderSide,
    Reconciliation,
    ages,
    reconcile,
)
from counterfoil.payments.relay import PayoutRelay
from counterfoil.payments.statement import StatementLine
from counterfoil.payments.statement_taking import take_statement
from counterfoil.platform.database import Connection

#: Open differences that one day looks at again; more than that is not a matter for a program.
OPEN_DIFFERENCES_MAX: Final = 10_000
_PAGE: Final = 1_000
#: Closed days that one step of the worker catches up with.
DAYS_AT_ONCE: Final = 10
#: Stands for the rail of differences that bear none.
NO_RAIL: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDifference:
    """A difference with the day on which it was first seen."""

    difference: Difference
    first_seen_on: date
    age_days: int
    #: None where it is older than rails.
    rail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReconciliation:
    """What reconciling one day of one rail found."""

    run: reconciliation_store.Run
    #: All that is open on the rail and off it, oldest first, whatever day it is of.
    open_differences: tuple[OpenDifference, ...]
    #: How many are open by age in days.
    ages: Mapping[str, int]
    #: The same by rail.
    ages_by_rail: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Sides:
    """What the three sides say of a day."""

    orders: list[OrderSide]
    lines: list[StatementLine]
    bookings: list[LedgerSide]
    #: Every reference that was looked at, also where no side has anything under it any more.
    compared: set[str]


class ReadSides(Protocol):
    """Reads the three sides of a day, of payouts or of debits."""

    async def __call__(self, connection: Connection, *, rail: str, on: date) -> Sides:
        """Return what concerns the day, with whatever is still in question."""
        ...


async def take_rail_statement(house: House, text: str, *, rail: str, on: date) -> int | Refused:
    """Take a day's statement that came as a file; return its number of lines."""
    return await take_statement(
        house.database,
        text,
        rail=rail,
        business_date=on,
        now=house.clock.now(),
        digest_of=await digests_for(house, text),
    )


async def reconcile_day(house: House, *, rail: str, on: date) -> DayReconciliation | Refused:
    """Reconcile one business date of one rail; keep what differs and clear what no longer does."""
    return await reconcile_sides(house, _read_sides, rail=rail, on=on)


async def reconcile_sides(
    house: House, read: ReadSides, *, rail: str, on: date
) -> DayReconciliation | Refused:
    """Reconcile the sides that are read; keep what differs and clear what no longer does."""
    async with (
        house.database.connection() as connection,
        connection.transaction(isolation="repeatable_read"),  # type: ignore[call-arg]
    ):
        if not await reconciliation_store.has_statement(connection, rail=rail, day=on):
            return refuse(refusals.STATEMENT_MISSING, rail=rail, statement_date=on.isoformat())
        sides = await read(connection, rail=rail, on=on)
        found = reconcile(sides.orders, sides.lines, sides.bookings)
        await reconciliation_store.record_differences(
            connection, found.differences, rail=rail, day=on, compared=sorted(sides.compared)
        )
        run = _run(house, sides, found, rail=rail, on=on)
        await reconciliation_store.put_run(connection, run)
        still_open = await _open_differences(connection, on)
    return DayReconciliation(
        run=run,
        open_differences=still_open,
        ages=ages((one.first_seen_on for one in still_open), on),
        ages_by_rail=_ages_by_rail(still_open, on),
    )


def _ages_by_rail(found: Iterable[OpenDifference], on: date) -> dict[str, Mapping[str, int]]:
    seen: dict[str, list[date]] = {}
    for one in found:
        seen.setdefault(one.rail or NO_RAIL, []).append(one.first_seen_on)
    return {rail: ages(days, on) for rail, days in sorted(seen.items())}


async def reconcile_closed_days(house: House, relay: PayoutRelay) -> int:
    """Fetch each rail's statement of days that are over and reconcile them; return how many.

    A day without a statement waits; the first look at a rail begins with the last closed day.
    """
    last = await house.business_date() - timedelta(days=1)
    done = 0
    for rail in relay.rails:
        async with house.database.connection() as connection:
            before = await reconciliation_store.last_reconciled(connection, rail=rail)
        day = last if before is None else before + timedelta(days=1)
        while day <= last and done < DAYS_AT_ONCE:
            taken = await relay.take_statement(day, rail=rail)
            if taken is None or isinstance(taken, Refused):
                break
            found = await reconcile_day(house, rail=rail, on=day)
            assert isinstance(found, DayReconciliation), "its statement was just taken"
            done += 1
            day += timedelta(days=1)
    return done


async def _read_sides(connection: Connection, *, rail: str, on: date) -> Sides:
    """Read what concerns a day, with every payment and reference still in question."""
    in_question = await open_rows(connection)
    booked = await ledger.payouts_of_day(connection, on)
    named = {
        (row["customer_id"], number)
        for row in in_question
        if (number := payment_id_of(row["reference"])) is not None
    } | {(payout.customer_id, payout.payment_id) for payout in booked}
    wanted = sorted({number for _, number in named})
    orders, lines = await reconciliation_store.sides_of_day(
        connection,
        rail=rail,
        day=on,
        payment_ids=wanted,
        references=[row["reference"] for row in in_question],
    )
    elsewhere = await reconciliation_store.payments_of_other_rails(connection, wanted, rail=rail)
    keys = {key for key in named if key[1] not in elsewhere}
    keys |= {(order.customer_id, order.payment_id) for order in orders}
    bookings = [LedgerSide(*one) for one in await ledger.payouts_of(connection, sorted(keys))]
    compared = {reference_of(number) for _, number in keys} | {line.reference for line in lines}
    return Sides(orders, lines, bookings, compared)


def _run(
    house: House, sides: Sides, found: Reconciliation, *, rail: str, on: date
) -> reconciliation_store.Run:
    return reconciliation_store.Run(
        rail=rail,
        business_date=on,
        reconciled_at=house.clock.now(),
        orders_count=len(sides.orders),
        lines_count=len(sides.lines),
        bookings_count=len(sides.bookings),
        matched_count=found.matched_count,
        matched_minor=found.matched_minor,
        differences_count=len(found.differences),
    )


async def _open_differences(connection: Connection, on: date) -> tuple[OpenDifference, ...]:
    return tuple(_aged(row, on) for row in await open_rows(connection))


async def open_rows(connection: Connection) -> list[Any]:
    """Return all differences not cleared, oldest first."""
    rows: list[Any] = []
    after = None
    while len(rows) < OPEN_DIFFERENCES_MAX:
        page = await reconciliation_store.open_differences(connection, after=after, page=_PAGE)
        rows += page
        if len(page) < _PAGE:
            break
        last = page[-1]
        after = (last["first_seen_on"], last["customer_id"], last["reference"], last["cause"])
    return rows


def _aged(row: Any, on: date) -> OpenDifference:
    return OpenDifference(
        difference=Difference(
            customer_id=row["customer_id"],
            reference=row["reference"],
            cause=DifferenceCause(row["cause"]),
            order_minor=row["order_minor"],
            statement_minor=row["statement_minor"],
            ledger_minor=row["ledger_minor"],
        ),
        first_seen_on=row["first_seen_on"],
        rail=row["rail"],
        age_days=max(0, (on - row["first_seen_on"]).days),
    )
