"""What a notice to all lines of a product would do, before anybody is asked to approve it.

Method      The first lines are looked at as the act would look at each, and nothing is written: how
            many would be noticed, how many passed over and why. Of the first that would be, the
            agreement is written without a name as it is and as it would be, and compared.
Limits      The lines that are looked at stand for the others; the act looks at every one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from counterfoil.contracts.change import Change, Difference, difference
from counterfoil.contracts.shelf import UnknownTemplateError
from counterfoil.journeys.contracting.contract_making import setting_on
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.journeys.contracting.contract_version import Noticed, what_changes
from counterfoil.journeys.contracting.contract_words import Offer
from counterfoil.journeys.contracting.notice_all import ALREADY, ProductWish, has_notice
from counterfoil.journeys.contracting.trial_documents import sample_agreement
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending.cost import CostSheet
from counterfoil.lending.selection_store import count_lines, lines_of_product

#: Lines that are looked at for a preview.
LINES_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The agreement of the first line that would be noticed, as it is and as it would be."""

    noticed: Noticed
    differences: tuple[Difference, ...]
    #: Of the example drawdown that each shows.
    sheet_before: CostSheet
    sheet_after: CostSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePreview:
    """What a notice would do."""

    wish: ProductWish
    #: Lines of the product that are not closed.
    lines: int
    looked_at: int
    #: Of those looked at: how many would be noticed, and how many need a signature to draw on.
    noticed: int
    binding: int
    #: How many would be passed over, by code.
    passed_over: Mapping[str, int]
    #: How many of those noticed change in what.
    changes: Mapping[Change, int]
    #: None where no line would be noticed, or no example can be worked out.
    example: Example | None


async def preview_notice(house: House, wish: ProductWish) -> NoticePreview:
    """Return what a notice would do to the lines of a product; nothing is written."""
    on, passed_over = await house.business_date(), Counter[str]()
    noticed: list[Noticed] = []
    async with house.database.connection() as connection:
        lines = await count_lines(connection, wish.product_code, wish.of_version)
        keys = await lines_of_product(
            connection, wish.product_code, wish.of_version, after=(0, 0), page=LINES_LOOKED_AT
        )
        for customer_id, line_id in keys:
            one = VersionWish(
                customer_id=customer_id,
                line_id=line_id,
                effective_on=wish.effective_on,
                product_version=wish.product_version,
                rate_daily_e8=wish.rate_daily_e8,
                author="",
            )
            if await has_notice(house, connection, one):
                passed_over[ALREADY] += 1
                continue
            found = await what_changes(connection, house, one, on)
            if isinstance(found, Refused):
                passed_over[found.code] += 1
            else:
                noticed.append(found)
    return NoticePreview(
        wish=wish,
        lines=lines,
        looked_at=len(keys),
        noticed=len(noticed),
        binding=sum(one.is_binding for one in noticed),
        passed_over=dict(passed_over),
        changes=Counter(change for one in noticed for change in one.changes),
        example=await _example(house, noticed[0]) if noticed else None,
    )


async def _example(house: House, noticed: Noticed) -> Example | None:
    on = await house.business_date()
    scenes, line = house.catalogue.scenes.current(on), noticed.line
    samples = []
    for conditions in (noticed.before, noticed.after):
        terms = house.catalogue.terms(line.product_code, conditions.product_version)
        offer = Offer(
            line.customer_id,
            line.application_id,
            conditions.limit_minor,
            conditions.rate_daily_e8,
            terms.tenors_months,
            line.valid_to,
        )
        try:
            template = house.shelf.template(*conditions.template)
        except UnknownTemplateError:
            return None
        setting = setting_on(house, terms, on, house.clock.now())
        made = sample_agreement(template, offer, setting, scenes, noticed.wish.effective_on)
        if isinstance(made, Refused):
            return None
        samples.append(made)
    before, after = samples
    told = (difference(before.texts[each], after.texts[each], each) for each in Language)
    return Example(
        noticed=noticed,
        differences=tuple(told),
        sheet_before=before.sheet,
        sheet_after=after.sheet,
    )
