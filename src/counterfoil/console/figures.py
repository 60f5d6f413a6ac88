"""Figures of the whole book for the overview, from the sums that the day's close has kept.

Invariant   Pure: rows in, figures out. A share of nothing is None, never zero.
Units       Minor units; shares in percent, for pictures and their tables only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from counterfoil.console.words import BUCKET_30_PLUS
from counterfoil.platform.queries import Row

#: Buckets between which balances roll, one after the other.
ROLLS = ((0, 1), (1, 2), (2, 3), (3, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The book at the end of a closed day."""

    day: date
    loans: int
    principal_minor: int
    by_bucket_minor: Mapping[int, int]
    #: Lines that nothing blocks, and what could be drawn on them; None of a day that was closed
    #: before lines were summed up.
    drawable: int | None
    available_minor: int | None

    @property
    def late_30_minor(self) -> int:
        """Return the principal of loans more than 30 days past due."""
        return sum(
            amount for bucket, amount in self.by_bucket_minor.items() if bucket >= BUCKET_30_PLUS
        )

    def share(self, buckets: Iterable[int]) -> float | None:
        """Return the share of some buckets in the principal, in percent."""
        part = sum(self.by_bucket_minor.get(bucket, 0) for bucket in buckets)
        return percent(part, self.principal_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that the overview reads."""

    today: date
    period: int
    currency: str
    books: Sequence[Book]
    cash: Sequence[Row]
    funnel: Row
    approvals: Sequence[Row]
    last_closed: date | None
    newest: Sequence[Row]


def books(loans: Sequence[Row], lines: Sequence[Row], currency: str) -> list[Book]:
    """Return the book of each closed day in one currency, oldest first.

    `loans` come by day and bucket, `lines` by day; a day may have one without the other.
    """
    buckets: dict[date, list[Row]] = {}
    for row in loans:
        if row["currency"] == currency:
            buckets.setdefault(row["business_date"], []).append(row)
    granted = {row["business_date"]: row for row in lines if row["currency"] == currency}
    return [
        _book(day, buckets.get(day, ()), granted.get(day))
        for day in sorted(buckets.keys() | granted.keys())
    ]


def _book(day: date, of_day: Sequence[Row], lines: Row | None) -> Book:
    return Book(
        day=day,
        loans=sum(row["loans"] for row in of_day),
        principal_minor=sum(row["principal_minor"] for row in of_day),
        by_bucket_minor={row["bucket"]: row["principal_minor"] for row in of_day},
        drawable=lines["drawable"] if lines else None,
        available_minor=lines["available_minor"] if lines else None,
    )


def month_ends(all_books: Sequence[Book]) -> list[Book]:
    """Return the last book of each month; of the present month the latest there is."""
    last = {(book.day.year, book.day.month): book for book in all_books}
    return [last[month] for month in sorted(last)]


def roll_rates(all_books: Sequence[Book]) -> list[tuple[date, list[float | None]]]:
    """Return, by month, the balance of each bucket over that of the bucket before a month ago.

    This is the net roll rate: it needs no history of single loans.
    """
    ends = month_ends(all_books)
    return [
        (
            now.day,
            [
                percent(now.by_bucket_minor.get(to, 0), before.by_bucket_minor.get(start, 0))
                for start, to in ROLLS
            ],
        )
        for before, now in pairwise(ends)
    ]


def vintage_curves(rows: Sequence[Row], today: date) -> dict[str, list[float | None]]:
    """Return, by month of lending, the cumulated share that was ever over 30 days late."""
    curves: dict[str, list[float | None]] = {}
    for month in sorted({row["month"] for row in rows}):
        of_month = [row for row in rows if row["month"] == month]
        age = (today.year - month.year) * 12 + today.month - month.month
        late = dict.fromkeys(range(age + 1), 0)
        for row in of_month:
            if row["months_on_book"] is not None and row["months_on_book"] <= age:
                late[max(0, row["months_on_book"])] += row["late_minor"]
        total, curve = 0, []
        for number in range(age + 1):
            total += late[number]
            curve.append(percent(total, of_month[0]["original_minor"]))
        curves[f"{month:%Y-%m}"] = curve
    return curves


def percent(part: int, whole: int) -> float | None:
    """Return a share in percent for a picture; None of nothing."""
    return 100 * part / whole if whole else None
