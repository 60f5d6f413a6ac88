"""What a new product version does to what customers pay: cost sheets of examples, side by side.

Example     10,000.00 drawn on the day of effect over each tenor, by the version's first method, at
            its least and at its highest price. Fees are in it, as on every sheet.
Refused     A drawdown that a version does not lend shows why instead: a tenor that is not offered,
            a cost above the cap.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from counterfoil.kernel.errors import Refused
from counterfoil.kernel.ids import EPOCH_MS, IdSource
from counterfoil.kernel.money import from_major_text
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Draw
from counterfoil.lending.line import Line
from counterfoil.lending.quote import price_drawdown
from counterfoil.lending.terms import Terms

_EXAMPLE_AMOUNT: Final = "10000"
_REPAYMENT_DAY: Final = 15
#: An example gets no number.
_NO_IDS: Final = IdSource(lambda: EPOCH_MS, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an example costs under a version, or why it is not lent."""

    #: Daily price, 1e-8.
    rate_daily_e8: int
    #: All that is paid beside the principal, minor units; None where it is not lent.
    cost_minor: int | None
    #: All-in yearly cost, 1e-8; None as above.
    rate_annual_effective_e8: int | None
    #: Code of the refusal; None where it is lent.
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """An example under the version before and under the next one."""

    tenor_months: int
    #: `least` or `most`, of the version's range of prices.
    price: str
    before: Cost
    after: Cost


def cost_changes(before: Terms, after: Terms, *, on: date) -> list[CostChange]:
    """Return what the examples cost under two versions of a product."""
    tenors = sorted({*before.tenors_months, *after.tenors_months})
    return [
        CostChange(
            tenor_months=months,
            price=price,
            before=_cost(before, months, price, on),
            after=_cost(after, months, price, on),
        )
        for months in tenors
        for price in ("least", "most")
    ]


def _cost(terms: Terms, tenor_months: int, price: str, on: date) -> Cost:
    rate = terms.rate_daily_e8_min if price == "least" else terms.rate_daily_e8_max
    amount = from_major_text(_EXAMPLE_AMOUNT, terms.currency)
    amount = min(max(amount, terms.draw_minor_min), terms.draw_minor_max)
    drawn = Draw(
        customer_id=0,
        line_id=0,
        amount_minor=amount - amount % terms.draw_minor_step,
        currency=terms.currency,
        tenor_months=tenor_months,
        method=terms.methods[0],
        # Neither says anything about dates or interest.
        purpose="",
        payee_ref="",
        cost_sheet_hash=b"",
    )
    setting = Setting(terms, on, datetime.combine(on, time(), UTC), _NO_IDS)
    priced = price_drawdown(_line(terms, rate, on), drawn, setting)
    if isinstance(priced, Refused):
        return Cost(
            rate_daily_e8=rate, cost_minor=None, rate_annual_effective_e8=None, refused=priced.code
        )
    return Cost(
        rate_daily_e8=rate,
        cost_minor=priced.sheet.cost_minor,
        rate_annual_effective_e8=priced.sheet.rate_annual_effective_e8,
        refused=None,
    )


def _line(terms: Terms, rate_daily_e8: int, on: date) -> Line:
    """Return a line as nobody has it; it is shown by an example, never stored."""
    return Line(
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
        repayment_day=_REPAYMENT_DAY,
        opened_on=on,
        valid_to=on,
    )
