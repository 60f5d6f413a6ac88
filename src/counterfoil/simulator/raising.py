"""Customers with a good record who ask for a higher limit, and agree to what they are offered."""

from collections.abc import Sequence

from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_agreeing, raise_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel.errors import Refused


async def raise_limits(house: House, wishes: Sequence[RaiseWish]) -> list[Refused]:
    """Ask for all at once and take every offer; return what was refused."""
    if not wishes:
        return []
    answers = await raise_limit.request_many(house, wishes)
    offered = [
        raise_agreeing.acceptance_for_sandbox(house, answer)
        for answer in answers
        if isinstance(answer, LimitRequest) and answer.status is Status.APPROVED
    ]
    raised = await raise_agreeing.accept_many(house, offered) if offered else []
    return [answer for answer in (*answers, *raised) if isinstance(answer, Refused)]
