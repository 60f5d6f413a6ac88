"""An account statement as a bank gave it, and the checks that an edited one does not pass.

Invariant   Opening balance plus every amount gives every balance and the closing one; dates do not
            go back; nothing lies outside the span or ahead of the day; the holder is the customer.
            The first line at which this does not hold is named.
Units       Minor units of one currency. Money in is positive, money out negative.
Order       Oldest line first; a file that is newest first is turned round when it is read.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from counterfoil.capacity.refusals import (
    STATEMENT_BALANCES_BROKEN,
    STATEMENT_CURRENCY_OTHER,
    STATEMENT_DATES_DISORDERED,
    STATEMENT_DUPLICATE,
    STATEMENT_OF_ANOTHER,
    STATEMENT_TOTALS_DIFFER,
    STATEMENT_UNREADABLE,
)
from counterfoil.kernel.errors import Refusal, Refused, RefusedError, refuse
from counterfoil.kernel.money import AMOUNT_MINOR_MAX, from_major_text

#: A year of a busy account; beyond it nobody reads.
BYTES_MAX: Final = 4 * 1024 * 1024
LINES_MAX: Final = 20_000
#: Longer texts than this are cut: a rule needs no more to tell what a line is about.
TEXT_MAX: Final = 200
_DATE_LENGTHS: Final = (8, 10)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StatementLine:
    """One movement; never shown in a log."""

    #: Line of the file on which it begins, from 1.
    number: int
    date: date
    #: Positive in, negative out.
    amount_minor: int
    #: Balance after it; None where the form has none for each line.
    balance_minor: int | None
    text: str
    counterparty: str
    #: The bank's own reference; empty where the form has none.
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Totals:
    """What the bank says the lines add up to."""

    line: int
    credit_minor: int | None = None
    debit_minor: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Statement:
    """One account over one span; never shown in a log."""

    holder: str
    #: Line of the file on which the holder stands.
    holder_line: int
    account: str
    currency: str
    first_date: date
    last_date: date
    #: None where the form says nothing of it.
    opening_minor: int | None
    closing_minor: int | None
    #: Line of the file on which the closing balance stands.
    closing_line: int
    lines: tuple[StatementLine, ...]
    totals: Totals | None = None


def check_statement(
    statement: Statement, *, holder: str, currency: str, on: date
) -> Refused | None:
    """Return why a statement is not believed, with the line; None where all of it holds.

    `holder` is the customer's name from the vault, `on` the business date.
    """
    if normal_name(statement.holder) != normal_name(holder):
        return refuse(STATEMENT_OF_ANOTHER, line=statement.holder_line)
    if statement.currency != currency:
        return refuse(
            STATEMENT_CURRENCY_OTHER,
            line=statement.holder_line,
            currency=statement.currency,
            wanted=currency,
        )
    return (
        _dates_fault(statement, on)
        or _repeated(statement.lines)
        or _chain_fault(statement)
        or _totals_fault(statement)
    )


def normal_name(name: str) -> str:
    """Return a name without blanks and width variants, for comparison."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if not letter.isspace() and letter not in "·.")


def _dates_fault(statement: Statement, on: date) -> Refused | None:
    lines = statement.lines
    outside = [
        line.number
        for line in lines
        if not statement.first_date <= line.date <= min(statement.last_date, on)
    ]
    back = [after.number for before, after in pairwise(lines) if after.date < before.date]
    return _first(STATEMENT_DATES_DISORDERED, [*outside, *back])


def _repeated(lines: Sequence[StatementLine]) -> Refused | None:
    """Refuse a line that stands twice: by the bank's reference, or alike in everything."""
    seen: set[tuple[object, ...]] = set()
    for line in lines:
        key: tuple[object, ...]
        if line.reference:
            key = (line.reference,)
        elif line.balance_minor is not None:
            key = (line.date, line.amount_minor, line.balance_minor, line.text, line.counterparty)
        else:
            continue
        if key in seen:
            return refuse(STATEMENT_DUPLICATE, line=line.number)
        seen.add(key)
    return None


def _chain_fault(statement: Statement) -> Refused | None:
    balance = statement.opening_minor
    for line in statement.lines:
        expected = None if balance is None else balance + line.amount_minor
        if line.balance_minor is None:
            balance = expected
            continue
        if expected is not None and expected != line.balance_minor:
            return refuse(STATEMENT_BALANCES_BROKEN, line=line.number)
        balance = line.balance_minor
    if statement.closing_minor is not None and balance != statement.closing_minor:
        return refuse(STATEMENT_BALANCES_BROKEN, line=statement.closing_line)
    return None


def _totals_fault(statement: Statement) -> Refused | None:
    totals = statement.totals
    if totals is None:
        return None
    amounts = [line.amount_minor for line in statement.lines]
    found = (
        (totals.credit_minor, sum(amount for amount in amounts if amount > 0)),
        (totals.debit_minor, -sum(amount for amount in amounts if amount < 0)),
        (totals.count, len(amounts)),
    )
    differs = any(said is not None and said != is_ for said, is_ in found)
    return refuse(STATEMENT_TOTALS_DIFFER, line=totals.line) if differs else None


def _first(refusal: Refusal, numbers: Sequence[int]) -> Refused | None:
    return refuse(refusal, line=min(numbers)) if numbers else None


# --------------------------------------------------------------------- shared by the readers


def unreadable(line: int, fault: str) -> RefusedError:
    """Return the refusal of a file that a reader cannot make sense of, at a line."""
    return RefusedError(refuse(STATEMENT_UNREADABLE, line=line, fault=fault))


def read_amount(text: str, currency: str, line: int) -> int:
    """Return an amount written in major units, with or without separators of thousands."""
    tidy = text.strip().replace(",", "").removeprefix("+")
    try:
        amount = from_major_text(tidy, currency) if len(tidy) <= TEXT_MAX else AMOUNT_MINOR_MAX
    except (ValueError, KeyError):
        raise unreadable(line, "an amount is expected") from None
    if abs(amount) >= AMOUNT_MINOR_MAX:
        raise unreadable(line, "the amount is too large")
    return amount


def read_date(text: str, line: int) -> date:
    """Return a date written as 2026-01-31, 2026/01/31 or 20260131; a time after it is let go."""
    head = text.strip().replace("/", "-").partition(" ")[0].partition("T")[0]
    if not head.isascii() or len(head) not in _DATE_LENGTHS:
        raise unreadable(line, "a date is expected")
    try:
        return date.fromisoformat(head)
    except ValueError:
        raise unreadable(line, "a date is expected") from None


def tidied(text: str) -> str:
    """Return a text on one line, no longer than is read."""
    return " ".join(unicodedata.normalize("NFKC", text).split())[:TEXT_MAX]


def oldest_first(lines: list[StatementLine]) -> tuple[StatementLine, ...]:
    """Return lines oldest first; what is neither way round is left as it is, to be refused."""
    if len(lines) > 1 and lines[0].date > lines[-1].date:
        lines.reverse()
    return tuple(lines)
