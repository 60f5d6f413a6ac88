"""What a decision granted, as its record tells it: the price of each tenor.

Invariant   Nothing is priced here. Where the record has no prices by tenor, all tenors cost what
            the offer costs.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from counterfoil.decisioning.taken import Taken


def granted_rate(taken: Sequence[Taken], *, tenor_months: int, rate_daily_e8: int) -> int:
    """Return the daily price, 1e-8, of a tenor under an offer that costs so much at most.

    The last decision that offered this price counts; where none did, because the price of the line
    was lowered since, the last that offered any. A tenor that was not offered has no lower price.
    """
    offers: list[dict[str, Any]] = [
        result for one in taken if (result := orjson.loads(one.stored.result))["rate_daily_e8"]
    ]
    same = [result for result in offers if result["rate_daily_e8"] == rate_daily_e8]
    for result in reversed(same or offers):
        rates = result.get("rates_daily_e8")
        if rates is None:
            return rate_daily_e8
        by_tenor = dict(zip(result["tenors_months"], rates, strict=True))
        return min(int(by_tenor.get(tenor_months, rate_daily_e8)), rate_daily_e8)
    return rate_daily_e8
