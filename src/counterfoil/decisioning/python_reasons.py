"""Reasons as the generated function ranks them: what leads, what is given, then what was lost.

Keys        A loss of points, its place on the card and whether the value was unknown, in one
            integer; below 0, so that the greatest loss sorts first.
"""

from collections.abc import Mapping

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.scorecard import Scorecard

#: Positions and a bit for "unknown" below the loss in a key; more than the characteristics allowed.
_KEY_LOW = 1024


def shortfall_codes(card: Scorecard) -> tuple[str, ...]:
    """Return reason codes by the low part of a key: position twice, then the unknown bit."""
    return tuple(
        code for item in card.characteristics for code in (item.reason, item.reason_unknown)
    )


def key_of(loss: int, position: int, *, is_unknown: bool) -> int:
    """Return the key of what a bin holds the score down by; 0 where that is nothing."""
    return -loss * _KEY_LOW + position * 2 + is_unknown if loss > 0 else 0


def fill(
    lead: tuple[str, ...],
    codes: tuple[str, ...],
    keys: tuple[int, ...],
    code_of: tuple[str, ...],
    most: int,
) -> tuple[str, ...]:
    """Return the first reason codes, each once: leading ones, then given ones, then losses."""
    found = dict.fromkeys((*lead, *codes))
    if keys and len(found) < most:
        for key in sorted(keys):
            if key >= 0:
                break
            found[code_of[key & (_KEY_LOW - 1)]] = None
            if len(found) == most:
                break
    return tuple(found)[:most]


def ask_for(names: tuple[str, ...], values: Mapping[str, Value | None]) -> tuple[str, ...]:
    """Return what to ask for: the unknown among names, else all of them."""
    each = tuple(dict.fromkeys(names))
    return tuple(name for name in each if values[name] is None) or each
