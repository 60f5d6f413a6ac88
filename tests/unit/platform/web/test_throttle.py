"""Guessing passwords gets slower; a person who mistypes does not notice."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.platform.web import throttle
from counterfoil.platform.web.throttle import Throttle

NOW = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)


def _failed(times: int) -> Throttle:
    guard = Throttle()
    for _ in range(times):
        guard.failed("lin", "::1", NOW)
    return guard


def test_a_few_failures_cost_nothing() -> None:
    assert _failed(throttle.FREE_FAILURES - 1).wait_until("lin", "::1", NOW) is None


@pytest.mark.parametrize(
    ("failures", "seconds"), [(5, 2), (6, 4), (7, 8), (12, 256), (13, 300), (500, 300)]
)
def test_each_further_failure_doubles_the_pause_up_to_a_bound(failures: int, seconds: int) -> None:
    until = NOW + timedelta(seconds=seconds)
    guard = _failed(failures)
    assert guard.wait_until("lin", "::1", NOW) == until
    assert guard.wait_until("lin", "::1", until) is None


def test_others_are_not_held_up() -> None:
    guard = _failed(50)
    assert guard.wait_until("lin", "10.0.0.1", NOW) is None
    assert guard.wait_until("chen", "::1", NOW) is None


def test_a_success_and_a_quiet_hour_forget() -> None:
    guard = _failed(50)
    assert guard.wait_until("lin", "::1", NOW + throttle.FORGET_AFTER) is None
    guard.failed("lin", "::1", NOW + throttle.FORGET_AFTER)
    assert guard.wait_until("lin", "::1", NOW + throttle.FORGET_AFTER) is None
    guard = _failed(50)
    guard.succeeded("lin", "::1")
    assert guard.wait_until("lin", "::1", NOW) is None


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "NAMES_MAX", 3)
    guard = _failed(50)
    for number in range(3):
        guard.failed(f"n{number}", "::1", NOW)
    assert guard.wait_until("lin", "::1", NOW) is None
