"""Addresses for e-mail and letters: their form, and proving that one is the customer's.

E-mail      Proven by a code that goes to the address itself: who reads it there owns it.
Letter      A code goes to the phone that is known: no code comes back by post in minutes.
Invariant   Until it is proven an address is kept nowhere: a keyed hash binds it to the code, and
            the customer hands it in again with the code. Then it stands in the vault alone.
Follows     RFC 5321 for lengths; quoted local parts, comments and literals are not taken.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.customers.refusals import ADDRESS_CHANNEL, ADDRESS_INVALID
from counterfoil.customers.setting import Channel
from counterfoil.kernel.errors import Refused, refuse

#: Channels whose addresses a customer names, and the vault's fields for them. The phone is another
#: matter: it is what a customer is known by.
FIELDS: Final = {Channel.EMAIL: "email", Channel.LETTER: "letter_address"}

EMAIL_LENGTH_MAX: Final = 254
_LOCAL_LENGTH_MAX: Final = 64
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(
    rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*"
    rf"@{_LABEL}(?:\.{_LABEL})+",
    re.ASCII,
)
LETTER_LENGTH_MIN: Final = 6
LETTER_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRequest:
    """An address that waits to be proven."""

    customer_id: int
    request_id: int
    channel: Channel
    code_mac: bytes
    code_issued_at: datetime
    code_expires_at: datetime
    author: str
    requested_at: datetime
    #: Attempts so far, the present one included.
    code_attempts: int = 0
    confirmed_at: datetime | None = None


def sha256_of(channel: Channel, address: str) -> bytes:
    """Return the hash of an address for a channel, to which a code is bound."""
    return hashlib.sha256(f"counterfoil/address/v1\0{channel.value}\0{address}".encode()).digest()


def check_address(channel: Channel, text: str) -> str | Refused:
    """Return an address in its normal form, or what is wrong with it."""
    match channel:
        case Channel.EMAIL:
            return _check_email(text)
        case Channel.LETTER:
            return _check_letter(text)
        case _:
            return refuse(ADDRESS_CHANNEL, channel=channel.value)


def _check_email(text: str) -> str | Refused:
    given = text.strip()
    local, _, domain = given.rpartition("@")
    if not _EMAIL.fullmatch(given):
        return refuse(ADDRESS_INVALID, channel="email", fault="is no e-mail address")
    if len(given) > EMAIL_LENGTH_MAX or len(local) > _LOCAL_LENGTH_MAX:
        return refuse(ADDRESS_INVALID, channel="email", fault="is too long")
    return f"{local}@{domain.lower()}"


def _check_letter(text: str) -> str | Refused:
    """Return a postal address on one line: blanks run together, marks that control nothing."""
    given = " ".join(unicodedata.normalize("NFC", text).split())
    if not LETTER_LENGTH_MIN <= len(given) <= LETTER_LENGTH_MAX:
        fault = f"does not have {LETTER_LENGTH_MIN} to {LETTER_LENGTH_MAX} characters"
        return refuse(ADDRESS_INVALID, channel="letter", fault=fault)
    if any(unicodedata.category(letter)[0] == "C" for letter in given):
        return refuse(ADDRESS_INVALID, channel="letter", fault="has a character that nobody writes")
    if not any(unicodedata.category(letter)[0] == "L" for letter in given):
        return refuse(ADDRESS_INVALID, channel="letter", fault="has no letter")
    return given
