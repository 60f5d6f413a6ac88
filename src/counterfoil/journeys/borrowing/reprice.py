"""Dynamic repricing: another price for a line's new drawdowns, told to the customer.

The story   Whoever may change limits names a price, a day and a reason. A fall holds from the day
            named, a rise after the notice of the rule pack and never above the agreement. The
            customer is told through the outbox; each quote takes the price of its day.
Invariant   No running loan and no offer that was made changes. What was announced leaves a leaf
            in the same transaction. A price above the agreement takes a new agreement
            (`contract_version.py`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.borrowing.line_prices import announced_prices
from counterfoil.journeys.deciding.price_caps import rate_daily_e8_most
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import price_store
from counterfoil.lending import store as lending
from counterfoil.lending.refusals import LINE_NOT_FOUND, PRICE_NOT_ALLOWED
from counterfoil.lending.repricing import LinePrice, refuse_price
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.rules.shelf import days_asked

#: The permission that it takes.
CHANGE_LIMIT: Final = "change_limit"
#: How the outbox tells the customer.
TOLD: Final = "line_price_announced"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWish:
    """A price for a line's new drawdowns."""

    customer_id: int
    line_id: int
    rate_daily_e8: int
    effective_on: date
    reason: str


async def reprice_line(house: House, actor: Actor, wish: PriceWish) -> LinePrice | Refused:
    """Announce another price for a line's new drawdowns."""
    act = Act(
        name="line_price",
        customer_ids=[wish.customer_id],
        subject=ids.to_text(ids.LINE, wish.line_id),
        reason=wish.reason,
    )
    if CHANGE_LIMIT not in load_matrix().rights_for(actor).permissions:
        return await note_refusal(house, actor, act, refuse(PRICE_NOT_ALLOWED))
    on = await house.business_date()
    try:
        async with house.database.transaction() as connection:
            await price_store.hold_line(connection, wish.customer_id, wish.line_id)
            price = await _checked(house, connection, actor, wish, on)
            await price_store.add_price(connection, price)
            await _tell(house, connection, price)
            await EVIDENCE.stage_leaves.execute(connection, rows=[_leaf(house, price)])
            await note(house, connection, actor, act)
    except RefusedError as error:
        return await note_refusal(house, actor, act, error.refused)
    return price


async def _checked(
    house: House, connection: Connection, actor: Actor, wish: PriceWish, on: date
) -> LinePrice:
    line = await lending.read_line(connection, wish.customer_id, wish.line_id)
    if line is None:
        raise RefusedError(refuse(LINE_NOT_FOUND))
    terms = house.catalogue.terms(line.product_code, line.product_version)
    every = await price_store.read_prices(connection, wish.customer_id, wish.line_id)
    prices = (await announced_prices(connection, line)).prices
    price = LinePrice(
        customer_id=wish.customer_id,
        line_id=wish.line_id,
        price_no=len(every) + 1,
        rate_daily_e8=wish.rate_daily_e8,
        effective_on=wish.effective_on,
        announced_at=house.clock.now(),
        author=actor.name,
        reason=mask_free_text(wish.reason),
    )
    refused = refuse_price(
        price,
        prices,
        on=on,
        bounds_daily_e8=(
            terms.rate_daily_e8_min,
            rate_daily_e8_most(house.catalogue, terms, wish.effective_on),
        ),
        agreed_daily_e8=line.rate_daily_e8,
        notice_days=days_asked("price_rise_notice_days_least", on=on, licence=terms.licence),
    )
    if refused is not None:
        raise RefusedError(refused)
    return price


def _leaf(house: House, price: LinePrice) -> StagedLeaf:
    fields: dict[str, Any] = {
        "author": price.author,
        "effective_on": price.effective_on.isoformat(),
        "event": "price_announced",
        "line_id": ids.to_text(ids.LINE, price.line_id),
        "price_no": price.price_no,
        "rate_daily_e8": price.rate_daily_e8,
    }
    return house.leaves.stage(
        price.customer_id, house.ids.next(), LeafType.CONTRACT, price.line_id, fields
    )


async def _tell(house: House, connection: Connection, price: LinePrice) -> None:
    """Let the customer be told, through the outbox."""
    payload = {
        "effective_on": price.effective_on.isoformat(),
        "line_id": ids.to_text(ids.LINE, price.line_id),
        "rate_daily_e8": price.rate_daily_e8,
    }
    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
    event = (house.ids.next(), price.customer_id, TOLD, price.line_id, text, price.announced_at)
    await PLATFORM.add_events.execute(connection, rows=[event])
