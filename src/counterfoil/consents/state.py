"""What became of a consent: the fold of its events.

Invariant   The state is derived from the events and from nothing else; the row of a consent keeps
            the same state beside it, so that the database itself can refuse a use. `used_up` and
            `expired` end every use for good, also when a clock steps back afterwards; `withdrawn`
            is final for everything, and may come after either of them: what was fetched under the
            consent is then no longer used.
Signs       A use number counts from 1 and has no gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from counterfoil.consents.notice import SECONDS_PER_DAY, Scope, UseKind


class Status(StrEnum):
    """Where a consent stands."""

    GIVEN = "given"
    USED_UP = "used_up"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class EventKind(StrEnum):
    """What can happen to a consent."""

    GIVEN = "given"
    RECONFIRMED = "reconfirmed"
    USED = "used"
    USED_UP = "used_up"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a consent."""

    event_no: int
    kind: EventKind
    #: POSIX seconds by the real clock.
    at: int
    #: Which use it was; None where it was none.
    use_no: int | None
    #: Who did it, over which channel.
    by: str
    #: Its leaf in the log, where the customer decided; the first has that of the consent.
    leaf_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a consent stands and how often it was used."""

    status: Status
    uses: int
    #: Last period in which it was used, counted from 0 at its beginning.
    period_no: int
    uses_in_period: int
    #: POSIX seconds; None while it goes on.
    ended_at: int | None
    events: int


class EventOrderError(ValueError):
    """Events that cannot have happened in this order."""


#: What may happen in which state.
_MAY_FOLLOW: Final = {
    Status.GIVEN: frozenset(EventKind) - {EventKind.GIVEN},
    Status.USED_UP: frozenset({EventKind.WITHDRAWN}),
    Status.EXPIRED: frozenset({EventKind.WITHDRAWN}),
    Status.WITHDRAWN: frozenset(),
}
_ENDS: Final = {
    EventKind.USED_UP: Status.USED_UP,
    EventKind.EXPIRED: Status.EXPIRED,
    EventKind.WITHDRAWN: Status.WITHDRAWN,
}


def fold(scope: Scope, not_before: int, events: Iterable[Event]) -> State:
    """Return the state that events lead to; raise EventOrderError where they contradict."""
    ordered = iter(events)
    first = next(ordered, None)
    if first is None or first.kind is not EventKind.GIVEN or first.event_no != 1:
        raise EventOrderError("a consent begins with being given")
    state = State(
        status=Status.GIVEN, uses=0, period_no=0, uses_in_period=0, ended_at=None, events=1
    )
    for event in ordered:
        state = _after(scope, not_before, state, event)
    return state


def _after(scope: Scope, not_before: int, state: State, event: Event) -> State:
    if event.event_no != state.events + 1 or event.kind not in _MAY_FOLLOW[state.status]:
        raise EventOrderError(f"{event.kind} as number {event.event_no} after {state.status}")
    counted = replace(state, events=event.event_no)
    if event.kind is EventKind.USED:
        return _used(scope, not_before, counted, event)
    if event.kind is EventKind.USED_UP and state.uses != scope.uses_max:
        raise EventOrderError(f"used up after {state.uses} uses of {scope.uses_max}")
    if event.kind in _ENDS:
        # A withdrawal after the end keeps the day on which uses ended.
        ended_at = event.at if state.ended_at is None else state.ended_at
        return replace(counted, status=_ENDS[event.kind], ended_at=ended_at)
    return counted


def _used(scope: Scope, not_before: int, state: State, event: Event) -> State:
    if event.use_no != state.uses + 1:
        raise EventOrderError(f"use {event.use_no} after use {state.uses}")
    period = max(state.period_no, period_of(scope, not_before, event.at))
    in_period = state.uses_in_period + 1 if period == state.period_no else 1
    if in_period > scope.uses_max:
        raise EventOrderError(f"{in_period} uses where {scope.uses_max} are allowed")
    return replace(state, uses=event.use_no, period_no=period, uses_in_period=in_period)


def period_of(scope: Scope, not_before: int, at: int) -> int:
    """Return the period that an instant falls into; a consent used once has only the first."""
    if scope.use is UseKind.ONE_TIME:
        return 0
    assert scope.period_days is not None
    return (at - not_before) // (scope.period_days * SECONDS_PER_DAY)
