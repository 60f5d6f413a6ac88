"""What a payment pays: what has fallen due in the product's order, then what lies ahead.

Invariant   The parts of a payment sum to the payment; what no part asks for is its excess. A loan
            on which nothing is owed closes, with every amount at zero.
Units       Minor units; what is rounded is rounded once, halves up, when it is paid.
Follows     Civil Code of the PRC, articles 561 (order of parts) and 677 (early repayment: interest
            for the time of use); decision 0012.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from counterfoil.kernel.money import E8
from counterfoil.lending import delinquency
from counterfoil.lending.fees import NO_FEE, Charged, principal_within, when_early
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import (
    Due,
    Loan,
    Parts,
    accrue,
    advance,
    schedule_next_event,
    spread,
)
from counterfoil.lending.terms import Method, Part, Prepayment, Sweep, Terms


def pay(
    loan: Loan, amount_minor: int, value_date: date, *, mode: Prepayment, terms: Terms
) -> Parts:
    """Apply a payment on its value date and return what it paid.

    What has fallen due comes first, in the product's order; then the interest accrued to the
    value date and principal ahead of its time. What no part asks for is the excess.
    """
    assert amount_minor > 0
    advance(loan, value_date)
    accrue(loan, value_date)
    before = loan.principal_minor
    due = _pay_due(loan, amount_minor, value_date, terms)
    ahead = _pay_ahead(loan, due.excess_minor, value_date, mode)
    interest = due.interest_minor + ahead.interest_minor
    fee = due.fee_minor + ahead.fee_minor
    guarantee = due.guarantee_minor + ahead.guarantee_minor
    loan.interest_paid_minor += interest
    loan.penalty_paid_minor += due.penalty_minor
    loan.fee_paid_minor += fee
    loan.guarantee_paid_minor += guarantee
    _settle(loan, value_date)
    principal = before - loan.principal_minor
    return Parts(principal, interest, due.penalty_minor, ahead.excess_minor, fee, guarantee)


def _pay_due(loan: Loan, amount: int, on: date, terms: Terms) -> Parts:
    """Pay what has fallen due; what is left is the excess. Principal is counted by the loan."""
    open_dues = loan.open_dues
    if not open_dues and loan.accrued_penalty_e8 <= 0:
        return Parts(0, 0, 0, amount)
    left, interest, penalty, charged = amount, 0, 0, NO_FEE
    for part, dues in _sweep_order(open_dues, terms):
        if not left:
            break
        if part is Part.PENALTY:
            paid = min(left, payable(loan.accrued_penalty_e8))
            loan.accrued_penalty_e8 -= paid * E8
            penalty += paid
        elif part is Part.FEE:
            before = charged.total_minor
            charged = _pay_fees(loan, dues, left, charged)
            paid = charged.total_minor - before
        else:
            paid = sum(
                _pay_part(loan, due, part, budget) for due, budget in _spend(dues, part, left)
            )
            if part is Part.INTEREST:
                interest += paid
        left -= paid
    _mark_settled(open_dues, on)
    return Parts(0, interest, penalty, left, charged.fee_minor, charged.guarantee_minor)


def _pay_fees(loan: Loan, dues: Sequence[Due], amount: int, paid_before: Charged) -> Charged:
    """Pay the fees of instalments, oldest first: what is collected for others, then the lender's.

    Returns what was paid before and now.
    """
    fee, guarantee = paid_before
    for due in dues:
        for_others = min(amount, due.guarantee_left_minor)
        own = min(amount - for_others, due.fee_left_minor)
        if not for_others and not own:
            continue
        due.is_changed = True
        due.guarantee_paid_minor += for_others
        due.fee_paid_minor += own
        loan.due_guarantee_minor -= for_others
        loan.due_fee_minor -= own
        amount -= for_others + own
        fee, guarantee = fee + own, guarantee + for_others
    return Charged(fee, guarantee)


def _sweep_order(dues: Sequence[Due], terms: Terms) -> list[tuple[Part, Sequence[Due]]]:
    """Return the steps of a payment: penalty is one pool, the rest lies in the instalments."""
    if terms.sweep is Sweep.BY_PART:
        return [(part, dues) for part in terms.allocation]
    rows = [part for part in terms.allocation if part is not Part.PENALTY]
    steps: list[tuple[Part, Sequence[Due]]] = [(part, [due]) for due in dues for part in rows]
    penalty: tuple[Part, Sequence[Due]] = (Part.PENALTY, ())
    if terms.allocation[0] is Part.PENALTY:
        return [penalty, *steps]
    return [*steps, penalty]


def _spend(dues: Sequence[Due], part: Part, amount: int) -> list[tuple[Due, int]]:
    """Return how much of an amount each instalment gets of one part, oldest first."""
    shares = []
    for due in dues:
        left = due.interest_left_minor if part is Part.INTEREST else due.principal_left_minor
        share = min(amount, left)
        amount -= share
        if share:
            shares.append((due, share))
    return shares


def _pay_part(loan: Loan, due: Due, part: Part, amount: int) -> int:
    """Pay interest or principal of one instalment."""
    due.is_changed = True
    if part is Part.INTEREST:
        due.interest_paid_minor += amount
        loan.due_interest_minor -= amount
        return amount
    due.principal_paid_minor += amount
    loan.due_principal_minor -= amount
    loan.principal_minor -= amount
    if due.penal:
        loan.penal_principal_minor -= amount
    return amount


def _mark_settled(dues: Iterable[Due], on: date) -> None:
    for due in dues:
        if due.is_paid:
            due.settled_on = on
            due.is_changed = True


def _pay_ahead(loan: Loan, amount: int, on: date, mode: Prepayment) -> Parts:
    """Pay accrued interest, then principal that has not fallen due, with its fee if it has one."""
    interest = min(amount, payable(loan.accrued_interest_e8))
    principal = min(amount - interest, loan.current_principal_minor)
    charged = NO_FEE
    if principal and loan.fees:
        principal = principal_within(loan.fees, amount - interest, principal)
        charged = when_early(loan.fees, principal)
    loan.accrued_interest_e8 -= interest * E8
    loan.principal_minor -= principal
    paid = interest + principal
    if paid and mode is Prepayment.NEXT_INSTALMENT:
        _count_ahead(loan, interest, principal)
    elif principal and mode is Prepayment.REDUCE_INSTALMENT:
        spread(loan, on)
    if not loan.current_principal_minor:
        loan.next_due_date = None
    excess = amount - paid - charged.total_minor
    return Parts(principal, interest, 0, excess, charged.fee_minor, charged.guarantee_minor)


def _count_ahead(loan: Loan, interest: int, principal: int) -> None:
    """Let what was paid early count towards the next instalment of a level method."""
    if loan.method is Method.LEVEL_INSTALMENT:
        loan.advance_minor += interest + principal
    elif loan.method is Method.LEVEL_PRINCIPAL:
        loan.advance_minor += principal


def _settle(loan: Loan, on: date) -> None:
    """Bring dates and bucket into line after a payment; close the loan where nothing is owed."""
    open_dues = loan.open_dues
    loan.oldest_due_date = open_dues[0].due_date if open_dues else None
    loan.bucket = delinquency.bucket(loan.oldest_due_date, loan.grace_days, on)
    if (
        loan.principal_minor
        or loan.due_interest_minor
        or loan.due_fee_minor
        or loan.due_guarantee_minor
        or payable(loan.accrued_interest_e8)
        or payable(loan.accrued_penalty_e8)
    ):
        schedule_next_event(loan)
        return
    loan.status = "closed"
    loan.closed_on = on
    # Less than half a minor unit is left of exact interest; nobody owes a fraction of a cent.
    loan.accrued_interest_e8 = loan.accrued_penalty_e8 = 0
    loan.advance_minor = 0
    loan.next_due_date = loan.next_event_on = None
