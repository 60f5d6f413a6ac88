"""A case's event stream as events of a loan: strict about every key, the business date kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from counterfoil.lending.conventions.due_dates import Every, Frequency
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.lending.conventions.terms import (
    ChargeAdded,
    ChargedOff,
    ChargeKind,
    DayClosed,
    Draw,
    Event,
    Paused,
    PayOff,
    RateChanged,
    ReAged,
    ReAmortised,
    Repayment,
    Rescheduled,
    Reversal,
)
from counterfoil.simulator.golden.case_file import Json
from counterfoil.simulator.golden.inputs import Inputs

CHARGE_KINDS = {"fee": "fee", "penalty": "penalty"}
UNITS = {str(unit): str(unit) for unit in Every}


@dataclass(frozen=True, slots=True)
class Dates:
    """When an event was entered and from when it counts."""

    entered_on: date
    value_date: date


def events_of(raw: Sequence[Json]) -> list[Event | None]:
    """Return one event for each entry; None where it only moves the business date."""
    events: list[Event | None] = []
    business_date: date | None = None
    for entry in raw:
        inputs = Inputs(entry, "event key")
        kind, on = inputs.text("type"), inputs.date("date")
        if kind == "business_date":
            business_date = on
            events.append(None)
        else:
            entered = business_date if business_date is not None else on
            events.append(_event(kind, inputs, Dates(max(entered, on), on)))
        inputs.done()
    return events


def _event(kind: str, inputs: Inputs, dates: Dates) -> Event:
    """Return the event of an entry."""
    if kind not in READERS:
        raise NotCovered(f"the event {kind!r}")
    return READERS[kind](inputs, dates)


def _draw(inputs: Inputs, dates: Dates) -> Event:
    return Draw(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        amount_minor=_positive(inputs, "amount"),
    )


def _repayment(inputs: Inputs, dates: Dates) -> Event:
    return Repayment(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        amount_minor=_positive(inputs, "amount"),
    )


def _payoff(_: Inputs, dates: Dates) -> Event:
    return PayOff(entered_on=dates.entered_on, value_date=dates.value_date)


def _reversal(inputs: Inputs, dates: Dates) -> Event:
    """Read which repayment is taken back; the date quoted beside it selects nothing."""
    if "original_date" in inputs:
        inputs.date("original_date")
    return Reversal(
        entered_on=dates.entered_on, value_date=dates.value_date, nth=inputs.count("nth")
    )


def _charge(inputs: Inputs, dates: Dates) -> Event:
    return ChargeAdded(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        kind=ChargeKind(inputs.choice("charge_type", CHARGE_KINDS)),
        due_date=inputs.date("due_date"),
        amount_minor=_positive(inputs, "amount"),
    )


def _close(_: Inputs, dates: Dates) -> Event:
    return DayClosed(entered_on=dates.entered_on, value_date=dates.value_date)


def _charge_off(_: Inputs, dates: Dates) -> Event:
    return ChargedOff(entered_on=dates.entered_on, value_date=dates.value_date)


def _pause(inputs: Inputs, dates: Dates) -> Event:
    first, last = inputs.date("start"), inputs.date("end")
    if last < first:
        raise NotCovered("a pause that ends before it starts")
    return Paused(entered_on=dates.entered_on, value_date=dates.value_date, first=first, last=last)


def _rate_change(inputs: Inputs, dates: Dates) -> Event:
    return RateChanged(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        effective=inputs.date("effective"),
        rate_annual=inputs.rate("new_annual_rate"),
    )


def _reschedule(inputs: Inputs, dates: Dates) -> Event:
    if "submittedondate" in inputs:
        inputs.date("submittedondate")
    to_due = inputs.date("adjustedduedate") if "adjustedduedate" in inputs else None
    from_due = inputs.date("reschedulefromdate")
    if to_due is not None and to_due <= from_due:
        raise NotCovered("a due date moved backwards")
    return Rescheduled(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        from_due=from_due,
        to_due=to_due,
        rows_added=inputs.count("extraterms", 0),
        rate_annual=inputs.rate("newinterestrate") if "newinterestrate" in inputs else None,
    )


def _re_age(inputs: Inputs, dates: Dates) -> Event:
    every = Every(inputs.choice("frequencytype", UNITS))
    return ReAged(
        entered_on=dates.entered_on,
        value_date=dates.value_date,
        first_due=inputs.date("startdate"),
        frequency=Frequency(inputs.count("frequencynumber"), every),
        rows=inputs.count("numberofinstallments"),
    )


def _re_amortise(_: Inputs, dates: Dates) -> Event:
    return ReAmortised(entered_on=dates.entered_on, value_date=dates.value_date)


def _positive(inputs: Inputs, key: str) -> int:
    """Return an amount that is more than nothing."""
    amount = inputs.minor(key)
    if amount <= 0:
        raise NotCovered(f"{key} = {amount} minor units")
    return amount


READERS: dict[str, Callable[[Inputs, Dates], Event]] = {
    "disbursement": _draw,
    "repayment": _repayment,
    "payoff": _payoff,
    "reverse": _reversal,
    "charge": _charge,
    "close_of_business": _close,
    "charge_off": _charge_off,
    "interest_pause": _pause,
    "rate_change": _rate_change,
    "reschedule": _reschedule,
    "re_age": _re_age,
    "re_amortize": _re_amortise,
}
