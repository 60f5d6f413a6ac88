"""Days past due and the buckets they fall into.

Units       Days are business dates, counted from the due date of the oldest unsettled instalment.
Invariant   Within the days of grace nothing is past due; after them all days since the due date
            count. The day on which a bucket changes is known in advance.
"""

from datetime import date, timedelta

#: Names of the buckets by number: current, then one for every thirty days, the last open-ended.
BUCKETS = ("C", "M1", "M2", "M3", "M4", "M5", "M6", "M7+")
_DAYS = 30


def days_past_due(oldest_due_date: date | None, grace_days: int, on: date) -> int:
    """Return the days past due on a date, 0 within the days of grace."""
    if oldest_due_date is None:
        return 0
    days = on.toordinal() - oldest_due_date.toordinal()
    return days if days > grace_days else 0


def bucket(oldest_due_date: date | None, grace_days: int, on: date) -> int:
    """Return the number of the bucket on a date."""
    days = days_past_due(oldest_due_date, grace_days, on)
    return min((days + _DAYS - 1) // _DAYS, len(BUCKETS) - 1)


def days_of(number: int) -> tuple[int, int | None]:
    """Return the first and last day past due of a bucket; None for the open-ended one."""
    if number == 0:
        return 0, 0
    is_last = number == len(BUCKETS) - 1
    return _DAYS * (number - 1) + 1, None if is_last else _DAYS * number


def next_boundary(oldest_due_date: date | None, present: int) -> date | None:
    """Return the day on which the next bucket begins if nothing is paid; None if there is none.

    The step from current to the first bucket is the end of grace, an event of its own.
    """
    if oldest_due_date is None or present == 0 or present >= len(BUCKETS) - 1:
        return None
    return oldest_due_date + timedelta(days=_DAYS * present + 1)
