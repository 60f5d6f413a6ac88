"""The state of a consent is the fold of its events, and events that cannot be are refused."""

from dataclasses import replace

import pytest
from tests.unit.consents.test_notice import OFTEN, ONCE

from counterfoil.consents.notice import SECONDS_PER_DAY, Scope
from counterfoil.consents.state import Event, EventKind, EventOrderError, State, Status, fold

BEGIN = 1_000_000


def events(*kinds: str, every: int = 1) -> list[Event]:
    """Return events in order, a use counted each time."""
    made, uses = [], 0
    for number, kind in enumerate(kinds, start=1):
        uses += kind == "used"
        made.append(
            Event(
                event_no=number,
                kind=EventKind(kind),
                at=BEGIN + (number - 1) * every,
                use_no=uses if kind == "used" else None,
                by="test",
            )
        )
    return made


def state(scope: Scope, *kinds: str, every: int = 1) -> State:
    return fold(scope, BEGIN, events(*kinds, every=every))


@pytest.mark.parametrize(
    ("kinds", "status", "uses"),
    [
        (("given",), Status.GIVEN, 0),
        (("given", "reconfirmed"), Status.GIVEN, 0),
        (("given", "used", "used_up"), Status.USED_UP, 1),
        (("given", "expired"), Status.EXPIRED, 0),
        (("given", "withdrawn"), Status.WITHDRAWN, 0),
        (("given", "used", "used_up", "withdrawn"), Status.WITHDRAWN, 1),
        (("given", "expired", "withdrawn"), Status.WITHDRAWN, 0),
    ],
)
def test_events_lead_to_a_state(kinds: tuple[str, ...], status: Status, uses: int) -> None:
    found = state(ONCE, *kinds)
    assert (found.status, found.uses, found.events) == (status, uses, len(kinds))
    assert (found.ended_at is None) == (status is Status.GIVEN)


def test_a_withdrawal_after_the_end_keeps_the_day_of_the_end() -> None:
    assert state(ONCE, "given", "expired", "withdrawn").ended_at == BEGIN + 1


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        ("used",),
        ("given", "given"),
        ("given", "used", "used"),
        ("given", "used_up"),
        ("given", "withdrawn", "used"),
        ("given", "expired", "used"),
        ("given", "used", "used_up", "expired"),
        ("given", "used", "used_up", "reconfirmed"),
        ("given", "withdrawn", "withdrawn"),
    ],
)
def test_what_cannot_have_happened_is_no_history(kinds: tuple[str, ...]) -> None:
    with pytest.raises(EventOrderError):
        state(ONCE, *kinds)


def test_a_gap_in_the_numbers_is_no_history() -> None:
    first, second = events("given", "used")
    with pytest.raises(EventOrderError):
        fold(ONCE, BEGIN, [first, replace(second, event_no=3)])
    with pytest.raises(EventOrderError):
        fold(ONCE, BEGIN, [first, replace(second, use_no=2)])


def test_uses_are_counted_by_period_and_no_clock_gives_one_back() -> None:
    month = 30 * SECONDS_PER_DAY
    found = state(OFTEN, "given", "used", "used", every=1)
    assert (found.uses, found.period_no, found.uses_in_period) == (2, 0, 2)
    with pytest.raises(EventOrderError):
        state(OFTEN, "given", "used", "used", "used", every=1)
    found = state(OFTEN, "given", "used", "used", "used", every=month)
    assert (found.uses, found.period_no, found.uses_in_period) == (3, 3, 1)
    late = events("given", "used", "used", "used", every=month)
    back = [*late, replace(late[1], event_no=5, use_no=4), replace(late[1], event_no=6, use_no=5)]
    with pytest.raises(EventOrderError):
        fold(OFTEN, BEGIN, back)
