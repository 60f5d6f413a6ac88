"""The simulated bank's memory: a file of JSON lines to which it only appends.

Invariant   A line is handed to the operating system before the bank answers, so a killed process
            forgets nothing it has answered for. (Power failure is not simulated: no flush.)
Recovery    A last line without its line feed was being written when the process died; it is cut.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson


class Journal:
    """Appends facts to a file, or keeps none where there is no file."""

    def __init__(self, path: Path | None) -> None:
        """Open the file for appending; None keeps everything in memory alone."""
        self._path = path
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._file = os.open(path, flags, 0o600)
            _cut_torn_line(self._file)

    def append(self, fact: Mapping[str, object]) -> None:
        """Write one fact."""
        if self._file is not None:
            line = orjson.dumps(fact, option=orjson.OPT_APPEND_NEWLINE)
            written = os.write(self._file, line)
            assert written == len(line), "the disk is full"

    def facts(self) -> Iterator[dict[str, Any]]:
        """Return every fact written so far, in order."""
        if self._path is None:
            return
        with self._path.open("rb") as lines:
            for line in lines:
                yield orjson.loads(line)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()


def _cut_torn_line(file: int) -> None:
    """Drop what follows the last line feed; a line is far shorter than the block looked at."""
    size = os.fstat(file).st_size
    block = os.pread(file, 65_536, max(0, size - 65_536))
    torn = len(block) - (block.rfind(b"\n") + 1)
    if torn:
        os.ftruncate(file, size - torn)
