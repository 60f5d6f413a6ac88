"""Money that a rail brought in: booked whole, and never refused for being too much or too late.

Ways        An auto-debit brings what was ordered for a line. A transfer is the customer's own: for
            the loans of a line in the product's order, or for one loan alone and no other debt.
Invariant   Money that has come in is booked whole, from the day it came. What no loan takes is the
            customer's credit. A loan that was paid off between that day and today is folded again
            from it, so that no interest of the days between is left; it stays paid off.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from counterfoil.kernel import ids
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
from counterfoil.lending.commands import CollectDebit, Repay, TakeTransfer
from counterfoil.lending.drawing import refuse_amount
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, Parts
from counterfoil.lending.refolding import reopen
from counterfoil.lending.repaying import DEFAULT_MODE, book_late, book_payment
from counterfoil.lending.terms import Prepayment

#: Channel of repayments that an auto-debit brought.
DEBIT_CHANNEL: Final = "auto_debit"
#: Channel of repayments that customers transferred.
TRANSFER_CHANNEL: Final = "transfer"


def collect(account: Account, command: CollectDebit, setting: Setting) -> Accepted | Refused:
    """Book what a debit brought on its value date and say what it paid."""
    return _take(account, command, _running(account), setting, DEBIT_CHANNEL)


def take_transfer(account: Account, command: TakeTransfer, setting: Setting) -> Accepted | Refused:
    """Book a customer's own transfer on its value date and say what it paid."""
    loans = _running(account)
    if command.is_for_loan:
        loans = [loan for loan in loans if loan.loan_id == command.loan_id]
    return _take(account, command, loans, setting, TRANSFER_CHANNEL)


def _running(account: Account) -> list[Loan]:
    return [
        loan
        for loan in account.loans.values()
        if loan.status == "open" and loan.start_date is not None
    ]


def _take(
    account: Account,
    command: CollectDebit | TakeTransfer,
    loans: Sequence[Loan],
    setting: Setting,
    channel: str,
) -> Accepted | Refused:
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if refused := refuse_amount(command.amount_minor, command.currency, line):
        return refused
    if not loans:
        return _keep(account, line, command, setting, channel)
    starts = {loan.loan_id: loan.start_date for loan in loans if loan.start_date is not None}
    # Money that came before any of them began pays those that began first, from their first day.
    value_date = max(command.value_date, min(starts.values()))
    began = [loan for loan in loans if starts[loan.loan_id] <= value_date]
    payment = Repay(
        customer_id=command.customer_id,
        line_id=command.line_id,
        loan_id=None,
        amount_minor=command.amount_minor,
        currency=command.currency,
        value_date=value_date,
        mode=_mode(began, setting),
        channel=channel,
        loan_ids=tuple(loan.loan_id for loan in began),
    )
    return book_payment(account, payment, setting)


def _mode(loans: Sequence[Loan], setting: Setting) -> Prepayment:
    """Return how loans take what is paid ahead: as usual, or as the first of them offers."""
    offered = [setting.terms_of(loan).prepayments for loan in loans]
    shared = [mode for mode in offered[0] if all(mode in others for others in offered)]
    return DEFAULT_MODE if DEFAULT_MODE in shared or not shared else shared[0]


def _keep(
    account: Account,
    line: Line,
    command: CollectDebit | TakeTransfer,
    setting: Setting,
    channel: str,
) -> Accepted | Refused:
    """Keep the whole of it as credit: nothing is owed any more."""
    loan = account.loans.get(command.loan_id)
    if loan is None or loan.status != "closed" or loan.start_date is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    assert loan.closed_on is not None, "a closed loan has its day"
    value_date = max(command.value_date, loan.start_date)
    payment = Repay(
        customer_id=command.customer_id,
        line_id=command.line_id,
        loan_id=loan.loan_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        value_date=value_date,
        mode=_mode([loan], setting),
        channel=channel,
    )
    if value_date < loan.closed_on:
        done = book_late(account, loan, payment, value_date, setting)
    else:
        done = _kept(account, line, loan, payment, value_date, setting)
    reopen(account, line, done, reason="money_after_closing")
    return done


def _kept(
    account: Account, line: Line, loan: Loan, payment: Repay, value_date: date, setting: Setting
) -> Accepted:
    """Keep money that came after a loan was paid off."""
    amount, repayment_id = payment.amount_minor, setting.ids.next()
    loan.last_sequence += 1
    loan.version += 1
    account.changed_loans.add(loan.loan_id)
    line.credit_minor += amount
    line.version += 1
    transaction = Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence,
        kind="repayment",
        value_date=value_date,
        amount_minor=amount,
        parts=Parts(0, 0, 0, excess_minor=amount),
        mode=payment.mode,
        repayment_id=repayment_id,
        relates_to=None,
        channel=payment.channel,
        reason=None,
    )
    movement = Movement(
        transaction.kind,
        loan.loan_id,
        transaction.transaction_id,
        loan.product_code,
        transaction.parts,
        0,
    )
    answer = {
        "id": ids.to_text(ids.REPAYMENT, repayment_id),
        "customer_id": ids.to_text(ids.CUSTOMER, line.customer_id),
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "status": "booked",
        "amount_minor": amount,
        "currency": line.currency,
        "value_date": value_date.isoformat(),
        "channel": payment.channel,
        "allocations": [],
        "excess_minor": amount,
        "credit_minor": line.credit_minor,
        "line_version": line.version,
    }
    told = Told("repayment_booked", repayment_id, {"amount_minor": amount})
    return Accepted(answer, transactions=[transaction], movements=[movement], told=[told])
