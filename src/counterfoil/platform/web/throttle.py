"""Slows down whoever guesses passwords, without locking out the person whose name is guessed.

Invariant   After `FREE_FAILURES` failures for a name from an address, each further try waits for
            its turn: the pause doubles up to `PAUSE_MAX`. A success, or a quiet hour, forgets.
Bound       At most `NAMES_MAX` pairs are remembered; the oldest are forgotten first.
Scope       One process; a deployment of several lets an attacker try as often in each.
"""

from datetime import datetime, timedelta
from typing import Final

FREE_FAILURES: Final = 5
PAUSE_FIRST: Final = timedelta(seconds=2)
PAUSE_MAX: Final = timedelta(minutes=5)
FORGET_AFTER: Final = timedelta(hours=1)
NAMES_MAX: Final = 10_000


class Throttle:
    """Failures by name and address."""

    def __init__(self) -> None:
        """Start with a clean sheet."""
        self._failures: dict[tuple[str, str], tuple[int, datetime]] = {}

    def wait_until(self, name: str, address: str, now: datetime) -> datetime | None:
        """Return until when a try is not taken, None where it is."""
        count, last = self._failures.get((name, address), (0, now))
        if count < FREE_FAILURES or now - last >= FORGET_AFTER:
            return None
        # The exponent is bounded by the most that can matter, so the shift stays small.
        pause = min(PAUSE_FIRST * 2 ** min(count - FREE_FAILURES, 16), PAUSE_MAX)
        return last + pause if now < last + pause else None

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Remember a failure."""
        key = (name, address)
        count, last = self._failures.pop(key, (0, now))
        if now - last >= FORGET_AFTER:
            count = 0
        self._failures[key] = (count + 1, now)
        if len(self._failures) > NAMES_MAX:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures before a success."""
        self._failures.pop((name, address), None)
