"""A statement as comma-separated values: whoever sends it declares which column is which.

Form        UTF-8 or GB 18030, one heading line, one line a movement. Either one column of signed
            amounts or one for money in and one for money out. The holder's name stands on each
            line, as banks print it, so that a line of somebody else's account shows.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.capacity.refusals import STATEMENT_OF_ANOTHER, STATEMENT_TOO_LARGE
from counterfoil.capacity.statement import (
    BYTES_MAX,
    LINES_MAX,
    Statement,
    StatementLine,
    normal_name,
    oldest_first,
    read_amount,
    read_date,
    tidied,
    unreadable,
)
from counterfoil.kernel.errors import RefusedError, refuse

_ENCODINGS: Final = ("utf-8-sig", "gb18030")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvColumns:
    """Headings of the columns; those that may lack are empty."""

    date: str = "date"
    holder: str = "holder"
    account: str = "account"
    #: Signed; or empty, and the two after it instead.
    amount: str = "amount"
    paid_in: str = ""
    paid_out: str = ""
    balance: str = "balance"
    text: str = "text"
    counterparty: str = "counterparty"

    @property
    def required(self) -> tuple[str, ...]:
        """Return the headings that a file has to have."""
        amounts = (self.amount,) if self.amount else (self.paid_in, self.paid_out)
        return (self.date, self.holder, self.account, *amounts, self.balance)


def read_csv(data: bytes, columns: CsvColumns, currency: str) -> Statement:
    """Return the statement of a file; raise RefusedError with the line where it is none."""
    if len(data) > BYTES_MAX:
        raise _too_large()
    reader = csv.reader(io.StringIO(_decoded(data), newline=""), strict=True)
    lines: list[StatementLine] = []
    holders: list[tuple[int, str]] = []
    accounts: set[str] = set()
    try:
        places = _places(next(reader, []), columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(lines) >= LINES_MAX:
                raise _too_large()
            row = _Row(cells, places, reader.line_num)
            lines.append(_line(row, columns, currency))
            holders.append((row.number, tidied(row[columns.holder])))
            accounts.add(tidied(row[columns.account]))
            _refuse_other_holder(holders)
    except csv.Error as error:
        raise unreadable(max(reader.line_num, 1), "the quoting is broken") from error
    return _statement(lines, holders, accounts, currency)


class _Row:
    """The cells of a line by heading."""

    def __init__(self, cells: Sequence[str], places: Mapping[str, int], number: int) -> None:
        self._cells = cells
        self._places = places
        self.number = number

    def __getitem__(self, heading: str) -> str:
        """Return a cell; empty where the file has no such column."""
        place = self._places.get(heading)
        if place is None:
            return ""
        if place >= len(self._cells):
            raise unreadable(self.number, "a column is missing")
        return self._cells[place]


def _line(row: _Row, columns: CsvColumns, currency: str) -> StatementLine:
    if columns.amount:
        amount = read_amount(row[columns.amount], currency, row.number)
    else:
        paid = [row[columns.paid_in].strip() or "0", row[columns.paid_out].strip() or "0"]
        into, out = (read_amount(text, currency, row.number) for text in paid)
        # Some banks write money out with a sign of its own, some without.
        amount = into - abs(out)
    return StatementLine(
        number=row.number,
        date=read_date(row[columns.date], row.number),
        amount_minor=amount,
        balance_minor=read_amount(row[columns.balance], currency, row.number),
        text=tidied(row[columns.text]),
        counterparty=tidied(row[columns.counterparty]),
    )


def _statement(
    lines: list[StatementLine],
    holders: Sequence[tuple[int, str]],
    accounts: set[str],
    currency: str,
) -> Statement:
    if not lines:
        raise unreadable(1, "there is no line of a movement")
    if len(accounts) != 1:
        raise unreadable(lines[-1].number, "there is more than one account")
    ordered = oldest_first(lines)
    first, last = ordered[0], ordered[-1]
    assert first.balance_minor is not None, "the form has a balance on each line"
    return Statement(
        holder=holders[0][1],
        holder_line=holders[0][0],
        account=accounts.pop(),
        currency=currency,
        first_date=min(line.date for line in lines),
        last_date=max(line.date for line in lines),
        opening_minor=first.balance_minor - first.amount_minor,
        closing_minor=last.balance_minor,
        closing_line=last.number,
        lines=ordered,
    )


def _refuse_other_holder(holders: Sequence[tuple[int, str]]) -> None:
    """Refuse a line in another name than the first line's."""
    number, name = holders[-1]
    if normal_name(name) != normal_name(holders[0][1]):
        raise RefusedError(refuse(STATEMENT_OF_ANOTHER, line=number))


def _places(headings: Sequence[str], columns: CsvColumns) -> dict[str, int]:
    places = {heading.strip(): place for place, heading in enumerate(headings)}
    missing = [name for name in columns.required if name not in places]
    if missing:
        raise unreadable(1, f"the column {missing[0][:40]!r} is missing")
    return places


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise unreadable(1, "the file is neither UTF-8 nor GB 18030")


def _too_large() -> RefusedError:
    return RefusedError(refuse(STATEMENT_TOO_LARGE, bytes_max=BYTES_MAX, lines_max=LINES_MAX))
