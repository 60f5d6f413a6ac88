"""How much of a file Polars reads ahead, so that a back-test of any size fits into a gigabyte.

Polars reads these when it is first imported; whoever starts a process for a back-test sets them
before. What the environment says already stays.
"""

from collections.abc import MutableMapping
from typing import Final

#: Row groups read ahead, and rows worked on at once: half a gigabyte for some forty columns.
SETTINGS: Final = {
    "POLARS_ROW_GROUP_PREFETCH_SIZE": "2",
    "POLARS_IDEAL_MORSEL_SIZE": "50000",
}


def bound_memory(environment: MutableMapping[str, str]) -> None:
    """Set what is not set."""
    for name, value in SETTINGS.items():
        environment.setdefault(name, value)
