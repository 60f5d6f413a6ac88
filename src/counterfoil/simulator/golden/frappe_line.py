"""Cases of revolving lines: daily accruals, days past due by draw, what is used and available."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from counterfoil.lending.conventions.allocation import allocate
from counterfoil.lending.conventions.book import BookRow
from counterfoil.lending.conventions.delinquency import days_late_of_loan
from counterfoil.lending.conventions.due_dates import (
    date_list,
)
from counterfoil.lending.conventions.factor import annuity_of_rate
from counterfoil.lending.conventions.line import Line, accrual_dates
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.schedule import (
    rounded_instalment,
)
from counterfoil.lending.conventions.settings import (
    AllocationOrder,
    NotCovered,
    Prepayment,
)
from counterfoil.simulator.golden.figures import Asked, major
from counterfoil.simulator.golden.inputs import MINOR_PER_MAJOR, Inputs, day

Figures = dict[str, object]

TERM = preset("FRAPPE_TERM")
LINE = preset("FRAPPE_LINE")


def figures(inputs: Inputs) -> Figures:
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
    events = [LineEvent.read(entry) for entry in inputs.entries("events")]
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
        return days_late(dates, amounts[number - 1], paid, day(match[2], "dpd"))

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


def instalment_of(principal_minor: int, rate_annual: Fraction, periods: int) -> int:
    """Return the equal instalment at a twelfth of the rate, rounded up to a whole unit."""
    exact = annuity_of_rate(Fraction(principal_minor), rate_annual / 12, periods)
    return rounded_instalment(exact, TERM)


def days_late(
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
