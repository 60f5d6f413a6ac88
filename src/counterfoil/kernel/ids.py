"""Identifiers: 64-bit, ordered by time, with a readable text that says what they name.

Units       41 bits of milliseconds since 2024-01-01, 10 bits of node, 12 bits of sequence:
            positive signed 64-bit integers until the year 2093.
Text        A prefix for the kind, an underscore, 13 characters of Crockford base 32:
            `lo_01hv4zq3k2f00` names a loan and nothing else.
Invariant   One source never gives the same number twice and never a smaller one later, also
            when the clock steps back.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH_MS: Final = 1_704_067_200_000
_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
NODE_MAX: Final = 1023
_SEQUENCE_MAX: Final = 0xFFF
_LAST: Final = (1 << 63) - 1
#: Crockford's base 32.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}
_PAIRS: Final = [a + b for a in ALPHABET for b in ALPHABET]
_LENGTH: Final = 13
_PREFIX_LENGTH: Final = 2
_ANY: Final = re.compile(r"\b[a-z]{2}_[0-7][0-9a-hjkmnp-tv-z]{12}\b")

CUSTOMER: Final = "cu"
APPLICATION: Final = "ap"
LIMIT_REQUEST: Final = "lr"
REVIEW: Final = "rv"
LINE_REVIEW: Final = "lv"
LINE_REVIEW_CASE: Final = "lx"
LINE_MEASURE: Final = "lm"
LINE_NOTICE: Final = "lc"
LINE_APPEAL: Final = "la"
LINE_SIGNAL: Final = "ls"
CONSENT: Final = "cs"
INQUIRY: Final = "iq"
REPORT: Final = "cp"
LINE: Final = "ln"
LOAN: Final = "lo"
TRANSACTION: Final = "tx"
REPAYMENT: Final = "rp"
PAYMENT: Final = "pm"
CREDIT_RETURN: Final = "cr"
JOURNAL: Final = "jr"
EVENT: Final = "ev"
LEAF: Final = "lf"
CONTRACT: Final = "ct"
API_KEY: Final = "ky"
ACCESS_GRANT: Final = "ag"
APPROVAL: Final = "av"
SNOOZE: Final = "sz"
EXPERIMENT: Final = "xp"
LEGAL_HOLD: Final = "lh"
RIGHTS_REQUEST: Final = "rr"
ASSESSMENT: Final = "ia"
INCIDENT: Final = "in"
ERASURE: Final = "er"
TRAIL: Final = "tr"
DATA_EXPORT: Final = "de"
EMERGENCY: Final = "em"
ATTRIBUTE: Final = "at"
CUSTOMER_CASE: Final = "cc"
TRAINING: Final = "tn"
STATEMENT: Final = "sm"
DECLARATION: Final = "dl"
GUARD_RUN: Final = "gd"
FEATURE_CORRECTION: Final = "fc"
IDENTITY_CHECK: Final = "ic"
IDENTITY_CASE: Final = "ik"
MERCHANT: Final = "mc"
PURCHASE: Final = "pu"
RECORD_LINK: Final = "rl"
HOST: Final = "ho"
HOSTED_PAGE: Final = "hp"
DELIVERY: Final = "wd"
CAMPAIGN: Final = "cm"
SETTING_REQUEST: Final = "st"
MANDATE: Final = "md"
MESSAGE: Final = "ms"
CALL_REQUEST: Final = "cb"
ADDRESS_REQUEST: Final = "ad"
SETTLEMENT_QUOTE: Final = "sq"
HOST_PAYEE: Final = "hy"
CONTACT_CASE: Final = "nc"
AGREEMENT_NOTICE: Final = "an"
#: A row of a list where a page begins, whatever it is of.
ROW: Final = "ro"

#: What is about no customer; whatever does not stand here numbers a customer's record.
OF_THE_HOUSE: Final = frozenset(
    {
        API_KEY, APPROVAL, EXPERIMENT, ASSESSMENT, INCIDENT, DATA_EXPORT, EMERGENCY, ATTRIBUTE,
        TRAINING, MERCHANT, HOST, CAMPAIGN, AGREEMENT_NOTICE,
    }
)  # fmt: skip
OF_CUSTOMERS: Final = (
    frozenset(
        value
        for name, value in dict(globals()).items()
        if name.isupper() and isinstance(value, str) and len(value) == _PREFIX_LENGTH
    )
    - OF_THE_HOUSE
)


class InvalidIdError(ValueError):
    """The text is not an identifier of the kind that was asked for."""


class IdSource:
    """Gives identifiers to one process.

    The node number keeps processes apart; the keys of the tables catch two that were given
    the same number by mistake.
    """

    __slots__ = ("_last", "_milliseconds", "_node")

    def __init__(self, milliseconds: Callable[[], int], node: int) -> None:
        """Take the wall clock in milliseconds since 1970 and a node number up to 1023."""
        if not 0 <= node <= NODE_MAX:
            raise ValueError(f"a node number lies between 0 and {NODE_MAX}")
        self._milliseconds = milliseconds
        self._node = node << 12
        self._last = 0

    def next(self) -> int:
        """Return a new identifier, greater than every earlier one of this source."""
        tick = (self._milliseconds() - EPOCH_MS) << 22
        last = self._last
        if tick > last:
            self._last = tick
            return tick | self._node
        # Same millisecond, or a clock that stepped back: count on in the sequence bits and
        # borrow from the next millisecond when they are used up.
        step = last + 1
        if step & 0x3FFFFF > _SEQUENCE_MAX:
            step = ((last >> 22) + 1) << 22
        self._last = step
        return step | self._node


def floor_of(at: datetime) -> int:
    """Return the least number that is given from an instant on; earlier ones lie below it."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    # Nothing has a number from before there were any, nor from when there are none left.
    return min(max(milliseconds, 0) << 22, _LAST)


def to_text(prefix: str, number: int) -> str:
    """Return the text of an identifier."""
    pairs = _PAIRS
    return (
        f"{prefix}_{ALPHABET[number >> 60]}{pairs[(number >> 50) & 1023]}"
        f"{pairs[(number >> 40) & 1023]}{pairs[(number >> 30) & 1023]}"
        f"{pairs[(number >> 20) & 1023]}{pairs[(number >> 10) & 1023]}{pairs[number & 1023]}"
    )


def from_text(prefix: str, text: str) -> int:
    """Return the number of an identifier's text; raise InvalidIdError for anything else."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != _LENGTH:
        raise InvalidIdError(f"{text[:40]!r} is not an identifier that begins with {prefix}_")
    number = 0
    for letter in body:
        value = _VALUES.get(letter)
        if value is None:
            raise InvalidIdError(f"{text[:40]!r} has a character that no identifier has")
        number = number << 5 | value
    if number >= 1 << 63:
        raise InvalidIdError(f"{text[:40]!r} is larger than any identifier")
    return number


def texts_in(text: str) -> list[str]:
    """Return whatever in a text looks like an identifier of any kind."""
    return _ANY.findall(text)


def read(text: str) -> tuple[str, int] | None:
    """Return prefix and number of whatever identifier a text is; None where it is none."""
    prefix = text.partition("_")[0]
    if len(prefix) != _PREFIX_LENGTH:
        return None
    try:
        return prefix, from_text(prefix, text)
    except InvalidIdError:
        return None
