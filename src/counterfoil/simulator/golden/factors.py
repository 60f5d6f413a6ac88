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

#: Decimals of a factor as shown; it is computed to twelve significant digits.
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
    for name in named:
        if name not in BY_TEXT:
            raise NotCovered(f"day_count = {name!r}")
        bundle = replace(preset("FINERACT_PROGRESSIVE"), day_count=BY_TEXT[name])
        factors = [period_factor(bundle, rate, period) for period in periods]
        label = NAMES[bundle.day_count]
        shown[f"rate_factors_{label}"] = [_decimals(factor) for factor in factors]
        shown[f"fn_values_{label}"] = _digits(denominators(factors, bundle.factor_digits))
    return shown


def _decimals(factor: Fraction) -> Decimal:
    """Return a factor to twelve decimals."""
    exact = Decimal(factor.numerator) / Decimal(factor.denominator)
    return exact.quantize(FACTOR_STEP, rounding=ROUND_HALF_EVEN)


def _digits(values: Sequence[Fraction]) -> list[Decimal]:
    """Return numbers that already carry their significant digits."""
    context = Context(prec=12, rounding=ROUND_HALF_EVEN)
    return [context.divide(Decimal(v.numerator), Decimal(v.denominator)) for v in values]
