"""Cases of term loans and penal interest with whole-unit instalments and daily interest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import (
    MONTHLY,
    Every,
    Frequency,
    date_list,
    nth_date,
)
from counterfoil.lending.conventions.penalty import penalty_until
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import (
    Row,
    broken_interest,
    plan,
)
from counterfoil.lending.conventions.segments import Segment, interest_of
from counterfoil.lending.conventions.settings import (
    DueDates,
    Instalment,
    MonthEnd,
    NotCovered,
    Rounding,
)
from counterfoil.simulator.golden import frappe_line
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.day_count_text import day_count_of
from counterfoil.simulator.golden.figures import Asked, major
from counterfoil.simulator.golden.fineract_terms import frequency_of
from counterfoil.simulator.golden.frappe_line import TERM, days_late, instalment_of
from counterfoil.simulator.golden.inputs import COUNT_MAX, MINOR_PER_MAJOR, Inputs, day, minor

Figures = dict[str, object]

#: Names under which a case may give the amount of each instalment instead of their number.
FIXED_AMOUNT_KEYS = ("fixed_amount", "fixed_installment", "monthly_repayment_amount")


def figures(case: Case) -> Mapping[str, object]:
    """Return the figures by what the inputs describe."""
    inputs = Inputs(case.inputs)
    shown = _reader(inputs)(inputs)
    inputs.done()
    return shown


def _reader(inputs: Inputs) -> Callable[[Inputs], Figures]:
    """Return the reader for the shape of the inputs."""
    by_key = {
        "credit_limit": frappe_line.figures,
        "penalty_annual_rate": _penalty,
        "repayment": _interest_first,
        "days": _simple_interest,
        "broken_period_days": _broken_period,
        "events": _days_past_due,
    }
    return next((read for key, read in by_key.items() if key in inputs), _schedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """What every term loan states."""

    principal_minor: int
    rate_annual: Fraction
    periods: int

    @property
    def instalment_minor(self) -> int:
        """Return the equal instalment at a twelfth of the rate, rounded up to a whole unit."""
        return instalment_of(self.principal_minor, self.rate_annual, self.periods)


def _loan(inputs: Inputs) -> Loan:
    """Read principal, rate and number of rows."""
    loan = Loan(
        principal_minor=inputs.minor("principal"),
        rate_annual=inputs.rate("annual_rate"),
        periods=inputs.count("periods"),
    )
    if loan.principal_minor <= 0 or loan.periods < 1:
        raise NotCovered("a loan without rows or without principal")
    return loan


def _frequency(inputs: Inputs) -> Frequency:
    """Read the frequency; these loans are monthly."""
    frequency = frequency_of(inputs.text("frequency", "1 MONTHS"))
    if frequency != Frequency(1, Every.MONTHS):
        raise NotCovered("a frequency other than monthly with a rate of a twelfth")
    return frequency


def _by_day(inputs: Inputs) -> None:
    """Read the day count; only actual days over 365 are known here."""
    if day_count_of(inputs.text("day_count", "actual/365")) is not DayCount.ACT_365:
        raise NotCovered(f"day_count = {inputs.text('day_count')!r} with daily interest")


def _schedule(inputs: Inputs) -> Figures:
    """Return instalment, rows, sums and calendars of a term loan, as far as its inputs go."""
    _frequency(inputs)
    if "annual_rate" not in inputs:
        inputs.minor("principal")
        return _calendars(inputs.date("start_date"), inputs.count("periods"))
    fixed = next((key for key in FIXED_AMOUNT_KEYS if key in inputs), None)
    if fixed is not None and "periods" not in inputs:
        return _fixed_amount(inputs, inputs.minor(fixed))
    loan = _loan(inputs)
    if inputs.text("day_count", "").startswith("flat"):
        return _flat_schedule(inputs, loan)
    _by_day(inputs)
    shown: Figures = {"emi": major(loan.instalment_minor)}
    if "start_date" in inputs:
        first_due = inputs.date("first_due") if "first_due" in inputs else None
        shown |= _rows_shown(loan, inputs.date("start_date"), first_due)
    return shown


def _fixed_amount(inputs: Inputs, amount_minor: int) -> Figures:
    """Return the rows of instalments of an amount named in the contract, until it is cleared."""
    _by_day(inputs)
    rows = plan(
        inputs.minor("principal"),
        inputs.rate("annual_rate"),
        COUNT_MAX,
        inputs.date("start_date"),
        inputs.date("first_due") if "first_due" in inputs else None,
        replace(TERM, instalment=Instalment.FIXED),
        fixed_instalment_minor=amount_minor,
    )
    if len(rows) == COUNT_MAX:
        raise NotCovered("an instalment that does not clear the loan")
    return _sums_shown(rows)


def _rows_shown(loan: Loan, start: date, first_due: date | None) -> Figures:
    """Return the rows of a number of equal instalments."""
    return _sums_shown(
        plan(loan.principal_minor, loan.rate_annual, loan.periods, start, first_due, TERM)
    )


def _sums_shown(rows: Sequence[Row]) -> Figures:
    """Return rows and their sums."""
    interest = sum(row.interest_minor for row in rows)
    paid = sum(row.instalment_minor for row in rows)
    return {
        "rows": len(rows),
        "schedule": [_row(row) for row in rows],
        "total_interest": major(interest),
        "total_interest_rounded": _whole(interest),
        "total_payment": major(paid),
        "total_payment_rounded": _whole(paid),
        "rows_rounded_to_unit": Asked(("nr",), lambda nr: _row_in_units(rows, int(nr))),
    }


def _row(row: Row) -> Figures:
    """Return a row as the cases write it."""
    return {
        "nr": row.nr,
        "date": row.due_date,
        "principal": major(row.principal_minor),
        "interest": major(row.interest_minor),
        "due": major(row.instalment_minor),
        "balance": major(row.balance_minor),
    }


def _row_in_units(rows: Sequence[Row], nr: int) -> Figures:
    """Return a row rounded to whole units."""
    if not 1 <= nr <= len(rows):
        raise NotCovered(f"row {nr} of {len(rows)}")
    row = rows[nr - 1]
    return {
        "principal": _whole(row.principal_minor),
        "interest": _whole(row.interest_minor),
        "balance": _whole(row.balance_minor),
        "due": _whole(row.instalment_minor),
    }


def _whole(amount_minor: int) -> int:
    """Return an amount in whole units, halves up."""
    unit = MINOR_PER_MAJOR
    return round_to(Fraction(amount_minor), Rounding.HALF_UP, unit_minor=unit) // unit


def _flat_schedule(inputs: Inputs, loan: Loan) -> Figures:
    """Return the rows of flat interest at a twelfth of the rate a month."""
    day_count_of(inputs.text("day_count"))
    bundle = replace(preset("FLAT"), rounding=Rounding.HALF_UP, instalment=Instalment.FLAT)
    first_due = inputs.date("first_due") if "first_due" in inputs else None
    start = inputs.date("start_date")
    rows = plan(loan.principal_minor, loan.rate_annual, loan.periods, start, first_due, bundle)
    if len({row.instalment_minor for row in rows}) > 1:
        raise NotCovered("flat interest where the last row takes a rounding")
    return {"schedule": [_row(row) for row in rows], "rows": len(rows)}


def _calendars(start: date, count: int) -> Figures:
    """Return the due dates under the three calendars."""
    same_day = [nth_date(start, MONTHLY, k, MonthEnd.CLAMP_AND_RETURN) for k in range(count)]
    return {
        "monthly_from_start": same_day,
        "start_of_next_month": date_list(start, count, calendar=DueDates.FIRST_OF_NEXT_MONTH),
        "end_of_current_month": date_list(start, count, calendar=DueDates.END_OF_CURRENT_MONTH),
    }


def _simple_interest(inputs: Inputs) -> Figures:
    """Return simple interest for a number of days."""
    _by_day(inputs)
    if "start_date" in inputs:
        inputs.date("start_date")
    exact = inputs.minor("principal") * inputs.rate("annual_rate") * inputs.count("days") / 365
    interest = round_to(exact, Rounding.HALF_UP)
    return {
        "interest": major(interest),
        "interest_derived": major(interest),
        "interest_rounded_to_unit": _whole(interest),
    }


def _interest_first(inputs: Inputs) -> Figures:
    """Return how a repayment on the first due date pays interest, then principal."""
    _by_day(inputs)
    principal, rate = inputs.minor("principal"), inputs.rate("annual_rate")
    start, due = inputs.date("start_date"), inputs.date("first_due")
    repaid = inputs.minor("repayment")
    interest = interest_of(
        [Segment(start=start, end=due, balance_minor=principal, rate_annual=rate)], TERM
    )
    paid = min(repaid, interest)
    return {
        "interest_paid": major(paid),
        "principal_paid": major(min(repaid - paid, principal)),
    }


def _broken_period(inputs: Inputs) -> Figures:
    """Return the interest of a broken first period.

    It is the same wherever it goes; the first row's interest is known where it is added to it.
    """
    _by_day(inputs)
    frequency, loan = _frequency(inputs), _loan(inputs)
    added = inputs.text("broken_period_treatment") == "add to first instalment"
    start, first_due = inputs.date("start_date"), inputs.date("first_due")
    regular = nth_date(first_due, frequency, -1, MonthEnd.CLAMP_AND_RETURN)
    if (regular - start).days != inputs.count("broken_period_days"):
        raise NotCovered("broken_period_days that do not follow from the dates")
    amounts = (loan.principal_minor, loan.rate_annual)
    shown: Figures = {
        "emi": major(loan.instalment_minor),
        "broken_period_interest": major(broken_interest(*amounts, (start, regular), TERM)),
    }
    if added:
        shown["first_interest"] = major(broken_interest(*amounts, (start, first_due), TERM))
    return shown


def _penalty(inputs: Inputs) -> Figures:
    """Return penal interest on overdue instalments, each day rounded for itself."""
    loan, rate = _loan(inputs), inputs.rate("penalty_annual_rate")
    inputs.date("start_date")
    if "frequency" in inputs:
        _frequency(inputs)
    on, first_due = inputs.date("as_of"), inputs.date("first_due")
    overdue = _overdue_stated(inputs) or _overdue_planned(inputs, loan, first_due, on)
    penalty = penalty_until(overdue, rate, on, rounding=TERM.rounding)
    return {
        "emi": major(loan.instalment_minor),
        "penalty": major(penalty),
        "penalty_rounded_per_day": major(penalty),
        "penalty_formula": _formula([(on - due).days for due, _ in overdue], rate),
    }


def _overdue_stated(inputs: Inputs) -> list[tuple[date, int]]:
    """Return the overdue instalments where the case lists them."""
    if "overdue" not in inputs:
        return []
    return [
        (day(due, "overdue"), minor(amount, "overdue")) for due, amount in inputs.entries("overdue")
    ]


def _overdue_planned(
    inputs: Inputs, loan: Loan, first_due: date, on: date
) -> list[tuple[date, int]]:
    """Return the instalments due before the day, a fee carved out of the first."""
    key = "fee_added_to_first_installment"
    fee = inputs.minor(key) if key in inputs else 0
    dates = date_list(first_due, loan.periods, first_due=first_due)
    amounts = [loan.instalment_minor - fee] + [loan.instalment_minor] * (loan.periods - 1)
    return [(due, amount) for due, amount in zip(dates, amounts, strict=True) if due < on]


def _formula(days: Sequence[int], rate: Fraction) -> str:
    """Return the formula of unrounded penal interest with its days, as the cases write it."""
    listed = ", ".join(str(one) for one in days)
    return f"sum(amount*days*{rate * 100}/36500), days = as_of - due_date ({listed})"


def _days_past_due(inputs: Inputs) -> Figures:
    """Return days past due by date: an unpaid due date counts as day 1."""
    loan = _loan(inputs)
    inputs.date("start_date")
    if "frequency" in inputs:
        _frequency(inputs)
    dates = date_list(loan_start := inputs.date("first_due"), loan.periods, first_due=loan_start)
    paid = [_payment(Inputs(entry, "event key")) for entry in inputs.entries("events")]
    if any("draw" in one for one in inputs.entries("events")):
        raise NotCovered("draws on a term loan")

    def answer(on: str) -> int:
        return days_late(dates, loan.instalment_minor, paid, day(on, "dpd"))

    return {"emi": major(loan.instalment_minor), "dpd": Asked((), answer)}


def _payment(inputs: Inputs) -> tuple[date, int]:
    """Read one repayment of an event stream."""
    if inputs.text("type") != "repayment":
        raise NotCovered(f"the event {inputs.text('type')!r}")
    payment = inputs.date("date"), inputs.minor("amount")
    inputs.done()
    return payment
