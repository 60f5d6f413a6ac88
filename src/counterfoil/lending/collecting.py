"""What an auto-debit brought in: booked like any payment, and never refused for being too much.

Invariant   Money that a rail has collected is booked whole. Where the loans were paid off meanwhile
            it is the customer's credit, kept on the loan that was due when it was ordered.
"""

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
from counterfoil.lending.commands import CollectDebit, Repay
from counterfoil.lending.drawing import refuse_amount
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, Parts
from counterfoil.lending.refolding import reopen
from counterfoil.lending.repaying import DEFAULT_MODE, book_payment

#: Channel of repayments that an auto-debit brought.
DEBIT_CHANNEL: Final = "auto_debit"


def collect(account: Account, command: CollectDebit, setting: Setting) -> Accepted | Refused:
    """Book what a debit brought on its value date and say what it paid."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    starts = [
        loan.start_date
        for loan in account.loans.values()
        if loan.status == "open" and loan.start_date is not None
    ]
    if not starts:
        loan = account.loans.get(command.loan_id)
        if loan is None or loan.status != "closed":
            return refuse(refusals.LOAN_NOT_FOUND)
        refused = refuse_amount(command.amount_minor, command.currency, line)
        return refused or _keep(account, line, loan, command, setting)
    payment = Repay(
        customer_id=command.customer_id,
        line_id=command.line_id,
        loan_id=None,
        amount_minor=command.amount_minor,
        currency=command.currency,
        # A loan that began since is paid from its own first day.
        value_date=max([command.value_date, *starts]),
        mode=DEFAULT_MODE,
        channel=DEBIT_CHANNEL,
    )
    return book_payment(account, payment, setting)


def _keep(
    account: Account, line: Line, loan: Loan, command: CollectDebit, setting: Setting
) -> Accepted:
    """Keep the whole of it as credit: nothing is owed any more."""
    amount, repayment_id = command.amount_minor, setting.ids.next()
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
        value_date=command.value_date,
        amount_minor=amount,
        parts=Parts(0, 0, 0, excess_minor=amount),
        mode=DEFAULT_MODE,
        repayment_id=repayment_id,
        relates_to=None,
        channel=DEBIT_CHANNEL,
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
        "value_date": command.value_date.isoformat(),
        "channel": DEBIT_CHANNEL,
        "allocations": [],
        "excess_minor": amount,
        "credit_minor": line.credit_minor,
        "line_version": line.version,
    }
    told = Told("repayment_booked", repayment_id, {"amount_minor": amount})
    done = Accepted(answer, transactions=[transaction], movements=[movement], told=[told])
    reopen(account, line, done, reason="debit_after_closing")
    return done
