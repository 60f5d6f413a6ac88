"""The clock of a sandbox moves forward only; a refusal says what, why and what to do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from counterfoil.kernel.clock import SystemClock, TestClock
from counterfoil.kernel.errors import Kind, Refusal, RefusedError, refuse

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FULL = Refusal(
    code="full",
    kind=Kind.CONFLICT,
    message="There is room for {room_minor} only.",
    next_step="Take at most {room_minor}.",
)


def test_a_test_clock_stands_still_until_it_is_moved() -> None:
    clock = TestClock(datetime(2026, 1, 5, 20, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(days=1, seconds=1)) == clock.now()
    assert clock.now() == NOON + timedelta(days=1, seconds=1)
    assert clock.now().tzinfo is UTC


def test_a_test_clock_never_moves_back() -> None:
    clock = TestClock(NOON)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(timedelta(microseconds=-1))
    assert clock.now() == NOON


def test_an_instant_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        TestClock(datetime(2026, 1, 5))  # noqa: DTZ001 - the point of the test
    assert SystemClock().now().tzinfo is UTC


def test_a_refusal_speaks_of_its_case() -> None:
    refused = refuse(FULL, room_minor=700)
    assert (refused.code, refused.kind) == ("full", Kind.CONFLICT)
    assert refused.message == "There is room for 700 only."
    assert refused.next_step == "Take at most 700."
    assert str(RefusedError(refused)) == "full: There is room for 700 only."


def test_a_detail_that_nobody_gave_shows_as_its_name() -> None:
    assert refuse(FULL).message == "There is room for {room_minor} only."
