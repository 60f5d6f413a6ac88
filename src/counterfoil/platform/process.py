"""What a long-running process settles once, when everything it keeps has been loaded."""

import gc
from typing import Final

#: Young objects between two looks for cycles. A command makes a few dozen objects, nearly all of
#: which go by themselves; Python's own 700 would look through every batch many times over.
YOUNG_OBJECTS: Final = 100_000
#: Looks at young objects before older ones are looked at as well.
YOUNG_LOOKS: Final = 20
OLD_LOOKS: Final = 50


def settle_memory() -> None:
    """Leave what is loaded alone from now on, and look for cycles less often.

    Measured on the write path: about a fifth less processor time a command.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS)
