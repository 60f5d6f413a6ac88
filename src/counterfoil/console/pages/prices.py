"""Prices: promotions with what they cost whom, and the rules of law that prices keep to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.journeys.borrowing.promotions import FunderCost, cost_by_funder, list_promotions
from counterfoil.lending.promotion_store import Standing
from counterfoil.platform.web.parts import Status
from counterfoil.rules.pack import OWN_RULE, Rule, RulePack
from counterfoil.rules.shelf import working_days

#: Where a promotion stands, and the tone of each.
STATES: Final = {"planned": "live", "running": "good", "used_up": "warn", "stopped": "", "over": ""}
FUNDER_FAMILY: Final = "promotion_funder"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """One promotion."""

    code: str
    period: str
    status: Status
    funder: str
    budget: str
    left: str
    held: str
    cost: str
    uses: str
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunderRow:
    """What promotions cost one party."""

    funder: str
    currency: str
    promotions: str
    uses: str
    cost: str
    held: str
    claimed: str
    received: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule."""

    rule: str
    question: str
    mark: str
    licences: str
    period: str
    text: str
    instrument: str
    adopted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackView:
    """One rule pack in force."""

    reference: str
    signed: str
    rules: Sequence[RuleRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesView:
    """The page."""

    promotions: Sequence[PromotionRow]
    funders: Sequence[FunderRow]
    packs: Sequence[PackView]
    #: Says that the holidays of the year are not known; empty where they are.
    holidays: str


async def show_list(visit: Visit) -> Response:
    """Show promotions and the rules in force on the business date."""
    house = visit.desk.house
    today = visit.business_date = await house.business_date()
    found = await list_promotions(house)
    is_known = working_days().is_known(today, today)
    view = PricesView(
        promotions=[_promotion(visit, item) for item in found],
        funders=[_funder(visit, item) for item in cost_by_funder(found)],
        packs=[_pack(visit, pack) for pack in house.catalogue.packs_on(today)],
        holidays="" if is_known else visit.t("prices.holidays_unknown", year=today.year),
    )
    return visit.page(
        "prices/list.html",
        visit.t("nav.prices"),
        view,
        journey="journeys.borrowing.promotions.list_promotions",
        api_call="GET /v1/promotions",
        cli_call="counterfoil promotions list",
    )


def _promotion(visit: Visit, item: Standing) -> PromotionRow:
    f, currency = visit.formats, item.currency
    return PromotionRow(
        code=item.code,
        period=f"{f.day(item.begins_on)} – {f.day(item.ends_on)}",
        status=visit.status("promotion_state", _state(visit, item), STATES),
        funder=visit.catalogue.label(FUNDER_FAMILY, item.funder),
        budget=f.money(item.budget_minor, currency),
        left=f.amount(item.left_minor, currency),
        held=f.amount(item.held_minor, currency),
        cost=f.amount(item.used_minor, currency),
        uses=f"{item.used_uses} / {item.uses_most}",
        signed=f"{item.author} · {item.approver}",
    )


def _state(visit: Visit, item: Standing) -> str:
    assert visit.business_date is not None, "the page has read it"
    if item.stopped_at is not None:
        return "stopped"
    if visit.business_date >= item.ends_on:
        return "over"
    if not item.left_uses or not item.left_minor:
        return "used_up"
    return "planned" if visit.business_date < item.begins_on else "running"


def _funder(visit: Visit, item: FunderCost) -> FunderRow:
    f = visit.formats
    return FunderRow(
        funder=visit.catalogue.label(FUNDER_FAMILY, item.funder),
        currency=f.currency(item.currency),
        promotions=f.count(item.promotions),
        uses=f.count(item.uses),
        cost=f.amount(item.cost_minor, item.currency),
        held=f.amount(item.held_minor, item.currency),
        claimed=f.amount(item.claimed_minor, item.currency),
        received=f.amount(item.received_minor, item.currency),
    )


def _pack(visit: Visit, pack: RulePack) -> PackView:
    assert visit.business_date is not None, "the page has read it"
    return PackView(
        reference=pack.reference,
        signed=f"{pack.author} · {pack.approver}",
        rules=[_rule(visit, item) for item in pack.rules_on(visit.business_date)],
    )


def _rule(visit: Visit, item: Rule) -> RuleRow:
    f, is_chinese = visit.formats, visit.catalogue.language == "zh-CN"
    period = f.day(item.from_date)
    if item.to_date is not None:
        period = f"{period} – {f.day(item.to_date)}"
    return RuleRow(
        rule=visit.t("prices.own_rule") if item.rule_id == OWN_RULE else item.rule_id,
        question=words.code_label(visit, "rule_question", item.name),
        mark=item.mark,
        licences=", ".join(words.code_label(visit, "licence", one) for one in item.licences),
        period=period,
        text=item.text_zh if is_chinese else item.text_en,
        instrument=item.instrument_zh if is_chinese else item.instrument_en,
        adopted=(item.adopted_zh if is_chinese else item.adopted_en) or "",
    )


PAGES: Final = (Page(path="/prices", show=show_list),)
