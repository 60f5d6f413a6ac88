"""A loan is the fold of its transactions, whatever came in whatever order."""

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.terms_for_tests import START, Bench, a_line

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.account import Accepted, Account
from counterfoil.lending.commands import AdvanceLoans, Repay, ReverseRepayment
from counterfoil.lending.fold import fold, origin_of
from counterfoil.lending.loan import Loan, accrue, advance, payoff_minor
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.terms import Method, Prepayment, Terms

AMOUNTS = st.integers(100, 50_000).map(lambda yuan: yuan * 100)
METHODS = st.sampled_from(list(Method))
MODES = st.sampled_from(list(Prepayment))
#: Days after the start, and amounts, of payments.
Payments = list[tuple[int, int, Prepayment]]
PAYMENTS = st.lists(
    st.tuples(st.integers(0, 420), st.integers(1, 2_000_000), MODES), min_size=0, max_size=8
)


def state_of(loan: Loan, on: date, *, whole: bool) -> dict[str, object]:
    """Return all that a loan is on a date, with exact accruals; dues where they are whole."""
    twin = loan.copy()
    if twin.status == "open":
        advance(twin, on)
        accrue(twin, on)
    left_out = {"version", "last_sequence", "dues"}
    state: dict[str, object] = {
        f.name: getattr(twin, f.name) for f in fields(Loan) if f.name not in left_out
    }
    state["dues"] = [
        (d.instalment_no, d.principal_minor, d.interest_minor, d.principal_paid_minor,
         d.interest_paid_minor, d.penal)
        for d in twin.dues
        if whole or d.settled_on is None
    ]  # fmt: skip
    return state


def check_loan(loan: Loan) -> None:
    """Assert what is true of every loan at any time."""
    unsettled = loan.open_dues
    assert loan.due_principal_minor == sum(d.principal_left_minor for d in unsettled)
    assert loan.due_interest_minor == sum(d.interest_left_minor for d in unsettled)
    assert loan.penal_principal_minor == sum(d.principal_left_minor for d in unsettled if d.penal)
    assert loan.due_fee_minor == sum(d.fee_left_minor for d in unsettled)
    assert loan.due_guarantee_minor == sum(d.guarantee_left_minor for d in unsettled)
    assert 0 <= loan.due_principal_minor <= loan.principal_minor <= loan.original_minor
    assert loan.oldest_due_date == (unsettled[0].due_date if unsettled else None)
    if loan.status == "open" and loan.current_principal_minor:
        assert loan.next_due_date is not None
    if loan.status == "closed":
        assert not loan.principal_minor
        assert not unsettled
        assert loan.next_event_on is None


def check_account(account: Account, on: date, terms: Terms | None = None) -> None:
    """Assert that state and history agree, loan by loan and with the line."""
    line = account.line
    assert line is not None
    for loan_id, loan in account.loans.items():
        check_loan(loan)
        history = account.history[loan_id]
        folded, _ = fold(
            origin_of(loan), inputs_of(history), through=on, terms=terms or Bench().terms
        )
        assert state_of(folded, on, whole=False) == state_of(loan, on, whole=False)
        paid = sum(
            t.parts.principal_minor
            for t in history
            if t.kind in ("repayment", "reversal", "reallocation")
        )
        assert loan.original_minor - paid == loan.principal_minor
        for kind in ("interest", "penalty", "fee", "guarantee"):
            booked = sum(
                getattr(t.parts, f"{kind}_minor") for t in history if t.kind != "disbursement"
            )
            assert booked == getattr(loan, f"{kind}_paid_minor")
        for t in history:
            assert t.amount_minor == t.parts.amount_minor
    assert line.principal_minor == sum(loan.principal_minor for loan in account.loans.values())
    excess = sum(t.parts.excess_minor for history in account.history.values() for t in history)
    assert line.credit_minor == excess >= 0


def repay(bench: Bench, amount: int, *, on: date | None, mode: Prepayment) -> object:
    """Pay on the line, in its order."""
    return bench.decide(
        Repay(
            customer_id=7,
            line_id=11,
            loan_id=None,
            amount_minor=amount,
            currency="CNY",
            value_date=on,
            mode=mode,
            channel="bank",
        )
    )


def move_to(bench: Bench, on: date) -> None:
    """Move the business date as the close of day does."""
    bench.on = on
    bench.decide(AdvanceLoans(customer_id=7, line_id=11))


@given(amount=AMOUNTS, method=METHODS, payments=PAYMENTS, day=st.integers(1, 28))
@settings(max_examples=150, deadline=None)
def test_payments_in_time_give_what_the_fold_gives(
    amount: int, method: Method, payments: Payments, day: int
) -> None:
    bench = Bench(a_line(repayment_day=day))
    bench.draw(amount, method=method)
    for days, paid, mode in sorted(payments, key=lambda p: p[0]):
        move_to(bench, START + timedelta(days=days))
        repay(bench, paid, on=None, mode=mode)
        check_account(bench.account, bench.on)
    move_to(bench, bench.on + timedelta(days=40))
    check_account(bench.account, bench.on)


@given(
    amount=AMOUNTS,
    method=METHODS,
    payments=PAYMENTS,
    late=st.lists(st.integers(0, 200), min_size=8, max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_late_bookings_give_what_booking_in_time_gives(
    amount: int, method: Method, payments: Payments, late: list[int]
) -> None:
    """Payments booked days after their value date leave the loan as if booked on the day."""
    booked = sorted(
        (days + late[i], i, days, paid, mode) for i, (days, paid, mode) in enumerate(payments)
    )
    bench = Bench()
    bench.draw(amount, method=method)
    for booked_days, _, days, paid, mode in booked:
        move_to(bench, START + timedelta(days=booked_days))
        outcome = repay(bench, paid, on=START + timedelta(days=days), mode=mode)
        if isinstance(outcome, Refused):
            assert outcome.code == "nothing_to_repay"
        check_account(bench.account, bench.on)


@given(amount=AMOUNTS, method=METHODS, payments=PAYMENTS, which=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_a_reversal_leaves_the_loan_as_if_the_payment_had_never_been(
    amount: int, method: Method, payments: Payments, which: int
) -> None:
    ordered = sorted(payments, key=lambda p: p[0])
    with_it, without_it = Bench(), Bench()
    repayment_id = None
    for bench in (with_it, without_it):
        bench.draw(amount, method=method)
    for number, (days, paid, mode) in enumerate(ordered):
        is_reversed = number == which
        for bench in (with_it, without_it):
            move_to(bench, START + timedelta(days=days))
        outcome = repay(with_it, paid, on=None, mode=mode)
        if is_reversed:
            if isinstance(outcome, Accepted):
                repayment_id = ids.from_text(ids.REPAYMENT, str(outcome.answer["id"]))
            break
        repay(without_it, paid, on=None, mode=mode)
    if repayment_id is None:
        return
    for bench in (with_it, without_it):
        move_to(bench, bench.on + timedelta(days=75))
    undone = with_it.decide(
        ReverseRepayment(customer_id=7, line_id=11, repayment_id=repayment_id, reason="bounced")
    )
    assert isinstance(undone, Accepted)
    check_account(with_it.account, with_it.on)
    (a,), (b,) = with_it.account.loans.values(), without_it.account.loans.values()
    left_out = ("loan_id",)
    one = {k: v for k, v in state_of(a, with_it.on, whole=False).items() if k not in left_out}
    two = {k: v for k, v in state_of(b, without_it.on, whole=False).items() if k not in left_out}
    assert one == two
    twice = with_it.decide(
        ReverseRepayment(customer_id=7, line_id=11, repayment_id=repayment_id, reason="bounced")
    )
    assert isinstance(twice, Refused)
    assert twice.code == "repayment_reversed"


@given(
    amounts=st.lists(AMOUNTS, min_size=2, max_size=4),
    payments=PAYMENTS,
    method=METHODS,
)
@settings(max_examples=100, deadline=None)
def test_a_payment_over_several_loans_is_never_lost(
    amounts: list[int], payments: Payments, method: Method
) -> None:
    bench = Bench()
    for number, amount in enumerate(amounts):
        move_to(bench, START + timedelta(days=7 * number))
        bench.draw(amount, method=method)
    opened_on = bench.on
    for days, paid, mode in sorted(payments, key=lambda p: p[0]):
        move_to(bench, opened_on + timedelta(days=days))
        outcome = repay(bench, paid, on=None, mode=mode)
        if isinstance(outcome, Accepted):
            answer: Any = outcome.answer
            shares = answer["allocations"]
            whole = sum(v for s in shares for name, v in s.items() if name != "loan_id")
            assert whole + answer["excess_minor"] == paid
        check_account(bench.account, bench.on)


@given(amount=AMOUNTS, method=METHODS, days=st.integers(0, 500), paid=st.integers(1, 900_000))
@settings(max_examples=100, deadline=None)
def test_the_payoff_quote_closes_the_loan_to_exactly_zero(
    amount: int, method: Method, days: int, paid: int
) -> None:
    bench = Bench()
    loan_id = bench.draw(amount, method=method)
    move_to(bench, START + timedelta(days=days // 2))
    repay(bench, paid, on=None, mode=Prepayment.NEXT_INSTALMENT)
    move_to(bench, START + timedelta(days=days))
    loan = bench.account.loans[loan_id]
    if loan.status == "closed":
        return
    outcome = repay(bench, payoff_minor(loan, bench.on), on=None, mode=Prepayment.NEXT_INSTALMENT)
    assert isinstance(outcome, Accepted)
    assert outcome.answer["excess_minor"] == 0
    assert loan.status == "closed"
    check_account(bench.account, bench.on)


@given(amount=AMOUNTS, method=METHODS, days=st.integers(0, 400), cut=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_days_caught_up_at_once_give_what_days_closed_in_time_give(
    amount: int, method: Method, days: int, cut: int
) -> None:
    daily, at_once = Bench(), Bench()
    for bench in (daily, at_once):
        bench.draw(amount, method=method)
    for day in range(1, days + 1):
        move_to(daily, START + timedelta(days=day))
    move_to(at_once, START + timedelta(days=min(cut, days)))
    move_to(at_once, START + timedelta(days=days))
    (a,), (b,) = daily.account.loans.values(), at_once.account.loans.values()
    assert state_of(a, daily.on, whole=True) == state_of(b, at_once.on, whole=True) | {
        "loan_id": a.loan_id
    }
