"""What new drawings on a line cost: what was granted, announced since, and agreed to.

Invariant   The price that the customer agreed to is the highest. Once an agreement has a price of
            its own, what was granted or announced before its day no longer counts.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from counterfoil.contracts import store as contracts
from counterfoil.decisioning.granted import granted_rate
from counterfoil.decisioning.taken import Taken
from counterfoil.lending.line import Line
from counterfoil.lending.price_store import read_prices
from counterfoil.lending.repricing import LinePrice, price_on
from counterfoil.platform.database import Connection


class Announced(NamedTuple):
    """The prices of a line that count under its present agreement."""

    prices: list[LinePrice]
    #: Since when the price is the agreement's own; None where it is the decision's.
    agreed_since: date | None


async def announced_prices(connection: Connection, line: Line) -> Announced:
    """Return what was announced for a line and counts under the agreement that it has."""
    prices = await read_prices(connection, line.customer_id, line.line_id)
    since = None
    if line.contract_id is not None:
        agreement = await contracts.read_contract(connection, line.customer_id, line.contract_id)
        since = None if agreement is None else agreement.price_since
    return Announced([one for one in prices if since is None or one.effective_on >= since], since)


async def rate_of_drawing(
    connection: Connection, line: Line, taken: Sequence[Taken], *, tenor_months: int, on: date
) -> int:
    """Return the daily price, 1e-8, of a new drawing of a tenor before any promotion."""
    agreed = line.rate_daily_e8
    prices, since = await announced_prices(connection, line)
    announced = price_on(prices, on, agreed_daily_e8=agreed)
    if since is not None:
        return announced
    granted = granted_rate(taken, tenor_months=tenor_months, rate_daily_e8=agreed)
    return min(granted, announced)
