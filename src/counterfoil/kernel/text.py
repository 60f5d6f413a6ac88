"""Text in one form: what two people write alike is kept alike.

Follows     Unicode normalisation form C; RFC 8259 for the escapes of JSON.
"""

import json
import re
from typing import Final
from unicodedata import is_normalized, normalize

_FORM: Final = "NFC"
#: One escape of a JSON text, or several in a row that name characters by number.
_ESCAPES: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)
_ESCAPE_LENGTH: Final = len("\\u0000")
#: What has to stay escaped inside of a JSON text.
_KEPT: Final = re.compile('[\\x00-\\x1f"\\\\\\x7f\ud800-\udfff]')


def normal(text: str) -> str:
    """Return a text in Unicode's form NFC."""
    return text if text.isascii() else normalize(_FORM, text)


def normal_json(raw: bytes) -> bytes:
    """Return JSON whose texts and names are in the form NFC, byte for byte where they are already.

    Bytes that are no UTF-8 stay as they are, for the reader to refuse.
    """
    has_escapes = b"\\u" in raw
    if not has_escapes and raw.isascii():
        return raw
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw
    if has_escapes:
        text = _ESCAPES.sub(_spelled_out, text)
    return raw if is_normalized(_FORM, text) else normalize(_FORM, text).encode()


def _spelled_out(escapes: re.Match[str]) -> str:
    """Return the characters that escapes stand for, but those that may not stand there."""
    found = escapes[0]
    if len(found) < _ESCAPE_LENGTH:
        return found
    meant: str = json.loads(f'"{found}"')
    return _KEPT.sub(lambda one: f"\\u{ord(one[0]):04x}", meant)
