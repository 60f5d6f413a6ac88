"""What a review reads of a line's own record, beyond what a request for more is judged by.

Statement   A month of the line, counted back from the day of the review, twelve at most. One that
            reaches back before the line was opened can be late, but never counts as clean.
Late        A statement is clean where in it no instalment was past its days of grace and unpaid. It
            is a late month where one became so in it, or was so all through it: a few days around
            the end of a statement are one late month, not two.
Roll-over   A due date on which something that had fallen due earlier was still unpaid: a debt that
            is carried from one instalment to the next.
Minimum     A statement in which something fell due and no principal was paid beyond it.
Undone      A decrease that was undone from its start never was: it counts as no change.
Units       Days, counts, minor units; shares in ppm, rounded down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from counterfoil.kernel.calendar import add_months
from counterfoil.lending.behaviour import FallenDue, History, behaviour_facts
from counterfoil.lending.delinquency import days_past_due
from counterfoil.lending.line import Line

STATEMENTS_MAX: Final = 12
#: Reason under which a limit is restored because its decrease was wrong from the start.
UNDONE: Final = "measure_undone"
_HALF_YEAR: Final = 6
_QUARTER: Final = 3
_ONE_PPM: Final = 1_000_000
_NEARLY_ALL_PPM: Final = 900_000
_CHANGES: Final = frozenset({"opened", "limit_raised", "limit_lowered", "limit_restored"})


class LimitEvent(NamedTuple):
    """A limit that was set, the first one among them."""

    book_date: date
    kind: str
    before_minor: int | None
    after_minor: int
    reason: str


class Flow(NamedTuple):
    """What the principal of a line's loans changed by on a day: paid is above 0, drawn below."""

    book_date: date
    principal_minor: int


class Instalment(NamedTuple):
    """An instalment that fell due."""

    due_date: date
    settled_on: date | None
    grace_days: int
    principal_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRecord:
    """Everything that a review reads of one line."""

    line: Line
    instalments: Sequence[Instalment]
    loans_repaid: int
    #: Oldest first.
    limits: Sequence[LimitEvent]
    #: Of the last twelve months.
    flows: Sequence[Flow]


def review_facts(
    record: LineRecord, on: date, *, is_changing: bool = False
) -> dict[str, int | bool | None]:
    """Return the line's own record as a review policy reads it, on a business date.

    `is_changing` tells that a decrease was announced and has not begun: until it has, nothing
    counts as having happened since the change, so that nobody is lowered twice for one thing.
    """
    line = record.line
    limits = standing_changes(record.limits)
    history = History(
        instalments=[FallenDue(*one[:3]) for one in record.instalments],
        loans_repaid=record.loans_repaid,
        raised_on=[one.book_date for one in limits if one.kind == "limit_raised"],
    )
    months = min(_whole_months(line.opened_on, on), STATEMENTS_MAX)
    spans = _statements(on)
    late = [_is_late(record.instalments, *span) for span in spans]
    clean = late.index(True) if True in late else STATEMENTS_MAX
    counted = [_counts_late(record.instalments, *span) for span in spans[:_HALF_YEAR]]
    changed_on = on if is_changing else limits[-1].book_date if limits else line.opened_on
    since_change = _whole_months(changed_on, on)
    return {
        **behaviour_facts(line, history, on),
        "own_days_past_due": _days_past_due(record.instalments, on),
        "own_on_time_streak": on_time_streak(record.instalments),
        "own_late_months_6": sum(counted),
        "own_late_months_since_change": _late_since(
            record.instalments, changed_on, spans[:_HALF_YEAR]
        ),
        "own_clean_statements": min(clean, months),
        "own_statements_since_change": since_change,
        "own_statements_over_90": _over_90(record, limits, on, months),
        "own_paid_beyond_due_minor": _paid_beyond_due(record, on),
        "own_days_since_late": _days_since_late(record.instalments, on),
        "own_days_late_worst_6": _worst_late(record.instalments, add_months(on, -_HALF_YEAR), on),
        "own_rollovers_6": _rollovers(record.instalments, add_months(on, -_HALF_YEAR), on),
        "own_minimum_statements": _minimum_statements(record, spans[:months]),
        "own_cap_below_limit": line.own_cap_minor is not None
        and line.own_cap_minor < line.limit_minor,
    }


def days_since_change(record: LineRecord, on: date) -> int:
    """Return the days since the limit was set or changed."""
    limits = standing_changes(record.limits)
    return (on - (limits[-1].book_date if limits else record.line.opened_on)).days


def standing_changes(limits: Sequence[LimitEvent]) -> list[LimitEvent]:
    """Return the changes of a limit without those that were undone from their start."""
    standing: list[LimitEvent] = []
    for event in limits:
        if event.kind not in _CHANGES:
            continue
        if event.kind == "limit_restored" and event.reason == UNDONE:
            undone = [
                one
                for one in standing
                if one.kind == "limit_lowered" and one.before_minor == event.after_minor
            ]
            if undone:
                standing.remove(undone[-1])
            continue
        standing.append(event)
    return standing


@lru_cache(maxsize=8)
def _statements(on: date) -> tuple[tuple[date, date], ...]:
    """Return the days of each statement, the latest first: after one day, up to and with another.

    All lines of a run are reviewed on the same day, so they share them.
    """
    ends = [add_months(on, -number) for number in range(STATEMENTS_MAX + 1)]
    return tuple((after, to) for to, after in pairwise(ends))


def _is_late(instalments: Sequence[Instalment], after: date, to: date) -> bool:
    return any(_was_late(one, after, to) for one in instalments)


def _was_late(one: Instalment, after: date, to: date) -> bool:
    """Tell whether an instalment was past its grace and unpaid on some day of a span."""
    begins = one.due_date + timedelta(days=one.grace_days + 1)
    # On the day of payment it was still late in the morning.
    is_over = one.settled_on is not None and one.settled_on <= after
    is_never = one.settled_on is not None and one.settled_on < begins
    return begins <= to and not is_over and not is_never


def _counts_late(instalments: Sequence[Instalment], after: date, to: date) -> bool:
    """Tell whether in a span something became late, or was late from its start to its end."""
    for one in instalments:
        begins = one.due_date + timedelta(days=one.grace_days + 1)
        if not _was_late(one, after, to):
            continue
        if begins > after or one.settled_on is None or one.settled_on > to:
            return True
    return False


def _late_since(
    instalments: Sequence[Instalment], changed_on: date, spans: Sequence[tuple[date, date]]
) -> int:
    """Return in how many statements something became late after a change."""
    count = 0
    for after, to in spans:
        count += any(
            max(after, changed_on) < one.due_date + timedelta(days=one.grace_days + 1) <= to
            and _was_late(one, after, to)
            for one in instalments
        )
    return count


def _days_past_due(instalments: Sequence[Instalment], on: date) -> int:
    return max(
        (days_past_due(one.due_date, one.grace_days, on) for one in instalments
         if one.settled_on is None),
        default=0,
    )  # fmt: skip


def on_time_streak(instalments: Sequence[Instalment]) -> int:
    """Return how many instalments in a row, up to the latest that is paid, were not late."""
    count = 0
    for one in sorted(instalments, reverse=True, key=lambda item: item.due_date):
        if one.settled_on is None:
            continue
        if days_past_due(one.due_date, one.grace_days, one.settled_on):
            break
        count += 1
    return count


def _days_since_late(instalments: Sequence[Instalment], on: date) -> int | None:
    """Return the days since the last late instalment was paid; None where none was, or one is."""
    late = [
        one.settled_on
        for one in instalments
        if days_past_due(one.due_date, one.grace_days, one.settled_on or on)
    ]
    if not late or None in late:
        return None
    return (on - max(day for day in late if day is not None)).days


def _worst_late(instalments: Sequence[Instalment], since: date, on: date) -> int:
    """Return the most days late of an instalment that was unpaid at some time since a day."""
    return max(
        (days_past_due(one.due_date, one.grace_days, one.settled_on or on) for one in instalments
         if one.settled_on is None or one.settled_on > since),
        default=0,
    )  # fmt: skip


def _rollovers(instalments: Sequence[Instalment], since: date, on: date) -> int:
    """Return on how many due dates since a day something that fell due earlier was unpaid."""
    return sum(
        any(
            one.due_date < due and (one.settled_on is None or one.settled_on > due)
            for one in instalments
        )
        for due in {one.due_date for one in instalments if since < one.due_date <= on}
    )


def _minimum_statements(record: LineRecord, spans: Sequence[tuple[date, date]]) -> int:
    """Return in how many of the latest statements, in a row, no more was paid than fell due."""
    count = 0
    for after, to in spans:
        due = [one.principal_minor for one in record.instalments if after < one.due_date <= to]
        paid = sum(
            max(0, one.principal_minor) for one in record.flows if after < one.book_date <= to
        )
        if not due or paid > sum(due):
            break
        count += 1
    return count


def _over_90(record: LineRecord, limits: Sequence[LimitEvent], on: date, months: int) -> int:
    """Return how many of the latest statements ended with more than 90 % of the limit in use."""
    count = 0
    for number in range(months + 1):
        day = add_months(on, -number)
        paid_since = sum(one.principal_minor for one in record.flows if one.book_date > day)
        used = record.line.principal_minor + paid_since
        limit = next(
            (one.after_minor for one in reversed(limits) if one.book_date <= day),
            record.line.limit_minor,
        )
        if not limit or used * _ONE_PPM <= limit * _NEARLY_ALL_PPM:
            break
        count += 1
    return min(count, STATEMENTS_MAX)


def _paid_beyond_due(record: LineRecord, on: date) -> int:
    """Return the principal paid in three months beyond that of instalments which fell due."""
    since = add_months(on, -_QUARTER)
    paid = sum(
        one.principal_minor
        for one in record.flows
        if one.book_date > since and one.principal_minor > 0
    )
    due = sum(one.principal_minor for one in record.instalments if since < one.due_date <= on)
    return max(0, paid - due)


def _whole_months(start: date, on: date) -> int:
    months = (on.year - start.year) * 12 + on.month - start.month
    return max(0, months - (add_months(start, months) > on))
