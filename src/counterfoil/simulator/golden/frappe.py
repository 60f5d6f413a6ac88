"""Cases of term loans, penal interest and lines with whole-unit instalments and daily interest."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.allocation import allocate
from counterfoil.lending.conventions.book import BookRow
from counterfoil.lending.conventions.delinquency import days_late_of_loan
from counterfoil.lending.conventions.due_dates import (
    MONTHLY,
    Every,
    Frequency,
    date_list,
    nth_date,
)
from counterfoil.lending.conventions.factor import annuity_of_rate
from counterfoil.lending.conventions.line import Line, accrual_dates
from counterfoil.lending.conventions.penalty import penalty_until
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import (
    Row,
    broken_interest,
    plan,
    rounded_instalment,
)
from counterfoil.lending.conventions.segments import Segment, interest_of
from counterfoil.lending.conventions.settings import (
    AllocationOrder,
    DueDates,
    Instalment,
    MonthEnd,
    NotCovered,
    Prepayment,
    Rounding,
)
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.day_count_text import day_count_of
from counterfoil.simulator.golden.figures import Asked, major
from counterfoil.simulator.golden.fineract_terms import frequency_of
from counterfoil.simulator.golden.inputs import MINOR_PER_MAJOR, Inputs, day, minor

Figures = dict[str, object]

TERM = preset("FRAPPE_TERM")
LINE = preset("FRAPPE_LINE")


def figures(case: Case) -> Mapping[str, object]:
    """Return the figures by what the inputs describe."""
    inputs = Inputs(case.inputs)
    shown = _reader(inputs)(inputs)
    inputs.done()
    return shown


def _reader(inputs: Inputs) -> Callable[[Inputs], Figures]:
    """Return the reader for the shape of the inputs."""
    by_key = {
        "credit_limit": _line,
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


def instalment_of(principal_minor: int, rate_annual: Fraction, periods: int) -> int:
    """Return the equal instalment at a twelfth of the rate, rounded up to a whole unit."""
    exact = annuity_of_rate(Fraction(principal_minor), rate_annual / 12, periods)
    return rounded_instalment(exact, TERM)


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
    loan = _loan(inputs)
    if inputs.text("day_count", "").startswith("flat"):
        return _flat_schedule(inputs, loan)
    _by_day(inputs)
    shown: Figures = {"emi": major(loan.instalment_minor)}
    if "start_date" in inputs:
        first_due = inputs.date("first_due") if "first_due" in inputs else None
        shown |= _rows_shown(loan, inputs.date("start_date"), first_due)
    return shown


def _rows_shown(loan: Loan, start: date, first_due: date | None) -> Figures:
    """Return the rows and their sums."""
    rows = plan(loan.principal_minor, loan.rate_annual, loan.periods, start, first_due, TERM)
    interest = sum(row.interest_minor for row in rows)
    return {
        "rows": len(rows),
        "schedule": [_row(row) for row in rows],
        "total_interest": major(interest),
        "total_interest_rounded": _whole(interest),
        "total_payment": major(interest + loan.principal_minor),
        "total_payment_rounded": _whole(interest + loan.principal_minor),
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
    """Return the interest of a broken first period, added to the first instalment."""
    _by_day(inputs)
    frequency, loan = _frequency(inputs), _loan(inputs)
    treatment = inputs.text("broken_period_treatment")
    if treatment != "add to first instalment":
        raise NotCovered(f"broken_period_treatment = {treatment!r}")
    start, first_due = inputs.date("start_date"), inputs.date("first_due")
    regular = nth_date(first_due, frequency, -1, MonthEnd.CLAMP_AND_RETURN)
    if (regular - start).days != inputs.count("broken_period_days"):
        raise NotCovered("broken_period_days that do not follow from the dates")
    amounts = (loan.principal_minor, loan.rate_annual)
    return {
        "emi": major(loan.instalment_minor),
        "broken_period_interest": major(broken_interest(*amounts, (start, regular), TERM)),
        "first_interest": major(broken_interest(*amounts, (start, first_due), TERM)),
    }


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
        (day(due, "overdue"), minor(amount, "overdue")) for due, amount in inputs.take("overdue")
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
    paid = [_payment(Inputs(entry, "event key")) for entry in inputs.take("events")]
    if any("draw" in one for one in inputs.take("events")):
        raise NotCovered("draws on a term loan")

    def answer(on: str) -> int:
        return _days_late(dates, loan.instalment_minor, paid, day(on, "dpd"))

    return {"emi": major(loan.instalment_minor), "dpd": Asked((), answer)}


def _payment(inputs: Inputs) -> tuple[date, int]:
    """Read one repayment of an event stream."""
    if inputs.text("type") != "repayment":
        raise NotCovered(f"the event {inputs.text('type')!r}")
    payment = inputs.date("date"), inputs.minor("amount")
    inputs.done()
    return payment


def _days_late(
    dates: Sequence[date], instalment_minor: int, paid: Sequence[tuple[date, int]], on: date
) -> int:
    """Return the days past due of the loan on a day, its payments of that day counted."""
    rows = [
        BookRow(start_date=due, due_date=due, principal_minor=instalment_minor, interest_minor=0)
        for due in dates
        if due <= on
    ]
    for paid_on, amount in sorted(paid):
        if paid_on <= on:
            allocate(
                rows,
                amount,
                on=paid_on,
                order=AllocationOrder.PENALTY_FEE_INTEREST_PRINCIPAL,
                excess=Prepayment.NEXT_INSTALMENT,
            )
    return days_late_of_loan(rows, on, first_day=TERM.dpd_first_day)


def _line(inputs: Inputs) -> Figures:
    """Return the figures of a revolving line: accrual days, days past due, what is available."""
    if "day_count" in inputs:
        text = inputs.text("day_count")
        if text != "actual/365, interest of each day rounded to cents":
            raise NotCovered(f"day_count = {text!r}")
    for key in ("limit_from", "limit_to"):
        if key in inputs:
            inputs.date(key)
    line = Line(
        limit_minor=inputs.minor("credit_limit"),
        rate_annual=inputs.rate("annual_rate"),
        conventions=LINE,
    )
    periods = inputs.count("periods") if "periods" in inputs else None
    events = [LineEvent.read(entry) for entry in inputs.take("events")]
    return _accruals(events) | _line_delays(line, events, periods) | _line_states(line, events)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEvent:
    """One entry of a line's event stream."""

    kind: str
    on: date
    amount_minor: int
    first_due: date | None
    #: Number of the draw a repayment is for; None where it is for the line.
    draw: int | None

    @classmethod
    def read(cls, entry: Mapping[str, object]) -> "LineEvent":
        """Read one entry."""
        inputs = Inputs(entry, "event key")
        kind = inputs.text("type")
        if kind not in {"draw", "repayment", "close_of_business"}:
            raise NotCovered(f"the event {kind!r}")
        event = cls(
            kind=kind,
            on=inputs.date("date"),
            amount_minor=0 if kind == "close_of_business" else inputs.minor("amount"),
            first_due=inputs.date("first_due") if "first_due" in inputs else None,
            draw=inputs.count("draw") if "draw" in inputs else None,
        )
        inputs.done()
        return event


def _draws(events: Sequence[LineEvent]) -> list[LineEvent]:
    """Return the draws by date; their numbers follow it."""
    return sorted((one for one in events if one.kind == "draw"), key=lambda one: one.on)


def _accruals(events: Sequence[LineEvent]) -> Figures:
    """Return the daily accruals of each draw up to the last close."""
    closes = [one.on for one in events if one.kind == "close_of_business"]
    if not closes or any(one.kind == "repayment" for one in events):
        return {}
    shown: Figures = {}
    for number, draw in enumerate(_draws(events), start=1):
        dates = accrual_dates(draw.on, max(closes))
        shown[f"accrual_days_draw_{number}"] = len(dates)
        shown[f"first_accrual_date_draw_{number}"] = dates[0]
        shown[f"last_accrual_date_draw_{number}"] = dates[-1]
    return shown


def _line_delays(line: Line, events: Sequence[LineEvent], periods: int | None) -> Figures:
    """Return each draw's instalment and its days past due by date."""
    draws = _draws(events)
    if periods is None:
        return {}
    amounts = [instalment_of(one.amount_minor, line.rate_annual, periods) for one in draws]
    shown: Figures = {}
    for number, amount in enumerate(amounts, start=1):
        shown[f"emi_draw_{number}"] = shown[f"emi_draw_{number}_derived"] = major(amount)

    def answer(question: str) -> int:
        match = re.fullmatch(r"draw (\d+) on (\S+)", question)
        if match is None or not 1 <= int(match[1]) <= len(draws):
            raise NotCovered(f"days past due of {question!r}")
        number = int(match[1])
        first_due = draws[number - 1].first_due
        if first_due is None:
            raise NotCovered("days past due of a draw without a first due date")
        dates = date_list(first_due, periods, first_due=first_due)
        paid = [(one.on, one.amount_minor) for one in events if one.draw == number]
        return _days_late(dates, amounts[number - 1], paid, day(match[2], "dpd"))

    return shown | {"dpd": Asked((), answer)}


def _line_states(line: Line, events: Sequence[LineEvent]) -> Figures:
    """Return what is used and available after the draws and after the repayments."""
    if any(one.draw is not None for one in events) or not _draws(events):
        return {}
    for one in _draws(events):
        if one.amount_minor > line.available_minor:
            raise NotCovered("a draw of more than is available")
        line.draw(one.amount_minor, on=one.on)
    shown: Figures = {"after_draw": _state(line, principal_paid_minor=0)}
    repayments = [one for one in events if one.kind == "repayment"]
    if repayments:
        paid = [line.repay(one.amount_minor, on=one.on).principal_minor for one in repayments]
        shown["after_repayment"] = _state(line, principal_paid_minor=sum(paid))
    return shown


def _state(line: Line, *, principal_paid_minor: int) -> Figures:
    """Return the state of the line; what is used and available as formulas of what was repaid."""
    before = line.utilised_minor + principal_paid_minor
    shown: Figures = {
        "utilised": major(line.utilised_minor),
        "available": major(line.available_minor),
    }
    whole = before // MINOR_PER_MAJOR
    if before % MINOR_PER_MAJOR == 0:
        shown["utilised_formula"] = f"{whole} - principal_paid"
    if line.available_minor == principal_paid_minor:
        shown["available_formula"] = "principal_paid"
    return shown
