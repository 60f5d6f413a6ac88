"""A statement as ISO 20022 camt.053, the bank-to-customer statement.

Follows     camt.053.001 (versions 02 to 12 as far as their elements agree): one `Stmt` with owner,
            opening and closing booked balance, booked entries, totals.
Safe        No document type, no entity of its own, no processing instruction; size, depth and
            number of elements are bounded before anything is built. Nothing is ever fetched.
Reversal    An entry marked as one keeps the direction that it states; banks book it so.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from xml.parsers import expat

from counterfoil.capacity.refusals import STATEMENT_TOO_LARGE
from counterfoil.capacity.statement import (
    BYTES_MAX,
    LINES_MAX,
    Statement,
    StatementLine,
    Totals,
    oldest_first,
    read_amount,
    read_date,
    tidied,
    unreadable,
)
from counterfoil.kernel.errors import RefusedError, refuse

DEPTH_MAX: Final = 24
ELEMENTS_MAX: Final = 400_000
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."
_SIGNS: Final = {"CRDT": 1, "DBIT": -1}
_BOOKED: Final = "BOOK"


@dataclass(slots=True)
class _Element:
    """One element with the line of the file on which it begins."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: "list[_Element]" = field(default_factory=list)

    def find(self, path: str) -> "_Element | None":
        """Return the first element at a path below, or None."""
        found: _Element | None = self
        for tag in path.split("/"):
            found = (
                None if found is None else next((c for c in found.children if c.tag == tag), None)
            )
        return found

    def all(self, tag: str) -> "list[_Element]":
        """Return the children of a name."""
        return [child for child in self.children if child.tag == tag]

    def said(self, path: str) -> str:
        """Return the text at a path below; empty where there is none."""
        found = self.find(path)
        return "" if found is None else found.text


class _Builder:
    """Takes the parser's events; the parser itself stays outside."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._open: list[_Element] = []
        self._count = 0
        self.root: _Element | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        line = self._parser.CurrentLineNumber
        if not namespace.startswith(_NAMESPACE):
            raise unreadable(line, "it is no camt.053 of ISO 20022")
        self._count += 1
        if len(self._open) >= DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise _too_large()
        element = _Element(name, line, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _tag: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def data(self, text: str) -> None:
        self._open[-1].text += text

    def refuse(self, *_: Any) -> None:
        line = self._parser.CurrentLineNumber
        raise unreadable(line, "a document type, an entity or an instruction stands there")


def read_camt(data: bytes, currency: str) -> Statement:
    """Return the statement of a file; raise RefusedError with the line where it is none."""
    if len(data) > BYTES_MAX:
        raise _too_large()
    found = _parsed(data).all("BkToCstmrStmt")
    statements = found[0].all("Stmt") if found else []
    if len(statements) != 1:
        line = statements[1].line if len(statements) > 1 else 1
        raise unreadable(line, "exactly one statement is expected in a file")
    return _statement(statements[0], currency)


def _parsed(data: bytes) -> _Element:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    builder = _Builder(parser)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.ProcessingInstructionHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        line = max(parser.CurrentLineNumber, 1)
        raise unreadable(line, "it is no well-formed XML") from error
    assert builder.root is not None, "a well-formed document has a root"
    return builder.root


def _statement(stmt: _Element, currency: str) -> Statement:
    account = stmt.find("Acct")
    if account is None:
        raise unreadable(stmt.line, "the account is missing")
    owner = account.find("Ownr/Nm")
    own_currency = account.said("Ccy") or currency
    opening, closing = _balance(stmt, "OPBD", currency), _balance(stmt, "CLBD", currency)
    entries = [entry for entry in stmt.all("Ntry") if _is_booked(entry)]
    if len(entries) > LINES_MAX:
        raise _too_large()
    lines = oldest_first([_line(entry, currency) for entry in entries])
    if not lines:
        raise unreadable(stmt.line, "there is no booked entry")
    first, last = _span(stmt, lines)
    return Statement(
        holder="" if owner is None else tidied(owner.text),
        holder_line=account.line if owner is None else owner.line,
        account=tidied(account.said("Id/IBAN") or account.said("Id/Othr/Id")),
        currency=own_currency,
        first_date=first,
        last_date=last,
        opening_minor=opening[0],
        closing_minor=closing[0],
        closing_line=closing[1],
        lines=lines,
        totals=_totals(stmt, currency),
    )


def _balance(stmt: _Element, code: str, currency: str) -> tuple[int, int]:
    """Return a balance and its line; a statement without it is refused."""
    for item in stmt.all("Bal"):
        if item.said("Tp/CdOrPrtry/Cd") == code:
            return _signed(item, currency), item.line
    raise unreadable(stmt.line, f"the balance {code} is missing")


def _line(entry: _Element, currency: str) -> StatementLine:
    details = entry.find("NtryDtls/TxDtls")
    texts = [entry.said("AddtlNtryInf")]
    party = ""
    if details is not None:
        texts += [item.text for item in (details.find("RmtInf") or details).all("Ustrd")]
        side = "Dbtr" if entry.said("CdtDbtInd") == "CRDT" else "Cdtr"
        parties = details.find(f"RltdPties/{side}")
        party = "" if parties is None else parties.said("Nm") or parties.said("Pty/Nm")
    booked = entry.find("BookgDt")
    day = "" if booked is None else booked.said("Dt") or booked.said("DtTm")
    return StatementLine(
        number=entry.line,
        date=read_date(day, entry.line),
        amount_minor=_signed(entry, currency),
        balance_minor=None,
        text=tidied(" ".join(texts)),
        counterparty=tidied(party),
        reference=tidied(entry.said("AcctSvcrRef")),
    )


def _signed(element: _Element, currency: str) -> int:
    amount = element.find("Amt")
    sign = _SIGNS.get(element.said("CdtDbtInd"))
    if amount is None or sign is None:
        raise unreadable(element.line, "an amount with its direction is expected")
    if amount.attributes.get("Ccy", currency) != currency:
        raise unreadable(amount.line, "an amount is in another currency")
    return sign * abs(read_amount(amount.text, currency, amount.line))


def _is_booked(entry: _Element) -> bool:
    """Tell whether an entry is booked; the status is a text or, from version 8 on, a code."""
    return (entry.said("Sts/Cd") or entry.said("Sts")) == _BOOKED


def _span(stmt: _Element, lines: tuple[StatementLine, ...]) -> tuple[date, date]:
    span = stmt.find("FrToDt")
    if span is None:
        return min(line.date for line in lines), max(line.date for line in lines)
    first, last = (
        span.said("FrDtTm") or span.said("FrDt"),
        span.said("ToDtTm") or span.said("ToDt"),
    )
    return read_date(first, span.line), read_date(last, span.line)


def _totals(stmt: _Element, currency: str) -> Totals | None:
    summary = stmt.find("TxsSummry")
    if summary is None:
        return None
    credit, debit = summary.said("TtlCdtNtries/Sum"), summary.said("TtlDbtNtries/Sum")
    count = summary.said("TtlNtries/NbOfNtries")
    if count and not (count.isascii() and count.isdigit() and len(count) < 9):  # noqa: PLR2004
        raise unreadable(summary.line, "a count is expected")
    return Totals(
        line=summary.line,
        credit_minor=read_amount(credit, currency, summary.line) if credit else None,
        debit_minor=read_amount(debit, currency, summary.line) if debit else None,
        count=int(count) if count else None,
    )


def _too_large() -> RefusedError:
    return RefusedError(refuse(STATEMENT_TOO_LARGE, bytes_max=BYTES_MAX, lines_max=LINES_MAX))
