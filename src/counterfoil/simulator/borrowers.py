"""How borrowers behave: what they draw, when they pay, and how some of them fail.

Each borrower stands for one recorded card client. Six recorded payments give what can be paid in a
month, recorded use of the card gives the appetite, recorded delays the punctuality; whether the
client defaulted decides who fails later on.

Chance      Every choice depends on the seed, the borrower's place in the run, the day and the
            question, and on nothing else: neither on the order of events nor on identifiers.
Units       Minor units of the demo's currency; shares in percent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.lending.line import Line, availability
from counterfoil.lending.loan import Loan, due_minor, payoff_minor, plan
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.simulator.bank.faults import draw
from counterfoil.simulator.card_clients import CardClient, cny_minor

#: Nobody lives on less than this a month of what can be repaid.
BUDGET_MINOR_MIN: Final = 20_000
#: Borrowers ask for round amounts.
AMOUNT_STEP_MINOR: Final = 10_000
#: Somebody who pays by rounding up pays to the next multiple.
ROUND_UP_MINOR: Final = 1_000
#: In the recorded months a delay of so many months is more than a slip.
LATE_STATUS: Final = 2
#: Of what was billed, from this share on somebody pays in full, in percent.
PAYS_IN_FULL_PERCENT: Final = 90
#: From this share of the limit in use on somebody lives on credit, in percent.
HIGH_USE_PERCENT: Final = 70

#: The lender stops a line so many days after the due date of a debt, and reviews each line once.
ASKS_AFTER_DAYS: Final = 90

PURPOSES: Final = ("daily_consumption", "household", "renovation", "education", "medical", "travel")
_METHODS: Final = (
    *[Method.LEVEL_INSTALMENT] * 11,
    *[Method.LEVEL_PRINCIPAL] * 4,
    *[Method.INTEREST_ONLY] * 2,
    Method.BULLET,
    *[Method.ANY_TIME] * 2,
)
#: Methods that leave the principal to the last day; only small amounts are drawn so.
_ALL_AT_THE_END: Final = frozenset({Method.INTEREST_ONLY, Method.BULLET, Method.ANY_TIME})


#: Of those who stop paying so many never pay again, in percent; the others find money later.
GIVES_UP_PERCENT: Final = 70


class Habit(StrEnum):
    """How somebody pays."""

    EARLY = "early"
    PUNCTUAL = "punctual"
    LATE = "late"
    FAILING = "failing"


#: When somebody pays, in days after the due date: share up to which a row holds in percent,
#: earliest day, number of days.
_DELAYS: Final = {
    Habit.EARLY: ((45, -5, 5), (100, 0, 1)),
    Habit.PUNCTUAL: ((92, 0, 1), (98, 1, 3), (100, 4, 6)),
    Habit.LATE: ((66, 0, 1), (82, 1, 3), (97, 4, 22), (100, 31, 20)),
    Habit.FAILING: ((66, 0, 1), (82, 1, 3), (97, 4, 22), (100, 31, 20)),
}
_RECOVERIES: Final = ((85, 20, 20), (100, 45, 40))


@dataclass(frozen=True, slots=True)
class Wish:
    """A drawdown somebody wants."""

    amount_minor: int
    tenor_months: int
    method: Method
    purpose: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment somebody makes; without a loan it is for the whole line."""

    loan_id: int | None
    amount_minor: int
    mode: Prepayment = Prepayment.NEXT_INSTALMENT
    #: The money came so many days before it was booked.
    booked_days_late: int = 0
    #: The payment will be taken back by the bank on the next day.
    bounces: bool = False


@dataclass(slots=True, kw_only=True)
class Borrower:
    """One customer with a line; small, for there are many."""

    #: Place in the run; all chance is drawn by it.
    place: int
    seed: int
    habit: Habit
    #: What can be repaid in a month.
    budget_minor: int
    #: Chance in percent that an errand ends in a drawdown.
    appetite_percent: int
    customer_id: int
    line_id: int
    tenors_months: tuple[int, ...]
    opened_on: date
    errand_on: date
    #: Day from which a failing borrower no longer pays; None for everybody else.
    stops_on: date | None
    draws: int = 0
    payments: int = 0
    #: Asked for a higher limit once.
    has_asked: bool = False
    #: The last payment comes back tomorrow.
    is_bouncing: bool = False

    def below(self, count: int, day: date, question: str) -> int:
        """Return a number from 0 to `count` - 1 for this borrower, day and question."""
        return draw(self.seed, f"{self.place}/{day.toordinal()}", question, count)

    def happens(self, percent: int, day: date, question: str) -> bool:
        """Return whether something happens that has this chance."""
        return self.below(100, day, question) < percent

    @property
    def payee_ref(self) -> str:
        """Return the token of the borrower's own account."""
        return f"acct-{self.place:06d}"


def meet(
    client: CardClient,
    *,
    place: int,
    seed: int,
    customer_id: int,
    line_id: int,
    tenors_months: tuple[int, ...],
    on: date,
) -> Borrower:
    """Return the borrower that a recorded client becomes when the line is opened."""
    habit = habit_of(client)
    borrower = Borrower(
        place=place,
        seed=seed,
        habit=habit,
        budget_minor=budget_minor(client),
        appetite_percent=appetite_percent(client),
        customer_id=customer_id,
        line_id=line_id,
        tenors_months=tenors_months,
        opened_on=on,
        errand_on=on,
        stops_on=None,
    )
    borrower.errand_on = on + timedelta(days=1 + borrower.below(6, on, "first errand"))
    if habit is Habit.FAILING:
        days = 20 + borrower.below(110, on, "stops")
        borrower.stops_on = on + timedelta(days=days)
    return borrower


def habit_of(client: CardClient) -> Habit:
    """Return how a client pays, read from the six recorded months and the outcome."""
    if client.defaulted:
        return Habit.FAILING
    if client.statuses[0] > 0 or any(status >= LATE_STATUS for status in client.statuses):
        return Habit.LATE
    billed = sum(bill for bill in client.bills_twd[1:] if bill > 0)
    if billed and sum(client.payments_twd[:-1]) * 100 >= billed * PAYS_IN_FULL_PERCENT:
        return Habit.EARLY
    return Habit.PUNCTUAL


def budget_minor(client: CardClient) -> int:
    """Return what a client can repay in a month: the median of six recorded payments."""
    ordered = sorted(client.payments_twd)
    middle = len(ordered) // 2
    return max(BUDGET_MINOR_MIN, cny_minor((ordered[middle - 1] + ordered[middle]) // 2))


def appetite_percent(client: CardClient) -> int:
    """Return the chance that an errand ends in a drawdown, from the use of the card."""
    used = max(0, client.bills_twd[0]) * 100 // client.limit_twd
    return min(80, 25 + used // 2)


# ------------------------------------------------------------------------------------ drawing


def wish(borrower: Borrower, line: Line, loans: Sequence[Loan], today: date) -> Wish | None:
    """Return the drawdown of an errand, None where nothing is wanted, allowed or affordable."""
    if borrower.stops_on is not None and today >= borrower.stops_on:
        return None
    is_first = borrower.draws == 0
    if not borrower.happens(85 if is_first else borrower.appetite_percent, today, "draws"):
        return None
    available = availability(line, today).available_minor
    tenor = borrower.tenors_months[borrower.below(len(borrower.tenors_months), today, "tenor")]
    method = _METHODS[borrower.below(len(_METHODS), today, "method")]
    months = 2 + borrower.below(2 * tenor, today, "months of budget")
    if method in _ALL_AT_THE_END:
        tenor, months = borrower.tenors_months[0], 1 + borrower.below(2, today, "small")
    # What is owed already weighs on the budget; who will fail does not count so exactly.
    owed = sum(loan.principal_minor for loan in loans)
    room = borrower.budget_minor * (24 if borrower.stops_on is not None else 9) - owed
    amount = min(borrower.budget_minor * months, room, available)
    amount -= amount % AMOUNT_STEP_MINOR
    if amount < AMOUNT_STEP_MINOR:
        return None
    purpose = PURPOSES[borrower.below(len(PURPOSES), today, "purpose")]
    return Wish(amount, tenor, method, purpose)


def next_errand(borrower: Borrower, today: date) -> date:
    """Return the day of the next errand."""
    return today + timedelta(days=14 + borrower.below(28, today, "next errand"))


# ------------------------------------------------------------------------------------- paying


def payment(borrower: Borrower, loans: Sequence[Loan], today: date) -> Intent | None:
    """Return what a borrower pays today, None where nothing."""
    open_loans = [loan for loan in loans if loan.status == "open"]
    late = [loan for loan in open_loans if loan.oldest_due_date is not None]
    if late:
        return _pay_due(borrower, late, today)
    if borrower.habit is Habit.EARLY and today == borrower.errand_on and open_loans:
        full = _pay_off(borrower, open_loans, today)
        if full is not None:
            return full
    for loan in open_loans:
        if loan.next_due_date is not None and _pay_day(borrower, loan.next_due_date) == today:
            return Intent(loan.loan_id, plan(loan)[0].due_minor)
    return None


def _pay_due(borrower: Borrower, late: Sequence[Loan], today: date) -> Intent | None:
    """Pay what has fallen due on all loans: whole, in part, or a little more."""
    oldest = min(loan.oldest_due_date for loan in late if loan.oldest_due_date is not None)
    pay_on = _pay_day(borrower, oldest)
    if pay_on is None or today < pay_on:
        return None
    due = sum(due_minor(loan, today) for loan in late)
    amount = due
    if borrower.happens(_partial_percent(borrower, today), today, "partial"):
        amount = max(1, due * (30 + borrower.below(50, today, "part")) // 100)
    elif borrower.happens(6, today, "rounds up"):
        amount = -(-due // ROUND_UP_MINOR) * ROUND_UP_MINOR
    is_old = all(loan.start_date is not None and loan.start_date < today for loan in late)
    days_late = int(is_old and borrower.happens(3, today, "booked late"))
    return Intent(
        None,
        amount,
        booked_days_late=days_late,
        bounces=borrower.happens(2, today, "bounces"),
    )


def _pay_off(borrower: Borrower, loans: Sequence[Loan], today: date) -> Intent | None:
    """Pay a loan back in full, ahead of its time, or a good part of it."""
    loan = loans[borrower.below(len(loans), today, "which")]
    owed = payoff_minor(loan, today)
    if borrower.happens(20, today, "pays off"):
        # Many pay a round amount and leave it to the lender to keep or return the rest.
        is_rounded = borrower.happens(50, today, "rounds up")
        round_up = -(-owed // ROUND_UP_MINOR) * ROUND_UP_MINOR
        return Intent(loan.loan_id, round_up if is_rounded else owed)
    if borrower.happens(8, today, "pays a part ahead"):
        mode = (Prepayment.REDUCE_INSTALMENT, Prepayment.REDUCE_TERM)[
            borrower.below(2, today, "mode")
        ]
        return Intent(loan.loan_id, max(1, owed // 3), mode)
    return None


def next_pay_day(borrower: Borrower, loans: Sequence[Loan], today: date) -> date | None:
    """Return the next day on which a borrower thinks of paying, None where never."""
    days = [
        day
        for loan in loans
        if loan.status == "open"
        for due in [loan.oldest_due_date or loan.next_due_date]
        if due is not None
        for day in [_pay_day(borrower, due)]
        if day is not None
    ]
    if not days:
        return None
    first = min(days)
    if first > today:
        return first
    # Something is left of what was to be paid: try again when there is money.
    return today + timedelta(days=5 + borrower.below(12, today, "tries again"))


def _pay_day(borrower: Borrower, due_date: date) -> date | None:
    """Return the day on which an instalment is paid, None where it is not."""
    days = _offset_days(borrower, due_date)
    return None if days is None else due_date + timedelta(days=days)


def _offset_days(borrower: Borrower, due_date: date) -> int | None:
    """Return by how many days a payment comes after its due date; negative is early."""
    more = borrower.below(100, due_date, "more")
    if borrower.stops_on is not None and due_date >= borrower.stops_on:
        fate = borrower.below(100, borrower.opened_on, "fate")
        return None if fate < GIVES_UP_PERCENT else _days(_RECOVERIES, fate, more)
    return _days(_DELAYS[borrower.habit], borrower.below(100, due_date, "mood"), more)


def _days(delays: Sequence[tuple[int, int, int]], mood: int, more: int) -> int:
    """Return the days of the first row whose share reaches the mood."""
    for up_to, first, span in delays:
        if mood < up_to:
            return first + more % span
    raise AssertionError("the last row reaches 100")


def _partial_percent(borrower: Borrower, today: date) -> int:
    if borrower.stops_on is not None and today >= borrower.stops_on:
        return 60
    return 12 if borrower.habit in {Habit.LATE, Habit.FAILING} else 1


# ----------------------------------------------------------------------------- what comes next


def oldest_due(loans: Sequence[Loan]) -> date | None:
    """Return the oldest due date that is not settled, None where there is none."""
    days = [loan.oldest_due_date for loan in loans if loan.oldest_due_date is not None]
    return min(days) if days else None


def next_attention(borrower: Borrower, loans: Sequence[Loan], today: date) -> date:
    """Return the next day on which this customer has something to do."""
    if borrower.is_bouncing:
        borrower.is_bouncing = False
        return today + timedelta(days=1)
    days = [borrower.errand_on]
    pay_on = next_pay_day(borrower, loans, today)
    if pay_on is not None:
        days.append(pay_on)
    if not borrower.has_asked:
        days.append(borrower.opened_on + timedelta(days=ASKS_AFTER_DAYS))
    return max(min(days), today + timedelta(days=1))
