"""How names and numbers are shown: enough to recognise one's own, not enough to learn another's.

Invariant   Masking happens on the server; what leaves it masked cannot be undone.
"""

import re
from typing import Final

#: In the place of what is not shown at all.
HIDDEN: Final = "****"
_CHINA: Final = "+86"
_CHINA_LENGTH: Final = 14
_ID_NUMBER_LENGTH: Final = 18
_SHOWN_PHONE_LENGTH_MIN: Final = 10


def mask_name(name: str) -> str:
    """Return 王*明 for 王小明, 王* for 王明, and J**** S**** for a name in Latin letters."""
    if name.isascii() or " " in name:
        return " ".join(part[0] + HIDDEN for part in name.split())
    if len(name) == 1:
        return "*"
    last = name[-1] if len(name) > len("王明") else ""
    return name[0] + "*" * (len(name) - 1 - len(last)) + last


def mask_id_number(number: str) -> str:
    """Return the first three and the last four characters of an identity number."""
    if len(number) != _ID_NUMBER_LENGTH:
        return HIDDEN
    return number[:3] + "*" * 11 + number[-4:]


def mask_phone(phone: str) -> str:
    """Return 138****1234 for a mainland number in E.164; others keep country and last four."""
    if phone.startswith(_CHINA) and len(phone) == _CHINA_LENGTH:
        phone = phone.removeprefix(_CHINA)
        return phone[:3] + HIDDEN + phone[-4:]
    if len(phone) < _SHOWN_PHONE_LENGTH_MIN:
        return HIDDEN
    return phone[:3] + HIDDEN + phone[-4:]


def mask_email(address: str) -> str:
    """Return the first letter and the domain of an e-mail address."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}{HIDDEN}@{domain}"


def mask_letter_address(address: str) -> str:
    """Return the first characters of a postal address, which name a province or a country."""
    return f"{address[:3]}{HIDDEN}"


#: 18 characters whose last may be an X (GB 11643-1999).
_ID_NUMBERS: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
#: Full-width digits, letters, plus and dash, which people type without meaning them.
_NARROW: Final = {code + 0xFEE0: code for code in (*range(0x30, 0x3A), 0x58, 0x78, 0x2B, 0x2D)}
#: Digits of the shortest number that is looked for.
_SHORTEST_DIGITS: Final = 11
_SEPARATED: Final = re.compile(r"(?<=[0-9])[ \-\u00a0](?=[0-9])")
_PHONES: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9A-Za-z])"
)


def mask_free_text(text: str) -> str:
    """Return a text in which identity and mainland phone numbers are hidden.

    Full-width digits count as digits, and blanks or dashes between digits do not help. A number of
    18 digits whose check character is wrong is hidden too: a slip of the pen is still a person's.
    """
    plain = text.translate(_NARROW)
    if sum(letter.isdecimal() for letter in plain) < _SHORTEST_DIGITS:
        return text
    found = [*_spans(_ID_NUMBERS, plain), *_spans(_PHONES, plain)]
    if not found:
        return text
    parts, end = [], 0
    for start, stop in sorted(found):
        if start >= end:
            parts += [plain[end:start], HIDDEN]
            end = stop
    return "".join([*parts, plain[end:]])


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Return where a pattern is found, also across separators between digits."""
    direct = [match.span() for match in pattern.finditer(text)]
    places = [n for n in range(len(text)) if not _is_separator(text, n)]
    joined = "".join(text[n] for n in places)
    through = [
        (places[match.start()], places[match.end() - 1] + 1) for match in pattern.finditer(joined)
    ]
    return sorted({*direct, *through})


def _is_separator(text: str, place: int) -> bool:
    return bool(_SEPARATED.match(text, place))
