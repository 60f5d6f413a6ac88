"""Repaying: in order, out of order, and taken back.

Invariant   The parts of a repayment over all loans, with the excess, sum to its amount. Applying
            a payment in time gives what folding all transactions again would give; one that
            comes late, and one that is taken back, does fold them again and books the
            difference as reallocations of today.
Order       To the loan the customer named; else, over all loans of the line or those that were
            named, first what has fallen due, oldest first, then the costlier loan, then ahead of
            time the costlier loan first. Where the customer chose the order, each loan is paid off
            before the next one gets anything. What is left never goes to a loan not named.
Follows     Civil Code of the PRC, articles 560 and 561; decision 0012.
"""

from collections.abc import Sequence
from datetime import date

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import (
    CREDIT_CHANNEL,
    Accepted,
    Account,
    Setting,
    Told,
    Transaction,
)
from counterfoil.lending.commands import Repay, ReverseRepayment
from counterfoil.lending.drawing import refuse_amount
from counterfoil.lending.fold import fold
from counterfoil.lending.line import Line
from counterfoil.lending.loan import NOTHING, Loan, advance, due_minor, payoff_minor
from counterfoil.lending.paying import pay
from counterfoil.lending.refolding import (
    book,
    inputs_of,
    negative,
    reallocate,
    refold,
    reopen,
    settle_line,
    standing_parts,
    start_of,
)
from counterfoil.lending.terms import Prepayment


def repay(account: Account, command: Repay, setting: Setting) -> Accepted | Refused:
    """Take in a payment and say what it paid."""
    if command.channel == CREDIT_CHANNEL:
        return refuse(refusals.CHANNEL_RESERVED, channel=command.channel)
    return book_payment(account, command, setting)


def book_payment(account: Account, command: Repay, setting: Setting) -> Accepted | Refused:
    """Book a payment, wherever its money comes from, and say what it paid."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    value_date = command.value_date or setting.business_date
    loans = _loans_to_repay(account, command)
    refused = refuse_amount(command.amount_minor, command.currency, line)
    refused = refused or _refuse_mode(command, loans, setting)
    refused = refused or _refuse_loans(account, command, loans)
    refused = refused or _refuse_date(value_date, loans, setting)
    if refused:
        return refused
    shares = _shares(account, loans, command, value_date, setting)
    return _book(account, line, command, shares, value_date, setting)


def book_late(
    account: Account, loan: Loan, command: Repay, value_date: date, setting: Setting
) -> Accepted:
    """Book money for a loan that was paid off only after it came: the loan is folded from its day.

    What earlier payments of later days then leave over is the customer's credit.
    """
    assert account.line is not None
    shares = [(loan, command.amount_minor)]
    return _book(account, account.line, command, shares, value_date, setting)


def _book(
    account: Account,
    line: Line,
    command: Repay,
    shares: Sequence[tuple[Loan, int]],
    value_date: date,
    setting: Setting,
) -> Accepted:
    """Book what each loan gets of a payment."""
    repayment_id = setting.ids.next()
    done = Accepted({})
    left = command.amount_minor
    for loan, share in shares:
        left -= share
        _apply(account, loan, share, value_date, command, repayment_id, setting, done)
    left += sum(t.parts.excess_minor for t in done.transactions if t.kind == "repayment")
    assert sum(t.amount_minor for t in done.transactions if t.kind == "repayment") == (
        command.amount_minor
    )
    settle_line(line, done)
    done.answer = _answer(line, command, repayment_id, value_date, done, left)
    done.told.append(Told("repayment_booked", repayment_id, {"amount_minor": command.amount_minor}))
    return done


def reverse(account: Account, command: ReverseRepayment, setting: Setting) -> Accepted | Refused:
    """Take a repayment back: fold its loans again as if it had never been."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    booked = [
        t
        for history in account.history.values()
        for t in history
        if t.repayment_id == command.repayment_id and t.kind == "repayment"
    ]
    refused = _refuse_reversal(account, booked) or _refuse_used(account, line, booked, setting)
    if refused:
        return refused
    done = Accepted({})
    for transaction in booked:
        loan = account.loans[transaction.loan_id]
        _take_back(account, loan, transaction, command, setting, done)
    settle_line(line, done)
    reopen(account, line, done, reason="repayment_reversed")
    done.answer = {
        "id": ids.to_text(ids.REPAYMENT, command.repayment_id),
        "customer_id": ids.to_text(ids.CUSTOMER, line.customer_id),
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "status": "reversed",
        "reason": command.reason,
        "amount_minor": sum(t.amount_minor for t in booked),
        "currency": line.currency,
        "reversed_on": setting.business_date.isoformat(),
        "line_version": line.version,
    }
    done.told.append(Told("repayment_reversed", command.repayment_id, {"reason": command.reason}))
    return done


def needs_history(value_date: date | None, business_date: date) -> bool:
    """Return whether a payment of that value date may have to fold its loans again."""
    return value_date is not None and value_date < business_date


def _loans_to_repay(account: Account, command: Repay) -> list[Loan]:
    """Return the open loans among those named, in the order named; of the line if none is."""
    numbers = command.named_loans or tuple(account.loans)
    found = [account.loans[number] for number in numbers if number in account.loans]
    return [loan for loan in found if loan.status == "open"]


def _refuse_mode(command: Repay, loans: list[Loan], setting: Setting) -> Refused | None:
    """Refuse a way of prepaying that the terms of a loan, or of the line, do not offer."""
    for terms in [setting.terms_of(loan) for loan in loans] or [setting.terms]:
        if command.mode not in terms.prepayments:
            offered = ", ".join(terms.prepayments)
            return refuse(refusals.PREPAYMENT_NOT_OFFERED, mode=command.mode, offered=offered)
    return None


def _refuse_loans(account: Account, command: Repay, loans: Sequence[Loan]) -> Refused | None:
    """Refuse a payment as a whole where one of the loans named cannot be paid."""
    named = command.named_loans
    if not named:
        return None if loans else refuse(refusals.NOTHING_TO_REPAY)
    if len(set(named)) < len(named):
        return refuse(refusals.LOAN_NAMED_TWICE)
    for number in named:
        loan = account.loans.get(number)
        if loan is None:
            return refuse(refusals.LOAN_NOT_FOUND)
        if loan.status == "pending":
            return refuse(refusals.LOAN_PENDING)
        if loan.status != "open":
            return refuse(refusals.LOAN_CLOSED, status=loan.status)
    return None


def _refuse_date(value_date: date, loans: Sequence[Loan], setting: Setting) -> Refused | None:
    if value_date > setting.business_date:
        return refuse(
            refusals.VALUE_DATE_IN_FUTURE, business_date=setting.business_date.isoformat()
        )
    for loan in loans:
        if loan.start_date is not None and value_date < loan.start_date:
            return refuse(
                refusals.VALUE_DATE_BEFORE_DRAWDOWN, start_date=loan.start_date.isoformat()
            )
    return None


def _shares(
    account: Account, loans: Sequence[Loan], command: Repay, on: date, setting: Setting
) -> list[tuple[Loan, int]]:
    """Return what each loan gets; what nobody asks for goes to the last one as its excess.

    Money that came earlier than it is booked is split as it would have been on its day, except
    that no loan gets more than it can still take.
    """
    if len(loans) == 1:
        return [(loans[0], command.amount_minor)]
    stood = {loan.loan_id: _as_it_stood(account, loan, on, setting) for loan in loans}
    room = {
        loan.loan_id: min(
            payoff_minor(stood[loan.loan_id], on), payoff_minor(loan, setting.business_date)
        )
        for loan in loans
    }
    shares = {loan.loan_id: 0 for loan in loans}
    left = command.amount_minor
    by_law = sorted(loans, key=lambda one: _due_first(stood[one.loan_id]))
    for loan in () if command.is_in_named_order else by_law:
        share = min(left, due_minor(stood[loan.loan_id], on), room[loan.loan_id])
        shares[loan.loan_id] += share
        left -= share
    ordered = loans if command.is_in_named_order else sorted(loans, key=_costliest_first)
    for loan in ordered:
        share = min(left, room[loan.loan_id] - shares[loan.loan_id])
        shares[loan.loan_id] += share
        left -= share
    paid = [loan for loan in ordered if shares[loan.loan_id]]
    shares[paid[-1].loan_id] += left
    return [(loan, shares[loan.loan_id]) for loan in paid]


def _as_it_stood(account: Account, loan: Loan, on: date, setting: Setting) -> Loan:
    """Return a loan in the state of an earlier day, or as it is where that day is not over."""
    assert loan.accrued_to is not None
    if on >= loan.accrued_to:
        return loan
    until = [entry for entry in inputs_of(account.history[loan.loan_id]) if entry.value_date <= on]
    state, _ = fold(start_of(account, loan), until, through=on, terms=setting.terms_of(loan))
    return state


def _due_first(loan: Loan) -> tuple[date, int, int]:
    return (loan.oldest_due_date or date.max, -loan.rate_daily_e8, loan.loan_id)


def _costliest_first(loan: Loan) -> tuple[int, int]:
    return (-loan.rate_daily_e8, loan.loan_id)


def _apply(
    account: Account,
    loan: Loan,
    amount: int,
    value_date: date,
    command: Repay,
    repayment_id: int,
    setting: Setting,
    done: Accepted,
) -> None:
    """Book one loan's share: on its present state, or by folding again where it comes late."""
    transaction = Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence + 1,
        kind="repayment",
        value_date=value_date,
        amount_minor=amount,
        parts=NOTHING,
        mode=command.mode,
        repayment_id=repayment_id,
        relates_to=None,
        channel=command.channel,
        reason=None,
    )
    loan.last_sequence += 1
    assert loan.accrued_to is not None
    if value_date >= loan.accrued_to:
        parts = pay(loan, amount, value_date, mode=command.mode, terms=setting.terms_of(loan))
        if loan.status == "open":
            advance(loan, setting.business_date)
        loan.version += 1
        account.changed_loans.add(loan.loan_id)
        book(transaction._replace(parts=parts), loan, done)
        return
    history = [*account.history[loan.loan_id], transaction]
    allotted = refold(account, loan, history, setting)
    own = transaction._replace(parts=allotted[transaction.transaction_id])
    book(own, account.loans[loan.loan_id], done)
    reallocate(account, loan, history[:-1], allotted, own, setting, done)


def _take_back(
    account: Account,
    loan: Loan,
    transaction: Transaction,
    command: ReverseRepayment,
    setting: Setting,
    done: Accepted,
) -> None:
    history = account.history[loan.loan_id]
    standing = standing_parts(history, transaction.transaction_id)
    reversal = Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence + 1,
        kind="reversal",
        value_date=transaction.value_date,
        amount_minor=-transaction.amount_minor,
        parts=negative(standing),
        mode=transaction.mode,
        repayment_id=transaction.repayment_id,
        relates_to=transaction.transaction_id,
        channel=transaction.channel,
        reason=command.reason,
    )
    loan.last_sequence += 1
    allotted = refold(account, loan, [*history, reversal], setting)
    book(reversal, account.loans[loan.loan_id], done)
    others = [t for t in history if t.transaction_id != transaction.transaction_id]
    reallocate(account, loan, others, allotted, reversal, setting, done)


def _refuse_reversal(account: Account, booked: Sequence[Transaction]) -> Refused | None:
    if not booked:
        return refuse(refusals.REPAYMENT_NOT_FOUND)
    undone = {
        t.relates_to
        for history in account.history.values()
        for t in history
        if t.kind == "reversal"
    }
    if any(t.transaction_id in undone for t in booked):
        return refuse(refusals.REPAYMENT_REVERSED)
    return None


def _refuse_used(
    account: Account, line: Line, booked: Sequence[Transaction], setting: Setting
) -> Refused | None:
    """Refuse where credit would have to be taken back that is no longer there.

    Without the payment its loans may take what later payments had left over, so that more than
    the payment's own excess comes off the credit.
    """
    change = 0
    for taken in booked:
        history = account.history[taken.loan_id]
        inputs = [
            entry for entry in inputs_of(history) if entry.transaction_id != taken.transaction_id
        ]
        loan = account.loans[taken.loan_id]
        through, terms = setting.business_date, setting.terms_of(loan)
        _, parts = fold(start_of(account, loan), inputs, through=through, terms=terms)
        change += sum(part.excess_minor for part in parts)
        change -= sum(t.parts.excess_minor for t in history)
        change += taken.amount_minor if taken.is_from_credit else 0
    return refuse(refusals.CREDIT_ALREADY_USED) if line.credit_minor + change < 0 else None


def _answer(
    line: Line,
    command: Repay,
    repayment_id: int,
    value_date: date,
    done: Accepted,
    excess: int,
) -> dict[str, object]:
    """Return the receipt: what was paid, loan by loan."""
    return {
        "id": ids.to_text(ids.REPAYMENT, repayment_id),
        "customer_id": ids.to_text(ids.CUSTOMER, line.customer_id),
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "status": "booked",
        "amount_minor": command.amount_minor,
        "currency": command.currency,
        "value_date": value_date.isoformat(),
        "channel": command.channel,
        "allocations": [
            {
                "loan_id": ids.to_text(ids.LOAN, t.loan_id),
                "principal_minor": t.parts.principal_minor,
                "interest_minor": t.parts.interest_minor,
                "penalty_minor": t.parts.penalty_minor,
                "fee_minor": t.parts.fee_minor,
                "guarantee_minor": t.parts.guarantee_minor,
            }
            for t in done.transactions
            if t.kind == "repayment"
        ],
        "excess_minor": excess,
        "credit_minor": line.credit_minor,
        "line_version": line.version,
    }


DEFAULT_MODE = Prepayment.NEXT_INSTALMENT
