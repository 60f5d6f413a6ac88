"""Identifiers: never the same number twice, never a smaller one later, and a text that speaks."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.kernel import ids
from counterfoil.kernel.ids import (
    EPOCH_MS,
    IdSource,
    InvalidIdError,
    floor_of,
    from_text,
    to_text,
)


def test_numbers_grow_within_a_millisecond_and_when_it_is_used_up() -> None:
    source = IdSource(lambda: EPOCH_MS + 5, 3)
    numbers = [source.next() for _ in range(10_000)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >> 22 == 5
    assert {number >> 12 & 1023 for number in numbers} == {3}
    assert numbers[4_096] >> 22 == 6, "4,096 in one millisecond, then the next is borrowed"


def test_a_clock_that_steps_back_gives_no_number_twice() -> None:
    moments = iter([1_000, 1_001, 900, 901, 1_001, 1_002])
    source = IdSource(lambda: EPOCH_MS + next(moments), 0)
    numbers = [source.next() for _ in range(6)]
    assert numbers == sorted(set(numbers))


@given(
    st.lists(st.integers(EPOCH_MS, EPOCH_MS + 2_000), min_size=1, max_size=50),
    st.integers(0, 1023),
)
def test_any_clock_gives_growing_numbers(moments: list[int], node: int) -> None:
    ticks = iter(moments)
    source = IdSource(lambda: next(ticks), node)
    numbers = [source.next() for _ in moments]
    assert all(a < b for a, b in itertools.pairwise(numbers))


@pytest.mark.parametrize("node", [-1, 1024])
def test_a_node_number_has_ten_bits(node: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 1023"):
        IdSource(lambda: EPOCH_MS, node)


@given(st.integers(0, (1 << 63) - 1))
def test_the_text_is_the_number(number: int) -> None:
    text = to_text(ids.LOAN, number)
    assert len(text) == len("lo_") + 13
    assert from_text(ids.LOAN, text) == number


@given(st.integers(0, (1 << 63) - 2))
def test_texts_sort_as_their_numbers(number: int) -> None:
    assert to_text(ids.LINE, number) < to_text(ids.LINE, number + 1)


@pytest.mark.parametrize(
    "text",
    [
        "", "lo", "lo_", "ln_0000000000001", "lo_000000000001", "lo_00000000000001",
        "lo_000000000000i", "lo_000000000000L", "lo_000000000000U", "lo_8000000000000",
        "LO_0000000000001", "lo_00000000 0001", "lo_0000000000001\n", "lo_000000000000١",
    ],
)  # fmt: skip
def test_what_is_not_an_identifier_of_that_kind_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError):
        from_text(ids.LOAN, text)


def test_the_largest_number_has_a_text_and_the_next_has_none() -> None:
    assert from_text(ids.LOAN, "lo_7zzzzzzzzzzzz") == (1 << 63) - 1


def test_the_floor_of_an_instant_parts_what_came_before_from_what_comes_after() -> None:
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    milliseconds = int(at.timestamp()) * 1_000
    before = IdSource(lambda: milliseconds - 1, 1_023)
    after = IdSource(lambda: milliseconds, 0)
    assert before.next() < floor_of(at) <= after.next()
