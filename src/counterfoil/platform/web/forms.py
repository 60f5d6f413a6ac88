"""Forms: where a post may come from, what its fields mean, and which errors stand at which field.

Invariant   A post is taken only from our own origin and with the token of the session; the token
            looks different in each response, since pages are compressed (BREACH).
Units       Amounts become minor units; full-width digits, spaces and grouping are understood.
"""

import base64
import binascii
import dataclasses
import hmac
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import parse_qsl

from counterfoil.kernel.calendar import read_day
from counterfoil.kernel.money import AMOUNT_MINOR_MAX, from_major_text
from counterfoil.kernel.text import normal

SECRET_BYTES: Final = 32

#: A form of ours has a dozen fields; more than this is not one of ours.
FIELDS_MAX: Final = 100
BODY_BYTES_MAX: Final = 64 * 1024

#: How the trail calls a post of another site, and one that is larger than any of ours.
FOREIGN_POST: Final = "foreign_post"
FORM_TOO_LARGE: Final = "form_too_large"

#: Name of the hidden field, not a secret.
TOKEN_FIELD: Final = "csrf_token"  # noqa: S105
KEY_FIELD: Final = "idempotency_key"

_KEY_LENGTH_MAX: Final = 200
#: What stands for bytes that are no text.
_NO_TEXT: Final = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field; the message is a key of the catalogue."""

    field: str
    message: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)


class FormTooLargeError(ValueError):
    """The body or its number of fields is larger than any form of ours."""


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded body; of a repeated field the last value.

    A NUL, which no database takes for text, is replaced as bytes that are no UTF-8 are; what was
    written in another form than NFC is the same text.
    """
    if len(body) > BODY_BYTES_MAX:
        raise FormTooLargeError("body")
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as problem:
        raise FormTooLargeError("fields") from problem
    return {
        name.replace("\0", _NO_TEXT): normal(value.replace("\0", _NO_TEXT)) for name, value in pairs
    }


def masked_token(secret: bytes, mask: bytes) -> str:
    """Return the session's secret under a mask that is drawn anew for each response."""
    assert len(secret) == len(mask) == SECRET_BYTES
    masked = bytes(a ^ b for a, b in zip(secret, mask, strict=True))
    return base64.urlsafe_b64encode(mask + masked).decode()


def is_token_valid(secret: bytes, token: str) -> bool:
    """Return whether a token is the secret under some mask."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(raw) != 2 * SECRET_BYTES:
        return False
    mask, masked = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
    unmasked = bytes(a ^ b for a, b in zip(masked, mask, strict=True))
    return hmac.compare_digest(unmasked, secret)


def is_same_origin(headers: Mapping[str, str], *, scheme: str, host: str) -> bool:
    """Return whether a post was sent by a page of this very site.

    Browsers send `Sec-Fetch-Site` or `Origin` with every post; a request that has neither is
    refused too, since a form of ours always has one.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    if origin is not None:
        return origin == f"{scheme}://{host}"
    return site == "same-origin"


@dataclass(slots=True)
class FormReader:
    """Reads typed values from a form and collects the errors instead of raising.

    A method returns None where its field is wrong or, if allowed, empty.
    """

    values: Mapping[str, str]
    errors: list[FieldError] = dataclasses.field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        """Return whether no field read so far was wrong."""
        return not self.errors

    def refuse(self, name: str, message: str, **values: object) -> None:
        """Record an error at a field."""
        self.errors.append(FieldError(field=name, message=message, values=values))

    def text(self, name: str, *, length_max: int, required: bool = True) -> str | None:
        """Return a trimmed text."""
        value = self._value(name)
        if not value:
            if required:
                self._missing(name)
            return None
        if len(value) > length_max:
            self.refuse(name, "form.too_long", count=length_max)
            return None
        return value

    def amount_minor(self, name: str, currency: str, *, allow_zero: bool = False) -> int | None:
        """Return an amount in minor units."""
        value = self._value(name)
        if not value:
            self._missing(name)
            return None
        try:
            amount_minor = from_major_text(plain_number(value), currency)
        except ValueError:
            self.refuse(name, "form.not_an_amount")
            return None
        if amount_minor < 0 or (amount_minor == 0 and not allow_zero):
            self.refuse(name, "form.not_positive")
            return None
        if amount_minor > AMOUNT_MINOR_MAX:
            self.refuse(name, "form.amount_too_large")
            return None
        return amount_minor

    def day(self, name: str, *, required: bool = True) -> date | None:
        """Return a date written year first."""
        value = self._value(name)
        if not value:
            if required:
                self._missing(name)
            return None
        try:
            return read_day(value)
        except ValueError:
            self.refuse(name, "form.not_a_date")
            return None

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of the choices."""
        value = self._value(name)
        if not value:
            self._missing(name)
            return None
        if value not in choices:
            self.refuse(name, "form.not_a_choice")
            return None
        return value

    def idempotency_key(self) -> str | None:
        """Return the key that the form was given when it was shown."""
        value = self._value(KEY_FIELD)
        if not value or len(value) > _KEY_LENGTH_MAX or not value.isprintable():
            self.refuse(KEY_FIELD, "form.stale")
            return None
        return value

    def _value(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def _missing(self, name: str) -> None:
        self.refuse(name, "form.missing")


def plain_number(text: str) -> str:
    """Return a number without full-width forms, spaces, grouping and currency signs."""
    normal = unicodedata.normalize("NFKC", text).replace("−", "-")
    return "".join(letter for letter in normal if letter not in " ,'_¥元" and letter != "\u3000")
