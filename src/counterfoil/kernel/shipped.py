"""What ships with the program does not change while a process runs, so each reads it once."""

from functools import cache, wraps
from pathlib import Path
from typing import Protocol, TypeVar

_Loaded_co = TypeVar("_Loaded_co", covariant=True)


class Loader(Protocol[_Loaded_co]):
    """Reads from a path, or for None what ships."""

    def __call__(self, path: Path | None = None, /) -> _Loaded_co:
        """Return what was read."""


def shipped_once(load: Loader[_Loaded_co]) -> Loader[_Loaded_co]:
    """Let a loader keep what it read for None; what lies at a path is read at each call.

    What it returns is shared by all callers: it has to be one that nobody changes.
    """
    shipped = cache(lambda: load(None))

    @wraps(load)
    def loaded(path: Path | None = None, /) -> _Loaded_co:
        return shipped() if path is None else load(path)

    return loaded
