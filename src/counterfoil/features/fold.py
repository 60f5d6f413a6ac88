"""Values at a day, from what was known then: the online form, for one customer.

Invariant   An event that becomes known later changes no value that was asked for earlier.
Twin        `offline.py` gives the same values over the whole history; a property holds them equal.
"""

from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.features.definition import OF_A_MEMBER, Definition, Fold
from counterfoil.features.event import Event
from counterfoil.features.feature import Feature, Use, Value

_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The point in time of a question."""

    #: The business date on which windows end.
    on: date
    #: Only what was known by then counts.
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value and what it stands on; no value where nothing is known."""

    value: Value | None
    #: The events it was made of, oldest first.
    events: Sequence[Event] = ()

    @property
    def as_of(self) -> date | None:
        """Return the day of the youngest event behind it."""
        return max((event.occurred_on for event in self.events), default=None)


NOTHING: Final = Found(value=None)


def known_events(
    events: Iterable[Event], as_of: AsOf, *, stopped: Collection[int] = ()
) -> list[Event]:
    """Return what was known at a point in time and may be used, in order of happening.

    `stopped` are consents that were withdrawn: nothing under them is used any more, whatever the
    point in time of the question.
    """
    latest: dict[tuple[str, str, str], Event] = {}
    for event in events:
        if event.known_at > as_of.known_at:
            continue
        before = latest.get(event.record)
        if before is None or before.revision < event.revision:
            latest[event.record] = event
    return sorted(
        (event for event in latest.values() if _counts(event, as_of, stopped)),
        key=lambda event: (event.occurred_at, event.event_id),
    )


def is_read_by(event: Event, uses: Sequence[Use]) -> bool:
    """Tell whether one of the ways in which a feature may be read lets an event in."""
    return any(
        use.source == event.source
        and use.legal_basis == event.legal_basis
        and use.consent_purpose in {"", event.purpose}
        for use in uses
    )


def value_of(
    feature: Feature,
    known: Sequence[Event],
    as_of: AsOf,
    *,
    purpose: str | None = None,
    line_id: int | None = None,
) -> Found:
    """Return a feature's value from the events known; `purpose` is that of the policy."""
    definition, uses = feature.definition, feature.uses_for(purpose)
    if definition is None:
        return NOTHING
    mine = [
        event
        for event in known
        if event.kind in definition.kinds
        and is_read_by(event, uses)
        and (not definition.is_of_line or (line_id is not None and event.line_id == line_id))
    ]
    found = _fold(definition, mine, as_of.on)
    if found.value is None and definition.given:
        given = [event for event in mine if event.kind == definition.given]
        return Found(value=0, events=given) if given else NOTHING
    return found


def _counts(event: Event, as_of: AsOf, stopped: Collection[int]) -> bool:
    """Tell whether an event may be used, and has happened."""
    if event.is_void or event.occurred_on > as_of.on:
        return False
    if event.expires_at is not None and event.expires_at <= as_of.known_at:
        return False
    return event.consent_id is None or event.consent_id not in stopped


def _fold(definition: Definition, mine: Sequence[Event], on: date) -> Found:
    since = definition.since(on)
    if definition.fold is Fold.LONGEST_OPEN:
        return _longest_open(definition, mine, since, on)
    counted = [
        event
        for event in mine
        if event.kind in definition.events
        and event.occurred_on > since
        and all(event.facts.get(name) == value for name, value in definition.where)
        and (definition.fold not in OF_A_MEMBER or definition.member in event.facts)
    ]
    if not counted:
        return NOTHING
    last = counted[-1]
    match definition.fold:
        case Fold.COUNT:
            return Found(value=len(counted), events=counted)
        case Fold.SUM:
            return Found(value=sum(_numbers(definition, counted)), events=counted)
        case Fold.MAX:
            return Found(value=max(_numbers(definition, counted)), events=counted)
        case Fold.LATEST:
            return Found(value=last.facts[definition.member], events=[last])
        case Fold.DAYS_SINCE:
            return Found(value=(on - last.occurred_on).days, events=[last])
        case Fold.MONTHS_SINCE:
            return Found(value=_whole_months(last.occurred_on, on), events=[last])


def _longest_open(definition: Definition, mine: Sequence[Event], since: date, on: date) -> Found:
    """Return the most days beyond grace of what is still open or was closed within the window."""
    ended = {
        event.source_record: event.occurred_on for event in mine if event.kind == definition.ends
    }
    counted = [
        event
        for event in mine
        if event.kind in definition.events and ended.get(event.source_record, date.max) > since
    ]
    if not counted:
        return NOTHING
    days = 0
    for event in counted:
        late = (ended.get(event.source_record, on) - event.occurred_on).days
        grace = event.facts.get(definition.grace, 0)
        assert isinstance(grace, int), "the registry says that grace is a number"
        days = max(days, late if late > grace else 0)
    return Found(value=days, events=counted)


def _numbers(definition: Definition, counted: Sequence[Event]) -> Iterable[int]:
    for event in counted:
        value = event.facts[definition.member]
        assert isinstance(value, int), "the registry says that sums and maxima are of numbers"
        yield value


def _whole_months(start: date, on: date) -> int:
    months = (on.year - start.year) * _MONTHS_A_YEAR + on.month - start.month
    # The same day of a later month, or that month's last day where it is missing.
    return max(0, months - (min(start.day, monthrange(on.year, on.month)[1]) > on.day))
