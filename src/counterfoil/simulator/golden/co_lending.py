"""Cases of loans shared with funders: rates by share, the servicer's spread, partner schedules."""

from collections.abc import Mapping
from fractions import Fraction

from counterfoil.lending.conventions.rounding import round_to
from counterfoil.lending.conventions.schedule import plan
from counterfoil.lending.conventions.settings import NotCovered, Rounding
from counterfoil.lending.conventions.split import blended_rate, shares_by_category
from counterfoil.simulator.golden.case_file import Case
from counterfoil.simulator.golden.figures import major
from counterfoil.simulator.golden.fineract_terms import frequency_of
from counterfoil.simulator.golden.frappe_line import TERM, instalment_of
from counterfoil.simulator.golden.inputs import Inputs, number

Figures = dict[str, object]

ONE_YEAR = "one year, balance unchanged"


def figures(case: Case) -> Mapping[str, object]:
    """Return the figures by what the inputs describe."""
    inputs = Inputs(case.inputs)
    if "weights" in inputs:
        shown = _split(inputs)
    elif "partner_share" in inputs:
        shown = _partner_schedule(inputs)
    elif "customer_rate" in inputs and "funder_share" in inputs:
        shown = _spread(inputs)
    else:
        shown = _blended(inputs, sorted(case.inputs))
    inputs.done()
    return shown


def _share(inputs: Inputs, key: str) -> Fraction:
    """Return a share of the loan, as a part of one."""
    share = Fraction(inputs.decimal(key))
    if not 0 < share < 1:
        raise NotCovered(f"{key} = {share}")
    return share


def _split(inputs: Inputs) -> Figures:
    """Return each funder's share of posted amounts, category by category."""
    weights = [Fraction(number(weight, "weights")) for weight in inputs.entries("weights")]
    stated = Inputs(inputs.take("amounts"), "amount")
    amounts = {name: stated.minor(name) for name in stated}
    residual = inputs.count("residual_funder", 1) - 1
    if sum(weights) != 1 or min(weights) < 0 or not 0 <= residual < len(weights):
        raise NotCovered("weights that do not sum to one, or a residual funder not among them")
    shares = shares_by_category(amounts, weights, residual=residual)
    return {
        "shares": {name: [major(one) for one in parts] for name, parts in shares.items()},
        "totals": [major(sum(parts)) for parts in zip(*shares.values(), strict=True)],
    }


def _partner_schedule(inputs: Inputs) -> Figures:
    """Return the partner's own annuity schedule on its share."""
    frequency = frequency_of(inputs.text("frequency", "1 MONTHS"))
    if frequency.months != 1:
        raise NotCovered("a partner's schedule that is not monthly")
    inputs.rate("annual_rate")
    share, rate = _share(inputs, "partner_share"), inputs.rate("partner_rate")
    periods = inputs.count("periods")
    principal = round_to(inputs.minor("principal") * share, Rounding.HALF_UP)
    instalment = instalment_of(principal, rate, periods)
    rows = plan(principal, rate, periods, inputs.date("start_date"), None, TERM)
    return {
        "partner_principal": major(principal),
        "partner_emi": major(instalment),
        "partner_emi_derived": major(instalment),
        "rows_equal_periods": len(rows),
    }


def _spread(inputs: Inputs) -> Figures:
    """Return a year's interest by party: the servicer keeps what the funder does not take."""
    principal, share = inputs.minor("principal"), _share(inputs, "funder_share")
    customer, funder = inputs.rate("customer_rate"), inputs.rate("funder_rate")
    if inputs.text("days") != ONE_YEAR:
        raise NotCovered(f"days = {inputs.text('days')!r}")
    total = principal * customer
    funders = principal * share * funder
    own = principal * (1 - share) * customer
    amounts = {
        "originator_own_interest": own,
        "funder_interest": funders,
        "originator_spread": principal * share * (customer - funder),
        "originator_total": total - funders,
        "customer_interest": total,
    }
    return {name: major(round_to(one, Rounding.HALF_UP)) for name, one in amounts.items()}


def _blended(inputs: Inputs, keys: list[str]) -> Figures:
    """Return the mean of the rates by share, from two lists or from pairs of keys."""
    if "shares" in inputs and "rates" in inputs:
        shares = [Fraction(number(one, "shares")) for one in inputs.entries("shares")]
        rates = [Fraction(number(one, "rates")) / 100 for one in inputs.entries("rates")]
    else:
        names = [key.removesuffix("_rate") for key in keys if key.endswith("_rate")]
        rates = [inputs.rate(f"{name}_rate") for name in names]
        shares = _shares_of(inputs, names)
    if "principal" in inputs:
        inputs.minor("principal")
    whole = sum(shares)
    if len(shares) != len(rates) or whole not in {1, 100} or min(shares) < 0:
        raise NotCovered("shares that do not sum to one, or not one for each rate")
    percent = blended_rate([share / whole for share in shares], rates) * 100
    shown = major(round_to(percent * 100, Rounding.HALF_UP))
    if Fraction(shown) != percent:
        raise NotCovered("a blended rate of more than two decimals")
    return dict.fromkeys(("blended_rate", "blended_annual_rate", "weighted_rate"), shown)


def _shares_of(inputs: Inputs, names: list[str]) -> list[Fraction]:
    """Return the share beside each rate; one that is not given is the rest."""
    given = {
        name: Fraction(inputs.decimal(f"{name}_share"))
        for name in names
        if f"{name}_share" in inputs
    }
    if not given or len(given) < len(names) - 1:
        raise NotCovered("shares and rates that do not come in pairs")
    rest = 1 - sum(given.values(), start=Fraction(0))
    return [given.get(name, rest) for name in names]
