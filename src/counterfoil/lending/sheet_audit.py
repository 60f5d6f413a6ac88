"""Kept cost sheets and charges held against each other, by arithmetic that shares nothing.

Invariant   A kept sheet has its hash; the one that was signed has the hash that was agreed to. Its
            yearly rate is found again by halving an interval in decimals. Nothing was charged that
            is not among the fees that were agreed to.
Units       Minor units; rates in 1e-8 per year.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.lending.account import Transaction
from counterfoil.lending.fees import GUARANTOR
from counterfoil.lending.loan import Loan
from counterfoil.lending.paper_store import StoredSheet
from counterfoil.lending.terms import Fee

#: 0.01 percentage points, the most that two computations of a yearly rate may differ.
RATE_E8_TOLERANCE: Final = 10_000
_DIGITS: Final = 28
_HALVINGS: Final = 60
_RATE_MAX: Final = Decimal(100)
_YEAR: Final = Decimal(365)


def hash_faults(sheet: StoredSheet, loan: Loan) -> Iterable[str]:
    """Yield what a kept sheet says otherwise than its hash, or than what was agreed to."""
    if sha256(sheet.sheet.encode()).digest() != sheet.sheet_sha256:
        yield f"cost sheet {sheet.sheet_no} does not have its hash"
    if sheet.cause == "drawdown" and sheet.sheet_sha256 != loan.cost_sheet_hash:
        yield "the cost sheet that is kept is not the one that was agreed to"


def rate_faults(sheet: StoredSheet) -> Iterable[str]:
    """Yield a yearly rate that a second computation does not find."""
    if sheet.cause != "drawdown":
        return  # later sheets begin within a period, with interest that has accrued
    document: dict[str, Any] = orjson.loads(sheet.sheet)
    stated: int = document["annual_cost"]["effective_e8"]
    found = rate_again_e8(document)
    if abs(stated - found) > RATE_E8_TOLERANCE:
        yield f"cost sheet {sheet.sheet_no} states {stated} a year, computed again it is {found}"


def rate_again_e8(document: dict[str, Any]) -> int:
    """Return the compound yearly rate of a sheet's rows, from its text alone."""
    start = date.fromisoformat(document["start_date"])
    rows = [
        ((date.fromisoformat(row["due_date"]) - start).days, Decimal(row["due_minor"]))
        for row in document["rows"]
    ]
    lent = Decimal(document["principal_minor"])
    with localcontext() as context:
        context.prec = _DIGITS
        low, high = Decimal(0), _RATE_MAX
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            worth = sum(due * (1 + middle) ** (-Decimal(days) / _YEAR) for days, due in rows)
            low, high = (middle, high) if worth > lent else (low, middle)
        return int((low * 10**8).to_integral_value())


def charge_faults(
    loan: Loan, agreed: Sequence[Fee], history: Sequence[Transaction], sheets: Sequence[StoredSheet]
) -> Iterable[str]:
    """Yield fees of a loan that its product or its sheet does not have, and charges of none."""
    if tuple(loan.fees) != tuple(agreed):
        yield "its fees are not those of the product version it was signed under"
    payees = {fee.payee for fee in loan.fees}
    for name, payee in (("fee_minor", "lender"), ("guarantee_minor", GUARANTOR)):
        charged = any(getattr(t.parts, name) for t in history)
        if charged and payee not in payees:
            yield f"a fee for the {payee} was charged that was not agreed to"
    for sheet in sheets:
        shown = {item["code"] for item in orjson.loads(sheet.sheet).get("fees", ())}
        for code in sorted({fee.code for fee in loan.fees} - shown):
            yield f"the fee {code} is not on cost sheet {sheet.sheet_no}"
