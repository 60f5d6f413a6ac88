"""Changing a line: its limit, its state, and what the customer may set.

None of these inquires anywhere and none touches money owed. What staff do against a customer is
kept as a measure, with its notice (`line_acts.py`); a decrease has its notice before it works
(`lower_limit.py`).
"""

from datetime import date, timedelta

import orjson

from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_acts import FREEZE_DAYS_USUAL, act_at_once, is_own_wish
from counterfoil.journeys.lines.lower_limit import lower
from counterfoil.journeys.lines.settle_measures import end_gone
from counterfoil.kernel.errors import Refused
from counterfoil.lending import commands
from counterfoil.lending.line import agreed_limit
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer


async def set_limit(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    limit_minor: int,
    reason: str,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Raise or lower the limit; staff lower it by a measure, which is announced before it works.

    It is raised as far as the customer has agreed, and no further: more is asked for or offered,
    and the customer's agreement raises it (`raise_agreeing.py`). The answer's `planned` says what
    waits for its day; None where the limit is changed.
    """
    is_own = is_own_wish(author=author, reason=reason)
    kind = commands.SetLimitAsWished if is_own else commands.SetLimit
    command = kind(
        customer_id=customer_id,
        line_id=line_id,
        limit_minor=limit_minor,
        reason=reason,
        author=author,
    )
    if not is_own:
        lowered = await lower(house, command, idempotency_key=idempotency_key)
        if lowered is not None:
            return lowered
    said = await house.counter.submit(command, idempotency_key=idempotency_key)
    if isinstance(said, Refused):
        return said
    document = orjson.loads(said.text) | {"planned": None}
    return said._replace(text=orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode())


async def limit_most(house: House, *, customer_id: int, line_id: int) -> int | None:
    """Return the highest limit without a new agreement, minor units; None where no line is."""
    async with house.database.connection() as connection:
        line = await read_line(connection, customer_id, line_id)
    return None if line is None else max(line.limit_minor, agreed_limit(line))


async def freeze(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    until: date | None,
    reason: str,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Stop drawing until a day; what the customer asks for may have no end.

    A freeze by staff is temporary: without a day it ends after the usual time.
    """
    is_own = is_own_wish(author=author, reason=reason)
    asked: dict[str, object] = {
        "line_id": line_id,
        "until": until and until.isoformat(),
        "reason": reason,
        "author": author,
    }
    if until is None and not is_own:
        until = await house.business_date() + timedelta(days=FREEZE_DAYS_USUAL - 1)
    command = commands.FreezeLine(
        customer_id=customer_id, line_id=line_id, until=until, reason=reason, author=author
    )
    if not is_own:
        taken = await act_at_once(house, command, asked, idempotency_key=idempotency_key)
        if taken is not None:
            return taken
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def unfreeze(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    reason: str,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Lift a freeze, and end the measures that had frozen the line.

    The same again ends nothing that came since: what holds the line now goes on holding it.
    """
    command = commands.UnfreezeLine(
        customer_id=customer_id, line_id=line_id, reason=reason, author=author
    )
    said = await house.counter.submit(command, idempotency_key=idempotency_key)
    if not isinstance(said, Refused):
        await end_gone(house, [(customer_id, line_id)], on=await house.business_date())
    return said


async def close(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    reason: str,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Close a line on which nothing is owed."""
    command = commands.CloseLine(
        customer_id=customer_id, line_id=line_id, reason=reason, author=author
    )
    if not is_own_wish(author=author, reason=reason):
        asked: dict[str, object] = {"line_id": line_id, "reason": reason, "author": author}
        taken = await act_at_once(house, command, asked, idempotency_key=idempotency_key)
        if taken is not None:
            return taken
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def set_own_cap(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    cap_minor: int | None,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Set the customer's own ceiling below the limit, or take it away."""
    command = commands.SetOwnCap(
        customer_id=customer_id, line_id=line_id, cap_minor=cap_minor, author=author
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


async def set_repayment_day(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    repayment_day: int,
    author: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Choose the day of the month on which new drawdowns fall due."""
    command = commands.SetRepaymentDay(
        customer_id=customer_id, line_id=line_id, repayment_day=repayment_day, author=author
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)
