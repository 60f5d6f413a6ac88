"""What the accrual of a close had seen: commands go on meanwhile, and some commit a moment later.

A command is dated when it is decided and commits afterwards, so its instant does not say whether
the accrual saw it. The accrual keeps the snapshot that it read by; a row is seen where its
transaction is visible in that snapshot.

Invariant   What belongs to the closed date or before was committed before the date moved, so it
            was seen; of the rest, what the snapshot shows, and nothing else.
Limits      Transaction numbers do not survive a logical restore; for rows older than
            `COMMIT_MINUTES_MAX` before the accrual the instant alone decides.
"""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Self

#: No command takes longer from its decision to its commit.
COMMIT_MINUTES_MAX: Final = 15
_WRAP: Final = 2**32


class Snapshot(NamedTuple):
    """A snapshot of the database, its transaction numbers as rows bear them: modulo 2^32."""

    xmax: int
    in_progress: tuple[int, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `pg_current_snapshot()` wrote: xmin, xmax and those in progress."""
        _, xmax, in_progress = text.split(":")
        running = tuple(int(xid) % _WRAP for xid in in_progress.split(",") if xid)
        return cls(int(xmax) % _WRAP, running)

    def shows(self, xid: int) -> bool:
        """Return whether what a transaction wrote is visible."""
        is_later = (xid - self.xmax) % _WRAP < _WRAP // 2
        return not is_later and xid not in self.in_progress


class Cut(NamedTuple):
    """The accrual of a day, and what it had seen."""

    day: date
    at: datetime
    #: None for closes of before snapshots were kept: then the instant alone decides.
    snapshot: Snapshot | None

    @property
    def surely_seen_before(self) -> datetime:
        """Return the instant before which everything had long been committed."""
        minutes = 0 if self.snapshot is None else COMMIT_MINUTES_MAX
        return self.at - timedelta(minutes=minutes)

    def saw(self, book_date: date, posted_at: datetime, xid: int) -> bool:
        """Return whether the accrual had seen a row."""
        if book_date <= self.day or posted_at < self.surely_seen_before:
            return True
        return self.snapshot is not None and self.snapshot.shows(xid)
