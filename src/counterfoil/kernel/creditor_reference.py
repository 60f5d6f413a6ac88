"""Creditor references: what a payer writes on a transfer, so that it finds its line or loan.

Text        `RF`, two check digits, a letter for the kind and the 13 characters of the identifier in
            capitals: `RF45 L01H V4ZQ 3K2F 00` names a credit line. Written down in groups of four.
Check       ISO 7064 MOD 97-10: a wrong figure, a wrong letter, two that changed places and nearly
            every other slip are seen. A letter that no identifier has is read as the figure that
            it looks like.
Invariant   A reference is another text of an identifier; nothing is stored, and no two are alike.
Follows     ISO 11649 (structured creditor reference).
"""

import re
from typing import Final

from counterfoil.kernel import ids

#: The kinds that can be paid, by their letter.
_LETTERS: Final = {ids.LINE: "L", ids.LOAN: "D"}
_PREFIXES: Final = {letter: prefix for prefix, letter in _LETTERS.items()}
#: References may stand anywhere in what a payer wrote; the last part may look like figures.
_FOUND: Final = re.compile(r"(?=(RF[0-9]{2}[LD][0-9A-Z]{13}))")
_SPACES: Final = re.compile(r"[\s\-./]+")
#: What may stand between two letters of one in a page or an address.
_BETWEEN: Final = r"(?:[\s\-./+]|%20|&nbsp;)*+"
_SEPARATORS: Final = re.compile(_BETWEEN)
#: Pattern of one as people write it, in whatever groups and letters, mistyped or not.
WRITTEN: Final = (
    rf"[Rr]{_BETWEEN}[Ff](?:{_BETWEEN}[0-9]){{2}}{_BETWEEN}[LDld](?:{_BETWEEN}[0-9A-Za-z]){{13}}"
)
_LOOKS_LIKE: Final = str.maketrans("OIL", "011")
_MODULUS: Final = 97
_BODY_AT: Final = 5
_GROUP: Final = 4


def reference_of(prefix: str, number: int) -> str:
    """Return the reference of a line or loan, without spaces."""
    _, _, body = ids.to_text(prefix, number).partition("_")
    text = f"{_LETTERS[prefix]}{body.upper()}"
    return f"RF{98 - _remainder(f'{text}RF00'):02d}{text}"


def grouped(reference: str) -> str:
    """Return a reference as people read it: in groups of four."""
    return " ".join(reference[at : at + _GROUP] for at in range(0, len(reference), _GROUP))


def read_reference(text: str) -> tuple[str, int] | None:
    """Return prefix and number of what a reference names; None where its check digits differ."""
    if not _FOUND.match(text) or len(text) != _BODY_AT + 13:
        return None
    if _remainder(text[4:] + text[:4]) != 1:
        return None
    prefix = _PREFIXES[text[4]]
    try:
        return prefix, ids.from_text(prefix, f"{prefix}_{text[_BODY_AT:].lower()}")
    except ids.InvalidIdError:
        return None


def find_reference(words: str) -> str | None:
    """Return the reference in what a payer wrote; None where there is none, or more than one.

    Spaces and the case of letters do not count. Where none has its check digits, what looks like
    one is returned, so that people see what was mistyped.
    """
    plain = _SPACES.sub("", words.upper())
    alike = [_as_meant(found) for found in _FOUND.findall(plain)]
    good = {text for text in alike if read_reference(text) is not None}
    if good:
        return good.pop() if len(good) == 1 else None
    return alike[0] if alike else None


def read_written(written: str) -> tuple[str, int] | None:
    """Return prefix and number of what `WRITTEN` found; None where its check digits differ."""
    return read_reference(_as_meant(_SEPARATORS.sub("", written).upper()))


def _as_meant(plain: str) -> str:
    return plain[:_BODY_AT] + plain[_BODY_AT:].translate(_LOOKS_LIKE)


def _remainder(text: str) -> int:
    """Return a text, its letters counted from 10, modulo 97."""
    return int("".join(str(int(letter, 36)) for letter in text)) % _MODULUS
