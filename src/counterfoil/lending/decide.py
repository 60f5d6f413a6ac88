"""One command, one answer: the pure decision of everything that changes a line or its loans.

Invariant   No input or output, no clock, no chance. A refused command leaves the account as it
            was; an accepted one changes it, so that a batch equals the same commands one by one.
"""

from collections.abc import Callable
from typing import Any

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import (
    collecting,
    commands,
    crediting,
    drawing,
    line_changes,
    moving_day,
    plan_changes,
    refusals,
    repaying,
)
from counterfoil.lending.account import Accepted, Account, Setting
from counterfoil.lending.loan import advance

#: A decision of one kind of command; the table below pairs each with its own.
Decision = Callable[[Account, Any, Setting], Accepted | Refused]


def decide(account: Account, command: commands.Command, setting: Setting) -> Accepted | Refused:
    """Answer one command on one account."""
    outcome = DECISIONS[type(command)](account, command, setting)
    if isinstance(outcome, Accepted) and account.history:
        for transaction in outcome.transactions:
            account.history.setdefault(transaction.loan_id, []).append(transaction)
    return outcome


def advance_loans(
    account: Account, _command: commands.AdvanceLoans, setting: Setting
) -> Accepted | Refused:
    """Let happen what falls on the days up to the business date; idempotent by its nature."""
    if account.line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    touched = 0
    for loan in account.loans.values():
        if loan.status == "open" and advance(loan, setting.business_date):
            loan.version += 1
            account.changed_loans.add(loan.loan_id)
            touched += 1
    if touched:
        account.line.version += 1
    return Accepted({"touched": touched})


DECISIONS: dict[type, Decision] = {
    commands.OpenLine: line_changes.open_line,
    commands.Draw: drawing.draw,
    commands.ConfirmPayout: drawing.confirm_payout,
    commands.FailPayout: drawing.fail_payout,
    commands.Repay: repaying.repay,
    commands.ReverseRepayment: repaying.reverse,
    commands.ReturnCredit: crediting.return_credit,
    commands.UseCredit: crediting.use_credit,
    commands.ConfirmReturn: crediting.confirm_return,
    commands.FailReturn: crediting.fail_return,
    commands.BounceReturn: crediting.bounce_return,
    commands.SetLimit: line_changes.set_limit,
    commands.SetLimitAsWished: line_changes.set_limit,
    commands.RaiseLimit: line_changes.set_limit,
    commands.FreezeLine: line_changes.freeze,
    commands.UnfreezeLine: line_changes.unfreeze,
    commands.SuspendLine: line_changes.suspend,
    commands.ReinstateLine: line_changes.reinstate,
    commands.RestoreLimit: line_changes.restore_limit,
    commands.CloseLine: line_changes.close,
    commands.SetOwnCap: line_changes.set_own_cap,
    commands.SetRepaymentDay: line_changes.set_repayment_day,
    commands.MoveRepaymentDay: moving_day.move_repayment_day,
    commands.CollectDebit: collecting.collect,
    commands.TakeTransfer: collecting.take_transfer,
    commands.ReplanLoan: plan_changes.replan_loan,
    commands.ReturnPayout: plan_changes.return_payout,
    commands.ReplaceAgreement: line_changes.replace_agreement,
    commands.AdvanceLoans: advance_loans,
}
