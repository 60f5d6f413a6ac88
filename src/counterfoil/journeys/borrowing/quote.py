"""Quoting: what a drawdown or a setting would do, and what closes a loan. Nothing is written.

A quote is a trial calculation: it asks no bureau, holds nothing, and may be asked for an amount
that the line does not allow at the moment. Its token is what a drawdown has to bring.
"""

from datetime import date
from functools import partial
from typing import Final, NamedTuple

from counterfoil.decisioning import store as decisions
from counterfoil.journeys.borrowing.line_prices import rate_of_drawing
from counterfoil.journeys.borrowing.promotions import Promoted, Wanted, best_promotion, claim_of
from counterfoil.journeys.contracting.contract_version import line_to_draw_on
from counterfoil.journeys.contracting.loan_note import new_note
from counterfoil.journeys.deciding.price_caps import refuse_cost
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing.scene_deal import Deal, deal_for
from counterfoil.journeys.purchasing.scene_purchases import settle_left
from counterfoil.journeys.purchasing.scenes import scene_of_product
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import quote as quotes
from counterfoil.lending import refusals, store
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Draw
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan
from counterfoil.lending.preview import DayPreview, Example, preview_day
from counterfoil.lending.quote import PayoffQuote, PromotedPrice, Quote
from counterfoil.lending.scene import refuse_drawdown
from counterfoil.lending.scene_refusals import SCENE_PURCHASE_NOT_FOUND
from counterfoil.lending.terms import Method
from counterfoil.platform.origin import SANDBOX

#: Running loans that a preview names; a line with more has them listed elsewhere.
RUNNING_LOANS_MAX: Final = 200


async def quote(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    amount_minor: int,
    currency: str,
    tenor_months: int,
    method: Method,
    purpose: str,
    language: Language = Language.CHINESE,
    purchase_id: int | None = None,
) -> Quote | Refused:
    """Return plan, cost sheet, loan note and token of a drawdown, valid on the business date only.

    The note is written in the language given; drawing with the token confirms its text. In a scene
    `purchase_id` names the recorded purchase that the money pays for.
    """
    line = await _line(house, customer_id, line_id)
    if isinstance(line, Refused):
        return line
    asked = Draw(
        customer_id=customer_id,
        line_id=line_id,
        amount_minor=amount_minor,
        currency=currency,
        tenor_months=tenor_months,
        method=method,
        purpose=purpose,
        # Neither is known before the customer has seen what it costs.
        payee_ref="",
        cost_sheet_hash=b"",
    )
    deal = await _deal(house, line, asked, purchase_id)
    if isinstance(deal, Refused):
        return deal
    terms = house.catalogue.terms(line.product_code, line.product_version)
    setting = Setting(terms, await house.business_date(), house.clock.now(), house.ids)
    price = await _price(house, line, asked, setting)
    try:
        quoted = quotes.quote_drawdown(
            line,
            asked,
            setting,
            key=house.quote_key,
            # Simulated customers read in no time.
            reading_seconds=0 if house.settings.environment == SANDBOX else None,
            write_note=partial(new_note, house, line, setting, language, deal),
            rate_daily_e8=price.rate_daily_e8,
            promotion=price.promotion,
            purchase=None if deal is None else deal.claim,
        )
    except RefusedError as error:
        return error.refused
    return quoted if isinstance(quoted, Refused) else _refuse_dear(house, quoted, setting) or quoted


def _refuse_dear(house: House, quoted: Quote, setting: Setting) -> Refused | None:
    """Refuse a drawdown that costs more in a year than may be charged on this date.

    The date of a quote is that of its contract: its token is taken on no other day.
    """
    annual_e8 = quoted.sheet.rate_annual_effective_e8
    on = setting.business_date
    return refuse_cost(house.catalogue, setting.terms, annual_e8=annual_e8, on=on)


async def _line(house: House, customer_id: int, line_id: int) -> Line | Refused:
    """Return the line as it would be drawn on."""
    async with house.database.connection() as connection:
        line = await store.read_line(connection, customer_id, line_id)
    return refuse(refusals.LINE_NOT_FOUND) if line is None else await line_to_draw_on(house, line)


async def _deal(
    house: House, line: Line, asked: Draw, purchase_id: int | None
) -> Deal | Refused | None:
    """Return what a drawdown of a scene pays for; None for cash, which pays for no purchase."""
    scene = await scene_of_product(house, (line.product_code, line.product_version), asked)
    if isinstance(scene, Refused):
        return scene
    if scene is None:
        return None if purchase_id is None else refuse(SCENE_PURCHASE_NOT_FOUND)
    if refused := refuse_drawdown(scene, asked):
        return refused
    async with house.database.transaction() as connection:
        # Nothing of the quote is written: what an earlier drawdown became, where a crash hid it.
        await settle_left(house, connection, asked.customer_id)
        return await deal_for(connection, house.catalogue.scenes, scene, asked, purchase_id)


class _Price(NamedTuple):
    """What a drawdown costs a day, and the promotion that this rests on."""

    rate_daily_e8: int
    promotion: PromotedPrice | None


async def _price(house: House, line: Line, asked: Draw, setting: Setting) -> _Price:
    """Return the lowest of what was granted, announced since, and given by a promotion."""
    on = setting.business_date
    async with house.database.connection() as connection:
        taken = await decisions.read_decisions_of(
            connection, customer_id=line.customer_id, application_id=line.application_id
        )
        rate_daily_e8 = await rate_of_drawing(
            connection, line, taken, tenor_months=asked.tenor_months, on=on
        )
        wanted = Wanted(tenor_months=asked.tenor_months, amount_minor=asked.amount_minor, on=on)
        found = await best_promotion(connection, line, taken, wanted, rate_daily_e8=rate_daily_e8)
    if found is not None:
        promotion = _promoted(line, asked, setting, found, rate_without=rate_daily_e8)
        if promotion is not None:
            return _Price(found.rate_daily_e8, promotion)
    return _Price(rate_daily_e8, None)


def _promoted(
    line: Line, asked: Draw, setting: Setting, promoted: Promoted, *, rate_without: int
) -> PromotedPrice | None:
    """Return what a promotion does to a drawdown: the price without it stands beside it.

    None where the drawdown is refused anyway, or where it saves nothing.
    """
    without = quotes.price_drawdown(line, asked, setting, rate_daily_e8=rate_without)
    within = quotes.price_drawdown(line, asked, setting, rate_daily_e8=promoted.rate_daily_e8)
    if isinstance(without, Refused) or isinstance(within, Refused):
        return None
    cost_minor = without.sheet.cost_minor - within.sheet.cost_minor
    if cost_minor <= 0:
        return None
    promotion = promoted.promotion
    return PromotedPrice(
        code=promotion.code,
        name_en=promotion.name_en,
        name_zh=promotion.name_zh,
        last_day=promotion.ends_on - ONE_DAY,
        claim=claim_of(promoted, cost_minor=cost_minor, rate_without=rate_without),
        rate_annual_effective_without_e8=without.sheet.rate_annual_effective_e8,
        total_without_minor=without.sheet.total_minor,
    )


async def preview_repayment_day(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    repayment_day: int,
    amount_minor: int | None = None,
    tenor_months: int | None = None,
    method: Method | None = None,
) -> DayPreview | Refused:
    """Return what another repayment day would do to the next drawdown, and to no other.

    The example is the smallest drawing by the product's first tenor and method where none is
    named.
    """
    async with house.database.connection() as connection:
        line = await store.read_line(connection, customer_id, line_id)
        if line is None:
            return refuse(refusals.LINE_NOT_FOUND)
        running = await store.read_loans_after(
            connection,
            customer_id=customer_id,
            line_id=line_id,
            status="open",
            page=RUNNING_LOANS_MAX,
        )
    terms = house.catalogue.terms(line.product_code, line.product_version)
    setting = Setting(terms, await house.business_date(), house.clock.now(), house.ids)
    example = Example(
        amount_minor=terms.draw_minor_min if amount_minor is None else amount_minor,
        tenor_months=tenor_months or terms.tenors_months[0],
        method=method or terms.methods[0],
    )
    return preview_day(line, repayment_day, example, running, setting)


async def payoff_quote(
    house: House, *, customer_id: int, loan_id: int, on: date | None = None
) -> PayoffQuote | Refused:
    """Return what closes a loan on a date, by default the business date."""
    business_date = await house.business_date()
    on = on or business_date
    async with house.database.connection() as connection:
        loan = await store.read_loan(connection, customer_id, loan_id)
    if loan is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    return _refuse_payoff(loan, on, business_date) or quotes.quote_payoff(loan, on)


def _refuse_payoff(loan: Loan, on: date, business_date: date) -> Refused | None:
    if loan.status == "pending":
        return refuse(refusals.LOAN_PENDING)
    if loan.status != "open":
        return refuse(refusals.LOAN_CLOSED, status=loan.status)
    if on < business_date:
        return refuse(refusals.PAYOFF_DATE_PAST, business_date=business_date.isoformat())
    return None
