"""Codes of authenticator apps, held against the vectors of the RFCs."""

import pytest

from counterfoil.platform.totp import (
    STEP_SECONDS,
    code_at,
    key_uri,
    matching_step,
    step_at,
)

#: RFC 6238, appendix B, and RFC 4226, appendix D: the same secret.
SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert code_at(SECRET, step_at(seconds), digits=8) == code


def test_codes_are_those_of_rfc_4226() -> None:
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert [code_at(SECRET, step) for step in range(10)] == codes.split()


@pytest.mark.parametrize(
    ("late", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_off(late: int, *, is_taken: bool) -> None:
    now = 1_111_111_109
    code = code_at(SECRET, step_at(now) - late)
    assert (matching_step(SECRET, code, now, after=0) is not None) is is_taken


def test_a_code_is_taken_once() -> None:
    now = 1_111_111_109
    code = code_at(SECRET, step_at(now))
    used = matching_step(SECRET, code, now, after=0)
    assert used == step_at(now)
    assert matching_step(SECRET, code, now + STEP_SECONDS, after=used) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert matching_step(SECRET, code, 59, after=0) is None


def test_the_picture_carries_what_apps_read() -> None:
    assert key_uri(SECRET, issuer="Counterfoil sandbox", account="li.na") == (
        "otpauth://totp/Counterfoil%20sandbox:li.na?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Counterfoil%20sandbox&algorithm=SHA1&digits=6&period=30"
    )
