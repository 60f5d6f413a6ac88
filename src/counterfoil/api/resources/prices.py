"""Prices: promotions with what they cost, prices announced for a line, and the rules of law."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of_whole
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.resources.lines import line_or_refuse
from counterfoil.api.shapes import CustomerId, LineId, View
from counterfoil.journeys.borrowing.promotions import cost_by_funder, list_promotions
from counterfoil.lending import price_store
from counterfoil.platform.access import Scope
from counterfoil.rules.shelf import working_days

TAG: Final = "Prices"
router = APIRouter()


class PromotionView(View):
    """A promotion with its budget and what became of it; amounts in minor units."""

    code: str
    begins_on: date
    #: The first day on which it no longer holds.
    ends_on: date
    #: When somebody ended it before its day.
    stopped_at: datetime | None
    currency: str
    #: Who pays for it: `lender`, `merchant` or `partner`.
    funder: str
    budget_minor: int
    left_minor: int
    #: Taken by drawdowns that have not been answered.
    held_minor: int
    #: Interest that customers do not pay, by the plans they signed.
    cost_minor: int
    uses_most: int
    uses: int
    uses_left: int
    author: str
    approver: str


class FunderCostView(View):
    """What promotions cost one party in one currency."""

    funder: str
    currency: str
    promotions: int
    uses: int
    cost_minor: int
    held_minor: int
    #: What it owes by the books, as the loans have earned it; 0 for the lender itself.
    claimed_minor: int
    #: What of that it has paid.
    received_minor: int


class Promotions(PageView):
    """All promotions, newest first, and their cost by who pays for it."""

    items: list[PromotionView]
    by_funder: list[FunderCostView]


class LinePriceView(View):
    """A price that was announced for a line's new drawdowns."""

    price_no: int
    rate_daily_e8: int
    effective_on: date
    announced_at: datetime
    author: str
    reason: str


class LinePrices(PageView):
    """The price that was agreed to, and those announced since, in their order."""

    agreed_rate_daily_e8: int
    items: list[LinePriceView]


class RuleView(View):
    """A rule of law as it is known; an article is shown only where its text was read."""

    #: Its number in the table of rules, or `house`.
    rule_id: str
    #: The question that it answers.
    name: str
    licences: list[str]
    from_date: date
    to_date: date | None
    #: 1e-8 a year, minor units or days, by the question.
    value: int
    #: `A`: the text was read; `B`: secondary sources; `C`: not confirmed.
    mark: str
    article_printable: bool
    instrument_en: str
    instrument_zh: str
    text_en: str
    text_zh: str
    source: str
    #: Why the house keeps to a rule that is not confirmed.
    adopted_en: str | None
    adopted_zh: str | None


class RulePackView(View):
    """One version of the rules, signed by two people."""

    #: Its id with the beginning of its hash; decisions keep it.
    reference: str
    sha256: str
    jurisdiction: str
    currency: str
    author: str
    approver: str
    from_date: date
    supersedes: str | None
    rules: list[RuleView]


class RulePacks(View):
    """The packs that products follow on a date."""

    on: date
    #: Whether the public holidays of the date's year are known.
    holidays_known: bool
    items: list[RulePackView]


@router.get("/v1/promotions", **reads(Scope.OPERATIONS_READ, TAG, "List promotions"))
async def get_promotions(house: HouseOf, turn: Paging) -> Promotions:
    """Return promotions with what is left, newest first; the cost by funder is that of all."""
    found = await list_promotions(house)
    page = page_of_whole(found, turn, lambda item: (0, item.promotion_id), is_falling=True)
    return Promotions(
        items=[
            PromotionView(
                code=item.code,
                begins_on=item.begins_on,
                ends_on=item.ends_on,
                stopped_at=item.stopped_at,
                currency=item.currency,
                funder=item.funder,
                budget_minor=item.budget_minor,
                left_minor=item.left_minor,
                held_minor=item.held_minor,
                cost_minor=item.used_minor,
                uses_most=item.uses_most,
                uses=item.used_uses,
                uses_left=item.left_uses,
                author=item.author,
                approver=item.approver,
            )
            for item in page.items
        ],
        **page.cursors,
        by_funder=[FunderCostView(**one._asdict()) for one in cost_by_funder(found)],
    )


@router.get(
    "/v1/lines/{line_id}/prices", **reads(Scope.LINES_READ, TAG, "Read the prices of a line")
)
async def get_line_prices(
    house: HouseOf, line_id: LineId, customer_id: Annotated[CustomerId, Query()], turn: Paging
) -> LinePrices:
    """Return what new drawdowns of a line cost: as agreed, and as announced since."""
    async with house.database.connection() as connection:
        line = await line_or_refuse(connection, customer_id, line_id)
        prices = await price_store.read_prices(connection, customer_id, line_id)
    page = page_of_whole(prices, turn, lambda price: (0, price.price_no))
    return LinePrices(
        agreed_rate_daily_e8=line.rate_daily_e8,
        items=[
            LinePriceView(
                price_no=price.price_no,
                rate_daily_e8=price.rate_daily_e8,
                effective_on=price.effective_on,
                announced_at=price.announced_at,
                author=price.author,
                reason=price.reason,
            )
            for price in page.items
        ],
        **page.cursors,
    )


@router.get("/v1/rule-packs", **reads(Scope.PRODUCTS_READ, TAG, "List the rule packs in force"))
async def get_rule_packs(house: HouseOf, on: Annotated[date | None, Query()] = None) -> RulePacks:
    """Return the packs that products follow on a date, with the rules in force on it.

    The list is whole: the packs of this installation.
    """
    day = on or await house.business_date()
    return RulePacks(
        on=day,
        holidays_known=working_days().is_known(day, day),
        items=[
            RulePackView(
                reference=pack.reference,
                sha256=pack.sha256,
                jurisdiction=pack.jurisdiction,
                currency=pack.currency,
                author=pack.author,
                approver=pack.approver,
                from_date=pack.from_date,
                supersedes=pack.supersedes,
                rules=[
                    RuleView(
                        rule_id=item.rule_id,
                        name=item.name,
                        licences=list(item.licences),
                        from_date=item.from_date,
                        to_date=item.to_date,
                        value=item.value,
                        mark=item.mark,
                        article_printable=item.article_printable,
                        instrument_en=item.instrument_en,
                        instrument_zh=item.instrument_zh,
                        text_en=item.text_en,
                        text_zh=item.text_zh,
                        source=item.source,
                        adopted_en=item.adopted_en,
                        adopted_zh=item.adopted_zh,
                    )
                    for item in pack.rules_on(day)
                ],
            )
            for pack in house.catalogue.packs_on(day)
        ],
    )
