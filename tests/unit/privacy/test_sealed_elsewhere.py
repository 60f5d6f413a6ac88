"""A sealed record opens in its own place only: not in another row, column, customer or suite."""

import pytest

from counterfoil.privacy.envelope import (
    CiphertextRejectedError,
    Sealer,
    Suite,
    decrypt,
    encrypt,
    new_key,
    place,
)

KEY = bytes(range(32))
TEXT = "征信报告".encode() * 10
HERE = ("bureau.report", "sealed", 5, 7, "report")
#: The form of version 0.1.0: suite 1, nonce, ciphertext, tag, of b"old text" for b"here".
FIRST_RELEASE = "010102030405060708090a0b0c6a863ef598f188f265a70f582f95a583576d822bcbfac4db"


@pytest.mark.parametrize("suite", list(Suite))
@pytest.mark.parametrize(
    "there",
    [
        ("bureau.answer", "sealed", 5, 7, "report"),
        ("bureau.report", "cut", 5, 7, "report"),
        ("bureau.report", "sealed", 6, 7, "report"),
        ("bureau.report", "sealed", 5, 8, "report"),
        ("bureau.report", "sealed", 5, 7, "identity"),
        ("bureau.report", "sealed", 57, 0, "report"),
    ],
)
def test_a_record_moved_elsewhere_does_not_open(
    suite: Suite, there: tuple[str, str, int, int, str]
) -> None:
    sealed = encrypt(KEY, TEXT, place(*HERE), suite)
    assert decrypt(KEY, sealed, place(*HERE)) == TEXT
    with pytest.raises(CiphertextRejectedError, match="wrong_key_context_or_text"):
        decrypt(KEY, sealed, place(*there))


@pytest.mark.parametrize("suite", list(Suite))
@pytest.mark.parametrize("other", [0, 1, 2, 3, 4, 255])
def test_a_record_whose_suite_was_altered_does_not_open(suite: Suite, other: int) -> None:
    sealed = bytearray(encrypt(KEY, TEXT, b"here", suite))
    if other == sealed[1]:
        return
    sealed[1] = other
    reason = "wrong_key_context_or_text" if other in set(Suite) else "unknown_suite"
    with pytest.raises(CiphertextRejectedError, match=reason):
        decrypt(KEY, bytes(sealed), b"here")


@pytest.mark.parametrize("suite", list(Suite))
def test_every_changed_byte_and_every_cut_is_refused(suite: Suite) -> None:
    sealed = encrypt(KEY, b"text", b"here", suite)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 0x41
        with pytest.raises(CiphertextRejectedError):
            decrypt(KEY, bytes(changed), b"here")
        with pytest.raises(CiphertextRejectedError):
            decrypt(KEY, sealed[:position], b"here")


def test_a_wrong_key_is_told_from_a_damaged_text() -> None:
    sealed = encrypt(KEY, TEXT, b"here")
    with pytest.raises(CiphertextRejectedError, match="another_key"):
        decrypt(new_key(), sealed, b"here")
    with pytest.raises(CiphertextRejectedError, match="wrong_key_context_or_text"):
        decrypt(KEY, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"here")
    with pytest.raises(CiphertextRejectedError, match="truncated"):
        decrypt(KEY, sealed[:30], b"here")
    with pytest.raises(CiphertextRejectedError, match="unknown_version"):
        decrypt(KEY, b"\x07" + sealed[1:], b"here")


def test_records_of_the_first_release_stay_readable() -> None:
    sealed = bytes.fromhex(FIRST_RELEASE)
    assert sealed[0] == 1
    assert decrypt(KEY, sealed, b"here") == b"old text"
    with pytest.raises(CiphertextRejectedError):
        decrypt(KEY, sealed, b"there")
    with pytest.raises(CiphertextRejectedError, match="truncated"):
        decrypt(KEY, sealed[:28], b"here")


def test_one_sealer_seals_many_in_any_suite() -> None:
    sealer = Sealer(KEY)
    for number in range(50):
        suite = list(Suite)[number % 3]
        assert sealer.decrypt(sealer.encrypt(TEXT, b"%d" % number, suite), b"%d" % number) == TEXT
