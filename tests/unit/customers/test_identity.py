"""Identity numbers, names and phone numbers: what passes, in which form, and what is refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.customers.identity import (
    Person,
    age_on,
    birth_date_of,
    check_character,
    check_id_number,
    check_name,
    check_person,
    check_phone,
)
from counterfoil.kernel.errors import Refused

TODAY = date(2026, 1, 5)

#: The two worked examples of GB 11643.
EXAMPLES = ["11010519491231002X", "440524188001010014"]


def test_the_first_example_of_the_standard_passes() -> None:
    assert check_id_number(EXAMPLES[0], TODAY) == EXAMPLES[0]
    assert birth_date_of(EXAMPLES[0]) == date(1949, 12, 31)


@pytest.mark.parametrize("number", EXAMPLES)
def test_the_check_characters_of_the_standard_come_out(number: str) -> None:
    assert check_character(number[:17]) == number[17]


def test_the_second_example_is_too_old_to_be_alive() -> None:
    refused = check_id_number(EXAMPLES[1], TODAY)
    assert isinstance(refused, Refused)
    assert "cannot be" in refused.message


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes(position: int, shift: int) -> None:
    number = EXAMPLES[0]
    wrong = str((int(number[position]) + shift) % 10)
    changed = number[:position] + wrong + number[position + 1 :]
    assert isinstance(check_id_number(changed, TODAY), Refused)


@given(st.integers(0, 15))
def test_two_swapped_neighbours_never_pass(position: int) -> None:
    number = EXAMPLES[0]
    a, b = number[position], number[position + 1]
    swapped = number[:position] + b + a + number[position + 2 :]
    if a != b:
        assert isinstance(check_id_number(swapped, TODAY), Refused)


def test_blanks_and_a_small_x_are_put_right() -> None:
    assert check_id_number(" 110105 19491231 002x ", TODAY) == EXAMPLES[0]


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", "17 digits"),
        ("11010519491231002", "17 digits"),
        ("11010519491231002XX", "17 digits"),
        ("1101051949123１002X", "17 digits"),
        ("99010519491231002X", "region"),
        ("110105194913310020", "does not exist"),
        ("110105190002290019", "does not exist"),
        ("110105202601060010", "cannot be"),
        ("110105194912310021", "check character"),
    ],
)
def test_a_malformed_number_is_refused_with_its_fault(number: str, fault: str) -> None:
    refused = check_id_number(number, TODAY)
    assert isinstance(refused, Refused)
    assert refused.code == "id_number_invalid"
    assert fault in refused.message
    assert not number or number not in refused.message


def test_age_turns_on_the_birthday() -> None:
    born = date(2008, 1, 5)
    assert age_on(born, date(2026, 1, 4)) == 17
    assert age_on(born, date(2026, 1, 5)) == 18


def test_who_was_born_on_a_leap_day_is_older_on_the_first_of_march() -> None:
    born = date(2008, 2, 29)
    assert age_on(born, date(2026, 2, 28)) == 17
    assert age_on(born, date(2026, 3, 1)) == 18
    assert age_on(born, date(2028, 2, 29)) == 20


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("王小明", "王小明"),
        ("  王小明\n", "王小明"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("Zoe\u0308 O'Neil-Smith", "Zoë O'Neil-Smith"),
        ("\U0002070e某", "\U0002070e某"),
    ],
)
def test_a_name_passes_in_its_normal_form(text: str, normal: str) -> None:
    assert check_name(text) == normal


@pytest.mark.parametrize(
    "text", ["", "   ", "王" * 51, "王\u200b明", "王\x00明", "王<明>", "12345", "···", "王\u202e明"]
)
def test_what_no_name_has_is_refused(text: str) -> None:
    refused = check_name(text)
    assert isinstance(refused, Refused)
    assert refused.code == "name_invalid"


@pytest.mark.parametrize(
    "text", ["13800138000", "138 0013 8000", "+86 138-0013-8000", "8613800138000"]
)
def test_spellings_of_one_phone_number_are_one_text(text: str) -> None:
    assert check_phone(text) == "+8613800138000"


def test_a_mobile_number_of_another_country_passes_with_its_code() -> None:
    assert check_phone("+852 9123 4567") == "+85291234567"


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1380013800", "010-62781234", "13800138000 ext 5", "1" * 25, "14000138000"],
)
def test_what_cannot_receive_a_message_is_refused(text: str) -> None:
    refused = check_phone(text)
    assert isinstance(refused, Refused)
    assert refused.code == "phone_invalid"


def test_a_person_is_checked_as_a_whole() -> None:
    person = check_person(
        name="王小明", id_number=EXAMPLES[0].lower(), phone="13800138000", today=TODAY
    )
    assert person == Person(
        name="王小明",
        id_number=EXAMPLES[0],
        phone="+8613800138000",
        birth_date=date(1949, 12, 31),
    )
    refused = check_person(name="", id_number="", phone="", today=TODAY)
    assert isinstance(refused, Refused)
    assert refused.code == "name_invalid"
