"""Changing a running loan after it was signed: another rate or tenor, or a payout that came back.

Invariant   Nothing becomes dearer than it was signed: a rate is lowered or brought back, never
            raised above the one signed. What is carried out is what was shown: the customer agrees
            to the hash of the new cost sheet. A payout that came back leaves nothing owed, and what
            was repaid meanwhile is the customer's credit.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from counterfoil.kernel import ids
from counterfoil.kernel.calendar import nth_due_date
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import (
    Accepted,
    Account,
    Movement,
    Setting,
    Told,
    Transaction,
)
from counterfoil.lending.commands import ReplanLoan, ReturnPayout
from counterfoil.lending.drawing import loan_answer
from counterfoil.lending.fold import Input, fold
from counterfoil.lending.line import Line
from counterfoil.lending.loan import NOTHING, Loan, Parts, advance
from counterfoil.lending.refolding import (
    PAYOUT_RETURNED,
    inputs_of,
    reallocate,
    refold,
    reopen,
    settle_line,
    start_of,
)
from counterfoil.lending.replanning import REPLAN, plan_terms, replan
from counterfoil.lending.terms import Method, PlanTerms, Prepayment

#: Channel of changes that the house and the customer agreed on.
PLAN_CHANNEL: Final = "plan"


def replan_loan(account: Account, command: ReplanLoan, setting: Setting) -> Accepted | Refused:
    """Let a running loan go on under another rate or tenor from a value date.

    A value date in the past folds the loan again and books the differences today.
    """
    line, loan = account.line, account.loans.get(command.loan_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if loan is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    on = command.value_date or setting.business_date
    changed = changed_terms(account, loan, command, setting)
    if isinstance(changed, Refused):
        return changed
    before = loan.principal_minor
    transaction = _replanning(loan, on, changed, command, setting)
    done = Accepted({}, [transaction])
    assert loan.accrued_to is not None
    if on >= loan.accrued_to:
        replan(loan, on, changed)
        advance(loan, setting.business_date)
        loan.version += 1
        account.changed_loans.add(loan.loan_id)
    else:
        history = [*account.history[loan.loan_id], transaction]
        allotted = refold(account, loan, history, setting)
        reallocate(account, loan, history[:-1], allotted, transaction, setting, done)
    settle_line(line, done)
    state = account.loans[loan.loan_id]
    reopen(account, line, done, reason="payout_returned")
    assert line.principal_minor >= 0
    assert before >= state.principal_minor or state.status == "open"
    done.answer = loan_answer(state) | {
        "transaction_id": ids.to_text(ids.TRANSACTION, transaction.transaction_id),
        "rate_daily_e8": state.rate_daily_e8,
        "tenor_months": state.tenor_months,
        "maturity_date": state.maturity_date.isoformat() if state.maturity_date else None,
        "value_date": on.isoformat(),
        "line_version": line.version,
    }
    done.told.append(Told("loan_replanned", loan.loan_id, {"reason": command.reason}))
    return done


def changed_terms(
    account: Account, loan: Loan, command: ReplanLoan, setting: Setting
) -> PlanTerms | Refused:
    """Return what the plan would follow from, or why it cannot be changed like this."""
    on = command.value_date or setting.business_date
    if loan.status == "pending":
        return refuse(refusals.LOAN_PENDING)
    if loan.status != "open":
        return refuse(refusals.LOAN_CLOSED, status=loan.status)
    refused = _refuse_date(loan, on, setting)
    if refused:
        return refused
    present = plan_terms(loan)
    signed = loan.signed or present
    rate = present.rate_daily_e8 if command.rate_daily_e8 is None else command.rate_daily_e8
    if not 0 <= rate <= signed.rate_daily_e8:
        return refuse(refusals.RATE_ABOVE_SIGNED, signed_daily_e8=signed.rate_daily_e8)
    penalty = min(setting.terms_of(loan).penalty_daily_e8(rate), signed.penalty_daily_e8)
    new = PlanTerms(rate, penalty, command.tenor_months or present.tenor_months)
    if new == present:
        return refuse(refusals.PLAN_UNCHANGED)
    least, most = _tenors(_as_it_stood(account, loan, on, setting), on, setting)
    if not least <= new.tenor_months <= most:
        return refuse(refusals.PLAN_NOT_POSSIBLE, least=least, most=most)
    return new


def _tenors(stood: Loan, on: date, setting: Setting) -> tuple[int, int]:
    """Return the shortest and the longest tenor that a plan can still have."""
    due = stood.next_due_date
    if due is None:
        return 1, 0
    signed = stood.signed or plan_terms(stood)
    most = max(signed.tenor_months, *setting.terms_of(stood).tenors_months)
    if stood.method is not Method.BULLET:
        return stood.next_instalment_no, most
    # The one instalment may come any month earlier that still lies ahead.
    least = stood.tenor_months
    while least > 1 and nth_due_date(due, due.day, least - stood.tenor_months) > on:
        least -= 1
    return least, most


def return_payout(account: Account, command: ReturnPayout, setting: Setting) -> Accepted | Refused:
    """Undo a loan whose confirmed payout came back: nothing was lent, nothing is owed.

    No interest runs, since the money never arrived. What was repaid becomes credit; the limit is
    free again at once. A closed loan of before is undone as well.
    """
    found = _loan_to_undo(account, command, setting)
    if isinstance(found, Refused):
        return found
    line, loan = found
    history = account.history[loan.loan_id]
    before, amount = loan.principal_minor, loan.original_minor
    returned = _return_of(loan, history, command, setting)
    done = Accepted({})
    allotted = refold(account, loan, [*history, returned], setting)
    reallocate(account, loan, history, allotted, returned, setting, done)
    settle_line(line, done)
    done.transactions.insert(0, returned)
    moved = Parts(amount, 0, 0, 0)
    done.movements.insert(
        0,
        Movement(
            PAYOUT_RETURNED, loan.loan_id, returned.transaction_id, loan.product_code, moved, 0
        ),
    )
    # The rows of payments gave their principal back to the loan; the payout takes all of it.
    line.principal_minor -= amount
    reopen(account, line, done, reason="payout_returned")
    assert line.principal_minor >= 0
    assert before <= amount
    done.answer = loan_answer(account.loans[loan.loan_id]) | {
        "payment_id": ids.to_text(ids.PAYMENT, command.payment_id),
        "reason": command.reason,
        "credit_minor": line.credit_minor,
        "line_version": line.version,
    }
    done.told.append(Told("payout_returned", loan.loan_id, {"reason": command.reason}))
    return done


def _loan_to_undo(
    account: Account, command: ReturnPayout, setting: Setting
) -> tuple[Line, Loan] | Refused:
    """Return a loan that was paid out, with its line; a closed one as well."""
    line, loan = account.line, account.loans.get(command.loan_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if loan is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    if loan.status == "pending":
        return refuse(refusals.LOAN_PENDING)
    if loan.status == "cancelled":
        return refuse(refusals.LOAN_CLOSED, status=loan.status)
    return _refuse_date(loan, command.value_date, setting) or (line, loan)


def _return_of(
    loan: Loan, history: Sequence[Transaction], command: ReturnPayout, setting: Setting
) -> Transaction:
    """Return the transaction that takes the payout back: all that was lent."""
    (paid_out,) = (t for t in history if t.kind == "disbursement")
    amount = loan.original_minor
    loan.last_sequence += 1
    return Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence,
        kind=PAYOUT_RETURNED,
        value_date=command.value_date,
        amount_minor=-amount,
        parts=NOTHING._replace(principal_minor=-amount),
        mode=Prepayment.NEXT_INSTALMENT,
        repayment_id=None,
        relates_to=paid_out.transaction_id,
        channel=command.rail_reference,
        reason=command.reason,
    )


def _refuse_date(loan: Loan, on: date, setting: Setting) -> Refused | None:
    if on > setting.business_date:
        today = setting.business_date.isoformat()
        return refuse(refusals.VALUE_DATE_IN_FUTURE, business_date=today)
    if loan.start_date is not None and on < loan.start_date:
        start = loan.start_date.isoformat()
        return refuse(refusals.VALUE_DATE_BEFORE_DRAWDOWN, start_date=start)
    return None


def _as_it_stood(account: Account, loan: Loan, on: date, setting: Setting) -> Loan:
    """Return the loan in its state of a day; events of that day have happened."""
    assert loan.accrued_to is not None
    if on >= loan.accrued_to:
        twin = loan.copy()
        advance(twin, on)
        return twin
    until: list[Input] = [
        entry for entry in inputs_of(account.history[loan.loan_id]) if entry.value_date <= on
    ]
    state, _ = fold(start_of(account, loan), until, through=on, terms=setting.terms_of(loan))
    return state


def _replanning(
    loan: Loan, on: date, new: PlanTerms, command: ReplanLoan, setting: Setting
) -> Transaction:
    loan.last_sequence += 1
    return Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence,
        kind=REPLAN,
        value_date=on,
        amount_minor=0,
        parts=NOTHING,
        mode=Prepayment.NEXT_INSTALMENT,
        repayment_id=None,
        relates_to=None,
        channel=PLAN_CHANNEL,
        reason=command.reason,
        plan=new,
    )
