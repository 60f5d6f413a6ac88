"""Accounts, the permissions that their holders give, and statements of them in both forms.

Invariant   Balances add up from line to line, to the closing balance and the bank's own totals,
            unless the manner of the moment says that a file was edited.
Units       Minor units with two decimal places; amounts are signed, money in is positive.
Order       Oldest line first. The same account over the same days has the same reference.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape

from counterfoil.kernel.calendar import add_months

_OPENING_MINOR: Final = 500_000
_MINOR_PER_MAJOR: Final = 100
#: Taken off one line by whoever edits a statement.
_EDITED_MINOR: Final = 12_345
_SOMEBODY_ELSE: Final = "赵别人"
_HEADING: Final = "date,holder,account,amount,balance,text,counterparty"


class Manner(StrEnum):
    """How the bank behaves until it is told otherwise."""

    UP = "up"
    DOWN = "down"
    #: Answers after every caller has given up.
    SLOW = "slow"
    #: Answers something that is no answer.
    MALFORMED = "malformed"
    #: Gives the statement of somebody else's account.
    OTHER_PERSON = "other_person"
    #: Gives a statement of which one amount was changed afterwards.
    EDITED = "edited"
    #: Sends the caller elsewhere.
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account with an ordinary life: wages, a repayment, shopping."""

    holder: str
    number: str
    #: `csv` or `camt.053`.
    form: str = "csv"
    #: First day of the first month; whole months follow.
    first_month: date
    months: int = 6
    income_minor: int = 1_000_000
    repaid_minor: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    on: date
    amount_minor: int
    text: str
    counterparty: str = ""


@dataclass(slots=True)
class AccountBank:
    """One bank's memory."""

    token: str = ""
    manner: Manner = Manner.UP
    #: Accounts that their holders let the lender read, by the consent that they named.
    permitted: dict[str, Account] = field(default_factory=dict)
    asked: int = 0

    def statement(self, account: Account) -> tuple[str, bytes]:
        """Return reference and file of an account, in the manner of the moment."""
        if self.manner is Manner.OTHER_PERSON:
            account = replace(account, holder=_SOMEBODY_ELSE)
        lines = _lines_of(account)
        named = f"{account.number}\0{account.first_month}\0{account.months}\0{account.form}"
        reference = hashlib.sha256(named.encode()).hexdigest()[:24]
        edited = len(lines) // 2 if self.manner is Manner.EDITED else None
        write = _camt if account.form == "camt.053" else _csv
        return reference, write(account, lines, edited).encode()


def _lines_of(account: Account) -> list[_Line]:
    lines = []
    for number in range(account.months):
        start = add_months(account.first_month, number)
        lines += [
            _Line(
                on=start, amount_minor=account.income_minor, text="代发工资", counterparty="某公司"
            ),
            _Line(
                on=start + timedelta(days=9), amount_minor=-account.repaid_minor, text="贷款还款"
            ),
            _Line(on=start + timedelta(days=14), amount_minor=-250_000, text="超市消费"),
            _Line(on=add_months(start, 1) - timedelta(days=1), amount_minor=-1_000, text="手续费"),
        ]
    return lines


def _csv(account: Account, lines: list[_Line], edited: int | None) -> str:
    rows, balance = [_HEADING], _OPENING_MINOR
    for place, line in enumerate(lines):
        balance += line.amount_minor
        shown = line.amount_minor + (_EDITED_MINOR if place == edited else 0)
        cells = (line.on.isoformat(), account.holder, account.number, _major(shown))
        rows.append(",".join((*cells, _major(balance), line.text, line.counterparty)))
    return "\n".join(rows) + "\n"


def _camt(account: Account, lines: list[_Line], edited: int | None) -> str:
    last = lines[-1].on
    closing = _OPENING_MINOR + sum(line.amount_minor for line in lines)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>',
        f"<FrToDt><FrDtTm>{account.first_month}T00:00:00</FrDtTm>",
        f"<ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>",
        f"<Acct><Id><Othr><Id>{escape(account.number)}</Id></Othr></Id><Ccy>CNY</Ccy>",
        f"<Ownr><Nm>{escape(account.holder)}</Nm></Ownr></Acct>",
        _balance("OPBD", _OPENING_MINOR),
        _balance("CLBD", closing),
    ]
    for place, line in enumerate(lines):
        shown = line.amount_minor + (_EDITED_MINOR if place == edited else 0)
        parts.append(
            f"<Ntry><NtryRef>R{place}</NtryRef>{_amount(shown)}<Sts><Cd>BOOK</Cd></Sts>"
            f"<BookgDt><Dt>{line.on}</Dt></BookgDt>"
            f"<AddtlNtryInf>{line.text}</AddtlNtryInf></Ntry>"
        )
    return "\n".join([*parts, "</Stmt></BkToCstmrStmt></Document>"]) + "\n"


def _balance(kind: str, minor: int) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(minor)}</Bal>"


def _amount(minor: int) -> str:
    sign = "CRDT" if minor >= 0 else "DBIT"
    return f'<Amt Ccy="CNY">{_major(abs(minor))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _major(minor: int) -> str:
    whole, part = divmod(abs(minor), _MINOR_PER_MAJOR)
    return f"{'-' if minor < 0 else ''}{whole}.{part:02}"
