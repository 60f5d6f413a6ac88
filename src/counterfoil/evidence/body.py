"""What a leaf's body says, in the terms of the specification: the one place that forms it.

Form        Canonical JSON of texts, integers, truth values, arrays and objects, with `v`, `created`
            and `prev_checkpoint` in every body. What is not known is left out: nothing is null.
Money       A decimal text of the currency's exponent (ISO 4217), named without `_minor`, beside or
            under the `currency` that it is of. Rates (`_e8`), counts and durations stay integers.
Time        An instant is an integer of POSIX seconds. A day is a date of the lender's calendar,
            `YYYY-MM-DD`: no instant, so it has no second of its own.
Text        Unicode NFC; another form is refused with `text_not_normalised`.
Versions    2 is written. 1 wrapped the recorded answer of a command as it was, with minor units
            and nulls; its leaves stay in the log and are opened and verified in their own form.
"""

import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self
from unicodedata import is_normalized

import orjson

from counterfoil.evidence.refusals import TEXT_NOT_NORMALISED
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.kernel.money import EXPONENTS, to_major_text

BODY_VERSION: Final = 2
#: The version that wrapped answers as they were recorded.
FIRST_VERSION: Final = 1

_SUFFIX: Final = "_minor"
#: Answers have the code's own names in few orders; whatever else comes in is soon forgotten.
_NAMES_MAX: Final = 4_096
_PLAIN: Final = frozenset({str, int, bool})
_WITH_CENTS: Final = 2
_CENTS: Final = tuple(f".{cents:02d}" for cents in range(100))


def stated(fields: Mapping[str, Any], currency: str = "") -> dict[str, Any]:
    """Return fields in the body's terms: nothing null, amounts as decimal texts.

    `currency` is that of what encloses the fields; their own goes before it.
    """
    currency = fields.get("currency") or currency
    # Done for every command, most of which say texts and integers alone.
    if _PLAIN.issuperset(map(type, fields.values())):
        said = dict(fields)
    else:
        said = {name: _said(one, currency) for name, one in fields.items() if one is not None}
    known = len(said)
    for name, amount in _amounts_of(tuple(said)):
        value = said[name]
        if type(value) is int:
            del said[name]
            said[amount] = _amount_text(value, currency)
    assert len(said) == known, "no two fields say the same name"
    return said


def is_normal(text: str) -> bool:
    """Return whether a text is in Unicode's form NFC."""
    return text.isascii() or is_normalized("NFC", text)


def check_text(text: str) -> None:
    """Raise the refusal `text_not_normalised` unless a text is in Unicode's form NFC."""
    if not is_normal(text):
        raise RefusedError(refuse(TEXT_NOT_NORMALISED))


class Booked(NamedTuple):
    """What a command's leaf commits to beside the recorded answer.

    Kept as layout (1 byte, 2) | currency (3) | count of journals (2, big-endian) | hash of the
    journals (32) | canonical JSON of what the answer leaves out, if it leaves anything out. The
    command and its kind are recorded with the answer and are not kept a second time.
    """

    #: The idempotency key under which the answer is recorded.
    command: str
    kind: str
    currency: str
    #: How many journals the command booked: those of the customer right below the leaf's number.
    journals: int
    journals_sha256: bytes
    #: In the body's terms already; empty for drawdowns and payments.
    more: Mapping[str, Any]

    @property
    def kept(self) -> bytes:
        """Return the form that is kept with the salt."""
        head = _KEPT.pack(BODY_VERSION, self.currency.encode(), self.journals, self.journals_sha256)
        return head + orjson.dumps(self.more, option=orjson.OPT_SORT_KEYS) if self.more else head

    @classmethod
    def read(cls, kept: bytes, *, command: str, kind: str) -> Self | None:
        """Return what was kept of a command; None where it is nothing that was ever kept."""
        try:
            version, currency, journals, digest = _KEPT.unpack_from(kept)
            more = json.loads(kept[_KEPT.size :] or b"{}")
            code = currency.decode()
        except (struct.error, ValueError):
            return None
        if version != BODY_VERSION or code not in EXPONENTS or not isinstance(more, dict):
            return None
        return cls(command, kind, code, journals, digest, more)


_KEPT: Final = struct.Struct(">B3sH32s")


def command_body(
    answer: Mapping[str, Any], booked: Booked, *, created: int, checkpoint: tuple[int, str]
) -> bytes:
    """Return the body of a command's leaf; `checkpoint` is size and root in base64.

    The way of every command: nothing here may be slow. Names are ASCII, so that their order is that
    of canonical JSON.
    """
    size, root = checkpoint
    return orjson.dumps(
        {
            "answer": stated(answer, booked.currency),
            "booked": {
                "command": booked.command,
                "currency": booked.currency,
                "journals": booked.journals,
                "journals_sha256": booked.journals_sha256.hex(),
                "kind": booked.kind,
                **booked.more,
            },
            "created": created,
            "prev_checkpoint": {"root": root, "size": size},
            "v": BODY_VERSION,
        },
        option=orjson.OPT_SORT_KEYS,
    )


@lru_cache(maxsize=_NAMES_MAX)
def _amounts_of(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return which names are of minor units, with what the amounts are called."""
    return tuple((name, name.removesuffix(_SUFFIX)) for name in names if name.endswith(_SUFFIX))


def _amount_text(value_minor: int, currency: str) -> str:
    if value_minor >= 0 and EXPONENTS.get(currency) == _WITH_CENTS:
        return f"{value_minor // 100}{_CENTS[value_minor % 100]}"
    return to_major_text(value_minor, currency)


def _said(value: Any, currency: str) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return stated(value, currency)
    if isinstance(value, list | tuple):
        return [_said(one, currency) for one in value if one is not None]
    return value
