"""How the whole book stands against the ceilings on debt: who is above, since when, what was lost.

Above       Customers whose latest run of the guard reached a ceiling, of all who were looked at;
            the trend counts by month the persons who reached each.
Bands       What was lent in a month, by what the guard had last measured of the borrower when it
            was drawn, and what of it is lost: principal of open loans at least 90 days past due.
Viewing     Asks nobody and writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from counterfoil.capacity import store
from counterfoil.capacity.bands import BANDINGS, Banding
from counterfoil.capacity.store import BandMonth
from counterfoil.journeys.house import House
from counterfoil.kernel.calendar import add_months
from counterfoil.lending.debt_store import Owed, read_owed
from counterfoil.platform.database import Connection

#: Months of the trend, and of what was lent.
MONTHS_SHOWN: Final = 24
_PAGE: Final = 1_000
_ONE_PPM: Final = 1_000_000

Document = dict[str, Any]


async def portfolio(house: House) -> Document:
    """Return how the book stands: customers above each ceiling, trend, losses by band."""
    on = await house.business_date()
    since = add_months(on.replace(day=1), 1 - MONTHS_SHOWN)
    async with (
        house.database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),  # type: ignore[call-arg]
    ):
        outcomes = await store.QUERIES.portfolio_outcomes.fetch(connection)
        hits = await store.QUERIES.portfolio_hits.fetch(connection)
        trend = await store.QUERIES.portfolio_trend.fetch(connection, page=MONTHS_SHOWN)
        reached = await store.QUERIES.portfolio_trend_hits.fetch(connection, since=since)
        owed = await _owed_by_outcome(connection, on=on)
        lent = {
            banding: await store.losses_by_band(connection, banding, since=since)
            for banding in BANDINGS
        }
    looked_at = sum(row["customers"] for row in outcomes)
    by_month: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in reached:
        by_month[row["month"]].append(row)
    return {
        "as_of": on.isoformat(),
        "customers": looked_at,
        "outcomes": {row["outcome"]: row["customers"] for row in outcomes},
        "above": _above(hits, looked_at),
        "trend": [
            {
                **dict(row),
                "month": row["month"].isoformat(),
                "ceilings": _above(by_month[row["month"]], row["customers"]),
            }
            for row in reversed(trend)
        ],
        "losses": [_outcome(outcome, items) for outcome, items in sorted(owed.items())],
        "bands": [_banding(banding, months) for banding, months in lent.items()],
    }


async def _owed_by_outcome(connection: Connection, *, on: date) -> Mapping[str, list[Owed]]:
    """Return what is owed by customers of each outcome of the guard."""
    found: dict[str, list[Owed]] = {}
    after = 0
    while True:
        page = await store.QUERIES.latest_outcomes.fetch(connection, after=after, page=_PAGE)
        of = {row["customer_id"]: row["outcome"] for row in page}
        for owed in await read_owed(connection, list(of), on):
            found.setdefault(of[owed.customer_id], []).append(owed)
        if len(page) < _PAGE:
            return found
        after = page[-1]["customer_id"]


def _above(hits: Iterable[Any], customers: int) -> list[Document]:
    return [
        {
            "ceiling": row["hit"].removeprefix("!"),
            "end": "hard" if row["hit"].startswith("!") else "soft",
            "customers": row["customers"],
            "share_ppm": row["customers"] * _ONE_PPM // customers,
        }
        for row in hits
    ]


def _outcome(outcome: str, owed: Sequence[Owed]) -> Document:
    total, late = sum(item.owed_minor for item in owed), sum(item.late_minor for item in owed)
    return {
        "outcome": outcome,
        "customers": len({item.customer_id for item in owed}),
        "owed_minor": total,
        "late_minor": late,
        "late_ppm": late * _ONE_PPM // total if total else 0,
    }


def _banding(banding: Banding, months: Sequence[BandMonth]) -> Document:
    """Return the bands of one measure, each with its months; the one that is not known last."""
    grouped: defaultdict[tuple[int | None, str], list[BandMonth]] = defaultdict(list)
    for item in months:
        grouped[item.band, item.currency].append(item)
    order = sorted(grouped, key=lambda key: (key[0] is None, key[0] or 0, key[1]))
    return {
        "measure": banding.measure,
        "unit": banding.unit,
        "bands": [_band(banding, key, grouped[key]) for key in order],
    }


def _band(banding: Banding, key: tuple[int | None, str], months: Sequence[BandMonth]) -> Document:
    band, currency = key
    first, below = banding.ends_of(band)
    return {
        "is_known": band is not None,
        "at_least": first,
        "below": below,
        "currency": currency,
        **_lost(months),
        "months": [
            {"month": one.month.isoformat(), **_lost([one])}
            for one in sorted(months, key=lambda one: one.month)
        ],
    }


def _lost(months: Sequence[BandMonth]) -> Document:
    lent, lost = sum(one.lent_minor for one in months), sum(one.lost_minor for one in months)
    return {
        "loans": sum(one.loans for one in months),
        "lent_minor": lent,
        "owed_minor": sum(one.owed_minor for one in months),
        "lost_minor": lost,
        "lost_ppm": lost * _ONE_PPM // lent if lent else 0,
    }
