"""Drawdowns of one period count together where an amount decides which identity checks are needed.

The story   The identity document names an amount above which drawing needs its checks, and the days
            over which drawdowns are added up. Whoever lacks such a check is held while all that was
            drawn within them is added up, on whatever line and merged record; the drawdown counts
            from then on, the line decides, and what it refused counts no more.
Currencies  Each drawdown uses up its share of the amount of its own currency, and the shares of all
            currencies add up; no rate of exchange is needed, and drawing in several brings no more.
            A currency without an amount needs the checks from the first unit on.
Invariant   Two drawdowns at once do not pass the amount together. What a crash left without an
            answer goes on counting until the period is over; a repetition of it counts once.
Cost        Where the installation requires no checks nothing is read, and of whoever lacks none no
            more than which checks there are.
"""

from collections import Counter
from datetime import timedelta
from math import floor
from typing import Final

from counterfoil.customers import link_store, verification_store
from counterfoil.customers.record_link import People
from counterfoil.customers.refusals import IDENTITY_CHECKS_FOR_TOTAL
from counterfoil.customers.verification import gaps
from counterfoil.customers.verification_policy import Act, IdentityPolicy
from counterfoil.journeys import trail
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.lending import drawn_store as store
from counterfoil.lending.commands import Draw
from counterfoil.lending.drawn_store import DrawHold
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

#: Refusals that leave open whether a drawdown was carried out.
_UNDECIDED: Final = frozenset({Kind.UNAVAILABLE, Kind.BUSY, Kind.IN_FLIGHT})


async def hold_drawdown(house: House, command: Draw, *, key: str) -> DrawHold | Refused | None:
    """Let a drawdown count with those of its period, or say which checks the sum needs.

    None where nothing has to be added up.
    """
    if not house.settings.identity_required:
        return None
    act = _act_of("drawing_hold", command.customer_id, key)
    async with trail.told_beside(house, act), house.database.transaction() as connection:
        people = await link_store.read_people(connection, [command.customer_id])
        # A standing is read once the person is held: a check that fails meanwhile counts.
        await store.hold_drawing(connection, people.surviving(command.customer_id))
        hold = await _weighed(
            house,
            connection,
            people,
            customer_id=command.customer_id,
            amount_minor=command.amount_minor,
            currency=command.currency,
            key=key,
        )
        if isinstance(hold, DrawHold):
            await store.add_hold(connection, hold)
    return hold


async def look_drawdown(
    house: House, *, customer_id: int, amount_minor: int, currency: str
) -> Refused | None:
    """Return which checks the sum of the period would need with a drawdown; it does not count."""
    if not house.settings.identity_required:
        return None
    async with house.database.connection() as connection:
        people = await link_store.read_people(connection, [customer_id])
        hold = await _weighed(
            house,
            connection,
            people,
            customer_id=customer_id,
            amount_minor=amount_minor,
            currency=currency,
            key="",
        )
    return hold if isinstance(hold, Refused) else None


async def _weighed(
    house: House,
    connection: Connection,
    people: People,
    *,
    customer_id: int,
    amount_minor: int,
    currency: str,
    key: str,
) -> DrawHold | Refused | None:
    """Return a drawdown as it counts in its period, or which checks the sum needs.

    None where no check is missing that an amount could need.
    """
    on, policy = await house.business_date(), house.identity_policy
    standings = await verification_store.read_standings(connection, [customer_id])
    wants = gaps(policy, Act.DRAWING, standings[customer_id], on=on)
    if not wants:
        return None
    hold = DrawHold(
        customer_id=customer_id,
        hold_id=house.ids.next(),
        key=key,
        amount_minor=amount_minor,
        currency=currency,
        asked_on=on,
        since=on - timedelta(days=policy.drawing_within_days - 1),
        customer_ids=tuple(people.records(customer_id)),
    )
    drawn = await _drawn_minor(connection, hold)
    if not policy.is_large(drawn + Counter({hold.currency: hold.amount_minor})):
        return hold
    return refuse(
        IDENTITY_CHECKS_FOR_TOTAL,
        since=hold.since.isoformat(),
        drawn=", ".join(f"{minor} {code}" for code, minor in sorted(drawn.items())) or "0",
        currency=hold.currency,
        left_minor=_left_minor(policy, drawn, hold.currency),
        gaps=", ".join(map(str, wants)),
    )


async def end_hold(house: House, hold: DrawHold | None, answer: Answer | Refused | None) -> None:
    """Let a drawdown that was answered count by its loan alone; where nobody knows it stays."""
    if hold is None or answer is None:
        return
    if isinstance(answer, Refused) and answer.refusal.kind in _UNDECIDED:
        return
    act = _act_of("drawing_hold_ended", hold.customer_id, hold.key)
    async with trail.told_beside(house, act), house.database.transaction() as connection:
        await store.end_hold(connection, hold)


def _act_of(name: str, customer_id: int, key: str) -> trail.Act:
    return trail.Act(name=name, customer_ids=(customer_id,), after=f"key={mask_free_text(key)}")


def _left_minor(policy: IdentityPolicy, drawn_minor: Counter[str], currency: str) -> int:
    """Return what may still be drawn in a currency without checks, rounded down; 0 for unknown."""
    used, most = policy.drawing_share(drawn_minor), policy.drawing_above_minor.get(currency, 0)
    return 0 if used is None else max(0, floor((1 - used) * most))


async def _drawn_minor(connection: Connection, hold: DrawHold) -> Counter[str]:
    """Return by currency what was drawn in a period besides one drawdown, with what is on its way.

    Read until nothing was answered in between: what is answered just then would count twice.
    """
    on_way = await _unanswered(connection, hold)
    while True:
        drawn = await store.drawn_minor(connection, hold)
        still = await _unanswered(connection, hold)
        if still == on_way:
            for currency, amount_minor in on_way.values():
                drawn[currency] += amount_minor
            return drawn
        on_way = still


async def _unanswered(
    connection: Connection, hold: DrawHold
) -> dict[tuple[int, str], tuple[str, int]]:
    """Return drawdowns without an answer; one that has one is counted by its loan."""
    held = await store.held_minor(connection, hold)
    if not held:
        return held
    rows = await PLATFORM.commands_seen.fetch(connection, keys=list(held))
    answered = {(row["customer_id"], row["idempotency_key"]) for row in rows}
    return {key: said for key, said in held.items() if key not in answered}
