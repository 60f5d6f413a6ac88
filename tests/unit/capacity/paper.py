"""Statements for tests: months of an ordinary account, written as CSV or as camt.053."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from counterfoil.kernel.calendar import add_months

HOLDER = "王小明"
ACCOUNT = "6222020000000000001"
HEADING = "date,holder,account,amount,balance,text,counterparty"


@dataclass(frozen=True)
class Line:
    """One movement in minor units."""

    on: date
    minor: int
    text: str
    counterparty: str = ""
    reference: str = ""


def lines_of(
    first: date, months: int, *, income: int = 1_000_000, repaid: int = 200_000
) -> list[Line]:
    """Return so many whole months: wages, a loan repayment, shopping and something unclear."""
    found = []
    for number in range(months):
        start = add_months(first, number)
        found += [
            Line(start, income, "代发工资", "某公司"),
            Line(start + timedelta(days=9), -repaid, "贷款还款"),
            Line(start + timedelta(days=14), -250_000, "超市消费"),
            Line(start + timedelta(days=19), -10_000, "转出", "某人"),
        ]
    return [replace(line, reference=f"R{place}") for place, line in enumerate(found)]


def as_csv(
    lines: list[Line], *, opening: int = 500_000, holder: str = HOLDER, account: str = ACCOUNT
) -> str:
    """Return a statement whose balances add up."""
    rows, balance = [HEADING], opening
    for line in lines:
        balance += line.minor
        cells = (line.on.isoformat(), holder, account, _major(line.minor), _major(balance))
        rows.append(",".join((*cells, line.text, line.counterparty)))
    return "\n".join(rows) + "\n"


def as_camt(
    lines: list[Line],
    span: tuple[date, date],
    *,
    opening: int = 500_000,
    holder: str = HOLDER,
    account: str = ACCOUNT,
) -> str:
    """Return the same as camt.053, one element a line of the file."""
    closing = opening + sum(line.minor for line in lines)
    credit = sum(line.minor for line in lines if line.minor > 0)
    debit = -sum(line.minor for line in lines if line.minor < 0)
    entries = [_entry(line) for line in lines]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">',
            "<BkToCstmrStmt><Stmt>",
            f"<FrToDt><FrDtTm>{span[0]}T00:00:00</FrDtTm><ToDtTm>{span[1]}T23:59:59</ToDtTm></FrToDt>",
            f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy>",
            f"<Ownr><Nm>{holder}</Nm></Ownr></Acct>",
            _balance("OPBD", opening),
            _balance("CLBD", closing),
            _totals(len(lines), credit, debit),
            *entries,
            "</Stmt></BkToCstmrStmt></Document>",
        ]
    )


def _entry(line: Line) -> str:
    sign = "CRDT" if line.minor > 0 else "DBIT"
    side = "Dbtr" if line.minor > 0 else "Cdtr"
    party = f"<RltdPties><{side}><Pty><Nm>{line.counterparty}</Nm></Pty></{side}></RltdPties>"
    return (
        f'<Ntry><Amt Ccy="CNY">{_major(abs(line.minor))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.on}</Dt></BookgDt>"
        f"<AcctSvcrRef>{line.reference}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"{party if line.counterparty else ''}"
        f"<RmtInf><Ustrd>{line.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _balance(code: str, minor: int) -> str:
    sign = "CRDT" if minor >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="CNY">{_major(abs(minor))}</Amt><CdtDbtInd>{sign}</CdtDbtInd></Bal>'
    )


def _totals(count: int, credit: int, debit: int) -> str:
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries></TtlNtries>"
        f"<TtlCdtNtries><Sum>{_major(credit)}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><Sum>{_major(debit)}</Sum></TtlDbtNtries></TxsSummry>"
    )


def _major(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02}"
