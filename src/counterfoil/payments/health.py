"""Whether a rail answers at all, so that a rail that is down queues payments before they are sent.

Sending into silence would turn every payment into an unknown one. After enough calls in a row
without an answer only a few payments go out at a time, as probes, until one is answered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: Calls in a row without an answer after which the rail counts as down.
SILENT_MAX: Final = 20

#: How long nothing is sent to a rail that is down.
PAUSE: Final = timedelta(seconds=5)

#: Payments sent after a pause to find out whether the rail is back.
PROBES: Final = 2


@dataclass(frozen=True, slots=True)
class RailHealth:
    """What the last calls of one rail tell of it."""

    silent_in_a_row: int = 0
    #: Nothing is sent before; None while the rail is not down.
    paused_until: datetime | None = None

    def after_answer(self) -> "RailHealth":
        """Return the health after any answer at all."""
        return RailHealth() if self.silent_in_a_row else self

    def after_silence(self, now: datetime) -> "RailHealth":
        """Return the health after a call that nobody answered."""
        silent = self.silent_in_a_row + 1
        return RailHealth(silent, now + PAUSE if silent >= SILENT_MAX else None)

    def sends_allowed(self, now: datetime, *, wanted: int) -> int:
        """Return how many of the wanted sends may go out now."""
        if self.paused_until is None:
            return wanted
        return min(wanted, PROBES) if now >= self.paused_until else 0
