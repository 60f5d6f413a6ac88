"""Changing a line: its limit, its state, and what the customer may set.

None of these inquires anywhere and none touches money owed.
"""

from datetime import date

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.lending import commands
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
    """Raise or lower the limit."""
    command = commands.SetLimit(
        customer_id=customer_id,
        line_id=line_id,
        limit_minor=limit_minor,
        reason=reason,
        author=author,
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


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
    """Stop drawing, until a day or until it is lifted."""
    command = commands.FreezeLine(
        customer_id=customer_id, line_id=line_id, until=until, reason=reason, author=author
    )
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
    """Lift a freeze."""
    command = commands.UnfreezeLine(
        customer_id=customer_id, line_id=line_id, reason=reason, author=author
    )
    return await house.counter.submit(command, idempotency_key=idempotency_key)


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
