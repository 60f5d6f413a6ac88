"""Creditor references: as the standard has them, found in what people write, and slips seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import (
    find_reference,
    grouped,
    read_reference,
    reference_of,
)

NUMBERS = st.integers(1, 2**63 - 1)
KINDS = st.sampled_from([ids.LINE, ids.LOAN])


@given(KINDS, NUMBERS)
def test_a_reference_is_one_of_the_standard_and_names_what_it_was_made_for(
    prefix: str, number: int
) -> None:
    reference = reference_of(prefix, number)
    assert iso11649.validate(reference) == reference
    assert iso11649.format(reference) == grouped(reference)
    assert read_reference(reference) == (prefix, number)


@given(KINDS, NUMBERS, st.text(" .-/", max_size=3), st.sampled_from(["repayment ", "还款 ", ""]))
def test_a_reference_is_found_however_it_is_written(
    prefix: str, number: int, space: str, before: str
) -> None:
    reference = reference_of(prefix, number)
    words = before + space.join(reference).lower() + " thank you"
    assert find_reference(words) == reference


@given(KINDS, NUMBERS, st.integers(2, 17), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_wrong_figure_or_letter_is_seen(prefix: str, number: int, at: int, letter: str) -> None:
    reference = reference_of(prefix, number)
    wrong = reference[:at] + letter + reference[at + 1 :]
    if wrong != reference and letter.isdigit() == reference[at].isdigit():
        assert read_reference(wrong) is None


@given(KINDS, NUMBERS, st.integers(5, 16))
def test_two_that_changed_places_are_seen(prefix: str, number: int, at: int) -> None:
    reference = reference_of(prefix, number)
    wrong = reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
    if wrong != reference:
        assert read_reference(wrong) is None


def test_letters_that_look_like_figures_are_read_as_them() -> None:
    reference = reference_of(ids.LINE, 1)
    assert find_reference(reference[:6] + reference[6:].replace("0", "o")) == reference
    assert find_reference(reference[:-1] + "l") == reference


@pytest.mark.parametrize(
    "words",
    [
        "",
        "thanks",
        "RF18539007547034",
        "pu_01hv4zq3k2f00",
        reference_of(ids.LINE, 1) + " " + reference_of(ids.LOAN, 2),
    ],
)
def test_what_names_nothing_or_two_is_no_reference(words: str) -> None:
    assert find_reference(words) is None


def test_a_mistyped_one_is_kept_as_it_stands() -> None:
    reference = reference_of(ids.LOAN, 77)
    wrong = reference[:-1] + "9"
    assert read_reference(wrong) is None
    assert find_reference(f"loan {wrong}") == wrong
