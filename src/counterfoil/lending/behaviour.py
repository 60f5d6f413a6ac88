"""How a customer has behaved on a line: the few figures that a request for more is judged by.

Units       Days and whole months of business dates, counts, minor units; shares in ppm, rounded
            down.
Lateness    Counted from the due date, and 0 within the days of grace, as everywhere. What is not
            settled counts up to the present date. The window is twelve months back from it.
Unknown     None means that it never happened, as with the days since a raise; it is not a zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from counterfoil.kernel.calendar import add_months
from counterfoil.lending.delinquency import days_past_due
from counterfoil.lending.line import Line

WINDOW_MONTHS: Final = 12
_ONE_PPM: Final = 1_000_000
_MONTHS_A_YEAR: Final = 12


class FallenDue(NamedTuple):
    """An instalment of the line's loans that fell due."""

    due_date: date
    #: None while it is not settled.
    settled_on: date | None
    grace_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened on one line so far."""

    instalments: Sequence[FallenDue] = ()
    loans_repaid: int = 0
    #: Dates on which the limit was raised.
    raised_on: Sequence[date] = ()


def behaviour_facts(line: Line, history: History, on: date) -> dict[str, int | None]:
    """Return the line's own behaviour as a policy reads it, on a business date."""
    since = add_months(on, -WINDOW_MONTHS)
    recent = [day for day in history.raised_on if day > since]
    return {
        "own_limit_minor": line.limit_minor,
        "own_months": _whole_months(line.opened_on, on),
        "own_used_ppm": _share_ppm(line.principal_minor + line.held_minor, line.limit_minor),
        "own_instalments_paid": sum(one.settled_on is not None for one in history.instalments),
        "own_loans_repaid": history.loans_repaid,
        "own_days_late_worst": max(
            (_days_late(one, on) for one in history.instalments if _is_recent(one, since)),
            default=0,
        ),
        "own_raises_12_months": len(recent),
        "own_days_since_raise": (on - max(recent)).days if recent else None,
    }


def _is_recent(one: FallenDue, since: date) -> bool:
    """Tell whether an instalment was still to be paid at some time within the window."""
    return one.settled_on is None or one.settled_on > since


def _days_late(one: FallenDue, on: date) -> int:
    return days_past_due(one.due_date, one.grace_days, one.settled_on or on)


def _whole_months(start: date, on: date) -> int:
    months = (on.year - start.year) * _MONTHS_A_YEAR + on.month - start.month
    return max(0, months - (add_months(start, months) > on))


def _share_ppm(part_minor: int, whole_minor: int) -> int:
    return part_minor * _ONE_PPM // whole_minor if whole_minor else 0
