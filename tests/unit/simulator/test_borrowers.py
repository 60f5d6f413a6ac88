"""How borrowers behave follows from their records, the seed, the day and the question alone."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, advance, disburse
from counterfoil.lending.terms import Method
from counterfoil.simulator import borrowers, card_clients
from counterfoil.simulator.borrowers import Borrower, Habit
from counterfoil.simulator.card_clients import CardClient
from counterfoil.simulator.line_care import Care, Change, change_of

TODAY = date(2026, 3, 2)
TERMS = load_catalogue().terms("cash-line-open", 1)


def client(**changes: object) -> CardClient:
    plain = CardClient(
        number=1,
        limit_twd=100_000,
        sex=2,
        education=2,
        marriage=1,
        age=35,
        statuses=(0, 0, 0, 0, 0, 0),
        bills_twd=(50_000, 48_000, 46_000, 44_000, 42_000, 40_000),
        payments_twd=(2_000, 2_000, 3_000, 2_000, 2_000, 5_000),
        defaulted=False,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def met(place: int = 0, seed: int = 7, **changes: object) -> Borrower:
    return borrowers.meet(
        client(**changes),
        place=place,
        seed=seed,
        customer_id=1,
        line_id=2,
        tenors_months=(3, 6, 12),
        on=date(2026, 1, 5),
    )


def line(**changes: object) -> Line:
    plain = Line(
        customer_id=1,
        line_id=2,
        application_id=2,
        product_code="cash-line-open",
        product_version=1,
        lender_id="lender-one",
        currency="CNY",
        status="active",
        limit_minor=2_000_000,
        rate_daily_e8=36_000,
        repayment_day=10,
        opened_on=date(2026, 1, 5),
        valid_to=date(2027, 1, 5),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def running_loan(start: date) -> Loan:
    loan = Loan(
        customer_id=1,
        loan_id=3,
        line_id=2,
        product_code="cash-line-open",
        product_version=1,
        lender_id="lender-one",
        currency="CNY",
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
        payee_ref="acct",
        cost_sheet_hash=b"",
        original_minor=600_000,
        rate_daily_e8=36_000,
        penalty_daily_e8=18_000,
        grace_days=3,
        tenor_months=6,
        repayment_day=10,
        requested_on=start,
    )
    disburse(loan, start, TERMS)
    return loan


@pytest.mark.parametrize(
    ("changes", "habit"),
    [
        ({}, Habit.PUNCTUAL),
        ({"defaulted": True}, Habit.FAILING),
        ({"statuses": (1, 0, 0, 0, 0, 0)}, Habit.LATE),
        ({"statuses": (0, 0, 2, 0, 0, 0)}, Habit.LATE),
        ({"statuses": (-1, -1, 1, -1, -1, -1)}, Habit.PUNCTUAL),
        ({"payments_twd": (48_000, 46_000, 44_000, 42_000, 40_000, 0)}, Habit.EARLY),
        ({"bills_twd": (0,) * 6}, Habit.PUNCTUAL),
    ],
)
def test_the_habit_is_read_from_the_record(changes: dict[str, object], habit: Habit) -> None:
    assert borrowers.habit_of(client(**changes)) is habit


def test_the_budget_is_the_median_payment_and_never_nothing() -> None:
    assert borrowers.budget_minor(client()) == 40_000
    assert borrowers.budget_minor(client(payments_twd=(0,) * 6)) == borrowers.BUDGET_MINOR_MIN


def test_chance_depends_on_seed_place_day_and_question_alone() -> None:
    drawn = met().below(1_000_000, TODAY, "a")
    assert met(defaulted=True).below(1_000_000, TODAY, "a") == drawn
    others = {
        met(seed=8).below(1_000_000, TODAY, "a"),
        met(place=1).below(1_000_000, TODAY, "a"),
        met().below(1_000_000, TODAY + timedelta(days=1), "a"),
        met().below(1_000_000, TODAY, "b"),
    }
    assert drawn not in others
    assert len(others) == 4


def test_wishes_lie_within_the_line_and_the_product() -> None:
    for place in range(300):
        wish = borrowers.wish(met(place), line(limit_minor=150_000), [], TODAY)
        if wish is not None:
            assert TERMS.draw_minor_min <= wish.amount_minor <= 150_000
            assert wish.amount_minor % TERMS.draw_minor_step == 0
            assert wish.tenor_months in (3, 6, 12)
            assert wish.method in TERMS.methods
            assert wish.purpose not in TERMS.purposes_banned


def test_nobody_draws_on_a_blocked_line_or_after_giving_up() -> None:
    blocked = line(status="frozen")
    assert {borrowers.wish(met(place), blocked, [], TODAY) for place in range(50)} == {None}
    failing = [met(place, defaulted=True) for place in range(50)]
    late = date(2026, 12, 1)
    assert {borrowers.wish(one, line(), [], late) for one in failing} == {None}


def test_a_punctual_borrower_pays_what_is_due_on_the_day() -> None:
    paid: Counter[bool] = Counter()
    for place in range(200):
        loan = running_loan(date(2026, 1, 20))
        advance(loan, date(2026, 2, 10))
        intent = borrowers.payment(met(place), [loan], date(2026, 2, 10))
        paid[intent is not None] += 1
        if intent is not None:
            assert intent.loan_id is None
            assert intent.amount_minor > 0
    assert paid[True] > 160
    assert paid[False] > 0


def test_who_has_stopped_pays_nothing_or_much_later() -> None:
    never = late = 0
    for place in range(200):
        failing = met(place, defaulted=True)
        failing.stops_on = date(2026, 2, 1)
        loan = running_loan(date(2026, 1, 20))
        advance(loan, date(2026, 2, 10))
        assert borrowers.payment(failing, [loan], date(2026, 2, 20)) is None
        day = borrowers.next_pay_day(failing, [loan], date(2026, 2, 20))
        never += day is None
        late += day is not None and day >= date(2026, 3, 2)
    assert never + late == 200
    assert 100 < never < 180


def test_the_next_attention_lies_always_ahead() -> None:
    for place in range(100):
        loan = running_loan(date(2026, 1, 20))
        advance(loan, TODAY)
        for borrower in (met(place), met(place, defaulted=True)):
            assert borrowers.next_attention(borrower, [loan], TODAY) > TODAY


def test_a_bounce_wakes_its_borrower_on_the_next_day() -> None:
    borrower = met()
    borrower.is_bouncing = True
    assert borrowers.next_attention(borrower, [], TODAY) == TODAY + timedelta(days=1)
    assert not borrower.is_bouncing


@pytest.mark.parametrize("late", [False, True])
def test_who_has_paid_for_some_time_asks_once_for_more_and_never_while_something_is_due(
    *, late: bool
) -> None:
    borrower = met()
    borrower.errand_on = date(2027, 1, 1)
    borrower.payments = 3
    loan = running_loan(date(2026, 1, 20))
    on = date(2026, 4, 5)
    if late:
        advance(loan, on)
    change = change_of(borrower, line(), [loan], on)
    assert change == (None if late else Change(Care.RAISE, 2_400_000))
    assert change_of(borrower, line(), [loan], on) is None


def test_the_recorded_clients_give_every_habit() -> None:
    habits = Counter(borrowers.habit_of(one) for one in card_clients.load(2_000, 7))
    assert set(habits) == set(Habit)
    assert 0.18 < habits[Habit.FAILING] / 2_000 < 0.27
