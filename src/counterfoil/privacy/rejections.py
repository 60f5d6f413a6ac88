"""Ciphertexts that do not open: one may be damage, several in a short time are somebody at work.

Alarm       `REPEATED` within `SPAN_SECONDS` are said in the log, once a span; the whole number is
            a metric. What failed stays refused either way.
"""

from collections import deque
from typing import Final

from counterfoil.kernel.clock import Clock, SystemClock
from counterfoil.platform.telemetry import logger

REPEATED: Final = 5
SPAN_SECONDS: Final = 600.0

_LOG: Final = logger("counterfoil.privacy")


class Rejections:
    """Counts what one process could not open."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Start with none; by the machine's clock unless another is given."""
        self.total = 0
        self._clock = clock or SystemClock()
        self._recent: deque[float] = deque(maxlen=REPEATED)
        self._said_at = float("-inf")

    def note(self, reason: str) -> bool:
        """Count one; return whether it raised the alarm."""
        now = self._clock.now().timestamp()
        self.total += 1
        self._recent.append(now)
        is_many = len(self._recent) == REPEATED and now - self._recent[0] <= SPAN_SECONDS
        if not is_many or now - self._said_at < SPAN_SECONDS:
            return False
        self._said_at = now
        _LOG.error("ciphertexts rejected repeatedly", total=self.total, reason=reason)
        return True
