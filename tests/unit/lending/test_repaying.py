"""Repaying: shares of several loans, late bookings, and payments that are taken back."""

from dataclasses import replace
from datetime import date, timedelta

from tests.properties.terms_for_tests import Bench, a_line
from tests.store.branch import a_repayment, reversal

from counterfoil.kernel.errors import Refused
from counterfoil.lending.account import Accepted
from counterfoil.lending.commands import AdvanceLoans
from counterfoil.lending.refolding import inputs_of
from counterfoil.lending.repaying import needs_history
from counterfoil.lending.terms import Method

DRAWN = date(2026, 1, 15)
DUE = date(2026, 2, 15)


def bench_at(*amounts: int, method: Method = Method.ANY_TIME) -> tuple[Bench, list[int]]:
    """Return a bench with loans of 0.04 % a day drawn on 15 January."""
    bench = Bench(a_line(rate=40_000))
    bench.on = DRAWN
    return bench, [bench.draw(amount, months=3, method=method) for amount in amounts]


def move(bench: Bench, on: date) -> None:
    bench.on = on
    bench.decide(AdvanceLoans(customer_id=7, line_id=11))


def paid(outcome: object) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def test_history_is_needed_for_the_past_only() -> None:
    assert not needs_history(None, DUE)
    assert not needs_history(DUE, DUE)
    assert needs_history(DUE - timedelta(days=1), DUE)


def test_the_rest_of_a_payment_over_several_loans_is_kept_once() -> None:
    """10 days: 4.00 on 1,000.00 and 8.00 on 2,000.00; 5,000.00 leaves 1,988.00."""
    bench, loans = bench_at(100_000, 200_000)
    bench.on = DRAWN + timedelta(days=10)
    answer = paid(bench.decide(a_repayment(7, 11, 500_000))).answer
    assert answer["excess_minor"] == answer["credit_minor"] == 198_800
    assert [bench.account.loans[loan].status for loan in loans] == ["closed", "closed"]
    allocations = answer["allocations"]
    assert isinstance(allocations, list)
    assert sorted(a["principal_minor"] for a in allocations) == [100_000, 200_000]
    assert sum(a["interest_minor"] for a in allocations) == 1_200
    history = bench.account.history
    assert [history[loan][-1].parts.excess_minor for loan in loans] == [0, 198_800]


def test_some_loans_are_named_and_no_other_gets_anything() -> None:
    """10 days: 4.00 on each 1,000.00, 8.00 on 2,000.00; the middle loan is left out."""
    bench, [first, left_out, last] = bench_at(100_000, 200_000, 100_000)
    bench.on = DRAWN + timedelta(days=10)
    some = replace(a_repayment(7, 11, 100_400), loan_ids=(last, first), is_in_named_order=True)
    done = paid(bench.decide(some))
    assert [entry.loan_id for entry in done.transactions] == [last]
    assert [bench.account.loans[n].status for n in (first, last)] == ["open", "closed"]
    legal = replace(some, amount_minor=150_000, loan_ids=(first,), is_in_named_order=False)
    answer = paid(bench.decide(legal)).answer
    # What the named loan cannot take is the customer's credit: nobody asked to pay the other one.
    assert answer["excess_minor"] == answer["credit_minor"] == 49_600
    assert bench.account.loans[left_out].principal_minor == 200_000
    for wrong, said in (
        ({"loan_ids": (left_out, left_out)}, "loan_named_twice"),
        ({"loan_id": left_out, "loan_ids": (left_out,)}, "loan_named_twice"),
        ({"loan_ids": (left_out, first)}, "loan_closed"),
        ({"loan_ids": (left_out, 4711)}, "loan_not_found"),
    ):
        assert code(bench.decide(replace(some, **wrong))) == said
    assert bench.account.loans[left_out].principal_minor == 200_000


def test_named_loans_in_the_order_of_the_law_pay_first_what_is_due() -> None:
    bench, [free] = bench_at(100_000)
    level = bench.draw(300_000, months=3, method=Method.LEVEL_INSTALMENT)
    move(bench, DUE)
    some = replace(a_repayment(7, 11, 50_000), loan_ids=(free, level))
    by_law, named = (
        {entry.loan_id: entry.amount_minor for entry in paid(bench.decide(one)).transactions}
        for one in (some, replace(some, is_in_named_order=True))
    )
    # Its first instalment takes all but the interest that is due on the other one.
    assert by_law[level] > 48_000
    assert named == {free: 50_000}


def test_what_is_due_goes_before_what_is_not_whatever_the_order_of_drawing() -> None:
    """The older loan's first instalment is due on 15 February; both have 12.40 and 24.80 due."""
    bench, (first, second) = bench_at(100_000, 200_000)
    move(bench, DUE)
    done = paid(bench.decide(a_repayment(7, 11, 4_000)))
    shares = {t.loan_id: t.parts for t in done.transactions}
    assert shares[first][:2] == (280, 1_240)
    assert shares[second][:2] == (0, 2_480)


def test_a_late_booking_moves_what_later_payments_paid() -> None:
    """On the 25th 8.00 paid 4.00 of interest and 4.00 of principal; the 2.00 of the 20th change
    it: to the 20th 2.00 of interest, to the 25th 2.00 more, so 6.00 of principal."""
    bench, (loan_id,) = bench_at(100_000)
    move(bench, DRAWN + timedelta(days=10))
    first = paid(bench.decide(a_repayment(7, 11, 800))).transactions
    assert first[0].parts[:2] == (400, 400)
    late = paid(bench.decide(a_repayment(7, 11, 200, value_date=DRAWN + timedelta(days=5))))
    own, moved = late.transactions
    assert (own.kind, own.parts[:2], own.amount_minor) == ("repayment", (0, 200), 200)
    assert (moved.kind, moved.parts[:2], moved.amount_minor) == ("reallocation", (200, -200), 0)
    assert moved.relates_to == first[0].transaction_id
    assert moved.value_date == first[0].value_date
    assert [t.sequence for t in bench.account.history[loan_id]] == [1, 2, 3, 4]
    assert bench.account.loans[loan_id].principal_minor == 99_400
    order = [entry.transaction_id for entry in inputs_of(bench.account.history[loan_id])]
    assert order[1:] == [own.transaction_id, first[0].transaction_id]
    # Taken back, the first payment goes as it stands: 2.00 of interest and 6.00 of principal.
    assert first[0].repayment_id is not None
    taken = paid(bench.decide(reversal(7, 11, first[0].repayment_id)))
    assert taken.transactions[0].parts[:4] == (-600, -200, 0, 0)
    assert bench.account.loans[loan_id].principal_minor == 100_000


def test_a_payment_is_taken_back_once_with_all_that_it_moved() -> None:
    bench, (loan_id,) = bench_at(100_000)
    move(bench, DRAWN + timedelta(days=10))
    done = paid(bench.decide(a_repayment(7, 11, 800)))
    repayment_id = done.transactions[0].repayment_id
    assert repayment_id is not None
    taken = paid(bench.decide(reversal(7, 11, repayment_id)))
    (back,) = taken.transactions
    assert (back.kind, back.amount_minor, back.parts[:4]) == ("reversal", -800, (-400, -400, 0, 0))
    assert bench.account.loans[loan_id].principal_minor == 100_000
    assert code(bench.decide(reversal(7, 11, repayment_id))) == "repayment_reversed"
    assert code(bench.decide(reversal(7, 11, 99))) == "repayment_not_found"


def test_credit_that_was_used_since_keeps_a_payment_from_being_taken_back() -> None:
    bench, _ = bench_at(100_000)
    done = paid(bench.decide(a_repayment(7, 11, 100_500)))
    line = bench.account.line
    assert line is not None
    assert line.credit_minor == 500
    line.credit_minor = 499
    repayment_id = done.transactions[0].repayment_id
    assert repayment_id is not None
    assert code(bench.decide(reversal(7, 11, repayment_id))) == "credit_already_used"
