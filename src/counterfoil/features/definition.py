"""How a value follows from events: one definition, for one customer now and for all history.

Fold        `count`, `sum`, `max`, `latest` of events; `days_since` and `months_since` the latest;
            `longest_open` the longest that something stayed open, beyond its days of grace.
Window      Events after (day of the question - window) up to that day. Without one: all before.
Nothing     Without an event a value is unknown. Where the house itself would know, a definition
            may say that nothing counts as zero, as soon as an event of `given` is known.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from counterfoil.kernel.calendar import add_months


class Fold(StrEnum):
    """What is made of the events."""

    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    LATEST = "latest"
    DAYS_SINCE = "days_since"
    MONTHS_SINCE = "months_since"
    LONGEST_OPEN = "longest_open"


#: Folds of what a member of the events says.
OF_A_MEMBER = frozenset({Fold.SUM, Fold.MAX, Fold.LATEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One way from events to a value."""

    fold: Fold
    #: Kinds of events that count.
    events: tuple[str, ...]
    #: The member whose values are folded; empty for folds of the events themselves.
    member: str = ""
    #: Member and value that an event must have.
    where: tuple[tuple[str, int | str | bool], ...] = ()
    #: At most one of both is there.
    within_days: int | None = None
    within_months: int | None = None
    #: Whether it is asked for each line, not for the customer as a whole.
    is_of_line: bool = False
    #: Nothing counts as zero once an event of this kind is known; empty: nothing is unknown.
    given: str = ""
    #: `longest_open`: the kind of event that closes what `events` opened, and the member of the
    #: opening event that holds its days of grace.
    ends: str = ""
    grace: str = ""
    #: Member that names the model, where one made the value.
    model: str = ""

    def since(self, on: date) -> date:
        """Return the day after which events count."""
        if self.within_days is not None:
            return on - timedelta(days=self.within_days)
        if self.within_months is not None:
            return add_months(on, -self.within_months)
        return date.min

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return every kind of event that it reads."""
        return tuple(filter(None, (*self.events, self.ends, self.given)))

    @property
    def text(self) -> str:
        """Return the definition in one line, for people."""
        parts = [self.fold.value]
        if self.member:
            parts.append(f"of {self.member}")
        parts.append(f"over {' and '.join(self.events)}")
        parts += [f"where {name} = {str(value).lower()}" for name, value in self.where]
        if self.ends:
            parts.append(f"until {self.ends}")
        if self.within_days is not None:
            parts.append(f"within {self.within_days} days")
        if self.within_months is not None:
            parts.append(f"within {self.within_months} months")
        parts.append("of the line" if self.is_of_line else "of the customer")
        if self.given:
            parts.append(f"or 0 after {self.given}")
        return " ".join(parts)
