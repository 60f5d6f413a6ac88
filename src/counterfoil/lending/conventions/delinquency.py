"""Days past due and the buckets they fall into, by instalment.

Units       Days; amounts in minor units.
Invariant   An instalment without anything outstanding is not late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from counterfoil.kernel.calendar import days_between
from counterfoil.lending.conventions.book import BookRow


@dataclass(frozen=True, slots=True)
class Bucket:
    """A range of days past due; without a last day it has no end."""

    name: str
    first_day: int
    last_day: int | None

    def holds(self, days: int) -> bool:
        """Say whether the days fall into the bucket."""
        return days >= self.first_day and (self.last_day is None or days <= self.last_day)


def days_past_due(due: date, on: date, *, first_day: int) -> int:
    """Return the days an unpaid due date is late on a day; its own date counts `first_day`."""
    return max(0, days_between(due, on) + first_day) if on >= due else 0


def days_late_of_loan(rows: Sequence[BookRow], on: date, *, first_day: int) -> int:
    """Return the days past due of the oldest instalment that owes anything."""
    late = [days_past_due(r.due_date, on, first_day=first_day) for r in rows if r.outstanding_minor]
    return max(late, default=0)


def amounts_by_bucket(
    rows: Sequence[BookRow], on: date, buckets: Sequence[Bucket], *, first_day: int
) -> list[tuple[Bucket, int]]:
    """Return what is overdue in each bucket, instalment by instalment, empty buckets left out."""
    amounts = dict.fromkeys(buckets, 0)
    for row in rows:
        days = days_past_due(row.due_date, on, first_day=first_day)
        for bucket in buckets:
            if bucket.holds(days):
                amounts[bucket] += row.outstanding_minor
    return [(bucket, amount) for bucket, amount in amounts.items() if amount]
