"""Credit: overpaid money that is kept for the customer, and goes where the customer says.

Invariant   Credit leaves a line in two ways only, both by the customer's own command: back to the
            customer, or into a repayment. What is kept and what is on its way back never sum to
            more than what was overpaid and not used; a payout that fails is credit again, one
            that came back after it was confirmed too, and one of unknown outcome stays on its way.
State       Neither way depends on the state of the line: it is the customer's money on a frozen,
            suspended or expired line too.
Order       A repayment out of credit pays what any other of the same day would.
"""

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import (
    CREDIT_CHANNEL,
    Accepted,
    Account,
    CreditReturn,
    Movement,
    Setting,
    Told,
)
from counterfoil.lending.commands import (
    BounceReturn,
    ConfirmReturn,
    FailReturn,
    Repay,
    ReturnCredit,
    UseCredit,
)
from counterfoil.lending.drawing import refuse_amount
from counterfoil.lending.line import Line
from counterfoil.lending.loan import NOTHING, payoff_minor
from counterfoil.lending.refolding import reopen
from counterfoil.lending.repaying import book_payment


def return_credit(account: Account, command: ReturnCredit, setting: Setting) -> Accepted | Refused:
    """Set credit aside and ask for its payout to the customer."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    refused = refuse_amount(command.amount_minor, command.currency, line)
    refused = refused or _refuse_beyond_credit(command.amount_minor, line)
    if refused:
        return refused
    asked = CreditReturn(
        customer_id=line.customer_id,
        return_id=setting.ids.next(),
        line_id=line.line_id,
        amount_minor=command.amount_minor,
        currency=line.currency,
        payee_ref=command.payee_ref,
        requested_on=setting.business_date,
    )
    line.credit_minor -= asked.amount_minor
    line.returning_minor += asked.amount_minor
    line.version += 1
    account.returns[asked.return_id] = asked
    account.new_returns.add(asked.return_id)
    told = Told("credit_return_requested", asked.return_id, _order(asked, line))
    return Accepted(
        return_answer(asked) | _left(line),
        movements=[_movement("credit_return", asked, line)],
        told=[told],
    )


def confirm_return(
    account: Account, command: ConfirmReturn, setting: Setting
) -> Accepted | Refused:
    """Take note that the customer has the money."""
    line, asked = account.line, account.returns.get(command.return_id)
    refused = _refuse_settled(line, asked)
    if refused or line is None or asked is None:
        return refused or refuse(refusals.CREDIT_RETURN_NOT_FOUND)
    if not asked.requested_on <= command.value_date <= setting.business_date:
        return refuse(
            refusals.RETURN_DATE_OUT_OF_RANGE,
            requested_on=asked.requested_on.isoformat(),
            business_date=setting.business_date.isoformat(),
        )
    asked.status, asked.settled_on = "paid", setting.business_date
    asked.value_date, asked.rail_reference = command.value_date, command.rail_reference
    return _settled(account, asked, line, "credit_return_paid")


def fail_return(account: Account, command: FailReturn, setting: Setting) -> Accepted | Refused:
    """Keep the credit as before: its payout has definitely failed."""
    line, asked = account.line, account.returns.get(command.return_id)
    refused = _refuse_settled(line, asked)
    if refused or line is None or asked is None:
        return refused or refuse(refusals.CREDIT_RETURN_NOT_FOUND)
    asked.status, asked.settled_on = "failed", setting.business_date
    asked.failure_code = command.reason
    line.credit_minor += asked.amount_minor
    return _settled(account, asked, line, "credit_return_failed")


def bounce_return(account: Account, command: BounceReturn, setting: Setting) -> Accepted | Refused:
    """Keep credit again whose payout was confirmed and came back; a closed line opens for it.

    It comes back once, whole or in part. The rest of it the customer has, or people find.
    """
    line, asked = account.line, account.returns.get(command.return_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if asked is None:
        return refuse(refusals.CREDIT_RETURN_NOT_FOUND)
    if asked.status != "paid":
        return refuse(refusals.CREDIT_RETURN_SETTLED, status=asked.status)
    assert asked.value_date is not None
    if not asked.value_date <= command.value_date <= setting.business_date:
        return refuse(
            refusals.RETURN_DATE_OUT_OF_RANGE,
            requested_on=asked.value_date.isoformat(),
            business_date=setting.business_date.isoformat(),
        )
    assert 0 < command.amount_minor <= asked.amount_minor, "two people were held to it"
    asked.status, asked.bounced_on = "bounced", setting.business_date
    if command.amount_minor < asked.amount_minor:
        asked.bounced_part_minor = command.amount_minor
    line.credit_minor += asked.bounced_minor
    done = _booked(account, asked, line, "credit_return_bounced")
    reopen(account, line, done, reason="credit_came_back")
    return done


def use_credit(account: Account, command: UseCredit, setting: Setting) -> Accepted | Refused:
    """Repay out of credit; no money moves."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    refused = refuse_amount(command.amount_minor, command.currency, line)
    refused = refused or _refuse_beyond_credit(command.amount_minor, line)
    refused = refused or _refuse_beyond_debt(account, command, setting)
    if refused:
        return refused
    payment = Repay(
        customer_id=command.customer_id,
        line_id=command.line_id,
        loan_id=command.loan_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        value_date=None,
        mode=command.mode,
        channel=CREDIT_CHANNEL,
    )
    return book_payment(account, payment, setting)


def return_answer(asked: CreditReturn) -> dict[str, object]:
    """Return what an answer says of a credit return."""
    return {
        "id": ids.to_text(ids.CREDIT_RETURN, asked.return_id),
        "customer_id": ids.to_text(ids.CUSTOMER, asked.customer_id),
        "line_id": ids.to_text(ids.LINE, asked.line_id),
        "status": asked.status,
        "amount_minor": asked.amount_minor,
        "currency": asked.currency,
        "payee_ref": asked.payee_ref,
        "requested_on": asked.requested_on.isoformat(),
        "value_date": asked.value_date.isoformat() if asked.value_date else None,
        "failure_code": asked.failure_code,
    }


def _left(line: Line) -> dict[str, object]:
    return {
        "credit_minor": line.credit_minor,
        "returning_minor": line.returning_minor,
        "line_version": line.version,
    }


def _order(asked: CreditReturn, line: Line) -> dict[str, object]:
    """Return what the relay has to know."""
    return {
        "customer_id": asked.customer_id,
        "return_id": asked.return_id,
        "amount_minor": asked.amount_minor,
        "currency": asked.currency,
        "lender_id": line.lender_id,
        "line_id": line.line_id,
        "payee_ref": asked.payee_ref,
        "business_date": asked.requested_on.isoformat(),
    }


def _settled(account: Account, asked: CreditReturn, line: Line, kind: str) -> Accepted:
    """Take a return off the way; the outcome is written in it."""
    line.returning_minor -= asked.amount_minor
    return _booked(account, asked, line, kind)


def _booked(account: Account, asked: CreditReturn, line: Line, kind: str) -> Accepted:
    line.version += 1
    account.changed_returns.add(asked.return_id)
    told = Told(kind, asked.return_id, {"line_id": ids.to_text(ids.LINE, line.line_id)})
    return Accepted(
        return_answer(asked) | _left(line),
        movements=[_movement(kind, asked, line)],
        told=[told],
    )


def _movement(kind: str, asked: CreditReturn, line: Line) -> Movement:
    amount = asked.bounced_minor if kind == "credit_return_bounced" else asked.amount_minor
    return Movement(kind, None, asked.return_id, line.product_code, NOTHING, amount)


def _refuse_beyond_credit(amount_minor: int, line: Line) -> Refused | None:
    if amount_minor > line.credit_minor:
        return refuse(refusals.INSUFFICIENT_CREDIT, credit_minor=line.credit_minor)
    return None


def _refuse_beyond_debt(account: Account, command: UseCredit, setting: Setting) -> Refused | None:
    """Refuse more than is owed: the rest would only be credit again.

    Where nothing can be repaid, the repayment itself says why.
    """
    loans = [
        loan
        for loan in account.loans.values()
        if loan.status == "open" and command.loan_id in (None, loan.loan_id)
    ]
    owed = sum(payoff_minor(loan, setting.business_date) for loan in loans)
    if loans and command.amount_minor > owed:
        return refuse(refusals.CREDIT_BEYOND_DEBT, owed_minor=owed)
    return None


def _refuse_settled(line: Line | None, asked: CreditReturn | None) -> Refused | None:
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if asked is None:
        return refuse(refusals.CREDIT_RETURN_NOT_FOUND)
    if asked.status != "requested":
        return refuse(refusals.CREDIT_RETURN_SETTLED, status=asked.status)
    return None
