"""A case's inputs as the terms of a loan, for the two families with a full event stream."""

from dataclasses import replace
from fractions import Fraction

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.due_dates import Every, Frequency
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.conventions.settings import (
    Accrual,
    AllocationOrder,
    Compounding,
    Conventions,
    Instalment,
    MonthEnd,
    NotCovered,
    Prepayment,
)
from counterfoil.lending.conventions.terms import LoanTerms, Rest
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.day_count_text import day_count_of
from counterfoil.simulator.golden.fineract_product import UNNAMED, Product, product_of
from counterfoil.simulator.golden.inputs import MINOR_PER_MAJOR, Inputs

ALLOCATIONS = {
    "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER": "PENALTY_FEE_INTEREST_PRINCIPAL",
    "DUE_PENALTY_FEE_INTEREST_PRINCIPAL_IN_ADVANCE_PRINCIPAL_PENALTY_FEE_INTEREST": "DUE_FIRST",
    "ADVANCED_PAYMENT_ALLOCATION": "ADVANCED",
}
EXCESS = {
    "NEXT_INSTALLMENT": "NEXT_INSTALMENT",
    "LAST_INSTALLMENT": "LAST_INSTALMENT",
    "REAMORTIZATION": "REAMORTISE",
}
MONTH_ENDS = {
    "FIRST_DAY_OF_NEXT_MONTH": "ROLL_FORWARD",
    "LAST_DAY_OF_MONTH": "CLAMP_AND_RETURN",
}


def frequency_of(text: str) -> Frequency:
    """Return the frequency written as a count and a unit, such as `2 WEEKS`."""
    count, _, unit = text.partition(" ")
    if not count.isdigit() or int(count) < 1 or unit not in set(Every):
        raise NotCovered(f"frequency = {text!r}")
    return Frequency(int(count), Every(unit))


def terms_of(case: Case, inputs: Inputs) -> tuple[LoanTerms, Product]:
    """Return the terms and the product of a case; the events are left to be understood."""
    product = product_of(inputs.text("product")) if "product" in inputs else UNNAMED
    progressive = "fineract_progressive" in case.conventions
    rate = inputs.rate("annual_rate")
    bundle = _progressive(inputs) if progressive else _cumulative(inputs, rate)
    bundle = _with_allocation(_with_down_payment(bundle, product, inputs), product, inputs)
    bundle = _with_compounding(bundle, product, progressive=progressive)
    if product.payoff is not None:
        bundle = replace(bundle, payoff=product.payoff)
    terms = LoanTerms(
        principal_minor=inputs.minor("principal"),
        rate_annual=rate,
        periods=inputs.count("periods"),
        start=inputs.date("start_date"),
        first_due=inputs.date("first_due") if "first_due" in inputs else None,
        frequency=frequency_of(inputs.text("frequency")),
        conventions=bundle,
        grace_principal=_grace(inputs),
        down_payment_collected=_collected(product, inputs),
        rest=_rest(product, inputs),
        late_fee=product.late_fee,
    )
    _check(terms)
    return terms, product


def _check(terms: LoanTerms) -> None:
    """Refuse inputs that contradict each other or make no loan."""
    if not terms.periods > 0 or terms.principal_minor <= 0:
        raise NotCovered("a loan without rows or without principal")
    if terms.grace_principal >= terms.periods:
        raise NotCovered("a grace on principal as long as the loan")


def _progressive(inputs: Inputs) -> Conventions:
    """Return the bundle with factors by period."""
    bundle = preset("FINERACT_PROGRESSIVE")
    inputs.choice("interest_type", {"DECLINING_BALANCE": ""}, "DECLINING_BALANCE")
    inputs.choice("interest_calculation", {"DAILY": ""}, "DAILY")
    inputs.choice("amortization", {"EQUAL_INSTALLMENTS": ""}, "EQUAL_INSTALLMENTS")
    if "installment_multiple_of" in inputs:
        raise NotCovered("instalments in multiples of a unit with factors by period")
    count = day_count_of(inputs.text("day_count"))
    bundle = replace(bundle, day_count=count or DayCount.MONTH_12)
    if "month_end" in inputs:
        rule = MonthEnd(inputs.choice("month_end", MONTH_ENDS))
        bundle = replace(bundle, month_end=rule)
    return bundle


def _cumulative(inputs: Inputs, rate: Fraction) -> Conventions:
    """Return the bundle with the schedule built from rates per month or per day."""
    bundle = preset("FINERACT_CUMULATIVE")
    stated = day_count_of(inputs.text("day_count"))
    if (stated is None) != (rate == 0):
        raise NotCovered("a day count that contradicts the rate")
    kind = inputs.text("interest_type", "FLAT" if rate == 0 else "")
    method = inputs.text("interest_calculation", "SAME_AS_REPAYMENT_PERIOD")
    bundle = replace(bundle, **_interest(kind, method))  # type: ignore[arg-type]
    if stated is not None and stated is not bundle.day_count:
        raise NotCovered("a day count that contradicts the way interest is calculated")
    equal = {"EQUAL_INSTALLMENTS": "", "EQUAL_PRINCIPAL_PAYMENTS": Instalment.EQUAL_PRINCIPAL}
    amortization = inputs.choice("amortization", equal, "EQUAL_INSTALLMENTS")
    if amortization:
        if kind == "FLAT":
            raise NotCovered("equal principal with flat interest")
        bundle = replace(bundle, instalment=Instalment(amortization))
    if "month_end" in inputs:
        rule = MonthEnd(inputs.choice("month_end", MONTH_ENDS))
        bundle = replace(bundle, month_end=rule)
    unit = inputs.count("installment_multiple_of", 0) * MINOR_PER_MAJOR or 1
    return replace(bundle, instalment_unit_minor=unit)


def _interest(kind: str, method: str) -> dict[str, object]:
    """Return the settings for the way interest is calculated."""
    if kind == "FLAT" and method == "SAME_AS_REPAYMENT_PERIOD":
        return {
            "day_count": DayCount.MONTH_12,
            "accrual": Accrual.FLAT,
            "instalment": Instalment.FLAT,
        }
    if kind == "DECLINING_BALANCE" and method == "SAME_AS_REPAYMENT_PERIOD":
        return {"day_count": DayCount.MONTH_12, "instalment": Instalment.ANNUITY_OF_MONTHS}
    if kind == "DECLINING_BALANCE" and method == "DAILY":
        return {"day_count": DayCount.ACT_365, "instalment": Instalment.ANNUITY_OF_30_365}
    raise NotCovered(f"interest_type = {kind!r} with interest_calculation = {method!r}")


def _grace(inputs: Inputs) -> int:
    """Return the rows without principal; a shorter grace on interest shows in no figure."""
    principal = inputs.count("grace_on_principal_periods", 0)
    if inputs.count("grace_on_interest_periods", 0) > principal:
        raise NotCovered("a grace on interest longer than the grace on principal")
    return principal


def _with_down_payment(bundle: Conventions, product: Product, inputs: Inputs) -> Conventions:
    """Return the bundle with the share due on day 0."""
    share = product.down_payment_share
    for key in ("auto_down_payment_percent", "down_payment_percent"):
        if key in inputs:
            share = inputs.rate(key)
    if not 0 <= share < 1:
        raise NotCovered("a down payment of the whole principal or more")
    return replace(bundle, down_payment_share=share)


def _collected(product: Product, inputs: Inputs) -> bool:
    """Say whether the down payment is collected by itself."""
    return product.down_payment_collected or "auto_down_payment_percent" in inputs


def _with_compounding(bundle: Conventions, product: Product, *, progressive: bool) -> Conventions:
    """Return the bundle with interest on unpaid interest, where payments change the schedule."""
    compounds = product.compounding is not Compounding.NONE
    if compounds and (progressive or product.rest is Rest.FIXED):
        raise NotCovered("interest on overdue interest where payments do not change the schedule")
    return replace(bundle, compounding=product.compounding)


def _with_allocation(bundle: Conventions, product: Product, inputs: Inputs) -> Conventions:
    """Return the bundle with the order of allocation and the rule for an excess."""
    order = bundle.allocation
    if "allocation_strategy" in inputs:
        order = AllocationOrder(inputs.choice("allocation_strategy", ALLOCATIONS))
    excess = product.prepayment
    if order is AllocationOrder.ADVANCED:
        rule = inputs.choice("future_installment_rule", EXCESS, "NEXT_INSTALLMENT")
        excess = Prepayment(rule)
    return replace(bundle, allocation=order, prepayment=excess)


def _rest(product: Product, inputs: Inputs) -> Rest:
    """Return from when a payment counts for interest."""
    if "interest_recalculation" not in inputs:
        return product.rest
    stated = Rest.DAILY if inputs.flag("interest_recalculation") else Rest.FIXED
    if product is not UNNAMED and product.rest is not stated:
        raise NotCovered("interest_recalculation that contradicts the product")
    return stated
