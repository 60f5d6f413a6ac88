"""Text as all files of the log are written: lines, decimals, base64; one spelling of each value.

Follows     the notation sections of the C2SP formats, narrowed: no control character but newline,
            numbers below 2^63, base64 that decodes and encodes to the same text.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from counterfoil.evidence.formats.reasons import Reason, RejectedError

#: Sizes, indices and times are below 2^63.
NUMBER_MAX: Final = 2**63 - 1
HASH_BYTES: Final = 32

# Category Cc: U+0000 to U+001F, U+007F to U+009F.
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def decode(data: bytes, *, bytes_max: int) -> str:
    """Return the text of a file that ends in a newline."""
    if len(data) > bytes_max:
        raise RejectedError(Reason.TOO_LARGE, f"{len(data)} bytes, {bytes_max} are read")
    try:
        text = data.decode()
    except UnicodeDecodeError as failure:
        raise RejectedError(Reason.NOT_UTF8, f"byte {failure.start}") from failure
    if found := _CONTROL.search(text):
        raise RejectedError(Reason.CONTROL_CHARACTER, f"U+{ord(found[0]):04X} at {found.start()}")
    if not text.endswith("\n"):
        raise RejectedError(Reason.FINAL_NEWLINE_MISSING)
    return text


def parse_number(text: str) -> int:
    """Return a decimal without sign and without leading zero."""
    if _DECIMAL.fullmatch(text) is None:
        raise RejectedError(Reason.NUMBER_MALFORMED, repr(text[:40]))
    number = int(text)
    if number > NUMBER_MAX:
        raise RejectedError(Reason.NUMBER_MALFORMED, f"{text} is not below 2^63")
    return number


def parse_base64(text: str) -> bytes:
    """Return the bytes of standard base64 in its only accepted spelling."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as failure:
        raise RejectedError(Reason.BASE64_MALFORMED, repr(text[:80])) from failure
    if b64encode(data).decode() != text:
        raise RejectedError(Reason.BASE64_MALFORMED, f"{text[:80]!r} has another spelling")
    return data


def parse_hash(text: str) -> bytes:
    """Return a hash of 32 bytes."""
    data = parse_base64(text)
    if len(data) != HASH_BYTES:
        raise RejectedError(Reason.HASH_LENGTH, f"{len(data)} bytes")
    return data


def format_base64(data: bytes) -> str:
    """Return standard base64."""
    return b64encode(data).decode()
