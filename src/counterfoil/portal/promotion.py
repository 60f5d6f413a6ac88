"""A promotion beside the cost sheet: each price with it and without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.kernel.money import E8
from counterfoil.lending.quote import Quote
from counterfoil.portal.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionView:
    """What a promotion changes: figure, with it, without it."""

    name: str
    last_day: str
    saved: str
    rows: Sequence[tuple[str, str, str]]


def promotion_view(visit: Visit, quoted: Quote) -> PromotionView | None:
    """Return what the promotion of a quote changes, None where it has none."""
    found, sheet = quoted.promotion, quoted.sheet
    if found is None:
        return None
    f, t, currency = visit.formats, visit.t, sheet.currency
    return PromotionView(
        name=found.name_zh if visit.catalogue.language == "zh-CN" else found.name_en,
        last_day=f.day(found.last_day),
        saved=f.money(found.claim.cost_minor, currency),
        rows=[
            (
                t("promotion.rate_daily"),
                f.rate(sheet.rate_daily_e8),
                f.rate(found.claim.rate_without_daily_e8),
            ),
            (
                t("sheet.annual_cost"),
                f.percent(sheet.rate_annual_effective_e8, E8),
                f.percent(found.rate_annual_effective_without_e8, E8),
            ),
            (
                t("sheet.total"),
                f.money(sheet.total_minor, currency),
                f.money(found.total_without_minor, currency),
            ),
        ],
    )
