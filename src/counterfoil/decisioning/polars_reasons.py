"""The first reasons that rules give, as Polars expressions.

Method      One bit for each rule that may give a reason, in the order in which reasons rank; the
            lowest bit set is the first reason, and is taken off for the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from counterfoil.decisioning.polars_text import any_of, looked_up, packed

#: Bits of a word.
WORD: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What may give a reason, with the condition under which it does."""

    condition: pl.Expr
    reason: str


def with_first_reasons(
    frame: pl.LazyFrame, slots: Sequence[Slot], numbers: Mapping[str, int], *, count: int
) -> pl.LazyFrame:
    """Add the first reasons of slots, by their numbers, as columns `q0` and so on."""
    if not slots:
        none = pl.lit(None, dtype=pl.UInt16)
        return frame.with_columns(none.alias(f"q{rank}") for rank in range(count))
    words = packed([slot.condition for slot in slots], "slots")
    names = [f"slots_{number}" for number in range(len(words))]
    frame = frame.with_columns(words)
    ids = [numbers[slot.reason] for slot in slots]
    for rank in range(count):
        frame = frame.with_columns(
            _first_bit(names, ids).alias(f"q{rank}"), *_without_first_bit(names)
        )
    return frame


def once(slots: list[Slot], where: pl.Expr) -> list[Slot]:
    """Return slots that hold only where no earlier one has the same reason."""
    found: list[Slot] = []
    earlier: dict[str, list[pl.Expr]] = {}
    for slot in slots:
        before = earlier.setdefault(slot.reason, [])
        condition = slot.condition & where
        if before:
            condition = condition & any_of(before).not_()
        found.append(Slot(condition=condition, reason=slot.reason))
        before.append(slot.condition)
    return found


def _first_bit(names: list[str], ids: list[int]) -> pl.Expr:
    """Return the reason of the lowest bit of some words, null where none is set."""
    result = pl.lit(None, dtype=pl.UInt16)
    for number, name in reversed([*enumerate(names)]):
        word = pl.col(name)
        here = ids[number * WORD : (number + 1) * WORD]
        place = word.bitwise_trailing_zeros().cast(pl.UInt8)
        reason = looked_up(place, here, pl.UInt16)
        result = pl.when(word != 0).then(reason).otherwise(result)
    return result


def _without_first_bit(names: list[str]) -> list[pl.Expr]:
    left = []
    zero, one = pl.lit(0, dtype=pl.UInt64), pl.lit(1, dtype=pl.UInt64)
    earlier: list[pl.Expr] = []
    for name in names:
        word = pl.col(name)
        # A word of zero stays: nothing is taken from it.
        less = pl.when(word != zero).then(word & (word - one)).otherwise(zero)
        if earlier:
            less = pl.when(any_of(earlier)).then(word).otherwise(less)
        left.append(less.alias(name))
        earlier = [*earlier, word != zero]
    return left
