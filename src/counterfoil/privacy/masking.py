"""How names and numbers are shown: enough to recognise one's own, not enough to learn another's.

Invariant   Masking happens on the server; what leaves it masked cannot be undone.
"""

from typing import Final

_HIDDEN: Final = "****"
_CHINA: Final = "+86"
_CHINA_LENGTH: Final = 14
_ID_NUMBER_LENGTH: Final = 18
_SHOWN_PHONE_LENGTH_MIN: Final = 10


def mask_name(name: str) -> str:
    """Return 王*明 for 王小明, 王* for 王明, and J**** S**** for a name in Latin letters."""
    if name.isascii() or " " in name:
        return " ".join(part[0] + _HIDDEN for part in name.split())
    if len(name) == 1:
        return "*"
    last = name[-1] if len(name) > len("王明") else ""
    return name[0] + "*" * (len(name) - 1 - len(last)) + last


def mask_id_number(number: str) -> str:
    """Return the first three and the last four characters of an identity number."""
    if len(number) != _ID_NUMBER_LENGTH:
        return _HIDDEN
    return number[:3] + "*" * 11 + number[-4:]


def mask_phone(phone: str) -> str:
    """Return 138****1234 for a mainland number in E.164; others keep country and last four."""
    if phone.startswith(_CHINA) and len(phone) == _CHINA_LENGTH:
        phone = phone.removeprefix(_CHINA)
        return phone[:3] + _HIDDEN + phone[-4:]
    if len(phone) < _SHOWN_PHONE_LENGTH_MIN:
        return _HIDDEN
    return phone[:3] + _HIDDEN + phone[-4:]
