"""What a crash between a line and its measure has left is found again, and the customer is told.

Announced   What is planned and whose day has come goes to its line.
Lifting     What somebody began to lift is lifted, in that person's words.
Gone        A freeze or a suspension in force that its line bears no more is ended, as the line's
            history says who ended it and why.
Runs        With the close of each day, and every few minutes beside it. Nothing is done twice: each
            step begins at what the database says.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from counterfoil.decisioning.line_review import case_store as store
from counterfoil.decisioning.line_review import measure as transitions
from counterfoil.decisioning.line_review.notice import NoticeKind, ended_words
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.lift_measure import finish_liftings
from counterfoil.journeys.lines.line_measures import PAGE, RULE_AUTHOR, carry_out, notice_of, tell
from counterfoil.lending.commands import ReinstateLine
from counterfoil.lending.store import LineKey
from counterfoil.platform.batches import Answer

CURED: Final = "cured"


async def settle_measures(house: House, *, on: date) -> int:
    """Bring everything to its end that is left between a line and its measures; return how much.

    `on` is the business date, or the one that a close begins.
    """
    lifted = await finish_liftings(house)
    carried = len(await carry_out(house, on=on))
    return lifted + carried + await end_gone(house, on=on)


async def end_gone(house: House, lines: Sequence[LineKey] | None = None, *, on: date) -> int:
    """End measures in force that their line bears no more, and tell; of some lines, or of all."""
    count = 0
    while True:
        async with house.database.transaction() as connection:
            gone = await store.measures_gone(connection, lines=lines, page=PAGE)
            ended = [
                transitions.end(
                    item.measure,
                    _author(item.ended_by),
                    item.reason or "expired",
                    on=on,
                    at=house.clock.now(),
                )
                for item in gone
            ]
            if ended:
                await store.change_measures(connection, ended)
            notices = [
                notice_of(house, item, NoticeKind.ENDED, ended_words(item, on)) for item in ended
            ]
            await tell(house, connection, notices)
        count += len(ended)
        if len(ended) < PAGE:
            return count


async def reinstate(house: House, keys: Mapping[LineKey, str]) -> list[LineKey]:
    """Lift suspensions by rule; `keys` gives each line the key of its command."""
    answers = await asyncio.gather(
        *(
            house.counter.submit(
                ReinstateLine(
                    customer_id=customer_id, line_id=line_id, reason=CURED, author=RULE_AUTHOR
                ),
                idempotency_key=key,
            )
            for (customer_id, line_id), key in keys.items()
        )
    )
    back = [key for key, said in zip(keys, answers, strict=True) if isinstance(said, Answer)]
    if back:
        await end_gone(house, back, on=await house.business_date())
    return back


def _author(by: str | None) -> str:
    """Return who ended a measure as measures name them; what no act ended, time did."""
    if by is None:
        return transitions.BY_TIME
    return transitions.BY_RULE if by == RULE_AUTHOR else by
