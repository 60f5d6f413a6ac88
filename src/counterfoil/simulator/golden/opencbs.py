"""Cases with months of a twelfth, halves up, due dates off weekends, and early repayment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from counterfoil.lending.conventions.allocation import allocate
from counterfoil.lending.conventions.book import BookRow, Charge, Part, open_rows
from counterfoil.lending.conventions.due_dates import Every, Frequency
from counterfoil.lending.conventions.early_repayment import ShownRow, fees_on, repay_early
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.schedule import Row, plan
from counterfoil.lending.conventions.settings import (
    Accrual,
    AllocationOrder,
    Conventions,
    Instalment,
    NotCovered,
    Prepayment,
    Weekend,
)
from counterfoil.lending.conventions.terms import ChargeKind
from counterfoil.simulator.golden.case_file import Case, Json
from counterfoil.simulator.golden.day_count_text import day_count_of
from counterfoil.simulator.golden.figures import Asked, major
from counterfoil.simulator.golden.fineract_terms import frequency_of
from counterfoil.simulator.golden.inputs import MINOR_PER_MAJOR, Inputs, minor

Figures = dict[str, object]

BASE = preset("OPENCBS")
WEEKENDS = {"forward": "FORWARD_INTEREST_UNMOVED"}


def figures(case: Case) -> Mapping[str, object]:
    """Return the figures by what the inputs describe."""
    inputs = Inputs(case.inputs)
    bundle = _bundle(inputs)
    rows = _rows(inputs, bundle)
    if "early_repayment_fee" in inputs:
        shown = _early_fees(inputs, rows, bundle)
    elif "state_before" in inputs:
        shown = _after_state(inputs, rows)
    elif "events" in inputs:
        shown = _after_events(inputs, rows, bundle)
    else:
        shown = {"schedule": _schedule(rows)}
    inputs.done()
    return shown


def _bundle(inputs: Inputs) -> Conventions:
    """Return the variant of the preset: cents, whole units, or the annuity of each row."""
    bundle = replace(BASE, weekend=Weekend(inputs.choice("weekend_shift", WEEKENDS, "forward")))
    if "day_count" in inputs:
        count = day_count_of(inputs.text("day_count"))
        if count is not BASE.day_count:
            raise NotCovered(f"day_count = {inputs.text('day_count')!r}")
    if inputs.text("rounding", "cents") == "whole units":
        unit = MINOR_PER_MAJOR
        return replace(bundle, instalment_unit_minor=unit, amount_unit_minor=unit)
    if inputs.text("rounding", "cents") != "cents":
        raise NotCovered(f"rounding = {inputs.text('rounding')!r}")
    if inputs.text("rate_per_period", "").endswith("flat"):
        return replace(bundle, accrual=Accrual.FLAT, instalment=Instalment.FLAT)
    if "rate_per_period" in inputs and "rounding" not in inputs:
        return replace(bundle, instalment=Instalment.ANNUITY_EACH_ROW)
    return bundle


def _rate(inputs: Inputs) -> Fraction:
    """Return the rate a year; a rate per period is one of a month."""
    if "annual_rate" in inputs:
        return inputs.rate("annual_rate")
    text = inputs.text("rate_per_period")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%(?: flat)?", text)
    if match is None:
        raise NotCovered(f"rate_per_period = {text!r}")
    return Fraction(match[1]) / 100 * 12


def _rows(inputs: Inputs, bundle: Conventions) -> list[Row]:
    """Return the rows of the loan."""
    frequency = frequency_of(inputs.text("frequency"))
    if frequency != Frequency(1, Every.MONTHS):
        raise NotCovered("a frequency other than monthly with a month of a twelfth")
    grace = inputs.count("grace_on_principal_periods", 0)
    rows = plan(
        inputs.minor("principal"),
        _rate(inputs),
        inputs.count("periods"),
        inputs.date("start_date"),
        inputs.date("first_due") if "first_due" in inputs else None,
        bundle,
        frequency=frequency,
        grace_principal=grace,
    )
    if bundle.accrual is Accrual.FLAT:
        _refuse_remainder(rows[grace:])
    elif grace:
        raise NotCovered("a grace on principal with equal instalments")
    return rows


def _refuse_remainder(rows: Sequence[Row]) -> None:
    """Refuse flat rows of which one takes a rounding: where it goes is not known."""
    if len({(row.principal_minor, row.interest_minor) for row in rows}) > 1:
        raise NotCovered("flat interest that does not divide evenly")


def _schedule(rows: Sequence[Row]) -> list[Figures]:
    """Return the rows as the cases write them."""
    return [
        _shown(ShownRow(row, row.balance_minor + row.principal_minor, row.instalment_minor))
        for row in rows
    ]


def _shown(shown: ShownRow) -> Figures:
    """Return one row as the cases write it."""
    return {
        "nr": shown.row.nr,
        "date": shown.row.pay_on,
        "interest": major(shown.row.interest_minor),
        "principal": major(shown.row.principal_minor),
        "due": major(shown.due_minor),
        "opening_balance": major(shown.opening_minor),
    }


def _after_events(inputs: Inputs, rows: list[Row], bundle: Conventions) -> Figures:
    """Return the schedule, and the state after each event."""
    shown: Figures = {"initial_schedule": _schedule(rows)}
    book = open_rows(rows)
    last = len(inputs.entries("events"))
    for number, entry in enumerate(inputs.entries("events"), start=1):
        event = Inputs(entry, "event key")
        kind, on, amount = event.text("type"), event.date("date"), event.minor("amount")
        event.done()
        if kind == "repayment":
            _pay(book, amount, on)
            shown[f"after_{number}"] = _state(book)
        elif kind == "early_partial_repayment" and number == last:
            _check_paid(book, rows, on)
            early = repay_early(rows, amount, on=on, rate_annual=_rate(inputs), conventions=bundle)
            shown[f"after_{number}"] = [_shown(one) for one in early]
        else:
            raise NotCovered(f"the event {kind!r}, or an event after an early repayment")
    return shown


def _check_paid(book: Sequence[BookRow], rows: Sequence[Row], on: date) -> None:
    """Refuse an early repayment with arrears, or after other payments in advance."""
    for row, planned in zip(book, rows, strict=True):
        past = planned.pay_on <= on
        if (past and row.outstanding_minor) or (not past and row.paid_minor):
            raise NotCovered("an early repayment with arrears or after a payment in advance")


def _pay(book: Sequence[BookRow], amount_minor: int, on: date) -> None:
    """Pay penalties, then interest and principal row by row."""
    allocate(
        book,
        amount_minor,
        on=on,
        order=AllocationOrder.COMMISSION_PENALTY_THEN_ROWS,
        excess=Prepayment.NEXT_INSTALMENT,
    )


def _state(book: Sequence[BookRow]) -> Asked:
    """Return what was paid on a row and what is left of it."""

    def answer(nr: Json) -> Figures:
        row = book[int(nr) - 1]
        return figures_at[id(row)]

    figures_at: dict[int, Figures] = {
        id(row): {
            "paid_principal": major(row.paid_of(Part.PRINCIPAL)),
            "paid_interest": major(row.paid_of(Part.INTEREST)),
            "left": major(row.outstanding_minor),
        }
        for row in book
    }
    return Asked(("nr",), answer)


def _after_state(inputs: Inputs, rows: Sequence[Row]) -> Figures:
    """Return what a repayment pays on rows whose state is given, penalties first."""
    before = inputs.entries("state_before")
    numbers = [int(entry["nr"]) for entry in before]
    book = [_row_left(Inputs(entry, "state key"), rows) for entry in before]
    penalty, repaid = inputs.minor("accrued_penalty"), inputs.minor("repayment")
    book[0].charges.append(
        Charge(kind=ChargeKind.PENALTY, due_date=book[0].due_date, amount_minor=penalty)
    )
    _pay(book, repaid, book[0].due_date)
    later = sum(row.instalment_minor for row in rows if row.nr > max(numbers))
    state = _state(book)
    return {
        "penalty_paid": major(sum(row.paid_of(Part.PENALTY) for row in book)),
        "after": Asked(("nr",), lambda nr: state.answer(numbers.index(int(nr)) + 1)),
        "total_repayment_next": major(sum(row.outstanding_minor for row in book) + later),
    }


def _early_fees(inputs: Inputs, rows: Sequence[Row], bundle: Conventions) -> Figures:
    """Return the fee on each base, and what it leaves of the amount the case asks about."""
    _check_described(inputs, rows)
    share, on = inputs.rate("early_repayment_fee"), inputs.date("as_of")
    fees = fees_on(rows, share, on=on, conventions=bundle)
    return {
        "base_remaining_balance": _taken_from(fees.on_balance_minor),
        "base_remaining_interest": _taken_from(fees.on_interest_minor),
    }


def _taken_from(fee_minor: int) -> Asked:
    """Return the fee, and what it leaves of an amount paid."""

    def answer(paid: Json) -> Figures:
        left = minor(paid, "paid") - fee_minor
        return {"fee": major(fee_minor), "left": major(left)}

    return Asked(("paid",), answer)


def _check_described(inputs: Inputs, rows: Sequence[Row]) -> None:
    """Refuse a schedule described in words that are not those of the rows."""
    if "schedule" not in inputs:
        return
    first, last = rows[0], rows[-1]
    described = (
        f"interest {_plain(last.interest_minor)} each month; "
        f"principal {_plain(first.principal_minor)} in the first, "
        f"then {_plain(last.principal_minor)} x {len(rows) - 1}"
    )
    if inputs.text("schedule") != described:
        raise NotCovered(f"schedule = {inputs.text('schedule')!r}")


def _plain(amount_minor: int) -> str:
    """Return an amount without decimals where it has none."""
    whole, part = divmod(amount_minor, MINOR_PER_MAJOR)
    return f"{whole}.{part:02d}" if part else str(whole)


def _row_left(inputs: Inputs, rows: Sequence[Row]) -> BookRow:
    """Return a row of which only a part is left; its number is one of the schedule's."""
    planned = rows[inputs.count("nr") - 1]
    row = BookRow(
        start_date=planned.start_date,
        due_date=planned.due_date,
        principal_minor=inputs.minor("due_left_principal"),
        interest_minor=inputs.minor("due_left_interest"),
    )
    inputs.done()
    return row
