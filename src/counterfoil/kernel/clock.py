"""Wall-clock time as a parameter: the system's clock, and those that only move forward.

Only entry points make a clock; everything else is handed one. The business date is something
else: it is moved by the close of day alone and always passed on its own.
"""

from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Final, Protocol

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the instant."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def milliseconds(self) -> int:
        """Return the milliseconds since 1970; what identifiers are made of."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def milliseconds(self) -> int:
        """Return the milliseconds since 1970."""
        return time_ns() // 1_000_000


class SandboxClock:
    """The machine's clock and what a sandbox has skipped: it runs on, and never goes back."""

    def __init__(self) -> None:
        """Start with nothing skipped."""
        self._ahead = timedelta(0)
        # The same in milliseconds: identifiers ask for them several times a command.
        self._ahead_ms = 0

    def now(self) -> datetime:
        """Return the sandbox's instant in UTC."""
        return datetime.now(UTC) + self._ahead

    def milliseconds(self) -> int:
        """Return the sandbox's milliseconds since 1970."""
        return time_ns() // 1_000_000 + self._ahead_ms

    def run_ahead(self, ahead: timedelta) -> None:
        """Be this much ahead of the machine's clock from now on, or more where it already is."""
        self._ahead = max(self._ahead, ahead)
        self._ahead_ms = self._ahead // timedelta(milliseconds=1)


class TestClock:
    """A clock of tests and simulations: stands still until it is moved, and never moves back."""

    __test__ = False  # the name is the domain's word for it, not a test case

    def __init__(self, start: datetime) -> None:
        """Start at an aware instant."""
        if start.tzinfo is None:
            raise ValueError("a clock needs an instant with a zone")
        self._now = start.astimezone(UTC)
        self._milliseconds = _milliseconds(self._now)

    def now(self) -> datetime:
        """Return the instant at which the clock stands."""
        return self._now

    def milliseconds(self) -> int:
        """Return the milliseconds since 1970."""
        return self._milliseconds

    def advance(self, by: timedelta) -> datetime:
        """Move forward; a step back raises ValueError."""
        if by < timedelta(0):
            raise ValueError("a test clock only moves forward")
        self._now += by
        self._milliseconds = _milliseconds(self._now)
        return self._now


def _milliseconds(instant: datetime) -> int:
    """Return the whole milliseconds between 1970 and an instant."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)
