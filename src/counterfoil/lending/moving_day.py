"""Another repayment day for a line and its running loans, with its effect shown before.

Invariant   What is carried out is what was shown: the customer agrees to the hash of the effect,
            and a state that has changed since is refused. What has fallen due stays where it is.
Refused     While something is due and unpaid, while a drawing is on its way, beyond the product's
            changes of a year.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import rfc8785

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import Accepted, Account, LineEvent, Setting, Told, Transaction
from counterfoil.lending.commands import MoveRepaymentDay
from counterfoil.lending.line import Line
from counterfoil.lending.line_changes import day_changes, line_answer, refuse_repayment_day
from counterfoil.lending.loan import NOTHING, Loan, plan
from counterfoil.lending.redating import REDATING, reason_of, redate
from counterfoil.lending.repaying import DEFAULT_MODE

#: Channel of what customers set.
SETTING_CHANNEL = "setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigures:
    """What a running loan will still ask for."""

    next_due_date: date
    next_due_minor: int
    maturity_date: date
    #: All interest still to come, if each instalment is paid on its day.
    interest_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanMove:
    """What another day does to one running loan."""

    loan_id: int
    present: PlanFigures
    proposed: PlanFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMove:
    """What another day does to a line and its running loans."""

    repayment_day: int
    #: How often it may still be changed this year, this change included.
    changes_left: int
    loans: Sequence[LoanMove]


def effect_of_day(
    line: Line | None, loans: Sequence[Loan], repayment_day: int, setting: Setting
) -> DayMove | Refused:
    """Return what another day would do, or why it cannot be chosen now."""
    refused = refuse_repayment_day(line, repayment_day, setting) or _refuse_loans(loans)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if line.repayment_day == repayment_day:
        return refuse(refusals.REPAYMENT_DAY_UNCHANGED)
    allowed = setting.terms.repayment_day_changes_per_year
    return DayMove(
        repayment_day=repayment_day,
        changes_left=allowed - day_changes(line, setting.business_date),
        loans=[
            LoanMove(
                loan_id=loan.loan_id,
                present=_figures(loan),
                proposed=_figures(_redated(loan, repayment_day, setting)),
            )
            for loan in sorted(loans, key=lambda one: one.loan_id)
            if loan.next_due_date is not None
        ],
    )


def effect_document(move: DayMove) -> dict[str, Any]:
    """Return an effect as a document of JSON."""
    return {
        "repayment_day": move.repayment_day,
        "changes_left": move.changes_left,
        "loans": [
            {
                "loan_id": ids.to_text(ids.LOAN, one.loan_id),
                "present": _document(one.present),
                "proposed": _document(one.proposed),
            }
            for one in move.loans
        ],
    }


def effect_sha256(document: dict[str, Any]) -> bytes:
    """Return the hash that the customer agrees to: SHA-256 of the document's canonical form."""
    return hashlib.sha256(rfc8785.dumps(document)).digest()


def move_repayment_day(
    account: Account, command: MoveRepaymentDay, setting: Setting
) -> Accepted | Refused:
    """Move the line and its running loans to the day that the customer agreed to."""
    line = account.line
    loans = [loan for loan in account.loans.values() if loan.status in ("open", "pending")]
    effect = effect_of_day(line, loans, command.repayment_day, setting)
    if isinstance(effect, Refused):
        return effect
    assert line is not None
    if effect_sha256(effect_document(effect)) != command.effect_sha256:
        return refuse(refusals.EFFECT_CHANGED)
    before = line.repayment_day
    line.day_changes = day_changes(line, setting.business_date) + 1
    line.repayment_day = command.repayment_day
    line.day_changed_on = setting.business_date
    line.version += 1
    event = LineEvent(
        line.version,
        "repayment_day_set",
        str(before),
        str(command.repayment_day),
        "customer_setting",
        command.author,
    )
    told = Told("line_repayment_day_set", line.line_id, {"reason": event.reason})
    moved = [_move(account, loan, command, setting) for loan in loans if loan.next_due_date]
    answer = line_answer(line, setting.business_date)
    return Accepted(answer, transactions=moved, events=[event], told=[told])


def _move(account: Account, loan: Loan, command: MoveRepaymentDay, setting: Setting) -> Transaction:
    redate(loan, command.repayment_day, setting.business_date, setting.terms_of(loan))
    loan.last_sequence += 1
    loan.version += 1
    account.changed_loans.add(loan.loan_id)
    return Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence,
        kind=REDATING,
        value_date=setting.business_date,
        amount_minor=0,
        parts=NOTHING,
        mode=DEFAULT_MODE,
        repayment_id=None,
        relates_to=None,
        channel=SETTING_CHANNEL,
        reason=reason_of(command.repayment_day),
    )


def _redated(loan: Loan, repayment_day: int, setting: Setting) -> Loan:
    twin = loan.copy()
    redate(twin, repayment_day, setting.business_date, setting.terms_of(loan))
    return twin


def _figures(loan: Loan) -> PlanFigures:
    rows = plan(loan)
    return PlanFigures(
        next_due_date=rows[0].due_date,
        next_due_minor=rows[0].due_minor,
        maturity_date=rows[-1].due_date,
        interest_minor=sum(row.interest_minor for row in rows),
    )


def _document(figures: PlanFigures) -> dict[str, Any]:
    fields = asdict(figures)
    return {name: v.isoformat() if isinstance(v, date) else v for name, v in fields.items()}


def _refuse_loans(loans: Sequence[Loan]) -> Refused | None:
    if any(loan.status == "pending" for loan in loans):
        return refuse(refusals.LOAN_PENDING)
    late = [loan.oldest_due_date for loan in loans if loan.oldest_due_date is not None]
    if late:
        return refuse(refusals.PAY_DUE_FIRST, due_date=min(late).isoformat())
    return None
