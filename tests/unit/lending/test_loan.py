"""A loan's arithmetic at its borders; figures as in tests/scenarios, parts by hand."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.properties.terms_for_tests import Bench, a_line

from counterfoil.lending.fold import origin_of
from counterfoil.lending.loan import Loan, accrue, advance, due_minor, payoff_minor, plan
from counterfoil.lending.paying import pay
from counterfoil.lending.terms import Method, Part, Prepayment, Sweep, Terms

#: 0.04 % a day, 0.02 % more when late; drawn on 15 January, due on the 15th.
RATE = 40_000
DRAWN = date(2026, 1, 15)
DUE = date(2026, 2, 15)
KEEP = Prepayment.NEXT_INSTALMENT


def lent(amount: int, method: Method, *, months: int = 3) -> tuple[Loan, Terms]:
    bench = Bench(a_line(rate=RATE, repayment_day=15))
    bench.on = DRAWN
    loan_id = bench.draw(amount, months=months, method=method)
    return bench.account.loans[loan_id], bench.terms


def test_a_loan_begins_with_its_money() -> None:
    loan, _ = lent(300_000, Method.LEVEL_PRINCIPAL)
    assert (loan.status, loan.start_date, loan.accrued_to) == ("open", DRAWN, DRAWN)
    assert (loan.principal_minor, loan.instalment_minor) == (300_000, 100_000)
    assert (loan.next_due_date, loan.maturity_date) == (DUE, date(2026, 4, 15))
    assert loan.next_event_on == DUE
    assert loan.penalty_daily_e8 == 20_000
    assert payoff_minor(loan, DRAWN) == 300_000


def test_nothing_happens_between_events() -> None:
    loan, _ = lent(300_000, Method.LEVEL_PRINCIPAL)
    assert not advance(loan, DUE - timedelta(days=1))
    assert loan.accrued_to == DRAWN
    assert advance(loan, DUE)
    assert (loan.due_principal_minor, loan.due_interest_minor) == (100_000, 3_720)
    assert loan.next_event_on == DUE + timedelta(days=4), "the day after grace"
    assert not advance(loan, DUE + timedelta(days=3))
    assert loan.penal_principal_minor == 0
    assert advance(loan, DUE + timedelta(days=4))
    assert loan.penal_principal_minor == 100_000
    # Four days of 0.20 since the due date, not since the end of grace.
    assert loan.accrued_penalty_e8 == 80 * 10**8
    assert loan.next_event_on == date(2026, 3, 15)


def test_asking_what_is_owed_changes_nothing() -> None:
    loan, _ = lent(300_000, Method.LEVEL_PRINCIPAL)
    before = loan.copy()
    late = DUE + timedelta(days=5)
    assert due_minor(loan, late) == 100_000 + 3_720 + 100
    # 5 days on 3,000.00 since the due date: 6.00
    assert payoff_minor(loan, late) == 300_000 + 3_720 + 600 + 100
    assert len(plan(loan)) == 3
    assert loan == before


def test_interest_runs_on_overdue_principal_too_but_not_on_interest() -> None:
    loan, _ = lent(300_000, Method.LEVEL_PRINCIPAL)
    advance(loan, DUE + timedelta(days=10))
    accrue(loan, DUE + timedelta(days=10))
    assert loan.accrued_interest_e8 == 1_200 * 10**8  # 10 days on 3,000.00
    assert loan.accrued_penalty_e8 == 200 * 10**8  # 10 days on 1,000.00


@pytest.mark.parametrize(
    ("order", "sweep", "parts"),
    [
        # Ten days late: penalty 2.00, interest 37.20, principal 1,000.00; 1,003.20 comes in.
        ("penalty interest principal", Sweep.BY_INSTALMENT, (96_400, 3_720, 200)),
        ("interest principal penalty", Sweep.BY_INSTALMENT, (96_600, 3_720, 0)),
        ("principal interest penalty", Sweep.BY_INSTALMENT, (100_000, 320, 0)),
        ("penalty principal interest", Sweep.BY_PART, (100_000, 120, 200)),
        ("interest penalty principal", Sweep.BY_PART, (96_400, 3_720, 200)),
    ],
)
def test_a_payment_follows_the_products_order(
    order: str, sweep: Sweep, parts: tuple[int, int, int]
) -> None:
    loan, terms = lent(300_000, Method.LEVEL_PRINCIPAL)
    terms = replace(terms, allocation=tuple(map(Part, order.split())), sweep=sweep)
    paid = pay(loan, 100_320, DUE + timedelta(days=10), mode=KEEP, terms=terms)
    assert (paid.principal_minor, paid.interest_minor, paid.penalty_minor) == parts
    assert paid.excess_minor == 0


def test_two_instalments_are_cleared_one_after_the_other_or_part_by_part() -> None:
    """On 15 March: 37.20 and 33.60 of interest, 28 days of penalty 5.60; 1,100.00 comes in."""
    day = date(2026, 3, 15)
    loan, terms = lent(300_000, Method.LEVEL_PRINCIPAL)
    one_by_one = pay(loan, 110_000, day, mode=KEEP, terms=terms)
    # 5.60, then 37.20 + 1,000.00 of the first, then 33.60 + 23.60 of the second.
    assert one_by_one[:3] == (102_360, 7_080, 560)
    assert [due.settled_on for due in loan.dues] == [day, None]
    loan, terms = lent(300_000, Method.LEVEL_PRINCIPAL)
    by_part = replace(terms, sweep=Sweep.BY_PART)
    assert pay(loan, 110_000, day, mode=KEEP, terms=by_part)[:3] == (102_360, 7_080, 560)
    loan, terms = lent(300_000, Method.LEVEL_PRINCIPAL)
    pay(loan, 7_640, day, mode=KEEP, terms=by_part)
    # By parts, both interests are paid before any principal.
    assert [due.interest_left_minor for due in loan.dues] == [0, 0]
    loan, terms = lent(300_000, Method.LEVEL_PRINCIPAL)
    pay(loan, 7_640, day, mode=KEEP, terms=terms)
    assert [due.interest_left_minor for due in loan.dues] == [0, 3_360]


def test_a_loan_closes_when_less_than_half_a_cent_is_left() -> None:
    """1.00 at 0.04 % earns 0.04 minor units a day: nothing is payable for twelve days."""
    loan, terms = lent(10_000, Method.ANY_TIME)
    pay(loan, 9_900, DRAWN, mode=KEEP, terms=terms)
    paid = pay(loan, 100, DRAWN + timedelta(days=12), mode=KEEP, terms=terms)
    assert paid[:4] == (100, 0, 0, 0)
    assert (loan.status, loan.accrued_interest_e8) == ("closed", 0)
    loan, terms = lent(10_000, Method.ANY_TIME)
    pay(loan, 9_900, DRAWN, mode=KEEP, terms=terms)
    paid = pay(loan, 100, DRAWN + timedelta(days=13), mode=KEEP, terms=terms)
    # 0.52 minor units: one is payable and comes before principal.
    assert paid[:4] == (99, 1, 0, 0)
    assert loan.status == "open"


def test_what_is_left_over_is_excess() -> None:
    loan, terms = lent(10_000, Method.BULLET)
    assert pay(loan, 10_500, DRAWN, mode=KEEP, terms=terms)[:4] == (10_000, 0, 0, 500)
    assert (loan.status, loan.closed_on) == ("closed", DRAWN)


def test_the_origin_is_the_loan_as_it_was_signed() -> None:
    loan, terms = lent(300_000, Method.LEVEL_INSTALMENT)
    signed = origin_of(loan)
    pay(loan, 50_000, DUE, mode=KEEP, terms=terms)
    assert origin_of(loan) == signed
    assert (signed.status, signed.principal_minor, signed.start_date) == ("pending", 0, None)
    assert signed.requested_on == DRAWN
