"""One ciphertext that does not open is damage; several in a short time are an alarm."""

from datetime import UTC, datetime, timedelta

from counterfoil.kernel.clock import TestClock
from counterfoil.privacy.rejections import REPEATED, SPAN_SECONDS, Rejections


def test_several_in_a_short_time_raise_the_alarm_once() -> None:
    clock = TestClock(datetime(2026, 1, 5, tzinfo=UTC))
    rejections = Rejections(clock)
    said = [rejections.note("tag") for _ in range(REPEATED + 3)]
    assert said == [False] * (REPEATED - 1) + [True] + [False] * 3
    assert rejections.total == REPEATED + 3
    clock.advance(timedelta(seconds=SPAN_SECONDS))
    assert rejections.note("tag")


def test_now_and_then_is_none() -> None:
    clock = TestClock(datetime(2026, 1, 5, tzinfo=UTC))
    rejections = Rejections(clock)
    for _ in range(4 * REPEATED):
        clock.advance(timedelta(seconds=SPAN_SECONDS / (REPEATED - 2)))
        assert not rejections.note("tag")
