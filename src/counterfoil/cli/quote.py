"""`counterfoil quote`: what a loan costs and its plan, under a product or any convention.

No database is opened and nothing is written; the figures are those of the code that lends.
"""

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.own_catalogue import own_catalogue

if TYPE_CHECKING:
    from counterfoil.kernel.errors import Refused
    from counterfoil.lending.cost import CostSheet
    from counterfoil.lending.quote import Priced
    from counterfoil.lending.terms import Method, Terms

#: Every month has a 28th.
_REPAYMENT_DAY_MAX = 28


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(quote)


def quote(
    *,
    amount: Annotated[str, typer.Option(help="Amount in major units, such as 12000 or 950.50.")],
    months: Annotated[int, typer.Option(min=1, max=60, help="Tenor in months.")],
    method: Annotated[
        str | None,
        typer.Option(
            help="level_instalment (the default), level_principal, interest_only, bullet or "
            "any_time; a convention brings its own."
        ),
    ] = None,
    rate_daily: Annotated[
        str | None, typer.Option(help="Rate a day, such as 0.035%.", metavar="PERCENT")
    ] = None,
    rate_annual: Annotated[
        str | None, typer.Option(help="Rate a year, such as 12.8%.", metavar="PERCENT")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Day the money arrives, as 2026-03-01; today by default.")
    ] = None,
    repayment_day: Annotated[
        int | None,
        typer.Option(min=1, max=_REPAYMENT_DAY_MAX, help="Day of the month; the start's if unset."),
    ] = None,
    product: Annotated[str, typer.Option(help="Code of the product.")] = "cash-line-open",
    convention: Annotated[
        str | None,
        typer.Option(help="Plan under a named convention instead, such as FINERACT_PROGRESSIVE."),
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")] = False,
) -> None:
    """Show what a loan costs, with its plan and its yearly rate."""
    begins = _date(start)
    if language not in ("en", "zh"):
        raise typer.BadParameter("there are en and zh", param_hint="--language")
    terms = _terms(product, begins)
    amount_minor = _amount(amount, terms.currency)
    if convention is None:
        day = repayment_day or min(begins.day, _REPAYMENT_DAY_MAX)
        rate = _daily_rate(rate_daily, rate_annual, terms)
        chosen = _method(method or "level_instalment")
        priced = _price(terms, amount_minor, months, chosen, rate, begins, day)
        _write_product(priced, terms, as_json=as_json, language=language)
        return
    if method is not None:
        raise typer.BadParameter("the convention brings its own", param_hint="--method")
    annual = _annual_rate(rate_daily, rate_annual)
    shape = _under_convention(
        convention, amount_minor, annual, months, begins, repayment_day, terms
    )
    _write_convention(shape, as_json=as_json)


# ---------------------------------------------------------------------------------- arguments


def _date(text: str | None) -> date:
    from counterfoil.kernel.calendar import read_day
    from counterfoil.kernel.clock import SystemClock

    if text is None:
        return SystemClock().now().date()
    try:
        return read_day(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text!r} is not a date", param_hint="--start") from wrong


def _terms(code: str, on: date) -> "Terms":
    from counterfoil.lending.catalogue import UnknownProductError

    catalogue = own_catalogue()
    try:
        return catalogue.current(code, on)
    except UnknownProductError as unknown:
        codes = sorted({terms.code for terms in catalogue.all()})
        message = f"{unknown}; there are {', '.join(codes)}"
        raise typer.BadParameter(message, param_hint="--product") from unknown


def _amount(text: str, currency: str) -> int:
    from counterfoil.kernel.money import from_major_text

    try:
        amount_minor = from_major_text(text, currency)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--amount") from wrong
    if amount_minor <= 0:
        raise typer.BadParameter("has to be more than zero", param_hint="--amount")
    return amount_minor


def _method(text: str) -> "Method":
    from counterfoil.lending.terms import Method

    try:
        return Method(text)
    except ValueError as wrong:
        message = f"{text!r} is not a method; there are {', '.join(Method)}"
        raise typer.BadParameter(message, param_hint="--method") from wrong


def _percent(text: str, option: str) -> int:
    from counterfoil.lending.product_values import FaultError, percent_e8

    try:
        return percent_e8(text)
    except FaultError as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from wrong


def _one_rate(daily: str | None, annual: str | None) -> None:
    if (daily is None) == (annual is None):
        raise typer.BadParameter("give --rate-daily or --rate-annual", param_hint="--rate-daily")


def _annual_rate(daily: str | None, annual: str | None) -> Fraction:
    """Return the yearly rate, exact."""
    from counterfoil.kernel.rates import ONE_E8, RateDaily, annual_from_daily

    _one_rate(daily, annual)
    if daily is not None:
        return Fraction(annual_from_daily(RateDaily(_percent(daily, "--rate-daily"))), ONE_E8)
    return Fraction(_percent(annual or "", "--rate-annual"), ONE_E8)


def _daily_rate(daily: str | None, annual: str | None, terms: "Terms") -> int:
    """Return the daily rate, which has to lie in the range of the product."""
    from counterfoil.kernel.rates import RateAnnual, daily_from_annual, percent_text

    _one_rate(daily, annual)
    if daily is not None:
        rate, option = _percent(daily, "--rate-daily"), "--rate-daily"
    else:
        option = "--rate-annual"
        rate = daily_from_annual(RateAnnual(_percent(annual or "", option)))
    least, most = terms.rate_daily_e8_min, terms.rate_daily_e8_max
    if not least <= rate <= most:
        message = (
            f"{terms.code} is priced from {percent_text(least, digits=4)} % to "
            f"{percent_text(most, digits=4)} % a day; --convention EXACT_DAILY takes any rate"
        )
        raise typer.BadParameter(message, param_hint=option)
    return rate


# -------------------------------------------------------------------------------- the product


def _price(
    terms: "Terms",
    amount_minor: int,
    months: int,
    method: "Method",
    rate_daily_e8: int,
    start: date,
    repayment_day: int,
) -> "Priced":
    """Price a drawdown on a line that is as large as the product makes them."""
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.kernel.errors import Refused
    from counterfoil.kernel.ids import IdSource
    from counterfoil.lending.account import Setting
    from counterfoil.lending.commands import Draw
    from counterfoil.lending.line import Line
    from counterfoil.lending.quote import price_drawdown

    now = SystemClock().now()
    line = Line(
        customer_id=0,
        line_id=0,
        application_id=0,
        product_code=terms.code,
        product_version=terms.version,
        lender_id=terms.lender_id,
        currency=terms.currency,
        status="active",
        limit_minor=terms.limit_minor_max,
        rate_daily_e8=rate_daily_e8,
        repayment_day=repayment_day,
        opened_on=start,
        valid_to=start,
    )
    asked = Draw(
        customer_id=0,
        line_id=0,
        amount_minor=amount_minor,
        currency=terms.currency,
        tenor_months=months,
        method=method,
        purpose="",
        payee_ref="",
        cost_sheet_hash=b"",
    )
    setting = Setting(terms, start, now, IdSource(lambda: int(now.timestamp() * 1_000), 0))
    priced = price_drawdown(line, asked, setting)
    if isinstance(priced, Refused):
        raise _refused(priced)
    return priced


def _refused(refused: "Refused") -> typer.Exit:
    return output.fail(f"{refused.code}: {refused.message} {refused.next_step}")


def _write_product(priced: "Priced", terms: "Terms", *, as_json: bool, language: str) -> None:
    from counterfoil.cli.quote_page import print_sheet

    sheet = priced.sheet
    if as_json:
        output.write_json(_product_shape(sheet, terms))
    else:
        print_sheet(sheet, [row.days for row in priced.rows], language)


def _product_shape(sheet: "CostSheet", terms: "Terms") -> dict[str, Any]:
    document = sheet.document()
    common = ("currency", "principal_minor", "start_date", "rows", "cost_minor", "total_minor")
    return {
        "convention": terms.convention,
        **{key: document[key] for key in (*common, "annual_cost")},
        "cost_sheet": document,
        "cost_sheet_hash": sheet.sheet_hash.hex(),
    }


# ----------------------------------------------------------------------------- the convention


def _under_convention(
    name: str,
    amount_minor: int,
    rate_annual: Fraction,
    months: int,
    start: date,
    repayment_day: int | None,
    terms: "Terms",
) -> dict[str, Any]:
    """Return the plan that a named convention gives."""
    from counterfoil.kernel.rates import ONE_E8
    from counterfoil.lending.conventions.presets import PRESETS, preset
    from counterfoil.lending.conventions.schedule import plan
    from counterfoil.lending.conventions.settings import NotCovered
    from counterfoil.lending.schedule import first_due

    if name not in PRESETS:
        message = f"{name!r} is not known; there are {', '.join(PRESETS)}"
        raise typer.BadParameter(message, param_hint="--convention")
    first = None if repayment_day is None else first_due(start, repayment_day, terms)
    try:
        rows = plan(amount_minor, rate_annual, months, start, first, preset(name))
    except NotCovered as gap:
        raise output.fail(f"{name} does not say how this comes out: {gap}.") from gap
    total = sum(row.instalment_minor for row in rows)
    return {
        "convention": name,
        "currency": terms.currency,
        "principal_minor": amount_minor,
        "start_date": start.isoformat(),
        "rate_annual_e8": round(rate_annual * ONE_E8),
        "rows": [_row_shape(row) for row in rows],
        "cost_minor": total - amount_minor,
        "total_minor": total,
        "annual_cost": _annual_cost(rows, amount_minor, start),
    }


def _row_shape(row: Any) -> dict[str, Any]:
    return {
        "instalment_no": row.nr,
        "due_date": row.due_date.isoformat(),
        "pay_on": row.pay_on.isoformat(),
        "days": row.due_date.toordinal() - row.start_date.toordinal(),
        "principal_minor": row.principal_minor,
        "interest_minor": row.interest_minor,
        "due_minor": row.instalment_minor,
        "balance_minor": row.balance_minor,
    }


def _annual_cost(rows: Any, amount_minor: int, start: date) -> dict[str, Any]:
    from counterfoil.lending.annual_rate import Payment, annual_rate
    from counterfoil.lending.cost import EFFECTIVE_METHOD, SIMPLE_METHOD

    begin = start.toordinal()
    payments = [Payment(row.pay_on.toordinal() - begin, row.instalment_minor) for row in rows]
    rate = annual_rate(amount_minor, payments)
    return {
        "effective_e8": rate.effective_e8,
        "effective_method": EFFECTIVE_METHOD._asdict(),
        "simple_e8": rate.simple_e8,
        "simple_method": SIMPLE_METHOD._asdict(),
    }


def _write_convention(shape: dict[str, Any], *, as_json: bool) -> None:
    from counterfoil.cli.quote_page import print_convention

    if as_json:
        output.write_json(shape)
    else:
        print_convention(shape)
