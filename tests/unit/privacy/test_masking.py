"""Masks: enough to recognise one's own, not enough to learn another's."""

import pytest

from counterfoil.privacy.masking import (
    mask_free_text,
    mask_id_number,
    mask_name,
    mask_phone,
)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小明", "王*明"),
        ("王明", "王*"),
        ("王", "*"),
        ("欧阳小明", "欧**明"),
        ("Anna Smith", "A**** S****"),
        ("Bo", "B****"),
        ("Zoë Smith", "Z**** S****"),
    ],
)
def test_a_name_keeps_its_ends(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_an_identity_number_keeps_three_and_four() -> None:
    assert mask_id_number("11010519491231002X") == "110***********002X"


@pytest.mark.parametrize("number", ["", "1101", "11010519491231002XX"])
def test_what_is_no_identity_number_is_hidden_whole(number: str) -> None:
    assert mask_id_number(number) == "****"


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613800131234", "138****1234"),
        ("+85291234567", "+85****4567"),
        ("+86138", "****"),
        ("", "****"),
    ],
)
def test_a_phone_number_keeps_its_ends(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证11010519491231002X，电话13800131234。", "身份证****，电话****。"),
        ("call +86 138 0013 1234 now", "call **** now"),
        ("call +86-138-0013-1234 now", "call **** now"),
        ("１３８００１３１２３４", "****"),
        ("id 110105 19491231 002x.", "id ****."),
        ("loan 20260105 amount 1380013", "loan 20260105 amount 1380013"),
        ("lo_01hv4zq3k2f00", "lo_01hv4zq3k2f00"),
        ("213800131234", "213800131234"),
        ("", ""),
    ],
)
def test_numbers_in_free_text_are_hidden(text: str, masked: str) -> None:
    assert mask_free_text(text) == masked
