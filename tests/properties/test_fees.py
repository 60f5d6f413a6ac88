"""Fees in the fold: what is charged was agreed to, and what is true of every loan stays true."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.terms_for_tests import START, Bench, a_line, terms
from tests.properties.test_loan_fold import check_account, move_to, repay

from counterfoil.kernel import ids
from counterfoil.kernel.money import E8
from counterfoil.lending.account import Accepted
from counterfoil.lending.commands import ReplanLoan, ReturnPayout, ReverseRepayment
from counterfoil.lending.fees import fees_from_text, fees_to_text, principal_within, when_early
from counterfoil.lending.loan import payoff_minor, plan
from counterfoil.lending.terms import Fee, FeeBasis, FeeTiming, Method, Part, Prepayment, Terms

PARTS = (Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL)
METHODS = st.sampled_from(list(Method))
MODES = st.sampled_from(list(Prepayment))
STEPS = st.lists(
    st.tuples(
        st.integers(0, 45), st.integers(1, 900_000), MODES, st.integers(0, 40), st.booleans()
    ),
    max_size=7,
)


def a_fee(code: str, timing: FeeTiming, basis: FeeBasis, measure: int, payee: str) -> Fee:
    is_fixed = basis is FeeBasis.FIXED
    return Fee(
        code=code,
        name_en=code,
        name_zh=code,
        payee=payee,
        timing=timing,
        basis=basis,
        amount_minor=measure if is_fixed else 0,
        share_e8=0 if is_fixed else measure * E8 // 100_000,
        cap_minor=None if is_fixed or measure % 2 else 700,
    )


@st.composite
def fees(draw: st.DrawFn) -> tuple[Fee, ...]:
    """Some fees of each timing, each with a basis that it may have."""
    found = []
    for timing, bases in (
        (FeeTiming.FIRST_INSTALMENT, (FeeBasis.FIXED, FeeBasis.ORIGINAL_PRINCIPAL)),
        (FeeTiming.EACH_INSTALMENT, (FeeBasis.FIXED, FeeBasis.OUTSTANDING_PRINCIPAL)),
        (FeeTiming.EARLY_REPAYMENT, (FeeBasis.REPAID_PRINCIPAL,)),
        (FeeTiming.LATE, (FeeBasis.FIXED,)),
    ):
        if draw(st.booleans()):
            basis = draw(st.sampled_from(bases))
            payee = draw(st.sampled_from(("lender", "guarantor")))
            found.append(a_fee(timing.value, timing, basis, draw(st.integers(1, 900)), payee))
    return tuple(found)


def bench_with(agreed: tuple[Fee, ...]) -> Bench:
    bench = Bench(a_line())
    bench.terms = replace(bench.terms, fees=agreed, allocation=PARTS)
    return bench


@given(agreed=fees(), method=METHODS, steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_loan_with_fees_is_the_fold_of_its_transactions(
    agreed: tuple[Fee, ...], method: Method, steps: list[tuple[int, int, Prepayment, int, bool]]
) -> None:
    """Payments in time, late and taken back, and changes of plan: the sums and the fold hold."""
    bench = bench_with(agreed)
    loan_id = bench.draw(600_000, method=method)
    for days, amount, mode, back, is_reversed in steps:
        move_to(bench, bench.on + timedelta(days=days))
        on = max(START, bench.on - timedelta(days=back))
        done = repay(bench, amount, on=on, mode=mode)
        if isinstance(done, Accepted) and is_reversed:
            number = ids.from_text(ids.REPAYMENT, str(done.answer["id"]))
            bench.decide(
                ReverseRepayment(customer_id=7, line_id=11, repayment_id=number, reason="bounced")
            )
        elif back % 3 == 0:
            bench.decide(a_replan(loan_id, rate=35_000 - amount % 9_000, on=on))
        check_account(bench.account, bench.on, bench.terms)
    loan = bench.account.loans[loan_id]
    if loan.status == "open":
        done = repay(bench, payoff_minor(loan, bench.on), on=None, mode=Prepayment.NEXT_INSTALMENT)
        assert isinstance(done, Accepted)
        assert done.answer["excess_minor"] == 0
        assert loan.status == "closed"
        check_account(bench.account, bench.on, bench.terms)


def a_replan(
    loan_id: int, *, rate: int | None = None, months: int | None = None, on: date | None = None
) -> ReplanLoan:
    return ReplanLoan(
        customer_id=7,
        line_id=11,
        loan_id=loan_id,
        rate_daily_e8=rate,
        tenor_months=months,
        value_date=on,
        reason="rate_lowered",
        author="operator",
    )


@given(agreed=fees(), method=METHODS)
@settings(max_examples=40, deadline=None)
def test_what_the_plan_shows_is_what_is_charged(agreed: tuple[Fee, ...], method: Method) -> None:
    """Each instalment paid on its day asks for the row that was shown, and nothing is left."""
    bench = bench_with(agreed)
    loan_id = bench.draw(600_000, method=method)
    loan = bench.account.loans[loan_id]
    rows = plan(loan)
    for row in rows:
        move_to(bench, row.due_date)
        repay(bench, row.due_minor, on=None, mode=Prepayment.NEXT_INSTALMENT)
    assert loan.status == "closed"
    paid = loan.fee_paid_minor + loan.guarantee_paid_minor
    assert paid == sum(row.fee_minor for row in rows)


@given(agreed=fees(), amount=st.integers(1, 10**7), most=st.integers(1, 10**7))
@settings(max_examples=200, deadline=None)
def test_principal_and_its_fee_fit_into_what_is_paid(
    agreed: tuple[Fee, ...], amount: int, most: int
) -> None:
    principal = principal_within(agreed, amount, most)
    assert principal + when_early(agreed, principal).total_minor <= amount
    if principal < min(amount, most):
        more = principal + 1
        assert more + when_early(agreed, more).total_minor > amount


@given(agreed=fees())
def test_fees_are_kept_as_they_were_agreed(agreed: tuple[Fee, ...]) -> None:
    text = fees_to_text(agreed)
    assert (fees_from_text(text) if text else ()) == agreed


def with_early_fee() -> tuple[Terms, Bench]:
    agreed = (
        a_fee("care", FeeTiming.EACH_INSTALMENT, FeeBasis.FIXED, 500, "guarantor"),
        a_fee("early", FeeTiming.EARLY_REPAYMENT, FeeBasis.REPAID_PRINCIPAL, 1_001, "lender"),
        a_fee("late", FeeTiming.LATE, FeeBasis.FIXED, 900, "lender"),
    )
    bench = bench_with(agreed)
    return terms(), bench


def test_repaying_early_owes_no_fee_of_instalments_to_come() -> None:
    """6,000.00 repaid on day 9: interest of nine days, the early fee of 1.001 %, nothing else."""
    _, bench = with_early_fee()
    loan_id = bench.draw(600_000)
    move_to(bench, START + timedelta(days=9))
    loan = bench.account.loans[loan_id]
    # 600,000 x 0.035 % x 9 = 1,890; 600,000 x 1.001 % = 6,006.
    assert payoff_minor(loan, bench.on) == 600_000 + 1_890 + 6_006
    done = repay(bench, 607_896, on=None, mode=Prepayment.REDUCE_TERM)
    assert isinstance(done, Accepted)
    assert done.transactions[0].parts == (600_000, 1_890, 0, 0, 6_006, 0)
    assert loan.status == "closed"


def test_lateness_is_charged_once_after_grace_and_taken_back_with_its_cause() -> None:
    _, bench = with_early_fee()
    loan_id = bench.draw(600_000, method=Method.LEVEL_PRINCIPAL)
    due = bench.account.loans[loan_id].next_due_date
    assert due is not None
    move_to(bench, due + timedelta(days=3))
    loan = bench.account.loans[loan_id]
    assert (loan.due_fee_minor, loan.due_guarantee_minor) == (0, 500)
    move_to(bench, due + timedelta(days=9))
    assert (loan.due_fee_minor, loan.due_guarantee_minor) == (900, 500)
    # The money had come in time: the fee for lateness was never owed.
    on_time = plan_row_due(loan_id, bench)
    repay(bench, on_time, on=due, mode=Prepayment.NEXT_INSTALMENT)
    loan = bench.account.loans[loan_id]
    assert (loan.due_fee_minor, loan.fee_paid_minor, loan.guarantee_paid_minor) == (0, 0, 500)
    check_account(bench.account, bench.on, bench.terms)


def plan_row_due(loan_id: int, bench: Bench) -> int:
    (due,) = bench.account.loans[loan_id].dues
    return due.principal_minor + due.interest_minor + due.guarantee_minor


def test_a_returned_payout_leaves_nothing_owed_and_turns_payments_into_credit() -> None:
    _, bench = with_early_fee()
    loan_id = bench.draw(600_000)
    move_to(bench, START + timedelta(days=20))
    repay(bench, 100_000, on=None, mode=Prepayment.REDUCE_TERM)
    line = bench.account.line
    assert line is not None
    done = bench.decide(
        ReturnPayout(
            customer_id=7,
            line_id=11,
            loan_id=loan_id,
            payment_id=loan_id,
            value_date=bench.on,
            rail_reference="back-1",
            reason="account_closed",
        )
    )
    assert isinstance(done, Accepted)
    assert bench.account.loans[loan_id].status == "cancelled"
    assert (line.principal_minor, line.credit_minor) == (0, 100_000)
    assert sum(t.parts.principal_minor for t in bench.account.history[loan_id]) == 0
    again = bench.decide(a_replan(loan_id, rate=1))
    assert getattr(again, "code", None) == "loan_closed"


def test_a_change_of_plan_counts_from_its_day_and_never_makes_dearer() -> None:
    """6,000.00 at 0.035 %; halved from day 10: ten days at the old rate, the rest at the new."""
    bench = bench_with(())
    loan_id = bench.draw(600_000, method=Method.BULLET, months=3)
    move_to(bench, START + timedelta(days=30))
    dearer = bench.decide(a_replan(loan_id, rate=35_001))
    assert getattr(dearer, "code", None) == "rate_above_signed"
    assert getattr(bench.decide(a_replan(loan_id)), "code", None) == "plan_unchanged"
    done = bench.decide(a_replan(loan_id, rate=17_500, on=START + timedelta(days=10)))
    assert isinstance(done, Accepted)
    loan = bench.account.loans[loan_id]
    # 600,000 x (10 x 0.035 % + 20 x 0.0175 %) = 2,100 + 2,100
    assert payoff_minor(loan, bench.on) == 600_000 + 4_200
    assert getattr(bench.decide(a_replan(loan_id, months=1)), "code", None) == "plan_not_possible"
    shorter = bench.decide(a_replan(loan_id, months=2))
    assert isinstance(shorter, Accepted)
    (row,) = plan(bench.account.loans[loan_id])
    assert row.due_date == date(2026, 2, 15)
    back = bench.decide(a_replan(loan_id, rate=35_000, months=3))
    assert isinstance(back, Accepted)
    check_account(bench.account, bench.on, bench.terms)
