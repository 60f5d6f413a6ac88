"""Cost sheets of a running loan: what its plan was, what a transaction made of it, what differs.

Invariant   Both sheets are of one date and of what had not fallen due then, so that they differ by
            the change alone. Both follow from the transactions: they can be made again any time.
Units       Minor units; rates in 1e-8.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from counterfoil.kernel.money import to_major_text
from counterfoil.lending.account import Transaction
from counterfoil.lending.cost import CostSheet, cost_sheet_of, document_hash, first_form
from counterfoil.lending.cost_items import Words, exact_percent
from counterfoil.lending.fold import fold, origin_of
from counterfoil.lending.loan import Loan, accrue, disburse, plan
from counterfoil.lending.redating import REDATING
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.replanning import REPLAN
from counterfoil.lending.terms import Prepayment, Terms

#: What makes another sheet, by the kind of its transaction.
CAUSES: Final = {REPLAN: "replan", REDATING: "redating", "repayment": "early_repayment"}


class SheetChange(NamedTuple):
    """The sheet before and after; after is None where nothing is left to fall due."""

    before: CostSheet
    after: CostSheet | None


def changes_plan(transaction: Transaction) -> bool:
    """Return whether a transaction may give a loan another plan than the one that was shown."""
    if transaction.kind == "repayment":
        return transaction.mode is not Prepayment.NEXT_INSTALMENT
    return transaction.kind in CAUSES


def signed_sheet(loan: Loan, terms: Terms) -> dict[str, object] | None:
    """Return the sheet that was agreed to with a loan, by its hash; None where none has it."""
    document = _as_signed(loan, terms).document()
    for form in (document, first_form(document)):
        if document_hash(form) == loan.cost_sheet_hash:
            return form
    return None


def signed_cost_e8(loan: Loan, terms: Terms) -> int:
    """Return what a loan costs a year as it was signed, every fee of its plan included, 1e-8."""
    return _as_signed(loan, terms).rate_annual_effective_e8


def _as_signed(loan: Loan, terms: Terms) -> CostSheet:
    """Return the sheet of a loan from the day on which it was asked for, folded anew."""
    origin = origin_of(loan)
    disburse(origin, loan.requested_on, terms)
    return cost_sheet_of(origin, plan(origin), terms)


def change_by(
    loan: Loan, history: Sequence[Transaction], changed_by: Transaction, *, on: date, terms: Terms
) -> SheetChange | None:
    """Return what a transaction, booked on a date, made of the plan; None where there was none."""
    known = [t for t in history if t.sequence <= changed_by.sequence]
    before = _at(loan, [t for t in known if t is not changed_by], on, terms)
    if before is None or before.next_due_date is None:
        return None
    after = _at(loan, known, on, terms)
    rows = plan(after) if after is not None and after.status == "open" else []
    return SheetChange(
        cost_sheet_of(before, plan(before), terms, on=on),
        cost_sheet_of(after, rows, terms, on=on) if after is not None and rows else None,
    )


def _at(loan: Loan, history: Sequence[Transaction], on: date, terms: Terms) -> Loan | None:
    """Return the loan as these transactions make it on a date; None where it is not running."""
    state, _ = fold(origin_of(loan), inputs_of(history), through=on, terms=terms)
    if state.status != "open":
        return None if state.status == "pending" else state
    accrue(state, on)
    return state


def difference(change: SheetChange) -> dict[str, object]:
    """Return what differs, figure by figure, with a sentence in both languages."""
    before, after = _figures(change.before), _figures(change.after)
    figures = {
        name: {"before": value, "after": after[name]}
        for name, value in before.items()
        if value != after[name]
    }
    return {"figures": figures, "words": _words(change)._asdict()}


def _figures(sheet: CostSheet | None) -> dict[str, object]:
    if sheet is None:
        return dict.fromkeys(_NAMES, None) | {"instalments": 0, "total_minor": 0}
    first, last = sheet.rows[0], sheet.rows[-1]
    values = (
        sheet.rate_daily_e8,
        len(sheet.rows),
        first.due_date.isoformat(),
        first.due_minor,
        last.due_date.isoformat(),
        sheet.principal_minor,
        sum(row.interest_minor for row in sheet.rows),
        sum(row.fee_minor for row in sheet.rows),
        sheet.total_minor,
        sheet.rate_annual_effective_e8,
    )
    return dict(zip(_NAMES, values, strict=True))


_NAMES: Final = (
    "rate_daily_e8",
    "instalments",
    "next_due_date",
    "next_due_minor",
    "maturity_date",
    "principal_minor",
    "interest_minor",
    "fees_minor",
    "total_minor",
    "annual_cost_effective_e8",
)


def _words(change: SheetChange) -> Words:
    before, after = change.before, change.after
    total = to_major_text(before.total_minor, before.currency)
    if after is None:
        return Words(
            f"Nothing more falls due; {total} {before.currency} was still to come.",
            f"已无未到期款项；原剩余应还{total} {before.currency}。",
        )
    rate = exact_percent(after.rate_daily_e8)
    now = to_major_text(after.total_minor, after.currency)
    last, count = after.rows[-1].due_date, len(after.rows)
    return Words(
        f"Still to pay: {now} {after.currency} in {count} instalments until {last}, at {rate} % a "
        f"day; before: {total} {before.currency} in {len(before.rows)} until "
        f"{before.rows[-1].due_date}, at {exact_percent(before.rate_daily_e8)} % a day.",
        f"剩余应还{now} {after.currency}，共{count}期，至{last}，日利率{rate}%；变更前为{total} "
        f"{before.currency}，共{len(before.rows)}期，至{before.rows[-1].due_date}，"
        f"日利率{exact_percent(before.rate_daily_e8)}%。",
    )
