"""Aliases: the numbers by which one recipient knows records, and nobody else does.

Form        The record's kind, an x, an underscore and 16 characters of Crockford base 32:
            `lox_7m2k9q0d4v8s1t3w`. No identifier has three letters before its underscore.
Cipher      A Feistel network of ten rounds over 80 bits with AES-256 as its round function (the
            shape of FF1, NIST SP 800-38G), under a key of the recipient, another permutation for
            each kind. Of the 80 bits 64 are the number and 16 are zero.
References  What payers write on a transfer is the number of a line or loan in other letters
            (`kernel.creditor_reference`): it goes out as the alias, mistyped as nothing at all, and
            is refused when it is handed in.
Check       What another key made, or a slip of the pen, has its 17 upper bits zero by chance once
            in 131,072, and then stands for a number that no record has.
"""

import hmac
import re
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import WRITTEN, read_written
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy.refusals import ALIAS_MISSING, RECORD_NUMBER_OF_ANOTHER

_MARKER: Final = "x"
_LENGTH: Final = 16
_ROUNDS: Final = 10
_HALF_BITS: Final = 40
_HALF_BYTES: Final = _HALF_BITS // 8
_HALF: Final = (1 << _HALF_BITS) - 1
#: Numbers are positive and signed, so that their upper bit is zero as well.
_NUMBERS: Final = 1 << 63
#: More than a page has; the same ones stand on one page after another.
_KNOWN_MAX: Final = 4096
_BITS_A_LETTER: Final = 5
_VALUES: Final = {letter: value for value, letter in enumerate(ids.ALPHABET)}

#: Kind → what stands before the half of the number in each round's block of 16 bytes.
_TWEAKS: Final = {
    kind: [f"{kind}{turn:09}".encode() for turn in range(_ROUNDS)] for kind in ids.OF_CUSTOMERS
}

#: What stands where a reference was mistyped, also in a header: its figures nearly name the record.
_MISTYPED: Final = "RF--"

_KIND: Final = f"(?:{'|'.join(sorted(ids.OF_CUSTOMERS))})"
_TRUE: Final = re.compile(
    rf"(?<![0-9A-Za-z]){_KIND}_[0-7][{ids.ALPHABET}]{{12}}(?![0-9A-Za-z])", re.ASCII
)
#: Also the beginning of a number leads to records.
_TRUE_BEGUN: Final = re.compile(
    rf"(?<![0-9A-Za-z]){_KIND}_[0-7][{ids.ALPHABET}]{{3,}}", re.ASCII | re.IGNORECASE
)
_ALIAS: Final = re.compile(
    rf"(?<![0-9A-Za-z]){_KIND}{_MARKER}_[0-9A-Za-z]*", re.ASCII | re.IGNORECASE
)
#: Letters that make a reference may also stand in an identifier of whatever kind, or in an alias.
_GIVEN_OUT: Final = re.compile(
    rf"(?P<own>{_TRUE.pattern})"
    rf"|(?<![0-9A-Za-z])(?i:[a-z]{{2}}(?:_[{ids.ALPHABET}]{{13}}"
    rf"|{_MARKER}_[{ids.ALPHABET}]{{{_LENGTH}}}))(?![0-9A-Za-z])"
    rf"|(?P<reference>{WRITTEN})"
)


class Aliases:
    """The aliases of one recipient."""

    def __init__(self, key: bytes) -> None:
        """Take the recipient's key, of any length; the cipher's own is derived from it."""
        own = hmac.digest(key, b"alias", "sha256")
        # One block at a time under a key of its own is a keyed function, not a mode of secrecy.
        self._block = Cipher(algorithms.AES(own), modes.ECB()).encryptor().update  # noqa: S305
        self._known = lru_cache(_KNOWN_MAX)(self._alias)

    def of(self, kind: str, number: int) -> str:
        """Return the alias of a record's number."""
        left, right = number >> 24, number << 16 & _HALF
        for tweak in _TWEAKS[kind]:
            left, right = right, left ^ self._round(tweak, right)
        return f"{kind}{_MARKER}_{_letters(left << _HALF_BITS | right)}"

    def read(self, text: str) -> tuple[str, int] | None:
        """Return kind and number behind an alias; None for one that this key did not make."""
        kind, _, body = text.lower().partition(f"{_MARKER}_")
        value = _value(body)
        if kind not in ids.OF_CUSTOMERS or value is None:
            return None
        left, right = value >> _HALF_BITS, value & _HALF
        for tweak in reversed(_TWEAKS[kind]):
            left, right = right ^ self._round(tweak, left), left
        block = left << _HALF_BITS | right
        number, rest = block >> 16, block & 0xFFFF
        return None if rest or number >= _NUMBERS else (kind, number)

    def give_out(self, text: str) -> str:
        """Return a text in which each number of a customer's record is the recipient's alias.

        So is each payment reference; one that was mistyped is none any more.
        """
        return _GIVEN_OUT.sub(self._shown, text)

    def take_in(self, text: str) -> str | Refused:
        """Return a text of the recipient with the records' own numbers in it.

        Refuses numbers that are nobody's alias, payment references, and aliases that are another's.
        """
        if _TRUE_BEGUN.search(text) or _has_reference(text):
            return refuse(ALIAS_MISSING)
        parts, end = [], 0
        for match in _ALIAS.finditer(text):
            found = self.read(match[0])
            if found is None:
                return refuse(RECORD_NUMBER_OF_ANOTHER)
            parts += [text[end : match.start()], ids.to_text(*found)]
            end = match.end()
        return "".join([*parts, text[end:]])

    def _shown(self, match: re.Match[str]) -> str:
        if match["own"]:
            return self._known(match["own"])
        if not match["reference"]:
            return match[0]
        named = read_written(match["reference"])
        return self.of(*named) if named else _MISTYPED

    def _alias(self, text: str) -> str:
        kind, _, _ = text.partition("_")
        return self.of(kind, ids.from_text(kind, text))

    def _round(self, tweak: bytes, half: int) -> int:
        return int.from_bytes(self._block(tweak + half.to_bytes(_HALF_BYTES))[:_HALF_BYTES])


def aliases_in(text: str) -> list[str]:
    """Return whatever in a text looks like an alias, whole or not, of any recipient."""
    return _ALIAS.findall(text)


def _has_reference(text: str) -> bool:
    return any(match["reference"] for match in _GIVEN_OUT.finditer(text))


def _letters(value: int) -> str:
    shifts = range((_LENGTH - 1) * _BITS_A_LETTER, -1, -_BITS_A_LETTER)
    return "".join([ids.ALPHABET[value >> shift & 31] for shift in shifts])


def _value(body: str) -> int | None:
    if len(body) != _LENGTH:
        return None
    value = 0
    for letter in body:
        digit = _VALUES.get(letter)
        if digit is None:
            return None
        value = value << _BITS_A_LETTER | digit
    return value
