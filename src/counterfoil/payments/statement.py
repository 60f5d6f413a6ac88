"""A rail's statement file of one day: text in, lines out, or the reason why it is not one.

Format      CSV in UTF-8 with a header; per line our reference, `paid`, `returned`, `fee`,
            `received` or `recalled`, amount in minor units, currency, value date, the rail's
            reference; then `#end`, the number of lines and the SHA-256 of everything before that
            last line. Of money that was received the reference is what its payer named, of money
            that the payer's bank took back the rail's reference of what had been received. A rail
            that can say them adds the account of ours and the payer's name to each line, empty
            where a line has none.
Invariant   A file that was cut off or changed on the way is refused as a whole: half a statement
            would make sent money look unsent. A payer's name leaves here as a digest alone.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from counterfoil.payments.received import account_kept, rail_number_kept, reference_kept

HEADER: Final = ("reference", "kind", "amount_minor", "currency", "value_date", "rail_reference")
#: Of a rail that says to which account of ours money came, and who sent it.
WIDE_HEADER: Final = (*HEADER, "account", "payer_name")

#: A file of more characters than this is not one day of one rail on one machine.
STATEMENT_CHARACTERS_MAX: Final = 1_000_000_000

_CLOSING: Final = re.compile(r"#end,(?P<lines>\d{1,9}),(?P<sha256>[0-9a-f]{64})\n?")
_CURRENCY: Final = re.compile("[A-Z]{3}")


class LineKind(StrEnum):
    """Which way the money of a line went."""

    PAID = "paid"
    RETURNED = "returned"
    #: What the rail asks for the payment of the reference.
    FEE = "fee"
    #: Money that somebody sent to the lender.
    RECEIVED = "received"
    #: Money that had been received and that the payer's bank took back.
    RECALLED = "recalled"


class InvalidStatementError(ValueError):
    """A statement file that is cut off, changed or not a statement."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as the rail booked it."""

    reference: str
    kind: LineKind
    amount_minor: int
    currency: str
    value_date: date
    rail_reference: str
    #: The account of ours, None where the rail does not say it.
    account: str | None = None
    #: Of the payer's name; None where the rail does not say it.
    payer_digest: bytes | None = None


#: Makes digests of names that nobody else can make.
DigestOf = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Statement:
    """All movements of one business date."""

    business_date: date
    #: SHA-256 of the whole file, in hexadecimal.
    sha256: str
    lines: Sequence[StatementLine]


def read_statement(
    text: str, *, business_date: date, digest_of: DigestOf | None = None
) -> Statement:
    """Return the statement of a day; raise InvalidStatementError where the file is not one.

    Payers' names are passed over where there is no `digest_of`.
    """
    if len(text) > STATEMENT_CHARACTERS_MAX:
        raise InvalidStatementError("the file is too large")
    body, stated = _checked_body(text)
    rows = csv.reader(body.splitlines())
    header = tuple(next(rows, ()))
    if header not in (HEADER, WIDE_HEADER):
        raise InvalidStatementError("the header is not the agreed one")
    lines = []
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InvalidStatementError(f"line {number}: {len(row)} fields, {len(header)} agreed")
        account, name = row[len(HEADER) :] if header == WIDE_HEADER else ("", "")
        digest = digest_of(name) if name.strip() and digest_of is not None else None
        lines.append(_line(row[: len(HEADER)], number, account_kept(account), digest))
    if stated != len(lines):
        raise InvalidStatementError(f"{stated} lines stated, {len(lines)} found")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Statement(business_date, sha256, lines)


def _checked_body(text: str) -> tuple[str, int]:
    """Return everything before the last line, checked against it, and the lines it states."""
    start = text.rfind("#end,")
    closing = _CLOSING.fullmatch(text, start) if start > 0 else None
    if closing is None:
        raise InvalidStatementError("the closing line is missing")
    body = text[:start]
    if hashlib.sha256(body.encode()).hexdigest() != closing["sha256"]:
        raise InvalidStatementError("the check sum does not match")
    return body, int(closing["lines"])


def _line(
    row: Sequence[str], number: int, account: str | None, payer_digest: bytes | None
) -> StatementLine:
    try:
        reference, kind, amount, currency, value_date, rail_reference = row
        if kind == LineKind.RECEIVED:
            reference = reference_kept(reference)
        elif kind == LineKind.RECALLED:
            reference = rail_number_kept(reference)
        line = StatementLine(
            reference,
            LineKind(kind),
            int(amount),
            currency,
            date.fromisoformat(value_date),
            rail_reference,
            account,
            payer_digest,
        )
    except ValueError as error:
        raise InvalidStatementError(f"line {number}: {error}") from error
    if (
        line.amount_minor <= 0
        or not _CURRENCY.fullmatch(currency)
        or not (reference and rail_reference)
    ):
        raise InvalidStatementError(f"line {number}: a field is empty or out of range")
    return line
