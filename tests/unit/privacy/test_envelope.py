"""Sealing: what was sealed opens, in its own place only, and says what it was sealed with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.privacy.blind_index import DIGEST_LENGTH, IndexKind, derive_key, digest_of
from counterfoil.privacy.envelope import CiphertextRejectedError, decrypt, encrypt, new_key

KEY = bytes(range(32))


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens(text: bytes, context: bytes) -> None:
    assert decrypt(KEY, encrypt(KEY, text, context), context) == text


def test_the_first_byte_names_the_form_and_the_second_the_suite() -> None:
    assert encrypt(KEY, b"text", b"here")[:2] == b"\x02\x01"


def test_the_same_text_is_never_sealed_the_same_way() -> None:
    assert encrypt(KEY, b"text", b"here") != encrypt(KEY, b"text", b"here")


@given(st.integers(0, 37), st.integers(1, 255))
def test_one_changed_byte_never_opens(position: int, change: int) -> None:
    sealed = bytearray(encrypt(KEY, b"text", b"here"))
    sealed[position] ^= change
    with pytest.raises(CiphertextRejectedError):
        decrypt(KEY, bytes(sealed), b"here")


@given(st.integers(0, 37))
def test_a_text_cut_short_never_opens(length: int) -> None:
    with pytest.raises(CiphertextRejectedError):
        decrypt(KEY, encrypt(KEY, b"text", b"here")[:length], b"here")


def test_another_context_or_key_never_opens() -> None:
    sealed = encrypt(KEY, b"text", b"here")
    with pytest.raises(CiphertextRejectedError):
        decrypt(KEY, sealed, b"there")
    with pytest.raises(CiphertextRejectedError):
        decrypt(new_key(), sealed, b"here")


def test_a_digest_is_short_keyed_and_of_one_kind() -> None:
    numbers, phones = derive_key(KEY, IndexKind.ID_NUMBER), derive_key(KEY, IndexKind.PHONE)
    digest = digest_of(numbers, "11010519491231002X")
    assert len(digest) == DIGEST_LENGTH
    assert digest == digest_of(numbers, "11010519491231002X")
    assert digest != digest_of(phones, "11010519491231002X")
    assert digest != digest_of(derive_key(new_key(), IndexKind.ID_NUMBER), "11010519491231002X")


def test_a_digest_is_stable_across_releases() -> None:
    # A changed digest would lose every person who is already in the directory.
    key = derive_key(KEY, IndexKind.ID_NUMBER)
    assert digest_of(key, "11010519491231002X").hex() == "edeefc406a21291999e48346b0d95590"
