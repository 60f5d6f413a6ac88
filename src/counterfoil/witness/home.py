"""What a witness keeps on disk: its key, the logs it trusts, their last heads, what it refused.

Form        key                        the signing key, mode 0600, written once
            logs/<H>/trusted           verifier keys of one log, a line each; H is the SHA-256 of
                                       the log's origin in hex
            logs/<H>/checkpoint        the last head that was cosigned: the log's lines, our line
            refused/<H>/<why>/<digest> one refused request each, as JSON
            lock                       held by the one process that may write heads
Invariant   A head is one file that is replaced whole and flushed with its name before anybody
            hears of it (`durable.py`). It is a signed note: at the start both signatures are
            checked, so rot and tampering show, and no check sum of our own is needed.
Files, not  A head is one small record a log. SQLite would flush more often for it, and in its
a database  default journal mode needs synchronous=EXTRA, not FULL, to survive a power failure right
            after a commit. And whoever runs a witness can read, compare and back up plain files.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

import orjson

from counterfoil.witness import durable

#: Refusals kept of one log for one reason. Only the log itself can fill the drawer of forks; the
#: others can be filled by whoever sends its published heads again, so they need a bound.
REFUSALS_MAX: Final = 10_000

_DIGEST_CHARACTERS: Final = 32


class WitnessHomeError(Exception):
    """The directory of a witness is not as it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused request that a trusted key of its log had signed."""

    #: POSIX seconds by the witness's clock.
    received: int
    #: Status of the answer.
    status: int
    #: Stable word for why.
    reason: str
    #: The head held at that moment, as a note; None if there was none yet.
    held: str | None
    #: The request as it came.
    request: str


class WitnessHome:
    """The directory of one witness."""

    def __init__(self, path: Path) -> None:
        """Take a directory; `create_key` makes it a witness's."""
        self._path = path

    def create_key(self, text: str) -> None:
        """Write the witness's key; a second one is never written over the first."""
        durable.make_directory(self._path)
        if not durable.create(self._path / "key", text.encode()):
            raise WitnessHomeError(f"{self._path} already holds a witness's key")

    def read_key(self) -> str:
        """Return what `create_key` wrote."""
        path = self._path / "key"
        try:
            mode = path.stat().st_mode & 0o777
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise WitnessHomeError(f"{path} cannot be read: run `witness init`") from error
        if mode & 0o077:
            raise WitnessHomeError(f"{path} is open to others (mode {mode:04o}): chmod 600")
        return text

    def trust(self, origin: str, verifier: str) -> bool:
        """Add a key of a log; return whether it was new. Several keys are a rotation."""
        folder = self._log(origin)
        durable.make_directory(folder)
        known = self.trusted(origin)
        if verifier in known:
            return False
        durable.replace(folder / "trusted", _lines([*known, verifier]))
        return True

    def trusted(self, origin: str) -> list[str]:
        """Return the keys of a log; none if it is unknown."""
        try:
            return (self._log(origin) / "trusted").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def logs(self) -> list[list[str]]:
        """Return the keys of each log, in a stable order."""
        paths = sorted((self._path / "logs").glob("*/trusted"))
        return [path.read_text(encoding="utf-8").splitlines() for path in paths]

    def head(self, origin: str) -> bytes | None:
        """Return the last cosigned checkpoint of a log."""
        return self.head_of_digest(digest_of(origin))

    def head_of_digest(self, digest: str) -> bytes | None:
        """Return the last cosigned checkpoint of the log whose origin has this digest."""
        try:
            return (self._path / "logs" / digest / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def store_head(self, origin: str, note: bytes) -> None:
        """Put a head in the place of the last one, durably."""
        durable.replace(self._log(origin) / "checkpoint", note)

    def keep_refusal(self, origin: str, signed: str, refusal: Refusal) -> bool:
        """Keep a refused request, once for each signed checkpoint and reason, durably.

        Return False where there are too many of its kind already.
        """
        folder = self._path / "refused" / digest_of(origin) / refusal.reason
        path = folder / (sha256(signed.encode()).hexdigest()[:_DIGEST_CHARACTERS] + ".json")
        if path.exists():
            return True
        durable.make_directory(folder)
        if sum(1 for _ in folder.iterdir()) >= REFUSALS_MAX:
            return False
        durable.replace(path, orjson.dumps(refusal))
        return True

    def refusals(self) -> Iterator[Refusal]:
        """Return everything that was kept, oldest first."""
        paths = (self._path / "refused").glob("*/*/*.json")
        found = [Refusal(**orjson.loads(path.read_bytes())) for path in paths]
        yield from sorted(found, key=lambda refusal: (refusal.received, refusal.request))

    @contextmanager
    def locked(self) -> Iterator[Self]:
        """Be the only process that writes heads here; one that comes second is turned away."""
        durable.make_directory(self._path)
        with (self._path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise WitnessHomeError(f"another process serves {self._path}") from error
            yield self

    def _log(self, origin: str) -> Path:
        return self._path / "logs" / digest_of(origin)


def digest_of(origin: str) -> str:
    """Return the name under which a log's head is served: SHA-256 of its origin, in hex."""
    return sha256(origin.encode()).hexdigest()


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
