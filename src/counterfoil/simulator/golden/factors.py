"""Cases that assert period factors and annuity denominators rather than a schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import date_list, periods_of
from counterfoil.lending.conventions.factor import denominators, period_factor
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.day_count_text import BY_TEXT
from counterfoil.simulator.golden.fineract_terms import frequency_of
from counterfoil.simulator.golden.inputs import Inputs

#: A factor is shown to twelve decimals at least; it is computed to twelve significant digits.
FACTOR_STEP = Decimal("1e-12")
NAMES = {DayCount.MONTH_12: "30_360", DayCount.ACT_365: "actual_365"} | {
    DayCount.ACT_ACT_31DEC: "actual_actual",
    DayCount.ACT_360: "actual_360",
    DayCount.ACT_364: "actual_364",
}


def figures(case: Case) -> Mapping[str, object]:
    """Return factors and denominators for each day count the case names."""
    inputs = Inputs(case.inputs)
    rate, count = inputs.rate("annual_rate"), inputs.count("periods")
    start = inputs.date("start_date")
    frequency = frequency_of(inputs.text("frequency"))
    named = inputs.text("day_count").split(" and ")
    inputs.done()
    periods = periods_of(start, date_list(start, count, frequency=frequency), frequency)
    shown: dict[str, object] = {}
    for count_text in named:
        if count_text not in BY_TEXT:
            raise NotCovered(f"day_count = {count_text!r}")
        bundle = replace(preset("FINERACT_PROGRESSIVE"), day_count=BY_TEXT[count_text])
        factors = [period_factor(bundle, rate, period) for period in periods]
        label = NAMES[bundle.day_count]
        name = f"rate_factors_{label}"
        step = _step(case.expected.get(name))
        shown[name] = [_decimals(factor, step) for factor in factors]
        shown[f"fn_values_{label}"] = _digits(denominators(factors, bundle.factor_digits))
    return shown


def _step(stated: object) -> Decimal:
    """Return the last decimal to show: the twelfth, or the last that the case states."""
    texts = stated if isinstance(stated, list) else []
    places = [len(str(text).partition(".")[2]) for text in texts]
    return min(FACTOR_STEP, Decimal(1).scaleb(-max(places, default=0)))


def _decimals(factor: Fraction, step: Decimal) -> Decimal:
    """Return a factor to so many decimals."""
    exact = Decimal(factor.numerator) / Decimal(factor.denominator)
    return exact.quantize(step, rounding=ROUND_HALF_EVEN)


def _digits(values: Sequence[Fraction]) -> list[Decimal]:
    """Return numbers that already carry their significant digits."""
    context = Context(prec=12, rounding=ROUND_HALF_EVEN)
    return [context.divide(Decimal(v.numerator), Decimal(v.denominator)) for v in values]
